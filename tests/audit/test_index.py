"""What a machine remembers of the journals is always what they say: step by step, after damage, for two at once."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bus.audit.evidence import Evidence, Log, Place
from bus.audit.index import Index
from bus.audit.index_file import connect
from bus.audit.lookup import Lookup
from bus.audit.source import ExportSource, Spans
from bus.audit.standing import resource_from_text
from bus.core.log import topics
from bus.core.log.records import Record
from tests.audit.eventful import eventful_bus
from tests.audit.explained import eventful, index_of
from tests.audit.handmade import PARTITIONS, changed

Tables = dict[str, list[Any]]
JOURNAL: Place = (topics.JOURNAL, 1)


def _tables(index: Index) -> Tables:
    """All that is remembered, but for how often it was written."""
    names = index.database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'about'").fetchall()
    return {name: sorted(index.database.execute(f'SELECT * FROM "{name}"').fetchall(), key=str) for (name,) in names}


def _read(evidence: Evidence, path: Path | None, told: list[str] | None = None) -> Index:
    index = Index(ExportSource(evidence), path)
    index.open()
    index.catch_up((told if told is not None else []).append)
    return index


def _cut(evidence: Evidence, share: float) -> Evidence:
    """The bus as it was earlier: the first part of each journal."""

    def earlier(log: Log) -> Log:
        end = int(log.end * share)
        return Log(log.first, end, tuple(record for record in log.records if record.offset < end))

    return replace(evidence, logs={place: earlier(log) for place, log in evidence.logs.items()})


def _with(evidence: Evidence, place: Place, records: tuple[Record, ...], first: int = 0) -> Evidence:
    end = records[-1].offset + 1
    return replace(evidence, logs={**evidence.logs, place: Log(first, end, records)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "bus.sqlite"


def test_the_resources_stand_as_the_engine_has_them() -> None:
    """What is remembered of every resource is what the arbiter itself would know."""
    bus = eventful_bus()
    index = index_of(bus.evidence())
    engine = {subject: resource for state, _, _ in bus.arbiters for subject, resource in state.resources.items()}
    kept = index.database.execute("SELECT subject, body FROM resources WHERE body <> '{}'").fetchall()
    assert {subject: resource_from_text(body) for subject, body in kept} == engine


@pytest.mark.parametrize("shares", [(0.5,), (0.1, 0.3, 0.5, 0.7, 0.9)], ids=str)
def test_step_by_step_is_as_at_once(path: Path, shares: tuple[float, ...]) -> None:
    """Read in parts, each by another command, it is the same as read in one go."""
    for share in shares:
        _read(_cut(eventful(), share), path).close()
    assert _tables(_read(eventful(), path)) == _tables(index_of(eventful()))


def test_the_second_time_only_what_is_new_is_read(path: Path) -> None:
    """Once caught up, each journal's last segment is looked at, and nothing else."""
    _read(eventful(), path).close()
    again = Index(ExportSource(eventful()), path)
    again.open()
    journals = sum(1 for place in eventful().logs if place[0].startswith(("bus.gate.", "bus.journal")))
    assert again.catch_up(lambda _: None) == journals


def test_another_log_is_noticed(path: Path) -> None:
    """A last segment with other bytes: everything is read anew, and it is said."""
    _read(_cut(eventful(), 0.5), path).close()
    log = eventful().logs[JOURNAL]
    half = len(_cut(eventful(), 0.5).logs[JOURNAL].records)
    records = [*log.records]
    records[half - 1] = changed(records[half - 1], value=b'{"v":1}')
    other, told = _with(eventful(), JOURNAL, tuple(records)), []
    index = _read(other, path, told := list[str]())
    assert told == ["the journals are not the ones read before: reading all of them"]
    assert _tables(index) == _tables(index_of(other))


def test_a_shorter_log_is_noticed(path: Path) -> None:
    """A log that ends before what was read is another one."""
    _read(eventful(), path).close()
    shorter, told = _cut(eventful(), 0.5), list[str]()
    assert _tables(_read(shorter, path, told)) == _tables(index_of(shorter))
    assert len(told) == 1


def test_a_file_of_another_bus_is_emptied(path: Path) -> None:
    """Nothing of another bus is ever told."""
    connect(path, "another bus").execute("INSERT INTO changes (number, kind) VALUES (999, 'lane')")
    assert _tables(_read(eventful(), path)) == _tables(index_of(eventful()))


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100], ids=["empty", "overwritten"])
def test_a_damaged_file_is_made_again(path: Path, content: bytes) -> None:
    """Whatever stands in the file, the journals are read again."""
    path.parent.mkdir()
    path.write_bytes(content)
    assert _tables(_read(eventful(), path)) == _tables(index_of(eventful()))


def test_a_file_damaged_inside_is_made_again(path: Path) -> None:
    """Damage that shows only when the file is used is no fault of the person who asks."""
    _read(_cut(eventful(), 0.5), path).close()
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    assert _tables(_read(eventful(), path)) == _tables(index_of(eventful()))


def test_a_deleted_file_is_made_again(path: Path) -> None:
    """It holds nothing that the journals do not."""
    _read(eventful(), path).close()
    path.unlink()
    assert _tables(_read(eventful(), path)) == _tables(index_of(eventful()))


def test_two_at_once_do_not_disturb_each_other(path: Path) -> None:
    """Several commands that read at the same moment all find the same, and nothing is counted twice."""
    found, failed = [], []

    def ask() -> None:
        try:
            index = _read(eventful(), path)
            found.append(_tables(index))
            index.close()
        except Exception as error:  # noqa: BLE001 a thread's error would be lost
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expected = _tables(index_of(eventful()))
    assert not failed
    assert found == [expected] * 4


def test_a_void_segment_does_not_count() -> None:
    """Another owner's segment that lost: it is known as void, the decisions are those of the chain."""
    log = eventful().logs[JOURNAL]
    zombie = changed(log.records[10], offset=11)
    moved = [changed(record, offset=record.offset + 1) for record in log.records[11:]]
    index = index_of(_with(eventful(), JOURNAL, (*log.records[:11], zombie, *moved)))
    plain = index_of(eventful())
    assert _tables(index)["events"] == _tables(plain)["events"]
    proof = Lookup(index).in_force.proof(*JOURNAL, 12)
    assert proof is not None
    assert (proof.void_before, proof.prev_offset) == (1, 10)


def test_behind_a_changed_segment_nothing_counts() -> None:
    """What does not continue the chain is not told as decided."""
    log = eventful().logs[JOURNAL]
    records = [*log.records]
    records[8] = changed(records[8], value=(records[8].value or b"").replace(b'"v":1', b'"v":1 '))
    index = index_of(_with(eventful(), JOURNAL, tuple(records)))
    (last,) = index.database.execute("SELECT max(o) FROM entries WHERE p = 1").fetchone()
    assert last is None or last < 8


def test_a_take_over_is_told_at_the_segment_behind_it() -> None:
    """The first segment of a new owner says so."""
    proof = Lookup(index_of(eventful())).in_force.proof(*JOURNAL, 2)
    assert proof is not None
    assert proof.has_new_owner


def test_a_journal_without_its_beginning_is_told(path: Path) -> None:
    """What cannot be known is said in a sentence, and the rest is known."""
    log = eventful().logs[JOURNAL]
    index = _read(_with(eventful(), JOURNAL, log.records[5:], first=5), path)
    assert index.notes() == ["bus.journal/1: its beginning is gone, so what was decided there is not known"]
    assert index.database.execute("SELECT count(*) FROM entries WHERE p = 0").fetchone()[0] > 0


def test_what_was_read_in_time_is_kept_when_the_journal_is_cut_off(path: Path) -> None:
    """Records that retention takes away after they were read stay explained."""
    _read(eventful(), path).close()
    log = eventful().logs[JOURNAL]
    later = _with(eventful(), JOURNAL, log.records[-3:], first=log.records[-3].offset)
    assert _tables(_read(later, path)) == _tables(index_of(eventful()))


def test_a_decision_of_an_unknown_form_stops_its_partition_only() -> None:
    """A later version's journal is not guessed at: it is said, and the other partitions go on."""
    bus = eventful_bus()
    bus.bodies[JOURNAL][-1]["entries"][0]["events"] = [{"n": 0, "kind": "of_tomorrow", "to": []}]
    index = index_of(bus.evidence())
    (note,) = index.notes()
    assert note.startswith(f"bus.journal/1 offset {len(bus.bodies[JOURNAL]) - 1} is of a form")
    assert len(_tables(index)["events"]) > 50


class _SlowSource(ExportSource):
    """Hands out what it has as a busy broker would."""

    def read(self, spans: Spans) -> Iterator[list[Record]]:
        for batch in super().read(spans):
            time.sleep(0.15)
            yield batch


def test_long_reading_is_told() -> None:
    """Whoever waits longer than a second hears how far it is; whoever does not hears nothing."""
    told: dict[str, list[str]] = {"slow": [], "quick": []}
    for name, source in (("slow", _SlowSource(eventful())), ("quick", ExportSource(eventful()))):
        index = Index(source, None)
        index.open()
        index.catch_up(told[name].append)
    assert told["slow"][0].startswith("reading the journals: ")
    assert told["slow"][-1].endswith("only what is new is read")
    assert told["quick"] == []


def test_all_partitions_are_read() -> None:
    """Every partition of the arbiter has decisions in the index."""
    rows: Mapping[int, int] = dict(
        index_of(eventful()).database.execute("SELECT p, count(*) FROM entries GROUP BY p").fetchall()
    )
    assert sorted(rows) == list(range(PARTITIONS))
