"""A reader that notes every record it ever sees while the bus is hurt, and at the end reads everything again.

Two views: `read_uncommitted` of all topics, `read_committed` of those written in transactions. A line on standard input
ends the recording. Prints one line of JSON: how many it saw, and what it saw that is not there any more.
"""

from __future__ import annotations

import hashlib
import json
import select
import sys
import time
from collections.abc import Iterable

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.acceptance.setting import GOVERNED
from tests.acceptance.topics import Cluster, as_record
from tests.acceptance.wire import Record

COMPACTED = "bus.published"  # what it held before may be gone by right
READ_AT_ONCE = 2_000
CAUGHT_UP_S = 3.0  # so long without a record after the end was said
FAULTS_MAX = 20
Place = tuple[str, int]
Notes = dict[Place, dict[int, bytes]]


def main() -> None:
    """Record, read again, compare."""
    cluster = Cluster(sys.argv[1])
    counts = cluster.partitions()
    plain = [(name, p) for name, count in counts.items() for p in range(count) if name.startswith("bus.")]
    governed = [(name, p) for name in (*GOVERNED, COMPACTED) for p in range(counts[name])]
    every = list(dict.fromkeys([*plain, *governed]))
    views = {"read_uncommitted": every, "read_committed": governed}
    notes: dict[str, Notes] = {view: {place: {} for place in places} for view, places in views.items()}
    readers = {view: _reader(cluster, view, places) for view, places in views.items()}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    faults: list[str] = []
    _record(readers, notes, faults)
    for reader in readers.values():
        reader.close()
    for view, places in views.items():
        again = cluster.read_all({name for name, _ in places}, isolation=view)
        for place in places:
            faults += compared(view, place, notes[view][place], again[place[0]][place[1]])
    seen = sum(len(held) for view in notes.values() for held in view.values())
    sys.stdout.write(json.dumps({"seen": seen, "faults": faults[:FAULTS_MAX], "count": len(faults)}) + "\n")


def _reader(cluster: Cluster, view: str, places: Iterable[Place]) -> Consumer:
    reader = cluster.consumer(view)
    reader.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in places])
    return reader


def _record(readers: dict[str, Consumer], notes: dict[str, Notes], faults: list[str]) -> None:
    quiet_since_s, is_ending = time.monotonic(), False
    while not is_ending or time.monotonic() - quiet_since_s < CAUGHT_UP_S:
        for view, reader in readers.items():
            for message in reader.consume(READ_AT_ONCE, 0.1):
                if message.error() is None:
                    quiet_since_s = time.monotonic()
                    faults += _note(notes[view], as_record(message), view)
        is_ending = is_ending or bool(select.select([sys.stdin], [], [], 0)[0])


def _note(notes: Notes, record: Record, view: str) -> list[str]:
    held, own = notes[record.topic, record.partition], digest_of(record)
    if held.setdefault(record.offset, own) != own:
        return [f"{view}: {record.src} was read twice, with different content"]
    return []


def compared(view: str, place: Place, seen: dict[int, bytes], again: list[Record]) -> list[str]:
    """What was seen and is not there as it was, and what is there and was never seen."""
    there = {record.offset: digest_of(record) for record in again}
    name, faults = f"{view}: {place[0]}/{place[1]}", []
    for offset, own in seen.items():
        if offset not in there:
            if place[0] != COMPACTED:
                faults.append(f"{name}/{offset} was seen and is gone")
        elif there[offset] != own:
            faults.append(f"{name}/{offset} was seen with other content")
    if missed := there.keys() - seen.keys():
        faults.append(f"{name}: {len(missed)} records were never seen by who read along, first {min(missed)}")
    return faults


def digest_of(record: Record) -> bytes:
    """What stands for all of a record."""
    content = repr((record.append_ms, record.key, record.headers, record.value))
    return hashlib.blake2b(content.encode(), digest_size=8).digest()


if __name__ == "__main__":
    main()
