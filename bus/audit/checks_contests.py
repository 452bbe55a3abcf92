"""Check 5: contests end as what was said makes them end, ballots stay sealed until then, case files are those named.

Everything here follows from the journal alone, also when the messages themselves are kept no longer.

1. Every winner is the one that the ladder names for the claims, ballots and offers before it; so are tally and ballots.
2. Who is granted by a rung is the agent of the candidate that won.
3. No ballot and no offer stands on a public topic or in anybody's answers; a settled contest shows them all.
4. The file of a case on ``bus.escalations`` has the hash that the decision names.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bus.audit.book import ArbiterBook, Book, Entered
from bus.audit.findings import Check
from bus.audit.right_before import with_suspended
from bus.core.contest.candidates import drop
from bus.core.contest.contest import Contest, Settle
from bus.core.contest.ladder import UNCONTESTED, after_message, after_tick
from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened, Settled
from bus.core.decision.entries import Entry
from bus.core.decision.events import Event, Granted
from bus.core.log import topics
from bus.core.log.journal import parse_segment
from bus.core.log.records import Record, digest
from bus.core.policy.control import Registry
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Resource
from bus.core.steps.settling import ballots_of
from bus.shell.catalogue import built_in_contracts
from resolvers import RESOLVERS, RESOLVERS_VERSION

# What leaves no journal before the close (wire contract, answers), by kind of event.
SEALED = {"voted": ("choice", "reason", "confidence", "reasoning_hash"), "offered": ("outcome", "move")}
SEALED_IN_PUBLIC = {**SEALED, "turn": ("standing",)}


@dataclass(frozen=True, slots=True)
class _Said:
    """An event of the journal with how its subject stood right before it."""

    entered: Entered
    event: Event
    before: Resource
    state: PartitionState

    @property
    def contest(self) -> Contest | None:
        """The subject's contest, with the agents of it that were suspended then."""
        return with_suspended(self.before.contest, self.state.registry) if self.before.contest else None


def check_contests(book: Book, check: Check) -> None:
    """Look at every contest and every case in the journals, and at what went out of them."""
    for arbiter in book.arbiters.values():
        if arbiter.unread:
            check.leave_out(f"{topics.JOURNAL}/{arbiter.p}: it holds entries that this engine does not know")
            continue
        try:
            for said in _events(book, arbiter):
                _look_at(said, arbiter, check)
        except (AssertionError, LookupError, TypeError, ValueError, StopIteration):
            check.leave_out(f"{topics.JOURNAL}/{arbiter.p}: what follows an entry that cannot follow what came before")
    _look_at_sealed(book, check)
    _look_at_files(book, check)


def _events(book: Book, arbiter: ArbiterBook) -> Iterator[_Said]:
    """Every event on a subject, in order, with how its subject stood right before it."""
    registry = Registry(book.genesis, built_in_contracts())
    state = PartitionState(book.genesis.gen, arbiter.p, registry, resolvers=RESOLVERS)
    for entered in arbiter.entered:
        seen: list[tuple[Event, Resource]] = []

        def watch(event: Event, seen: list[tuple[Event, Resource]] = seen) -> None:
            seen.append((event, state.resource(event.subject)))

        entered.fold(state, watch)
        yield from (_Said(entered, event, before, state) for event, before in seen if event.subject)


def _look_at(said: _Said, arbiter: ArbiterBook, check: Check) -> None:
    what, entry = said.event.what, said.entered.entry
    wrong = ""
    match what:
        case Settled():
            check.count("contests")
            wrong = _wrong_end(said, what, entry)
        case Granted():
            wrong = _wrong_grant(said, what, entry)
        case _:
            return
    if wrong:
        check.find(arbiter.chain.place, said.entered.journal_offset, f"input {entry.o}, {said.event.subject}: {wrong}")


def _wrong_end(said: _Said, what: Settled, entry: Entry) -> str:
    """What does not follow from the contest as it stood; "" if all does."""
    contest = said.contest
    if contest is None or contest.id != what.contest:
        return f"{what.contest} is settled, while {contest.id if contest else 'no contest'} is open"
    stated = json.loads(json.dumps([what.ballots]))
    if stated != json.loads(json.dumps([ballots_of(contest)])):
        return "the ballots that are shown are not those that stood"
    basis = entry.basis
    if basis is not None and basis.resolvers not in (0, RESOLVERS_VERSION):
        return ""  # by other strategies than these
    if contest.case or what.by in ("", "ruling"):
        return ""  # a person's choice, or the end of what it was about
    if any(_is_end(one, what) for one in _ends(contest, said, entry)):
        return ""
    return f"{what.winner} wins by {what.by}, which does not follow from what was claimed, voted and offered"


def _ends(contest: Contest, said: _Said, entry: Entry) -> Iterator[Settle]:
    """How the walk down the ladder ends: by the record's time, and with every deadline that a tick has fired.

    A winner that may not have it is passed over, and the ladder is asked again without it.
    """
    now = said.state.now
    for _ in contest.candidates or (None,):
        walks = [after_message(contest, RESOLVERS, at=now if entry.verdict == "tick" else entry.at, now=now)]
        walks += [after_tick(contest, RESOLVERS, now=now)] if entry.verdict == "tick" else []
        found = [walked.result for walked in walks if isinstance(walked.result, Settle)]
        yield from found
        unfit = [one.winner for one in found if _is_unfit(contest, said, one.winner)]
        if not unfit:
            return
        contest = drop(contest, unfit[0], "suspended")


def _is_unfit(contest: Contest, said: _Said, winner: str) -> bool:
    agent = next((one.agent for one in contest.live if one.id == winner), "")
    return bool(agent) and bool(said.state.registry.suspension_of(agent))


def _is_end(end: Settle, what: Settled) -> bool:
    by = "" if end.by == UNCONTESTED and end.winner == "none" else end.by
    tally = dict(end.tally) if end.by == "vote" else {}
    return (end.winner, by, tally) == (what.winner, what.by, dict(what.tally))


def _wrong_grant(said: _Said, what: Granted, entry: Entry) -> str:
    """A grant by a rung is to the winner of the contest that the same record settled."""
    earlier = [one for one in entry.events[: said.event.n] if one.subject == said.event.subject]
    settled = next((one.what for one in earlier if isinstance(one.what, Settled)), None)
    if settled is None:
        known = ("first", "preempt", "ruling")
        return "" if what.by in known else f"{what.agent} is granted by {what.by}, and no contest was settled"
    if what.by not in (settled.by, "first"):
        return f"{what.agent} is granted by {what.by}, and the contest was settled by {settled.by or 'nothing'}"
    return ""


# ---- what went out ------------------------------------------------------------------------------------------


def _look_at_sealed(book: Book, check: Check) -> None:
    """Ballots and offers stand in the journal alone."""
    for place, log in book.evidence.logs.items():
        is_public = place[0] == topics.OUTCOMES
        if not is_public and not place[0].startswith(topics.answers("")):
            continue
        for record in log.records:
            event = parse_segment(record.value) or {}
            hidden = (SEALED_IN_PUBLIC if is_public else SEALED).get(str(event.get("kind")), ())
            if shown := [name for name in hidden if name in event]:
                text = f"{event['kind']} {event.get('decision', '')} shows {', '.join(shown)}, which is sealed"
                check.find(place, record.offset, text)


def _look_at_files(book: Book, check: Check) -> None:
    """Every decision on a case names the file of it by its hash."""
    logs = [(place, log) for place, log in book.evidence.logs.items() if place[0] == topics.ESCALATIONS]
    files = {key: record for _, log in logs for record in log.records if (key := _file_of(record))}
    is_cut = any(log.first > 0 for _, log in logs)
    for arbiter in book.arbiters.values():
        is_due = _is_due(book.arbiter_mark(arbiter.p))
        for entered, what in _case_events(arbiter):
            check.count("case files")
            record = files.get((what.case, what.file_n))
            if not logs or not what.file_hash or (record is None and is_cut):
                check.leave_out(f"the files of cases that {topics.ESCALATIONS} does not hold, or holds no longer")
            elif record is None and is_due(entered.journal_offset):
                text = f"file {what.file_n} of case {what.case} is not on {topics.ESCALATIONS}"
                check.find(arbiter.chain.place, entered.journal_offset, text)
            elif record is not None and _is_redrawn(book, arbiter.p, record, what.file_hash):
                check.leave_out("case files that were drawn anew because what they quoted was gone: they say so")
            elif record is not None and digest(record.value or b"") != what.file_hash:
                text = f"file {what.file_n} of case {what.case} has another hash than its decision names"
                check.find((record.topic, record.partition), record.offset, text)


def _is_redrawn(book: Book, p: int, record: Record, named: str) -> bool:
    """Does it say that it stands for that file? Believed only where the log has indeed lost its beginning."""
    log = book.evidence.log(topics.ARBITER, p)
    says = (parse_segment(record.value) or {}).get("redrawn_of")
    return says == named and digest(record.value or b"") != named and (log is None or log.first > 0)


def _is_due(mark: int | None) -> Callable[[int], bool]:
    """Was what a journal offset decided sent, as its owner says?"""
    return lambda journal_offset: mark is not None and journal_offset < mark


def _case_events(arbiter: ArbiterBook) -> Iterator[tuple[Entered, CaseOpened | CaseChanged | CaseClosed]]:
    for entered in arbiter.entered:
        for event in entered.entry.events:
            if isinstance(event.what, CaseOpened | CaseChanged | CaseClosed):
                yield entered, event.what


def _file_of(record: Record) -> tuple[str, int] | None:
    """Case and number of a case file; None of anything else."""
    value = parse_segment(record.value)
    if value is None or not isinstance(value.get("case"), str) or not isinstance(value.get("n"), int):
        return None
    return value["case"], value["n"]
