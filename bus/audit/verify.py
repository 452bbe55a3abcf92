"""Runs the checks an outsider can make (of a running bus or an export) and sums them up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bus.audit.book import Book, read_book
from bus.audit.checks_chain import check_chain
from bus.audit.checks_completeness import check_completeness
from bus.audit.checks_contests import check_contests
from bus.audit.checks_fold import check_fold
from bus.audit.checks_governed import check_governed
from bus.audit.checks_outputs import check_outputs
from bus.audit.checks_quiet import check_quiet
from bus.audit.checks_redecide import check_redecide
from bus.audit.evidence import Evidence
from bus.audit.findings import Check
from bus.audit.rejudge import Rejudged, rejudge

TITLES = {
    "files": "the files of the export are as they were written",
    "chain": "every journal is one unbroken chain",
    "fold": "one holder at most, tokens rise, only the holder acts in time",
    "completeness": "every record has exactly one verdict",
    "redecide": "judging everything again gives the same",
    "contests": "contests end by their rules, and stay sealed until then",
    "outputs": "what went out is what was decided, in order",
    "governed": "governed topics hold what was admitted, once",
    "quiet": "everything is decided, sent and released",
}
Progress = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """The result of all checks that were asked for."""

    source: str
    checks: list[Check] = field(default_factory=list)

    @property
    def found(self) -> int:
        """How many findings there are."""
        return sum(check.found for check in self.checks)

    @property
    def is_moving(self) -> bool:
        """Was something under way while it was read?"""
        return any(check.moving for check in self.checks)

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The report as ``--json`` shows it."""
        result = "findings" if self.found else "ok"
        checks = [check.to_json() for check in self.checks]
        return {
            "source": self.source,
            "result": result,
            "found": self.found,
            "moving": self.is_moving,
            "checks": checks,
        }


def verify(evidence: Evidence, only: Sequence[str], on_progress: Progress) -> Report:
    """Run the checks named in ``only`` (all, if it is empty); raises `NotInitialisedError` without a genesis."""
    on_progress("folding the journals")
    book = read_book(evidence)
    wanted = [name for name in TITLES if not only or name in only]
    if evidence.flaws is None and "files" in wanted:
        wanted.remove("files")
    rejudged: dict[str, list[Rejudged]] = {}
    if {"redecide", "outputs"} & set(wanted):
        on_progress("judging every record again")
        rejudged = {lane: rejudge(book, gate) for lane, gate in book.gates.items()}
    report = Report(evidence.source)
    for name in wanted:
        on_progress(f"checking: {TITLES[name]}")
        check = Check(name, TITLES[name])
        _run(name, book, rejudged, check)
        report.checks.append(check)
    return report


def _run(name: str, book: Book, rejudged: dict[str, list[Rejudged]], check: Check) -> None:
    match name:
        case "files":
            check.count("files", len(book.evidence.logs))
            for flaw in book.evidence.flaws or ():
                check.find(flaw.place, None, flaw.sentence)
        case "chain":
            check_chain(book, check)
        case "fold":
            check_fold(book, check)
        case "completeness":
            check_completeness(book, check)
        case "redecide":
            check_redecide(book, rejudged, check)
        case "contests":
            check_contests(book, check)
        case "outputs":
            check_outputs(book, rejudged, check)
        case "governed":
            check_governed(book, check)
        case _:
            check_quiet(book, check)
