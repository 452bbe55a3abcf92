"""The real arbiter as one that decides the records of these contests: from bytes to the journal's JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from bus.core.arbiter import evolve, step
from bus.core.decision.entries import entry_from_json
from bus.core.log.records import Record, canonical
from bus.core.log.topics import ARBITER
from bus.core.message.arrivals import read_arrival
from bus.core.policy.control import Genesis, Registry
from bus.core.state.partition import PartitionState
from bus.shell.catalogue import built_in_contracts
from resolvers import RESOLVERS
from tests.contests.cast import ANA, DOMAIN
from tests.contests.oracle.log import Json, Raw

GEN = 1
PARTITION = 0
GENESIS = Genesis(GEN, DOMAIN.removeprefix("spiffe://"), 1, (ANA,))


def fresh_state() -> PartitionState:
    """A partition in which nothing was set and nothing was said yet."""
    return PartitionState(GEN, PARTITION, Registry(GENESIS, built_in_contracts()), resolvers=RESOLVERS)


def record_of(raw: Raw) -> Record:
    """A record as the stage reads it from Kafka."""
    return Record(ARBITER, PARTITION, raw.offset, raw.append_ms, None, raw.value, raw.headers)


@dataclass(slots=True)
class Core:
    """The arbiter of one partition, with its journal: the canonical bytes of every entry."""

    state: PartitionState = field(default_factory=fresh_state)
    journal: list[bytes] = field(default_factory=list)

    def decide(self, raw: Raw) -> Json:
        """The entry of the next record, as a reader of the journal has it."""
        self.journal.append(canonical(step(self.state, read_arrival(record_of(raw))).to_json()))
        return json.loads(self.journal[-1])


def restored(journal: Sequence[bytes]) -> PartitionState:
    """The state that a new owner folds from a journal and nothing else."""
    state = fresh_state()
    for entry in journal:
        evolve(state, entry_from_json(json.loads(entry)))
    return state


def known_to(state: PartitionState) -> dict[str, object]:
    """All that decisions rest on, by name: two owners that know the same decide the same."""
    names = ("gen", "p", "registry", "now", "next_offset", "resources", "last_of_lane")
    return {name: getattr(state, name) for name in names} | {"next deadline": state.next_deadline()}
