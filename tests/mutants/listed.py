"""All the faults that are planted on purpose, in one list: each with its rule, and how it is planted.

Those of the simulator (`tests.sim.faults`), of the contests (`tests.contests.seeded_faults`), and those that make sure
that every rule of the bus has one (`tests.mutants.rules`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bus.sim.weather import STORM, Weather
from tests.contests import seeded_faults
from tests.mutants.rules import NEW, OLDER
from tests.sim import faults

RULES = (
    *("chain", "take-over", "forwarding", "ticks", "publishing", "fencing", "deadlines", "guards", "votes"),
    *("negotiation", "vetoes", "escalation", "suspension", "poison", "gaps", "snapshots"),
)
IN_A_STORM = ("chain", "take-over", "forwarding", "ticks", "publishing", "poison")

# Where the simulator has no say: it plays without snapshots and loses no records for good, its messages are neither old
# nor dated, and what it knows of the gate's reasons and of bounds is what the engine says.
TESTS = {
    "the time of a partition falls": "tests/core/test_time.py",
    "a lock delay keeps nobody waiting": "tests/rules/test_arbiter_scripts.py",
    "an owner goes on where its append did not land where it had to": "tests/sim/test_owner.py",
    "an append that failed is taken for final": "tests/sim/test_owner.py",
    "records are judged from where the group stands, not from where the journal ends": "tests/sim/test_owner.py",
    "a segment counts whatever predecessor it names": "tests/core/test_journal.py",
    "a segment counts whatever number it has": "tests/core/test_journal.py",
    "a journal may begin a second time": "tests/core/test_journal.py",
    "a journal of a newer engine is folded as if it were ours": "tests/shell/test_restores.py",
    "an id may be used for another message": "tests/rules/test_gate_scripts.py",
    "a gate lets through what was said long ago": "tests/rules/test_gate_scripts.py",
    "the time of a lane falls": "tests/rules/test_gate_scripts.py",
    "a tick says more than fits": "tests/rules/test_sequences.py",
    "what has expired is judged all the same": "tests/contests/test_core.py",
    "a fact is known for ever": "tests/rules/test_arbiter_scripts.py",
    "a lane is left out before it has stalled": "tests/shell/test_clock.py",
    "a claim is granted without the fact that it needs": "tests/contests/test_core.py",
    "a record that kills every stage is judged once more": "tests/sim/test_poison.py",
    "behind an accepted gap no lane can go on": "tests/core/test_gaps.py",
    "a change that was lost in a gap is never in force": "tests/core/test_gaps.py",
    "behind an accepted gap a lane may leave out what it likes": "tests/core/test_gaps.py",
    "who restores from a snapshot knows no deadlines": "tests/core/test_gaps.py",
    "a snapshot leaves out what the lanes said last": "tests/properties/test_snapshots.py",
    "a snapshot of which a part is missing is taken for whole": "tests/shell/test_restores.py",
    "a snapshot of another chain is taken for ours": "tests/shell/test_restores.py",
}

# What neither can show, for it is none in truth.
HARMLESS = {
    "a take-over counts before it stands in the journal": (
        "what is appended behind the take-over goes out only when everything before it is final, so nothing goes out "
        "for who does not get it; what is sent again early stands in the valid chain, and readers know the repeats"
    ),
    "a suspended agent keeps what it holds": (
        "not harmless, but it cannot be judged: the tick that should end its holdings never comes to an end, and so "
        "does the run, which the time limit of the tests ends"
    ),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A fault: its name, the rule it breaks, how it is planted, how long and in which weather a run shows it.

    ``test`` is what fails with it, "" where the simulator alone is asked.
    """

    name: str
    rule: str
    plant: Callable[[], AbstractContextManager[None]]
    minutes: float
    weather: Weather | None
    test: str


def _of_protocol(fault: faults.Planted, rule: str) -> Listed:
    weather = STORM if rule in IN_A_STORM else None
    return Listed(fault.name, rule, lambda: faults.planted(fault), fault.minutes, weather, TESTS.get(fault.name, ""))


def _of_contests(fault: seeded_faults.Fault) -> Listed:
    name = "leak" if fault in seeded_faults.LEAKS else "fault"
    test = f"tests/contests/test_seeded_faults.py::test_a_planted_{name}_is_caught[{fault.name.replace(' ', '-')}]"
    return Listed(fault.name, rule_of(fault.name), lambda: seeded_faults.planted(fault), 0.5, None, test)


def rule_of(name: str) -> str:
    """The rule of a fault of the older lists; ValueError if `tests.mutants.rules` does not say it."""
    for rule, begins in OLDER.items():
        if name.startswith(begins):
            return rule
    raise ValueError(f"{name}: say in tests/mutants/rules.py which rule that breaks")


def _all() -> list[Listed]:
    older = [_of_protocol(one, rule_of(one.name)) for one in (*faults.PROTOCOL, *faults.RULES)]
    newer = [_of_protocol(one, rule) for rule, planted in NEW.items() for one in planted]
    contests = [_of_contests(one) for one in (*seeded_faults.FAULTS, *seeded_faults.LEAKS)]
    return sorted([*older, *newer, *contests], key=lambda one: RULES.index(one.rule))


EVERY = _all()
