"""I7: what a run decided, held against the contests' oracle, which was written from the documents alone."""

from bus.sim.checkers.reading import Violation, shown
from bus.sim.control import STEWARD
from bus.sim.judge import logs_of
from bus.sim.run import Run
from tests.contests.oracle.log import Raw
from tests.contests.real_log import Recorded, judged


def parted(run: Run) -> list[Violation]:
    """Where the arbiter decided otherwise than the oracle."""
    logs = logs_of(run)
    records, entries = [], []
    for p in range(logs.partitions):
        given = logs.records["bus.arbiter", p]
        raws = [Raw(one.offset, one.timestamp_ms, _plain(one.headers), one.value or b"") for one in given]
        records.append(raws)
        entries.append({entry["o"]: entry for entry in logs.entries(p)})
    faults, _ = judged(Recorded(logs.gen, (STEWARD,), records, entries))
    return [
        Violation("I7", one.sentence, (shown(one.p, entries[one.p].get(one.offset, {"o": one.offset})),))
        for one in faults
    ]


def _plain(headers: tuple[tuple[str, bytes | None], ...]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, value or b"") for name, value in headers)
