"""Check 2: folded event by event, every resource has at most one holder, and only the holder acts, in time.

A fold of its own, apart from the engine's: free -> granted -> confirmed, renewed, acted -> ended -> free.

1. A grant needs a free resource and a token higher than every one before (I1, I2).
2. Confirmations, renewals, releases and actions are by the holder with its token, before ``until`` (I5, I6).
3. Nobody is late before ``until``, nor fenced by an expiry that came too early.
4. A tick ends what is due and nothing else; what is forwarded after it is not older than its ``now``.
5. Between ``frozen`` and ``unfrozen`` nobody gets the resource, no claim joins and no guarded action goes out; the
   holder is confirmed and may release, an operator may revoke, and the lease clock stands still.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush

from bus.audit.book import Book, Entered
from bus.audit.evidence import Place
from bus.audit.findings import Check
from bus.audit.ticks import Ticks
from bus.core.decision.contest_events import ActionHeld, ContestOpened, Frozen, Joined, Settled, Unfrozen
from bus.core.decision.entries import Entry
from bus.core.decision.events import ActionAdmitted, Confirmed, Denied, Ended, Event, Granted, Refused, Renewed
from bus.core.log import topics
from bus.core.log.routing import partition_of
from bus.core.message.arrivals import CONTROL_PREFIX
from bus.core.state.partition import TOKEN_GEN, TOKEN_OFFSET
from bus.core.steps.deadlines import EVENTS_PER_TICK_MAX

# What one subject's deadline can bring about: a grant, 63 losers, 32 held actions, and what goes with them. A tick
# leaves a subject for the next one rather than pass its bound.
EVENTS_OF_A_DEADLINE_MAX = 128
MAY_END_FROZEN = ("released", "revoked")


@dataclass(slots=True)
class _Held:
    agent: str
    token: int
    until: int


@dataclass(slots=True)
class _Expired:
    held: _Held
    stalled: tuple[str, ...]


@dataclass(slots=True)
class _Fold:
    """One partition, up to some entry."""

    book: Book
    p: int
    check: Check
    held: dict[str, _Held] = field(default_factory=dict)
    last_token: dict[str, int] = field(default_factory=dict)
    expired: dict[str, _Expired] = field(default_factory=dict)
    now: int = 0
    due: list[tuple[int, str, int]] = field(default_factory=list)
    frozen: dict[str, str] = field(default_factory=dict)
    thawed: set[str] = field(default_factory=set)
    contests: set[str] = field(default_factory=set)
    offset: int = 0

    @property
    def place(self) -> Place:
        return (topics.JOURNAL, self.p)

    def find(self, sentence: str) -> None:
        self.check.find(self.place, self.offset, sentence)


def check_fold(book: Book, check: Check) -> None:
    """Fold every partition of the arbiter's journal."""
    for p in range(book.genesis.partitions):
        arbiter = book.arbiters.get(p)
        if arbiter is None:
            check.leave_out(f"{topics.JOURNAL}/{p}: it is not there as a whole")
            continue
        if arbiter.unread:
            check.leave_out(f"{topics.JOURNAL}/{p}: it holds entries that this engine does not know")
            continue
        fold, ticks = _Fold(book, p, check), Ticks(book, p, check)
        for entered in arbiter.entered:
            fold.offset = entered.journal_offset
            ticks.look_at(entered)
            _fold_entry(fold, entered)
        check.count("resources", len(fold.last_token))


def _fold_entry(fold: _Fold, entered: Entered) -> None:
    entry = entered.entry
    fold.check.count("entries")
    if entry.verdict == "tick":
        fold.now = max(fold.now, entry.now)
    due_before: list[tuple[int, str]] = []
    fold.thawed.clear()
    for number, event in enumerate(entry.events):
        fold.check.count("events")
        if event.n != number:
            fold.find(f"event {number} of the decision on input {entry.o} is numbered {event.n}")
        if event.subject and not entry.type.startswith(CONTROL_PREFIX):
            _look_at_partition(fold, event.subject)
        if _is_expiry(fold, event):
            due_before.append((fold.held[event.subject].until, event.subject))
        _fold_event(fold, entry, event)
    if entry.verdict == "tick":
        _after_tick(fold, entry, due_before)


def _is_expiry(fold: _Fold, event: Event) -> bool:
    """Does a lease end because its time is over? What a case gives back at its own end is another thing."""
    is_expired = isinstance(event.what, Ended) and event.what.reason == "expired"
    return is_expired and event.subject in fold.held and event.subject not in fold.thawed


def _look_at_partition(fold: _Fold, subject: str) -> None:
    if partition_of(subject, fold.book.genesis.partitions) != fold.p:
        fold.find(f"{subject} was decided in partition {fold.p}, which is not its own")


def _fold_event(fold: _Fold, entry: Entry, event: Event) -> None:
    match event.what:
        case Granted():
            _grant(fold, entry, event, event.what)
        case Confirmed() | Renewed() | ActionAdmitted():
            _act(fold, entry, event.subject, event.what)
        case Ended():
            _end(fold, entry, event.subject, event.what)
        case Denied():
            _denied(fold, entry, event.subject, event.what)
        case Refused() if event.what.token is not None:
            _refused(fold, entry, event.subject, event.what)
        case ActionHeld():
            _of_holder(fold, entry, event.subject, event.what.agent, event.what.token, event.what.kind)
        case Frozen() | Unfrozen():
            _freeze(fold, event.subject, event.what)
        case ContestOpened() | Joined() | Settled():
            _contest(fold, event.subject, event.what)
        case _:
            pass


def _freeze(fold: _Fold, subject: str, what: Frozen | Unfrozen) -> None:
    """A freeze begins, or the case it is for is over and the lease goes on, never shorter than it was."""
    case, held = fold.frozen.get(subject), fold.held.get(subject)
    if isinstance(what, Frozen):
        if case is not None:
            fold.find(f"{subject} is frozen by case {what.case} while case {case} freezes it")
        fold.frozen[subject] = what.case
        return
    if case != what.case:
        fold.find(f"{subject} is unfrozen by case {what.case}, while {case or 'no case'} freezes it")
    fold.frozen.pop(subject, None)
    fold.thawed.add(subject)
    if held is not None and what.until is not None:
        _renew(fold, subject, held, what.until)
    elif (held is None) != (what.until is None):
        fold.find(f"{subject} is unfrozen until {what.until}, while {held.agent if held else 'nobody'} holds it")


def _contest(fold: _Fold, subject: str, what: ContestOpened | Joined | Settled) -> None:
    case = fold.frozen.get(subject)
    if isinstance(what, Settled):
        fold.contests.discard(subject)
        return
    is_party = isinstance(what, Joined) and what.contest == case  # whom a wait is between
    if case is not None and not is_party:
        fold.find(f"{what.kind} on {subject}, which case {case} freezes")
    if isinstance(what, ContestOpened):
        if subject in fold.contests:
            fold.find(f"a second contest opens on {subject} while another one is open")
        fold.contests.add(subject)


def _grant(fold: _Fold, entry: Entry, event: Event, what: Granted) -> None:
    subject = event.subject
    if subject in fold.held:
        fold.find(f"two holders: {subject} is granted to {what.agent} while {fold.held[subject].agent} holds it")
    if subject in fold.frozen:
        fold.find(f"{subject} is granted to {what.agent}, while case {fold.frozen[subject]} freezes it")
    if what.token <= fold.last_token.get(subject, 0):
        fold.find(f"the token of {subject} does not rise: {what.token} after {fold.last_token.get(subject, 0)}")
    if what.token != fold.book.genesis.gen * TOKEN_GEN + entry.o * TOKEN_OFFSET + event.n:
        fold.find(f"the token {what.token} of {subject} is not the one of input {entry.o}, event {event.n}")
    if what.until <= entry.at:
        fold.find(f"{subject} is granted until {what.until}, which is over at {entry.at}")
    fold.held[subject] = _Held(what.agent, what.token, what.until)
    fold.last_token[subject] = max(what.token, fold.last_token.get(subject, 0))
    fold.expired.pop(subject, None)
    heappush(fold.due, (what.until, subject, what.token))


def _act(fold: _Fold, entry: Entry, subject: str, what: Confirmed | Renewed | ActionAdmitted) -> None:
    if what.token is None or what.until is None:
        return  # an action that needs no holder
    # What was held came in time before, and a holder that nobody could take it from is told so by others' messages.
    is_own = entry.source == what.agent and not (isinstance(what, ActionAdmitted) and what.held)
    held = _of_holder(fold, entry, subject, what.agent, what.token, what.kind, is_timed=is_own)
    if held is None:
        return
    if subject in fold.frozen and not isinstance(what, Confirmed):
        fold.find(f"{what.kind} on {subject}, which case {fold.frozen[subject]} freezes")
    if isinstance(what, Renewed):
        _renew(fold, subject, held, what.until)
    elif what.until != held.until:
        fold.find(f"{what.kind} on {subject} says until {what.until}, the lease ends at {held.until}")


def _of_holder(
    fold: _Fold, entry: Entry, subject: str, agent: str, token: int, done: str, *, is_timed: bool = True
) -> _Held | None:
    """The holding, if it is this agent's under this token; else a finding."""
    held = fold.held.get(subject)
    if held is None or held.agent != agent or held.token != token:
        who = f"{held.agent} holds it under {held.token}" if held else "nobody holds it"
        fold.find(f"{done} on {subject} for {agent} under token {token}, while {who}")
        return None
    if is_timed and subject not in fold.frozen and entry.at >= held.until:
        fold.find(f"{done} on {subject} at {entry.at}, after the lease ended at {held.until}")
    return held


def _renew(fold: _Fold, subject: str, held: _Held, until: int) -> None:
    if until < held.until:
        fold.find(f"the lease of {subject} falls back from {held.until} to {until}")
    held.until = until
    heappush(fold.due, (until, subject, held.token))


def _end(fold: _Fold, entry: Entry, subject: str, what: Ended) -> None:
    held = fold.held.pop(subject, None)
    if held is None or held.agent != what.agent or held.token != what.token:
        who = f"{held.agent} holds it under {held.token}" if held else "nobody holds it"
        fold.find(f"{subject} ends for {what.agent} under token {what.token}, while {who}")
        return
    if what.reason == "released" and entry.source != what.agent:
        fold.find(f"{subject}, held by {what.agent}, is released by {entry.source}")
    if subject in fold.frozen and what.reason not in MAY_END_FROZEN:
        fold.find(f"{subject} ends for {what.agent} ({what.reason}), while case {fold.frozen[subject]} freezes it")
    if what.reason == "expired" and subject not in fold.thawed:
        if entry.verdict != "tick" or fold.now < held.until:
            fold.find(f"{subject} expires at {entry.time_ms}, before its lease ends at {held.until}")
        fold.expired[subject] = _Expired(held, entry.stalled)


def _denied(fold: _Fold, entry: Entry, subject: str, what: Denied) -> None:
    held = fold.held.get(subject)
    if what.reason == "late" and held and held.agent == what.agent and entry.at < held.until:
        fold.find(f"{what.agent} is late for {subject} at {entry.at}, before its lease ends at {held.until}")
    is_free = held is None and subject not in fold.contests
    if what.reason == "held" and (is_free or (held is not None and held.agent == what.agent)):
        fold.find(f"a claim of {what.agent} is denied as held, while nobody else holds {subject}")


def _refused(fold: _Fold, entry: Entry, subject: str, what: Refused) -> None:
    held = fold.held.get(subject)
    is_current = held is not None and held.agent == what.agent and held.token == what.token
    if what.reason == "late" and is_current and held is not None and entry.at < held.until:
        fold.find(f"{what.agent} is late for {subject} at {entry.at}, before its lease ends at {held.until}")
    if what.reason != "fenced":
        return
    if is_current:
        fold.find(f"{what.agent} is fenced on {subject}, which it holds under token {what.token}")
    before = fold.expired.get(subject)
    if before is None or before.held.agent != what.agent or before.held.token != what.token:
        return
    lane = entry.src.partition("/")[0].removeprefix(topics.incoming(""))
    if entry.at < before.held.until and lane not in before.stalled:
        text = f"{what.agent} is fenced on {subject} by an expiry at {before.held.until}, though it came at {entry.at}"
        fold.find(text)


def _after_tick(fold: _Fold, entry: Entry, fired: list[tuple[int, str]]) -> None:
    if fired != sorted(fired):
        fold.find(f"the tick at input {entry.o} ends leases out of the order of their deadlines")
    if len(entry.events) > EVENTS_PER_TICK_MAX - EVENTS_OF_A_DEADLINE_MAX:
        return
    while fold.due and fold.due[0][0] <= fold.now:
        until, subject, token = heappop(fold.due)
        held = fold.held.get(subject)
        is_running = subject not in fold.frozen and held is not None and held.token == token
        if is_running and held is not None and held.until == until:
            fold.find(f"the tick at input {entry.o} states {fold.now} and leaves {subject}, due at {until}, as it is")
