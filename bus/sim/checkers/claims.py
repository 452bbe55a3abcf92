"""I3: an accepted claim has one terminal decision, or sits in an open contest or case at the end."""

from collections.abc import Iterator

from bus.sim.checkers.reading import Json, Logs, Violation, shown

CLAIM = "bus.resource.claim.v1"
TERMINAL = ("granted", "confirmed", "denied", "withdrawn")


def check(logs: Logs) -> Iterator[Violation]:
    """Follow every claim that the arbiter took in."""
    for p in range(logs.partitions):
        yield from _follow(logs, p)


def _follow(logs: Logs, p: int) -> Iterator[Violation]:
    claimed: dict[tuple[str, str, str], str] = {}
    ended: dict[tuple[str, str, str], list[str]] = {}
    contests: dict[str, set[str]] = {}  # subject -> what is open there: contests and cases
    for entry in logs.entries(p):
        if entry.get("type") == CLAIM and entry["verdict"] == "applied" and not _is_answered(entry):
            claimed[entry["source"], entry["id"], _subject_of(entry)] = shown(p, entry)
        for event in entry["events"]:
            subject = event.get("subject", "")
            _open_or_close(contests, p, logs.gen, entry, event)
            if event["kind"] in TERMINAL and "claim" in event:
                key = (event["agent"], event["claim"], subject)
                ended.setdefault(key, []).append(shown(p, entry, event))
    for key, line in claimed.items():
        ends = ended.get(key, [])
        if len(ends) > 1 and not _is_challenge(ends):
            yield Violation(
                "I3", f"the claim {key[1]} of {key[0]} on {key[2]} was decided more than once", (line, *ends)
            )
        if not ends and not contests.get(key[2]):
            yield Violation("I3", f"the claim {key[1]} of {key[0]} on {key[2]} was never decided", (line,))


def _is_answered(entry: Json) -> bool:
    """Is it decided in its own entry? Who holds it already is confirmed, under the claim it was granted for."""
    return any(event["kind"] in TERMINAL and event.get("agent") == entry["source"] for event in entry["events"])


def _is_challenge(ends: list[str]) -> bool:
    """A holder that is challenged and wins is confirmed under the claim that was granted before."""
    return all("-> confirmed" in line for line in ends[1:])


def _subject_of(entry: Json) -> str:
    return next((event["subject"] for event in entry["events"] if "subject" in event), "")


def _open_or_close(contests: dict[str, set[str]], p: int, gen: int, entry: Json, event: Json) -> None:
    subject, name = event.get("subject", ""), f"{gen}.{p}.{entry['o']}.{event['n']}"
    if event["kind"] in ("contest_opened", "case_opened"):
        contests.setdefault(subject, set()).add(event.get("case", name))
    elif event["kind"] in ("settled", "case_closed"):
        contests.setdefault(subject, set()).discard(event.get("contest") or event.get("case", ""))
