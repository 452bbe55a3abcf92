"""I6: time never falls, runs ahead of nothing that a gate has not forwarded, and was given by the broker itself."""

import json
from collections.abc import Iterator

from bus.sim.checkers.reading import Json, Logs, Violation, headers_of, shown


def check(logs: Logs) -> Iterator[Violation]:
    """Hold every tick against the records before and behind it."""
    for p in range(logs.partitions):
        yield from _stated(logs, p)
        yield from _outrun(logs, p)


def _stated(logs: Logs, p: int) -> Iterator[Violation]:
    """``now`` is no later than the append time of the record it names, less the skew."""
    appended = {record.offset: record.timestamp_ms for record in logs.records["bus.arbiter", p]}
    for entry in logs.entries(p):
        if entry["verdict"] != "tick":
            continue
        after = entry["after"]
        if after >= entry["o"]:
            yield Violation("I6", f"a tick names a record that comes after it: {after}", (shown(p, entry),))
        elif after >= 0 and entry["now"] > max(0, appended[after] - logs.skew_ms):
            text = f"a tick states {entry['now']}, and the record at {after} was appended at {appended[after]}"
            yield Violation("I6", text, (shown(p, entry),))


def _outrun(logs: Logs, p: int) -> Iterator[Violation]:
    """No message that is forwarded after a tick is older than its ``now``, unless the tick names its lane."""
    ticks: list[Json] = []
    highest: dict[str, tuple[int, Json]] = {}  # lane -> the latest time a tick has stated without leaving it out
    entries = {entry["o"]: entry for entry in logs.entries(p)}
    for record in logs.records["bus.arbiter", p]:
        entry = entries.get(record.offset)
        if entry is None:
            continue
        if entry["verdict"] == "tick":
            ticks.append(entry)
            for lane in logs.lanes:
                if lane not in entry.get("stalled", ()) and entry["now"] > highest.get(lane, (0, entry))[0]:
                    highest[lane] = (entry["now"], entry)
        elif entry["verdict"] != "repeat":
            yield from _behind(record.offset, headers_of(record), highest, p, entry)


def _behind(
    offset: int, headers: dict[str, str], highest: dict[str, tuple[int, Json]], p: int, entry: Json
) -> Iterator[Violation]:
    lane, at = headers.get("bus-from", ""), headers.get("bus-at", "")
    if lane not in highest or not at.isdigit():
        return
    now, tick = highest[lane]
    if int(at) < now:
        text = f"offset {offset} of lane {lane} arrived at {at}, before the {now} that a tick had stated already"
        yield Violation("I6", text, (shown(p, tick) + f" {json.dumps(tick.get('stalled'))}", shown(p, entry)))
