"""A stage's whole knowledge of one partition as lines of canonical JSON, and back: what a snapshot is made of.

A copy is taken between two records, in one go: it holds the immutable values that the state refers to. Its lines are
made later, one at a time, so that nothing waits for them.

    gate      ["gate", {at, control, position, hash}]  ["sent", topic, partition, id]  ["seen", source, id, o, hash, at]
    arbiter   ["arbiter", {hash}]  ["sent", ...]  and the lines of `bus.core.state.image`
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bus.core.gate import GateState, Seen
from bus.core.log.records import canonical
from bus.core.state.image import Image, ImageReader

Places = Mapping[tuple[str, int], str]


class StateCopy(Protocol):
    """What a stage knew at one moment."""

    def lines(self) -> Iterator[bytes]:
        """Its lines, without their ends: the same knowledge gives the same lines."""


class StateReader(Protocol):
    """Gives a stage that knows nothing yet what a copy's lines say."""

    def take(self, line: bytes) -> None:
        """Read one line; raises KeyError, TypeError, ValueError for one that this engine does not know."""

    def finish(self) -> None:
        """All lines were read."""


@dataclass(frozen=True, slots=True)
class GateCopy:
    """What the gate of a lane knew. ``seen`` are the ids it remembers, oldest first."""

    known: Mapping[str, Any]  # Any: JSON
    sent: Places
    seen: Mapping[tuple[str, str], Seen]

    def lines(self) -> Iterator[bytes]:
        """The lane's few numbers, what it sent last to each place, and every id it remembers."""
        yield canonical(["gate", dict(self.known)])
        yield from lines_of_sent(self.sent)
        for (source, identifier), first in self.seen.items():
            yield canonical(["seen", source, identifier, first.offset, first.hash, first.at])


@dataclass(frozen=True, slots=True)
class ArbiterCopy:
    """What the arbiter of a partition knew."""

    last_hash: str
    sent: Places
    image: Image

    def lines(self) -> Iterator[bytes]:
        """The hash of the last message, what was sent last to each place, and the state."""
        yield canonical(["arbiter", {"hash": self.last_hash}])
        yield from lines_of_sent(self.sent)
        yield from self.image.lines()


def lines_of_sent(sent: Places) -> Iterator[bytes]:
    """What was sent last to each topic-partition."""
    for topic, partition in sorted(sent):
        yield canonical(["sent", topic, partition, sent[topic, partition]])


@dataclass(slots=True)
class GateReader:
    """Reads a gate's copy into ``state`` and ``sent``; ``know`` is given the lane's few numbers."""

    state: GateState
    sent: dict[tuple[str, int], str]
    know: Callable[[Mapping[str, Any]], None]  # Any: JSON

    def take(self, line: bytes) -> None:
        """Read one line."""
        kind, *rest = json.loads(line)
        match kind:
            case "gate":
                (known,) = rest
                self.state.at_ms = known["at"]
                self.know(known)
            case "sent":
                topic, partition, identifier = rest
                self.sent[topic, partition] = identifier
            case "seen":
                source, identifier, offset, message_hash, at = rest
                self.state.remember((source, identifier), Seen(offset, message_hash, at))
            case _:
                raise ValueError(f"a gate's snapshot has no line of kind {kind}")

    def finish(self) -> None:
        """Every line has done its part."""


@dataclass(slots=True)
class ArbiterReader:
    """Reads an arbiter's copy by way of ``image``; ``know`` is given the hash of the last message."""

    image: ImageReader
    sent: dict[tuple[str, int], str]
    know: Callable[[str], None]

    def take(self, line: bytes) -> None:
        """Read one line."""
        if line.startswith(b'["sent"'):
            _, topic, partition, identifier = json.loads(line)
            self.sent[topic, partition] = identifier
        elif line.startswith(b'["arbiter"'):
            self.know(json.loads(line)[1]["hash"])
        else:
            self.image.take(line)

    def finish(self) -> None:
        """Put the state together."""
        self.image.finish()
