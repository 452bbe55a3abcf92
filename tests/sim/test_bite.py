"""A checker that bites on nothing proves nothing: faults are planted, and seen broken within a few seeds.

`python -m tests.mutants.seeded` does this for every fault and prints the table; here are some that show at once.
"""

import pytest

from tests.mutants.listed import EVERY, Listed
from tests.mutants.seeded import hunt
from tests.sim.faults import PROTOCOL, RULES, Planted, function_of, planted

AT_ONCE = (
    "an output that failed is counted as sent",
    "a new owner does not send again what may not have been sent",
    "a restore folds void segments like valid ones",
)
SEEDS = range(1, 6)
CHOSEN = [fault for fault in EVERY if fault.name in AT_ONCE]


@pytest.mark.parametrize("fault", CHOSEN, ids=lambda fault: fault.name)
def test_a_planted_fault_is_seen(fault: Listed) -> None:
    """Some invariant does not hold any more."""
    found = hunt(fault, SEEDS, bites=1)
    assert found.seeds
    assert set(found.by) <= {f"I{n}" for n in range(1, 13)}


@pytest.mark.parametrize("fault", [*PROTOCOL, *RULES], ids=lambda fault: fault.name)
def test_every_fault_can_be_planted(fault: Planted) -> None:
    """The lines it replaces are there, and come back."""
    function = function_of(fault.of)
    before = function.__code__
    with planted(fault):
        assert function.__code__ is not before
    assert function.__code__ is before
