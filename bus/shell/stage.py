"""What a stage adds to the owner loop: how its records are judged, folded, and sent again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bus.core.log.records import Output, Record
from bus.shell.snapshots.copies import StateCopy, StateReader


@dataclass(slots=True)
class Draft:
    """One segment to be: its body, its rows or entries encoded, what it sends, and what comes after all is there.

    ``last`` goes out once every one of ``outputs`` is acknowledged, in order, and nothing of a later segment goes out
    before it: a change comes into force everywhere before ``bus.control`` and its answer say so.
    """

    body: dict[str, Any]  # Any: JSON
    to: int
    items: tuple[str, list[bytes]] | None = None
    outputs: list[Output] = field(default_factory=list)
    last: list[Output] = field(default_factory=list)


class Stage(Protocol):
    """All that is known of one partition; dropped as a whole when its ownership is lost."""

    topic: str
    partition: int
    journal: str
    next_offset: int

    def genesis(self) -> dict[str, Any]:  # Any: JSON
        """The body of the chain's first segment."""

    def key(self) -> bytes:
        """The key of the journal's records."""

    def fold(self, segment: dict[str, Any], *, is_published: bool) -> None:  # Any: JSON
        """Fold a valid segment of decisions; one that is not published is kept for `redraft`."""

    def copy_state(self) -> StateCopy:
        """What is known now, for a snapshot; only where everything decided is published."""

    def state_reader(self) -> StateReader:
        """Takes the lines of such a copy, before anything is folded."""

    def mark_published(self, count: int) -> None:
        """The first ``count`` segments that were kept are published after all."""

    def unpublished_range(self) -> tuple[int, int] | None:
        """First and last input offset of the segments that were kept; None if they are about no record."""

    def redraft(self, records: dict[int, Record]) -> list[Draft]:
        """What the kept segments send, from the journal and the records they are about; then they are forgotten.

        Raises `FatalError` if a record is not the one the journal hashed.
        """

    def vouches_for(self, record: Record) -> bool:
        """Is this record, the one before the position, the one that the journal judged last?"""

    def gap(self, to: int, behind: Callable[[], Iterable[Record]]) -> Draft:
        """Go on behind input offset ``to``: what lies before was lost unjudged. ``behind`` are the records there."""

    def draft(self, records: Sequence[Record], *, poison: int | None) -> tuple[Draft | None, int]:
        """Judge records into one segment; and how many. The one at ``poison`` is refused without a look at it."""


StageMaker = Callable[[], Stage]
