"""The joins: a record without a verdict, a verdict without a record, and holes in control numbers are found."""

import pytest

from bus.audit.evidence import Log, Place
from bus.audit.verify import verify
from bus.core.log import topics
from bus.core.log.records import Record
from tests.audit.handmade import HandmadeBus, busy_bus, changed, event_of, found

Logs = dict[Place, list[Record]]
SALES_IN: Place = ("bus.in.sales", 0)


@pytest.fixture
def bus() -> HandmadeBus:
    return busy_bus()


def _gate(bus: HandmadeBus, lane: str, offset: int) -> list[list[object]]:
    """The rows of the segment about this input; they can be changed."""
    body = next(body for body in bus.bodies[topics.gate_journal(lane), 0] if body.get("from") == offset)
    rows: list[list[object]] = body["rows"]
    return rows


def test_a_missing_row_is_found(bus: HandmadeBus) -> None:
    """A record that the journal passes over is found."""
    _gate(bus, "sales", 2).clear()
    assert "bus.in.sales/0 offset 2: no row for offset 2: nobody decided on it" in found(bus.evidence(), "completeness")


def test_a_missing_entry_is_found(bus: HandmadeBus) -> None:
    """A record of bus.arbiter that the journal passes over is found."""
    body = bus.bodies[topics.JOURNAL, 1][11]
    offset = body["entries"].pop()["o"]
    assert f"bus.arbiter/1 offset {offset}: no entry for offset {offset}: nobody decided on it" in found(
        bus.evidence(), "completeness"
    )


def test_a_segment_beyond_its_input_is_found(bus: HandmadeBus) -> None:
    """A journal cannot speak of inputs that are not there yet."""
    bus.bodies["bus.gate.support", 0][-1]["to"] += 9
    assert any("the log ends at" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_change_that_cannot_be_applied_is_found(bus: HandmadeBus) -> None:
    """A value on bus.control that is not of the form of its kind is found, and nothing falls over it."""
    log = bus.records[topics.CONTROL, 0]
    log[1] = changed(log[1], value=b'{"principam":"User:sales"}')
    assert any("change 1 cannot be applied" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_row_without_a_record_is_found(bus: HandmadeBus) -> None:
    """A verdict on a record that is not there is found."""

    def tamper(logs: Logs) -> None:
        del logs[SALES_IN][3]

    assert "bus.in.sales/0 offset 3: a row for offset 3, yet no such record is there" in found(
        bus.evidence(tamper), "completeness"
    )


def test_records_beyond_retention_are_named_as_not_checked(bus: HandmadeBus) -> None:
    """What Kafka no longer keeps is no finding, and the result says that it was not checked."""
    evidence = bus.evidence()
    log = evidence.logs[SALES_IN]
    logs = {**evidence.logs, SALES_IN: Log(4, log.end, log.records[4:])}
    shorter = type(evidence)("cut", logs, evidence.marks, {}, evidence.partitions)
    report = verify(shorter, ["completeness"], lambda _: None)
    assert (report.found, report.checks[0].not_checked) == (
        0,
        ["bus.in.sales/0: offsets 0 to 3 are older than what Kafka keeps"],
    )


def test_a_changed_message_is_found(bus: HandmadeBus) -> None:
    """A record whose bytes are not those the gate judged is found by its hash."""

    def tamper(logs: Logs) -> None:
        logs[SALES_IN][1] = changed(logs[SALES_IN][1], value=b'{"lead_id": "L-9"}')

    assert "bus.in.sales/0 offset 1: the record is not the one the gate judged: its hash differs" in found(
        bus.evidence(tamper), "completeness"
    )


def test_another_arrival_time_is_found(bus: HandmadeBus) -> None:
    """`at` is the broker's time, and no other."""
    row = _gate(bus, "sales", 1)[0]
    row[6] = int(str(row[6])) + 1
    assert any("the broker's times give" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_control_number_that_falls_is_found(bus: HandmadeBus) -> None:
    """A lane never goes back to an older control number."""
    bus.bodies["bus.gate.sales", 0][5]["control"] = 3
    findings = found(bus.evidence(), "completeness")
    assert any("the control number falls from 6 to 3" in finding for finding in findings)


def test_a_changed_record_of_the_arbiter_is_found(bus: HandmadeBus) -> None:
    """An entry whose hash is not that of its record is found."""

    def tamper(logs: Logs) -> None:
        place = ("bus.arbiter", 1)
        logs[place][8] = changed(logs[place][8], value=b'{"lead_id":"L-9"}')

    assert "bus.arbiter/1 offset 8: the entry does not fit the record: hash" in found(
        bus.evidence(tamper), "completeness"
    )


def test_a_message_that_no_gate_forwarded_is_found(bus: HandmadeBus) -> None:
    """What the arbiter acted on without a gate's word is found."""
    _gate(bus, "sales", 1)[0][7] = []
    assert any("its gate forwarded" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_message_lost_between_the_stages_is_found(bus: HandmadeBus) -> None:
    """What a gate forwarded and the arbiter never decided is found."""
    _gate(bus, "support", 3)[0][7] = [0, 1]
    findings = found(bus.evidence(), "completeness")
    assert any("was forwarded to bus.arbiter/0 and never decided there" in finding for finding in findings)


def test_a_claim_with_two_answers_is_found(bus: HandmadeBus) -> None:
    """A claim is answered once, for good."""
    entry, denied = event_of(bus, "denied", "lead/L-1")
    entry["events"].append({**denied, "n": 1})
    assert any("has 2 final answers, not one" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_claim_without_an_answer_is_found(bus: HandmadeBus) -> None:
    """A claim that was accepted and never answered is found."""
    entry, _ = event_of(bus, "denied", "lead/L-1")
    entry["events"].clear()
    assert any("has 0 final answers, not one" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_hole_in_control_numbers_is_found(bus: HandmadeBus) -> None:
    """Control numbers are dense."""
    del bus.records[topics.CONTROL, 0][3]
    assert any("change 4 follows change 2" in finding for finding in found(bus.evidence(), "completeness"))


def test_a_change_that_nobody_asked_for_is_found(bus: HandmadeBus) -> None:
    """A record of bus.control that no row of the operators' gate stands for is found."""
    log = bus.records[topics.CONTROL, 0]
    headers = (("bus-control", b"7"), ("bus-decision", b"operators.9"), ("bus-rev", b"1"))
    log.append(changed(log[-1], offset=len(log), headers=headers))
    assert any("which the operators' gate" in f or "did not make" in f for f in found(bus.evidence(), "completeness"))


def test_a_change_that_never_came_out_is_found(bus: HandmadeBus) -> None:
    """An accepted change that bus.control lacks is found."""
    bus.records[topics.CONTROL, 0].pop()
    assert any("was accepted and is not on bus.control" in f for f in found(bus.evidence(), "completeness"))


def test_records_behind_the_journal_are_still_moving(bus: HandmadeBus) -> None:
    """A record that came in while the bus was read is no finding."""
    log = bus.records[SALES_IN]
    log.append(changed(log[-1], offset=len(log)))
    check = verify(bus.evidence(), ["completeness"], lambda _: None).checks[0]
    assert (check.found, check.moving) == (0, ["bus.in.sales/0: 1 records are not decided yet"])
