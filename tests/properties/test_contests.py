"""Properties of random contests: the same entries and outputs for any batches, and after a restore from any cut."""

from dataclasses import dataclass
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.core.log.records import Record
from bus.core.policy.control import Registry
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts
from tests.contests.against_core import lines_of_seed
from tests.contests.cast import ANA
from tests.contests.core import GENESIS, PARTITION, known_to, record_of
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry as Known
from tests.contests.play import Play
from tests.properties.stages import METRICS, Run, difference, everything, fold, run

SEEDS = st.integers(0, 11)  # a contest takes a second to make: the same ones are cut in many ways
SIZES = st.lists(st.integers(1, 40), max_size=20)
CUTS = settings(max_examples=12)


@dataclass(frozen=True, slots=True)
class Log:
    """The records of one random script of contests, and what an arbiter makes of them one by one."""

    records: tuple[Record, ...]
    one_by_one: Run
    known: dict[str, object]


@cache
def log_of(seed: int) -> Log:
    """The log of a seed: claims, ballots, offers, actions, rulings, waits and changes of what is in force."""
    given_first, lines = lines_of_seed(seed)
    play = Play(Oracle(Known((ANA,))).step)
    play.begin(given_first)
    for line in lines:
        play.line(line)
    records = tuple(record_of(raw) for raw in play.log.records)
    stage = _stage(records)
    ran = run(stage, records, [1])
    return Log(records, ran, known_to(stage.state))


def _stage(records: tuple[Record, ...]) -> ArbiterStage:
    """An arbiter that knows nothing yet, and reads earlier records from this log."""
    registry = Registry(GENESIS, built_in_contracts())
    return ArbiterStage(PARTITION, "id", registry, METRICS, lambda offsets: {o: records[o] for o in offsets})


@CUTS
@given(SEEDS, SIZES)
def test_contests_are_decided_the_same_for_any_batches(seed: int, sizes: list[int]) -> None:
    """I8: however the log of a contest is cut into batches, entries, answers and case files are the same bytes."""
    log = log_of(seed)
    batched = run(_stage(log.records), log.records, sizes)
    assert batched.decisions() == log.one_by_one.decisions()
    assert not difference(batched.outputs(), log.one_by_one.outputs())


@CUTS
@given(SEEDS, SIZES, st.integers(0, 1000), st.integers(0, 1000))
def test_a_contest_goes_on_where_another_owner_stopped(seed: int, sizes: list[int], cut: int, mark: int) -> None:
    """I9: from any cut a new owner sends again what may not have been sent, and decides the rest, byte for byte."""
    log = log_of(seed)
    before = run(_stage(log.records), log.records, sizes)
    cut %= len(before.values) + 1
    mark %= cut + 1
    after = _stage(log.records)
    fold(after, before.values[:cut], mark)
    again = [o for draft in after.redraft({r.offset: r for r in log.records}) for o in everything(draft)]
    assert not difference(again, before.outputs(mark, cut))
    later = run(after, log.records[after.next_offset :], [7])
    assert not difference(later.outputs(), before.outputs(cut))
    assert known_to(after.state) == log.known


def test_the_contests_that_are_cut_reach_everything() -> None:
    """The seeds above open contests of all three kinds, cases and waits, and vote, bargain and rule."""
    told = b"".join(entry for seed in range(12) for entry in log_of(seed).one_by_one.decisions())
    kinds = ("joined", "withdrawn", "rung", "turn", "voted", "offered", "settled", "action_held", "case_opened")
    more = ("action_refused", "case_changed", "case_closed", "frozen", "unfrozen", "waiting", "wait_ended")
    assert not [kind for kind in (*kinds, *more) if f'"kind":"{kind}"'.encode() not in told]
