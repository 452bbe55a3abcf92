"""Properties of the arbiter under random traffic: one holder, rising tokens, the same entries always."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.core.arbiter import evolve, step
from bus.core.arrivals import read_arrival
from bus.core.entries import entry_from_json
from bus.core.partition import PartitionState
from bus.core.records import canonical
from tests.properties.ownership_oracle import Oracle, in_short
from tests.properties.traffic import MOVES, Move, played
from tests.rules.arbiter_script import World
from tests.rules.cast import GEN


def _entries(world: World) -> list[dict[str, Any]]:
    return [json.loads(canonical(entry.to_json())) for entry in world.entries]


def _fresh(world: World) -> PartitionState:
    return PartitionState(GEN, 0, world.at_start)


@given(MOVES)
def test_the_oracle_agrees(moves: list[Move]) -> None:
    """Verdict, reason, token, end and retry of every entry are those the specification asks for."""
    world = played(moves)
    lead = {"resource": "lead", "lease_ms": 20_000, "lock_delay_ms": 5_000, "handover_ms": 10_000, "when": {}}
    oracle = Oracle({"lead": lead}, world.at_start.number)
    for record, entry in zip(world.log.records, _entries(world), strict=True):
        wanted = oracle.step(record.offset, record.value, list(record.headers))
        assert in_short(entry) == wanted, f"offset {record.offset}: {record.headers} {record.value!r}"


@given(MOVES)
def test_there_is_one_holder_and_its_token_rises(moves: list[Move]) -> None:
    """I1, I2: nobody is granted what another holds, and every grant of a subject has a higher token than all before."""
    holder: dict[str, str] = {}
    highest: dict[str, int] = {}
    for entry in _entries(played(moves)):
        for event in entry["events"]:
            subject = event.get("subject", "")
            match event["kind"]:
                case "granted":
                    assert subject not in holder
                    assert event["token"] > highest.get(subject, 0)
                    holder[subject], highest[subject] = event["agent"], event["token"]
                case "ended":
                    assert (holder.pop(subject), highest[subject]) == (event["agent"], event["token"])
                case "renewed" | "confirmed":
                    assert (holder[subject], highest[subject]) == (event["agent"], event["token"])
                case "action_admitted" if "token" in event:
                    assert (holder[subject], highest[subject]) == (event["agent"], event["token"])


@given(MOVES)
def test_nobody_is_accepted_late_or_late_in_time(moves: list[Move]) -> None:
    """I6: `late` comes at the deadline and not before it, and nobody acts or renews at or after it."""
    until: dict[str, int] = {}
    for entry in _entries(played(moves)):
        for event in entry["events"]:
            subject, at = event.get("subject", ""), entry.get("at", 0)
            if event["kind"] in ("granted", "renewed", "confirmed", "action_admitted") and "token" in event:
                assert event["kind"] == "granted" or at < until[subject]
                assert event["until"] >= until.get(subject, 0) or event["kind"] == "granted"
                until[subject] = event["until"]
            is_holders = event.get("reason") == "late" and (event["kind"] == "denied" or "token" in event)
            if is_holders and event["kind"] in ("denied", "refused"):
                assert at >= until[subject]


@given(MOVES, st.integers(0, 60))
def test_a_restore_from_any_cut_goes_on_the_same(moves: list[Move], cut: int) -> None:
    """I8, I9: whoever folds the journal's first entries decides the rest byte for byte as the first owner did."""
    world = played(moves)
    state = _fresh(world)
    for entry in _entries(world)[:cut]:
        evolve(state, entry_from_json(entry))
    later = [canonical(step(state, read_arrival(record)).to_json()) for record in world.log.records[cut:]]
    assert later == [canonical(entry.to_json()) for entry in world.entries[cut:]]
    assert state == world.state


@given(MOVES)
def test_every_record_has_one_entry(moves: list[Move]) -> None:
    """I4: the entries' offsets are those of the records, none twice and none left out."""
    world = played(moves)
    assert [entry["o"] for entry in _entries(world)] == [record.offset for record in world.log.records]


@given(MOVES)
def test_the_indexes_stay_in_step(moves: list[Move]) -> None:
    """What is kept for speed equals what a look at everything gives: the next deadline, and who holds what."""
    state = played(moves).state
    deadlines = [d for r in state.resources.values() if (d := r.next_deadline()) is not None]
    assert state.next_deadline() == min(deadlines, default=None)
    held: dict[str, set[str]] = {}
    for subject, resource in state.resources.items():
        if resource.holding:
            held.setdefault(resource.holding.agent, set()).add(subject)
    assert {who: subjects for who, subjects in state.stakes.items() if subjects} == held


@given(MOVES)
def test_in_silence_everything_ends(moves: list[Move]) -> None:
    """I10: with nobody speaking, ticks end every holding, hand-over, lock delay and fact, and nothing stays due."""
    world = played(moves)
    while (deadline := world.state.next_deadline()) is not None:
        world.judge(world.log.tick(deadline))
        after = world.state.next_deadline()
        assert after is None or after > deadline
    assert not any(resource.holding for resource in world.state.resources.values())


@given(MOVES)
def test_free_text_enters_no_journal(moves: list[Move]) -> None:
    """A body's free text is in no entry: the reason of a suspension or a revocation stays where it came by."""
    assert not [entry for entry in _entries(played(moves)) if '"because"' in json.dumps(entry)]
