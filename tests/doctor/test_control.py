"""What the doctor says of control: a change on its way, one that was lost, and one that is not in force everywhere."""

import pytest

from bus.cli.checkup import control
from bus.cli.checkup.lines import Line, State
from bus.core.policy.control import Genesis, Person, Registry
from bus.core.policy.terms import EscalateTerms, Terms

OPERATORS = "bus.gate.operators"


def _numbers(
    before: int, after: int, *, numbered: int | None = None, sent: int | None = None, **journal: int | None
) -> control.Numbers:
    """One look; journals are named with underscores, and the gate of the operators is one of them."""
    names = {"arbiter": "bus.journal/0", "lane": "bus.gate.desk", "operators": OPERATORS}
    by_journal = {names[name]: number for name, number in journal.items()}
    return control.Numbers(before, by_journal, after, numbered, sent)


def _control(first: control.Numbers, again: control.Numbers | None = None) -> Line:
    (line,) = control.control_lines(first, again or first)
    return line


def test_control_that_is_the_same_everywhere() -> None:
    """Ok, also where nothing was decided yet."""
    even = _numbers(7, 7, numbered=7, sent=7, operators=7, arbiter=7, lane=None)
    assert even.are_even
    assert _control(even).state is State.OK


def test_a_change_that_is_journaled_and_not_in_control_yet_is_on_its_way() -> None:
    """A gate that ended in between sends it when it starts again: nothing was cut, and no stage must stop."""
    line = _control(_numbers(7, 7, numbered=8, sent=7, operators=8, arbiter=8, lane=7))
    assert (line.state, "a change is on its way" in line.sentence) == (State.NOTE, True)
    assert "bus.in.operators" in line.remedy
    assert "no stage run" not in line.remedy


@pytest.mark.parametrize(
    "cut",
    [
        _numbers(7, 7, numbered=8, sent=8, operators=8, arbiter=8),
        _numbers(7, 7, numbered=8, sent=None, operators=8, lane=8),
    ],
    ids=["its gate had marked it as written", "another gate had read it"],
)
def test_control_that_had_more_was_cut(cut: control.Numbers) -> None:
    """Only what proves that it stood there says so."""
    line = _control(cut)
    assert (line.state, "its tail was cut" in line.sentence) == (State.WRONG, True)


def test_a_change_that_no_gate_has_numbered_is_no_change_on_its_way() -> None:
    """An arbiter's journal knows it, the journal of the operators' gate does not."""
    line = _control(_numbers(7, 7, numbered=7, sent=7, operators=7, arbiter=8))
    assert (line.state, "no gate has numbered" in line.sentence) == (State.WRONG, True)


def test_control_that_changes_while_it_is_looked_at_is_not_wrong() -> None:
    """The journals are read after the number: what they have more the second look finds in bus.control."""
    first = _numbers(7, 7, numbered=8, sent=7, operators=8, arbiter=8, lane=7)
    again = _numbers(9, 10, numbered=10, sent=9, operators=10, arbiter=9, lane=9)
    assert not first.are_even
    assert _control(first, again).state is State.OK


def test_a_journal_without_a_change_that_was_there_a_moment_ago_is_behind() -> None:
    """One that has moved since is catching up, one that has not stands still."""
    first = _numbers(7, 7, operators=7, arbiter=5)
    assert _control(first, _numbers(7, 7, operators=7, arbiter=6)).state is State.NOTE
    assert _control(first, first).state is State.WRONG


@pytest.mark.parametrize(("queue", "state"), [("revenue", State.OK), ("revenu", State.WRONG)])
def test_a_queue_that_nobody_has_is_wrong(queue: str, state: State) -> None:
    """A case that comes there stays frozen until somebody has the queue, so it is named before one does."""
    pia = Person("spiffe://acme/person/pia", frozenset({"operator"}), queues=("revenue",))
    terms = {name: Terms(name, 1, escalate=EscalateTerms(queue)) for name in ("deal", "lead")}
    registry = Registry(Genesis(1, "acme", 4, ()), {}, persons={pia.id: pia}, terms=terms)
    (line,) = control.queue_lines(registry)
    assert line.state is state
    assert ("deal and lead go to queue revenu, which no person has" in line.sentence) == (state is State.WRONG)
