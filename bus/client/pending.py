"""Matches answers to the messages that wait for them: each answer once, to the one who asked, and nothing else.

    asked -- last event ---------------------------> answered
    asked -- a fact, which an admission may follow -> together -- the admission, or a moment --> answered
    asked -- nobody waits any more ----------------> given up  (a grant that comes now is nobody's: it is given back)

The gate says `duplicate` when it has seen the message before: that is no answer, it says where the first one stands.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

from bus.client.clock import elapsed_s
from bus.client.errors import Misuse
from bus.client.event import Event
from bus.client.message import CLAIM, Draft
from bus.client.timers import Timer

# Who asks this much at once without an answer is not helped by asking more.
PENDING_MAX = 10_000
# Remembered, so that what comes late to those who left is recognised.
GIVEN_UP_MAX = 10_000

_LAST_OF_CLAIM = frozenset({"granted", "confirmed", "denied", "refused"})
_LAST_OF_DOMAIN = frozenset({"action_admitted", "action_held", "action_refused", "refused", "denied"})

# What the caller waits for: what came of it, or only that the gate let it pass.
Until = Literal["verdict", "forwarded"]
Key = tuple[str, str]  # the agent and the id of its message


@dataclass(slots=True, eq=False)
class Request:
    """A message on its way. ``began_s`` was read before it was handed to Kafka, and is what beliefs are counted from.

    ``until_s`` is when its caller stops waiting, ``offsets`` where copies of it stand in the lane; its ``future`` gets
    the events of the answer in their order. Before that ``when_answered`` is called with it on the background thread,
    with the lock held: what an answer changes is changed in the order of the lane, not of the callers.
    """

    draft: Draft
    began_s: float
    until_s: float
    until: Until = "verdict"
    when_answered: Callable[["Request"], None] | None = None
    future: Future[tuple[Event, ...]] = field(default_factory=Future)
    events: list[Event] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    corrected: set[int] = field(default_factory=set)  # those of the offsets where a copy with the right time stands
    stale: dict[str, Event] = field(default_factory=dict)  # what was said about copies with a wrong time, by decision
    timers: list[Timer] = field(default_factory=list)
    attempts: int = 0
    is_left: bool = False  # nobody waits any more
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

    def is_last(self, event: Event) -> bool:
        """Does this event complete the answer?"""
        if self.draft.type == CLAIM:
            return event.kind in _LAST_OF_CLAIM
        if self.draft.type.startswith("bus."):
            return True
        return event.kind in _LAST_OF_DOMAIN


class Pending:
    """Everything that waits for an answer on one connection. Not locked: its owner is."""

    def __init__(self) -> None:
        self._asked: dict[Key, Request] = {}
        self._given_up: OrderedDict[Key, Request] = OrderedDict()

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

    def all(self) -> list[Request]:
        """Everything that waits, in the order in which it was sent."""
        return list(self._asked.values())

    def find(self, event: Event) -> Request | None:
        """The request an event answers, if it waits."""
        return next((found for key in _keys(event, self._asked) if (found := self._asked.get(key))), None)

    def find_given_up(self, event: Event) -> Request | None:
        """The request an event answers for which nobody waits any more."""
        return next((found for key in _keys(event, self._given_up) if (found := self._given_up.get(key))), None)

    def is_claimed(self, agent: str, subject: str) -> bool:
        """Does a claim of this agent on this subject wait for its answer?"""
        drafts = (request.draft for request in self._asked.values())
        return any(one.type == CLAIM and (one.source, one.subject) == (agent, subject) for one in drafts)

    def remove(self, request: Request) -> bool:
        """It is answered or failed; False if somebody else has taken it out before."""
        if request not in self:
            return False
        del self._asked[request.key]
        return True

    def give_up(self, request: Request) -> bool:
        """Nobody waits for it any more; False if its answer was faster."""
        if not self.remove(request):
            return False
        request.is_left = True
        self._given_up[request.key] = request
        if len(self._given_up) > GIVEN_UP_MAX:
            self._given_up.popitem(last=False)
        return True


def _keys(event: Event, book: dict[Key, Request] | OrderedDict[Key, Request]) -> list[Key]:
    """Under which keys it may stand; a refusal before the sender was sure is addressed to the lane alone."""
    if not event.id:
        return []
    found = [(agent, event.id) for agent in event.recipients if agent]
    if "" in event.recipients:
        found += [key for key, request in book.items() if key[1] == event.id and _is_its_place(request, event)]
    return found


def _is_its_place(request: Request, event: Event) -> bool:
    """Can the event be about this request? Another agent of the lane may have used the same id."""
    place = event.src.rpartition("/")[2]
    return not request.offsets or (place.isdigit() and int(place) in request.offsets)
