"""A Kafka in memory, as far as the bus relies on one: logs, append times, transactions, committed offsets.

An append gets the next offset and the time of the partition's leader. Records of a transaction are there for readers of
uncommitted records at once; readers of committed ones see them when it has ended, and nothing behind an open one. The
end of a transaction takes an offset. A producer with an older epoch of the same transactional id is fenced.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bus.core.log.records import Headers, Record
from bus.sim.message import SimMessage, Transaction
from bus.sim.timeline import Timeline

Place = tuple[str, int]
Watcher = Callable[[Place], None]


@dataclass(slots=True)
class Partition:
    """One log. ``ahead_ms`` is how far the clock of its leader is ahead."""

    messages: list[SimMessage] = field(default_factory=list)
    ahead_ms: int = 0
    last_ms: int = 0
    open: list[tuple[int, Transaction]] = field(default_factory=list)  # first offset of each open transaction

    @property
    def stable(self) -> int:
        """The offset before which every transaction has ended."""
        return min((offset for offset, _ in self.open), default=len(self.messages))


@dataclass(slots=True)
class _Identity:
    """A transactional id: only the newest epoch may write."""

    epoch: int = 0
    current: Transaction | None = None


class Broker:
    """All logs of one simulated Kafka."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.partitions: dict[Place, Partition] = {}
        self.counts: dict[str, int] = {}
        self.committed: dict[tuple[str, str, int], int] = {}
        self.watchers: list[Watcher] = []
        self._identities: dict[str, _Identity] = {}

    # ---- topics -----------------------------------------------------------------------------------------

    def create(self, topic: str, partitions: int) -> None:
        """Make a topic; nothing if it is there."""
        if topic not in self.counts:
            self.counts[topic] = partitions
            for p in range(partitions):
                self.partitions[topic, p] = Partition()

    def topic_id(self, topic: str) -> str:
        """The id the broker gave it."""
        return f"sim-{topic}"

    # ---- records ----------------------------------------------------------------------------------------

    def append(
        self,
        place: Place,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        transaction: Transaction | None = None,
    ) -> SimMessage:
        """Put a record at the end of a log."""
        partition = self.partitions[place]
        offset = len(partition.messages)
        record = Record(*place, offset, self._append_ms(partition), key, value, headers)
        message = SimMessage(record, transaction=transaction)
        partition.messages.append(message)
        if transaction is not None and place not in transaction.places:
            transaction.places.add(place)
            partition.open.append((offset, transaction))
        for watcher in self.watchers:
            watcher(place)
        return message

    def read(self, place: Place, position: int, limit: int, *, is_committed: bool) -> tuple[list[SimMessage], int]:
        """Records from an offset on, and the offset to go on at; markers and what was aborted are passed over."""
        partition = self.partitions[place]
        end = partition.stable if is_committed else len(partition.messages)
        found: list[SimMessage] = []
        while position < end and len(found) < limit:
            message = partition.messages[position]
            position += 1
            if message.is_marker:
                continue
            if is_committed and message.transaction is not None and message.transaction.is_aborted:
                continue
            found.append(message)
        return found, position

    def end(self, place: Place, *, is_committed: bool = False) -> int:
        """The next offset, or the one up to which everything is decided."""
        partition = self.partitions[place]
        return partition.stable if is_committed else len(partition.messages)

    def records(self, place: Place, *, is_committed: bool = False) -> Sequence[Record]:
        """All records of a partition."""
        found, _ = self.read(place, 0, len(self.partitions[place].messages), is_committed=is_committed)
        return [message.record for message in found]

    def _append_ms(self, partition: Partition) -> int:
        partition.last_ms = max(partition.last_ms, int(self.timeline.wall_ms()) + partition.ahead_ms)
        return partition.last_ms

    # ---- transactions -----------------------------------------------------------------------------------

    def initialise(self, identity: str) -> int:
        """Fence whoever had this id; the new epoch."""
        known = self._identities.setdefault(identity, _Identity())
        if known.current is not None:
            self._finish(known, is_aborted=True)
        known.epoch += 1
        return known.epoch

    def is_fenced(self, identity: str, epoch: int) -> bool:
        """Has somebody come after this epoch?"""
        return self._identities[identity].epoch != epoch

    def transaction(self, identity: str, epoch: int) -> Transaction:
        """The transaction under way; a first record begins it."""
        known = self._identities[identity]
        if known.current is None:
            known.current = Transaction(epoch)
        return known.current

    def end_transaction(self, identity: str, epoch: int, *, is_aborted: bool) -> None:
        """End what is under way, whoever asked: a request that comes too late ends the next one."""
        known = self._identities[identity]
        if known.epoch == epoch and known.current is not None:
            self._finish(known, is_aborted=is_aborted)

    def _finish(self, known: _Identity, *, is_aborted: bool) -> None:
        transaction, known.current = known.current, None
        assert transaction is not None
        transaction.is_open, transaction.is_aborted = False, is_aborted
        for place in sorted(transaction.places):
            partition = self.partitions[place]
            partition.open = [(offset, one) for offset, one in partition.open if one is not transaction]
            offset = len(partition.messages)
            marker = Record(*place, offset, self._append_ms(partition), None, None, ())
            partition.messages.append(SimMessage(marker, is_marker=True))
            for watcher in self.watchers:
                watcher(place)
