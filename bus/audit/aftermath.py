"""What came of a decision: how the holding ended, who got the resource next, what was reported, what replaced it."""

from bus.audit.decisions import ArbiterDecision, GateDecision, Link
from bus.audit.lookup import Lookup
from bus.core.control import SUSPENDED, suspension_name
from bus.core.events import ActionAdmitted, AgentStatus, ControlSet, Denied, Ended, FactStated, Granted, Refused

LINKS_MAX = 5  # of one kind: the subject's story has all of them


def what_followed(lookup: Lookup, found: ArbiterDecision) -> list[Link]:
    """The decisions that answer "and then?", in the order of the log."""
    event = found.event
    if event is None:
        return []
    match event.what:
        case Granted():
            return _of_grant(lookup, found)
        case Ended():
            return _next(lookup, found, "kind = 'granted'")
        case Denied() as what:
            ended = _next(lookup, found, "kind IN ('ended', 'granted')")
            own = _next(lookup, found, "kind = 'granted' AND agent = ?", what.agent)
            return ended + [link for link in own if link not in ended]
        case Refused() as what if event.subject:
            return _next(lookup, found, "kind IN ('granted', 'action_admitted') AND agent = ?", what.agent)
        case ActionAdmitted():
            return lookup.linked("ref = ? AND kind = 'reported'", (found.id,), limit=LINKS_MAX)
        case FactStated():
            return _next(lookup, found, "kind = 'fact'")
        case AgentStatus() as what:
            return _of_suspension(lookup, found, suspension_name(what.select))
        case ControlSet() as what:
            return _replaced(lookup, what.kind_of, what.name, what.control)
        case _:
            return _next(lookup, found, "kind = 'ended'")


def what_followed_row(lookup: Lookup, found: GateDecision) -> list[Link]:
    """What the arbiter decided on a message that a gate forwarded."""
    if found.row.verdict != "forwarded":
        return []
    decided = lookup.by_src(f"bus.in.{found.lane}/0/{found.row.offset}")
    if decided is None:
        return []
    events = decided.entry.events
    numbers: list[int | None] = [event.n for event in events[:LINKS_MAX]]
    return [lookup.link(decided.p, decided.entry.o, n) for n in numbers or [None]]


def _next(lookup: Lookup, found: ArbiterDecision, which: str, *given: object) -> list[Link]:
    where = f"subject = ? AND o > ? AND {which}"
    return lookup.linked(where, (found.subject, found.entry.o, *given), limit=1)


def _of_grant(lookup: Lookup, found: ArbiterDecision) -> list[Link]:
    """Up to the end of the holding, then the next grant."""
    links = lookup.linked(
        "subject = ? AND o > ? AND kind IN ('ended', 'granted')", (found.subject, found.entry.o), limit=2
    )
    until_o = int(links[0].decision.split(".")[2]) if links else 1 << 62
    done = lookup.linked(
        "subject = ? AND o > ? AND o < ? AND kind IN ('renewed', 'action_admitted')",
        (found.subject, found.entry.o, until_o),
        limit=LINKS_MAX,
    )
    return done + links


def _of_suspension(lookup: Lookup, found: ArbiterDecision, name: str) -> list[Link]:
    number = found.entry.basis.control if found.entry.basis else 0
    ended = lookup.linked("ref = ?", (found.id,), limit=LINKS_MAX)
    return ended + _replaced(lookup, SUSPENDED, name, number)


def _replaced(lookup: Lookup, kind: str, name: str, number: int) -> list[Link]:
    """The next change of the same name."""
    after = lookup.in_force.next_setting(kind, name, number)
    if after is None:
        return []
    lane, _, offset = after.decision.rpartition(".")
    decided = lookup.by_src(f"bus.in.{lane}/0/{offset}")
    return [lookup.link(decided.p, decided.entry.o, None)] if decided else []
