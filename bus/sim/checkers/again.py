"""I8, I9: deciding again, from a restored state and in other batches, gives the same entries, byte for byte.

The journal is cut at a point drawn from the seed: what stands before it is folded as a new owner would, what comes
after is judged again in batches of random sizes. The prefix of a journal is the journal of the prefix.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from bus.core.log.journal import parse_segment
from bus.core.log.records import Record, canonical
from bus.core.policy.control import Genesis, Registry
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts
from bus.shell.metrics import Metrics
from bus.sim.checkers.reading import Logs, Violation, shown

BATCHES = (1, 2, 7, 50, 500)
METRICS = Metrics()


def check(logs: Logs, genesis: Genesis, topic_id: str, seed: int) -> Iterator[Violation]:
    """Decide a part of every partition again."""
    chance = random.Random(f"{seed} again")
    for p in range(logs.partitions):
        segments = [one for one in logs.chain("bus.journal", p) if "entries" in one.body]
        cut = chance.randint(0, len(segments))
        yield from _again(logs, genesis, topic_id, p, cut, chance)


def _again(logs: Logs, genesis: Genesis, topic_id: str, p: int, cut: int, chance: random.Random) -> Iterator[Violation]:
    records = logs.records["bus.arbiter", p]
    segments = [one.body for one in logs.chain("bus.journal", p) if "entries" in one.body]
    stage = _fresh(logs, genesis, topic_id, p)
    for segment in segments[:cut]:
        stage.fold(segment, is_published=True)
    wanted = [entry for segment in segments[cut:] for entry in segment["entries"]]
    rest = records[stage.next_offset : stage.next_offset + len(wanted)]
    found = _decided(stage, rest, lambda: chance.choice(BATCHES))
    for entry, again in zip(wanted, found, strict=False):
        if canonical(entry) != again:
            lines = (shown(p, entry), _line(p, again))
            text = f"offset {entry['o']} of partition {p} is decided otherwise after a restore at segment {cut}"
            yield Violation("I8", text, lines)
            alone = _decided(_fresh(logs, genesis, topic_id, p), records[: entry["o"] + 1], lambda: 1)[-1]
            if alone != canonical(entry):
                text = f"offset {entry['o']} of partition {p} is decided otherwise where nothing stands behind it"
                yield Violation("I9", text, (lines[0], _line(p, alone)))
            return
    if len(found) != len(wanted):
        yield Violation("I9", f"partition {p} decided again has {len(found)} entries, not {len(wanted)}")


def _fresh(logs: Logs, genesis: Genesis, topic_id: str, p: int) -> ArbiterStage:
    """An arbiter that knows nothing yet."""
    records = logs.records["bus.arbiter", p]

    def read(offsets: list[int]) -> dict[int, Record]:
        return {offset: records[offset] for offset in offsets}

    return ArbiterStage(p, topic_id, Registry(genesis, built_in_contracts()), METRICS, read)


def _decided(stage: ArbiterStage, records: Sequence[Record], size: Callable[[], int]) -> list[bytes]:
    """The entries of these records, judged in batches of these sizes."""
    rest, found = list(records), list[bytes]()
    while rest:
        draft, count = stage.draft(rest[: size()], poison=None)
        assert draft is not None
        assert draft.items is not None
        found += draft.items[1]
        rest = rest[count:]
    return found


def _line(p: int, entry: bytes) -> str:
    said = parse_segment(b'{"entries":[' + entry + b"]}")
    return shown(p, said["entries"][0]) if said else repr(entry[:200])
