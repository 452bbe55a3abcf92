"""The parts of a case file: claims, actions, ballots, offers and what waiting costs, each with what was said there."""

from collections.abc import Iterator, Sequence
from typing import Any

from bus.core.contest.ballots import ABSTAIN, veto_by
from bus.core.contest.contest import Ballot, Candidate
from bus.core.frozen import dataclass
from bus.core.log.records import canonical, digest
from bus.core.message.excerpts import cut, offset_of, quoted
from bus.core.outputs.aftermath import became, closing_decision
from bus.core.outputs.edition import Edition

Json = dict[str, Any]  # Any: JSON
TEXT_BYTES_MAX = 256  # of a fact, and of what waiting costs: a value to look at, not a document


@dataclass(frozen=True, slots=True)
class Room:
    """How much of each thing there is room for: bytes of an excerpt, roles of a claim, choices of a ballot."""

    excerpt_bytes: int
    listed: int = 64


def claims(edition: Edition, room: Room) -> list[Json]:
    """What competes: every claim in log order, also those that can no longer win."""
    contest = edition.contest
    if contest is not None and contest.over == "question":
        return []
    candidates = contest.candidates if contest is not None and contest.over == "claims" else edition.case.parties
    return [_claim(edition, one, room) for one in candidates]


def actions(edition: Edition, room: Room) -> list[Json]:
    """What is held, in the order in which it would be released."""
    found, ended = [], became(edition)
    for action in edition.resource.held:
        one: Json = {"decision": action.id, "type": action.type, "agent": action.agent, "token": action.token}
        one |= {"until": action.until, **quoted(edition.said(action.o), room.excerpt_bytes), "hash": action.hash}
        one |= ended.get(action.id, {})
        found.append(one if action.cost is None else {**one, "cost": action.cost})
    return found


def ballots(edition: Edition, room: Room) -> list[Json]:
    """The ballots that stand: the person decides, so the person may see them before the close."""
    return [_ballot(edition, one, room) for one in edition.ballots()]


def silent_seats(edition: Edition) -> list[str]:
    """The seats with a vote that have no ballot that stands, if a vote was on at all."""
    contest = edition.contest
    if contest is None or not contest.ballots_until:
        return []
    heard = {ballot.seat for ballot in edition.ballots()}
    return [seat.name for seat in contest.electorate.seats if seat.has_vote and seat.name not in heard]


def offers(edition: Edition, room: Room) -> list[Json]:
    """What was offered, accepted and left in the negotiation, in order."""
    contest = edition.contest
    found = []
    for move in contest.moves if contest else ():
        party = next((one.agent for one in contest.candidates if one.id == move.party), "") if contest else ""
        one: Json = {"turn": move.turn, "agent": party, "move": move.kind, "decision": move.decision}
        one |= {"outcome": move.outcome} if move.outcome else {}
        reasoning = edition.said(offset_of(move.decision)).text("reasoning")
        found.append({**one, "reasoning": cut(reasoning, room.excerpt_bytes)} if reasoning else one)
    return found


def facts(edition: Edition) -> Json:
    """What is known about the subject."""
    known = edition.resource.facts
    return {name: _brief(fact.value) for name, fact in sorted(known.items())}


def waiting_costs(edition: Edition) -> list[Json]:
    """What the terms say waiting costs: the value of a fact, or of a field of a claim or an action, and whose it is."""
    known = edition.resource.facts
    found: list[Json] = []
    for name in edition.terms.waiting_costs if edition.terms else ():
        if name in known:
            found.append({"name": name, "value": _brief(known[name].value)})
        else:
            found += [{"name": name, "value": _brief(value), "of": of} for of, value in _fields(edition, name)]
    return found


def alike(edition: Edition) -> str:
    """The same for cases that one ruling would fit: of one type and kind, between such roles, with such verdicts."""
    contest, registry = edition.contest, edition.situation.registry
    roles = {one.id: sorted(one.roles) for one in (contest.candidates if contest else edition.case.parties)}
    verdicts = []
    for ballot in edition.ballots():
        choice = [roles.get(one) or one for one in ballot.choice]
        verdicts.append([ballot.seat, choice, ballot.reason])
    held = [[one.type, sorted(registry.roles(one.agent))] for one in edition.resource.held]
    competing = sorted(roles[one.id] for one in edition.resource.parties)
    options = sorted(one.id for one in contest.live) if contest and contest.over == "question" else []
    kind = [edition.subject.partition("/")[0], edition.case.over, edition.case.why]
    return digest(canonical([*kind, competing, held, verdicts, options, _about(edition)]))


def trail(edition: Edition) -> list[str]:
    """The decisions that led here, in the order of the log."""
    contest, case = edition.contest, edition.case
    found = {case.id, closing_decision(edition), *(action.id for action in edition.resource.held)}
    found |= {one.id for one in case.parties} | ({case.waited.id} if case.waited else set())
    if contest:
        found |= {contest.id} | {one.id for one in contest.candidates if one.agent}
        found |= {ballot.decision for ballot in contest.ballots} | {move.decision for move in contest.moves}
    return sorted(found - {""}, key=lambda decision: [int(part) for part in decision.split(".")])


def question(edition: Edition, room: Room) -> Json:
    """What was asked, and what can be answered; nothing of other cases."""
    contest = edition.contest
    if contest is None or contest.over != "question":
        return {}
    asked = edition.said(offset_of(contest.id))
    options = [one.id for one in contest.live]
    return {"question": cut(asked.text("question"), room.excerpt_bytes), "options": options, "asked_by": contest.author}


def _about(edition: Edition) -> str:
    """What else one ruling has to fit: the words of a question, and of a wait what kind of thing is waited for."""
    contest, waited = edition.contest, edition.case.waited
    if contest is not None and contest.over == "question":
        return edition.said(offset_of(contest.id)).text("question")
    return waited.whom.partition("/")[0] if waited else ""


def _claim(edition: Edition, one: Candidate, room: Room) -> Json:
    found: Json = {"candidate": one.id, "agent": one.agent, "claim": one.claim}
    found |= {"roles": sorted(one.roles)[: room.listed]}
    found |= {"dropped": one.dropped} if one.dropped else {}
    found |= {"lease_ms": one.lease_ms} if one.lease_ms is not None else {}
    return found if one.o < 0 else {**found, **quoted(edition.said(one.o), room.excerpt_bytes)}


def _ballot(edition: Edition, one: Ballot, room: Room) -> Json:
    contest = edition.contest
    assert contest is not None
    choice: str | Sequence[str] = one.choice[0] if one.choice else ABSTAIN
    if one.is_list:
        choice = list(one.choice[: room.listed])
    found: Json = {"seat": one.seat, "agent": one.agent, "choice": choice, "reason": one.reason}
    found |= {"decision": one.decision}
    found |= {"confidence": one.confidence} if one.confidence is not None else {}
    found |= {"veto": True} if veto_by(contest, one.agent, one.choice, one.reason) else {}
    said = edition.said(offset_of(one.decision))
    if said.record is None:
        return {**found, "missing": "its bytes are no longer kept"}
    reasoning = cut(said.text("reasoning"), room.excerpt_bytes)
    return {**found, "reasoning": reasoning} if reasoning else found


def _fields(edition: Edition, name: str) -> Iterator[tuple[str, Any]]:  # Any: JSON
    """The field of each claim and action that has it, with whose it is."""
    contest = edition.contest
    spoken = [(one.agent, one.o) for one in (*(contest.candidates if contest else ()), *edition.case.parties)]
    spoken += [(action.agent, action.o) for action in edition.resource.held]
    for agent, o in spoken:
        value = edition.said(o).body.get(name)
        if isinstance(value, str | int):
            yield agent, value


def _brief(value: str | int) -> str | int:
    return cut(value, TEXT_BYTES_MAX) if isinstance(value, str) else value
