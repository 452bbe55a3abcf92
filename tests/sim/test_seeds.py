"""Short runs of many seeds, as `agentbus simulate` plays them: nothing lost, nothing doubled, one holder at a time."""

from collections import Counter

import pytest

from bus.cli.simulated import audited
from bus.sim.judge import fingerprint
from tests.sim.seeds import MINUTES, broken, played

# The whole suite has minutes; thousands of seeds are played with `agentbus simulate --seeds 1..10000`.
SEEDS = range(1, 41)
IN_A_BATCH = 10


@pytest.mark.parametrize("first", range(SEEDS.start, SEEDS.stop, IN_A_BATCH))
def test_nothing_breaks(first: int) -> None:
    """Every invariant holds, whatever befalls the processes."""
    seeds = range(first, first + IN_A_BATCH)
    found = [
        f"agentbus simulate --seed {seed} --minutes {MINUTES}: {one.invariant} {one.sentence}"
        for seed, one in broken(seeds)
    ]
    assert found == []


def test_the_same_seed_plays_the_same_run() -> None:
    """Byte for byte, every log of it."""
    assert fingerprint(played(7)) == fingerprint(played(7))


def test_other_seeds_play_other_runs() -> None:
    """A seed that changed nothing would test nothing."""
    assert len({fingerprint(played(seed)) for seed in (1, 2, 3)}) == 3


def test_the_auditor_finds_nothing_either() -> None:
    """The checks of `agentbus verify` agree, on a run with kills."""
    run = next(run for seed in range(1, 60) if (run := played(seed)).counts["kills"] > 1)
    report = audited(run)
    assert [str(finding) for check in report.checks for finding in check.findings] == []
    assert report.is_moving is False


def test_the_runs_have_everything_in_them() -> None:
    """All kinds of trouble come up within a few seeds, or the runs would prove little."""
    counts: Counter[str] = Counter()
    for seed in range(100, 130):
        counts += played(seed).counts
    wanted = {
        "kills",
        "processes stopped for a while",
        "records lost on the way",
        "acknowledgements lost",
        "records late",
        "messages said twice",
        "slow lanes",
        "ends of transactions held up",
    }
    assert {what for what in wanted if not counts[what]} == set()
