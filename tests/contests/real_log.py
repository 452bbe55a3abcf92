"""What a real bus left behind: bus.arbiter and the journal's entry for each record, in a file, to be judged again.

A line of the file is one JSON object: first what the bus is (`gen`, `partitions`, `stewards`), then records
(`p`, `o`, `append_ms`, `headers`, `value`; bytes as base64) with the `entry` that the journal has for it, if any.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.contests.compare import differences
from tests.contests.oracle.log import Json, Raw
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry

# A contest may end so much after its published bound: a tick is written when there is something to do, not before.
AFTER_BOUND_MS = 2_000


@dataclass(slots=True)
class Recorded:
    """The logs of all partitions, and what the journal says of each record."""

    gen: int
    stewards: tuple[str, ...]
    records: list[list[Raw]]
    entries: list[dict[int, Json]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write everything to a file."""
        with path.open("w", encoding="utf-8") as file:
            head = {"gen": self.gen, "partitions": len(self.records), "stewards": list(self.stewards)}
            file.write(json.dumps(head) + "\n")
            for p, records in enumerate(self.records):
                for raw in records:
                    line = _line(p, raw) | {"entry": self.entries[p].get(raw.offset)}
                    file.write(json.dumps(line) + "\n")


def load(path: Path) -> Recorded:
    """What was saved; OSError or ValueError if it is no such file."""
    with path.open(encoding="utf-8") as file:
        head = json.loads(next(file))
        count = head["partitions"]
        recorded = Recorded(
            head["gen"], tuple(head["stewards"]), [[] for _ in range(count)], [{} for _ in range(count)]
        )
        for text in file:
            line = json.loads(text)
            headers = tuple((name, b64decode(value)) for name, value in line["headers"])
            raw = Raw(line["o"], line["append_ms"], headers, b64decode(line["value"]))
            recorded.records[line["p"]].append(raw)
            if line["entry"] is not None:
                recorded.entries[line["p"]][raw.offset] = line["entry"]
    return recorded


def _line(p: int, raw: Raw) -> Json:
    headers = [[name, b64encode(value).decode()] for name, value in raw.headers]
    value = b64encode(raw.value).decode()
    return {"p": p, "o": raw.offset, "append_ms": raw.append_ms, "headers": headers, "value": value}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as the documents say; `subject` is "" when it is about no subject."""

    p: int
    offset: int
    subject: str
    sentence: str


def judged(recorded: Recorded) -> tuple[list[Fault], list[Oracle]]:
    """Everything the oracle would decide otherwise, and the oracles as they stand at the end."""
    faults: list[Fault] = []
    oracles = []
    for p, records in enumerate(recorded.records):
        oracle = Oracle(Registry(recorded.stewards), recorded.gen, p)
        oracles.append(oracle)
        for raw in records:
            expected = oracle.step(raw)
            faults += compared(p, raw, expected, recorded.entries[p].get(raw.offset))
    return faults, oracles


def compared(p: int, raw: Raw, expected: Json, found: Json) -> list[Fault]:
    """What an entry of the journal says otherwise than the oracle."""
    subject = raw.last("ce_subject") or ""
    if found is None:
        return [Fault(p, raw.offset, subject, "the journal has no entry for it")]
    if not (wrong := differences(expected, found)):
        return []
    # A tick is about many subjects: the first event on which the two part names the one that is meant.
    if not subject:
        subject = _first_difference(expected["events"], found["events"])
    return [Fault(p, raw.offset, subject, f"{raw.last('ce_type')}: {'; '.join(wrong)}")]


def late_ends(recorded: Recorded) -> Iterator[Fault]:
    """Contests that neither closed nor became a case within their published bound and a little.

    What the machine kept every message waiting for at that time is added: a gate that has not yet forwarded a record
    holds back the ticks as well (a record before the tick may still be the ballot that counts).
    """
    waits = sorted((raw.append_ms, raw.append_ms - at) for log in recorded.records for raw in log if (at := _at(raw)))
    for p, records in enumerate(recorded.records):
        appended = {raw.offset: raw.append_ms for raw in records}
        still_open: dict[str, tuple[int, int]] = {}
        for offset, entry in sorted(recorded.entries[p].items()):
            for event in entry["events"]:
                subject, kind = event.get("subject", ""), event["kind"]
                if kind == "contest_opened":
                    still_open[subject] = (event["bound"], offset)
                elif kind in ("settled", "case_opened") and subject in still_open:
                    bound, since = still_open.pop(subject)
                    late_ms = appended[offset] - bound - _kept_waiting_ms(waits, bound, appended[offset])
                    if late_ms > AFTER_BOUND_MS:
                        yield Fault(p, since, subject, f"a contest ended {late_ms} ms after its published bound")


def _at(raw: Raw) -> int:
    return int(raw.last("bus-at") or 0)


def _kept_waiting_ms(waits: list[tuple[int, int]], begin_ms: int, end_ms: int) -> int:
    """The longest that any message of the bus was on its way to bus.arbiter between these times."""
    first = bisect_left(waits, (begin_ms, 0))
    last = bisect_left(waits, (end_ms + AFTER_BOUND_MS, 0))
    return max((wait_ms for _, wait_ms in waits[first:last]), default=0)


def left_open(oracle: Oracle) -> Iterator[tuple[str, str]]:
    """Subjects on which something is open that is no case, and what."""
    for name, r in oracle.subjects.items():
        if r.case is not None:
            continue
        if r.contest is not None:
            yield name, f"contest {r.contest.id} is open until {r.contest.deadline}"
        elif r.held:
            yield name, f"{len(r.held)} actions are held"
        elif r.wait is not None:
            yield name, f"wait {r.wait.id} is open until {r.wait.until}"


def _first_difference(expected: list[Json], found: list[Json]) -> str:
    for mine, theirs in zip(expected, found, strict=False):
        if differences(_alone(mine), _alone(theirs)):
            return str(mine.get("subject", ""))
    longer = expected if len(expected) > len(found) else found
    shorter = min(len(expected), len(found))
    return str(longer[shorter].get("subject", "")) if len(longer) > shorter else ""


def _alone(event: Json) -> Json:
    return {"o": 0, "verdict": "", "reason": "", "events": [event]}
