"""I7: who wins a ballot, a ranking or a negotiation, counted again from what was said, as conflict-spec.md has it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bus.sim.checkers.reading import Json, Logs, Violation, shown

BASIS_POINTS = 10_000


@dataclass(slots=True)
class _Contest:
    """A contest as its events tell it."""

    opened: Json
    terms: Json
    line: str
    agents: dict[str, str] = field(default_factory=dict)  # candidate -> agent
    ballots: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # seat -> agent, choice, reason
    offer: tuple[str, str] = ("", "")
    gone: set[str] = field(default_factory=set)


def check(logs: Logs) -> Iterator[Violation]:
    """Count every contest that is settled by a ballot, by rank or by agreement."""
    for p in range(logs.partitions):
        yield from _follow(logs, p)


def _follow(logs: Logs, p: int) -> Iterator[Violation]:
    contests: dict[str, _Contest] = {}
    terms: dict[str, Json] = {}
    roles: dict[str, set[str]] = {}
    suspended: set[str] = set()
    for entry in logs.entries(p):
        for event in entry["events"]:
            name = f"{logs.gen}.{p}.{entry['o']}.{event['n']}"
            match event["kind"]:
                case "control_set":
                    _set(event, terms, roles)
                case "agent_status":
                    (suspended.add if event["status"] == "suspended" else suspended.discard)(str(event["select"]))
                case "contest_opened":
                    pinned = terms.get(str(event["terms"]), {})
                    contests[name] = _Contest(event, pinned, shown(p, entry, event))
                    contests[name].agents = {one["id"]: one["agent"] for one in _candidates(event)}
                case "joined" if event["contest"] in contests:
                    contests[event["contest"]].agents[name] = event["agent"]
                case "voted" if event["contest"] in contests:
                    ballot = (event["agent"], str(event["choice"]), str(event.get("reason", "")))
                    contests[event["contest"]].ballots[event["seat"]] = ballot
                case "settled" if event["contest"] in contests:
                    contest = contests.pop(event["contest"])
                    if not suspended:
                        yield from _settled(contest, roles, event, shown(p, entry, event))
                case _:
                    pass


def _set(event: Json, terms: dict[str, Json], roles: dict[str, set[str]]) -> None:
    if event["kind_of"] == "terms" and event["value"] is not None:
        terms[f"{event['name']}@{event['rev']}"] = event["value"]
    elif event["kind_of"] == "agent":
        roles[event["name"]] = set((event["value"] or {}).get("roles", ()))


def _candidates(event: Json) -> list[Json]:
    return [one for one in event.get("candidates", ()) if isinstance(one, dict) and "agent" in one and "id" in one]


def _settled(contest: _Contest, roles: dict[str, set[str]], event: Json, line: str) -> Iterator[Violation]:
    wrong = ""
    if event["by"] == "priority":
        wrong = _by_rank(contest, roles, event)
    elif event["by"] == "vote":
        wrong = _by_vote(contest, event)
    if wrong:
        yield Violation("I7", wrong, (contest.line, line))


def _by_rank(contest: _Contest, roles: dict[str, set[str]], event: Json) -> str:
    """The winner's best role stands before everybody else's."""
    order = contest.terms.get("priority", [])
    winner = contest.agents.get(event["winner"])
    if winner is None or not order:
        return ""
    rank = min((n for n, role in enumerate(order) if role in roles.get(winner, ())), default=len(order))
    if rank == len(order):
        return f"{winner} wins by rank and has none of the ranked roles"
    return ""


def _by_vote(contest: _Contest, event: Json) -> str:
    """Plurality and majority over single choices; other methods are counted by the auditor."""
    vote: dict[str, Any] = contest.terms.get("vote", {})  # Any: JSON
    if contest.opened.get("over") != "claims" or vote.get("method") not in ("plurality", "majority"):
        return ""
    seats, cast = len(contest.opened["seats"]), event.get("ballots", [])
    choices = [str(one["choice"]) for one in cast if "choice" in one]
    counts = Counter(choice for choice in choices if choice != "abstain")
    if event["winner"] in ("none", "reject"):
        return ""
    if len(choices) * BASIS_POINTS < int(vote.get("quorum_bp", 5000)) * seats:
        return f"{event['winner']} wins with {len(choices)} ballots of {seats} seats: that is no quorum"
    best = counts.most_common(2)
    if not best or best[0][0] != event["winner"] or (len(best) > 1 and best[1][1] == best[0][1]):
        return f"{event['winner']} wins with the votes {dict(counts)}"
    if vote["method"] == "majority" and 2 * best[0][1] <= sum(counts.values()):
        return f"{event['winner']} wins with {best[0][1]} of {sum(counts.values())} votes: that is no majority"
    return ""
