"""The check of the chains: what was changed or cut is found and told apart from what merely lost a race."""

from collections.abc import Callable

import pytest

from bus.audit.evidence import GATE_PUBLISHED, Place
from bus.audit.verify import verify
from bus.core.log.journal import Tip, advance, seal
from bus.core.log.records import Record
from tests.audit.handmade import HandmadeBus, busy_bus, changed, found

JOURNAL: Place = ("bus.gate.sales", 0)
Tamper = Callable[[dict[Place, list[Record]]], None]


def _tip_after(log: list[Record], offset: int) -> Tip:
    tip = Tip()
    for record in log[: offset + 1]:
        tip = advance(tip, record.value or b"")
    return tip


def _replaced(offset: int, old: bytes, new: bytes) -> Tamper:
    def tamper(logs: dict[Place, list[Record]]) -> None:
        value = logs[JOURNAL][offset].value or b""
        assert old in value
        logs[JOURNAL][offset] = changed(logs[JOURNAL][offset], value=value.replace(old, new, 1))

    return tamper


def _append(kind: str, offset: int, tip: Tip) -> Tamper:
    """Put a segment behind the last one, chained to ``tip``."""

    def tamper(logs: dict[Place, list[Record]]) -> None:
        value, _ = seal(tip, {"kind": kind, "engine": "1.0", "nonce": "ff", "mark": 0})
        logs[JOURNAL].append(Record(*JOURNAL, offset, 0, b"", value, ()))

    return tamper


@pytest.fixture
def bus() -> HandmadeBus:
    return busy_bus()


@pytest.mark.parametrize("check", ["chain", "fold", "completeness", "redecide", "outputs", "governed", "quiet"])
def test_an_untouched_bus_has_no_findings(bus: HandmadeBus, check: str) -> None:
    """Nothing is found where nothing was changed."""
    assert not found(bus.evidence(), check)


def test_everything_is_counted(bus: HandmadeBus) -> None:
    """The result says how much was looked at."""
    counts = verify(bus.evidence(), ["chain"], lambda _: None).checks[0].counts
    segments = sum(len(bodies) for bodies in bus.bodies.values())
    assert counts == {"journals": 6, "segments": segments, "decisions": segments - 12}


@pytest.mark.parametrize(
    ("offset", "old", "new"),
    [
        (5, b'"forwarded"', b'"forwardeD"'),
        (5, b'"control":6', b'"control":5'),
        (2, b'"prev":"', b'"prev":"0'),
        (4, b'"seq":4', b'"seq":3'),
        (0, b'"lane":"sales"', b'"lane":"salez"'),
    ],
)
def test_a_changed_byte_is_found(bus: HandmadeBus, offset: int, old: bytes, new: bytes) -> None:
    """One changed byte anywhere in a segment breaks the chain."""
    assert found(bus.evidence(_replaced(offset, old, new)), "chain")


def test_a_changed_byte_is_found_where_it_was_changed(bus: HandmadeBus) -> None:
    """The finding names the changed segment, not the ones that lost their place by it."""
    [finding] = found(bus.evidence(_replaced(5, b'"control":6', b'"control":5')), "chain")
    assert finding.startswith("bus.gate.sales/0 offset 5: this segment and the one at offset 6")


def test_a_segment_that_is_no_json_is_found(bus: HandmadeBus) -> None:
    """A byte that breaks the form of a segment is found at its offset."""
    assert "bus.gate.sales/0 offset 3: the record is no segment of the bus" in found(
        bus.evidence(_replaced(3, b"{", b"[")), "chain"
    )


def test_the_last_segment_is_covered_by_the_mark(bus: HandmadeBus) -> None:
    """A changed last segment cannot be contradicted by a next one, but the mark says that it counted."""

    def tamper(logs: dict[Place, list[Record]]) -> None:
        last = logs[JOURNAL][-1]
        value, _ = seal(Tip(last.offset, "0" * 64), bus.bodies[JOURNAL][-1])
        logs[JOURNAL][-1] = changed(last, value=value)

    [finding] = found(bus.evidence(tamper), "chain")
    assert "everything below offset" in finding


def test_a_cut_tail_is_found_by_the_end(bus: HandmadeBus) -> None:
    """Records that the log should still hold are missed, and called a cut tail."""

    def tamper(logs: dict[Place, list[Record]]) -> None:
        del logs[JOURNAL][-2:]

    findings = found(bus.evidence(tamper), "chain")
    assert any("the tail was cut: offsets" in finding for finding in findings)


def test_a_cut_tail_is_found_by_the_mark(bus: HandmadeBus) -> None:
    """A journal that ends before what its owner said it had sent was cut."""
    bus.marks[GATE_PUBLISHED] = {JOURNAL: len(bus.bodies[JOURNAL]) + 3}
    [finding] = found(bus.evidence(), "chain")
    assert "the tail was cut: the journal ends at offset" in finding


def test_a_missing_segment_is_found(bus: HandmadeBus) -> None:
    """A segment taken out of the middle leaves a hole that is named."""

    def tamper(logs: dict[Place, list[Record]]) -> None:
        del logs[JOURNAL][4]

    assert "bus.gate.sales/0 offset 5: offset 4 of the journal are missing" in found(bus.evidence(tamper), "chain")


def test_a_doubled_number_is_void_and_no_finding(bus: HandmadeBus) -> None:
    """Of two segments with one number the first counts and the second is void: that is the fence at work."""
    log = list(bus.evidence().logs[JOURNAL].records)
    tamper = _append("takeover", len(log), _tip_after(log, len(log) - 3))
    report = verify(bus.evidence(tamper), ["chain"], lambda _: None)
    assert (report.found, report.checks[0].counts["void segments"]) == (0, 1)


def test_a_lost_append_is_no_finding(bus: HandmadeBus) -> None:
    """What was sent behind a lost append names something that never arrived, and is void."""
    log = list(bus.evidence().logs[JOURNAL].records)
    tip = _tip_after(log, len(log) - 1)
    tamper = _append("takeover", len(log), Tip(tip.seq + 1, "0" * 64))
    assert not found(bus.evidence(tamper), "chain")


def test_a_number_that_does_not_fit_its_predecessor_is_found(bus: HandmadeBus) -> None:
    """A segment that names another with the wrong number is nobody's."""
    log = list(bus.evidence().logs[JOURNAL].records)
    tip = _tip_after(log, len(log) - 1)
    tamper = _append("takeover", len(log), Tip(tip.seq + 4, tip.hash))
    [finding] = found(bus.evidence(tamper), "chain")
    assert f"has seq {tip.seq + 5} and names the one with seq {tip.seq}" in finding


def test_a_gap_between_segments_is_found(bus: HandmadeBus) -> None:
    """A chained segment that skips an input is found."""
    bus.bodies[JOURNAL][5]["from"] += 1
    assert any("begins at input 4, the one before ended at 2" in finding for finding in found(bus.evidence(), "chain"))


def test_a_journal_of_another_lane_is_found(bus: HandmadeBus) -> None:
    """A segment that speaks of another lane is found."""
    bus.bodies[JOURNAL][3]["lane"] = "support"
    [finding] = found(bus.evidence(), "chain")
    assert "says lane 'support', it should be 'sales'" in finding


def test_a_segment_of_no_engine_is_found(bus: HandmadeBus) -> None:
    """Every segment names the engine that wrote it."""
    bus.bodies[JOURNAL][3]["engine"] = None
    assert any("the segment names no engine: None" in finding for finding in found(bus.evidence(), "chain"))


def test_a_newer_engine_is_named(bus: HandmadeBus) -> None:
    """What a newer engine wrote may mean more than this one knows, and the result says so."""
    bus.bodies[JOURNAL][3]["engine"] = "9.0"
    check = verify(bus.evidence(), ["chain"], lambda _: None).checks[0]
    assert (check.found, check.not_checked) == (0, ["bus.gate.sales/0: engine 9.0 wrote it, this one is 1.0"])


@pytest.mark.parametrize("row", [["1", "forwarded"], [1, "forwardeD", "", "", "", "", 1, []], 7])
def test_a_row_of_unknown_form_is_found(bus: HandmadeBus, row: object) -> None:
    """A row that is not of the form of rows is found, and nothing falls over it."""
    bus.bodies[JOURNAL][3]["rows"] = [row]
    [finding] = found(bus.evidence(), "chain")
    assert "a row is not of the form this engine knows" in finding


@pytest.mark.parametrize(("name", "value"), [("o", "8"), ("at", None), ("events", 3), ("verdict", "maybe"), ("src", 1)])
def test_an_entry_of_unknown_form_is_found(bus: HandmadeBus, name: str, value: object) -> None:
    """An entry that is not of the form of entries is found, and nothing falls over it."""
    bus.bodies["bus.journal", 1][9]["entries"][0][name] = value
    assert "bus.journal/1 offset 9: an entry is not of the form this engine knows" in found(bus.evidence(), "chain")
