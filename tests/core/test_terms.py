"""Terms: every field of the specification is read, and what is left out has the value the documents name."""

import pytest

from bus.core.policy.terms import EscalateTerms, NegotiateTerms, Terms, VetoTerms, VoteTerms, terms_from_json

FULL = {
    "resource": "lead",
    "window_ms": 500,
    "lease_ms": 120_000,
    "lock_delay_ms": 7,
    "on_held": "contest",
    "handover_ms": 61_000,
    "cooldown_ms": 62_000,
    "when": {"stage": ["qualified"]},
    "facts_ttl_ms": 7_776_000_001,
    "claimants": ["sales", "support"],
    "ask": ["triage-lead"],
    "priority": ["compliance", "sales", "support"],
    "ladder": ["priority", "vote", "negotiate", "human"],
    "veto": [{"role": "compliance", "reasons": ["regulatory.*"], "then": "human"}],
    "vote": {
        "seats": ["triage", "crm"],
        "method": "weighted",
        "threshold_bp": 6_000,
        "weights": {"crm": 2},
        "quorum_bp": 7_000,
        "ballot_ms": 21_000,
        "claimants_vote": True,
    },
    "negotiate": {"outcomes": ["sales"], "turn_ms": 31_000, "max_turns": 4},
    "freeze_above_cost": 100_000_000,
    "wait_max_ms": 14_400_000,
    "waiting_costs": ["reply"],
    "escalate": {
        "queue": "revenue",
        "tiers_ms": [900_000, 1_800_001],
        "reserve_ms": 900_001,
        "on_expiry": "deny",
        "hold_ms": 604_800_001,
    },
}
READ = Terms(
    resource="lead",
    revision=3,
    window_ms=500,
    lease_ms=120_000,
    lock_delay_ms=7,
    on_held="contest",
    handover_ms=61_000,
    cooldown_ms=62_000,
    facts_ttl_ms=7_776_000_001,
    wait_max_ms=14_400_000,
    claimants=("sales", "support"),
    ask=("triage-lead",),
    priority=("compliance", "sales", "support"),
    when={"stage": ("qualified",)},
    ladder=("priority", "vote", "negotiate", "human"),
    veto=(VetoTerms("compliance", ("regulatory.*",), "human"),),
    vote=VoteTerms(("triage", "crm"), "weighted", 6_000, {"crm": 2}, 7_000, 21_000, claimants_vote=True),
    negotiate=NegotiateTerms(("sales",), 31_000, 4),
    escalate=EscalateTerms("revenue", (900_000, 1_800_001), 900_001, "deny", 604_800_001),
    freeze_above_cost=100_000_000,
    waiting_costs=("reply",),
)


def test_every_field_is_read() -> None:
    """Terms with a value for each field come out with those values."""
    assert terms_from_json(FULL, 3) == READ


def test_left_out_fields_have_their_start_values() -> None:
    """Terms that name their resource alone are those of the documents."""
    assert terms_from_json({"resource": "lead"}, 1) == Terms("lead", 1, when={})


def test_a_number_with_an_empty_fraction_is_a_whole_number() -> None:
    """JSON has one kind of number: a fact of 1 is what terms with 1.0 ask for."""
    read = terms_from_json({"resource": "lead", "when": {"score": [1.0, True, "1"]}}, 1).when
    assert read == {"score": (1, True, "1")}
    assert [type(value) for value in (read or {})["score"]] == [int, bool, str]


def test_nothing_written_means_a_person() -> None:
    """Without a ladder nothing is settled by a rule nobody chose."""
    assert terms_from_json({"resource": "lead"}, 1).ladder == ("human",)


def test_whole_numbers_may_come_as_floats() -> None:
    """1000.0 is the integer 1000 to JSON Schema, and to terms."""
    read = terms_from_json({"resource": "lead", "window_ms": 1000.0, "negotiate": {"max_turns": 4.0}}, 1)
    assert (type(read.window_ms), type(read.negotiate.max_turns)) == (int, int)


@pytest.mark.parametrize(
    ("roles", "place"),
    [({"sales"}, 1), ({"support", "compliance"}, 0), ({"legal"}, 3), (set(), 3)],
)
def test_the_best_role_gives_the_priority(roles: set[str], place: int) -> None:
    """An agent has the best place of its roles; unlisted roles come last."""
    assert READ.rank(frozenset(roles)) == place


@pytest.mark.parametrize(
    ("reason", "is_covered"),
    [("regulatory.asc606", True), ("regulatory.", True), ("regulatory", False), ("sanctions", False)],
)
def test_a_star_stands_for_any_ending(reason: str, is_covered: bool) -> None:  # noqa: FBT001 a column of the table
    """A listed reason with a star covers all that begin like it."""
    assert READ.veto[0].covers(reason) is is_covered


def test_a_seat_without_a_weight_has_one_vote() -> None:
    """Where ballots are weighed, an unlisted seat weighs one."""
    assert [READ.vote.weight(seat) for seat in ("crm", "triage")] == [2, 1]
