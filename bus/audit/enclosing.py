"""Makes again what went out with the decisions of a partition: case files, excerpts, the records seats had to judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bus.audit.book import Book, Entered
from bus.audit.evidence import Log
from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened
from bus.core.decision.entries import Entry
from bus.core.log.records import digest
from bus.core.log.topics import ESCALATIONS
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
    _files: Mapping[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        registry = Registry(self.book.genesis, built_in_contracts())
        self._files = _files_by_hash(self.book)
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
            return self._as_named(entry, enclose(entry, situations, records))
        except (AssertionError, LookupError, TypeError, ValueError):
            self.is_lost = True  # an entry that cannot follow what came before it: judging it again finds that
            return None

    def _as_named(self, entry: Entry, made: dict[int, Enclosed]) -> dict[int, Enclosed]:
        """A case file is what its decision names by hash: an engine has other words for it than the one before."""
        for event in entry.events:
            named = event.what.file_hash if isinstance(event.what, CaseOpened | CaseChanged | CaseClosed) else ""
            if named in self._files and event.n in made:
                made[event.n] = replace(made[event.n], file=self._files[named])
        return made


def _files_by_hash(book: Book) -> dict[str, bytes]:
    values = (log.records for place, log in book.evidence.logs.items() if place[0] == ESCALATIONS)
    return {digest(record.value): record.value for records in values for record in records if record.value}
