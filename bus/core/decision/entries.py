"""The entry: the arbiter's decision on one record of ``bus.arbiter``, as the journal keeps it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from bus.core.decision.events import Event, event_from_json, event_to_json
from bus.core.frozen import dataclass
from bus.core.log.records import canonical, quoted
from bus.core.policy.contracts import JsonObject

BASES_REMEMBERED = 1024  # thousands of decisions rest on the same terms and contracts

Verdict = Literal["applied", "admitted", "held", "refused", "repeat", "tick", "control"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What the decision rests on: the control number, and the revisions of terms and contract ("" for none).

    ``resolvers`` is the version of the strategies; 0, and absent, where none were at hand (journals before contests).
    """

    control: int
    terms: str = ""
    contract: str = ""
    allow: bool = True
    policy: str = ""
    resolvers: int = 0

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The basis as journals write it."""
        out: dict[str, Any] = {"allow": self.allow, "contract": self.contract, "control": self.control}
        out["policy"] = self.policy
        if self.resolvers:
            out["resolvers"] = self.resolvers
        out["terms"] = self.terms
        return out


@lru_cache(maxsize=BASES_REMEMBERED)
def _basis_written(basis: Basis) -> str:
    return canonical(basis.to_json()).decode()


@dataclass(frozen=True, slots=True)
class Entry:
    """The decision on the record at ``o``. A message fills all fields; a repeat only ``src``; a tick its three."""

    o: int
    verdict: Verdict
    events: tuple[Event, ...] = ()
    reason: str = ""
    src: str = ""
    id: str = ""
    type: str = ""
    source: str = ""
    at: int = 0
    hash: str = ""
    basis: Basis | None = None
    after: int = 0
    now: int = 0
    stalled: tuple[str, ...] = ()

    @property
    def time_ms(self) -> int:
        """``at`` of a message, ``now`` of a tick: the time its answers carry."""
        return self.now if self.verdict == "tick" else self.at

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The entry as journals write it."""
        events = [event_to_json(event) for event in self.events]
        if self.verdict == "repeat":
            return {"o": self.o, "src": self.src, "verdict": "repeat", "reason": self.reason, "events": []}
        if self.verdict == "tick":
            stated = {"after": self.after, "now": self.now, "stalled": list(self.stalled)}
            return {"o": self.o, "type": self.type, "verdict": "tick", **stated, "events": events}
        assert self.basis is not None
        return {  # in the order in which canonical JSON has them, which spares the sorting
            "at": self.at,
            "basis": self.basis.to_json(),
            "events": events,
            "hash": self.hash,
            "id": self.id,
            "o": self.o,
            "reason": self.reason,
            "source": self.source,
            "src": self.src,
            "type": self.type,
            "verdict": self.verdict,
        }

    def written(self, events: Sequence[JsonObject]) -> bytes:
        """What `canonical` writes for it; ``events`` are its events as JSON. Only a sender's words need an encoder."""
        if self.basis is None:  # ticks and repeats
            return canonical(self.to_json())
        basis, happened = _basis_written(self.basis), canonical(events).decode()
        words = f'"reason":{quoted(self.reason)},"source":{quoted(self.source)},"src":{quoted(self.src)}'
        return (
            f'{{"at":{self.at},"basis":{basis},"events":{happened},"hash":"{self.hash}","id":{quoted(self.id)},'
            f'"o":{self.o},{words},"type":{quoted(self.type)},"verdict":"{self.verdict}"}}'
        ).encode()


def entry_from_json(value: JsonObject) -> Entry:
    """Read an entry of a valid segment; raises KeyError or TypeError if this engine does not know its form."""
    given = dict(value)
    given["events"] = tuple(event_from_json(event) for event in value["events"])
    if "basis" in given:
        given["basis"] = Basis(**value["basis"])
    if "stalled" in given:
        given["stalled"] = tuple(value["stalled"])
    return Entry(**given)
