"""Stage 1: judge one message of a lane: forward it, refuse it, or say that it was there before.

a record of bus.in.<lane> -> decide -> a row of the lane's journal -> evolve -> the next record

1. ``at`` = max(append time, ``at`` of the record before): time never falls in a lane.
2. The first reason that applies is given, in the order of `GateReason`. What the state decides
   (duplicate, id_reuse, stale, expired) stands in the middle of what the basis decides.
3. An id is remembered for 330 s after its first row, unless that row was refused before its sender was sure.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from bus.core.decision.reasons import NOT_REMEMBERED, GateReason
from bus.core.log.records import quoted
from bus.core.message.envelope import Envelope
from bus.core.policy.contracts import Contract, Violation
from bus.core.policy.control import Change

EARLY_MS_MAX = 30_000  # a sender's clock may be this far ahead
LATE_MS_MAX = 300_000  # and a message this old when it arrives
MEMORY_MS = LATE_MS_MAX + EARLY_MS_MAX  # beyond this a repeated id is stale anyway

NO_VALUES: Final[Mapping[str, object]] = MappingProxyType({})

Verdict = Literal["forwarded", "refused", "duplicate"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason, the sentence for people, and what is wrong where."""

    reason: GateReason
    detail: str = ""
    violations: tuple[Violation, ...] = ()


class GateBasis(NamedTuple):
    """What the gate's decision on one record may use, gathered before: no look-up happens in the decision.

    ``early`` and ``later`` are the first reasons found before and after the ones the lane's memory decides.
    ``change`` is the numbered change of an accepted control message; ``shadowed`` names the rules in shadow it breaks.
    """

    source: str
    id: str
    type: str
    subject: str
    hash: str
    envelope: Envelope | None = None
    early: Refusal | None = None
    later: Refusal | None = None
    contract: Contract | None = None
    values: Mapping[str, object] = NO_VALUES
    change: Change | None = None
    partitions: tuple[int, ...] = ()
    shadowed: tuple[str, ...] = ()


class Row(NamedTuple):
    """The decision on one record of a lane; ``partitions`` are those of ``bus.arbiter`` it went to."""

    offset: int
    verdict: Verdict
    reason: str
    source: str
    id: str
    hash: str
    at: int
    partitions: tuple[int, ...]

    def to_json(self) -> list[object]:
        """The row as journals write it."""
        parts = list(self.partitions)
        return [self.offset, self.verdict, self.reason, self.source, self.id, self.hash, self.at, parts]

    def written(self) -> bytes:
        """What `canonical` writes for it: only a sender's words need an encoder."""
        words = f'"{self.verdict}","{self.reason}",{quoted(self.source)},{quoted(self.id)},"{self.hash}"'
        return f"[{self.offset},{words},{self.at},[{','.join(map(str, self.partitions))}]]".encode()


def row_from_json(row: list[object]) -> Row:
    """Read a row of a valid segment."""
    offset, verdict, reason, source, identifier, message_hash, at, partitions = row
    return Row(offset, verdict, reason, source, identifier, message_hash, at, tuple(partitions))  # type: ignore[arg-type]  # the chain vouches for what we wrote


class Seen(NamedTuple):
    """The first row of an id: its offset, what it said, and when."""

    offset: int
    hash: str
    at: int


class Judged(NamedTuple):
    """A row, and what its answer needs beyond it."""

    row: Row
    refusal: Refusal | None = None
    first_offset: int | None = None


@dataclass(slots=True)
class GateState:
    """What a lane's gate remembers: the running ``at``, and who sent which id when (oldest first).

    A plain dict, for it is copied whole for a snapshot; where it begins it would look for long, so a queue tells.
    """

    at_ms: int = 0
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)
    _oldest: deque[tuple[str, str]] = field(default_factory=deque)

    def remember(self, key: tuple[str, str], first: Seen) -> None:
        """Keep the first row of an id."""
        if key not in self.seen:
            self.seen[key] = first
            self._oldest.append(key)

    def forget(self, at: int) -> None:
        """Let go of what is older than any repeat could be."""
        while self._oldest and at - self.seen[self._oldest[0]].at > MEMORY_MS:
            del self.seen[self._oldest.popleft()]


def arrival_ms(state: GateState, append_ms: int) -> int:
    """``at`` of the record that comes next."""
    return max(append_ms, state.at_ms)


def step(state: GateState, offset: int, at: int, basis: GateBasis) -> Judged:
    """Decide on the record at ``offset`` and fold the decision: what every replay must repeat byte for byte."""
    judged = decide(state, offset, at, basis)
    evolve(state, judged.row)
    return judged


def decide(state: GateState, offset: int, at: int, basis: GateBasis) -> Judged:
    """Judge the record at ``offset``."""
    refusal, first_seen = _refusal(state, at, basis)
    if refusal is None:
        return Judged(_row(offset, at, basis, "forwarded", "", basis.partitions))
    verdict: Verdict = "duplicate" if refusal.reason is GateReason.DUPLICATE else "refused"
    row = _row(offset, at, basis, verdict, refusal.reason.value, ())
    return Judged(row, refusal, first_seen.offset if first_seen else None)


def evolve(state: GateState, row: Row) -> None:
    """Fold one row into the lane's state, in place: the owner of the lane is the only one who has it."""
    state.at_ms = row.at
    state.forget(row.at)
    if row.reason not in NOT_REMEMBERED:
        state.remember((row.source, row.id), Seen(row.offset, row.hash, row.at))


def _row(offset: int, at: int, basis: GateBasis, verdict: Verdict, reason: str, partitions: tuple[int, ...]) -> Row:
    return Row(offset, verdict, reason, basis.source, basis.id, basis.hash, at, partitions)


def _refusal(state: GateState, at: int, basis: GateBasis) -> tuple[Refusal | None, Seen | None]:
    if basis.early is not None or basis.envelope is None:
        return basis.early or Refusal(GateReason.BAD_ENVELOPE), None
    before = state.seen.get((basis.source, basis.id))
    if before is not None and at - before.at <= MEMORY_MS:
        if before.hash == basis.hash:
            return Refusal(GateReason.DUPLICATE), before
        return _id_reuse(basis), None
    return _untimely(at, basis.envelope) or basis.later, None


POISON = Refusal(GateReason.POISON, "judging it killed the stage twice")


def refusal_again(row: Row, basis: GateBasis) -> Refusal | None:
    """The refusal behind a row that stands in the journal, recomputed for sending it once more; None if it has none."""
    if row.verdict == "forwarded":
        return None
    reason = GateReason(row.reason)
    if reason is GateReason.POISON:
        return POISON
    if reason is GateReason.ID_REUSE:
        return _id_reuse(basis)
    untimely = _untimely(row.at, basis.envelope) if basis.envelope else None
    found = next((r for r in (basis.early, untimely, basis.later) if r and r.reason is reason), None)
    return found or Refusal(reason)


def _id_reuse(basis: GateBasis) -> Refusal:
    return Refusal(GateReason.ID_REUSE, f"id {basis.id} was used for another message: choose a new id")


def _untimely(at: int, envelope: Envelope) -> Refusal | None:
    skew_ms = envelope.time_ms - at
    if skew_ms > EARLY_MS_MAX or skew_ms < -LATE_MS_MAX:
        ahead = "ahead of" if skew_ms > 0 else "behind"
        detail = f"ce_time is {abs(skew_ms)} ms {ahead} the broker (at {at}, skew_ms {skew_ms}): check your clock"
        return Refusal(GateReason.STALE, detail)
    if envelope.expiry_ms is not None and at >= envelope.expiry_ms:
        return Refusal(GateReason.EXPIRED, f"ce_expirytime passed {at - envelope.expiry_ms} ms before it arrived")
    return None
