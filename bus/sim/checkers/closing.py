"""I10: in silence every contest closes or becomes a case within its published bound, and every lease ends."""

from collections.abc import Iterator

from bus.sim.checkers.reading import Json, Logs, Violation, shown

# A tick is written when the clock comes to it and a record gives it a time; the bound is of the rules, not of that.
TICKS_WITHIN_MS = 15_000


def check(logs: Logs) -> Iterator[Violation]:
    """Look for what closed too late, or never."""
    if not logs.is_over:
        return
    for p in range(logs.partitions):
        yield from _follow(logs, p)


def _follow(logs: Logs, p: int) -> Iterator[Violation]:
    open_contests: dict[str, tuple[Json, str]] = {}
    held: dict[str, tuple[int, str]] = {}
    frozen: set[str] = set()
    for entry in logs.entries(p):
        for event in entry["events"]:
            line, subject = shown(p, entry, event), event.get("subject", "")
            match event["kind"]:
                case "contest_opened":
                    open_contests[f"{logs.gen}.{p}.{entry['o']}.{event['n']}"] = (event, line)
                case "settled":
                    opened = open_contests.pop(event["contest"], None)
                    if opened is not None:
                        yield from _in_time(logs, opened, entry, line)
                case "granted" | "renewed" | "confirmed":
                    held[subject] = (event["until"], line)
                case "ended":
                    held.pop(subject, None)
                case "case_opened":  # from here on it is a person's
                    open_contests = {c: one for c, one in open_contests.items() if one[0]["subject"] != subject}
                case "frozen":
                    frozen.add(subject)
                case "unfrozen":
                    frozen.discard(subject)
                case _:
                    pass
    for contest, (event, line) in open_contests.items():
        yield Violation("I10", f"the contest {contest} over {event['subject']} never closes", (line,))
    for subject, (_, line) in held.items():
        if subject not in frozen:
            yield Violation("I10", f"the lease on {subject} never ends", (line,))


def _in_time(logs: Logs, opened: tuple[Json, str], entry: Json, line: str) -> Iterator[Violation]:
    bound, begun = opened[0].get("bound"), opened[0].get("deadline")
    if entry["verdict"] != "tick" or bound is None or begun is None or begun < logs.silent_from_ms:
        return
    latest = max(bound, begun) + TICKS_WITHIN_MS
    if bound > 10**11 and entry["now"] > latest:
        yield Violation("I10", f"the contest over {opened[0]['subject']} closes after its bound", (opened[1], line))
