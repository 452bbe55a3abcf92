"""Keeps the newest edition of every case that waits for a person, and of the last ones that no longer do."""

from collections import deque
from dataclasses import dataclass, field

from bus.audit.case_files import CaseFile
from bus.core.log.records import Record

CASES_MAX = 20_000  # open ones at once: twice what a burst of 10,000 escalations leaves
CLOSED_MAX = 2_000  # a shift looks back a few days; `agentbus explain` tells of what is older
TRACES_MAX = 64  # of one case: more hands than ever change one

Place = tuple[int, int]  # partition and offset on bus.escalations


@dataclass(frozen=True, slots=True)
class Trace:
    """An edition that was: its number, its revision, when it was written (ms), and where it stands."""

    n: int
    rev: int
    at: int
    place: Place


@dataclass(slots=True)
class Shelf:
    """The folded view of ``bus.escalations``: of each case the edition with the highest ``n``.

    ``left_out`` counts the open cases there was no room for.
    """

    _files: dict[str, CaseFile] = field(default_factory=dict)
    _closed: deque[str] = field(default_factory=deque)
    _traces: dict[str, deque[Trace]] = field(default_factory=dict)
    _unkept: set[str] = field(default_factory=set)
    _is_more: bool = False

    def put(self, file: CaseFile, record: Record) -> bool:
        """Take an edition; False if it changes nothing here, because a newer one was there or there is no room."""
        before = self._files.get(file.case)
        if before is not None and before.n >= file.n:
            return False
        if before is None and not self._has_room(file):
            return False
        if not file.is_open and (before is None or before.is_open):
            self._closed.append(file.case)
        self._unkept.discard(file.case)
        self._files[file.case] = file
        place = (record.partition, record.offset)
        traces = self._traces.setdefault(file.case, deque(maxlen=TRACES_MAX))
        traces.append(Trace(file.n, file.rev, file.at, place))
        while len(self._closed) > CLOSED_MAX:
            gone = self._closed.popleft()
            del self._files[gone], self._traces[gone]
        return True

    @property
    def left_out(self) -> int:
        """How many open cases are not here; of more than `CASES_MAX` so many."""
        return len(self._unkept)

    def files(self) -> list[CaseFile]:
        """All that are here: overdue ones first, then the first to be due; of those that are over the newest first."""
        return sorted(self._files.values(), key=_urgency)

    def get(self, case: str) -> CaseFile | None:
        """The newest edition of a case, by its whole id."""
        return self._files.get(case)

    def traces(self, case: str) -> list[Trace]:
        """The editions of a case that were seen, the oldest first."""
        return list(self._traces.get(case, ()))

    def called(self, given: str) -> list[CaseFile]:
        """The cases somebody may mean: by id, by subject or its last part, by the beginning or the end of the id.

        The first kind of name that fits counts; of cases of one subject the open one, else the last.
        """
        if exact := self._files.get(given):
            return [exact]
        files = self.files()
        if same := [one for one in files if given in (one.subject, one.subject.partition("/")[2])]:
            subjects = {one.subject for one in same}
            return [_standing([one for one in same if one.subject == subject]) for subject in sorted(subjects)]
        near = [one for one in files if one.case.startswith(given) or one.case.endswith(given)]
        return [one for one in near if one.is_open] or near

    def alike(self, file: CaseFile) -> list[CaseFile]:
        """The open cases like this one, itself included and first."""
        like = [one for one in self.files() if one.is_open and one.alike and one.alike == file.alike]
        return [file, *(one for one in like if one.case != file.case)]

    def _has_room(self, file: CaseFile) -> bool:
        if not file.is_open or len(self._files) - len(self._closed) < CASES_MAX:
            return True
        if len(self._unkept) < CASES_MAX:
            self._unkept.add(file.case)
        return False


def _standing(files: list[CaseFile]) -> CaseFile:
    """The one that is open, else the last to be written."""
    return max(files, key=lambda one: (one.is_open, one.at, one.n))


def _urgency(file: CaseFile) -> tuple[bool, bool, bool, int, int, list[int]]:
    order = [int(part) if part.isdigit() else 0 for part in file.case.split(".")]
    if not file.is_open:
        return (True, True, True, -file.at, 0, order)
    return (False, not file.is_overdue, file.due is None, file.due or 0, file.frozen_since, order)
