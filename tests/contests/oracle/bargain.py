"""Negotiation: parties take turns to offer or accept an outcome, no outcome is offered twice, silence ends it."""

from __future__ import annotations

from tests.contests.oracle.entry import Entry
from tests.contests.oracle.log import Json, Said
from tests.contests.oracle.subject import Candidate, Contest, Subject

# architecture.md, Bounds: offers 32; so no negotiation has more turns.
OFFERS_MAX = 32
TURN_MS = 30_000


def turn_ms(terms: Json) -> int:
    """How long one turn lasts."""
    return int(terms.get("negotiate", {}).get("turn_ms", TURN_MS))


def turns_max(terms: Json, parties: int) -> int:
    """How many turns there are at most: as the terms say, else two for each party."""
    return min(int(terms.get("negotiate", {}).get("max_turns", 2 * parties)), OFFERS_MAX)


def start(e: Entry, r: Subject, c: Contest) -> None:
    """The parties are the live candidates, in log order; the first one has the first turn."""
    c.phase, c.parties, c.turn, c.standing, c.accepts, c.used = "negotiate", c.live(), 0, "", 0, []
    c.turns_max = turns_max(c.terms, len(c.parties))
    whom = [x.agent for x in c.parties] + c.seated()
    e.tell("rung", r, whom, contest=c.id, rung="negotiate", deadline=e.start + c.turns_max * turn_ms(c.terms))
    next_turn(e, r, c)


def next_turn(e: Entry, r: Subject, c: Contest) -> bool:
    """Give the next party its turn; False when there are no turns left."""
    if c.turn >= c.turns_max:
        return False
    c.turn += 1
    c.deadline = e.start + turn_ms(c.terms)
    party = party_of(c).agent
    e.tell("turn", r, [party], contest=c.id, turn=c.turn, party=party, standing=c.standing, deadline=c.deadline)
    return True


def party_of(c: Contest) -> Candidate:
    """Whose turn it is."""
    return c.parties[(c.turn - 1) % len(c.parties)]


def outcomes(c: Contest) -> list[str]:
    """What can be offered: what the terms list, else an award for each live candidate."""
    return list(c.terms.get("negotiate", {}).get("outcomes") or c.choices())


def fault(c: Contest, said: Said) -> str:
    """Why this act is not a move in the turn that runs, or ""."""
    verb = said.type.split(".")[2]
    if verb == "offer" and (said.body["outcome"] in c.used or said.body["outcome"] not in outcomes(c)):
        return "not_allowed"
    if verb == "accept" and said.body["turn"] == c.turn and not c.standing:
        return "not_allowed"
    if c.phase != "negotiate" or said.body["turn"] != c.turn:
        return "not_your_turn"
    if said.at >= c.deadline:
        return "late"
    return "" if party_of(c).agent == said.source else "not_your_turn"


def award(c: Contest, outcome: str) -> Candidate | None:
    """Whom an agreed outcome gives the subject to: who it names, or the only one that had that role when it claimed."""
    with_role = [x for x in c.live() if outcome in x.roles]
    named = [x for x in c.live() if x.id == outcome] or (with_role if len(with_role) == 1 else [])
    return named[0] if named else None


def move(e: Entry, r: Subject, c: Contest, said: Said) -> str | None:
    """Make a move; None when the rung ended, the agreed outcome when all accept, else "" and the next turn runs."""
    verb = said.type.split(".")[2]
    if verb == "offer":
        c.standing, c.accepts = said.body["outcome"], 0
        c.used.append(c.standing)
    c.accepts += 1 if verb == "accept" else 0
    told = {"contest": c.id, "turn": c.turn, "agent": said.source}
    told |= {"outcome": None if verb == "quit" else c.standing, "move": None if verb == "offer" else verb}
    e.tell("offered", r, [said.source], **told)
    if verb == "quit":
        return None
    if c.accepts == len(c.parties) - 1:
        return c.standing
    return "" if next_turn(e, r, c) else None
