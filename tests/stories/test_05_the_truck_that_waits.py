"""Story 5: a truck stands still because its planner waits for procurement, which would wait for three days itself."""

import time
from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import World

WAIT = "bus.agent.wait.v1"
HOURS_72_MS = 72 * 3_600_000
# So long the planner is willing to wait; the terms allow four hours.
SOON_MS = 2_500


@dataclass(frozen=True, slots=True)
class Waiting:
    """Two agents that wait, and what became of it."""

    world: World
    routing: Sender
    procurement: Sender
    person: Sender
    token: int
    too_long: Json
    waiting: Json
    file: Json


@pytest.fixture(scope="module")
def waiting(world: World) -> Waiting:
    """Routing holds the shipment and waits for procurement; procurement holds a supplier and wants to wait for days."""
    world.set_terms("logistics", "shipment", claimants=["logistics", "routing", "procurement"])
    world.set_terms("orders", "supplier")
    (routing,) = world.hire("planning", ("planner-1", "routing"))
    (procurement,) = world.hire("sourcing", ("sourcer-1", "procurement"))
    person = world.enrol("lena", "logistics")
    world.await_in_force("planning")
    token = int(routing.claim("shipment/T-100")["token"])
    assert procurement.claim("supplier/S-100")["kind"] == "granted"
    body = {"for": "supplier/S-101", "until": _in_ms(HOURS_72_MS), "reason": "the supplier answers after the weekend"}
    too_long = procurement.ask(WAIT, body, subject="supplier/S-100")
    body = {"for": procurement.source, "until": _in_ms(SOON_MS), "reason": "no purchase order, no loading"}
    said = routing.ask(WAIT, body, subject="shipment/T-100")
    frozen = routing.hear_about("frozen", "shipment/T-100")
    return Waiting(world, routing, procurement, person, token, too_long, said, world.case_file(frozen["case"]))


def test_three_days_are_too_long(waiting: Waiting) -> None:
    """Nobody may wait longer than the terms say: the second wait is refused, and nothing stands still for days."""
    assert (waiting.too_long["kind"], waiting.too_long["reason"]) == ("refused", "wait_too_long")


def test_when_the_wait_passes_a_person_is_called(waiting: Waiting) -> None:
    """The case names both agents: who holds the shipment and waits, and for whom."""
    file = waiting.file
    named = {claim["agent"] for claim in file["claims"]}
    assert waiting.waiting["kind"] == "waiting"
    assert (file["kind"], file["subject"], file["queue"]) == ("wait", "shipment/T-100", "logistics")
    assert (file["holder"]["agent"], file["holder"]["token"]) == (waiting.routing.source, waiting.token)
    assert named == {waiting.routing.source, waiting.procurement.source}


def test_the_case_says_what_each_wants(waiting: Waiting) -> None:
    """The person reads why the planner waits, not only that it does."""
    assert "no purchase order, no loading" in str(waiting.file)


def test_the_shipment_moves_to_whom_the_person_awards_it(waiting: Waiting) -> None:
    """The person gives the shipment to procurement: a new, higher token; the planner's is over."""
    candidate = waiting.procurement.hear_about("joined", "shipment/T-100")["decision"]
    waiting.person.rule(waiting.file, "award", "procurement can load it now", candidate=candidate)
    granted = waiting.procurement.hear_about("granted", "shipment/T-100")
    ended = waiting.routing.hear_about("ended", "shipment/T-100")
    moved = waiting.routing.ask("bus.resource.renew.v1", {"token": waiting.token}, subject="shipment/T-100")
    assert (granted["by"], ended["reason"], ended["token"]) == ("ruling", "ruled", waiting.token)
    assert granted["token"] > waiting.token
    assert (moved["reason"], moved["current"]) == ("fenced", granted["token"])


def _in_ms(ms: int) -> int:
    return int(time.time() * 1000) + ms
