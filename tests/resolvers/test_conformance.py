"""The conformance suite: our resolvers pass it, and each way to break its rules is found."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bus.core.contest.contest import Hears, NextRung, Resolution, Resolver, Settle, View, Wait
from bus.core.policy.terms import Terms
from resolvers import RESOLVERS
from resolvers.conformance import LIVES, complaints, fingerprint
from resolvers.trials import moments
from tests.tidy.tree import ROOT

Answer = Callable[[View, int], Resolution]


@dataclass(frozen=True)
class _Broken:
    """A resolver that waits for 100 ms and then settles for the first, save for what a test breaks."""

    answer: Answer
    name: str = "vote"
    hears: Hears = "ballots"
    lasts_ms: int = 100

    def bound_ms(self, terms: Terms, candidates: int) -> int:  # noqa: ARG002 the protocol
        return self.lasts_ms

    def resolve(self, view: View, now: int) -> Resolution:
        return self.answer(view, now)


def _first(view: View, now: int) -> Resolution:
    if now < view.started + 100:
        return Wait(view.started + 100)
    return Settle(view.candidates[0].id, "vote") if view.candidates else NextRung("nobody")


def _heaviest_seat_listed_first(view: View, now: int) -> Resolution:
    """Follows the order in which the weights were written down."""
    return NextRung(next(iter(view.terms.vote.weights), ""))


def _counter() -> Answer:
    calls: list[int] = []

    def answer(view: View, now: int) -> Resolution:
        calls.append(now)
        return NextRung(str(len(calls)))

    return answer


BREACHES: dict[str, tuple[int, Answer]] = {
    "keeps something between calls": (1, _counter()),
    "follows the order of a mapping": (1, _heaviest_seat_listed_first),
    "names a stranger": (2, lambda view, now: Settle("stranger", "vote")),
    "changes its mind": (2, lambda view, now: Settle(view.candidates[now // 1_000 % 2].id, "vote")),
    "waits for the past": (3, lambda view, now: Wait(view.started)),
    "waits beyond its bound": (3, lambda view, now: Wait(view.started + 101)),
    "never ends": (3, lambda view, now: Wait(now + 1)),
    "falls over without a ballot": (4, lambda view, now: NextRung(view.ballots[0].seat)),
    "answers something else": (4, lambda view, now: None),  # type: ignore[dict-item, return-value] # the breach
}


@pytest.mark.parametrize("name", RESOLVERS)
def test_our_resolvers_may_be_used(name: str) -> None:
    """Every resolver of the table keeps all rules."""
    assert complaints(RESOLVERS[name]) == ()


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found(breach: str) -> None:
    """A resolver that breaks a rule is complained about under that rule."""
    rule, answer = BREACHES[breach]
    assert rule in {one.rule for one in complaints(_Broken(answer), lives=100)}


def test_a_plain_resolver_may_be_used() -> None:
    """What the broken ones are made from breaks nothing."""
    assert complaints(_Broken(_first)) == ()


def test_complaints_are_bounded() -> None:
    """However broken it is, the list stays short."""
    assert len(complaints(_Broken(lambda view, now: Wait(now)))) == 20


def _ends(resolver: Resolver) -> set[str]:
    found = set()
    for seed in range(LIVES):
        for moment in moments(resolver, seed):
            answer = resolver.resolve(moment.view, moment.now)
            found.add(answer.why if isinstance(answer, NextRung) else type(answer).__name__)
    return found


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("priority", {"Settle", "tie"}),
        ("first_come", {"Settle"}),
        ("vote", {"Settle", "Wait", "tie", "no_majority", "no_quorum", "nobody_chose"}),
        ("negotiate", {"Settle", "Wait", "missed_turn", "quit", "turns_over", "outcomes_over"}),
    ],
)
def test_the_lives_reach_every_end(name: str, ends: set[str]) -> None:
    """What the suite tries leads to every way in which a rung of ours can end."""
    assert ends <= _ends(RESOLVERS[name])


def test_lives_are_repeatable() -> None:
    """Equal seeds give equal lives, so that a complaint can be looked at again."""
    assert fingerprint(RESOLVERS["negotiate"], lives=50) == fingerprint(RESOLVERS["negotiate"], lives=50)


def _command(target: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "resolvers.conformance", target]
    environment = {"PYTHONPATH": f"{ROOT}:{folder}", "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_passes_ours() -> None:
    """From the command line, a resolver that may be used ends with 0, also under other hashes."""
    assert _command("resolvers:VOTE").returncode == 0


BY_SET = """
from bus.core.contest.contest import Settle, NextRung
class BySet:
    name, hears = "vote", "ballots"
    def bound_ms(self, terms, candidates):
        return 100
    def resolve(self, view, now):
        return NextRung(next(iter({one.id for one in view.candidates}), ""))
BY_SET = BySet()
"""


def test_the_order_of_a_set_is_found(tmp_path: Path) -> None:
    """A resolver that takes the first of a set answers otherwise in a process that hashes otherwise."""
    (tmp_path / "strangers.py").write_text(BY_SET, encoding="utf-8")
    ran = _command("strangers.py:BY_SET", tmp_path)
    assert (ran.returncode, "order of a set" in ran.stdout) == (3, True), ran.stderr


@pytest.mark.parametrize("target", ["resolvers", "resolvers:NONE", "nowhere:NONE"])
def test_a_wrong_call_is_told_how(target: str) -> None:
    """A target that is none ends with 2 and a sentence, never with a traceback."""
    ran = _command(target)
    assert (ran.returncode, "Traceback" in ran.stderr) == (2, False)
