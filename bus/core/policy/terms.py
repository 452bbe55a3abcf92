"""The terms of a resource type: who may claim it, for how long, what must be true first, and how a contest ends."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from bus.core.frozen import dataclass
from bus.core.policy.contracts import JsonObject

OnHeld = Literal["deny", "preempt_if_higher", "contest"]
Method = Literal["plurality", "majority", "supermajority", "weighted", "approval", "schulze"]
OnExpiry = Literal["stay_frozen", "deny", "release"]
VetoThen = Literal["human", "deny"]

FACTS_TTL_MS = 90 * 24 * 3600 * 1000  # a quarter: what nobody has restated for that long is no longer known
HANDOVER_MS = 60_000  # as in the specification: a minute for the named agent to come
LEASE_MS = 120_000
COOLDOWN_MS = 60_000  # as in the specification: a loser leaves the holder in peace for a minute
BALLOT_MS = 20_000  # agents that ask a language model are slow
TURN_MS = 30_000
TURNS_MAX = 32  # what 32 offers have not brought together, a person will
BASIS_POINTS = 10_000
HALF_BP = 5_000
RESERVE_MS = 15 * 60 * 1000
TIERS_MS = (15 * 60 * 1000, 30 * 60 * 1000)
HOLD_MS = 7 * 24 * 3600 * 1000
# Without a ladder nothing is settled by a rule nobody chose: a person decides.
LADDER = ("human",)
UNLISTED_WEIGHT = 1  # a seat without a weight of its own has one vote, as in the other methods


@dataclass(frozen=True, slots=True)
class VoteTerms:
    """How the rung ``vote`` counts: who sits, by which method, for how long (ms). Shares in basis points.

    ``threshold_bp`` serves the method ``supermajority`` alone, ``weights`` (by seat) ``weighted`` alone.
    """

    seats: tuple[str, ...] = ()
    method: Method = "majority"
    threshold_bp: int = HALF_BP
    weights: Mapping[str, int] = field(default_factory=dict)
    quorum_bp: int = HALF_BP
    ballot_ms: int = BALLOT_MS
    claimants_vote: bool = False

    def weight(self, seat: str) -> int:
        """What a ballot of this seat weighs where ballots are weighed."""
        return self.weights.get(seat, UNLISTED_WEIGHT)


@dataclass(frozen=True, slots=True)
class NegotiateTerms:
    """What the parties may agree on, how long a turn lasts (ms), how many turns there are.

    ``outcomes`` () means an award to each candidate; ``max_turns`` None means two for each party, `TURNS_MAX` at most.
    """

    outcomes: tuple[str, ...] = ()
    turn_ms: int = TURN_MS
    max_turns: int | None = None

    def turns_max(self, parties: int) -> int:
        """How many turns so many parties have."""
        return min(TURNS_MAX, 2 * parties if self.max_turns is None else self.max_turns)


@dataclass(frozen=True, slots=True)
class VetoTerms:
    """A ``reject`` by this role for one of these reasons (a trailing ``*`` stands for any ending) ends the contest."""

    role: str
    reasons: tuple[str, ...]
    then: VetoThen

    def covers(self, reason: str) -> bool:
        """Is the reason one of those listed?"""
        return any(
            reason.startswith(listed[:-1]) if listed.endswith("*") else reason == listed for listed in self.reasons
        )


@dataclass(frozen=True, slots=True)
class EscalateTerms:
    """What happens with a case: whose queue, how long each tier has, how long a person or a held act may take.

    All times in milliseconds. ``on_expiry`` is never an approval.
    """

    queue: str = ""
    tiers_ms: tuple[int, ...] = TIERS_MS
    reserve_ms: int = RESERVE_MS
    on_expiry: OnExpiry = "stay_frozen"
    hold_ms: int = HOLD_MS


@dataclass(frozen=True, slots=True)
class Terms:
    """One revision of a resource type's terms. All times in milliseconds.

    ``window_ms`` 0 means first come, first served. ``claimants`` None lets every role claim. ``when`` names the values
    a fact must have before a claim is granted. ``freeze_above_cost`` None sets no limit.
    """

    resource: str
    revision: int
    window_ms: int = 0
    lease_ms: int = LEASE_MS
    lock_delay_ms: int = 0
    on_held: OnHeld = "deny"
    handover_ms: int = HANDOVER_MS
    cooldown_ms: int = COOLDOWN_MS
    facts_ttl_ms: int = FACTS_TTL_MS
    wait_max_ms: int = 0
    claimants: tuple[str, ...] | None = None
    ask: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    when: Mapping[str, tuple[str | int | bool, ...]] | None = None
    ladder: tuple[str, ...] = LADDER
    veto: tuple[VetoTerms, ...] = ()
    vote: VoteTerms = VoteTerms()
    negotiate: NegotiateTerms = NegotiateTerms()
    escalate: EscalateTerms = EscalateTerms()
    freeze_above_cost: int | None = None
    waiting_costs: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """How a basis names this revision: ``lead@3``."""
        return f"{self.resource}@{self.revision}"

    def rank(self, roles: frozenset[str]) -> int:
        """The priority of somebody with these roles: the best place of one of them, 0 first; unlisted comes last."""
        return min((place for place, role in enumerate(self.priority) if role in roles), default=len(self.priority))


def terms_from_json(value: JsonObject, revision: int) -> Terms:
    """Build terms from the value of a ``terms`` control (schema-checked before; integers may come as 1000.0)."""
    claimants = value.get("claimants")
    return Terms(
        resource=value["resource"],
        revision=revision,
        window_ms=int(value.get("window_ms", 0)),
        lease_ms=int(value.get("lease_ms", LEASE_MS)),
        lock_delay_ms=int(value.get("lock_delay_ms", 0)),
        on_held=value.get("on_held", "deny"),
        handover_ms=int(value.get("handover_ms", HANDOVER_MS)),
        cooldown_ms=int(value.get("cooldown_ms", COOLDOWN_MS)),
        facts_ttl_ms=int(value.get("facts_ttl_ms", FACTS_TTL_MS)),
        wait_max_ms=int(value.get("wait_max_ms", 0)),
        claimants=tuple(claimants) if claimants is not None else None,
        ask=tuple(value.get("ask", ())),
        priority=tuple(value.get("priority", ())),
        when={name: tuple(map(_whole_value, values)) for name, values in value.get("when", {}).items()},
        ladder=tuple(value.get("ladder", LADDER)),
        veto=tuple(VetoTerms(one["role"], tuple(one["reasons"]), one["then"]) for one in value.get("veto", ())),
        vote=_vote(value.get("vote", {})),
        negotiate=_negotiate(value.get("negotiate", {})),
        escalate=_escalate(value.get("escalate", {})),
        freeze_above_cost=_whole(value.get("freeze_above_cost")),
        waiting_costs=tuple(value.get("waiting_costs", ())),
    )


def _vote(value: JsonObject) -> VoteTerms:
    return VoteTerms(
        seats=tuple(value.get("seats", ())),
        method=value.get("method", "majority"),
        threshold_bp=int(value.get("threshold_bp", HALF_BP)),
        weights={seat: int(weight) for seat, weight in value.get("weights", {}).items()},
        quorum_bp=int(value.get("quorum_bp", HALF_BP)),
        ballot_ms=int(value.get("ballot_ms", BALLOT_MS)),
        claimants_vote=value.get("claimants_vote", False),
    )


def _negotiate(value: JsonObject) -> NegotiateTerms:
    return NegotiateTerms(
        outcomes=tuple(value.get("outcomes", ())),
        turn_ms=int(value.get("turn_ms", TURN_MS)),
        max_turns=_whole(value.get("max_turns")),
    )


def _escalate(value: JsonObject) -> EscalateTerms:
    return EscalateTerms(
        queue=value.get("queue", ""),
        tiers_ms=tuple(int(tier_ms) for tier_ms in value.get("tiers_ms", TIERS_MS)),
        reserve_ms=int(value.get("reserve_ms", RESERVE_MS)),
        on_expiry=value.get("on_expiry", "stay_frozen"),
        hold_ms=int(value.get("hold_ms", HOLD_MS)),
    )


def _whole_value(value: str | float) -> str | int:
    return int(value) if isinstance(value, float) else value  # true and false stay as they are


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
