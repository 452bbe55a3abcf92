"""What each ruling of a case will do, what happens if nobody does anything, and why a person decides at all."""

from collections.abc import Iterator
from typing import Any

from bus.core.contest.ballots import standing_veto
from bus.core.contest.contest import ENDS, Candidate
from bus.core.outputs.edition import Edition
from bus.core.state.cases import HeldAction

Json = dict[str, Any]  # Any: JSON


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
    if case.over == "approval" and edition.resource.held:
        parts.append(f"held actions are given up at {edition.resource.held[0].until} and the case is obsolete")
    if case.person:
        parts.append(f"the reservation ends at {case.reserved_until}")
    return "; ".join(parts)


def why(edition: Edition) -> Json:
    """The reason that a person decides, and a sentence."""
    return {"reason": edition.case.why, "detail": _why(edition)}


def _after_tier(edition: Edition) -> str:
    case = edition.case
    if case.due is None:
        return "stays frozen until somebody rules: it is overdue"
    if case.tier + 1 < len(case.escalate.tiers_ms):
        return f"stays frozen; next tier at {case.due}"
    if case.escalate.on_expiry == "stay_frozen":
        return f"stays frozen; overdue at {case.due}"
    held = "held actions are refused (unresolved)" if edition.resource.held else "nobody is awarded anything"
    end = f"the case ends at {case.due}: {held}, {edition.subject} thaws"
    if case.escalate.on_expiry == "release" and edition.resource.holding:
        return f"{end}, {short(edition.resource.holding.agent)} loses it"
    return end


def _why(edition: Edition) -> str:
    case, contest, terms = edition.case, edition.contest, edition.terms
    match case.why:
        case "veto":
            found = standing_veto(contest) if contest else None
            return f"{found[0].seat} vetoed it: {found[0].reason}" if found else "a veto, taken back since"
        case "over_limit":
            cost = max((action.cost or 0 for action in edition.resource.held), default=0)
            return f"cost {cost} > {terms.freeze_above_cost if terms else None}"
        case "wait":
            waited = case.waited
            return f"{short(waited.agent)} waited for {waited.whom} until {waited.until}" if waited else "a wait passed"
        case _:
            rungs = [rung for rung in contest.ladder if rung not in ENDS] if contest else []
            return f"no result by {', '.join(rungs)}" if rungs else "the terms let a person decide"


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
            effects.append(f"{who} is admitted")
            contract = edition.situation.registry.contract_by_ref(action.contract)
            is_irreversible = is_irreversible or (contract is not None and contract.irreversible)
    return {"ruling": "approve", "effects": [*effects, _thaw(edition)], "irreversible": is_irreversible}


def _obstacle(edition: Edition, action: HeldAction) -> str:
    """Why an action would be refused all the same, as far as that is known already."""
    if edition.situation.registry.suspension_of(action.agent):
        return "suspended"
    return "" if action.token == edition.resource.token else "fenced"


def _reject(edition: Edition) -> Json:
    effects = [f"{one.type} of {short(one.agent)} is refused (ruled_out)" for one in edition.resource.held]
    return {"ruling": "reject", "effects": [*effects, _thaw(edition)], "irreversible": False}


def _answers(edition: Edition) -> Iterator[Json]:
    contest = edition.contest
    assert contest is not None
    thaw = _thaw(edition)
    for option in contest.live:
        effects = [f"the answer is {option.id}", thaw]
        yield {"ruling": "award", "candidate": option.id, "effects": effects, "irreversible": False}
    yield {"ruling": "reject_all", "effects": ["the question stays without an answer", thaw], "irreversible": False}


def _awards(edition: Edition) -> Iterator[Json]:
    parties = edition.resource.parties
    for one in parties:
        effects = _award(edition, one, len(parties))
        yield {"ruling": "award", "candidate": one.id, "effects": effects, "irreversible": False}
    holding = edition.resource.holding
    losers = [one for one in parties if holding is None or one.agent != holding.agent]
    denied = "1 claim is" if len(losers) == 1 else f"{len(losers)} claims are"
    effects = [f"{denied} denied (ruled_out)"] if losers and edition.contest else []
    effects += [_thaw(edition), *_again(edition)]
    yield {"ruling": "reject_all", "effects": effects, "irreversible": False}


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
    held = edition.resource.held
    return [f"{_actions(len(held))} looked at next"] if held else []


def _actions(count: int) -> str:
    return "1 held action is" if count == 1 else f"{count} held actions are"
