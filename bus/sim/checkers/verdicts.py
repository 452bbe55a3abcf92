"""I4: every record of a lane has one row, every record of bus.arbiter one entry, in order; forwarding loses nothing."""

from collections.abc import Iterator
from datetime import datetime

from bus.sim.checkers.reading import Logs, Violation, headers_of

# As the wire contract has them: how far a sender's clock may be ahead, how old a message may be, how long an id counts.
EARLY_MS = 30_000
LATE_MS = 300_000
REMEMBERED_MS = EARLY_MS + LATE_MS


def check(logs: Logs) -> Iterator[Violation]:
    """Join what came in with what was decided."""
    for lane in logs.lanes:
        place = (f"bus.in.{lane}", 0)
        yield from _join(logs, place, [row[0] for row in logs.rows(lane)])
        yield from _poison(logs, lane)
        yield from _let_through(logs, lane)
    for p in range(logs.partitions):
        yield from _join(logs, ("bus.arbiter", p), [entry["o"] for entry in logs.entries(p)])
        yield from _forwarded(logs, p)


def _poison(logs: Logs, lane: str) -> Iterator[Violation]:
    """Nothing that is said here kills a stage: whatever is refused as poison was taken for what it is not."""
    for row in logs.rows(lane):
        if row[2] == "poison":
            yield Violation("I4", f"bus.in.{lane}/0 offset {row[0]} is refused as poison, and judging it kills nobody")


def _let_through(logs: Logs, lane: str) -> Iterator[Violation]:
    """An id is forwarded once while it is remembered, and nothing that its sender said long ago, or not yet."""
    records = logs.records.get((f"bus.in.{lane}", 0), ())
    times = {record.offset: headers_of(record).get("ce_time", "") for record in records}
    forwarded: dict[tuple[str, str], int] = {}
    for row in logs.rows(lane):
        if row[1] != "forwarded":
            continue
        name, key, at = f"bus.in.{lane}/0 offset {row[0]}", (row[3], row[4]), row[6]
        if key in forwarded and at - forwarded[key] <= REMEMBERED_MS:
            yield Violation("I4", f"{name} is forwarded, and the id {row[4]} of {row[3]} was before")
        forwarded[key] = at
        late_ms = at - _milliseconds(times[row[0]])
        if not -EARLY_MS <= late_ms <= LATE_MS:
            yield Violation("I6", f"{name} is forwarded, and was said {late_ms} ms before it arrived")


def _milliseconds(time: str) -> int:
    moment = datetime.fromisoformat(time)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _join(logs: Logs, place: tuple[str, int], decided: list[int]) -> Iterator[Violation]:
    name = f"{place[0]}/{place[1]}"
    if decided != sorted(set(decided)):
        doubled = next(o for n, o in enumerate(decided) if o in decided[:n] or (n and o < decided[n - 1]))
        yield Violation("I4", f"offset {doubled} of {name} has more than one verdict, or out of order")
    there = [record.offset for record in logs.records.get(place, ())]
    missing = sorted(set(there) - set(decided))
    if missing and logs.is_over:
        yield Violation("I4", f"{len(missing)} records of {name} have no verdict, the first at offset {missing[0]}")
    if extra := sorted(set(decided) - set(there)):
        yield Violation("I4", f"offset {extra[0]} of {name} has a verdict and is no record")


def _forwarded(logs: Logs, p: int) -> Iterator[Violation]:
    """Each row that was forwarded has an effect once: one entry that is no repeat."""
    taken: dict[str, int] = {}
    for entry in logs.entries(p):
        if entry["verdict"] not in ("repeat", "tick"):
            taken[entry["src"]] = taken.get(entry["src"], 0) + 1
    for lane in logs.lanes:
        for row in logs.rows(lane):
            src = f"bus.in.{lane}/0/{row[0]}"
            times = taken.get(src, 0)
            if row[1] == "forwarded" and p in row[7] and times != 1 and (times or logs.is_over):
                copies = [
                    f"bus.arbiter/{p} offset {record.offset}"
                    for record in logs.records["bus.arbiter", p]
                    if headers_of(record).get("bus-src") == src
                ]
                yield Violation("I4", f"{src} was forwarded to partition {p} and judged {times} times", tuple(copies))
            elif times and (row[1] != "forwarded" or p not in row[7]):
                yield Violation("I4", f"{src} was judged in partition {p} and not forwarded there")
