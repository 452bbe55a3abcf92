"""Properties of the arbiter under random traffic: one holder, rising tokens, the same entries always."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.core.arbiter import evolve, step
from bus.core.decision.entries import entry_from_json
from bus.core.log.records import Record, canonical
from bus.core.message.arrivals import read_arrival
from bus.core.state.partition import PartitionState
from resolvers import RESOLVERS, RESOLVERS_VERSION
from tests.contests.compare import differences
from tests.contests.oracle.log import Raw
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.properties.traffic import GIVEN, MOVES, PLAYS, Move, played
from tests.rules.arbiter_script import World, control_of
from tests.rules.cast import ANA, GEN, changes

LEAD = control_of(GIVEN.split())[2]


def _entries(world: World) -> list[dict[str, Any]]:
    return [json.loads(canonical(entry.to_json())) for entry in world.entries]


def _fresh(world: World) -> PartitionState:
    return PartitionState(GEN, 0, world.at_start, resolvers=RESOLVERS, resolvers_version=RESOLVERS_VERSION)


OURS = ("bus-src", "bus-at", "bus-prev", "bus-from", "bus-values", "bus-contract", "bus-control")
NEEDED = (*OURS, "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")


def _oracle(world: World) -> Oracle:
    """The oracle of contests, told what was set before the world began."""
    registry = Registry((ANA,))
    for kind, name, value in [*((one.kind, one.name, one.value) for one in changes()), ("terms", "lead", LEAD)]:
        registry.revs[f"{kind}/{name}"], registry.values[f"{kind}/{name}"] = 1, value
        if kind == "contract" and value is not None:
            registry.contracts[f"{name}@1"] = value["contract"]
        if kind == "agent" and value is not None:
            registry.last_lane[name] = value["lane"]
    registry.number = world.at_start.number
    return Oracle(registry)


def _is_whole(record: Record) -> bool:
    """Can a gate have written it, or the partition's owner? The oracle is for what can be read."""
    said = dict(record.headers)
    if list(said) == ["ce_type"]:
        return said["ce_type"] == b"bus.clock.tick.v1" and (record.value or b"").endswith(b"}")
    is_ours = (said.get("ce_type") or b"").startswith(b"bus.")
    return not set(NEEDED) - set(said) and (not is_ours or (record.value or b"").endswith(b"}"))


@PLAYS
@given(MOVES)
def test_the_oracle_agrees(moves: list[Move]) -> None:
    """Verdict, reason and every event of every entry are those the specification asks for."""
    world = played(moves)
    oracle = _oracle(world)
    for record, entry in zip(world.log.records, _entries(world), strict=True):
        if _is_whole(record):
            headers = tuple((name, value or b"") for name, value in record.headers)
            wanted = oracle.step(Raw(record.offset, record.timestamp_ms, headers, record.value or b""))
        else:
            wanted = {"o": record.offset, "verdict": "repeat", "reason": "alien", "events": []}
        wrong = differences(wanted, entry)
        assert not wrong, f"offset {record.offset}: {wrong} {record.headers} {record.value!r}"


@PLAYS
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


@PLAYS
@given(MOVES)
def test_nobody_is_accepted_late_or_late_in_time(moves: list[Move]) -> None:
    """I6: `late` comes at the deadline and not before it, and nobody acts or renews at or after it."""
    until: dict[str, int] = {}
    frozen: set[str] = set()  # there the lease clock stands still
    for entry in _entries(played(moves)):
        for event in entry["events"]:
            subject, at = event.get("subject", ""), entry.get("at", 0)
            if event["kind"] == "frozen":
                frozen.add(subject)
            if event["kind"] == "unfrozen":
                frozen.remove(subject)
                until[subject] = event.get("until", until.get(subject, 0))
            if event["kind"] in ("granted", "renewed", "confirmed", "action_admitted") and "token" in event:
                assert event["kind"] == "granted" or subject in frozen or event.get("held") or at < until[subject]
                assert event["until"] >= until.get(subject, 0) or event["kind"] == "granted"
                until[subject] = event["until"]
            is_holders = event.get("reason") == "late" and (event["kind"] == "denied" or "token" in event)
            if is_holders and event["kind"] in ("denied", "refused"):
                assert at >= until[subject]


@PLAYS
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


@PLAYS
@given(MOVES)
def test_every_record_has_one_entry(moves: list[Move]) -> None:
    """I4: the entries' offsets are those of the records, none twice and none left out."""
    world = played(moves)
    assert [entry["o"] for entry in _entries(world)] == [record.offset for record in world.log.records]


@PLAYS
@given(MOVES)
def test_the_indexes_stay_in_step(moves: list[Move]) -> None:
    """What is kept for speed equals what a look at everything gives: the next deadline, and who holds what."""
    state = played(moves).state
    deadlines = [d for r in state.resources.values() if (d := r.next_deadline()) is not None]
    assert state.next_deadline() == min(deadlines, default=None)
    stakes: dict[str, set[str]] = {}
    for subject, resource in state.resources.items():
        for kept in (resource.holding, resource.handover, *resource.claims):
            if kept:
                stakes.setdefault(kept.agent, set()).add(subject)
    assert {who: subjects for who, subjects in state.stakes.items() if subjects} == stakes


@PLAYS
@given(MOVES)
def test_in_silence_everything_ends(moves: list[Move]) -> None:
    """I10: with nobody speaking, ticks end whatever there is but cases, and what these freeze; nothing stays due."""
    world = played(moves)
    while (deadline := world.state.next_deadline()) is not None:
        world.judge(world.log.tick(deadline))
        after = world.state.next_deadline()
        assert after is None or after > deadline
    left = [resource for resource in world.state.resources.values() if not resource.case]
    assert not any(resource.holding or resource.contest or resource.held or resource.wait for resource in left)


@PLAYS
@given(MOVES)
def test_free_text_enters_no_journal(moves: list[Move]) -> None:
    """A body's free text is in no entry: the reason of a suspension or a revocation stays where it came by."""
    assert not [entry for entry in _entries(played(moves)) if '"because"' in json.dumps(entry)]
