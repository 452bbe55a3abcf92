"""Why an agent may not be given a subject now, and why a held action may not go: status and authority as of now.

Who decides asks it to decide, and the case file asks it to say beforehand what a ruling will do: they never differ.
"""

from bus.core.decision.reasons import ArbiterReason as Why
from bus.core.policy.control import Registry
from bus.core.policy.terms import Terms
from bus.core.state.cases import HeldAction


def why_not_granted(registry: Registry, agent: str, terms: Terms | None) -> str:
    """Why this agent may not be granted a subject under these terms, or ""."""
    if registry.suspension_of(agent):
        return Why.SUSPENDED
    claimants = terms.claimants if terms else None
    if agent not in registry.agents or (claimants is not None and registry.roles(agent).isdisjoint(claimants)):
        return Why.NOT_ALLOWED
    return ""


def why_not_awarded(registry: Registry, agent: str, terms: Terms | None, *, holder: str, is_contested: bool) -> str:
    """Why a person may not award the subject to this agent, or "".

    A holder keeps it whatever its roles are now. Of a wait nothing but the terms in force says how long a grant lasts,
    so once they are gone nobody but the holder can be given it.
    """
    reason = why_not_granted(registry, agent, terms if is_contested else None)
    if agent == holder:
        return reason if reason == Why.SUSPENDED else ""
    return reason if reason or terms is not None else Why.UNKNOWN_RESOURCE


def why_not_released(registry: Registry, action: HeldAction, *, token: int, later: int) -> str:
    """Why a held action will not be done if it is let go at ``later`` (ms), or ""; ``token`` is the current one."""
    if registry.suspension_of(action.agent):
        return Why.SUSPENDED
    if action.expiry is not None and later >= action.expiry:
        return Why.EXPIRED
    if token != action.token:
        return Why.FENCED
    contract = registry.contract_by_ref(action.contract)
    may = contract.may if contract else ()
    if action.agent not in registry.agents or (may is not None and registry.roles(action.agent).isdisjoint(may)):
        return Why.NOT_ALLOWED
    return ""
