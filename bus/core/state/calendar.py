"""When each subject of a partition is due next: kept in order, at the same price for a hundred subjects and 100,000."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import field

from bus.core.frozen import dataclass

PAGE_MAX = 1024  # entries; to put one into a list moves all that stand behind it
_BEHIND_ANY = (1 << 63, "")  # no time is so late
Entries = list[tuple[int, str]]


@dataclass(slots=True)
class Calendar:
    """Times (ms) by subject; a page holds the (time, subject) of a while, and the pages follow each other."""

    _at: dict[str, int] = field(default_factory=dict)
    _pages: list[Entries] = field(default_factory=lambda: [[]], compare=False)  # where they are cut says nothing

    def note(self, subject: str, at: int | None) -> None:
        """The subject is due at this time, or never."""
        before = self._at.get(subject)
        if before == at:
            return
        if before is not None:
            self._take_out(before, subject)
        if at is not None:
            self._put_in(at, subject)

    def fill(self, due: Iterable[tuple[int, str]]) -> None:
        """Note many subjects at once, where none is yet."""
        assert not self._at, "only an empty calendar is filled"
        entries: Entries = sorted(due)
        self._at = {subject: at for at, subject in entries}
        self._pages = [entries[first : first + PAGE_MAX] for first in range(0, len(entries), PAGE_MAX)] or [[]]

    def first(self) -> int | None:
        """The earliest time; None if nothing is due, ever."""
        page = self._pages[0]
        return page[0][0] if page else None

    def until(self, now: int) -> Iterator[tuple[int, str]]:
        """What is due at or before ``now``, in (time, subject) order."""
        for page in self._pages:
            for at, subject in page:
                if at > now:
                    return
                yield at, subject

    def _page_of(self, entry: tuple[int, str]) -> int:
        """The page on which the entry stands, or belongs: the last one that does not begin behind it."""
        return max(0, bisect_left(self._pages, [entry, _BEHIND_ANY]) - 1)

    def _put_in(self, at: int, subject: str) -> None:
        place = self._page_of((at, subject))
        page = self._pages[place]
        insort(page, (at, subject))
        self._at[subject] = at
        if len(page) > PAGE_MAX:
            half = len(page) // 2
            self._pages[place : place + 1] = [page[:half], page[half:]]

    def _take_out(self, at: int, subject: str) -> None:
        place = self._page_of((at, subject))
        page = self._pages[place]
        del page[bisect_left(page, (at, subject))]
        del self._at[subject]
        if not page and len(self._pages) > 1:
            del self._pages[place]
