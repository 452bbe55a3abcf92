"""Story 2: an agent closes a deal of 2.4 million at 38 % off; three specialists disagree, and a person decides."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Record, Sender
from tests.stories.world import World

CLOSE = "deals.deal.close.v1"
STAGE = "deals.deal.stage.v1"
RULE = "bus.case.rule.v1"
LARGE_CENTS = 240_000_000
SMALL_CENTS = 4_000_000


@dataclass(frozen=True, slots=True)
class Firm:
    """The agent that sells, the three that judge, and the person who decides."""

    world: World
    deal: Sender
    pricing: Sender
    compliance: Sender
    risk: Sender
    crm: Sender
    person: Sender

    def wins(self, deal: str) -> int:
        """The deal is in negotiation and the selling agent holds it; its token."""
        self.crm.ask(STAGE, {"deal_id": deal, "stage": "negotiation"}, subject=f"deal/{deal}")
        return int(self.deal.claim(f"deal/{deal}")["token"])

    def closes(self, deal: str, token: int, cents: int) -> Json:
        """The agent commits the company; the contest in which it is judged."""
        body = {
            "deal_id": deal,
            "customer": "Northwind Traders",
            "amount_cents": cents,
            "currency": "USD",
            "discount_bp": 3_800,
            "standard_terms": False,
            "deviations": ["termination for convenience"],
        }
        held = self.deal.ask(CLOSE, body, subject=f"deal/{deal}", token=token)
        assert held["kind"] == "action_held", held
        return self.deal.hear_about("contest_opened", f"deal/{deal}")

    def set_veto(self, then: str) -> None:
        """What a veto of compliance brings about."""
        veto = {"role": "compliance", "reasons": ["regulatory.*", "sanctions.*"], "then": then}
        self.world.set_terms("deals", "deal", veto=[veto])
        for lane in ("deals", "judges"):
            self.world.await_in_force(lane)


@dataclass(frozen=True, slots=True)
class Disputed:
    """The large deal: what everybody heard until the person had ruled."""

    firm: Firm
    token: int
    contest: Json
    own_vote: Json
    own_ruling: Json
    frozen: Json
    late_ballot: Json
    file: Json
    closed: Json


@pytest.fixture(scope="module")
def firm(world: World) -> Firm:
    """Everybody, and the terms and contracts as they stand in the repository."""
    for contract in (CLOSE, STAGE):
        world.set_contract(contract)
    (deal,) = world.hire("deals", ("deal-1", "sales"))
    judges = ("pricing-1", "pricing"), ("compliance-1", "compliance"), ("risk-1", "risk")
    pricing, compliance, risk = world.hire("judges", *judges)
    (crm,) = world.hire("crm-deals", ("crm-deals", "crm"))
    person = world.enrol("rosa", "revenue")
    made = Firm(world, deal, pricing, compliance, risk, crm, person)
    made.set_veto("human")
    return made


@pytest.fixture(scope="module")
def disputed(firm: Firm) -> Disputed:
    """Pricing approves, compliance rejects with a listed reason, risk rejects later; the person rejects."""
    token = firm.wins("D-9")
    contest = firm.closes("D-9", token, LARGE_CENTS)
    own_vote = firm.deal.vote(contest, "approve", "ltv")
    firm.pricing.vote(contest, "approve", "ltv")
    firm.compliance.vote(contest, "reject", "regulatory.asc606", confidence=9_100, reasoning="revenue is not earned")
    frozen = firm.deal.hear_about("frozen", "deal/D-9")
    late_ballot = firm.risk.vote(contest, "reject", "credit_deterioration")
    file = firm.world.case_file(frozen["case"], lambda one: len(one["ballots"]) == 3)
    own_ruling = firm.deal.rule(file, "approve", "it is a good deal")
    closed = firm.person.rule(file, "reject", "the revenue could not be recognised")
    return Disputed(firm, token, contest, own_vote, own_ruling, frozen, late_ballot, file, closed)


def test_the_agent_has_no_voice_in_its_own_matter(disputed: Disputed) -> None:
    """Its vote is refused, for it has no seat; its ruling is refused, for it is no person."""
    assert (disputed.own_vote["kind"], disputed.own_vote["reason"]) == ("refused", "not_a_seat")
    assert (disputed.own_ruling["kind"], disputed.own_ruling["reason"]) == ("refused", "not_a_person")


def test_a_veto_freezes_at_once(disputed: Disputed) -> None:
    """Compliance's reason is listed: the case is there before the third seat has spoken, long before the deadline."""
    assert disputed.frozen["at"] < disputed.contest["deadline"]
    assert _numbers(disputed.frozen) < _numbers(disputed.late_ballot)


def test_the_person_has_three_positions_in_front_of_her(disputed: Disputed) -> None:
    """Risk's later ballot entered the file: it shows all three, with their reasons, and the action itself."""
    file = disputed.file
    told = {ballot["seat"]: (ballot["choice"], ballot["reason"]) for ballot in file["ballots"]}
    assert disputed.late_ballot["kind"] == "voted"
    assert told == {
        "pricing": ("approve", "ltv"),
        "compliance": ("reject", "regulatory.asc606"),
        "risk": ("reject", "credit_deterioration"),
    }
    assert (file["kind"], file["subject"], file["queue"]) == ("approval", "deal/D-9", "revenue")
    assert (file["holder"]["agent"], file["holder"]["token"]) == (disputed.firm.deal.source, disputed.token)
    assert [str(LARGE_CENTS) in action["excerpt"] for action in file["actions"]] == [True]


def test_the_file_says_what_each_ruling_will_do(disputed: Disputed) -> None:
    """It lists both rulings with their effects, and what happens if nobody does anything."""
    rulings = {one["ruling"]: one for one in disputed.file["rulings"]}
    assert rulings.keys() == {"approve", "reject"}
    assert all(one["effects"] for one in rulings.values())
    assert (rulings["approve"]["irreversible"], rulings["reject"]["irreversible"]) == (True, False)
    assert disputed.file["if_nothing"]


def test_the_person_rejects_and_the_holder_keeps_the_deal(disputed: Disputed) -> None:
    """The action is ruled out, the deal thaws, its holder keeps its token, and nothing was closed."""
    firm = disputed.firm
    refused = firm.deal.hear_about("action_refused", "deal/D-9")
    unfrozen = firm.deal.hear_about("unfrozen", "deal/D-9")
    again = firm.deal.claim("deal/D-9")
    assert (disputed.closed["kind"], disputed.closed["ruling"]) == ("case_closed", "reject")
    assert refused["reason"] == "ruled_out"
    assert unfrozen["case"] == disputed.file["case"]
    assert (again["kind"], again["token"]) == ("confirmed", disputed.token)
    assert not [one for one in firm.world.topic("deals").all() if one.json["deal_id"] == "D-9"]


def test_a_small_deal_calls_nobody(firm: Firm) -> None:
    """At 40,000 dollars, and a veto that denies, compliance's reason ends it at once: no case, no freeze."""
    firm.set_veto("deny")
    token = firm.wins("D-10")
    contest = firm.closes("D-10", token, SMALL_CENTS)
    firm.compliance.vote(contest, "reject", "regulatory.asc606")
    refused = firm.deal.hear_about("action_refused", "deal/D-10")
    kinds = {record.json["kind"] for record in firm.world.topic("bus.outcomes").all(_is_about("deal/D-10"))}
    assert refused["reason"] == "vetoed"
    assert not kinds & {"case_opened", "frozen"}


def test_a_reason_that_is_not_listed_is_a_plain_reject(firm: Firm) -> None:
    """Compliance dislikes the style: the other two outvote it, and the deal is closed."""
    token = firm.wins("D-11")
    contest = firm.closes("D-11", token, SMALL_CENTS)
    firm.compliance.vote(contest, "reject", "style")
    for who in (firm.pricing, firm.risk):
        who.vote(contest, "approve", "fit")
    settled = firm.deal.hear_about("settled", "deal/D-11")
    admitted = firm.deal.hear_about("action_admitted", "deal/D-11")
    assert (settled["winner"], settled["by"], settled["tally"]) == ("approve", "vote", {"approve": 2, "reject": 1})
    assert [deal["amount_cents"] for deal in firm.world.governed("deals", {"deal_id": "D-11"}, after=admitted)] == [
        SMALL_CENTS
    ]


def test_no_ballot_was_readable_before_the_close(disputed: Disputed) -> None:
    """While the contest was open the world only heard who had voted, never what."""
    voted = disputed.firm.world.topic("bus.outcomes").all(_is_about("deal/D-9", "voted"))
    assert len(voted) == 3
    assert not [one for one in voted if {"choice", "reason", "confidence"} & one.json.keys()]


def _is_about(subject: str, kind: str = "") -> Callable[[Record], bool]:
    return lambda record: record.json.get("subject") == subject and kind in ("", record.json["kind"])


def _numbers(answer: Json) -> list[int]:
    return [int(part) for part in str(answer["decision"]).split(".")]
