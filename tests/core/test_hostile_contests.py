"""What a hostile sender, a stranger's resolver or sheer numbers may not do to contests, cases and waits."""

from dataclasses import dataclass, replace

import pytest

from bus.core.arbiter import step
from bus.core.contest.contest import CANDIDATES_MAX, Hears, Resolution, Settle, View, Wait
from bus.core.contest.ladder import after_tick
from bus.core.log.records import canonical
from bus.core.message.arrivals import Alien, Tick, read_arrival
from bus.core.policy.terms import Terms
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Resource
from bus.core.steps.deadlines import BYTES_PER_TICK_MAX
from tests.resolvers.built import START, terms, window
from tests.rules.cast import GEN, ArbiterLog, agent, spoken
from tests.rules.cast import registry as registry_at_start


@dataclass(frozen=True)
class _WaitsOnAndOn:
    """A stranger's resolver that keeps to its bound, but waits for it in small steps."""

    name: str = "vote"
    hears: Hears = "ballots"

    def bound_ms(self, terms: Terms, candidates: int) -> int:  # noqa: ARG002 the protocol
        return 1000

    def resolve(self, view: View, now: int) -> Resolution:
        return Wait(now + 10) if now < view.started + 1000 else Settle(view.candidates[0].id, "vote")


def test_a_rung_has_one_deadline() -> None:
    """A resolver that waits once more when its deadline fired has no result: else no tick would come to its end."""
    table = {"vote": _WaitsOnAndOn()}
    entered = after_tick(window(terms("vote", "deny"), "sales-1", "sales-2"), table, now=START + 100)
    assert entered.result == Wait(START + 110)
    passed = after_tick(entered.contest, table, now=START + 110)
    assert (passed.result, passed.passed[0].why) == (Settle("none", "deny"), "bound")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("bus.resource.claim.v1", {"lease_ms": "long"}),
        ("bus.resource.claim.v1", {"reasoning": 7}),
        ("bus.resource.release.v1", {"token": 1, "to": {}}),
        ("bus.resource.renew.v1", {"token": float("inf")}),
        ("bus.resource.renew.v1", {"token": float("nan")}),
        ("bus.agent.wait.v1", {"for": "ship/T-1", "until": float("inf")}),
        ("bus.contest.ask.v1", {"options": ["yes", {}]}),
        ("bus.contest.ask.v1", {"options": ["yes", "no"], "until": "noon"}),
        ("bus.contest.vote.v1", {"contest": "1.0.0.0", "choice": [["c1"]], "reason": "fits"}),
        ("bus.contest.vote.v1", {"contest": "1.0.0.0", "choice": "c1", "reason": "fits", "confidence": "high"}),
        ("bus.contest.offer.v1", {"contest": "1.0.0.0", "turn": float("nan"), "outcome": "c1"}),
        ("bus.case.rule.v1", {"case": "1.0.0.0", "rev": 1, "ruling": "award", "reason": "so", "candidate": []}),
    ],
)
def test_a_body_no_gate_lets_through_is_an_alien(kind: str, body: dict[str, object]) -> None:
    """Whoever gets hold of the topic's key cannot stop the partition with a field of another type."""
    headers = spoken(kind, source=agent("sales"), identifier="m1", at_ms=1, subject="lead/L-1")
    assert isinstance(read_arrival(ArbiterLog().forward("sales", headers, body, at_ms=1, control=1)), Alien)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("bus.resource.claim.v1", {"lease_ms": 60000.0, "reasoning": "mine"}),
        ("bus.resource.release.v1", {"token": 7.0, "to": agent("support")}),
        ("bus.contest.ask.v1", {"options": ["yes", "no"], "until": 5.0}),
        ("bus.case.rule.v1", {"case": "1.0.0.0", "rev": 1.0, "ruling": "award", "reason": "so", "candidate": "yes"}),
    ],
)
def test_what_a_schema_lets_through_is_read(kind: str, body: dict[str, object]) -> None:
    """JSON Schema takes 7.0 for an integer, so the arbiter has to."""
    headers = spoken(kind, source=agent("sales"), identifier="m1", at_ms=1, subject="lead/L-1")
    assert not isinstance(read_arrival(ArbiterLog().forward("sales", headers, body, at_ms=1, control=1)), Alien)


def test_an_entry_stays_within_a_record_of_the_journal() -> None:
    """Sixty contests of 64 agents with the longest names end at once: as many ticks as it takes, none too large."""
    names = [f"spiffe://acme/agent/{n:0128}" for n in range(CANDIDATES_MAX)]
    registry = replace(registry_at_start(), agent_lanes=dict.fromkeys(names, "sales"))
    registry = registry.apply(registry.next_change("terms", "lead", {"resource": "lead", "ladder": ["human"]}))
    state = PartitionState(GEN, 0, registry)
    contest = window(registry.terms["lead"], *names)
    for n in range(60):
        state.put(f"lead/L-{n}", Resource(contest=contest))
    sizes: list[int] = []
    while any(not resource.case for resource in state.resources.values()):
        tick = Tick(len(sizes), len(sizes) - 1, contest.deadline, ())
        sizes.append(len(canonical(step(state, tick).to_json())))
    assert len(sizes) > 1
    assert max(sizes) < BYTES_PER_TICK_MAX + 64 * 1024
