"""Where a contest stands, as far as one agent has heard of it: its rung, until when, and whether a person decides.

contest_opened, joined -- rung -- turn -- … -- settled
                              frozen (a case: a person decides) -- unfrozen
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bus.client.event import Event

WINDOW, VOTE, HUMAN = "window", "vote", "human"

# What says how a contest goes; the rest says what came of it for somebody.
OF_CONTESTS = frozenset(
    {
        *("contest_opened", "joined", "rung", "turn", "offered", "settled"),
        *("frozen", "unfrozen", "case_opened", "case_changed", "case_closed"),
    }
)


@dataclass(frozen=True, slots=True)
class Rival:
    """A claim that competes: ``candidate`` is its id in a ballot; ``reasoning`` are the first 512 bytes of its own."""

    candidate: str
    agent: str
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Contest:
    """A contest, or a case without one; "" and None stand for what the agent was not told.

    ``id`` is the decision that opened it, ``over`` what competes: claims, review or question. ``rung`` is where it
    stands: window, vote, negotiate or human; that ends by ``deadline_ms``, and all of it is settled or with a person
    by ``bound_ms`` (epoch, at the broker). ``candidate`` is the id of this agent's own claim in it, ``candidates`` are
    those that were named, ``rivals`` the same with what they say for themselves, ``case`` is what a person has to rule
    on.
    """

    subject: str
    id: str = ""
    over: str = ""
    rung: str = ""
    deadline_ms: int | None = None
    bound_ms: int | None = None
    candidate: str = ""
    candidates: tuple[str, ...] = ()
    case: str = ""
    rivals: tuple[Rival, ...] = field(default=(), repr=False)
    seats: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)

    @property
    def in_words(self) -> str:
        """Where it stands, as a part of a sentence."""
        if self.case:
            return f"frozen: case {self.case} waits for a person"
        of = f"contest {self.id}" if self.id else "its contest"
        if not self.rung:
            return f"in {of}"
        return f"in {of} at {self.rung}" + ("" if self.deadline_ms is None else f" until {self.deadline_ms}")


def after(contest: Contest, event: Event, agent: str) -> Contest:
    """The contest after one more event about it."""
    deadline_ms = event.integer("deadline")
    match event.kind:
        case "contest_opened":
            return _opened(contest, event, deadline_ms)
        case "joined":
            own = event.decision if event.agent == agent else contest.candidate
            bound_ms = contest.bound_ms if contest.bound_ms is not None else event.integer("bound")
            until_ms = contest.deadline_ms if contest.deadline_ms is not None else deadline_ms
            joined = replace(contest, id=event.text("contest"), over=contest.over or "claims", candidate=own)
            return replace(joined, deadline_ms=until_ms, bound_ms=bound_ms)
        case "rung":
            return _on_rung(contest, event, deadline_ms)
        case "turn":
            return replace(contest, deadline_ms=deadline_ms)
        case "frozen" | "case_opened":
            return replace(contest, rung=HUMAN, case=event.text("case"), deadline_ms=event.integer("due"))
        case "unfrozen":
            return replace(contest, case="")
        case _:
            return contest


def rivals_named(event: Event) -> tuple[Rival, ...]:
    """The claims that compete, as a rung lists them for those who have a say."""
    listed = [one for one in event.listed("excerpts") if isinstance(one, Mapping)]
    return tuple(
        Rival(str(one.get("candidate", "")), str(one.get("agent", "")), str(one.get("reasoning", ""))) for one in listed
    )


def is_about(contest: Contest, event: Event) -> bool:
    """Does the event say how this contest, or its case, goes on?"""
    if event.kind not in OF_CONTESTS or event.subject != contest.subject:
        return False
    named = event.fields.get("contest")
    return named in (contest.id, contest.case) if isinstance(named, str) else event.kind != "contest_opened"


def _opened(contest: Contest, event: Event, deadline_ms: int | None) -> Contest:
    over = event.text("over")
    return replace(
        contest,
        id=event.decision,
        over=over,
        rung=WINDOW if over == "claims" else VOTE,
        deadline_ms=deadline_ms,
        bound_ms=event.integer("bound"),
        candidates=tuple(str(one) for one in event.listed("candidates")),
        seats=seats_named(event),
    )


def _on_rung(contest: Contest, event: Event, deadline_ms: int | None) -> Contest:
    """A vote names who sits, a negotiation what may be offered; else what was known before still holds."""
    rivals = rivals_named(event)
    candidates = tuple(map(str, event.listed("outcomes"))) or tuple(one.candidate for one in rivals)
    return replace(
        contest,
        rung=event.text("rung"),
        deadline_ms=deadline_ms,
        rivals=rivals or contest.rivals,
        candidates=candidates or contest.candidates,
        seats=seats_named(event) or contest.seats,
    )


def seats_named(event: Event) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The seats as an opening, or a rung that is a vote, lists them: name and agents."""
    return tuple((str(one[0]), tuple(map(str, one[1]))) for one in event.listed("seats") if _is_seat(one))


def _is_seat(value: object) -> bool:
    """In development anybody may write to a lane's answers."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[1], list)
