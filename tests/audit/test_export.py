"""Exports: what was read comes back as it was, and a folder that is none is refused in one sentence."""

from pathlib import Path

import pytest

from bus.audit.evidence import Evidence, Log
from bus.audit.export import load, save
from bus.core.log.records import Record
from bus.shell.errors import BusError, ConflictError, NotInitialisedError
from tests.audit.handmade import busy_bus

# Bytes of every kind: text, none at all, nothing in them, no text, a line end in them, headers that nobody can read.
ODD = [
    Record("bus.in.sales", 0, 0, 1, b"key", b'{"a": "\xc3\xa9"}', (("ce_id", b"1"), ("x", None), ("ce_id", b""))),
    Record("bus.in.sales", 0, 1, 2, None, None, ()),
    Record("bus.in.sales", 0, 2, 3, b"", b"", (("y", b"\xff\x00"),)),
    Record("bus.in.sales", 0, 3, 4, b"\xfe", b"\x00\x01\n\r\xe2\x80\xa8", ()),
    Record("bus.in.sales", 0, 4, 5, None, b"{}", (), has_unreadable_headers=True),
]


def test_an_export_comes_back_as_it_was(tmp_path: Path) -> None:
    """Records, ends, marks and topic ids survive, whatever bytes they hold."""
    logs = {("bus.in.sales", 0): Log(0, 9, tuple(ODD))}
    evidence = Evidence("b:1", logs, {"g": {("bus.in.sales", 0): 4}}, {"bus.in.sales": "id"}, {"bus.in.sales": 1}, ())
    save(evidence, tmp_path / "new")
    back = load(tmp_path / "new")
    assert (back.logs, back.marks, back.topic_ids, back.partitions, back.flaws) == (
        evidence.logs,
        evidence.marks,
        evidence.topic_ids,
        evidence.partitions,
        (),
    )


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that holds something is refused."""
    (tmp_path / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(ConflictError, match="is not empty: name a new folder"):
        save(busy_bus().evidence(), tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    """A folder that is no export is named, with what to do."""
    with pytest.raises(BusError, match="name a folder that `agentbus verify --save` wrote"):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"kind":"agentbus-export","v":1}', b"\xff"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no manifest is named, with what to do."""
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(BusError, match=r"manifest.json is no manifest of an export"):
        load(tmp_path)


def test_a_line_that_is_no_record_is_a_flaw(tmp_path: Path) -> None:
    """A line that cannot be read any more is named, and the rest is read."""
    save(busy_bus().evidence(), tmp_path / "new")
    path = tmp_path / "new" / "bus.in.sales-0.jsonl"
    path.write_bytes(path.read_bytes().replace(b"{", b"<", 1))
    flaws = [flaw.sentence for flaw in load(tmp_path / "new").flaws or ()]
    assert flaws == [
        "file bus.in.sales-0.jsonl was changed after the export: its sha256 is not the manifest's",
        "line 1 is no record any more",
    ]


def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    """It was removed, or the wrong folder was named: not a fault to report."""
    with pytest.raises(NotInitialisedError, match=r"manifest\.json cannot be read"):
        load(tmp_path)
