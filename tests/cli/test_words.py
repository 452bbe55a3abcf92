"""Every event is said in plain words, and one that this version does not know does no harm."""

from typing import Any

import pytest

from bus.cli.words import clock, in_words, violation_lines
from bus.core.events import KINDS

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
    assert in_words({"kind": "frozen", "n": 0, "case": "1.7.198.2"}) == 'frozen: {"case": "1.7.198.2"}'


def test_violations_say_where_what_and_how_to_mend() -> None:
    """One line for each, and a last one if there are more."""
    one = {"path": "/to", "keyword": "required", "message": "to is required", "hint": "add /to: string"}
    lines = violation_lines({"violations": [one, {"path": "", "keyword": "more"}]})
    assert lines == ["/to  to is required; add /to: string", "and more of the same"]
