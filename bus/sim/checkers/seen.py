"""I2, I12: what a reader of valid segments saw stays valid, and nothing that went out comes from a void one."""

from collections.abc import Iterator, Sequence

from bus.core.log.records import Record
from bus.sim.checkers.reading import Logs, Violation, headers_of

OURS = ("bus.outcomes", "bus.escalations", "bus.refused", "bus.arbiter")


def check(logs: Logs) -> Iterator[Violation]:
    """Hold what readers noted, and every raw output, against the chains at the end."""
    for note in logs.notes:
        chain = logs.chain(*note.place)
        if note.segments and (len(chain) < note.segments or chain[note.segments - 1].hash != note.hash):
            text = f"segment {note.segments - 1} of {note.place[0]}/{note.place[1]}, which a reader has seen, is gone"
            yield Violation("I12", text)
    known = _decided(logs)
    for (topic, p), records in logs.records.items():
        if topic in OURS or topic.startswith("bus.out.") or not topic.startswith("bus."):
            yield from _void(topic, p, records, known)


def _decided(logs: Logs) -> set[str]:
    """The ids of everything that was decided: events of entries, rows of gates."""
    known: set[str] = set()
    for p in range(logs.partitions):
        for entry in logs.entries(p):
            known.update(f"{logs.gen}.{p}.{entry['o']}.{event['n']}" for event in entry["events"])
    for lane in logs.lanes:
        known.update(f"{lane}.{row[0]}" for row in logs.rows(lane))
    return known


def _void(topic: str, p: int, records: Sequence[Record], known: set[str]) -> Iterator[Violation]:
    for record in records:
        headers = headers_of(record)
        if topic == "bus.arbiter":
            lane, _, offset = headers.get("bus-src", "").rpartition("/")
            decision = f"{headers['bus-from']}.{offset}" if "bus-from" in headers and lane else ""
        else:
            decision = headers.get("bus-decision", "")
        if decision and decision not in known:
            yield Violation("I12", f"{topic}/{p} offset {record.offset} is of {decision}, which was never decided")
        elif not decision and topic != "bus.arbiter":
            yield Violation("I12", f"{topic}/{p} offset {record.offset} names no decision")
