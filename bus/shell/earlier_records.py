"""Records of an earlier offset, for what is told of them later: the recent ones are kept, older ones are read again.

What waits long (a held action, the claims of a case) is told of again and again; a burst of thousands of cases tells of
records that came a moment ago. Neither may fill the memory, so what is kept is bounded, and the rest is on Kafka.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from bus.core.log.records import Record

# 10,000 claims of a usual size, so that a burst of as many escalations hardly reads anything twice.
RECENT_BYTES_MAX = 8 * 1024 * 1024
RECORD_FRAME_BYTES = 500  # what Python keeps around a record
ReadOffsets = Callable[[list[int]], Mapping[int, Record]]


class EarlierRecords:
    """The records of one partition of ``bus.arbiter``, by offset; ``read`` asks Kafka for those not at hand."""

    def __init__(self, read: ReadOffsets) -> None:
        self.read_count = 0  # records asked of Kafka so far
        self._read = read
        self._recent: OrderedDict[int, Record] = OrderedDict()
        self._size = 0

    def remember(self, record: Record) -> None:
        """Keep a record for a while."""
        if record.offset in self._recent:
            self._recent.move_to_end(record.offset)
            return
        self._recent[record.offset] = record
        self._size += _size(record)
        while self._size > RECENT_BYTES_MAX:
            _, gone = self._recent.popitem(last=False)
            self._size -= _size(gone)

    def find(self, offsets: Iterable[int]) -> dict[int, Record]:
        """The records at these offsets, without those that are no longer kept; raises `BusError` if Kafka is silent."""
        wanted = sorted(set(offsets))
        found = {o: self._recent[o] for o in wanted if o in self._recent}
        unknown = [o for o in wanted if o not in found]
        if unknown:
            self.read_count += len(unknown)
            found |= self._read(unknown)
        for record in found.values():
            self.remember(record)
        return found


def _size(record: Record) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.value or b"") + headers + RECORD_FRAME_BYTES
