"""Story 3: two purchase orders to a supplier on whom sanctions match: nothing moves until a person rules."""

import time
from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import World

ISSUE = "orders.po.issue.v1"
RENEW = "bus.resource.renew.v1"
RELEASE = "bus.resource.release.v1"
# Two tiers, each long enough for a look at the case before it is over.
TIERS_MS = [2_000, 2_000]
FAR_AHEAD_MS = 4_000_000_000_000
EXPIRES_IN_S = 8


@dataclass(frozen=True, slots=True)
class Purchasing:
    """Who orders, who checks, who else wants the supplier, and the person who rules."""

    world: World
    procurement: Sender
    compliance: Sender
    logistics: Sender
    person: Sender

    def order(self, supplier: str, token: int, number: int, expires: str = "") -> Json:
        """An order; its answer."""
        body = {
            "supplier_id": supplier,
            "po_number": f"PO-{supplier}-{number}",
            "currency": "EUR",
            "total_cents": 90_000,
            "lines": [{"sku": "pallet", "quantity": 3, "unit_price_cents": 30_000}],
            "deliver_to": "Dock 4, Rotterdam",
            "delivery_by_ms": FAR_AHEAD_MS,
            "cost_centre": "CC-1200",
        }
        return self.procurement.ask(ISSUE, body, subject=f"supplier/{supplier}", token=token, expires=expires)

    def ordered(self, supplier: str) -> list[str]:
        """The numbers of the orders that went out, in order."""
        orders = self.world.topic("orders").all(lambda record: record.json["supplier_id"] == supplier)
        return [str(record.json["po_number"]) for record in orders]

    def freeze(self, supplier: str, expires: str = "") -> "Frozen":
        """Procurement holds the supplier and orders twice; compliance finds it on a list."""
        subject = f"supplier/{supplier}"
        token = int(self.procurement.claim(subject)["token"])
        first = self.order(supplier, token, 1)
        contest = self.procurement.hear_about("contest_opened", subject)
        second = self.order(supplier, token, 2, expires)
        self.compliance.vote(contest, "reject", "sanctions.match")
        frozen = self.procurement.hear_about("frozen", subject)
        return Frozen(self, supplier, token, (first, second), str(frozen["case"]))


@dataclass(frozen=True, slots=True)
class Frozen:
    """A supplier that waits for a person."""

    purchasing: Purchasing
    supplier: str
    token: int
    held: tuple[Json, Json]
    case: str

    @property
    def subject(self) -> str:
        """The supplier as a subject."""
        return f"supplier/{self.supplier}"

    def file(self, rev: int = 1) -> Json:
        """The case's file at this revision or a later one."""
        return self.purchasing.world.case_file(self.case, lambda one: one["rev"] >= rev)

    def end(self, count: int, kind: str) -> list[Json]:
        """The first events of that kind that procurement hears of the supplier."""
        answers = self.purchasing.procurement.answers
        about = [
            record.json
            for record in answers.all(
                lambda record: record.json["kind"] == kind and record.json.get("subject") == self.subject
            )
        ]
        assert len(about) == count, about
        return about


@pytest.fixture(scope="module")
def purchasing(world: World) -> Purchasing:
    """Orders are reviewed by compliance, whose veto calls a person; nobody rules on its own for long."""
    world.set_contract(ISSUE, review={"seats": ["compliance"], "ballot_ms": 20_000})
    escalate = {
        "queue": "procurement",
        "tiers_ms": TIERS_MS,
        "reserve_ms": 2_000,
        "on_expiry": "stay_frozen",
        "hold_ms": 600_000,
    }
    world.set_terms("orders", "supplier", escalate=escalate)
    (procurement,) = world.hire("buying", ("buyer-1", "procurement"))
    (compliance,) = world.hire("checking", ("checker-1", "compliance"))
    (logistics,) = world.hire("moving", ("mover-1", "logistics"))
    person = world.enrol("paul", "procurement")
    for lane in ("buying", "checking"):
        world.await_in_force(lane)
    return Purchasing(world, procurement, compliance, logistics, person)


@pytest.fixture(scope="module")
def frozen(purchasing: Purchasing) -> Frozen:
    """The supplier of the first tests, whom nobody rules on until it is long overdue."""
    return purchasing.freeze("S-7")


def test_the_first_order_is_held_and_the_second_waits_behind_it(frozen: Frozen) -> None:
    """One review at a time: the second order is held too, without a contest of its own."""
    first, second = frozen.held
    assert (first["kind"], second["kind"]) == ("action_held", "action_held")
    assert "contest" in first
    assert "contest" not in second
    assert len(frozen.file()["actions"]) == 2


def test_while_it_is_frozen_only_the_holder_is_confirmed(frozen: Frozen) -> None:
    """Another's claim is denied as frozen; the holder's renewal is confirmed under the same token."""
    denied = frozen.purchasing.logistics.claim(frozen.subject)
    renewed = frozen.purchasing.procurement.ask(RENEW, {"token": frozen.token}, subject=frozen.subject)
    assert (denied["kind"], denied["reason"]) == ("denied", "frozen")
    assert (renewed["kind"], renewed["token"]) == ("confirmed", frozen.token)


def test_time_alone_never_lets_anything_through(frozen: Frozen) -> None:
    """A tier passes and the case moves up; the last passes and it is overdue; still frozen, nothing is ordered."""
    moved_up = frozen.purchasing.world.case_file(frozen.case, lambda one: one["tier"] == 1)
    overdue = frozen.purchasing.world.case_file(frozen.case, lambda one: one["overdue"])
    still = frozen.purchasing.logistics.claim(frozen.subject)
    assert (moved_up["overdue"], overdue["state"]) == (False, "ready")
    assert still["reason"] == "frozen"
    assert frozen.purchasing.ordered(frozen.supplier) == []


def test_an_approval_lets_both_go_in_order(frozen: Frozen) -> None:
    """The person approves, overdue or not: both orders go out, the first one first, under the holder's token."""
    person = frozen.purchasing.person
    closed = person.rule(
        frozen.purchasing.world.case_file(frozen.case, lambda one: one["overdue"]), "approve", "a namesake"
    )
    admitted = [
        frozen.purchasing.procurement.hear_about("action_admitted", frozen.subject, held=one["decision"])
        for one in frozen.held
    ]
    frozen.purchasing.world.governed("orders", {}, after=admitted[-1])
    assert (closed["kind"], closed["ruling"]) == ("case_closed", "approve")
    assert [one["token"] for one in admitted] == [frozen.token] * 2
    assert frozen.purchasing.ordered(frozen.supplier) == ["PO-S-7-1", "PO-S-7-2"]


def test_a_rejection_rules_out_both(purchasing: Purchasing) -> None:
    """The person rejects: neither order goes out, and the holder keeps the supplier."""
    frozen = purchasing.freeze("S-8")
    purchasing.person.rule(frozen.file(), "reject", "it is the listed firm")
    refused = frozen.end(2, "action_refused")
    again = purchasing.procurement.claim(frozen.subject)
    assert [one["reason"] for one in refused] == ["ruled_out"] * 2
    assert (again["kind"], again["token"]) == ("confirmed", frozen.token)
    assert purchasing.ordered("S-8") == []


def test_an_order_past_its_own_time_does_not_go(purchasing: Purchasing) -> None:
    """The second order names a time after which it makes no sense; the approval comes later: only the first goes."""
    moment = time.time() + EXPIRES_IN_S
    frozen = purchasing.freeze("S-9", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)))
    time.sleep(max(0.0, moment - time.time()))
    file = purchasing.world.case_file(frozen.case, lambda one: one["overdue"])
    purchasing.person.rule(file, "approve", "a namesake")
    admitted = purchasing.procurement.hear_about("action_admitted", frozen.subject)
    refused = purchasing.procurement.hear_about("action_refused", frozen.subject)
    purchasing.world.governed("orders", {}, after=admitted)
    assert (refused["reason"], refused["held"]) == ("expired", frozen.held[1]["decision"])
    assert purchasing.ordered("S-9") == ["PO-S-9-1"]


def test_a_ruling_on_what_was_read_before_is_stale(purchasing: Purchasing) -> None:
    """A third order changes the case: a ruling by the old revision is refused, one by the new is taken."""
    frozen = purchasing.freeze("S-10")
    before = frozen.file()
    purchasing.order("S-10", frozen.token, 3)
    stale = purchasing.person.rule(before, "reject", "seen enough")
    closed = purchasing.person.rule(frozen.file(before["rev"] + 1), "reject", "seen enough")
    assert (stale["kind"], stale["reason"]) == ("refused", "stale_rev")
    assert closed["kind"] == "case_closed"
