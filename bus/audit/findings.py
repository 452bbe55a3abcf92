"""What a check has to say: how much it looked at, what it found, what it could not check, and what is still moving."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bus.audit.evidence import Place

FINDINGS_KEPT_MAX = 50  # one cause can break thousands of records; the first ones tell it, the rest is counted
REMARKS_KEPT_MAX = 50  # for the same reason


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where; ``offset`` None means the partition as a whole."""

    topic: str
    partition: int
    offset: int | None
    sentence: str

    def __str__(self) -> str:
        where = f"{self.topic}/{self.partition}"
        return f"{where if self.offset is None else f'{where} offset {self.offset}'}: {self.sentence}"

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The finding as ``--json`` shows it."""
        return {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "sentence": self.sentence,
        }


@dataclass(slots=True)
class Check:
    """One check while it runs, and its result afterwards."""

    name: str
    title: str
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    found: int = 0
    not_checked: list[str] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        """So many of ``what`` (plural) were looked at."""
        self.counts[what] += number

    def find(self, place: Place, offset: int | None, sentence: str) -> None:
        """Something is wrong there."""
        self.found += 1
        if len(self.findings) < FINDINGS_KEPT_MAX:
            self.findings.append(Finding(place[0], place[1], offset, sentence))

    def leave_out(self, why: str) -> None:
        """Something could not be checked."""
        if why not in self.not_checked and len(self.not_checked) < REMARKS_KEPT_MAX:
            self.not_checked.append(why)

    def still_moving(self, what: str) -> None:
        """Something is under way: neither right nor wrong yet."""
        if len(self.moving) < REMARKS_KEPT_MAX:
            self.moving.append(what)

    @property
    def result(self) -> str:
        """``ok``, ``findings`` or ``not checked``."""
        if self.found:
            return "findings"
        return "not checked" if self.not_checked and not any(self.counts.values()) else "ok"

    @property
    def looked_at(self) -> str:
        """What was looked at, for people: ``12,034 records, 3 journals``."""
        return ", ".join(f"{number:,} {what}" for what, number in self.counts.items())

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The check as ``--json`` shows it."""
        return {
            "check": self.name,
            "title": self.title,
            "result": self.result,
            "counts": dict(self.counts),
            "found": self.found,
            "findings": [finding.to_json() for finding in self.findings],
            "not_checked": self.not_checked,
            "moving": self.moving,
        }


def ranges(offsets: list[int]) -> list[tuple[int, int]]:
    """Sorted offsets as ranges, first and last included, so that a hole is one finding and not a thousand."""
    found: list[tuple[int, int]] = []
    for offset in offsets:
        if found and offset == found[-1][1] + 1:
            found[-1] = (found[-1][0], offset)
        else:
            found.append((offset, offset))
    return found


def span(first: int, last: int) -> str:
    """``offset 7`` or ``offsets 7 to 9``."""
    return f"offset {first}" if first == last else f"offsets {first} to {last}"
