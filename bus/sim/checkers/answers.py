"""I11: read by the rule of the named predecessor, every answer and governed record is there, once and in order."""

from collections.abc import Iterator

from bus.sim.checkers.reading import Logs, Violation, headers_of


def check(logs: Logs) -> Iterator[Violation]:
    """Follow every topic the bus writes as a reader would, and count."""
    for p in range(logs.partitions):
        yield from _outcomes(logs, p)
    yield from _governed(logs)


def _outcomes(logs: Logs, p: int) -> Iterator[Violation]:
    """``bus.outcomes``: each event of the partition's journal, in its order."""
    wanted = [f"{logs.gen}.{p}.{e['o']}.{event['n']}" for e in logs.entries(p) for event in e["events"]]
    heard: list[str] = []
    last = ""
    for record in logs.records.get(("bus.outcomes", p), ()):
        headers = headers_of(record)
        if headers.get("bus-prev") == last and headers["bus-decision"] != last:
            last = headers["bus-decision"]
            heard.append(last)
    if heard != wanted[: len(heard)]:
        yield Violation("I11", f"bus.outcomes/{p} tells other events than the journal, or in another order")
    elif logs.is_over and len(heard) < len(wanted):
        yield Violation("I11", f"{wanted[len(heard)]} and what follows never came out on bus.outcomes/{p}")


def _governed(logs: Logs) -> Iterator[Violation]:
    """Governed topics: each admitted record once, with the bytes that came in."""
    admitted = _admitted(logs)
    seen: dict[str, str] = {}
    for (topic, partition), records in logs.records.items():
        if topic.startswith("bus."):
            continue
        for record in records:
            decision = headers_of(record).get("bus-decision", "")
            line = f"{topic}/{partition} offset {record.offset}"
            if decision in seen:
                yield Violation("I11", f"{decision} was released twice", (seen[decision], line))
            seen[decision] = line
            p, offset, wanted = admitted.get(decision, (0, -1, ""))
            if wanted != topic:
                yield Violation("I11", f"{line} was never admitted to {topic}")
            elif logs.records["bus.arbiter", p][offset].value != record.value:
                yield Violation("I11", f"{line} has other bytes than bus.arbiter/{p} offset {offset}")
    if logs.is_over and (lost := sorted(admitted.keys() - seen.keys())):
        yield Violation("I11", f"{lost[0]} was admitted to {admitted[lost[0]][2]} and never released")


def _admitted(logs: Logs) -> dict[str, tuple[int, int, str]]:
    """What the journals release, by decision: partition and offset of its bytes, and where it goes."""
    found: dict[str, tuple[int, int, str]] = {}
    for p in range(logs.partitions):
        for entry in logs.entries(p):
            for event in entry["events"]:
                if event["kind"] == "action_admitted" and event.get("topic"):
                    found[f"{logs.gen}.{p}.{entry['o']}.{event['n']}"] = (p, event["o"], event["topic"])
    return found
