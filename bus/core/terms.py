"""The terms of a resource type: who may claim it, for how long, and what must be true first."""

from collections.abc import Mapping
from dataclasses import dataclass

from bus.core.contracts import JsonObject

FACTS_TTL_MS = 90 * 24 * 3600 * 1000  # a quarter: what nobody has restated for that long is no longer known
HANDOVER_MS = 60_000  # as in the specification: a minute for the named agent to come
LEASE_MS = 120_000


@dataclass(frozen=True, slots=True)
class Terms:
    """One revision of a resource type's terms. All times in milliseconds.

    ``claimants`` None lets every role claim. ``when`` names the values a fact must have before a claim is granted.
    ``freeze_above_cost`` None sets no limit.
    """

    resource: str
    revision: int
    lease_ms: int = LEASE_MS
    lock_delay_ms: int = 0
    handover_ms: int = HANDOVER_MS
    facts_ttl_ms: int = FACTS_TTL_MS
    wait_max_ms: int = 0
    claimants: tuple[str, ...] | None = None
    ask: tuple[str, ...] = ()
    when: Mapping[str, tuple[str | int | bool, ...]] | None = None
    freeze_above_cost: int | None = None

    @property
    def ref(self) -> str:
        """How a basis names this revision: ``lead@3``."""
        return f"{self.resource}@{self.revision}"


def terms_from_json(value: JsonObject, revision: int) -> Terms:
    """Build terms from the value of a ``terms`` control (schema-checked before; integers may come as 1000.0)."""
    claimants = value.get("claimants")
    limit = value.get("freeze_above_cost")
    return Terms(
        resource=value["resource"],
        revision=revision,
        lease_ms=int(value.get("lease_ms", LEASE_MS)),
        lock_delay_ms=int(value.get("lock_delay_ms", 0)),
        handover_ms=int(value.get("handover_ms", HANDOVER_MS)),
        facts_ttl_ms=int(value.get("facts_ttl_ms", FACTS_TTL_MS)),
        wait_max_ms=int(value.get("wait_max_ms", 0)),
        claimants=tuple(claimants) if claimants is not None else None,
        ask=tuple(value.get("ask", ())),
        when={name: tuple(values) for name, values in value.get("when", {}).items()},
        freeze_above_cost=int(limit) if limit is not None else None,
    )
