"""The page of reasons: what each means, as the core says it, and what to do, as the client says it."""

from bus.client.advice import advice_on
from bus.core.decision.reasons import ArbiterReason, GateReason
from docs.generate import tables

INTRODUCTION = """
Every "no" of the bus carries one reason: the first that applies, in this order. A refusal lists **all** violations of
the first failing check, each with the path, the keyword or rule, a message and a hint. *What to do* is the sentence the
client's exceptions carry as `advice`, written so that an agent which can only read may act on it.
"""
GATE = """
## At the gate

The gate judges the message: its form, its sender, its contract.
"""
ARBITER = """
## At the arbiter

The arbiter judges the act, in this order: of a resource that is held it says `held`, and not whether you may claim it
at all. A claim that fails is `denied`, anything else that fails is `refused`. A reason that the gate has too is told
here as of this moment in the partition's order.
"""
COLUMNS = ("Reason", "What it means", "What to do")


def page() -> str:
    """The text of docs/reference/reasons.md."""
    gate = tables.table(COLUMNS, [_row(reason) for reason in GateReason])
    arbiter = tables.table(COLUMNS, [_row(reason) for reason in ArbiterReason])
    return tables.page("Reasons", INTRODUCTION, GATE, gate, ARBITER, arbiter)


def _row(reason: GateReason | ArbiterReason) -> tuple[str, str, str]:
    is_again = isinstance(reason, ArbiterReason) and reason.value in set(GateReason)
    return f"`{reason.value}`{' (again)' if is_again else ''}", reason.meaning, f"{advice_on(reason.value)}."
