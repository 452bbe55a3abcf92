"""The forms in which decisions are stored: canonical JSON, events, entries and rows, there and back."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.decision.contest_events import (
    ActionHeld,
    ActionRefused,
    CaseChanged,
    CaseClosed,
    CaseOpened,
    ContestOpened,
    Frozen,
    Joined,
    Offered,
    RungReached,
    Settled,
    TurnBegun,
    Unfrozen,
    Voted,
    WaitEnded,
    Waiting,
    Withdrawn,
)
from bus.core.decision.entries import Basis, Entry, entry_from_json
from bus.core.decision.events import (
    KINDS,
    ActionAdmitted,
    AgentStatus,
    Confirmed,
    ControlSet,
    Denied,
    Ended,
    Event,
    FactStated,
    Granted,
    Handover,
    Refused,
    Renewed,
    Reported,
    What,
    event_from_json,
    event_to_json,
)
from bus.core.decision.wants import WantedFact
from bus.core.gate import Row, row_from_json
from bus.core.log.records import canonical
from bus.core.policy.contracts import JsonObject, Violation, shortened

A = "spiffe://acme/agent/sales"
D = "1.0.4.0"  # a decision
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=12,
)
# (event, the fields it has on the wire beyond n, kind, subject and to)
EVENTS: list[tuple[What, JsonObject]] = [
    (Granted(A, "c1", 7, 99), {"agent": A, "claim": "c1", "token": 7, "until": 99, "by": "first"}),
    (Confirmed(A, "c1", 7, 99), {"agent": A, "claim": "c1", "token": 7, "until": 99}),
    (Renewed(A, 7, 99), {"agent": A, "token": 7, "until": 99}),
    (Ended(A, 7, "expired"), {"agent": A, "token": 7, "reason": "expired", "cause": ""}),
    (
        Ended(A, 7, "released", handover=Handover("b", 5)),
        {"agent": A, "token": 7, "reason": "released", "cause": "", "handover": {"agent": "b", "until": 5}},
    ),
    (Denied(A, "c1", "held", 99), {"agent": A, "claim": "c1", "reason": "held", "retry_after": 99}),
    (Denied(A, "c1", "stage"), {"agent": A, "claim": "c1", "reason": "stage", "retry_after": None}),
    (
        Denied(A, "c1", "stage", wants=WantedFact("stage", ("won",), "new")),
        {
            "agent": A,
            "claim": "c1",
            "reason": "stage",
            "retry_after": None,
            "wants": {"fact": "stage", "values": ["won"], "is": "new"},
        },
    ),
    (Refused(A, "a.b.c.v1", "late"), {"agent": A, "type": "a.b.c.v1", "reason": "late", "detail": ""}),
    (
        Refused(A, "a.b.c.v1", "fenced", "why", token=5, current=0),
        {"agent": A, "type": "a.b.c.v1", "reason": "fenced", "detail": "why", "token": 5, "current": 0},
    ),
    (
        ActionAdmitted(4, A, "a.b.c.v1", "leads"),
        {"o": 4, "agent": A, "type": "a.b.c.v1", "topic": "leads", "held": ""},
    ),
    (
        ActionAdmitted(4, A, "a.b.c.v1", "leads", token=7, until=99),
        {"o": 4, "agent": A, "type": "a.b.c.v1", "topic": "leads", "held": "", "token": 7, "until": 99},
    ),
    (FactStated("stage", value=False), {"name": "stage", "value": False}),
    (Reported("1.0.4.0", A, "done"), {"action": "1.0.4.0", "agent": A, "result": "done"}),
    (AgentStatus({"all": True}, "suspended"), {"select": {"all": True}, "status": "suspended"}),
    (
        ControlSet(3, "lane", "sales", 1, "", None),
        {"control": 3, "kind_of": "lane", "name": "sales", "rev": 1, "value_hash": "", "value": None},
    ),
    (
        ContestOpened("claims", "lead@1", "majority", (), (("crm", (A,)),), 50, 99),
        {
            "over": "claims",
            "terms": "lead@1",
            "method": "majority",
            "candidates": [],
            "seats": [["crm", [A]]],
            "deadline": 50,
            "bound": 99,
        },
    ),
    (
        ContestOpened("review", "lead@1", "plurality", ("approve", "reject"), (), 50, 50, held=D),
        {
            "over": "review",
            "terms": "lead@1",
            "method": "plurality",
            "candidates": ["approve", "reject"],
            "seats": [],
            "deadline": 50,
            "bound": 50,
            "held": D,
        },
    ),
    (Joined(D, A, "c1"), {"contest": D, "agent": A, "claim": "c1"}),
    (
        Joined(D, A, "c1", "00", 60),
        {"contest": D, "agent": A, "claim": "c1", "reasoning_hash": "00", "lease_ms": 60},
    ),
    (Withdrawn(A, "c1", D), {"agent": A, "claim": "c1", "contest": D}),
    (RungReached(D, "vote", 50), {"contest": D, "rung": "vote", "deadline": 50}),
    (TurnBegun(D, 2, A, "", 50), {"contest": D, "turn": 2, "party": A, "standing": "", "deadline": 50}),
    (
        Voted(D, "crm", A, "abstain", "unsure"),
        {"contest": D, "seat": "crm", "agent": A, "choice": "abstain", "reason": "unsure"},
    ),
    (
        Voted(D, "crm", A, ("c1", "c2"), "fit", 0, "00"),
        {
            "contest": D,
            "seat": "crm",
            "agent": A,
            "choice": ["c1", "c2"],
            "reason": "fit",
            "confidence": 0,
            "reasoning_hash": "00",
        },
    ),
    (Offered(D, 1, A, "c1"), {"contest": D, "turn": 1, "agent": A, "outcome": "c1"}),
    (Offered(D, 2, A, None, "quit"), {"contest": D, "turn": 2, "agent": A, "move": "quit"}),
    (
        Settled(D, "c1", "vote", {"c1": 2, "c2": 0}, ({"seat": "crm", "choice": ["c1"]},), "c1"),
        {
            "contest": D,
            "winner": "c1",
            "by": "vote",
            "tally": {"c1": 2, "c2": 0},
            "outcome": "c1",
            "ballots": [{"seat": "crm", "choice": ["c1"]}],
        },
    ),
    (Settled(D, "none", ""), {"contest": D, "winner": "none", "by": "", "tally": {}, "ballots": []}),
    (
        ActionHeld(4, A, 7, "a.b.c.v1", "00", 99),
        {"o": 4, "agent": A, "token": 7, "type": "a.b.c.v1", "hash": "00", "until": 99},
    ),
    (
        ActionHeld(4, A, 7, "a.b.c.v1", "00", 99, D, D, 0, ("won", False), 98),
        {
            "o": 4,
            "agent": A,
            "token": 7,
            "type": "a.b.c.v1",
            "hash": "00",
            "until": 99,
            "contest": D,
            "case": D,
            "cost": 0,
            "fact": ["won", False],
            "expiry": 98,
        },
    ),
    (
        ActionRefused(4, A, 7, "vetoed", D),
        {"o": 4, "agent": A, "token": 7, "reason": "vetoed", "held": D},
    ),
    (Frozen(D), {"case": D}),
    (Unfrozen(D), {"case": D}),
    (Unfrozen(D, 99), {"case": D, "until": 99}),
    (
        CaseOpened(D, "claims", "veto", "desk", 99),
        {
            "case": D,
            "over": "claims",
            "why": "veto",
            "queue": "desk",
            "due": 99,
            "tier": 0,
            "file_n": 1,
            "rev": 1,
            "state": "ready",
            "file_hash": "",
        },
    ),
    (
        CaseChanged(D, 2, 1, "ready", 0),
        {"case": D, "file_n": 2, "rev": 1, "state": "ready", "tier": 0, "file_hash": ""},
    ),
    (
        CaseChanged(D, 3, 2, "reserved", 1, 99, overdue=True, person="p", reserved_until=98, file_hash="00"),
        {
            "case": D,
            "file_n": 3,
            "rev": 2,
            "state": "reserved",
            "tier": 1,
            "due": 99,
            "overdue": True,
            "person": "p",
            "reserved_until": 98,
            "file_hash": "00",
        },
    ),
    (CaseClosed(D, 4, 2, "obsolete"), {"case": D, "file_n": 4, "rev": 2, "state": "obsolete", "file_hash": ""}),
    (
        CaseClosed(D, 4, 2, "closed", "award", "p", "00", "c1"),
        {
            "case": D,
            "file_n": 4,
            "rev": 2,
            "state": "closed",
            "file_hash": "",
            "ruling": "award",
            "person": "p",
            "reason_hash": "00",
            "candidate": "c1",
        },
    ),
    (Waiting(D, A, "ship/T-1", 99), {"wait": D, "agent": A, "for": "ship/T-1", "until": 99}),
    (WaitEnded(D, "resumed"), {"wait": D, "reason": "resumed"}),
]

# What an event of this kind may lack; everything else it must have.
OPTIONAL = {
    "granted": {"by"},
    "ended": {"cause", "handover"},
    "denied": {"retry_after", "wants"},
    "refused": {"detail", "token", "current"},
    "action_admitted": {"held", "token", "until"},
    "contest_opened": {"held"},
    "joined": {"reasoning_hash", "lease_ms", "deadline", "bound"},
    "voted": {"confidence", "reasoning_hash"},
    "offered": {"outcome", "move"},
    "settled": {"tally", "ballots", "outcome"},
    "action_held": {"contest", "case", "cost", "fact", "expiry"},
    "unfrozen": {"until"},
    "case_opened": {"file_n", "rev", "state", "file_hash", "tier"},
    "case_changed": {"due", "overdue", "person", "reserved_until", "file_hash"},
    "case_closed": {"ruling", "person", "reason_hash", "candidate", "file_hash"},
}


@pytest.mark.parametrize(("what", "form"), EVENTS, ids=lambda item: getattr(item, "kind", ""))
def test_an_event_has_the_form_of_the_wire_page(what: What, form: JsonObject) -> None:
    """Optional fields are absent, never null; only `retry_after` and a value taken away may be null."""
    event = Event(0, "lead/L-1", (("sales", A),), what)
    assert event_to_json(event) == {"n": 0, "kind": what.kind, "subject": "lead/L-1", "to": [["sales", A]], **form}


@pytest.mark.parametrize("what", [what for what, _ in EVENTS], ids=lambda what: what.kind)
@pytest.mark.parametrize("subject", ["", "lead/L-1"])
def test_an_event_is_read_as_it_was_written(what: What, subject: str) -> None:
    """What stands in a journal is folded as the event it was."""
    event = Event(2, subject, (("sales", A), ("desk", "b")), what)
    assert event_from_json(json.loads(canonical(event_to_json(event)))) == event


def test_every_kind_of_event_is_tried() -> None:
    """No kind is left out above."""
    assert {what.kind for what, _ in EVENTS} == set(KINDS)


@pytest.mark.parametrize("kind", ["ballot_spoiled", ""])
def test_a_kind_this_engine_does_not_know_stops_the_fold(kind: str) -> None:
    """A journal of a newer engine is not folded by guessing."""
    with pytest.raises(KeyError):
        event_from_json({"n": 0, "kind": kind, "to": []})


@pytest.mark.parametrize(("what", "form"), EVENTS, ids=lambda item: getattr(item, "kind", ""))
def test_an_event_that_lacks_a_field_stops_the_fold(what: What, form: JsonObject) -> None:
    """A required field that is missing is an error, never a default."""
    for name in form.keys() - OPTIONAL.get(what.kind, set()):
        stored = {"n": 0, "kind": what.kind, "to": [], **form}
        del stored[name]
        with pytest.raises((KeyError, TypeError)):
            event_from_json(stored)


ENTRIES = [
    Entry(5, "repeat", src="bus.in.sales/0/3", reason="alien"),
    Entry(5, "tick", type="bus.clock.tick.v1", after=4, now=99, stalled=("sales",)),
    Entry(
        o=5,
        verdict="applied",
        events=(Event(0, "lead/L-1", (), EVENTS[0][0]),),
        src="bus.in.sales/0/3",
        id="c1",
        type="bus.resource.claim.v1",
        source=A,
        at=9,
        hash="00",
        basis=Basis(57, "lead@3", "bus.resource.claim.v1@1"),
    ),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.verdict)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    """An entry survives the journal."""
    assert entry_from_json(json.loads(canonical(entry.to_json()))) == entry


def test_a_row_is_read_as_it_was_written() -> None:
    """A row survives the journal."""
    row = Row(500, "forwarded", "", A, "c-75", "00", 17, (3,))
    assert row_from_json(json.loads(canonical(row.to_json()))) == row
    assert row.to_json() == [500, "forwarded", "", A, "c-75", "00", 17, [3]]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
        ({"peach": 1, "Peach": 2, "": 0}, b'{"":0,"Peach":2,"peach":1}'),
        ("é€𝄞\u007f", b'"\\u00e9\\u20ac\\ud834\\udd1e\\u007f"'),
        ('"\\/\b\f\n\r\t\x00', b'"\\"\\\\/\\b\\f\\n\\r\\t\\u0000"'),
        (2**53 - 1, b"9007199254740991"),
    ],
)
def test_canonical_json_is_sorted_compact_and_ascii(value: Any, form: bytes) -> None:
    """One value has one form."""
    assert canonical(value) == form


@given(VALUES)
def test_canonical_json_says_the_same(value: Any) -> None:
    """Any reader of JSON gets the value back, and writing it again gives the same bytes."""
    form = canonical(value)
    assert json.loads(form) == value
    assert canonical(json.loads(form)) == form
    assert form.isascii()
    assert b"\n" not in form


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_canonical_json_knows_no_infinity(value: float) -> None:
    """What JSON cannot say is never written."""
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": value})


def test_twenty_violations_are_told_and_one_that_says_more() -> None:
    """Twenty are told in full order; with a twenty-first comes one that says that there are more."""
    found = [Violation(f"/{n:02}", "type") for n in reversed(range(21))]
    assert shortened(found[1:]) == tuple(reversed(found[1:]))
    assert shortened(found) == (*reversed(found[1:]), Violation("", "more"))
