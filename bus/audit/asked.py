"""Finds out what is asked about: a decision, a message or a subject; and if it is not there, says why not."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bus.audit.decisions import ARBITER_ID, GATE_ID, ArbiterDecision, GateDecision, Link
from bus.audit.evidence import Place
from bus.audit.lookup import Lookup
from bus.audit.plain import listed, name_of
from bus.core.decision.reasons import GateReason
from bus.core.log import topics
from bus.core.log.routing import partition_of

SUBJECT = re.compile(r"[a-z][a-z0-9_-]{0,63}/[A-Za-z0-9._:-]{1,128}")
NEAR_MAX = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource, whose story is asked for."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One id, used by several senders: which message is meant? ``of`` is what became of each of theirs."""

    id: str
    of: Sequence[Link]
    senders: Sequence[str]


@dataclass(frozen=True, slots=True)
class Missing:
    """It is not there: a sentence, and the next step."""

    sentence: str
    step: str


Answer = ArbiterDecision | GateDecision | Subject | Choice | Missing


def find(lookup: Lookup, asked: str, sender: str = "") -> Answer:
    """What a person means by a text: a decision or a subject before the id of a message, which anybody may choose.

    ``sender`` (an id or a name) chooses between messages of one id, and says that a message is meant.
    """
    if sender:
        return find_message(lookup, asked, sender)
    decision = _decision(lookup, asked)
    if decision is not None:
        return decision
    if SUBJECT.fullmatch(asked) and lookup.has_subject(asked):
        return find_subject(lookup, asked)
    found = find_message(lookup, asked, "")
    return find_subject(lookup, asked) if isinstance(found, Missing) and SUBJECT.fullmatch(asked) else found


def find_subject(lookup: Lookup, asked: str) -> Subject | Missing:
    """A resource and nothing else, whatever ids senders give their messages."""
    p = partition_of(asked, lookup.index.source.genesis.partitions)
    is_known = not lookup.index.note_on((topics.JOURNAL, p)) or lookup.count("subject = ?", (asked,)) > 0
    return Subject(asked) if is_known and lookup.has_subject(asked) else _no_subject(lookup, asked)


def find_message(lookup: Lookup, asked: str, sender: str) -> ArbiterDecision | GateDecision | Choice | Missing:
    """What became of the message with that id, whatever else the text may name."""
    if not asked:  # whose id could not be read has none
        return Missing("an empty text is the id of nothing", "name a decision, a message or a subject")
    rows = lookup.of_message(asked)
    known = [row for row in rows if row.has_known_sender] or rows
    if not known:
        return _of_entries(lookup, asked, sender)
    meant = [row for row in known if not sender or _is_of(row.row.source, sender)]
    if not meant:
        return Missing(f"{sender} has sent no message with id {asked}", "leave --from out to see who has")
    senders = sorted({row.row.source for row in meant})
    if len(senders) > 1:
        return Choice(asked, [lookup.gate_link(row) for row in meant], senders)
    again = ("duplicate", GateReason.ID_REUSE)  # neither is what the id was first used for
    first = [row for row in meant if row.row.verdict not in again and row.row.reason not in again] or meant
    return _of_row(lookup, first[-1].lane, first[-1].row.offset)


def what_else(lookup: Lookup, asked: str, found: Answer) -> list[str]:
    """Sentences about what the same text names as well, and about others that used the sender's name."""
    rows = lookup.of_message(asked) if asked else []
    is_message = asked in _message_ids(found)
    notes = []
    if rows and not is_message and not isinstance(found, Choice):
        notes.append(f"a message has the id {asked} as well: `agentbus explain {asked} --id` explains it")
    if is_message and SUBJECT.fullmatch(asked) and lookup.has_subject(asked):
        notes.append(f"{asked} is a subject as well: `agentbus explain {asked} --subject` tells its story")
    others = [row for row in rows if not row.has_known_sender]
    if is_message and len(others) < len(rows):
        named = listed([f"{row.id} ({row.row.reason})" for row in others[-NEAR_MAX:]])
        notes += [f"somebody whom no gate knew used this id as well: {named}"] if others else []
    return notes


def _is_of(source: str, sender: str) -> bool:
    return sender in (source, name_of(source))


def _message_ids(found: Answer) -> tuple[str, ...]:
    """The id of the message that was decided on, if it was one."""
    match found:
        case ArbiterDecision():
            return (found.entry.id,)
        case GateDecision():
            return (found.row.id,)
        case _:
            return ()


def _decision(lookup: Lookup, asked: str) -> ArbiterDecision | GateDecision | Missing | None:
    """The decision whose id the text is; None if it has no such form."""
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
    return None


def _of_entries(lookup: Lookup, asked: str, sender: str) -> ArbiterDecision | Choice | Missing:
    """By the arbiter's journal alone: a login may read it and no gate's."""
    entries = [one for one in lookup.entries_of(asked) if not sender or _is_of(one.entry.source, sender)]
    senders = sorted({one.entry.source for one in entries})
    if len(senders) > 1:
        return Choice(asked, [lookup.link(one.p, one.entry.o, None) for one in entries], senders)
    return entries[-1] if entries else _no_message(lookup, asked)


def _of_row(lookup: Lookup, lane: str, offset: int) -> ArbiterDecision | GateDecision | Missing:
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
    place, journal = (topics.ARBITER, p), (topics.JOURNAL, p)
    return _undecided(lookup, f"partition {p}", place, o, journal, lookup.decided_up_to(p))


def _no_row(lookup: Lookup, lane: str, offset: int) -> Missing:
    source = lookup.index.source
    if topics.gate_journal(lane) not in source.counts:
        return Missing(f"there is no lane {lane}", "see `agentbus lanes ls`")
    place, journal = (topics.incoming(lane), 0), (topics.gate_journal(lane), 0)
    return _undecided(lookup, f"lane {lane}", place, offset, journal, lookup.judged_up_to(lane))


def _undecided(lookup: Lookup, what: str, place: Place, offset: int, journal: Place, decided: int) -> Missing:
    """Not there, not decided yet, or not known; ``decided`` is the first offset that its journal does not have."""
    note = lookup.index.note_on(journal)
    if note:
        step = "ask an export that was made in time, with --export, or log in as one who may read it"
        return Missing(f"that is not known: {note}", step)
    end = _end(lookup, place)
    if end is None:
        text = f"{journal[0]} has no decision on offset {offset} of {what}, and this login may not see where that ends"
        return Missing(text, "look at the number again, or ask again in a moment")
    if offset >= end:
        return Missing(f"there is no such record yet: {what} ends at offset {end}", "look at the number again")
    stage, behind = ("the arbiter" if journal[0] == topics.JOURNAL else "the gate"), end - decided
    if behind <= 0:
        return Missing(f"there is no decision on that record of {what}", "look at the number again")
    records = "1 record" if behind == 1 else f"{behind:,} records"
    text = f"{stage} has not judged it yet: {what} is {records} behind"
    return Missing(text, "ask again in a moment, and see that the stages run (`agentbus run`)")


def _end(lookup: Lookup, place: Place) -> int | None:
    """Where a topic-partition ends; None if this login may not see it."""
    found = lookup.index.source.ends([place]).get(place) if place[0] in lookup.index.source.counts else None
    return found[1] if found else None


def _no_subject(lookup: Lookup, asked: str) -> Missing:
    near = difflib.get_close_matches(asked, lookup.subjects_like(asked), n=NEAR_MAX)
    p = partition_of(asked, lookup.index.source.genesis.partitions)
    note = lookup.index.note_on((topics.JOURNAL, p))
    if note:
        text = f"what was decided on {asked} is not known: {note}"
        return Missing(text, "ask an export that has all journals, with --export, or log in as one who may read them")
    if near:
        return Missing(f"nothing was ever decided on {asked}", f"perhaps {listed(near, 'or')} is meant")
    return Missing(f"nothing was ever decided on {asked} (partition {p})", "see `agentbus resources ls`")


def _no_message(lookup: Lookup, asked: str) -> Missing:
    notes = [note for note in lookup.index.notes() if not note.startswith(topics.REFUSED)]  # it has no id alone
    if notes:
        text = f"whether there was a message with id {asked} is not known: {listed(notes)}"
        return Missing(text, "log in as one who may read them all, or ask an export, with --export")
    text = f"no gate has judged a message with id {asked}"
    behind = []
    for lane in lookup.lanes():
        waiting = (_end(lookup, (topics.incoming(lane), 0)) or 0) - lookup.judged_up_to(lane)
        if waiting > 0:
            behind.append(f"{lane} {waiting:,}")
    if behind:
        return Missing(f"{text}; not judged yet are, by lane: {', '.join(behind)}", "ask again in a moment")
    near = difflib.get_close_matches(asked, lookup.ids_like(asked), n=1)
    step = (
        f"perhaps {listed(near, 'or')} is meant" if near else "look at the id again; `agentbus tail` shows what comes"
    )
    return Missing(text, step)
