"""Story 1 b and c: sales and support claim a lead within a window; rank decides, also when the arbiter dies in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.acceptance.bus_process import Bus, start_bus
from tests.stories.client import Json, Sender
from tests.stories.world import World, new_world

EMAIL = "leads.email.send.v1"
STAGE = "leads.lead.stage.v1"
CLAIM = "bus.resource.claim.v1"
# Long enough for everything that has to happen inside the window, also on a busy machine.
WINDOW_MS = 4_000
STAGES = [("gate", "gate-1"), ("arbiter", "arbiter-1"), ("publisher", "publisher-1")]


@dataclass(frozen=True, slots=True)
class Contested:
    """Both have claimed: what each heard of it, in the window and at its end."""

    office: "Office"
    lead: str
    joined: dict[str, Json]
    too_early: dict[str, Json]
    settled: dict[str, Json]
    granted: Json
    denied: Json


@dataclass(frozen=True, slots=True)
class Office:
    """Who works on leads."""

    world: World
    support: Sender
    sales: Sender
    crm: Sender

    def email(self, who: Sender, lead: str, token: int) -> Json:
        """Somebody writes to a lead."""
        body = {"lead_id": lead, "to": "dana.ruiz@example.com", "subject": "Hello", "text": f"from {who.lane}"}
        return who.ask(EMAIL, body, subject=f"lead/{lead}", token=token)

    def claims(self, lead: str) -> dict[str, Json]:
        """Support claims, sales a moment later; both hear that they take part."""
        self.crm.ask(STAGE, {"lead_id": lead, "stage": "qualified"}, subject=f"lead/{lead}")
        for who in (self.support, self.sales):
            who.say(CLAIM, {}, subject=f"lead/{lead}")
            assert who.producer.flush(20) == 0
        return {who.lane: who.hear_about("joined", f"lead/{lead}") for who in (self.support, self.sales)}

    def outcome(self, lead: str, joined: dict[str, Json], too_early: dict[str, Json]) -> Contested:
        """What comes of it when the window is over."""
        subject = f"lead/{lead}"
        settled = {who.lane: who.hear_about("settled", subject) for who in (self.support, self.sales)}
        granted, denied = self.sales.hear_about("granted", subject), self.support.hear_about("denied", subject)
        return Contested(self, lead, joined, too_early, settled, granted, denied)


def staffed(world: World) -> Office:
    """Two lanes that compete for leads, the crm, and a third role that may claim, so that the window lasts."""
    for contract in (EMAIL, STAGE):
        world.set_contract(contract)
    world.set_terms("leads", "lead", window_ms=WINDOW_MS, claimants=["sales", "support", "partner"])
    (support,) = world.hire("support-b", ("support-b", "support"))
    (sales,) = world.hire("sales-b", ("sales-b", "sales"))
    (crm,) = world.hire("crm-b", ("crm-b", "crm"))
    for lane in ("support-b", "sales-b"):
        world.await_in_force(lane)
    return Office(world, support, sales, crm)


@pytest.fixture(scope="module")
def contested(world: World) -> Contested:
    """(b) Both claim, and both try to write to the lead before it is settled."""
    office = staffed(world)
    joined = office.claims("L-B")
    too_early = {who.lane: office.email(who, "L-B", 1) for who in (office.support, office.sales)}
    return office.outcome("L-B", joined, too_early)


@pytest.fixture(scope="module")
def bus_in_parts() -> Iterator[Bus]:
    """A bus whose stages are processes of their own, so that one can be killed."""
    bus = start_bus(stages=STAGES)
    try:
        yield bus
    finally:
        faults = bus.stop()
    assert not faults, faults


@pytest.fixture(scope="module")
def survived(bus_in_parts: Bus) -> Iterator[Contested]:
    """(c) The same, but the arbiter is killed inside the window and started again."""
    world = new_world(bus_in_parts.bootstrap, str(bus_in_parts.dev.ready["operator"]))
    office = staffed(world)
    joined = office.claims("L-C")
    bus_in_parts.stages["arbiter-1"].kill()
    bus_in_parts.start_stage("arbiter", "arbiter-1")
    yield office.outcome("L-C", joined, {})
    world.close()


def test_both_take_part_in_one_contest(contested: Contested) -> None:
    """(b) Nobody is first come, first served within the window: both claims join the same contest."""
    assert contested.joined["support-b"]["contest"] == contested.joined["sales-b"]["contest"]


def test_nobody_writes_before_it_is_settled(contested: Contested) -> None:
    """(b) Until the window is over nobody holds the lead: an email by either is refused as fenced."""
    told = {lane: (email["reason"], email["current"]) for lane, email in contested.too_early.items()}
    assert told == {"support-b": ("fenced", 0), "sales-b": ("fenced", 0)}


@pytest.mark.parametrize("play", ["contested", "survived"])
def test_the_higher_role_wins(play: str, request: pytest.FixtureRequest) -> None:
    """(b, c) Both hear that priority settled it for sales, which holds the lead from then on."""
    found: Contested = request.getfixturevalue(play)
    winner = found.joined["sales-b"]["decision"]
    told = [(one["by"], one["winner"]) for one in found.settled.values()]
    assert told == [("priority", winner)] * 2
    assert (found.granted["agent"], found.granted["by"]) == (found.office.sales.source, "priority")
    assert found.granted["token"] > 0


@pytest.mark.parametrize("play", ["contested", "survived"])
def test_the_other_hears_why_it_lost(play: str, request: pytest.FixtureRequest) -> None:
    """(b, c) Support hears that it lost, by what, and to which claim."""
    found: Contested = request.getfixturevalue(play)
    denied, winner = found.denied, found.joined["sales-b"]["decision"]
    assert (denied["reason"], denied["by"], denied["winner"]) == ("lost", "priority", winner)


@pytest.mark.parametrize("play", ["contested", "survived"])
def test_only_the_winner_reaches_the_lead(play: str, request: pytest.FixtureRequest) -> None:
    """(b, c) Exactly one email is on the leads topic: the one that sales sent under its token."""
    found: Contested = request.getfixturevalue(play)
    office, token = found.office, found.granted["token"]
    stolen = office.email(office.support, found.lead, token)
    admitted = office.email(office.sales, found.lead, token)
    emails = office.world.governed("leads", {"lead_id": found.lead}, after=admitted)
    assert stolen["reason"] == "fenced"
    assert [email["text"] for email in emails] == ["from sales-b"]
