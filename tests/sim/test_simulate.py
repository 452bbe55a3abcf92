"""`agentbus simulate`: what it prints, what it ends with, and what a violation looks like."""

import json
from pathlib import Path

import pytest

from bus.cli.simulate import _told
from bus.sim.checkers.reading import Violation
from tests.cli.conftest import Ran, environment, in_this_process


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A machine on which no bus runs."""
    return environment(tmp_path)


def _simulate(env: dict[str, str], *arguments: str) -> Ran:
    return in_this_process("simulate", *arguments, env=env)


def test_a_seed_that_holds_ends_with_a_summary(env: dict[str, str]) -> None:
    """Which invariants hold, and what happened."""
    ran = _simulate(env, "--seed", "3", "--minutes", "0.1")
    assert ran.code == 0, ran.err
    assert "I1, I2, I3" in ran.out
    assert "messages" in ran.out


def test_many_seeds_are_a_line_each_as_json(env: dict[str, str]) -> None:
    """One object a seed."""
    ran = _simulate(env, "--seeds", "1..2", "--minutes", "0.1", "--json")
    assert [json.loads(line)["seed"] for line in ran.out.splitlines()] == [1, 2]


@pytest.mark.parametrize("seeds", ["7", "9..1", "a..b", "1..99999999999"])
def test_seeds_are_named_from_to(seeds: str, env: dict[str, str]) -> None:
    """Anything else is a mistake in the call."""
    assert _simulate(env, "--seeds", seeds).code == 2


def test_a_violation_is_told_with_its_records_and_its_command() -> None:
    """So that anybody can play it again."""
    lines = list(_told(7, 0.5, [Violation("I1", "lead/L-1 has two holders at once", ("first", "second"))]))
    assert lines == [
        "seed 7: I1 does not hold: lead/L-1 has two holders at once",
        "    first",
        "    second",
        "  play it again: agentbus simulate --seed 7 --minutes 0.5",
    ]
