"""What this machine remembers of a bus: its journals, folded once and caught up in seconds, so that people can ask.

    catch_up: ends -> read from the last valid segment on -> chain -> the core's own fold -> tables

1. A segment counts only if it continues its chain; every other one is kept as void, without its decisions.
2. The last valid segment is read again each time. If it is not the one that was seen, or the log ends before it, the
   log is another one: everything is forgotten and read anew.
3. What is read and where it ends is written in one transaction, so a stop at any moment costs nothing but time.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bus.audit.evidence import Place
from bus.audit.index_file import IN_MEMORY, cannot_remember, connect, empty, forget, reading_alone, transaction
from bus.audit.remember import Pen, remember_entry, remember_refusal, remember_row
from bus.audit.source import Source
from bus.audit.standing import WatchedState, resource_from_text
from bus.core.arbiter import evolve
from bus.core.decision.entries import entry_from_json
from bus.core.gate import row_from_json
from bus.core.log import topics
from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.records import Record
from bus.core.policy.control import Change, Registry
from bus.core.state.gaps import fold_gap
from bus.shell.catalogue import built_in_contracts
from resolvers import RESOLVERS

QUIET_S = 1.0  # what takes longer than this is told to the person who waits
TELL_EVERY_S = 1.0
Progress = Callable[[str], None]


class _OtherLogError(Exception):
    """The log is not the one that was read before."""


@dataclass(slots=True)
class Position:
    """Where the fold of one topic-partition stands; ``note`` says why it cannot go on, "" if it can."""

    next_offset: int = 0
    tip: Tip = field(default_factory=Tip)
    tip_offset: int = -1
    note: str = ""


class Index:
    """Named steps: ``open``, ``catch_up`` as often as wanted, ``close``. ``database`` may be read in between."""

    def __init__(self, source: Source, path: Path | None) -> None:
        """``path`` None keeps everything in memory, for a bus that is read once."""
        self.source = source
        self._path = path
        self._states: dict[int, WatchedState] = {}
        self._registries: dict[int, Registry] = {}
        self._positions: dict[Place, Position] = {}
        self._stamp = -1
        self._is_open = False
        self.unread: list[Place] = []  # of a journal or bus.refused: not there, or not for this login
        self.database: sqlite3.Connection
        self._pen: Pen

    def open(self) -> None:
        """Open the file, or begin one; raises `CannotRememberError`."""
        self.database = connect(self._path or IN_MEMORY, self.source.identity)
        self._is_open = True

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._is_open:
            self.database.close()
            self._is_open = False

    def catch_up(self, on_progress: Progress) -> int:
        """Take in what has come since; the number of records. Raises `RetryableError`, `CannotRememberError`."""
        try:
            with reading_alone(self._path, on_progress):
                return self._catch_up_or_begin_again(on_progress)
        except (sqlite3.OperationalError, OSError) as error:  # no room, or not ours to write
            raise cannot_remember(self._path or IN_MEMORY, error) from error

    def notes(self) -> list[str]:
        """What could not be read, in sentences."""
        found = self.database.execute("SELECT note FROM places WHERE note <> '' ORDER BY topic, partition")
        lanes = (*topics.PERSON_LANES, *self.present_registry().lanes)
        hidden = [(name, 0) for name in map(topics.gate_journal, lanes) if name not in self.source.counts]
        unread = [_unread(place) for place in dict.fromkeys([*self.unread, *hidden])]
        return [*dict.fromkeys(unread), *(str(note) for (note,) in found)]

    def note_on(self, place: Place) -> str:
        """Why one journal is not known, or not to its end; "" if it is."""
        if place in self.unread or place[0] not in self.source.counts:
            return _unread(place)
        wanted = "SELECT note FROM places WHERE topic = ? AND partition = ?"
        found = self.database.execute(wanted, place).fetchone()
        return str(found[0]) if found else ""

    def arbiter_notes(self) -> list[str]:
        """What could not be read of the arbiter's journal, which alone says who holds what."""
        places = [(topics.JOURNAL, p) for p in range(self.source.genesis.partitions)]
        return [note for note in map(self.note_on, places) if note]

    def read_anew(self, on_progress: Progress) -> None:
        """Forget everything and read the journals from their beginning; raises as `catch_up`."""
        with reading_alone(self._path, on_progress):
            self._begin_again()
        self.catch_up(on_progress)

    def registry(self, number: int) -> Registry:
        """What was in force at that control number, as far as the journals of the arbiter tell it."""
        registry = self._registries.get(number)
        if registry is None:
            registry = Registry(self.source.genesis, built_in_contracts())
            columns = "number, kind, name, rev, value"
            wanted = f"SELECT {columns} FROM changes WHERE number <= ? ORDER BY number"
            for number_, kind, name, rev, value in self.database.execute(wanted, (number,)):
                registry = registry.apply(Change(number_, kind, name, rev, json.loads(value)))
            if registry.number == number:
                self._registries[number] = registry
        return registry

    def present_registry(self) -> Registry:
        """What is in force, as far as the journals of the arbiter tell it."""
        (number,) = self.database.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()
        return self.registry(int(number))

    # ---- reading --------------------------------------------------------------------------------------------

    def _catch_up_or_begin_again(self, on_progress: Progress) -> int:
        try:
            return self._catch_up(on_progress)
        except _OtherLogError:
            on_progress("the journals are not the ones read before: reading all of them")
            self._begin_again()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            on_progress("what was remembered is damaged: reading the journals again")
            self.database.close()
            forget(self._path or IN_MEMORY)
            self.open()
            self._drop()
        return self._catch_up(on_progress)

    def _catch_up(self, on_progress: Progress) -> int:
        self._load()
        spans = self._spans()
        total = sum(end - first for first, end in spans.values())
        count, began_s = 0, time.monotonic()
        told_s = began_s + QUIET_S - TELL_EVERY_S
        for batch in self.source.read(spans):
            with transaction(self.database):
                self._pen = Pen(self.database)
                self._take(batch)
                self._pen.flush()
                self._keep()
            count += len(batch)
            if time.monotonic() - told_s >= TELL_EVERY_S:
                told_s = time.monotonic()
                on_progress(f"reading the journals: {count:,} of {total:,} records")
        if time.monotonic() - began_s >= QUIET_S:
            took_s = time.monotonic() - began_s
            on_progress(f"read {count:,} records in {took_s:.0f} s; the next time only what is new is read")
        return count

    def _spans(self) -> dict[Place, tuple[int, int]]:
        """What is to be read: from each journal's last valid segment on, so that it is seen once more."""
        spans = {}
        counts = self.source.counts
        ends = self.source.ends([(topic, p) for topic, p in self._places() if p < counts.get(topic, 0)])
        self.unread = [place for place in self._places() if place not in ends]
        for place, (low, end) in ends.items():
            known = place in self._positions
            position = self._positions.setdefault(place, Position())
            if end < position.next_offset:
                raise _OtherLogError
            if position.note:
                continue
            first = position.tip_offset if position.tip_offset >= low else position.next_offset
            if low > first and place[0] != topics.REFUSED:
                gone = "records that were not read yet are" if known else "its beginning is"
                position.note = f"{place[0]}/{place[1]}: {gone} gone, so what was decided there is not known"
                continue
            spans[place] = (max(low, first), end)
        return spans

    def _places(self) -> list[Place]:
        counts = self.source.counts
        names = sorted(name for name in counts if name.startswith(topics.gate_journal("")))
        arbiters = [(topics.JOURNAL, p) for p in range(self.source.genesis.partitions)]
        return arbiters + [(name, p) for name in [*names, topics.REFUSED] for p in range(counts.get(name, 0))]

    def _take(self, batch: list[Record]) -> None:
        for record in batch:
            position = self._positions[record.topic, record.partition]
            if position.note:
                continue
            if record.topic == topics.REFUSED:
                remember_refusal(self._pen, record)
                position.next_offset = record.offset + 1
            elif record.offset == position.tip_offset:
                if advance(Tip(position.tip.seq - 1), record.value or b"") != position.tip:
                    raise _OtherLogError
            else:
                self._take_segment(position, record)

    def _take_segment(self, position: Position, record: Record) -> None:
        value = record.value or b""
        segment = parse_segment(value)
        is_valid = segment is not None and continues(position.tip, segment)
        if segment is not None and is_valid:
            try:
                self._fold(record, segment)
            except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
                where = f"{record.topic}/{record.partition} offset {record.offset}"
                position.note = f"{where} is of a form that this agentbus does not know: upgrade it, then ask again"
                return
            position.tip, position.tip_offset = advance(position.tip, value), record.offset
        position.next_offset = record.offset + 1
        tip = position.tip
        kind = str(segment["kind"]) if is_valid and segment is not None else "void"
        numbers = (tip.seq, tip.hash, segment["prev"]) if is_valid and segment is not None else (None, "", "")
        self._pen.write(
            "INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (record.topic, record.partition, record.offset, kind, *numbers, record.timestamp_ms),
        )

    def _fold(self, record: Record, segment: dict[str, Any]) -> None:  # Any: JSON
        match segment["kind"]:
            case "gate":
                for item in segment["rows"]:
                    remember_row(self._pen, segment, row_from_json(item), record.offset)
            case "arbiter":
                state = self._state(record.partition)
                for item in segment["entries"]:
                    entry = entry_from_json(item)
                    state.touched.clear()
                    evolve(state, entry)
                    remember_entry(self._pen, state, entry, item, record.offset)
            case "gap" if "changes" in segment:
                fold_gap(self._state(record.partition), segment)
            case _:
                pass

    # ---- what is kept between two readings ------------------------------------------------------------------

    def _load(self) -> None:
        """Take up the file where it stands, unless nobody has written since we did."""
        ((stamp,),) = self.database.execute("SELECT value FROM about WHERE name = 'stamp'").fetchall()
        if int(stamp) == self._stamp:
            return
        self._drop()
        self._stamp = int(stamp)
        wanted = "SELECT topic, partition, next_offset, tip_offset, tip_seq, tip_hash, note FROM places"
        for topic, p, next_offset, tip_offset, seq, tip_hash, note in self.database.execute(wanted):
            self._positions[topic, p] = Position(next_offset, Tip(seq, tip_hash), tip_offset, note)

    def _state(self, p: int) -> WatchedState:
        """The state of a partition, taken up from the file when it is first needed."""
        if p in self._states:
            return self._states[p]
        wanted = "SELECT now, control FROM places WHERE topic = ? AND partition = ?"
        now, control = next(iter(self.database.execute(wanted, (topics.JOURNAL, p)).fetchall()), (0, 0))
        state = WatchedState(self.source.genesis.gen, p, self.registry(control), now=now, resolvers=RESOLVERS)
        for subject, body in self.database.execute("SELECT subject, body FROM resources WHERE p = ?", (p,)):
            state.put(subject, resource_from_text(body))
        self._states[p] = state
        return state

    def _keep(self) -> None:
        """Write down where everything stands."""
        for (topic, p), position in self._positions.items():
            state = self._states.get(p) if topic == topics.JOURNAL else None
            now, control = (state.now, state.registry.number) if state else (0, 0)
            place = (topic, p, position.next_offset, position.tip_offset, position.tip.seq, position.tip.hash)
            if state is None and topic == topics.JOURNAL:
                known = "SELECT now, control FROM places WHERE topic = ? AND partition = ?"
                now, control = next(iter(self.database.execute(known, (topic, p)).fetchall()), (0, 0))
            self.database.execute(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*place, now, control, position.note),
            )
        self._stamp += 1
        self.database.execute("UPDATE about SET value = ? WHERE name = 'stamp'", (str(self._stamp),))

    def _drop(self) -> None:
        self._states, self._registries, self._positions, self._stamp = {}, {}, {}, -1

    def _begin_again(self) -> None:
        with transaction(self.database):
            empty(self.database, self.source.identity)
        self._drop()


def _unread(place: Place) -> str:
    name = f"{place[0]}/{place[1]}" if place[0] == topics.JOURNAL else place[0]
    return f"{name}: not there, or not for this login"
