"""Judging again: a verdict that does not follow from the record and what was in force is found."""

import json

import pytest

from bus.audit.evidence import Place
from bus.core.log import topics
from bus.core.log.records import Record
from tests.audit.eventful import eventful_bus
from tests.audit.handmade import HandmadeBus, busy_bus, changed, event_of, found

Logs = dict[Place, list[Record]]


@pytest.fixture
def bus() -> HandmadeBus:
    return busy_bus()


def test_another_verdict_of_a_gate_is_found(bus: HandmadeBus) -> None:
    """A refusal of a message that was in order is found, with both verdicts."""
    body = next(body for body in bus.bodies["bus.gate.sales", 0] if body.get("from") == 1)
    body["rows"][0][1:3] = ["refused", "not_allowed"]
    findings = found(bus.evidence(), "redecide")
    assert any("verdict refused in the journal, forwarded now" in finding for finding in findings)


def test_another_control_number_is_found(bus: HandmadeBus) -> None:
    """A row that names an older control number than the one that lets its message pass is found."""
    for body in bus.bodies["bus.gate.sales", 0]:
        if body.get("from") in (0, 1):
            body["control"] = 3
    findings = found(bus.evidence(), "redecide")
    assert any("reason none in the journal, unknown_contract now" in finding for finding in findings)


@pytest.mark.parametrize(("name", "value"), [("until", 1), ("token", 7), ("claim", "c-0")])
def test_another_decision_of_the_arbiter_is_found(bus: HandmadeBus, name: str, value: object) -> None:
    """An event with another content than the record leads to is found."""
    _, granted = event_of(bus, "granted", "lead/L-1")
    granted[name] = value
    assert any(
        "is decided differently again: events differ" in finding for finding in found(bus.evidence(), "redecide")
    )


def test_a_denial_of_an_older_engine_does_not_say_what_was_wanted() -> None:
    """Journals from before that field are judged again without findings; a wrong content of the field is found."""
    bus = eventful_bus()
    _, denied = event_of(bus, "denied", "deal/D-1")
    wants = denied.pop("wants")
    assert found(bus.evidence(), "redecide") == []
    denied["wants"] = {**wants, "values": ["lost"]}
    assert any("events differ" in finding for finding in found(bus.evidence(), "redecide"))


def test_another_basis_is_found(bus: HandmadeBus) -> None:
    """A decision that names a basis it did not have is found."""
    entry, _ = event_of(bus, "granted", "lead/L-1")
    entry["basis"]["control"] = 2
    assert any("basis differ" in finding for finding in found(bus.evidence(), "redecide"))


def test_a_field_that_does_not_belong_is_found(bus: HandmadeBus) -> None:
    """Entries are compared byte for byte: an additional field is found."""
    _, granted = event_of(bus, "granted", "lead/L-1")
    granted["note"] = "x"
    assert any("decided differently again" in finding for finding in found(bus.evidence(), "redecide"))


def test_an_impossible_entry_is_found(bus: HandmadeBus) -> None:
    """An entry that cannot follow what came before it is a finding, and the check goes on elsewhere."""
    _, granted = event_of(bus, "granted", "lead/L-2")
    for name in ("by", "claim", "token", "until"):
        del granted[name]
    granted |= {"kind": "withdrawn", "claim": "c-0", "contest": "1.0.0.0"}
    granted |= {"kind": "voted", "seat": "crm", "choice": "a", "reason": "fit"}
    assert any("cannot follow what came before it" in finding for finding in found(bus.evidence(), "redecide"))


def test_a_change_that_is_not_what_was_asked_for_is_found(bus: HandmadeBus) -> None:
    """bus.control holds what the control message says."""

    def tamper(logs: Logs) -> None:
        log = logs[topics.CONTROL, 0]
        terms = {**json.loads(log[5].value or b""), "lease_ms": 9_000}
        log[5] = changed(log[5], value=json.dumps(terms).encode())

    findings = found(bus.evidence(tamper), "redecide")
    assert any("change 5 on bus.control is not what the message asked for" in finding for finding in findings)
