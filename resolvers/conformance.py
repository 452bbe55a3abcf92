"""Puts any resolver through what the bus demands of one, and says in sentences what it does not keep.

    from resolvers.conformance import complaints
    assert not complaints(MY_RESOLVER)

    python -m resolvers.conformance my_module.py:MY_RESOLVER

It stands beside the resolvers, not among our tests, and needs no test framework: whoever writes a resolver has it with
the package and calls it from a test of their own. The command also asks in two processes that hash differently.

1. Equal views give equal answers, however a mapping or a set was built.
2. The winner is one of the candidates, or "none", and stays the winner when asked later.
3. It waits for a time that is still to come and within its bound; when the bound is over, it waits no more.
4. It answers whatever happened: nobody voted, parties withdrew or were suspended, up to 64 candidates and seats.
"""

import hashlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from bus.core.contest.contest import NONE, NextRung, Resolution, Resolver, Settle, Wait
from resolvers.trials import Moment, in_another_order, moments

LIVES = 200  # reaches every way a vote or a negotiation ends, in about a second
COMPLAINTS_MAX = 20  # a longer list helps nobody
LATER_MS = 1_000
FINGERPRINT_LIVES = 60  # an order that follows hashes shows in the first few
HASH_SEEDS = ("0", "1")  # Python's sets of texts come in an order of their own under each


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a resolver does not keep: which rule, in which life (its seed gives it again), in a sentence."""

    rule: int
    seed: int
    sentence: str


def complaints(resolver: Resolver, *, lives: int = LIVES) -> tuple[Complaint, ...]:
    """What the resolver does not keep in so many lives, at most `COMPLAINTS_MAX`; empty if it may be used."""
    found = (one for seed in range(lives) for one in _life(resolver, seed))
    return tuple(islice(found, COMPLAINTS_MAX))


def fingerprint(resolver: Resolver, *, lives: int = FINGERPRINT_LIVES) -> str:
    """A hash of all its answers: the same in every process, if it depends on nothing but the view."""
    answers = hashlib.sha256()
    for seed in range(lives):
        for moment in moments(resolver, seed):
            answers.update(repr(resolver.resolve(moment.view, moment.now)).encode())
    return answers.hexdigest()


def _life(resolver: Resolver, seed: int) -> Iterator[Complaint]:
    try:
        for moment in moments(resolver, seed):
            for rule, sentence in _at(resolver, moment):
                yield Complaint(rule, seed, sentence)
    except Exception as error:  # noqa: BLE001 a stranger's code may raise anything, and that is a complaint too
        yield Complaint(4, seed, f"it raised {type(error).__name__}: {error}")


def _at(resolver: Resolver, moment: Moment) -> Iterator[tuple[int, str]]:
    view, now = moment.view, moment.now
    answer: object = resolver.resolve(view, now)  # a stranger's may be anything
    if resolver.resolve(view, now) != answer:
        yield 1, "asked twice, it gave two answers"
    if resolver.resolve(in_another_order(view), now) != answer:
        yield 1, "its answer depends on the order in which a mapping or a set was built"
    match answer:
        case Settle():
            yield from _settled(resolver, moment, answer)
        case Wait():
            yield from _waits(resolver, moment, answer)
        case NextRung():
            pass
        case _:
            yield 4, f"its answer is {answer!r}, neither Settle nor Wait nor NextRung"


def _settled(resolver: Resolver, moment: Moment, answer: Settle) -> Iterator[tuple[int, str]]:
    if answer.winner not in (NONE, *(one.id for one in moment.view.candidates)):
        yield 2, f"its winner {answer.winner!r} is no candidate that can win"
    later: Resolution = resolver.resolve(moment.view, moment.now + LATER_MS)
    if not isinstance(later, Settle) or later.winner != answer.winner:
        yield 2, f"{answer.winner} won, and asked later it says {later!r}: two outcomes of one contest"


def _waits(resolver: Resolver, moment: Moment, answer: Wait) -> Iterator[tuple[int, str]]:
    if answer.deadline <= moment.now:
        yield 3, f"at {moment.now} it waits for {answer.deadline}, which has passed"
    if answer.deadline > moment.bound_end:
        yield 3, f"it waits for {answer.deadline}, and its bound ends at {moment.bound_end}"
    if isinstance(resolver.resolve(moment.view, max(moment.now, moment.bound_end)), Wait):
        yield 3, f"its bound ended at {moment.bound_end}, and it still waits"


def _named(target: str) -> Resolver:
    module, _, name = target.partition(":")
    found: Resolver = getattr(importlib.import_module(module.removesuffix(".py").replace("/", ".")), name)
    return found


def _fingerprint_under(target: str, hash_seed: str) -> str:
    command = [sys.executable, "-m", "resolvers.conformance", "--fingerprint", target]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def main(arguments: list[str]) -> int:
    """The command; exit code 0: may be used, 3: complaints, 2: it was called wrongly."""
    if arguments[:1] == ["--fingerprint"]:
        sys.stdout.write(fingerprint(_named(arguments[1])))
        return 0
    if len(arguments) != 1 or ":" not in arguments[0]:
        sys.stderr.write("name one resolver: python -m resolvers.conformance my_module.py:MY_RESOLVER\n")
        return 2
    try:
        resolver = _named(arguments[0])
    except (ImportError, AttributeError) as error:
        sys.stderr.write(f"{arguments[0]} cannot be imported ({error}): name module and variable\n")
        return 2
    found = list(complaints(resolver))
    if not found and len({_fingerprint_under(arguments[0], seed) for seed in HASH_SEEDS}) > 1:
        found.append(Complaint(1, 0, "it answers otherwise in another process: something follows the order of a set"))
    for one in found:
        sys.stdout.write(f"rule {one.rule}, life {one.seed}: {one.sentence}\n")
    sys.stdout.write(f"{resolver.name}: {'may be used' if not found else 'may not be used'}\n")
    return 3 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
