"""What came of a decision: how the holding ended, who got the resource next, what was reported, what replaced it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bus.audit.decisions import ArbiterDecision, GateDecision, Link
from bus.audit.lookup import Lookup
from bus.core.decision.events import (
    ActionAdmitted,
    AgentStatus,
    ControlSet,
    Denied,
    Ended,
    FactStated,
    Granted,
    Refused,
)
from bus.core.decision.wants import WantedFact
from bus.core.policy.control import SUSPENDED, suspension_name

LINKS_MAX = 5  # of one kind: the subject's story has all of them; how many are left out is told
NO_END = 1 << 62  # beyond every offset


@dataclass(frozen=True, slots=True)
class Followed:
    """The decisions that answer "and then?", in the order of the log; ``left_out`` counts those that are not told."""

    links: Sequence[Link] = ()
    left_out: int = 0


def what_followed(lookup: Lookup, found: ArbiterDecision) -> Followed:
    """What came of a decision of the arbiter."""
    event = found.event
    if event is None:
        return Followed()
    match event.what:
        case Granted():
            return _of_grant(lookup, found)
        case ActionAdmitted():
            return _some(lookup, "ref = ? AND kind = 'reported'", (found.id,))
        case AgentStatus() as what:
            return _of_suspension(lookup, found, suspension_name(what.select))
        case ControlSet() as what:
            return Followed(_replaced(lookup, what.kind_of, what.name, what.control))
        case _:
            return Followed(_next_of(lookup, found))


def what_followed_row(lookup: Lookup, found: GateDecision) -> Followed:
    """What the arbiter decided on a message that a gate forwarded."""
    decided = lookup.by_src(f"bus.in.{found.lane}/0/{found.row.offset}") if found.row.verdict == "forwarded" else None
    if decided is None:
        return Followed()
    events = decided.entry.events
    numbers: list[int | None] = [event.n for event in events[:LINKS_MAX]]
    links = [lookup.link(decided.p, decided.entry.o, n) for n in numbers or [None]]
    return Followed(links, max(0, len(events) - LINKS_MAX))


def _next_of(lookup: Lookup, found: ArbiterDecision) -> list[Link]:
    """The one decision on the same subject that a reader asks for next."""
    assert found.event is not None
    match found.event.what:
        case Ended():
            return _next(lookup, found, "kind = 'granted'")
        case Denied() as what:
            stated = _next_fact(lookup, found, what.wants.fact) if isinstance(what.wants, WantedFact) else []
            ended = _next(lookup, found, "kind IN ('ended', 'granted')")
            own = _next(lookup, found, "kind = 'granted' AND agent = ?", what.agent)
            links = [*stated, *ended, *(link for link in own if link not in ended)]
            return sorted(links, key=lambda link: int(link.decision.split(".")[2]))  # of one subject, so one partition
        case Refused() as what if found.subject:
            return _next(lookup, found, "kind IN ('granted', 'action_admitted') AND agent = ?", what.agent)
        case FactStated() as what:
            return _next_fact(lookup, found, what.name)
        case _:
            return _next(lookup, found, "kind = 'ended'")


def _next(lookup: Lookup, found: ArbiterDecision, which: str, *given: object) -> list[Link]:
    where = f"subject = ? AND o > ? AND {which}"
    return lookup.linked(where, (found.subject, found.entry.o, *given), limit=1)


def _next_fact(lookup: Lookup, found: ArbiterDecision, name: str) -> list[Link]:
    """The next statement of the same fact; a subject may have several facts."""
    same = "json_extract(body, '$.events[' || events.n || '].name') = ?"
    of_entry = f"EXISTS (SELECT 1 FROM entries WHERE entries.p = events.p AND entries.o = events.o AND {same})"
    return _next(lookup, found, f"kind = 'fact' AND {of_entry}", name)


def _some(lookup: Lookup, where: str, given: tuple[object, ...]) -> Followed:
    """The first few events that fit, and how many more there are."""
    links = lookup.linked(where, given, limit=LINKS_MAX)
    return Followed(links, lookup.count(where, given) - len(links))


def _of_grant(lookup: Lookup, found: ArbiterDecision) -> Followed:
    """Up to the end of the holding, then the next grant; its renewals are one line, told at the last of them."""
    ends = lookup.linked(
        "subject = ? AND o > ? AND kind IN ('ended', 'granted')", (found.subject, found.entry.o), limit=2
    )
    until_o = int(ends[0].decision.split(".")[2]) if ends else NO_END
    within = (found.subject, found.entry.o, until_o)
    renewed = "subject = ? AND o > ? AND o < ? AND kind = 'renewed'"
    renewals = [
        replace(link, times=lookup.count(renewed, within))
        for link in lookup.linked(renewed, within, limit=1, newest_first=True)
    ]
    actions = _some(lookup, "subject = ? AND o > ? AND o < ? AND kind = 'action_admitted'", within)
    done = sorted([*renewals, *actions.links], key=lambda link: [int(part) for part in link.decision.split(".")])
    return Followed([*done, *ends], actions.left_out)


def _of_suspension(lookup: Lookup, found: ArbiterDecision, name: str) -> Followed:
    """What it ended in any partition, each of which brings the change into force by an entry of its own."""
    number = found.entry.basis.control if found.entry.basis else 0
    causes = [decision.id for decision in lookup.in_every_partition(found.entry.src)]
    ended = _some(lookup, f"ref IN ({','.join('?' * len(causes))})", tuple(causes))
    return Followed([*ended.links, *_replaced(lookup, SUSPENDED, name, number)], ended.left_out)


def _replaced(lookup: Lookup, kind: str, name: str, number: int) -> list[Link]:
    """The next change of the same name."""
    after = lookup.in_force.next_setting(kind, name, number)
    if after is None:
        return []
    lane, _, offset = after.decision.rpartition(".")
    decided = lookup.by_src(f"bus.in.{lane}/0/{offset}")
    return [lookup.link(decided.p, decided.entry.o, None)] if decided else []
