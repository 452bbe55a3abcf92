"""The case file: everything a person needs to rule, on one page of at most 64 KiB, from the state and the bytes named.

Excerpts get as much room as there is, from 2 KiB each downwards. What cannot fit even without them is left out from the
end of the longest lists, and the file says what is not in it: the trail and the journal have all of it.
"""

from typing import Any

from bus.core.decision.contest_events import CaseChanged, CaseClosed
from bus.core.log.records import canonical
from bus.core.message.excerpts import cut
from bus.core.outputs import case_parts
from bus.core.outputs.aftermath import how_it_ended, moot
from bus.core.outputs.case_parts import Room
from bus.core.outputs.case_rulings import if_nothing, rulings, why
from bus.core.outputs.edition import Edition, offsets_of

FILE_BYTES_MAX = 64 * 1024
EXCERPT_BYTES_MAX = 2048
NOTE_BYTES_MAX = 1024  # what is said of the things left out
LISTED_MAX = 4  # roles of a claim, choices of a ranking, effects of rulings that are alike, where there is little room
# Each step halves the excerpts; a few words of every message are worth more than the ends of long lists.
_HALVES = tuple(EXCERPT_BYTES_MAX >> step for step in range(7))
ROOMS = (*map(Room, _HALVES[:4]), *(Room(size, LISTED_MAX) for size in (*_HALVES, 0)))
# What may become shorter, and what it is called; the most important last.
LISTS = (
    ("trail", "decisions of the trail"),
    ("waiting_costs", "things that waiting costs"),
    ("silent_seats", "seats without a ballot"),
    ("offers", "offers"),
    ("ballots", "ballots"),
    ("actions", "held actions"),
    ("claims", "claims"),
)
FACTS_SHOWN_MAX = 32
Json = dict[str, Any]  # Any: JSON


def case_file(edition: Edition, *, redrawn_of: str = "") -> bytes:
    """The stored bytes of one edition: canonical JSON of at most `FILE_BYTES_MAX`.

    ``redrawn_of`` is the hash of the file that its decision names, where that one cannot be drawn again.
    """
    spoken = [len(record.value or b"") for o in offsets_of(edition) if (record := edition.records.get(o))]
    body: Json = {}
    for room in ROOMS:
        if sum(min(size, room.excerpt_bytes) for size in spoken) > FILE_BYTES_MAX:
            continue  # not worth the try
        body = _body(edition, room) | ({"redrawn_of": redrawn_of} if redrawn_of else {})
        if room != ROOMS[0]:
            body["left_out"] = [_cut_note(room)]
        value = canonical(body)
        if len(value) <= FILE_BYTES_MAX:
            return value
    return canonical(_shortened(body))


def _cut_note(room: Room) -> str:
    cut_to = f"excerpts are cut to {room.excerpt_bytes} bytes" if room.excerpt_bytes else "excerpts"
    return cut_to if room.listed >= Room(0).listed else f"{cut_to}, what lists have beyond {room.listed}"


def _body(edition: Edition, room: Room) -> Json:
    what, case, resource = edition.what, edition.case, edition.resource
    body: Json = {"v": 1, "case": case.id, "n": what.file_n, "rev": what.rev, "state": what.state}
    body |= {"overdue": case.is_overdue, "kind": case.over, "subject": edition.subject}
    body |= {"queue": case.escalate.queue, "tier": case.tier, **({} if case.due is None else {"due": case.due})}
    body |= {"why": why(edition), "frozen_since": case.opened, "if_nothing": if_nothing(edition)}
    if holding := resource.holding:
        body["holder"] = {"agent": holding.agent, "token": holding.token, "claim": holding.claim}
    if kept := resource.handover:
        body["kept_for"] = {"agent": kept.agent, "until": kept.until}
    body |= {"actions": case_parts.actions(edition, room), "claims": case_parts.claims(edition, room)}
    body |= {"ballots": case_parts.ballots(edition, room), "offers": case_parts.offers(edition, room), "policies": []}
    body |= {"facts": case_parts.facts(edition), "waiting_costs": case_parts.waiting_costs(edition)}
    body |= {"alike": case_parts.alike(edition), "rulings": _rulings(edition, room), "trail": case_parts.trail(edition)}
    body |= case_parts.question(edition, room)
    if edition.contest:
        body |= {"contest": edition.contest.id, "silent_seats": case_parts.silent_seats(edition)}
    if edition.terms:
        body["terms"] = edition.terms.ref
    if waited := case.waited:
        reason = edition.said(int(waited.id.split(".")[2])).text("reason")
        waiting = {"agent": waited.agent, "for": waited.whom, "until": waited.until}
        body["waited"] = {**waiting, "reason": cut(reason, room.excerpt_bytes)}
    return body | moot(edition) | _of_person(edition, room)


def _rulings(edition: Edition, room: Room) -> list[Json]:
    """Every ruling; where there is little room, the effects of the first ones stand for all that are like them."""
    found: list[Json] = []
    for place, one in enumerate(rulings(edition)):
        effects = one["effects"]
        if place >= room.listed and one["ruling"] == "award":
            effects = []
        elif len(effects) > room.listed + 2:
            more = f"{len(effects) - room.listed - 1} more like these"
            effects = [*effects[: room.listed], more, effects[-1]]
        found.append({**one, "effects": effects})
    return found


def _of_person(edition: Edition, room: Room) -> Json:
    """Who has reserved it, or how and why it was closed."""
    what = edition.what
    if isinstance(what, CaseChanged) and what.person:
        return {"person": what.person, "reserved_until": what.reserved_until}
    ended = how_it_ended(edition.entry, edition.event, edition.resource)
    if not isinstance(what, CaseClosed) or not what.ruling:
        return {"ended": ended} if ended else {}
    reason = edition.said(edition.entry.o).text("reason")
    told: Json = {
        "ended": ended,
        "ruling": what.ruling,
        "person": what.person,
        "reason_hash": what.reason_hash,
    }
    told |= {"candidate": what.candidate} if what.candidate else {}
    return {**told, "reason": cut(reason, room.excerpt_bytes or NOTE_BYTES_MAX)}


def _shortened(body: Json) -> Json:
    """What is left when the ends of lists go, the least important first, until the file fits."""
    notes = [str(note) for note in body.get("left_out", ())]
    if len(body["facts"]) > FACTS_SHOWN_MAX:
        notes.append(f"{len(body['facts']) - FACTS_SHOWN_MAX} facts")
        body = {**body, "facts": dict(sorted(body["facts"].items())[:FACTS_SHOWN_MAX])}
    for name, called in LISTS:
        size = len(canonical({**body, "left_out": notes})) + NOTE_BYTES_MAX
        if size <= FILE_BYTES_MAX:
            break
        kept = list(body.get(name, ()))
        while kept and size > FILE_BYTES_MAX:
            size -= len(canonical(kept.pop())) + 1
        if lost := len(body.get(name, ())) - len(kept):
            notes.append(f"{lost} of {lost + len(kept)} {called}")
            body = {**body, name: kept}
    return {**body, "left_out": notes}
