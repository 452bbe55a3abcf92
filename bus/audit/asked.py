"""Finds out what is asked about: a decision, a message or a subject; and if it is not there, says why not."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bus.audit.decisions import ARBITER_ID, GATE_ID, ArbiterDecision, GateDecision
from bus.audit.evidence import Place
from bus.audit.lookup import Lookup
from bus.audit.plain import listed, name_of
from bus.core import topics
from bus.core.routing import partition_of

SUBJECT = re.compile(r"[a-z][a-z0-9_-]{0,63}/[A-Za-z0-9._:-]{1,128}")
NEAR_MAX = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource, whose story is asked for."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One id, used by several senders: which message is meant?"""

    id: str
    of: Sequence[GateDecision]


@dataclass(frozen=True, slots=True)
class Missing:
    """It is not there: a sentence, and the next step."""

    sentence: str
    step: str


Answer = ArbiterDecision | GateDecision | Subject | Choice | Missing


def find(lookup: Lookup, asked: str, sender: str = "") -> Answer:
    """What a person means by a text; ``sender`` (an id or a name) chooses between messages of one id."""
    if found := ARBITER_ID.fullmatch(asked):
        gen, p, o, n = (int(part) if part else None for part in found.groups())
        assert gen is not None
        assert p is not None
        assert o is not None
        decision = lookup.arbiter(p, o, n) if gen == lookup.gen else None
        return decision or _no_arbiter_decision(lookup, gen, p, o)
    if origin := topics.lane_and_offset(asked):
        return _of_row(lookup, *origin)
    gate = GATE_ID.fullmatch(asked)
    if gate and (topics.gate_journal(gate[1]) in lookup.index.source.counts or not lookup.of_message(asked)):
        return lookup.gate(gate[1], int(gate[2])) or _no_row(lookup, gate[1], int(gate[2]))
    rows = lookup.of_message(asked)
    if rows:
        return _of_message(lookup, asked, rows, sender)
    if SUBJECT.fullmatch(asked):
        return Subject(asked) if lookup.has_subject(asked) else _no_subject(lookup, asked)
    return _no_message(lookup, asked)


def _of_message(lookup: Lookup, asked: str, rows: list[GateDecision], sender: str) -> Answer:
    if sender:
        rows = [row for row in rows if sender in (row.row.source, name_of(row.row.source))]
        if not rows:
            return Missing(f"{sender} has sent no message with id {asked}", "leave --from out to see who has")
    if len({row.row.source for row in rows}) > 1:
        return Choice(asked, rows)
    first = [row for row in rows if row.row.verdict != "duplicate"] or rows
    return _of_row(lookup, first[-1].lane, first[-1].row.offset)


def _of_row(lookup: Lookup, lane: str, offset: int) -> Answer:
    """The arbiter's decision on a message, else the gate's."""
    row = lookup.gate(lane, offset)
    if row is None:
        return _no_row(lookup, lane, offset)
    if row.row.verdict != "forwarded":
        return row
    return lookup.by_src(topics.coordinates(topics.incoming(lane), 0, offset)) or row


# ---- what is not there ------------------------------------------------------------------------------------------


def _no_arbiter_decision(lookup: Lookup, gen: int, p: int, o: int) -> Missing:
    source, asked = lookup.index.source, f"{gen}.{p}.{o}"
    if gen != lookup.gen:
        return Missing(f"this bus is of generation {lookup.gen}, and {asked} of {gen}", "ask the bus it came from")
    if p >= source.genesis.partitions:
        text = f"this bus has partitions 0 to {source.genesis.partitions - 1}, and no {p}"
        return Missing(text, "look at the number again: it is generation.partition.offset.event")
    known = lookup.arbiter(p, o, None)
    if known is not None:
        count = len(known.entry.events)
        text = f"the decision on offset {o} of partition {p} has {count} {'event' if count == 1 else 'events'}"
        return Missing(text, f"ask for {known.id}")
    end = source.ends([(topics.ARBITER, p)]).get((topics.ARBITER, p), (0, 0))[1]
    if o >= end:
        return Missing(f"there is no such record yet: partition {p} ends at offset {end}", "look at the number again")
    return _undecided(lookup, "the arbiter", f"partition {p}", (topics.JOURNAL, p), end - lookup.decided_up_to(p))


def _no_row(lookup: Lookup, lane: str, offset: int) -> Missing:
    source = lookup.index.source
    if topics.gate_journal(lane) not in source.counts:
        return Missing(f"there is no lane {lane}", "see `agentbus lanes ls`")
    place = (topics.incoming(lane), 0)
    end = source.ends([place]).get(place, (0, 0))[1]
    if offset >= end:
        return Missing(f"there is no such record yet: lane {lane} ends at offset {end}", "look at the number again")
    behind = end - lookup.judged_up_to(lane)
    return _undecided(lookup, "the gate", f"lane {lane}", (topics.gate_journal(lane), 0), behind)


def _undecided(lookup: Lookup, stage: str, what: str, journal: Place, behind: int) -> Missing:
    """Not decided yet, or no longer known."""
    for note in lookup.index.notes():
        if note.startswith(f"{journal[0]}/{journal[1]}"):
            return Missing(f"that is not known any more: {note}", "ask an export that was made in time, with --export")
    if behind <= 0:
        return Missing(f"there is no decision on that record of {what}", "look at the number again")
    records = "1 record" if behind == 1 else f"{behind:,} records"
    text = f"{stage} has not judged it yet: {what} is {records} behind"
    return Missing(text, "ask again in a moment, and see that the stages run (`agentbus run`)")


def _no_subject(lookup: Lookup, asked: str) -> Missing:
    near = difflib.get_close_matches(asked, lookup.subjects_like(asked), n=NEAR_MAX)
    p = partition_of(asked, lookup.index.source.genesis.partitions)
    if near:
        return Missing(f"nothing was ever decided on {asked}", f"did you mean {listed(near, 'or')}?")
    return Missing(f"nothing was ever decided on {asked} (partition {p})", "see `agentbus resources ls`")


def _no_message(lookup: Lookup, asked: str) -> Missing:
    text = f"no gate has judged a message with id {asked}"
    behind = []
    for lane in lookup.lanes():
        place = (topics.incoming(lane), 0)
        end = lookup.index.source.ends([place]).get(place, (0, 0))[1]
        if end > lookup.judged_up_to(lane):
            behind.append(f"{lane} {end - lookup.judged_up_to(lane):,}")
    if behind:
        return Missing(f"{text}; not judged yet are, by lane: {', '.join(behind)}", "ask again in a moment")
    near = difflib.get_close_matches(asked, lookup.ids_like(asked), n=1)
    step = f"did you mean {listed(near, 'or')}?" if near else "look at the id again; `agentbus tail` shows what comes"
    return Missing(text, step)
