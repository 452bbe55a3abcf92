"""What an agent is asked for by others: to judge an action, to answer a question, to vote, to say its offer.

What it answers is sealed until the contest closes: it hears that its ballot or offer was received, and nothing more.
"""

import base64
import binascii
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from bus.client.contest import OF_CONTESTS, VOTE, Contest, Rival, after
from bus.client.errors import Misuse
from bus.client.event import Event
from bus.core.policy.contracts import JsonObject

VOTE_CAST: str = "bus.contest.vote.v1"
OFFER, ACCEPT, QUIT = "bus.contest.offer.v1", "bus.contest.accept.v1", "bus.contest.quit.v1"

ABSTAIN = "abstain"
# Remembered, so that a turn knows what may be offered; who sits in more contests at once has no time for any.
CONTESTS_MAX = 1_000

DutyKind = Literal["review", "question", "vote", "turn"]
Said = TypeVar("Said")  # a Verdict, or what is awaited for one
Say = Callable[[str, JsonObject, str, float | None], Said]  # type, body, subject, timeout_s


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The message that is to be judged, as its sender sent it; ``body`` is its JSON, None if it is none."""

    type: str
    source: str
    content_type: str
    value: bytes = field(repr=False)

    @property
    def body(self) -> Any:  # Any: a body is whatever its contract allows
        """What it says."""
        try:
            return json.loads(self.value)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class Duty(Generic[Said]):
    """One thing an agent is asked for. With `Bus` its methods return the `Verdict`, with `AsyncBus` they are awaited.

    ``kind`` is review (approve or reject ``record``), question (one of ``candidates``), vote (which of ``rivals`` gets
    the subject) or turn (``offer`` one of ``candidates``, ``accept`` what is ``standing``, or ``quit``). ``contest`` is
    its id, ``deadline_ms`` (epoch, at the broker) when it is too late, ``own`` this agent's candidate, if it has one.
    ``record`` is None where nothing is to be shown, or its bytes are gone.
    """

    kind: DutyKind
    subject: str
    contest: str
    deadline_ms: int | None
    candidates: tuple[str, ...]
    rivals: tuple[Rival, ...]
    record: Reviewed | None
    turn: int
    standing: str
    own: str
    event: Event = field(repr=False)
    _say: Say[Said] = field(repr=False)

    def vote(
        self,
        choice: str | Sequence[str],
        reason: str,
        *,
        confidence_bp: int | None = None,
        reasoning: str = "",
        timeout_s: float | None = None,
    ) -> Said:
        """Cast a ballot, or another in its place.

        ``choice`` is a candidate, ``approve``, ``reject`` or an option; a list is a ranking or a set. ``reason`` is a
        code such as ``best_margin``, ``confidence_bp`` are basis points (0 to 10000), ``reasoning`` is for people.
        Raises `Late`, `Refused`, `Unanswered`, and `Misuse` where no ballot is asked for.
        """
        if self.kind == "turn":
            raise Misuse("a turn takes no ballot", "call offer(…), accept() or quit()")
        body: dict[str, object] = {
            "contest": self.contest,
            "choice": choice if isinstance(choice, str) else list(choice),
            "reason": reason,
        }
        if confidence_bp is not None:
            body["confidence"] = confidence_bp
        if reasoning:
            body["reasoning"] = reasoning
        return self._say(VOTE_CAST, body, self.subject, timeout_s)

    def abstain(self, reason: str = ABSTAIN, *, reasoning: str = "", timeout_s: float | None = None) -> Said:
        """Choose nothing, which counts for the quorum; as `vote`."""
        return self.vote(ABSTAIN, reason, reasoning=reasoning, timeout_s=timeout_s)

    def offer(self, outcome: str, *, timeout_s: float | None = None) -> Said:
        """Offer an outcome: one of ``candidates`` that nobody has offered. Raises as `vote`, `Misuse` out of a turn."""
        return self._move(OFFER, timeout_s, outcome=outcome)

    def accept(self, *, timeout_s: float | None = None) -> Said:
        """Agree to what is ``standing``; as `offer`."""
        return self._move(ACCEPT, timeout_s)

    def quit(self, *, timeout_s: float | None = None) -> Said:
        """Leave the table, which ends the negotiation for all; as `offer`."""
        return self._move(QUIT, timeout_s)

    def _move(self, message_type: str, timeout_s: float | None, **more: str) -> Said:
        if self.kind != "turn":
            raise Misuse("no offer is asked for", "call vote(…) or abstain()")
        return self._say(message_type, {"contest": self.contest, "turn": self.turn, **more}, self.subject, timeout_s)


class Duties:
    """What one agent knows of the contests it is concerned with, and which of their events ask something of it."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._contests: OrderedDict[str, Contest] = OrderedDict()

    def notice(self, event: Event) -> bool:
        """Take in an event that was not heard before; True if it asks the agent for something."""
        if event.kind not in OF_CONTESTS:
            return False
        identifier = event.decision if event.kind == "contest_opened" else event.text("contest")
        if not identifier:
            return False
        if event.kind == "settled":
            self._contests.pop(identifier, None)
            return False
        known = after(self._contests.get(identifier) or Contest(event.subject, identifier), event, self._agent)
        self._contests[identifier] = known
        if len(self._contests) > CONTESTS_MAX:
            self._contests.popitem(last=False)
        return self._is_asked(event, known)

    def duty(self, event: Event, say: Say[Said]) -> Duty[Said]:
        """What an event asks for that `notice` said to ask for something."""
        identifier = event.decision if event.kind == "contest_opened" else event.text("contest")
        known = self._contests.get(identifier) or after(Contest(event.subject, identifier), event, self._agent)
        return Duty(
            kind=_kind(event),
            subject=event.subject,
            contest=identifier,
            deadline_ms=event.integer("deadline"),
            candidates=known.candidates,
            rivals=known.rivals,
            record=_record(event),
            turn=event.integer("turn") or 0,
            standing=event.text("standing"),
            own=known.candidate,
            event=event,
            _say=say,
        )

    def _is_asked(self, event: Event, known: Contest) -> bool:
        if event.kind == "turn":
            return event.text("party") == self._agent
        seated = {agent for _, agents in known.seats for agent in agents}
        if event.kind == "contest_opened":
            return known.over != "claims" and self._agent in seated
        is_vote = event.kind == "rung" and event.text("rung") == VOTE
        return is_vote and known.over in ("", "claims") and self._agent in seated


def _kind(event: Event) -> DutyKind:
    if event.kind == "turn":
        return "turn"
    if event.kind == "rung":
        return "vote"
    return "review" if event.text("over") == "review" else "question"


def _record(event: Event) -> Reviewed | None:
    record = event.fields.get("record")
    if not isinstance(record, Mapping) or "value_base64" not in record:
        return None
    try:
        value = base64.b64decode(str(record.get("value_base64", "")), validate=True)
    except binascii.Error:
        return None
    said = [str(record.get(name, "")) for name in ("type", "source", "content_type")]
    return Reviewed(said[0], said[1], said[2], value)
