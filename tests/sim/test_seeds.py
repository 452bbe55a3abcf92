"""Short runs of many seeds, as `agentbus simulate` plays them: nothing lost, nothing doubled, one holder at a time."""

from collections import Counter

import pytest

from bus.cli.simulated import audited
from bus.sim.judge import fingerprint, violations
from bus.sim.quiet import quiet
from bus.sim.run import play
from bus.sim.weather import STORM
from tests.sim.oracle import parted
from tests.sim.seeds import Judged, judged, played

# The whole suite has minutes; thousands of seeds are played with `agentbus simulate --seeds 1..10000`.
SEEDS = range(1, 41)


@pytest.fixture(scope="module")
def runs() -> list[Judged]:
    """All seeds, played once."""
    return [judged(seed) for seed in SEEDS]


def test_nothing_breaks(runs: list[Judged]) -> None:
    """Every invariant holds, whatever befalls the processes."""
    assert [str(one) for one in runs if one.found] == []


def test_the_runs_have_everything_in_them(runs: list[Judged]) -> None:
    """All kinds of trouble come up within a few seeds, or the runs would prove little."""
    counts: Counter[str] = sum((one.counts for one in runs), Counter())
    wanted = {
        *("kills", "processes stopped for a while", "two owners at once", "slow lanes", "void segments", "repeats"),
        *("records lost on the way", "acknowledgements lost", "records late", "ends of transactions held up"),
        *("messages said twice", "contests", "cases"),
    }
    assert {what for what in wanted if not counts[what]} == set()


def test_the_same_seed_plays_the_same_run() -> None:
    """Byte for byte, every log of it."""
    assert fingerprint(played(7)) == fingerprint(played(7))


def test_other_seeds_play_other_runs() -> None:
    """A seed that changed nothing would test nothing."""
    assert len({fingerprint(played(seed)) for seed in (1, 2, 3)}) == 3


def test_the_auditor_and_the_oracle_find_nothing_either(runs: list[Judged]) -> None:
    """The checks of `agentbus verify` and the contests' oracle agree, on a run with kills."""
    run = played(max(runs, key=lambda one: one.counts["kills"]).seed)
    report = audited(run)
    assert [str(finding) for check in report.checks for finding in check.findings] == []
    assert parted(run) == []


@pytest.mark.parametrize("seed", [104, 107, 127])
def test_who_lost_a_partition_in_mid_judgement_makes_nothing_poison(seed: int) -> None:
    """Two owners that fight over one record both live: it is judged in the end, whoever judges it."""
    with quiet():
        assert [str(one) for one in violations(play(seed, 1.0, STORM))] == []
