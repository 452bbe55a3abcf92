"""What the journals say of one agent: what it holds, what it said last and what came of it, how often it heard no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bus.audit.decisions import Link, Setting
from bus.audit.lookup import Lookup
from bus.audit.standing import Standing, resource_from_text
from bus.core.decision.reasons import SENDER_NOT_KNOWN
from bus.core.log import topics
from bus.core.policy.control import SUSPENDED, Registry

HOLDS_MAX = 100  # an agent may hold thousands; the list of resources has all of them
# Rows that the agent stands behind: of all others the gate never knew who sent them.
_ITS_OWN = "source = ? AND reason NOT IN ({})".format(",".join(f"'{reason}'" for reason in sorted(SENDER_NOT_KNOWN)))


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message: the gate's decision on it, and the arbiter's, if it got there (else the gate's again)."""

    id: str
    at: int
    decided: Link

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The message as ``--json`` shows it."""
        return {"id": self.id, "at": self.at, **self.decided.to_json()}


@dataclass(frozen=True, slots=True)
class AgentReport:
    """Everything about one agent; ``suspension`` is the rule that stops it, if one does.

    ``in_its_name`` counts, by reason, what was refused before the gate knew whether the agent had sent it.
    """

    id: str
    lane: str
    principal: str
    roles: Sequence[str]
    owner: str
    registered: Setting | None
    suspension: Setting | None
    holds: Sequence[Standing]
    held_count: int
    reserved: Sequence[Standing]
    spoken: Sequence[Spoken]
    counts: Mapping[str, int]
    refusals: Mapping[str, int]
    in_its_name: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The report as ``--json`` shows it."""
        return {
            "agent": self.id,
            "lane": self.lane,
            "principal": self.principal,
            "roles": list(self.roles),
            "owner": self.owner,
            "set": self.registered.to_json() if self.registered else None,
            "suspended_by": self.suspension.name if self.suspension else "",
            "suspension": self.suspension.to_json() if self.suspension else None,
            "holds": [standing.to_json() for standing in self.holds],
            "held": self.held_count,
            "reserved": [standing.to_json() for standing in self.reserved],
            "messages": [one.to_json() for one in self.spoken],
            "counts": dict(self.counts),
            "refusals": dict(self.refusals),
            "in_its_name": dict(self.in_its_name),
        }


def report_of(lookup: Lookup, registry: Registry, agent: str, limit: int) -> AgentReport:
    """The report, with the last ``limit`` messages."""
    suspension = registry.suspension_of(agent)
    known = registry.agents.get(agent)
    lane = registry.lane_of(agent)
    up_to = registry.number
    held = _standings(lookup, "holder = ?", agent)
    (held_count,) = lookup.index.database.execute(
        "SELECT count(*) FROM resources WHERE holder = ?", (agent,)
    ).fetchone()
    return AgentReport(
        id=agent,
        lane=lane,
        principal=registry.lanes.get(lane, ""),
        roles=sorted(registry.roles(agent)),
        owner=known.owner if known else "",
        registered=lookup.in_force.setting("agent", agent, up_to=up_to) if known else None,
        suspension=lookup.in_force.setting(SUSPENDED, suspension, up_to=up_to) if suspension else None,
        holds=held,
        held_count=held_count,
        reserved=_reserved(lookup, agent),
        spoken=_spoken(lookup, agent, limit),
        counts=_counts(lookup, agent),
        refusals=_refusals(lookup, agent),
        in_its_name=_in_its_name(lookup, agent),
    )


def has_spoken(lookup: Lookup, agent: str) -> bool:
    """Has any gate judged a message of it?"""
    found = lookup.index.database.execute(f"SELECT 1 FROM rows WHERE {_ITS_OWN} LIMIT 1", (agent,)).fetchone()
    return found is not None


def _standings(lookup: Lookup, where: str, given: str) -> list[Standing]:
    wanted = f"SELECT subject, body FROM resources WHERE {where} ORDER BY until, subject LIMIT ?"
    found = lookup.index.database.execute(wanted, (given, HOLDS_MAX)).fetchall()
    return [lookup.dated(subject, resource_from_text(body)) for subject, body in found]


def _reserved(lookup: Lookup, agent: str) -> list[Standing]:
    found = _standings(lookup, "holder = '' AND body LIKE '%\"handover\"%' AND body LIKE ?", f"%{agent}%")
    return [one for one in found if one.resource.handover and one.resource.handover.agent == agent]


def _spoken(lookup: Lookup, agent: str, limit: int) -> list[Spoken]:
    """The last messages, the newest last."""
    wanted = f"SELECT lane, offset FROM rows WHERE {_ITS_OWN} ORDER BY at DESC, offset DESC LIMIT ?"
    found = []
    for lane, offset in reversed(lookup.index.database.execute(wanted, (agent, limit)).fetchall()):
        row = lookup.gate(lane, offset)
        assert row is not None, "the index names a row that it does not have"
        decided = lookup.by_src(topics.coordinates(topics.incoming(lane), 0, offset))
        link = lookup.gate_link(row) if decided is None else lookup.link(decided.p, decided.entry.o, None)
        found.append(Spoken(row.row.id, row.row.at, link))
    return found


def _counts(lookup: Lookup, agent: str) -> dict[str, int]:
    """How often each thing happened to it: by kind of event, and the gates' own verdicts."""
    events = "SELECT kind, count(*) FROM events WHERE agent = ? GROUP BY kind"
    rows = f"SELECT verdict, count(*) FROM rows WHERE {_ITS_OWN} GROUP BY verdict"
    database = lookup.index.database
    counts = {str(kind): int(count) for kind, count in database.execute(events, (agent,)).fetchall()}
    for verdict, count in database.execute(rows, (agent,)).fetchall():
        if verdict != "forwarded":
            counts[verdict] = counts.get(verdict, 0) + int(count)
    (said,) = database.execute(f"SELECT count(*) FROM rows WHERE {_ITS_OWN}", (agent,)).fetchone()
    return {"messages": int(said), **dict(sorted(counts.items()))}


def _refusals(lookup: Lookup, agent: str) -> dict[str, int]:
    """By reason, at the gates and at the arbiter; a denied claim counts as well."""
    counts: dict[str, int] = {}
    events = "SELECT reason, count(*) FROM events WHERE agent = ? AND kind IN ('refused', 'denied') GROUP BY reason"
    rows = f"SELECT reason, count(*) FROM rows WHERE {_ITS_OWN} AND verdict = 'refused' GROUP BY reason"
    for wanted in (events, rows):
        for reason, count in lookup.index.database.execute(wanted, (agent,)).fetchall():
            counts[str(reason)] = counts.get(str(reason), 0) + int(count)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _in_its_name(lookup: Lookup, agent: str) -> dict[str, int]:
    """What named it as its sender and was refused before that was known, by reason."""
    wanted = f"SELECT reason, count(*) FROM rows WHERE source = ? AND NOT ({_ITS_OWN}) GROUP BY reason ORDER BY reason"
    found = lookup.index.database.execute(wanted, (agent, agent)).fetchall()
    return {str(reason): int(count) for reason, count in found}
