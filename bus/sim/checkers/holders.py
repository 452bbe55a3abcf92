"""I1, I2: folded in order, a resource has one holder at most, and its fencing tokens only rise."""

from collections.abc import Iterator

from bus.sim.checkers.reading import Json, Logs, Violation, shown


def check(logs: Logs) -> Iterator[Violation]:
    """Fold the grants and ends of every partition."""
    for p in range(logs.partitions):
        yield from _fold(logs, p)


def _fold(logs: Logs, p: int) -> Iterator[Violation]:
    held: dict[str, tuple[Json, str]] = {}
    highest: dict[str, tuple[int, str]] = {}
    for entry in logs.entries(p):
        for event in entry["events"]:
            subject, line = event.get("subject", ""), shown(p, entry, event)
            if event["kind"] == "granted":
                if subject in held:
                    yield Violation("I1", f"{subject} has two holders at once", (held[subject][1], line))
                token, before = event["token"], highest.get(subject)
                if before is not None and token <= before[0]:
                    yield Violation("I2", f"the token of {subject} does not rise", (before[1], line))
                if token != logs.gen * 2**44 + entry["o"] * 2**8 + event["n"]:
                    yield Violation("I2", f"the token of {subject} is not the one its place gives", (line,))
                held[subject], highest[subject] = (event, line), (token, line)
            elif event["kind"] == "ended":
                before_end = held.pop(subject, None)
                if before_end is None or before_end[0]["token"] != event["token"]:
                    records = (before_end[1], line) if before_end else (line,)
                    yield Violation("I1", f"{subject} is taken from somebody who does not hold it", records)
