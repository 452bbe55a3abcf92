"""What went out: an answer from nowhere, a missing one, a changed one and a wrong order are found."""

from collections.abc import Callable

import pytest

from bus.audit.evidence import GATE_PUBLISHED, Log, Place
from bus.audit.verify import verify
from bus.core.log.records import Record
from tests.audit.handmade import HandmadeBus, busy_bus, changed, found

Logs = dict[Place, list[Record]]
SALES_OUT: Place = ("bus.out.sales", 0)


@pytest.fixture
def bus() -> HandmadeBus:
    return busy_bus()


def _renamed(record: Record, header: str, value: bytes) -> Record:
    return changed(record, headers=tuple((n, value if n == header else v) for n, v in record.headers))


def test_an_answer_that_nobody_decided_is_found(bus: HandmadeBus) -> None:
    """An answer whose decision is not in the valid chain is found."""
    log = bus.records[SALES_OUT]
    fake = _renamed(_renamed(log[1], "bus-decision", b"1.1.900.0"), "bus-prev", b"1.1.16.0")
    log.append(changed(fake, offset=len(log)))
    assert f"bus.out.sales/0 offset {len(log) - 1}: 1.1.900.0 of 1.1 stands here, yet no valid decision sends it" in (
        found(bus.evidence(), "outputs")
    )


def test_an_answer_without_a_source_is_found(bus: HandmadeBus) -> None:
    """A record on a topic of the bus that names no decision was written by somebody else."""
    log = bus.records[SALES_OUT]
    log.append(changed(log[1], offset=len(log), headers=()))
    findings = found(bus.evidence(), "outputs")
    assert findings == [f"bus.out.sales/0 offset {len(log) - 1}: the bus did not write this: it names no decision"]


@pytest.mark.parametrize("place", [SALES_OUT, ("bus.outcomes", 1), ("bus.arbiter", 1)])
def test_a_missing_output_is_found(bus: HandmadeBus, place: Place) -> None:
    """A decision that never went out is found."""

    def tamper(logs: Logs) -> None:
        del logs[place][-1]

    assert any(
        "is missing: it was decided and never went out here" in f for f in found(bus.evidence(tamper), "outputs")
    )


def test_a_missing_refusal_is_found(bus: HandmadeBus) -> None:
    """Each refusal has its record on bus.refused."""

    def tamper(logs: Logs) -> None:
        for p in range(3):
            logs["bus.refused", p].clear()

    findings = found(bus.evidence(tamper), "outputs")
    assert {f.split(":")[1].split()[0] for f in findings} == {"sales.9", "1.1.14.0"}


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("value", lambda r: changed(r, value=(r.value or b"").replace(b'"n":0', b'"n":1'))),
        ("key", lambda r: changed(r, key=b"x")),
        ("headers", lambda r: _renamed(r, "bus-prev", b"1.1.1.0")),
    ],
)
def test_a_changed_answer_is_found(bus: HandmadeBus, part: str, change: Callable[[Record], Record]) -> None:
    """An answer with another key, value or header than its decision gives is found."""

    def tamper(logs: Logs) -> None:
        logs[SALES_OUT][3] = change(logs[SALES_OUT][3])

    findings = found(bus.evidence(tamper), "outputs")
    assert any(f"went out with another {part} than its decision gives" in finding for finding in findings)


def test_changed_bytes_of_a_refusal_are_found(bus: HandmadeBus) -> None:
    """bus.refused carries the sender's bytes."""

    def tamper(logs: Logs) -> None:
        place = next(place for place, log in logs.items() if place[0] == "bus.refused" and log)
        logs[place][0] = changed(logs[place][0], value=b'{"other": 1}')

    assert any("with another value than its decision gives" in f for f in found(bus.evidence(tamper), "outputs"))


def test_other_words_for_people_are_no_finding(bus: HandmadeBus) -> None:
    """A `detail` may be worded otherwise by another version of the engine."""

    def tamper(logs: Logs) -> None:
        refused = next(n for n, record in enumerate(logs[SALES_OUT]) if b'"detail"' in (record.value or b""))
        value = (logs[SALES_OUT][refused].value or b"").replace(b'"detail":"', b'"detail":"Sorry: ')
        logs[SALES_OUT][refused] = changed(logs[SALES_OUT][refused], value=value)

    assert not found(bus.evidence(tamper), "outputs")


def test_a_repeated_answer_is_no_finding(bus: HandmadeBus) -> None:
    """Answers come at least once: what a new owner sends again is not doubled for a reader of the rule."""
    log = bus.records[SALES_OUT]
    log.extend(changed(record, offset=len(log) + n) for n, record in enumerate(log[-4:]))
    assert not found(bus.evidence(), "outputs")


def test_an_answer_behind_its_successor_is_found(bus: HandmadeBus) -> None:
    """An answer that only comes after the one that names it leaves a reader of the rule without the later one."""

    def tamper(logs: Logs) -> None:
        log = logs[SALES_OUT]
        same = [n for n, record in enumerate(log) if ("bus-from", b"1.1") in record.headers]
        first, second = log[same[-2]], log[same[-1]]
        log[same[-2]], log[same[-1]] = (
            changed(second, offset=first.offset),
            changed(first, offset=second.offset),
        )

    assert any("never gets" in finding for finding in found(bus.evidence(tamper), "outputs"))


def test_what_is_not_sent_yet_is_still_moving(bus: HandmadeBus) -> None:
    """A decision behind the published mark may still be on its way."""
    journal: Place = ("bus.gate.sales", 0)
    bus.marks[GATE_PUBLISHED] = {journal: len(bus.bodies[journal]) - 3}

    def tamper(logs: Logs) -> None:
        own = [n for n, record in enumerate(logs[SALES_OUT]) if ("bus-from", b"sales") in record.headers]
        del logs[SALES_OUT][own[-1]]

    check = verify(bus.evidence(tamper), ["outputs"], lambda _: None).checks[0]
    assert (check.found, check.moving) == (0, ["bus.out.sales/0: 1 outputs are on their way"])


@pytest.mark.parametrize("first", [1, 2, 5])
def test_answers_beyond_retention_are_named_as_not_checked(bus: HandmadeBus, first: int) -> None:
    """A reader that begins in the middle finds its place, and the result says what could not be checked."""
    evidence = bus.evidence()
    log = evidence.logs[SALES_OUT]
    logs = {**evidence.logs, SALES_OUT: Log(first, log.end, log.records[first:])}
    cut = type(evidence)("cut", logs, evidence.marks, {}, evidence.partitions)
    check = verify(cut, ["outputs"], lambda _: None).checks[0]
    assert (check.found, check.not_checked) == (
        0,
        [f"bus.out.sales/0: what is older than its first offset, {first}"],
    )


def test_without_a_journal_nothing_is_claimed(bus: HandmadeBus) -> None:
    """Where a journal is missing the check says so instead of finding strangers' answers."""
    evidence = bus.evidence()
    logs = {place: log for place, log in evidence.logs.items() if place != ("bus.journal", 1)}
    check = verify(type(evidence)("part", logs, evidence.marks), ["outputs"], lambda _: None).checks[0]
    assert (check.result, len(check.not_checked)) == ("not checked", 1)
