"""Checks a snapshot: replays the journal from the good one before it, or from 0, and compares the hash of all lines.

It is what a restore would do, by another state of its own, without a place in the journal and without hurry.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.shell import kafka
from bus.shell.snapshots.loading import Loading
from bus.shell.snapshots.records import Packing, Snapshot
from bus.shell.stage import Stage

WORK_S = 0.001  # what the partitions beside have to wait for it, at most, again and again
REST_S = 0.004  # then it rests: a fifth of one core at most
PIECE_ITEMS = 20  # decisions folded between two looks at the time


@dataclass(slots=True)
class Rest:
    """Low priority: whoever calls this between small pieces of work leaves most of the time to others."""

    work_s: float = WORK_S
    rest_s: float = REST_S
    _began_s: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        """Rest if it has worked long enough."""
        if time.monotonic() - self._began_s >= self.work_s:
            time.sleep(self.rest_s)
            self._began_s = time.monotonic()


def replayed_hash(
    config: kafka.ClientConfig, stage: Stage, since: Snapshot | None, snapshot: Snapshot, rest: Callable[[], None]
) -> str:
    """The hash that ``stage``, which knows nothing yet, comes to; "" if the chain does not lead to the snapshot's tip.

    Raises `BusError`; AssertionError, KeyError, TypeError, ValueError if an entry cannot be folded.
    """
    tip, first = Tip(), 0
    if since is not None:
        loading = Loading(since, stage.state_reader())
        try:
            while not loading.step(config, WORK_S):
                rest()
        finally:
            loading.close()
        tip, first = Tip(since.standing.seq, since.standing.prev), since.standing.offset + 1
    for value in _journal(config, (stage.journal, stage.partition), first, snapshot.standing.offset):
        segment = parse_segment(value)
        rest()
        if segment is None or not continues(tip, segment):
            continue
        tip = advance(tip, value)
        for piece in pieces(segment):
            stage.fold(piece, is_published=True)
            rest()
    if tip != Tip(snapshot.standing.seq, snapshot.standing.prev):
        return ""
    packing = Packing()
    for _ in packing.pack(stage.copy_state().lines()):
        rest()
    return packing.state_hash


def pieces(segment: dict[str, Any]) -> Iterator[dict[str, Any]]:  # Any: JSON
    """A segment of decisions in smaller ones, the last of which ends where it ends; nothing for other kinds."""
    name = {"gate": "rows", "arbiter": "entries"}.get(str(segment["kind"]))
    if name is None:
        if segment["kind"] == "gap":
            yield segment
        return
    items = segment[name]
    for first in range(0, max(1, len(items)), PIECE_ITEMS):
        yield {**segment, name: items[first : first + PIECE_ITEMS]}


def _journal(config: kafka.ClientConfig, place: tuple[str, int], first: int, last: int) -> Iterator[bytes]:
    if first > last:
        return
    for record in kafka.records_between(config, *place, first, last):
        yield record.value or b""
