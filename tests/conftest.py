"""What every test run shares: the fast tests come first, and the same run says the same thing twice."""

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent

# A mistake in the rules shows in the first seconds; folders not named here stand between the two.
FIRST = ("core", "resolvers", "contests", "tidy", "shell")
# These start a real Kafka.
LAST = ("dev", "audit", "engine", "client", "secure", "doctor", "cli", "stories", "docs")

# A shell starts what it puts in the background with Ctrl-C ignored, and every process started from there inherits that:
# the tests of Ctrl-C must not depend on how the run was started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("hunt", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile("repeatable")  # another hunt for examples: pytest --hypothesis-profile=hunt


def _turn(folder: str) -> int:
    """Where a folder of tests stands in the run."""
    if folder in FIRST:
        return FIRST.index(folder)
    if folder in LAST:
        return 2 * len(FIRST) + LAST.index(folder)
    return len(FIRST)


def in_turn(paths: Sequence[Path]) -> list[Path]:
    """The paths with the fast folders first, otherwise in the order they came in."""
    return sorted(paths, key=lambda path: _turn(path.relative_to(TESTS).parts[0]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run fast folders first, so that a red line comes early."""
    order = {path: turn for turn, path in enumerate(in_turn([item.path for item in items]))}
    items.sort(key=lambda item: order[item.path])
