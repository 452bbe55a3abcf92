"""Faults of the protocol and of the arbiter's rules, planted one at a time in memory: some checker must bite on each.

Those of the contests are the ones of `tests.contests.seeded_faults`. A fault replaces lines of a function by others;
the function keeps its identity, so that everybody who imported it gets the fault as well.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bus.core import arbiter, gate
from bus.core.outputs import answers
from bus.core.state import fold, resource
from bus.core.steps import acts, claiming, deadlines, granting
from bus.shell import arbiter_stage, clock, flight, gate_stage, owner, publisher, restore

Function = Callable[..., Any]  # Any: whatever the function takes and gives


@dataclass(frozen=True, slots=True)
class Planted:
    """One mistake: lines of a function, and what stands there instead. ``minutes`` is how long a run shows it in."""

    name: str
    of: Any  # Any: a function, a method, a property
    was: str
    instead: str
    minutes: float = 0.5


PROTOCOL = (
    Planted(
        "an owner goes on where its append did not land where it had to",
        owner.Owner._append,
        "elif message.offset() != flight.offset:",
        "elif False:",
    ),
    Planted(
        "an append that failed is taken for final",
        owner.Owner._append,
        'self._note_failure("an append", error)',
        "flight.is_final = True",
    ),
    Planted("outputs go out before their segment is final", owner.Owner._publish, "not flight.is_final or", ""),
    Planted(
        "an output that failed is counted as sent",
        owner.Owner._acknowledging,
        'self._note_failure(f"an output to {message.topic()}", error)',
        "flight.acknowledged += 1",
    ),
    Planted(
        "a segment is done when its outputs are handed over, not when they are there",
        flight.Flight.is_done,
        "self.is_final and self.acknowledged ==",
        "self.is_final and self.sent ==",
    ),
    Planted(
        "a new owner does not send again what may not have been sent",
        owner.Owner._own,
        "for offset, draft in again]",
        "for offset, draft in list(again)[:0]]",
    ),
    Planted(
        "a take-over counts before it stands in the journal",
        owner.Owner.advance,
        "if all(flight.is_final for flight in self._flights):",
        "if True:",
    ),
    Planted(
        "a restore folds void segments like valid ones",
        restore.Restoration._fold,
        "if segment is None or not continues(self.tip, segment):",
        "if segment is None:",
    ),
    Planted(
        "records are judged from where the group stands, not from where the journal ends",
        owner.Owner.offer,
        "if record.offset >= wanted:",
        "if True:",
    ),
    Planted(
        "the publisher does not remember where its slot ended",
        publisher.Publisher._resume,
        "self._parts[p] = part",
        "pass",
    ),
    Planted(
        "the publisher releases void segments",
        publisher._Part.look,
        "if segment is None or not continues(self.tip, segment):",
        "if segment is None or segment['kind'] != 'arbiter':",
    ),
    Planted(
        "the publisher does not leave after a commit that took long",
        publisher.Publisher._publish,
        "if self._now_s() - started_s > COMMIT_S_MAX:",
        "if False:",
        2.0,
    ),
    Planted(
        "a tick does not wait for what the gates have not forwarded",
        clock.Clock._now,
        "*held_back]",
        "]",
    ),
    Planted(
        "a tick takes the time of now, not that of a record",
        clock.Clock._now,
        "appended_ms - genesis.skew_ms",
        "appended_ms + 5000",
    ),
    Planted(
        "the arbiter judges what does not continue its lane",
        arbiter.decide,
        "comes is Arrival.GAP and not",
        "False and not",
    ),
    Planted(
        "outputs do not name what came before them",
        answers.Predecessors.link,
        "self.last[topic, partition] = identifier",
        "pass",
    ),
    Planted(
        "a gate forgets what its lane has said",
        gate.evolve,
        "if row.reason not in NOT_REMEMBERED:",
        "if row.offset % 2 and row.reason not in NOT_REMEMBERED:",
    ),
    Planted(
        "after a restore a gate sends anew under another predecessor",
        gate_stage.GateStage.fold,
        "self._link(row)",
        "pass",
    ),
    Planted(
        "after a restore an arbiter sends anew under another predecessor",
        arbiter_stage.ArbiterStage.fold,
        "self._link(entry)",
        "pass",
    ),
)
RULES = (
    Planted(
        "who holds nothing may renew and act",
        resource.check_holder,
        "if holding is None or holding.agent != agent or holding.token != token:",
        "if holding is None:",
    ),
    Planted(
        "who is late is in time",
        resource.check_holder,
        "moment.at >= holding.until",
        "moment.at >= holding.until + 10_000",
    ),
    Planted(
        "who is in time is late",
        resource.check_holder,
        "moment.at >= holding.until",
        "moment.at >= holding.until - 8_000",
    ),
    Planted(
        "a lease may become shorter",
        acts._renew,
        "max(holding.until, u.moment.later + holding.lease_ms)",
        "u.moment.at + 1_000",
    ),
    Planted("a winner is given what another holds", granting.hand_over, "if loser:", "if loser is None:"),
    Planted("a token is the one before", granting.grant, "u.token()", "u.token() - 256 * (u.o % 3)"),
    Planted(
        "a restore gives another lease than the decision",
        fold._holding,
        "what.until - of.moment.later, o=o",
        "what.until - of.moment.at + 1, o=o",
    ),
    Planted(
        "who is ahead in rank takes what another holds, and the other keeps it",
        claiming.claim,
        'u.say(Ended(holding.agent, holding.token, "superseded", u.ahead(1)), holding.agent)',
        "pass",
    ),
    Planted("a claim that is refused hears nothing", claiming.claim, "u.say(denied, u.source)", "pass"),
    Planted("a claim after the window joins all the same", claiming._denied, "if refusal else None", "if 0 else None"),
    Planted("whose claim is denied for a role is let in", claiming._denied, ".isdisjoint(", ".issuperset("),
    Planted(
        "a suspended agent keeps what it holds",
        deadlines._drain,
        '_end(u, "revoked", holding.doomed_by)',
        "return",
    ),
)


@contextmanager
def planted(fault: Planted) -> Iterator[None]:
    """The code has this fault; ValueError if the lines it replaces are not there any more."""
    function = function_of(fault.of)
    source = textwrap.dedent(inspect.getsource(function))
    if source.count(fault.was) < 1:
        raise ValueError(f"{function.__qualname__} does not have {fault.was!r}: say the fault in today's words")
    names = dict(function.__globals__)
    exec(compile(source.replace(fault.was, fault.instead), "<planted>", "exec"), names)
    before, function.__code__ = function.__code__, function_of(names[function.__name__]).__code__
    try:
        yield
    finally:
        function.__code__ = before


def function_of(given: Any) -> Any:  # Any: as above
    """The function itself, behind a property or a static method."""
    return given.fget if isinstance(given, property) else getattr(given, "__wrapped__", given)
