"""What is wrong with terms: each finding, made by the smallest change to terms that are in order."""

from dataclasses import replace
from typing import Any

import pytest

from bus.core.contest.bound import bound_ms, bound_parts
from bus.core.contest.terms_checks import Finding, check_terms
from bus.core.decision.contest_events import Over
from bus.core.policy.terms import BASIS_POINTS, Method, Terms, VetoTerms, terms_from_json
from resolvers import RESOLVERS

GOOD: dict[str, Any] = {
    "resource": "lead",
    "window_ms": 500,
    "lease_ms": 120_000,
    "on_held": "contest",
    "claimants": ["sales", "support"],
    "ask": ["triage"],
    "priority": ["sales", "support"],
    "ladder": ["priority", "vote", "negotiate", "human"],
    "veto": [{"role": "compliance", "reasons": ["regulatory.*"], "then": "human"}],
    "vote": {"seats": ["triage", "crm", "quality"]},
    "negotiate": {"max_turns": 4},
    "escalate": {"queue": "revenue"},
}
DAY_MS = 24 * 3600 * 1000


def _changed(changes: dict[str, Any]) -> Terms:
    value = {**GOOD, **{name: change for name, change in changes.items() if "." not in name}}
    for name, change in changes.items():
        outer, _, inner = name.partition(".")
        if inner:
            value[outer] = {**value[outer], inner: change}
    return terms_from_json(value, 1)


def _found(changes: dict[str, Any]) -> list[tuple[str, str]]:
    findings = check_terms(_changed(changes), restart_bound_ms=10_000)
    return [(one.severity, one.field) for one in findings]


def test_good_terms_have_no_findings() -> None:
    """Terms in order have nothing wrong."""
    assert _found({}) == []


def test_the_terms_of_the_specification_have_no_error() -> None:
    """The example every reader copies can be used."""
    example = {"wait_max_ms": 14_400_000, "freeze_above_cost": 100_000_000, "priority": ["compliance", "sales"]}
    assert _found(example) == []


@pytest.mark.parametrize(
    ("changes", "severity", "field"),
    [
        ({"ladder": ["priority", "vote"]}, "error", "/ladder"),
        ({"ladder": [], "ask": []}, "error", "/ladder"),
        ({"ladder": ["priority", "human", "vote", "deny"]}, "error", "/ladder"),
        ({"ladder": ["vote", "lottery", "human"]}, "error", "/ladder"),
        ({"ladder": ["vote", "vote", "human"]}, "error", "/ladder"),
        ({"ladder": ["first_come", "vote", "human"]}, "warning", "/ladder"),
        ({"priority": []}, "warning", "/priority"),
        ({"claimants": []}, "error", "/claimants"),
        ({"on_held": "preempt_if_higher", "priority": [], "ladder": ["vote", "human"]}, "error", "/on_held"),
        ({"window_ms": 0}, "warning", "/window_ms"),
        ({"cooldown_ms": 0}, "warning", "/cooldown_ms"),
        ({"lease_ms": 29_999}, "warning", "/lease_ms"),
        ({"vote.seats": []}, "error", "/vote/seats"),
        ({"ladder": ["priority", "human"], "vote.seats": []}, "warning", "/ask"),
        ({"vote.seats": ["crm", "crm"]}, "error", "/vote/seats"),
        ({"vote.seats": [f"seat-{n}" for n in range(65)]}, "error", "/vote/seats"),
        ({"vote.seats": ["sales", "crm"]}, "warning", "/vote/seats"),
        ({"vote.quorum_bp": 10_001}, "error", "/vote/quorum_bp"),
        ({"vote.quorum_bp": 0}, "warning", "/vote/quorum_bp"),
        ({"vote.method": "supermajority", "vote.threshold_bp": 5_000}, "error", "/vote/threshold_bp"),
        ({"vote.method": "supermajority", "vote.threshold_bp": 10_001}, "error", "/vote/threshold_bp"),
        ({"vote.threshold_bp": -1}, "error", "/vote/threshold_bp"),
        ({"vote.method": "weighted", "vote.weights": {"legal": 1}}, "error", "/vote/weights"),
        (
            {"vote.method": "weighted", "vote.weights": {"triage": 0, "crm": 0, "quality": 0}},
            "error",
            "/vote/weights",
        ),
        ({"vote.method": "weighted", "vote.weights": {"crm": -1}}, "error", "/vote/weights"),
        ({"vote.weights": {"crm": 2}}, "warning", "/vote/weights"),
        ({"vote.ballot_ms": 0}, "error", "/vote/ballot_ms"),
        ({"veto": [{"role": "compliance", "reasons": [], "then": "deny"}]}, "error", "/veto/0/reasons"),
        ({"negotiate.turn_ms": 0}, "error", "/negotiate/turn_ms"),
        ({"negotiate.max_turns": 1}, "error", "/negotiate/max_turns"),
        (
            {"negotiate.max_turns": 2, "claimants": ["sales", "support", "legal"]},
            "warning",
            "/negotiate/max_turns",
        ),
        ({"negotiate.max_turns": 33}, "warning", "/negotiate/max_turns"),
        ({"negotiate.outcomes": ["sales", "sales"]}, "error", "/negotiate/outcomes"),
        ({"negotiate.outcomes": ["moon", "sun"]}, "error", "/negotiate/outcomes"),
        ({"negotiate.outcomes": ["sales"]}, "warning", "/negotiate/outcomes"),
        ({"escalate.queue": ""}, "error", "/escalate/queue"),
        ({"escalate.hold_ms": 30 * DAY_MS}, "error", "/escalate/hold_ms"),
        ({"escalate.hold_ms": 1_000_000}, "warning", "/escalate/hold_ms"),
        ({"escalate.tiers_ms": [], "escalate.on_expiry": "deny"}, "error", "/escalate/on_expiry"),
        ({"escalate.reserve_ms": 0}, "error", "/escalate/reserve_ms"),
        ({"escalate.reserve_ms": 2_700_001}, "error", "/escalate/reserve_ms"),
        ({"escalate.reserve_ms": 900_001}, "warning", "/escalate/reserve_ms"),
    ],
)
def test_a_finding_names_its_field(changes: dict[str, Any], severity: str, field: str) -> None:
    """One thing made wrong is found once, under its field, as an error if it cannot work."""
    assert _found(changes) == [(severity, field)]


@pytest.mark.parametrize(
    "changes",
    [
        {"ladder": ["vote", "deny"], "veto": [], "ask": [], "escalate.queue": ""},
        {"lease_ms": 30_000},
        {"escalate.hold_ms": 30 * DAY_MS - 1},
        {"vote.method": "supermajority", "vote.threshold_bp": 5_001},
        {"vote.quorum_bp": BASIS_POINTS},
        {"vote.seats": [f"seat-{n}" for n in range(64)]},
        {"on_held": "deny", "window_ms": 0},
        {"on_held": "deny", "window_ms": 0, "ask": [], "escalate.queue": ""},
    ],
)
def test_what_just_works_has_no_findings(changes: dict[str, Any]) -> None:
    """Terms on the right side of a limit are in order."""
    assert _found(changes) == []


def test_errors_come_first() -> None:
    """What cannot work is read before what is unwise."""
    assert _found({"lease_ms": 1, "vote.seats": []}) == [("error", "/vote/seats"), ("warning", "/lease_ms")]


def test_a_finding_says_what_to_do() -> None:
    """A finding is a sentence with its reason, and a hint with the next step."""
    assert check_terms(_changed({"lease_ms": 10_000}), restart_bound_ms=10_000) == (
        Finding(
            "warning",
            "/lease_ms",
            "a lease of 10000 ms is shorter than 3 restarts of the bus (30000 ms): "
            "holders lose it when the bus restarts",
            "set lease_ms to 30000",
        ),
    )


@pytest.mark.parametrize("method", ["plurality", "majority", "approval", "schulze"])
def test_no_method_needs_a_threshold(method: Method) -> None:
    """A threshold matters to a supermajority alone."""
    assert _found({"vote.method": method, "vote.threshold_bp": 0}) == []


@pytest.mark.parametrize(
    ("over", "changes", "expected_ms"),
    [
        ("claims", {}, 500 + 0 + 20_000 + 4 * 30_000),
        ("review", {}, 20_000),
        ("question", {}, 20_000),
        ("claims", {"ladder": ["priority", "first_come", "vote", "human"]}, 500),
        ("claims", {"ladder": ["human"]}, 500),
        ("review", {"ladder": ["priority", "human"]}, 20_000),
        ("claims", {"negotiate": {"turn_ms": 1_000}}, 500 + 20_000 + 32 * 1_000),
    ],
)
def test_the_bound_is_the_sum_of_its_parts(over: Over, changes: dict[str, Any], expected_ms: int) -> None:
    """The worst case is the window and every rung that can be reached, each to its end."""
    assert bound_ms(_changed(changes), over, RESOLVERS) == expected_ms


def test_the_parts_are_named_in_order() -> None:
    """Who reads the bound sees the window, the rungs and the end, each with its share."""
    parts = [(one.name, one.bound_ms) for one in bound_parts(_changed({}), "claims", RESOLVERS)]
    assert parts == [("window", 500), ("priority", 0), ("vote", 20_000), ("negotiate", 120_000), ("human", 0)]


def test_fewer_candidates_have_a_shorter_bound() -> None:
    """Two parties have four turns."""
    terms = _changed({"negotiate": {"turn_ms": 1_000}})
    assert bound_ms(terms, "claims", RESOLVERS, candidates=2) == 24_500


def test_a_veto_needs_a_queue_too() -> None:
    """A ladder that ends in deny still needs a queue if a veto calls a person."""
    terms = replace(_changed({"ladder": ["vote", "deny"], "escalate.queue": ""}), ask=())
    terms = replace(terms, veto=(VetoTerms("compliance", ("x",), "human"),))
    assert [one.field for one in check_terms(terms, restart_bound_ms=1)] == ["/escalate/queue"]
