"""Story 13: an agent runs in a loop; an operator suspends it, everyone else goes on, and it cannot help itself."""

from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import World

OFFER = "logistics.quote.offer.v1"
SUSPEND = "bus.control.suspend.v1"
RESUME = "bus.control.resume.v1"
HELD = ("shipment/T-1", "shipment/T-2")
LOOP = 20
FAR_AHEAD_MS = 4_000_000_000_000


@dataclass(frozen=True, slots=True)
class Yard:
    """Two agents of one team on one lane, and a third of another."""

    world: World
    looper: Sender
    colleague: Sender
    routing: Sender

    def offer_again(self) -> str:
        """What the looping agent does all the time."""
        return self.looper.say(OFFER, OFFER_BODY)


@dataclass(frozen=True, slots=True)
class Suspended:
    """The yard after the operator's word; what the bus said of it."""

    yard: Yard
    tokens: dict[str, int]
    answer: Json


OFFER_BODY: Json = {
    "request": "r-1",
    "purchase_order": "PO-77",
    "carrier": "Ring Road Haulage",
    "price_cents": 48_000,
    "currency": "EUR",
    "delivery_window": {"from_ms": FAR_AHEAD_MS, "to_ms": FAR_AHEAD_MS + 1},
    "valid_until_ms": FAR_AHEAD_MS,
}


@pytest.fixture(scope="module")
def yard(world: World) -> Yard:
    """Shipments to hold, offers to send, and leases far longer than the story."""
    world.set_contract(OFFER)
    world.set_terms("logistics", "shipment", lease_ms=600_000)
    looper, colleague = world.hire("yard", ("looper", "logistics"), ("colleague", "logistics"))
    (routing,) = world.hire("routing", ("routing-1", "routing"))
    world.await_in_force("yard")
    return Yard(world, looper, colleague, routing)


@pytest.fixture(scope="module")
def suspended(yard: Yard) -> Suspended:
    """The looping agent holds two shipments and floods logistics with offers; the operator suspends it."""
    tokens = {shipment: int(yard.looper.claim(shipment)["token"]) for shipment in HELD}
    assert yard.colleague.claim("shipment/T-3")["kind"] == "granted"
    loop = [yard.offer_again() for _ in range(LOOP)]
    assert yard.looper.hear(loop[-1])["kind"] == "action_admitted"

    select = {"select": {"agent": yard.looper.source}, "reason": "sends the same offer over and over"}
    answer = yard.world.steward.ask(SUSPEND, select)
    yard.world.control = int(answer["control"])
    yard.world.await_in_force("yard")
    return Suspended(yard, tokens, answer)


def test_the_suspension_is_in_force_at_one_point_of_every_partition(suspended: Suspended) -> None:
    """Each partition of the arbiter says once, by the operator's one message, that the agent is suspended."""
    src = suspended.answer["src"]
    outcomes = suspended.yard.world.topic("bus.outcomes")

    said = outcomes.all(lambda record: record.json["kind"] == "agent_status" and record.json["src"] == src)

    assert sorted(record.partition for record in said) == outcomes.partitions
    assert {record.json["status"] for record in said} == {"suspended"}
    assert [record.json["select"] for record in said] == [{"agent": suspended.yard.looper.source}] * len(said)


@pytest.mark.parametrize("shipment", HELD)
def test_its_holdings_end(suspended: Suspended, shipment: str) -> None:
    """What the agent held ends as revoked, long before its lease, and it hears so itself."""
    ended = suspended.yard.looper.hear_about("ended", shipment)

    assert (ended["reason"], ended["token"]) == ("revoked", suspended.tokens[shipment])
    assert ended["cause"], "it names the decision that ended it"


def test_it_is_refused_whatever_it_says(suspended: Suspended) -> None:
    """The loop goes on sending: every message is refused as suspended and none reaches logistics."""
    yard = suspended.yard
    answers = [yard.looper.hear(said) for said in [yard.offer_again() for _ in range(5)]]
    last = yard.colleague.ask(OFFER, OFFER_BODY | {"purchase_order": "PO-78"})

    assert [answer["reason"] for answer in answers] == ["suspended"] * 5
    assert len(yard.world.governed("logistics", {"purchase_order": "PO-77"}, after=last)) == LOOP


def test_it_cannot_lift_its_own_suspension(suspended: Suspended) -> None:
    """Neither on its own lane nor on the operators' does the agent's word resume it."""
    looper, steward = suspended.yard.looper, suspended.yard.world.steward
    body = {"select": {"agent": looper.source}, "reason": "I feel better now"}

    on_its_lane = looper.ask(RESUME, body)
    intruder = Sender(looper.source, "operators", looper.producer, steward.answers, count=1000)
    said = intruder.say(RESUME, body)
    on_theirs = steward.answers.find(lambda record: record.json["id"] == said, "the operators' gate answers").json

    assert on_its_lane["reason"] == "suspended"
    assert on_theirs["reason"] == "wrong_lane"
    assert looper.ask(OFFER, OFFER_BODY)["reason"] == "suspended"


def test_everyone_else_goes_on(suspended: Suspended) -> None:
    """A colleague on the same lane keeps what it holds, and takes over what the suspended agent held."""
    yard = suspended.yard
    yard.looper.hear_about("ended", HELD[0])

    kept = yard.colleague.claim("shipment/T-3")
    taken = yard.routing.claim(HELD[0])

    assert kept["kind"] == "confirmed"
    assert taken["kind"] == "granted"
    assert taken["token"] > suspended.tokens[HELD[0]]


def test_an_operator_resumes_it(suspended: Suspended) -> None:
    """After the operator's word the agent works again, and has to claim anew like everybody."""
    yard = suspended.yard
    yard.looper.hear_about("ended", HELD[1])
    select = {"select": {"agent": yard.looper.source}, "reason": "the loop is repaired"}
    yard.world.control = int(yard.world.steward.ask(RESUME, select)["control"])
    yard.world.await_in_force("yard")

    claimed = yard.looper.claim(HELD[1])

    assert claimed["kind"] == "granted"
    assert claimed["token"] > suspended.tokens[HELD[1]]
