"""What the doctor says at the end, and the code it ends with."""

import io
import sys

import pytest

from bus.cli.caller import Caller
from bus.cli.checkup.lines import LOOK_AS_ADMIN, Checkup, Line, note, ok, unseen, wrong
from bus.cli.doctor import Screen, code_of
from bus.cli.failures import ExitCode

WELL = ok("python", "Python 3.12")
NOTED = note("void", "1 void segment")
REFUSED = unseen("genesis", "this login may not", LOOK_AS_ADMIN)
REST = unseen("the rest", "it takes the genesis", skipped=("topics", "clocks"))
SILENT = unseen("acls", "no answer within 5 s", "run `agentbus doctor` again")
ILL = wrong("genesis", "there is no bus", "agentbus init --help")


@pytest.mark.parametrize(
    ("lines", "code", "ending"),
    [
        ([WELL, NOTED], ExitCode.OK, "Nothing is wrong, 1 note."),
        (
            [WELL, REFUSED, REST],
            ExitCode.NOT_PERMITTED,
            "Nothing that was looked at is wrong.\n3 groups were not looked at, or not whole: Kafka, topics, clocks.",
        ),
        (
            [WELL, SILENT],
            ExitCode.UNREACHABLE,
            "Nothing that was looked at is wrong.\n1 group was not looked at, or not whole: Kafka.",
        ),
        (
            [ILL, REFUSED],
            ExitCode.FINDINGS,
            "1 thing is wrong. Begin with the first.\n1 group was not looked at, or not whole: Kafka.",
        ),
    ],
    ids=["well", "not permitted", "no answer", "wrong"],
)
def test_what_was_not_looked_at_is_not_said_to_be_well(
    monkeypatch: pytest.MonkeyPatch, lines: list[Line], code: ExitCode, ending: str
) -> None:
    """Whoever may look at nothing is not told that nothing is wrong, and a script sees it by the code."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    screen = Screen(Caller("", (), None, is_json=False))
    checkup = Checkup(screen.show)
    checkup.look("Kafka", "x", lambda: lines)
    screen.sum_up(checkup)
    assert out.getvalue().partition("\n\n")[2] == f"{ending}\n"
    assert code_of(checkup) is code
