"""A real bus: nothing is found in it or in its export, and one changed byte or line of the export is."""

import json
import shutil
from pathlib import Path

import pytest

from tests.audit.conftest import LEADS, Audited, Result, run_verify


@pytest.fixture
def export(audited: Audited, tmp_path: Path) -> Path:
    """A copy of the export that may be tampered with."""
    copy = tmp_path / "export"
    shutil.copytree(audited.folder, copy)
    return copy


def _check(result: Result, name: str) -> Result:
    return next(check for check in result["checks"] if check["check"] == name)


def test_a_running_bus_has_no_findings(audited: Audited) -> None:
    """After real traffic the check of a running bus finds nothing."""
    assert [finding for check in audited.checks for finding in check["findings"]] == []


def test_a_running_bus_passes(audited: Audited) -> None:
    """A bus without findings ends the command with 0."""
    assert audited.code == 0


def test_an_idle_bus_is_quiet(audited: Audited) -> None:
    """When everything is decided, sent and released, nothing is still moving."""
    assert [what for check in audited.checks for what in check["moving"]] == []


def test_nothing_is_left_out(audited: Audited) -> None:
    """On a whole bus every check is made."""
    assert [why for check in audited.checks for why in check["not_checked"]] == []


def test_the_traffic_was_really_looked_at(audited: Audited) -> None:
    """The counts are those of the traffic: each lead was claimed twice and acted on once, and one lease ended.

    Two more claims, at least, were made until both lanes had heard of the set-up.
    """
    claims = _check(audited.result, "completeness")["counts"]["claims"]
    governed = _check(audited.result, "governed")["counts"]
    ticks = _check(audited.result, "fold")["counts"]["ticks"]
    assert (claims >= 2 * LEADS + 2, governed, ticks > 0) == (True, {"records": LEADS, "admitted": LEADS}, True)


def test_an_export_says_the_same(audited: Audited, export: Path) -> None:
    """The export of a bus is checked with the same result as the bus."""
    code, result = run_verify(str(export))
    assert (code, [check for check in result["checks"] if check["check"] != "files"]) == (0, audited.checks)


def test_a_flipped_bit_of_a_journal_is_found(export: Path) -> None:
    """One bit of a journal's file, anywhere within a row, is found by the chain."""
    path = export / "bus.gate.sales-0.jsonl"
    content = bytearray(path.read_bytes())
    content[content.index(b"forwarded", len(content) // 3)] ^= 1
    path.write_bytes(content)
    code, result = run_verify(str(export))
    assert (code, _check(result, "chain")["found"] > 0, _check(result, "files")["found"]) == (3, True, 1)


def test_a_missing_answer_is_found(export: Path) -> None:
    """One answer taken out of the export is found, by its decision."""
    path = export / "bus.out.sales-0.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    gone = dict(json.loads(lines.pop(10))["headers"])["bus-decision"]
    path.write_bytes(b"".join(lines))
    code, result = run_verify(str(export))
    sentences = [finding["sentence"] for finding in _check(result, "outputs")["findings"]]
    assert (code, any(f"{gone} is missing" in sentence for sentence in sentences)) == (3, True)


def test_a_changed_governed_record_is_found(export: Path) -> None:
    """One byte of what was released is found against what was sent."""
    path = next(path for path in sorted(export.glob("leads-*.jsonl")) if path.stat().st_size)
    path.write_bytes(path.read_bytes().replace(b"lead_id", b"lead_iD", 1))
    code, result = run_verify(str(export), "--only", "governed")
    assert (code, _check(result, "governed")["found"]) == (3, 1)


def test_a_missing_file_is_found(export: Path) -> None:
    """A file of the export that is gone is found, and so is what it proved."""
    (export / "bus.in.sales-0.jsonl").unlink()
    code, result = run_verify(str(export))
    assert (code, _check(result, "files")["findings"][0]["sentence"]) == (3, "file bus.in.sales-0.jsonl is missing")
