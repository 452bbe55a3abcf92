"""Looks at the snapshots: did every replay come to the state that was kept, and does one lead to a cut journal?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bus.cli.checkup.journals import JournalSeen, Place
from bus.cli.checkup.lines import Line, counted, ok, some, wrong
from bus.core.log.topics import JOURNAL, SNAPSHOTS, gate_journal
from bus.shell import kafka
from bus.shell.snapshots.records import Finding, read_record
from bus.shell.snapshots.shelf import Shelf

TAIL_RECORDS = 256  # the parts among them are up to 1 MiB each: what was written last, read in a second or two


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands at the end of ``bus.snapshots``: how many are verified, of which partitions a replay disagreed.

    ``leads_to``: the journal offset at which a restore of a journal without its beginning goes on, if it can.
    """

    verified: int = 0
    mismatches: tuple[str, ...] = ()
    leads_to: Mapping[Place, int] = field(default_factory=dict)


def read_kept(config: kafka.ClientConfig, seen: Sequence[JournalSeen]) -> Kept:
    """Read the end of the topic, and farther back for journals that are cut; raises `BusError`."""
    reader = kafka.reader(config)
    try:
        first, end = kafka.ends(reader, SNAPSHOTS, 0)
    finally:
        reader.close()
    found: list[Finding] = []
    if end > first:
        start = max(first, end - TAIL_RECORDS)
        records = kafka.records_between(config, SNAPSHOTS, 0, start, end - 1)
        found = [read for record in records if isinstance(read := read_record(record), Finding)]
    mismatches = tuple(sorted({one.key for one in found if one.kind == "mismatch"}))
    cut = [one.place for one in seen if one.first > 0]
    verified = sum(one.kind == "verified" for one in found)
    return Kept(verified, mismatches, _leads_to(config, cut))


def _leads_to(config: kafka.ClientConfig, places: Sequence[Place]) -> dict[Place, int]:
    shelf, found = Shelf(config), dict[Place, int]()
    try:
        for place in places:
            while not shelf.look(_key(place)):
                pass
            if (newest := shelf.newest(_key(place))) is not None:
                found[place] = newest.standing.offset + 1
    finally:
        shelf.close()
    return found


def _key(place: Place) -> str:
    """How snapshots name the owner of a journal: ``gate/sales``, ``arbiter/3``."""
    topic, partition = place
    return f"arbiter/{partition}" if topic == JOURNAL else f"gate/{topic.removeprefix(gate_journal(''))}"


def snapshot_lines(kept: Kept) -> Iterator[Line]:
    """Is what was kept what the journals say?"""
    if kept.mismatches:
        text = f"a replay of {some(kept.mismatches)} came to another state than its owner had: the snapshot is not used"
        yield wrong("snapshots", text, "run `agentbus verify`, and report it with both; see docs/runbook.md")
    elif kept.verified:
        yield ok("snapshots", f"the last {counted(kept.verified, 'snapshot')} came to the same by a replay")
    else:
        yield ok("snapshots", "none yet: restores read the journals from their beginning")
