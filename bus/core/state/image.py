"""A partition's whole state as lines of canonical JSON, and back: what a snapshot holds, and what its hash is over.

    ["partition", {now, position, ...}]      ["lane", lane, last id]
    ["control", {number, lanes, ...}]        ["set", kind, name, rev, hash]
    ["agent" | "person" | "contract" | "terms", name, {...}]
    ["resource", subject, {...}]

Lines come in this order and sorted by name within, so the same state gives the same bytes, however it was reached. What
is derived (deadlines, who has a stake, who is seated) is not written. A reader takes one line at a time, and a writer
makes one at a time: neither holds up the partitions beside it.
"""

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from bus.core.frozen import dataclass
from bus.core.log.records import canonical
from bus.core.policy.contracts import Contract
from bus.core.policy.control import Agent, Person, Registry
from bus.core.policy.terms import Terms
from bus.core.state.forms import form_of
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Resource

SORTED_AT_ONCE = 1_000  # names sorted in one go, a fraction of a millisecond: the rest is merged one by one


@dataclass(frozen=True, slots=True)
class Image:
    """A partition's state at one moment; what it refers to never changes, so it stays as it was."""

    now: int
    next_offset: int
    registry: Registry
    last_of_lane: Mapping[str, str]
    anchored: frozenset[str] | None
    resources: Mapping[str, Resource]

    def lines(self) -> Iterator[bytes]:
        """The lines, without their ends."""
        stands: dict[str, Any] = {"now": self.now, "position": self.next_offset}
        if self.anchored is not None:
            stands["anchored"] = sorted(self.anchored)
        yield canonical(["partition", stands])
        for lane in sorted(self.last_of_lane):
            yield canonical(["lane", lane, self.last_of_lane[lane]])
        yield from _lines_of_registry(self.registry)
        yield from lines_of("resource", self.resources, Resource)


def image_of(state: PartitionState) -> Image:
    """A copy of the state, made in one go: one pointer for each subject."""
    return Image(
        state.now, state.next_offset, state.registry, dict(state.last_of_lane), state.anchored, dict(state.resources)
    )


def in_order(names: Iterable[str]) -> Iterator[str]:
    """Sorted names, sorted a few at a time: nobody beside has to wait for all of them."""
    everything = list(names)
    runs = [sorted(everything[first : first + SORTED_AT_ONCE]) for first in range(0, len(everything), SORTED_AT_ONCE)]
    return heapq.merge(*runs)


def lines_of(kind: str, values: Mapping[str, Any], form: type) -> Iterator[bytes]:  # Any: values of that form
    """A line for each value, by name."""
    write = form_of(form).write
    assert write is not None, f"{form} is no dataclass"
    for name in in_order(values):
        yield canonical([kind, name, write(values[name])])


def _lines_of_registry(registry: Registry) -> Iterator[bytes]:
    control = {
        "number": registry.number,
        "lanes": dict(registry.lanes),
        "lanes_ever": sorted(registry.lanes_ever),
        "agent_lanes": dict(registry.agent_lanes),
        "suspended": {name: dict(select) for name, select in registry.suspended.items()},
        "contracts": {name: contract.ref for name, contract in registry.contracts.items()},
    }
    yield canonical(["control", control])
    for kind, name in sorted({*registry.revs, *registry.hashes}):
        rev, value_hash = registry.revs.get((kind, name), 0), registry.hashes.get((kind, name))
        yield canonical(["set", kind, name, rev, value_hash])
    yield from lines_of("agent", registry.agents, Agent)
    yield from lines_of("person", registry.persons, Person)
    yield from lines_of("contract", registry.contract_revisions, Contract)
    yield from lines_of("terms", registry.terms, Terms)


@dataclass(slots=True)
class ImageReader:
    """Builds a partition's state from its lines: `take` each, then `finish`. ``state`` must know nothing yet.

    Raises KeyError, TypeError, ValueError for a line that this format does not have.
    """

    state: PartitionState
    _control: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    _named: dict[str, dict[str, Any]] = field(default_factory=dict)  # Any: values by kind and name
    _revs: dict[tuple[str, str], int] = field(default_factory=dict)
    _hashes: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, line: bytes) -> None:
        """Read one line."""
        kind, *rest = json.loads(line)
        match kind:
            case "partition":
                (stands,) = rest
                self.state.now, self.state.next_offset = stands["now"], stands["position"]
                self.state.anchored = frozenset(stands["anchored"]) if "anchored" in stands else None
            case "lane":
                lane, last = rest
                self.state.last_of_lane[lane] = last
            case "control":
                (self._control,) = rest
            case "set":
                kind_of, name, rev, value_hash = rest
                if rev:
                    self._revs[kind_of, name] = rev
                if value_hash is not None:
                    self._hashes[kind_of, name] = value_hash
            case _:
                name, found = rest
                read = form_of(_FORMS[kind]).read
                assert read is not None, "every form of a line is a dataclass's"
                self._named.setdefault(kind, {})[name] = read(found)

    def finish(self) -> None:
        """Put together what was read."""
        control, revisions = self._control, self._named.get("contract", {})
        self.state.registry = Registry(
            self.state.registry.genesis,
            self.state.registry.built_in,
            control["number"],
            control["lanes"],
            frozenset(control["lanes_ever"]),
            self._named.get("agent", {}),
            control["agent_lanes"],
            self._named.get("person", {}),
            {name: revisions[ref] for name, ref in control["contracts"].items()},
            revisions,
            self._named.get("terms", {}),
            control["suspended"],
            self._revs,
            self._hashes,
        )
        self.state.fill(self._named.get("resource", {}))


_FORMS = {"agent": Agent, "person": Person, "contract": Contract, "terms": Terms, "resource": Resource}
