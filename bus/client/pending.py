"""Matches answers to the messages that wait for them: each answer once, to the one who asked, and nothing else.

    asked -- last event ---------------------------> answered
    asked -- a fact, which an admission may follow -> together -- the admission, or a moment --> answered
    asked -- joined, rung, settled …: a contest ---> asked     (who waits is told where it stands)
    asked -- nobody waits any more ----------------> given up  (a grant that comes now is nobody's: it is given back)
    given up, undecided -- waited for once more ---> asked

The gate says `duplicate` when it has seen the message before: that is no answer, it says where the first one stands.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

from bus.client.belief import counted_from_s
from bus.client.clock import elapsed_s
from bus.client.contest import Contest, after, is_about
from bus.client.errors import Misuse
from bus.client.event import Event
from bus.client.message import ASK, CLAIM, Draft
from bus.client.timers import Timer
from bus.core.log.topics import incoming

# Who asks this much at once without an answer is not helped by asking more.
PENDING_MAX = 10_000
# Remembered, so that what comes late to those who left is recognised.
GIVEN_UP_MAX = 10_000

# One contest has at most 64 candidates and as many turns: more than it says is not kept.
FOLLOWED_MAX = 1_000

# Events that name the claim they are about; what brought them about may be somebody else's message, or time alone.
OF_CLAIMS = frozenset({"granted", "confirmed", "denied", "withdrawn"})
_LAST_OF_CLAIM = OF_CLAIMS | {"refused"}
_DECIDED = frozenset({"action_admitted", "action_refused", "refused", "denied"})
_LAST_OF_DOMAIN = _DECIDED | {"action_held"}
_OF_DOMAIN = _LAST_OF_DOMAIN | {"fact"}
_LAST_OF_QUESTION = frozenset({"settled", "refused"})

# What the caller waits for: what came of it, or only that the gate let it pass, or, when that was that it is held or
# asked about, how it was decided.
Until = Literal["verdict", "forwarded", "decided"]
Key = tuple[str, str]  # the agent and the id of its message
Place = tuple[str, str]  # the agent and the subject
OnProgress = Callable[[Event], object]


@dataclass(slots=True, eq=False)
class Request:
    """A message on its way. ``began_s`` was read before it was handed to Kafka, and is what beliefs are counted from.

    ``until_s`` is when its caller stops waiting, ``offsets`` where copies of it stand in the lane; its ``future`` gets
    the events of the answer in their order. Before that ``when_answered`` is called with it on the background thread,
    with the lock held: what an answer changes is changed in the order of the lane, not of the callers. ``contest`` is
    where the contest stands that decides it, None as long as there is none; ``on_progress`` is told how that goes on.
    """

    draft: Draft
    began_s: float
    until_s: float
    until: Until = "verdict"
    when_answered: "WhenAnswered | None" = None
    on_progress: OnProgress | None = None
    future: Future[tuple[Event, ...]] = field(default_factory=Future)
    contest: Contest | None = None
    events: list[Event] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    corrected: set[int] = field(default_factory=set)  # those of the offsets where a copy with the right time stands
    stale: dict[str, Event] = field(default_factory=dict)  # what was said about copies with a wrong time, by decision
    timers: list[Timer] = field(default_factory=list)
    attempts: int = 0
    is_left: bool = False  # nobody waits any more
    is_unwanted: bool = False  # and nobody will: a claim is to be withdrawn
    followed: set[str] = field(default_factory=set)  # decisions that were told as progress
    first_at_ms: int | None = None  # ``at`` of the first answer that leaves it undecided
    has_passed: bool = False  # the gate knows it, and had nothing against it
    is_corrected: bool = False  # sent anew once because the clock was wrong
    is_looked_up: bool = False  # its first answer was looked for in the log
    is_echoed: bool = False  # sent anew to hear whether the gate let it pass
    stated_s: float | None = None  # when a fact was answered that an admission may follow

    asked_s: float = field(init=False)  # as ``began_s``, but never moved: when the caller called

    def __post_init__(self) -> None:
        self.asked_s = self.began_s
        # From here on nobody but us can finish it: a caller that is cancelled leaves, the message does not.
        self.future.set_running_or_notify_cancel()

    @property
    def key(self) -> Key:
        """What answers are matched by."""
        return (self.draft.source, self.draft.id)

    @property
    def remaining_s(self) -> float:
        """How long its caller still waits."""
        return max(0.0, self.until_s - elapsed_s())

    @property
    def has_silent_type(self) -> bool:
        """May the bus let it pass without a word? What has no governed topic and states no fact is not answered."""
        return not self.draft.type.startswith("bus.") and self.draft.token is None

    @property
    def place(self) -> Place:
        """Who asks, and about what."""
        return (self.draft.source, self.draft.subject)

    @property
    def held(self) -> Event | None:
        """The answer that says that it is held."""
        return next((event for event in self.events if event.kind == "action_held"), None)

    @property
    def is_undecided(self) -> bool:
        """Is it in a contest, or held, with no end in sight?"""
        ends = _DECIDED if self.held else OF_CLAIMS | _LAST_OF_QUESTION
        return (self.contest is not None or self.held is not None) and not any(one.kind in ends for one in self.events)

    @property
    def may_take_long(self) -> bool:
        """May it be decided by a contest or a person?"""
        return self.draft.type == CLAIM or self.until == "decided"

    def counted_from_s(self, event: Event) -> float:
        """The reading from which a lease that this event gives is counted."""
        if self.first_at_ms is None or event.kind != "granted":
            return self.began_s
        return counted_from_s(self.began_s, asked_at_ms=self.first_at_ms, at_ms=event.at_ms)

    def takes(self, event: Event) -> bool:
        """Is this event part of the answer, or only about the contest that leads to it?"""
        if event.kind == "duplicate":
            return True
        if self.draft.type == CLAIM:
            return event.kind in _LAST_OF_CLAIM
        if self.draft.type.startswith("bus."):
            return self.until != "decided" or event.kind in _LAST_OF_QUESTION
        return event.kind in _OF_DOMAIN

    def is_last(self, event: Event) -> bool:
        """Does this event complete the answer?"""
        if self.draft.type == CLAIM:
            return event.kind in _LAST_OF_CLAIM
        if self.draft.type.startswith("bus."):
            return self.until != "decided" or event.kind in _LAST_OF_QUESTION
        return event.kind in (_DECIDED if self.until == "decided" else _LAST_OF_DOMAIN)

    def is_decided_by(self, event: Event) -> bool:
        """Is this how the held action, or the question, was decided, whatever message brought that about?"""
        if event.kind in _DECIDED and self.held is not None:
            return event.text("held") == self.held.decision
        is_end = event.kind == "settled" and self.draft.type == ASK
        return is_end and self.contest is not None and event.text("contest") == self.contest.id

    def follow(self, event: Event) -> bool:
        """Take in how its contest goes on; False if the event is about something else, or was taken in before."""
        if event.decision in self.followed or len(self.followed) >= FOLLOWED_MAX or not self._concerns(event):
            return False
        self.followed.add(event.decision)
        self.contest = after(self.contest or Contest(event.subject), event, self.draft.source)
        if self.first_at_ms is None and event.id == self.draft.id:
            self.first_at_ms = event.at_ms
        return True

    def close_with(self, event: Event) -> None:
        """It was decided while nobody waited: whoever waits for it once more has the answer at once."""
        self.events.append(event)
        self.future = Future()
        self.future.set_result(tuple(self.events))

    def _concerns(self, event: Event) -> bool:
        known = self.contest or Contest(event.subject, case=self.held.text("case") if self.held else "")
        if self.contest is not None and is_about(self.contest, event):
            return True
        if event.kind == "contest_opened":
            return event.id == self.draft.id or (self.held is not None and event.text("held") == self.held.decision)
        if event.kind == "joined":
            return event.agent == self.draft.source and event.text("claim") == self.draft.id
        return bool(known.case) and is_about(known, event)


WhenAnswered = Callable[[Request], None]


class Pending:
    """Everything that waits for an answer on one connection. Not locked: its owner is."""

    def __init__(self, lane: str = "") -> None:
        self._lane = f"{incoming(lane)}/" if lane else incoming("")
        self._asked: dict[Key, Request] = {}
        self._given_up: OrderedDict[Key, Request] = OrderedDict()
        self._long: dict[Place, dict[Key, Request]] = {}  # those, waited for or not, that may take long

    def __len__(self) -> int:
        return len(self._asked)

    def __contains__(self, request: Request) -> bool:
        return self._asked.get(request.key) is request

    def add(self, request: Request) -> None:
        """Remember it before it is sent; raises `Misuse` if its id waits already, or too many do."""
        if request.key in self._asked:
            text = f"a message with id {request.draft.id} waits for its answer already"
            raise Misuse(text, "give every message an id of its own, or none")
        if len(self._asked) >= PENDING_MAX:
            raise Misuse(f"{PENDING_MAX} messages wait for answers", "wait for some of them before sending more")
        self._asked[request.key] = request
        if request.may_take_long:
            self._long.setdefault(request.place, {})[request.key] = request

    def all(self) -> list[Request]:
        """Everything that waits, in the order in which it was sent."""
        return list(self._asked.values())

    def find(self, event: Event) -> list[Request]:
        """The requests that an event answers, of those that wait: a withdrawal answers for its claim as well."""
        return [one for one in self._named(event) if one in self]

    def find_given_up(self, event: Event) -> list[Request]:
        """The requests an event answers for which nobody waits any more."""
        return [one for one in self._named(event) if self._given_up.get(one.key) is one]

    def follow(self, event: Event) -> list[Request]:
        """Those, waited for or not, whose contest goes on with this event; it is taken in."""
        return [request for request in self._concerned(event) if request.follow(event)]

    def undecided(self, agent: str, subject: str = "") -> list[Request]:
        """What an agent has left undecided, on one subject or on all."""
        found = [one for one in self._given_up.values() if one.draft.source == agent and one.is_undecided]
        return [one for one in found if not one.is_unwanted and subject in ("", one.draft.subject)]

    def is_claimed(self, agent: str, subject: str) -> bool:
        """Does a claim of this agent on this subject wait for its answer?"""
        drafts = (request.draft for request in self._long.get((agent, subject), {}).values() if request in self)
        return any(draft.type == CLAIM for draft in drafts)

    def claims(self, agent: str, subject: str) -> list[Request]:
        """The claims of an agent on a subject that are not decided, waited for or not."""
        return [one for one in self._long.get((agent, subject), {}).values() if one.draft.type == CLAIM]

    def remove(self, request: Request) -> bool:
        """It is answered or failed; False if somebody else has taken it out before."""
        if request not in self:
            return False
        del self._asked[request.key]
        self._forget(request)
        return True

    def give_up(self, request: Request) -> bool:
        """Nobody waits for it any more; False if its answer was faster."""
        if request not in self:
            return False
        del self._asked[request.key]
        request.is_left, request.on_progress = True, None
        self._leave(request)
        return True

    def stand(self, request: Request) -> None:
        """It is answered, but held: somebody may wait for how that is decided."""
        self._long.setdefault(request.place, {})[request.key] = request
        self._leave(request)

    def left(self, key: Key) -> Request | None:
        """What nobody waits for at this moment, by its agent and id."""
        return self._given_up.get(key)

    def resume(self, request: Request, until_s: float) -> None:
        """Somebody waits for it once more."""
        del self._given_up[request.key]
        request.future = Future()
        request.future.set_running_or_notify_cancel()
        request.is_unwanted = False
        request.until_s, request.until, request.is_left = until_s, "decided", False
        self._asked[request.key] = request

    def close_given_up(self, request: Request) -> None:
        """It is decided: nobody can wait for it once more."""
        if self._given_up.pop(request.key, None) is not None:
            self._forget(request)

    def _leave(self, request: Request) -> None:
        self._given_up[request.key] = request
        if len(self._given_up) > GIVEN_UP_MAX:
            self._forget(self._given_up.popitem(last=False)[1])

    def _forget(self, request: Request) -> None:
        waiting = self._long.get(request.place, {})
        if waiting.get(request.key) is request:
            del waiting[request.key]
            if not waiting:
                del self._long[request.place]

    def _named(self, event: Event) -> list[Request]:
        """Whom it answers: by the claim it names, by what was held or asked, else by the message it is about."""
        found: dict[Key, Request] = {}
        if event.kind in OF_CLAIMS:
            self._note(found, (event.agent, event.text("claim")))
        if event.id and (not event.src or event.src.startswith(self._lane)):
            for agent in event.recipients:
                self._note(found, (agent, event.id))
            if "" in event.recipients:
                every = (*self._asked.values(), *self._given_up.values())
                found |= {one.key: one for one in every if one.draft.id == event.id and _is_its_place(one, event)}
        found = {key: one for key, one in found.items() if one.takes(event)}
        found |= {one.key: one for one in self._concerned(event) if one.is_decided_by(event)}
        return list(found.values())

    def _concerned(self, event: Event) -> list[Request]:
        places = [(agent, event.subject) for agent in dict.fromkeys(event.recipients)]
        return [request for place in places for request in self._long.get(place, {}).values()]

    def _note(self, found: dict[Key, Request], key: Key) -> None:
        if (request := self._asked.get(key) or self._given_up.get(key)) is not None:
            found[key] = request


def _is_its_place(request: Request, event: Event) -> bool:
    """Can the event be about this request? Another agent of the lane may have used the same id."""
    place = event.src.rpartition("/")[2]
    return not request.offsets or (place.isdigit() and int(place) in request.offsets)
