"""The reader's rule of wire.md section 6: what names its predecessor is read once, in order, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.acceptance.wire import id_order


@dataclass(slots=True)
class Reader:
    """Reads one topic-partition from its first record; keeps the last id of every source."""

    last: dict[str, str] = field(default_factory=dict)

    def accepts(self, source: str, own: str, previous: str) -> bool:
        """Whether a record is the next of its source; repeats and what stands behind a gap are not."""
        last = self.last.get(source, "")
        if last and id_order(own) <= id_order(last):
            return False
        if previous != last:
            return False
        self.last[source] = own
        return True
