"""What an event carries beyond itself when it goes out: the record to judge, excerpts of the claims, the case file.

All of it is made from the entry, the subject as it stood (`bus.core.outputs.witness`) and records at earlier offsets of
``bus.arbiter``, so whoever makes it again makes the same bytes, as long as those records are kept.
"""

import base64
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from bus.core.contest.contest import Candidate
from bus.core.contest.negotiation import outcomes_of
from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened, ContestOpened, RungReached
from bus.core.decision.entries import Entry
from bus.core.decision.events import Event
from bus.core.frozen import dataclass, replace
from bus.core.log.records import Record, digest
from bus.core.message.excerpts import Said, cut_utf8, offset_of
from bus.core.outputs.aftermath import told_with_ruling
from bus.core.outputs.case_file import case_file
from bus.core.outputs.edition import Edition, offsets_of
from bus.core.outputs.witness import Situation
from bus.core.policy.contracts import JsonObject

REASONING_BYTES_MAX = 512  # of each candidate: enough to vote on, 64 of them fit into an answer
Situations = Mapping[int, Situation]
Records = Mapping[int, Record]


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What goes with one event: ``fields`` to some ``lanes`` on ``bus.out``, ``file`` to ``bus.escalations``."""

    fields: JsonObject = field(default_factory=dict)
    lanes: frozenset[str] = frozenset()
    file: bytes | None = None


NOTHING_ENCLOSED = Enclosed()


def offsets_named(entry: Entry, situations: Situations) -> set[int]:
    """The offsets of ``bus.arbiter`` whose records are needed to make what this entry encloses."""
    offsets: set[int] = set()
    for event in entry.events:
        match event.what:
            case ContestOpened(held=str(held)):
                offsets.add(offset_of(held))
            case ContestOpened(over="question"):
                offsets.add(entry.o)
            case RungReached():
                offsets |= {one.o for one in _competing(event.what, situations.get(event.n))}
            case CaseOpened() | CaseChanged() | CaseClosed():
                offsets |= offsets_of(_edition(entry, event, event.what, situations, {}))
            case _:
                pass
    return offsets - {-1}


def enclose(entry: Entry, situations: Situations, records: Records) -> dict[int, Enclosed]:
    """What goes with the events of an entry, by their numbers; ``records`` are those still kept, by offset."""
    found: dict[int, Enclosed] = {}
    for event in entry.events:
        match event.what:
            case ContestOpened(held=str(held)):
                found[event.n] = _record_to_judge(event, event.what, Said(records.get(offset_of(held))))
            case ContestOpened(over="question"):
                found[event.n] = _record_to_judge(event, event.what, Said(records.get(entry.o)))
            case RungReached():
                if shown := _rung(event.what, situations.get(event.n), records):
                    found[event.n] = Enclosed(shown, frozenset(lane for lane, _ in event.to))
            case CaseOpened() | CaseChanged() | CaseClosed():
                found[event.n] = Enclosed(file=_file(_edition(entry, event, event.what, situations, records)))
            case _:
                pass
    return _with_ruling(entry, found, records)


def _with_ruling(entry: Entry, found: dict[int, Enclosed], records: Records) -> dict[int, Enclosed]:
    """What a person's ruling brought about says who ruled and why, to those it concerns and to nobody else."""
    for n, told in told_with_ruling(entry, records).items():
        lanes = frozenset(lane for lane, _ in entry.events[n].to)
        with_it = found.get(n, NOTHING_ENCLOSED)
        found[n] = replace(with_it, fields={**with_it.fields, **told}, lanes=with_it.lanes | lanes)
    return found


def with_hashes(entry: Entry, enclosed: Mapping[int, Enclosed]) -> Entry:
    """The entry as it is journaled: its events of cases say which file they go with."""
    if not any(one.file is not None for one in enclosed.values()):
        return entry
    return replace(entry, events=tuple(_with_hash(event, enclosed.get(event.n)) for event in entry.events))


def _with_hash(event: Event, enclosed: Enclosed | None) -> Event:
    what, file = event.what, enclosed.file if enclosed else None
    if file is None or not isinstance(what, CaseOpened | CaseChanged | CaseClosed):
        return event
    return replace(event, what=replace(what, file_hash=digest(file)))


def _edition(
    entry: Entry,
    event: Event,
    what: CaseOpened | CaseChanged | CaseClosed,
    situations: Situations,
    records: Records,
) -> Edition:
    return Edition(entry, event, what, situations[event.n], records)


def _file(edition: Edition) -> bytes:
    """The case file; if it is not the one that its decision names, because what that quoted is gone, it says so."""
    file, named = case_file(edition), edition.what.file_hash
    return file if named in ("", digest(file)) else case_file(edition, redrawn_of=named)


def _competing(what: RungReached, seen: Situation | None) -> list[Candidate]:
    """The claims that compete on a rung where agents have a say."""
    contest = seen.resource.contest if seen else None
    if contest is None or contest.over != "claims" or what.rung not in ("vote", "negotiate"):
        return []
    return [one for one in contest.live if one.agent]


def _rung(what: RungReached, seen: Situation | None, records: Records) -> JsonObject:
    """What those who have a say on a rung need: the claims with their reasoning, who votes, what may be offered."""
    competing = _competing(what, seen)
    if not competing or seen is None or seen.resource.contest is None:
        return {}
    contest = seen.resource.contest
    excerpts = [
        {"candidate": one.id, "agent": one.agent, "claim": one.claim, "reasoning": _reasoning(records.get(one.o))}
        for one in competing
    ]
    if what.rung == "vote":
        return {"excerpts": excerpts, "seats": [[name, list(who)] for name, who in contest.electorate.agents_by_seat]}
    return {"excerpts": excerpts, "outcomes": list(outcomes_of(contest))}


def _reasoning(record: Record | None) -> str:
    return cut_utf8(Said(record).text("reasoning"), REASONING_BYTES_MAX)


def _record_to_judge(event: Event, what: ContestOpened, said: Said) -> Enclosed:
    seated = {agent for _, agents in what.seats for agent in agents}
    lanes = frozenset(lane for lane, agent in event.to if agent in seated)
    shown: dict[str, Any] = {"type": said.header("ce_type"), "source": said.header("ce_source")}  # Any: JSON
    shown |= {"content_type": said.header("content-type"), "value_base64": base64.b64encode(said.value).decode()}
    if said.record is None:
        shown = {"missing": "its bytes are no longer kept"}
    return Enclosed({"record": shown}, lanes)
