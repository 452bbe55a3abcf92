"""I10: in silence every contest closes or becomes a case within its published bound, and every lease ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bus.sim.checkers.reading import Json, Logs, Violation, shown

# A tick waits half a minute for a lane that stands still, and for the take-over of a process that died as long again:
# the bound is of the rules, not of that.
TICKS_WITHIN_MS = 60_000


def check(logs: Logs) -> Iterator[Violation]:
    """Look for what closed too late, or never."""
    if not logs.is_over:
        return
    for p in range(logs.partitions):
        yield from _follow(logs, p)


@dataclass(slots=True)
class _Open:
    """What is open in a partition."""

    contests: dict[str, tuple[Json, str]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)


def _follow(logs: Logs, p: int) -> Iterator[Violation]:
    found = _Open()
    for entry in logs.entries(p):
        for event in entry["events"]:
            yield from _contest(logs, found, p, entry, event)
            _holding(found, event, shown(p, entry, event))
    for contest, (event, line) in found.contests.items():
        yield Violation("I10", f"the contest {contest} over {event['subject']} never closes", (line,))
    for subject, line in found.held.items():
        if subject not in found.frozen:
            yield Violation("I10", f"the lease on {subject} never ends", (line,))


def _contest(logs: Logs, found: _Open, p: int, entry: Json, event: Json) -> Iterator[Violation]:
    line = shown(p, entry, event)
    if event["kind"] == "contest_opened":
        found.contests[f"{logs.gen}.{p}.{entry['o']}.{event['n']}"] = (event, line)
    elif event["kind"] == "settled":
        opened = found.contests.pop(event["contest"], None)
        if opened is not None:
            yield from _in_time(logs, opened, entry, line)
    elif event["kind"] == "case_opened":  # from here on it is a person's
        found.contests = {c: one for c, one in found.contests.items() if one[0]["subject"] != event["subject"]}


def _holding(found: _Open, event: Json, line: str) -> None:
    subject = event.get("subject", "")
    match event["kind"]:
        case "granted" | "renewed" | "confirmed":
            found.held[subject] = line
        case "ended":
            found.held.pop(subject, None)
        case "frozen":
            found.frozen.add(subject)
        case "unfrozen":
            found.frozen.discard(subject)
        case _:
            pass


def _in_time(logs: Logs, opened: tuple[Json, str], entry: Json, line: str) -> Iterator[Violation]:
    bound, begun = opened[0].get("bound"), opened[0].get("deadline")
    if entry["verdict"] != "tick" or bound is None or begun is None or begun < logs.silent_from_ms:
        return
    latest = max(bound, begun) + TICKS_WITHIN_MS
    if bound > 10**11 and entry["now"] > latest:
        yield Violation("I10", f"the contest over {opened[0]['subject']} closes after its bound", (opened[1], line))
