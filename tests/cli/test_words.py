"""Every event is said in plain words, and one that this version does not know does no harm."""

import json
import time
from typing import Any

import pytest

from bus.cli.record_lines import as_line
from bus.cli.words import clock, in_words, violation_lines
from bus.core.decision.events import KINDS
from bus.core.log.records import Record

AGENT = "spiffe://acme/agent/sales-1"
UNTIL = 1_795_255_451_004
HELD = {"agent": AGENT, "subject": "lead/L-1", "token": 17592188307712, "until": UNTIL}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "granted", **HELD}, f"granted: sales-1 holds lead/L-1 until {clock(UNTIL)}, token 17592188307712"),
        ({"kind": "confirmed", **HELD}, f"confirmed: sales-1 still holds lead/L-1 until {clock(UNTIL)}"),
        ({"kind": "renewed", **HELD}, f"renewed: sales-1 holds lead/L-1 until {clock(UNTIL)}"),
        ({"kind": "ended", **HELD, "reason": "released"}, "ended: sales-1 gave lead/L-1 back"),
        ({"kind": "ended", **HELD, "reason": "expired"}, "the lease ran out"),
        ({"kind": "ended", **HELD, "reason": "revoked"}, "an operator took it away"),
        (
            {"kind": "ended", **HELD, "reason": "released", "handover": {"agent": "x/crm-1", "until": UNTIL}},
            f"until {clock(UNTIL)} only crm-1 may claim it",
        ),
        (
            {"kind": "denied", **HELD, "reason": "held", "retry_after": UNTIL},
            f"denied: sales-1 does not get lead/L-1 (held); try again after {clock(UNTIL)}",
        ),
        ({"kind": "denied", **HELD, "reason": "stage", "retry_after": None}, "does not get lead/L-1 (stage)"),
        (
            {"kind": "denied", **HELD, "reason": "stage", "wants": {"fact": "stage", "values": ["won"], "is": "new"}},
            'denied: sales-1 does not get lead/L-1 (stage): the fact stage must be "won"; it is "new"',
        ),
        (
            {"kind": "denied", **HELD, "reason": "not_allowed", "wants": {"roles": ["crm"]}},
            "does not get lead/L-1 (not_allowed): only role crm may claim it",
        ),
        (
            {"kind": "refused", "agent": AGENT, "type": "t.e.v", "reason": "stale", "detail": "9 s early"},
            "refused: t.e.v of sales-1 (stale): 9 s early",
        ),
        ({"kind": "refused", **HELD, "type": "t.e.v", "reason": "fenced", "current": 0}, "against none: it is free"),
        ({"kind": "duplicate", "agent": AGENT, "type": "t.e.v", "of": "sales.4"}, "was decided as sales.4"),
        ({"kind": "action_admitted", **HELD, "type": "t.e.v", "topic": "leads"}, "went out to topic leads"),
        ({"kind": "fact", "subject": "lead/L-1", "name": "stage", "value": "new"}, 'stage of lead/L-1 is "new"'),
        ({"kind": "reported", "agent": AGENT, "action": "1.2.3.0", "result": "done"}, "action 1.2.3.0 is done"),
        ({"kind": "agent_status", "select": {"role": "sales"}, "status": "suspended"}, "everybody with role sales"),
        ({"kind": "agent_status", "select": {"all": True}, "status": "active"}, "active: all agents"),
        (
            {"kind": "control_set", "control": 3, "kind_of": "lane", "name": "sales", "rev": 1, "value": {}},
            "control 3: lane sales is set, revision 1",
        ),
        (
            {"kind": "control_set", "control": 4, "kind_of": "lane", "name": "sales", "rev": 2, "value": None},
            "lane sales is no longer set",
        ),
    ],
)
def test_an_event_in_words(event: dict[str, Any], words: str) -> None:
    """The line says who, what and until when, without a field's name."""
    assert words in in_words(event)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_with_missing_fields_is_shown_as_it_came(kind: str) -> None:
    """An answer of another version is shown, whatever it lacks."""
    assert in_words({"kind": kind, "n": 0}).startswith(kind)


def test_an_unknown_event_is_shown_as_it_came() -> None:
    """A kind of a later version keeps all it says."""
    assert in_words({"kind": "auctioned", "n": 0, "case": "1.7.198.2"}) == 'auctioned: {"case": "1.7.198.2"}'


def test_violations_say_where_what_and_how_to_mend() -> None:
    """One line for each, and a last one if there are more."""
    one = {"path": "/to", "keyword": "required", "message": "to is required", "hint": "add /to: string"}
    lines = violation_lines({"violations": [one, {"path": "", "keyword": "more"}]})
    assert lines == ["/to  to is required; add /to: string", "and more of the same"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "forwarded", "agent": AGENT, "id": "m-1"}, "passed the gate: message m-1 of sales-1"),
        (
            {"kind": "refused", "agent": AGENT, "reason": "stale", "id": "m-1"},
            "refused: message m-1 of sales-1 (stale)",
        ),
        ({"kind": "applied", "agent": AGENT, "type": "t.e.v"}, "passed: t.e.v of sales-1; it changes nothing"),
        ({"kind": "repeat"}, "repeat: it was there before, or came from no lane; no effect"),
        ({"kind": "tick"}, "tick: nothing was due"),
        ({"kind": "ended", **HELD, "reason": "revoked", "cause": "1.2.3.0"}, "it was suspended by 1.2.3.0"),
        ({"kind": "ended", **HELD, "reason": "revoked", "cause": ""}, "an operator took it away"),
    ],
)
def test_a_decision_without_an_answer_in_words(event: dict[str, Any], words: str) -> None:
    """What only journals have is said as plainly as what was answered."""
    assert words in in_words(event)


def test_a_senders_bytes_do_a_terminal_no_harm() -> None:
    """What a terminal would obey is shown and not obeyed."""
    said = in_words({"kind": "refused", "agent": AGENT, "type": "t.e.v", "reason": "stale", "detail": "\x1b[2J gone"})
    assert "\x1b" not in said
    assert "\\u001b[2J gone" in said


def test_a_detail_has_short_names_and_the_clock_of_this_wall() -> None:
    """Nobody reads thirteen digits, or the id of a colleague; a cost of as many digits stays a cost."""
    detail = f"spiffe://acme/person/pia has reserved it until {UNTIL}; it costs 1795255331000"
    said = in_words({"kind": "refused", "agent": AGENT, "type": "t.e.v", "reason": "not_allowed", "detail": detail})
    assert said.endswith(f"pia has reserved it until {clock(UNTIL)}; it costs 1795255331000")


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "denied", **HELD, "claim": "c", "reason": "ruled_out", "retry_after": None},
        {"kind": "action_refused", **HELD, "reason": "ruled_out", "held": "1.2.3.0"},
        {"kind": "action_admitted", **HELD, "type": "t.e.v", "topic": "deals", "held": ""},
        {"kind": "settled", **HELD, "winner": "reject", "by": "ruling"},
        {"kind": "ended", **HELD, "reason": "ruled", "cause": ""},
    ],
    ids=lambda event: str(event["kind"]),
)
def test_what_a_person_ruled_is_said_with_the_reason(event: dict[str, Any]) -> None:
    """Whoever watches the answers of a lane reads who ruled so, and why; without a ruling nothing is added."""
    ruled = {"ruled_by": "spiffe://acme/person/pia", "ruling_reason": "too\nmuch"}
    assert "; pia ruled so: “too much”" in in_words({**event, **ruled})
    assert "ruled so" not in in_words(event)


def test_another_day_has_its_date() -> None:
    """A time of today is the clock alone; every other one says which day."""
    assert len(clock(int(time.time() * 1000))) == len("12:34:56")
    assert len(clock(UNTIL - 400 * 86_400_000)) == len("2026-11-21 12:34:56")


def _record(topic: str, value: object, key: str = "", **headers: str) -> Record:
    pairs = tuple((name.replace("__", "-"), text.encode()) for name, text in headers.items())
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Record(topic, 0, 7, UNTIL, key.encode(), content, pairs)


ROWS = [[n, "forwarded", "", AGENT, f"c-{n}", "hash", UNTIL, [1]] for n in range(3)]
GATE = {"kind": "gate", "seq": 4, "control": 9, "lane": "sales"}
GRANTED = {"kind": "granted", **HELD}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (_record("bus.gate.sales", {**GATE, "rows": ROWS[:1]}), "at control 9: forwarded sales.0, c-0 of sales-1"),
        (_record("bus.gate.sales", {**GATE, "rows": ROWS}), "at control 9: 3 decisions: forwarded 3"),
        (_record("bus.gate.sales", {**GATE, "rows": []}), "segment 4 (gate) at control 9: nothing new"),
        (
            _record(
                "bus.journal", {"kind": "arbiter", "seq": 5, "entries": [{"verdict": "applied", "events": [GRANTED]}]}
            ),
            "segment 5 (arbiter): granted: sales-1 holds lead/L-1 until",
        ),
        (
            _record("bus.control", {}, "terms/lead", bus__control="3", bus__rev="2"),
            "control 3: terms lead is set, revision 2",
        ),
        (
            _record("bus.control", {}, f"suspended/agent/{AGENT}", bus__control="4"),
            "control 4: agent sales-1 suspended",
        ),
        (_record("bus.control", {}, "genesis"), "control 0: genesis"),
        (_record("bus.in.sales", b"\x9b2J", ce_type="t.e.v"), "t.e.v of somebody: "),
    ],
)
def test_a_record_in_a_line(record: Record, words: str) -> None:
    """Segments, changes and messages are told in one line, with nothing a terminal would obey."""
    assert words in as_line(record)
    assert as_line(record).isprintable()


SAID = {"agent": AGENT, "subject": "lead/L-1", "contest": "1.2.3.0", "claim": "c-1", "deadline": UNTIL, "turn": 2}
OPENED = {"over": "claims", "deadline": UNTIL, "bound": UNTIL, "seats": [["crm", [AGENT]]], "candidates": []}
HELD_AS = {"type": "t.e.v", "until": UNTIL, "held": "1.2.9.0"}
CASE = {"subject": "lead/L-1", "case": "1.2.4.1"}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "contest_opened", **SAID, **OPENED}, f"claims on lead/L-1 are collected until {clock(UNTIL)}"),
        (
            {"kind": "contest_opened", **SAID, **OPENED, "over": "review"},
            "seats crm vote on the action held on lead/L-1",
        ),
        ({"kind": "joined", **SAID}, "joined: sales-1 is a candidate for lead/L-1 with claim c-1"),
        ({"kind": "withdrawn", **SAID}, "sales-1 takes claim c-1 on lead/L-1 back"),
        ({"kind": "rung", **SAID, "rung": "vote"}, f"the seats vote on lead/L-1 until {clock(UNTIL)}"),
        ({"kind": "rung", **SAID, "rung": "human"}, "rung: a person decides on lead/L-1"),
        ({"kind": "turn", **SAID, "party": AGENT}, f"turn 2: sales-1 speaks over lead/L-1 until {clock(UNTIL)}"),
        ({"kind": "voted", **SAID, "seat": "crm"}, "voted: sales-1 of seat crm on lead/L-1, sealed until the close"),
        ({"kind": "voted", **SAID, "seat": "crm", "choice": ["a", "b"], "reason": "fit"}, "a, then b, because fit"),
        ({"kind": "offered", **SAID}, "offered: sales-1 speaks in turn 2 over lead/L-1"),
        ({"kind": "offered", **SAID, "move": "quit"}, "sales-1 quits in turn 2"),
        (
            {"kind": "settled", **SAID, "winner": "1.2.3.1", "by": "vote", "tally": {"1.2.3.1": 2}},
            "settled: candidate 1.2.3.1 wins lead/L-1 by vote (1.2.3.1 2)",
        ),
        ({"kind": "settled", **SAID, "winner": "none", "by": "deny"}, "nobody wins lead/L-1 at the end of its ladder"),
        ({"kind": "settled", **SAID, "winner": "red", "by": "vote"}, "settled: red is chosen for lead/L-1 by vote"),
        ({"kind": "settled", **SAID, "winner": "reject", "by": "ruling"}, "is rejected by the ruling of a person"),
        ({"kind": "action_held", **SAID, **HELD_AS}, "held: t.e.v of sales-1 on lead/L-1 waits until"),
        (
            {"kind": "action_refused", **SAID, **HELD_AS, "reason": "ruled_out"},
            "held as 1.2.9.0 is not done (ruled_out)",
        ),
        ({"kind": "frozen", **CASE}, "frozen: nobody else gets lead/L-1"),
        ({"kind": "unfrozen", **CASE, "until": UNTIL}, "lead/L-1 moves again, case 1.2.4.1 is over; its holder has it"),
        ({"kind": "case_opened", **CASE, "state": "ready"}, "case: 1.2.4.1 on lead/L-1 is opened for a person"),
        (
            {"kind": "case_opened", **CASE, "why": "veto", "queue": "desk", "due": UNTIL},
            f"a person of queue desk decides on lead/L-1, due at {clock(UNTIL)}: a veto asked for it",
        ),
        ({"kind": "case_changed", **CASE, "state": "reserved"}, "case: 1.2.4.1 on lead/L-1 is reserved"),
        ({"kind": "case_closed", **CASE, "state": "closed"}, "case: 1.2.4.1 on lead/L-1 is closed by a ruling"),
        ({"kind": "case_closed", **CASE, "state": "obsolete"}, "is obsolete: it ended without a ruling"),
        (
            {"kind": "case_closed", **CASE, "state": "closed", "ruling": "reject", "person": "x/person/bob"},
            "case: bob rules reject on lead/L-1",
        ),
        ({"kind": "waiting", **SAID, "for": "x/agent/crm-1", "until": UNTIL}, "sales-1 with lead/L-1 waits for crm-1"),
        (
            {"kind": "wait_ended", **SAID, "wait": "1.2.8.0", "reason": "resumed"},
            "wait over: 1.2.8.0 on lead/L-1, it goes on",
        ),
    ],
)
def test_contests_cases_and_waits_are_said_in_words(event: dict[str, Any], words: str) -> None:
    """As the public hears it, and with what the journal or the desk knows beyond."""
    assert words in in_words(event)


def test_a_candidate_is_named_where_its_name_is_known() -> None:
    """The story of a contest knows whose claim a candidate is."""
    settled = {"kind": "settled", **SAID, "winner": "1.2.3.1", "by": "vote", "tally": {"1.2.3.1": 2}}
    found = in_words(settled, {"1.2.3.1": "sales-1 (claim c-1)"})
    assert found == "settled: sales-1 (claim c-1) wins lead/L-1 by vote (sales-1 (claim c-1) 2)"
