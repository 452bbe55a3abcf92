"""What each ruling of a case will do, what happens if nobody does anything, and why a person decides at all."""

from collections.abc import Iterator, Sequence
from typing import Any

from bus.core.contest.ballots import standing_veto
from bus.core.contest.contest import ENDS, Candidate
from bus.core.outputs.edition import Edition
from bus.core.state.cases import HeldAction
from bus.core.state.obstacles import why_not_awarded, why_not_released

Json = dict[str, Any]  # Any: JSON


# Why somebody cannot be awarded a subject, as the case file says it.
_NOW = {
    "suspended": "suspended",
    "not_allowed": "not registered with a role that may claim it",
    "unknown_resource": "not the holder, and no terms are in force to grant it by",
}


def short(agent: str) -> str:
    """The last part of an id: how people call an agent."""
    return agent.rpartition("/")[2]


def rulings(edition: Edition) -> list[Json]:
    """Every ruling a person can give now, with its effects; nothing of a case that is closed."""
    if not edition.is_open:
        return []
    match edition.case.over:
        case "approval":
            return [_approve(edition), _reject(edition)]
        case "question":
            return list(_answers(edition))
        case _:
            return list(_awards(edition))


def if_nothing(edition: Edition) -> str:
    """What happens if nobody does anything."""
    if not edition.is_open:
        return ""
    case = edition.case
    parts = [_after_tier(edition)]
    if held := edition.resource.held:
        parts.append(_given_up(case.over, held))
    if case.person:
        parts.append(f"the reservation ends at {case.reserved_until}")
    return "; ".join(parts)


def why(edition: Edition) -> Json:
    """The reason that a person decides, and a sentence."""
    return {"reason": edition.case.why, "detail": _why(edition)}


def _given_up(over: str, held: Sequence[HeldAction]) -> str:
    """Held bytes are not kept for ever: what happens when the time of the first is over."""
    first = min(action.until for action in held)
    if over != "approval":
        return f"{'the held action is' if len(held) == 1 else 'the first held action is'} given up at {first}"
    if len(held) == 1:
        return f"the held action is given up at {first} and the case is obsolete"
    then = "the case is obsolete and the others are looked at next"
    return f"the first held action is given up at {held[0].until}, {then}"


def _after_tier(edition: Edition) -> str:
    case = edition.case
    if case.due is None:
        return "stays frozen until somebody rules: it is overdue"
    if case.tier + 1 < len(case.escalate.tiers_ms):
        return f"stays frozen; next tier at {case.due}"
    if case.escalate.on_expiry == "stay_frozen":
        return f"stays frozen; overdue at {case.due}"
    parts = [] if case.over == "approval" else ["nobody is awarded anything"]
    parts += ["held actions are refused (unresolved)"] if edition.resource.held else []
    end = f"the case ends at {case.due}: {', '.join([*parts, f'{edition.subject} thaws'])}"
    if case.escalate.on_expiry == "release" and edition.resource.holding:
        return f"{end}, {short(edition.resource.holding.agent)} loses it"
    return end


def _why(edition: Edition) -> str:
    case, contest = edition.case, edition.contest
    match case.why:
        case "veto":
            found = standing_veto(contest) if contest else None
            return f"{found[0].seat} vetoed it: {found[0].reason}" if found else "a veto, taken back since"
        case "over_limit":
            return _over_limit(edition)
        case "wait":
            waited = case.waited
            return f"{short(waited.agent)} waited for {waited.whom} until {waited.until}" if waited else "a wait passed"
        case _:
            rungs = [rung for rung in contest.ladder if rung not in ENDS] if contest else []
            return f"no result by {', '.join(rungs)}" if rungs else "the terms let a person decide"


def _over_limit(edition: Edition) -> str:
    """Terms may have changed since: what is not over today's limit was over that of then."""
    limit = edition.terms.freeze_above_cost if edition.terms else None
    costs = [action.cost for action in edition.resource.held if action.cost is not None]
    if not costs:
        return "nothing is held any more"
    over = next((cost for cost in costs if limit is not None and cost > limit), None)
    return f"cost {costs[0]} was over the limit of then" if over is None else f"cost {over} > {limit}"


def _thaw(edition: Edition) -> str:
    holding = edition.resource.holding
    return f"{edition.subject} thaws, " + (f"{short(holding.agent)} keeps it" if holding else "nobody holds it")


def _approve(edition: Edition) -> Json:
    effects, is_irreversible = [], False
    for action in edition.resource.held:
        who = f"{action.type} of {short(action.agent)}"
        if reason := _obstacle(edition, action):
            effects.append(f"{who} is refused ({reason})")
        else:
            late = f" before {action.expiry}, later it is refused (expired)" if action.expiry is not None else ""
            effects.append(f"{who} is admitted{late}")
            contract = edition.situation.registry.contract_by_ref(action.contract)
            is_irreversible = is_irreversible or (contract is not None and contract.irreversible)
    return {"ruling": "approve", "effects": [*effects, _thaw(edition)], "irreversible": is_irreversible}


def _obstacle(edition: Edition, action: HeldAction) -> str:
    """Why an action would be refused all the same, as far as that is known already."""
    registry, token = edition.situation.registry, edition.resource.token
    return why_not_released(registry, action, token=token, later=edition.entry.time_ms)


def _reject(edition: Edition) -> Json:
    effects = [f"{one.type} of {short(one.agent)} is refused (ruled_out)" for one in edition.resource.held]
    return {"ruling": "reject", "effects": [*effects, _thaw(edition)], "irreversible": False}


def _answers(edition: Edition) -> Iterator[Json]:
    contest = edition.contest
    assert contest is not None
    thaw = _thaw(edition)
    for option in contest.live:
        effects = [f"the answer is {option.id}", thaw, *_again(edition)]
        yield {"ruling": "award", "candidate": option.id, "effects": effects, "irreversible": False}
    effects = ["the question stays without an answer", thaw, *_again(edition)]
    yield {"ruling": "reject_all", "effects": effects, "irreversible": False}


def _awards(edition: Edition) -> Iterator[Json]:
    parties = edition.resource.parties
    for one in parties:
        unavailable = _unavailable(edition, one)
        effects = [unavailable] if unavailable else _award(edition, one, len(parties))
        yield {"ruling": "award", "candidate": one.id, "effects": effects, "irreversible": False}
    holding = edition.resource.holding
    losers = [one for one in parties if holding is None or one.agent != holding.agent]
    denied = "1 claim is" if len(losers) == 1 else f"{len(losers)} claims are"
    effects = [f"{denied} denied (ruled_out)"] if losers and edition.contest else []
    effects += [_thaw(edition), *_again(edition)]
    yield {"ruling": "reject_all", "effects": effects, "irreversible": False}


def _unavailable(edition: Edition, winner: Candidate) -> str:
    """What a person hears who awards it to somebody that may not be given it now, "" if they may."""
    contest, holding = edition.contest, edition.resource.holding
    reason = why_not_awarded(
        *(edition.situation.registry, winner.agent, edition.terms),
        holder=holding.agent if holding else "",
        is_contested=contest is not None,
    )
    return f"this ruling is refused (winner_unavailable): {short(winner.agent)} is {_NOW[reason]}" if reason else ""


def _award(edition: Edition, winner: Candidate, parties: int) -> list[str]:
    holding, subject = edition.resource.holding, edition.subject
    if holding and holding.agent == winner.agent:
        effects, again = [f"{subject} thaws, {short(winner.agent)} keeps it"], _again(edition)
        losers = parties - 1
    else:
        effects, again = [f"{subject} goes to {short(winner.agent)}"], []
        if holding:
            effects.append(f"{short(holding.agent)} loses it (ruled)")
        if edition.resource.held:
            again = [f"{_actions(len(edition.resource.held))} refused (fenced)"]
        others = [one for one in edition.resource.parties if one.id != winner.id]
        losers = len([one for one in others if holding is None or one.agent != holding.agent])
    if losers and edition.contest:
        effects.append(f"{losers} other claim{' is' if losers == 1 else 's are'} denied (lost)")
    return [*effects, *again]


def _again(edition: Edition) -> list[str]:
    """What is held behind a ruling that is about something else."""
    held, terms = edition.resource.held, edition.situation.registry.terms
    if not held:
        return []
    # Without terms in force nobody can say what an action needs: it stays where it is.
    is_governed = edition.subject.partition("/")[0] in terms
    next_is = "looked at next" if is_governed else "given up when their time is over: no terms are in force"
    return [f"{_actions(len(held))} {next_is}"]


def _actions(count: int) -> str:
    return "1 held action is" if count == 1 else f"{count} held actions are"
