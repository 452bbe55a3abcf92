"""Contests, cases and waits on a handmade bus: every rung, every ruling, and every no that only they can say."""

from typing import Any, Protocol

from bus.core.contest.contest import CANDIDATES_MAX
from tests.audit.handmade import ANA, SALES, SUPPORT, Body
from tests.rules.cast import contract_value

BOB = "spiffe://acme/person/bob"
CRM, LEGAL = "spiffe://acme/agent/crm-1", "spiffe://acme/agent/legal-1"
LANES = {SALES: "sales", SUPPORT: "support", CRM: "crm", LEGAL: "legal", BOB: "desk", ANA: "operators"}
SIGN, SEND = "bids.paper.sign.v1", "bids.paper.send.v1"
RUNG_MS = 20_000  # of a window, a ballot and a turn
HOLD_MS = 900_000
TERMS: Body = {
    "window_ms": RUNG_MS,
    "lease_ms": 9_000_000,
    "on_held": "contest",
    "cooldown_ms": 60_000,
    "ask": ["sales"],
    "ladder": ["priority", "vote", "negotiate", "human"],
    "vote": {"seats": ["crm", "legal"], "method": "plurality", "quorum_bp": 10_000, "ballot_ms": RUNG_MS},
    "negotiate": {"turn_ms": RUNG_MS, "max_turns": 4},
    "veto": [
        {"role": "legal", "reasons": ["regulatory.*"], "then": "human"},
        {"role": "crm", "reasons": ["sanctions.*"], "then": "deny"},
    ],
    "freeze_above_cost": 1_000,
    "wait_max_ms": 50_000,
    "escalate": {"queue": "desk", "tiers_ms": [100_000, 100_000], "reserve_ms": RUNG_MS, "hold_ms": HOLD_MS},
}


class Bus(Protocol):
    """What these contests need of a handmade bus."""

    now_ms: int

    def set(self, kind: str, name: str, value: Any) -> None: ...
    def say(self, lane: str, source: str, kind: str, body: object = None, **more: Any) -> int: ...
    def wait_ms(self, duration_ms: int) -> None: ...
    def token(self, subject: str) -> int: ...
    def last(self, kind: str, subject: str) -> str: ...
    def joined(self, agent: str, subject: str) -> str: ...


def contests(bus: Bus) -> None:
    """All of them."""
    _set_up(bus)
    _by_priority(bus)
    _by_negotiation(bus)
    _by_a_person(bus)
    _reviews(bus)
    _over_the_limit(bus)
    _vetoes(bus)
    _waits(bus)
    _questions(bus)
    _nobody_wins(bus)


def _set_up(bus: Bus) -> None:
    bus.set("person", BOB, {"roles": ["resolver"], "queues": ["desk"], "owns": []})
    bus.set("terms", "bid", {"resource": "bid", **TERMS, "priority": ["sales", "support"]})
    bus.set("terms", "tie", {"resource": "tie", **TERMS})
    bus.set("terms", "open", {"resource": "open", **TERMS, "ladder": ["vote", "deny"]})
    higher = {"window_ms": 0, "on_held": "preempt_if_higher", "priority": ["sales", "support"]}
    bus.set("terms", "high", {"resource": "high", **TERMS, **higher})
    guarded: Body = {"resource": "tie", "topic": "leads", "guard": True, "cost": "/cost"}
    schema = {"type": "object"}
    bus.set("contract", SIGN, contract_value(SIGN, schema, **guarded, review={"seats": ["legal"]}))
    bus.set("contract", SEND, contract_value(SEND, schema, **guarded))


def _say(bus: Bus, source: str, kind: str, subject: str, body: object = None, **more: Any) -> None:
    bus.say(LANES[source], source, f"bus.{kind}.v1", {} if body is None else body, subject=subject, **more)


def _both_claim(bus: Bus, subject: str) -> None:
    for agent in (SALES, SUPPORT):
        _say(bus, agent, "resource.claim", subject)


def _vote(bus: Bus, agent: str, subject: str, choice: Any, reason: str = "fit", contest: str = "") -> None:
    body = {"contest": contest or bus.last("contest_opened", subject), "choice": choice, "reason": reason}
    _say(bus, agent, "contest.vote", subject, body)


def _move(bus: Bus, agent: str, kind: str, subject: str, turn: int, **more: str) -> None:
    body = {"contest": bus.last("contest_opened", subject), "turn": turn, **more}
    _say(bus, agent, f"contest.{kind}", subject, body)


def _rule(bus: Bus, subject: str, ruling: str, rev: int, source: str = BOB, **more: str) -> None:
    body = {"case": bus.last("case_opened", subject), "rev": rev, "ruling": ruling, "reason": "as it should be"}
    _say(bus, source, "case.rule", subject, {**body, **more})


def _desk(bus: Bus, kind: str, subject: str, rev: int) -> None:
    _say(bus, BOB, f"case.{kind}", subject, {"case": bus.last("case_opened", subject), "rev": rev})


def _act(bus: Bus, kind: str, subject: str, cost: int = 1) -> None:
    bus.say("sales", SALES, kind, {"cost": cost}, subject=subject, bustoken=bus.token(subject))


def _by_priority(bus: Bus) -> None:
    """The role decides; the loser challenges the holder in vain and has to leave it in peace for a while."""
    _both_claim(bus, "bid/B-1")
    _say(bus, SALES, "resource.claim", "bid/B-1")
    _move(bus, SALES, "offer", "bid/B-1", 1, outcome=bus.joined(SALES, "bid/B-1"))
    bus.wait_ms(RUNG_MS)
    _say(bus, SUPPORT, "resource.claim", "bid/B-1")
    bus.wait_ms(RUNG_MS)
    _say(bus, SUPPORT, "resource.claim", "bid/B-1")
    _say(bus, SUPPORT, "resource.claim", "high/H-1")
    _say(bus, SALES, "resource.claim", "high/H-1")


def _by_negotiation(bus: Bus) -> None:
    """Two of one priority, then a tied vote, then an offer that is accepted."""
    subject = "tie/T-1"
    _both_claim(bus, subject)
    bus.wait_ms(RUNG_MS)
    sales, support = bus.joined(SALES, subject), bus.joined(SUPPORT, subject)
    _vote(bus, SALES, subject, sales)
    _vote(bus, CRM, subject, sales)
    _vote(bus, LEGAL, subject, support)
    _move(bus, SALES, "offer", subject, 1, outcome=sales)
    _move(bus, SUPPORT, "offer", subject, 2, outcome=support)
    _move(bus, SALES, "accept", subject, 3)
    _vote(bus, LEGAL, subject, support)
    bus.wait_ms(2 * RUNG_MS)
    _vote(bus, LEGAL, subject, support)


def _by_a_person(bus: Bus) -> None:
    """Nobody votes, a party quits, a person decides."""
    subject = "tie/T-2"
    _both_claim(bus, subject)
    bus.wait_ms(RUNG_MS)
    bus.wait_ms(RUNG_MS)
    _move(bus, SALES, "quit", subject, 1)
    support = bus.joined(SUPPORT, subject)
    _say(bus, CRM, "resource.claim", subject)
    _rule(bus, subject, "award", 1, source=SALES, candidate=support)
    _desk(bus, "reserve", subject, 1)
    _desk(bus, "release", subject, 2)
    _desk(bus, "reserve", subject, 3)
    bus.wait_ms(RUNG_MS + 1_000)
    _rule(bus, subject, "award", 1, candidate=support)
    _rule(bus, subject, "award", 5, candidate="1.0.0.0")
    bus.wait_ms(100_000)
    bus.wait_ms(100_000)
    _rule(bus, subject, "award", 5, candidate=support)


def _reviews(bus: Bus) -> None:
    """Held actions: approved, rejected by the seat, by a veto, by a person, and never decided."""
    subject = "tie/T-3"
    _both_claim(bus, subject)
    _say(bus, SUPPORT, "resource.withdraw", subject, {"claim": f"m-{bus.count}"})  # type: ignore[attr-defined]
    bus.wait_ms(RUNG_MS)
    _act(bus, SIGN, subject)
    _act(bus, SEND, subject)
    _vote(bus, LEGAL, subject, "approve")
    _act(bus, SIGN, subject)
    _vote(bus, LEGAL, subject, "reject")
    _act(bus, SIGN, subject)
    _vote(bus, CRM, subject, "reject", "sanctions.listed")
    _act(bus, SIGN, subject)
    _vote(bus, LEGAL, subject, "reject", "regulatory.gdpr")
    _say(bus, SALES, "resource.renew", subject, {"token": bus.token(subject)})
    _act(bus, SEND, subject)
    _rule(bus, subject, "approve", 2)
    _act(bus, SIGN, subject, 5_000)
    _vote(bus, LEGAL, subject, "approve")
    bus.wait_ms(HOLD_MS)


def _over_the_limit(bus: Bus) -> None:
    """Too costly to pass without a person, and too much waiting behind it."""
    subject = "tie/T-3"
    _act(bus, SEND, subject, 5_000)
    for _ in range(32):
        _act(bus, SEND, subject)
    _rule(bus, subject, "reject", 32)


def _vetoes(bus: Bus) -> None:
    """Over claims: one that settles it, one that a person settles for nobody."""
    _both_claim(bus, "tie/T-4")
    _vote(bus, CRM, "tie/T-4", "reject", "sanctions.listed")
    _both_claim(bus, "tie/T-5")
    _vote(bus, LEGAL, "tie/T-5", "reject", "regulatory.gdpr")
    _rule(bus, "tie/T-5", "reject_all", 1)


def _waits(bus: Bus) -> None:
    """A wait that ends in time, and one that a person ends."""
    subject = "tie/T-3"
    for_support = {"for": SUPPORT, "reason": "a quote"}
    _say(bus, SALES, "agent.wait", subject, {**for_support, "until": bus.now_ms + 40_000})
    _say(bus, SALES, "agent.resume", subject, {"wait": bus.last("waiting", subject)})
    _say(bus, SALES, "agent.wait", subject, {**for_support, "until": bus.now_ms + 40_000})
    bus.wait_ms(41_000)
    _rule(bus, subject, "award", 1, candidate=bus.joined(SUPPORT, subject))


def _questions(bus: Bus) -> None:
    """A question that the seats answer, and one they do not."""
    for subject in ("tie/T-6", "tie/T-7"):
        _say(bus, SALES, "contest.ask", subject, {"question": "which?", "options": ["red", "blue"]})
    _say(bus, SALES, "contest.ask", "tie/T-6", {"question": "which?", "options": ["red", "blue"]})
    for agent in (CRM, LEGAL):
        _vote(bus, agent, "tie/T-6", "blue")
    bus.wait_ms(RUNG_MS)
    _rule(bus, "tie/T-7", "award", 1, candidate="red")


def _nobody_wins(bus: Bus) -> None:
    """A ladder that ends with nobody, and a candidate that is suspended on the way."""
    _both_claim(bus, "open/O-1")
    bus.wait_ms(RUNG_MS)
    bus.wait_ms(RUNG_MS)
    _both_claim(bus, "open/O-2")
    select = {"select": {"agent": SUPPORT}, "reason": "it loops"}
    bus.say("operators", ANA, "bus.control.suspend.v1", select)
    bus.wait_ms(200)
    bus.say("operators", ANA, "bus.control.resume.v1", select)
    bus.wait_ms(RUNG_MS)


def full_contest(bus: Bus) -> None:
    """One claimant more than a contest takes; the contest stays open."""
    bus.set("terms", "open", {"resource": "open", **TERMS, "ladder": ["vote", "deny"]})
    many = [f"spiffe://acme/agent/many-{number}" for number in range(CANDIDATES_MAX + 1)]
    for agent in many:
        bus.set("agent", agent, {"lane": "sales", "roles": ["many"], "owner": ANA})
    for agent in many:
        bus.say("sales", agent, "bus.resource.claim.v1", {}, subject="open/O-1")
