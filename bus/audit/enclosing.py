"""Makes again what went out with the decisions of a partition: case files, excerpts, the records seats had to judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bus.audit.book import Book, Entered
from bus.audit.evidence import Log
from bus.core.outputs.enclosed import Enclosed, enclose, offsets_named
from bus.core.outputs.witness import Witness
from bus.core.policy.control import Registry
from bus.core.state.partition import PartitionState
from bus.shell.catalogue import built_in_contracts
from resolvers import RESOLVERS


@dataclass(slots=True)
class Enclosing:
    """Asked for every entry in its order; ``log`` has the records that are told of."""

    book: Book
    p: int
    log: Log | None
    is_lost: bool = False
    _state: PartitionState = field(init=False)

    def __post_init__(self) -> None:
        registry = Registry(self.book.genesis, built_in_contracts())
        self._state = PartitionState(self.book.genesis.gen, self.p, registry, resolvers=RESOLVERS)

    def of(self, entered: Entered) -> Mapping[int, Enclosed] | None:
        """What goes with its events, by their numbers; None if the records it tells of are not there any more."""
        if self.is_lost:
            return None
        entry = entered.entry
        witness = Witness(self._state)
        try:
            entered.fold(self._state, witness)
            situations = witness.situations()
            records = self.log.by_offset if self.log else {}
            if self.log and self.log.first > 0 and not offsets_named(entry, situations) <= records.keys():
                return None
            return enclose(entry, situations, records)
        except (AssertionError, LookupError, TypeError, ValueError):
            self.is_lost = True  # an entry that cannot follow what came before it: judging it again finds that
            return None
