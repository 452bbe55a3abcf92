"""Properties of both stages: the same rows and entries for any batches, and the same outputs after any restore."""

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.log.records import Output, Record
from bus.shell.errors import FatalError
from tests.properties.stages import (
    Run,
    arbiter_stage,
    control_log,
    control_output,
    difference,
    everything,
    fold,
    gate_stage,
    lane_records,
    run,
)
from tests.properties.traffic import MOVES, PLAYS, Move, played

SEEDS = st.integers(0, 10**6)
SIZES = st.lists(st.integers(1, 12), max_size=20)
LANES = st.sampled_from(["sales", "operators"])
COUNT = 40
OURS = {"bus-key", "bus-src", "bus-at", "bus-control", "bus-contract", "bus-values", "bus-from", "bus-prev"}


def _gate_run(lane: str, records: list[Record], sizes: list[int]) -> Run:
    return run(gate_stage(lane, control_log(lane)), records, sizes)


def _control(outputs: list[Output]) -> list[Output]:
    return [output for output in outputs if output.topic == "bus.control"]


@given(LANES, SEEDS, SIZES)
def test_a_gate_writes_the_same_rows_for_any_batches(lane: str, seed: int, sizes: list[int]) -> None:
    """I8: however the records of a lane are cut into batches, rows and outputs are the same, byte for byte."""
    records = lane_records(lane, seed, COUNT)
    one_by_one, batched = _gate_run(lane, records, [1]), _gate_run(lane, records, sizes)
    assert batched.decisions() == one_by_one.decisions()
    assert not difference(batched.outputs(), one_by_one.outputs())


@given(LANES, SEEDS, SIZES, st.integers(0, 40), st.integers(0, 40))
def test_a_gate_goes_on_where_another_stopped(lane: str, seed: int, sizes: list[int], cut: int, mark: int) -> None:
    """A new owner sends again what may not have been sent, byte for byte, and judges the rest as the first would."""
    records = lane_records(lane, seed, COUNT)
    before = _gate_run(lane, records, sizes)
    cut = min(cut, len(before.values))
    mark = min(mark, cut)
    after = gate_stage(lane, control_log(lane, *_control(before.outputs(0, mark))))
    fold(after, before.values[:cut], mark)
    again = [output for draft in after.redraft({r.offset: r for r in records}) for output in everything(draft)]
    assert not difference(again, before.outputs(mark, cut))
    later = run(after, records[after.next_offset :], [3])
    assert not difference(later.outputs(), before.outputs(cut))
    assert before.decisions()[after.next_offset - len(later.decisions()) :] == later.decisions()


@given(LANES, SEEDS, SIZES, st.integers(0, 40))
def test_segments_found_to_be_published_after_all_are_not_sent_again(
    lane: str, seed: int, sizes: list[int], mark: int
) -> None:
    """A mark that comes by a take-over counts as one that was known from the start."""
    records = lane_records(lane, seed, COUNT)
    before = _gate_run(lane, records, sizes)
    mark = min(mark, len(before.values))
    after = gate_stage(lane, control_log(lane, *_control(before.outputs(0, mark))))
    fold(after, before.values, 0)
    after.mark_published(mark)
    again = [output for draft in after.redraft({r.offset: r for r in records}) for output in everything(draft)]
    assert not difference(again, before.outputs(mark))


@PLAYS
@given(MOVES, SIZES)
def test_an_arbiter_writes_the_same_entries_for_any_batches(moves: list[Move], sizes: list[int]) -> None:
    """I8: however a partition is cut into batches, entries and outputs are the same, byte for byte."""
    world = played(moves)
    one_by_one = run(arbiter_stage(world), world.log.records, [1])
    batched = run(arbiter_stage(world), world.log.records, sizes)
    assert batched.decisions() == one_by_one.decisions()
    assert not difference(batched.outputs(), one_by_one.outputs())


@PLAYS
@given(MOVES, SIZES, st.integers(0, 40), st.integers(0, 40))
def test_an_arbiter_goes_on_where_another_stopped(moves: list[Move], sizes: list[int], cut: int, mark: int) -> None:
    """A new owner sends again what may not have been sent, byte for byte, and judges the rest as the first would."""
    world = played(moves)
    records = world.log.records
    before = run(arbiter_stage(world), records, sizes)
    cut = min(cut, len(before.values))
    mark = min(mark, cut)
    after = arbiter_stage(world)
    fold(after, before.values[:cut], mark)
    again = [output for draft in after.redraft({r.offset: r for r in records}) for output in everything(draft)]
    assert not difference(again, before.outputs(mark, cut))
    later = run(after, records[after.next_offset :], [3])
    assert not difference(later.outputs(), before.outputs(cut))
    assert after.state == world.state


def _check_predecessors(outputs: list[Output]) -> None:
    last: dict[tuple[str, int], str] = defaultdict(str)
    for output in outputs:
        if output.topic != "bus.control":
            headers = dict(output.headers)  # of one name the last counts: it is ours
            place = (output.topic, output.partition)
            assert (headers["bus-prev"] or b"").decode() == last[place]
            last[place] = output.id


@PLAYS
@given(MOVES)
def test_every_output_of_an_arbiter_names_the_one_before(moves: list[Move]) -> None:
    """The ids sent to a place make one chain from "" on, without a hole."""
    world = played(moves)
    _check_predecessors(run(arbiter_stage(world), world.log.records, [5]).outputs())


@given(LANES, SEEDS)
def test_every_output_of_a_gate_names_the_one_before(lane: str, seed: int) -> None:
    """The ids sent to a place make one chain from "" on, without a hole."""
    _check_predecessors(_gate_run(lane, lane_records(lane, seed, COUNT), [5]).outputs())


@given(LANES, SEEDS)
def test_a_gate_passes_on_what_was_sent(lane: str, seed: int) -> None:
    """Forwarded and refused records keep value and the sender's headers byte for byte, and ours come behind."""
    records = lane_records(lane, seed, COUNT)
    for output in _gate_run(lane, records, [5]).outputs():
        if output.topic in ("bus.arbiter", "bus.refused"):
            record = records[int(output.id.rpartition(".")[2])]
            count = len(record.headers)
            assert (output.value, output.headers[:count]) == (record.value, record.headers)
            if output.topic == "bus.arbiter":
                assert {name for name, _ in output.headers[count:]} == OURS - {"bus-key"}


@given(LANES, SEEDS)
def test_every_row_of_a_gate_sends_what_its_verdict_asks_for(lane: str, seed: int) -> None:
    """One dead letter and one answer for a refusal, one answer for a duplicate, the record itself for what passes."""
    ran = _gate_run(lane, lane_records(lane, seed, COUNT), [5])
    sent: dict[str, list[str]] = defaultdict(list)
    for output in ran.outputs():
        sent[output.id].append(output.topic)
    for offset, verdict, *_, partitions in map(json.loads, ran.decisions()):
        topics = sent[f"{lane}.{offset}"]
        match verdict:
            case "refused":
                assert topics == ["bus.refused", f"bus.out.{lane}"]
            case "duplicate":
                assert topics == [f"bus.out.{lane}"]
            case _ if len(partitions) == 1:
                assert topics == ["bus.arbiter"]
            case _:
                assert topics == [*["bus.arbiter"] * 4, "bus.control", "bus.out.operators"]


@PLAYS
@given(MOVES)
def test_every_event_is_told_to_all_it_concerns(moves: list[Move]) -> None:
    """Every event goes to the public topic once and to each lane it concerns once, with the decision's id.

    Case files and dead letters are apart: they are about an event, and go where no event goes.
    """
    world = played(moves)
    outputs = run(arbiter_stage(world), world.log.records, [5]).outputs()
    told = [(o.topic, o.id) for o in outputs if o.topic not in ("bus.refused", "bus.escalations")]
    wanted = []
    for entry in world.entries:
        for event in entry.events:
            decision = f"1.0.{entry.o}.{event.n}"
            wanted.append(("bus.outcomes", decision))
            wanted += [(f"bus.out.{lane}", decision) for lane in dict.fromkeys(lane for lane, _ in event.to)]
    assert told == wanted
    refused = [o.id for o in outputs if o.topic == "bus.refused"]
    assert refused == [f"1.0.{entry.o}.0" for entry in world.entries if entry.verdict == "refused"]


def test_a_record_that_killed_the_gate_twice_is_refused_unread() -> None:
    """`poison` is refused without a look, with its bytes kept, and the lane goes on; a new owner says the same."""
    records = lane_records("sales", 1, 3)
    stage = gate_stage("sales", control_log("sales"))
    draft, count = stage.draft(records[:1], poison=0)
    assert draft is not None
    assert draft.items is not None
    [row] = [json.loads(item) for item in draft.items[1]]
    headers = dict(records[0].headers)
    sender = [(headers["ce_source"] or b"").decode(), (headers["ce_id"] or b"").decode()]
    assert (count, row[1:3], row[3:5]) == (1, ["refused", "poison"], sender)
    letter = next(output for output in draft.outputs if output.topic == "bus.refused")
    assert (letter.value, dict(letter.headers)["bus-reason"]) == (records[0].value, b"poison")
    after = gate_stage("sales", control_log("sales"))
    after.fold({**draft.body, "rows": [row]}, is_published=False)
    [again] = after.redraft({0: records[0]})
    assert not difference(again.outputs, draft.outputs)


def test_a_change_that_was_accepted_is_sent_again_whatever_the_broker_says_now() -> None:
    """A topic that is gone after the take-over does not undo a change the journal has: every partition knows it."""
    records = lane_records("operators", 4, COUNT)
    before = _gate_run("operators", records, [5])
    assert _control(before.outputs())
    after = gate_stage("operators", control_log("operators"), has_topics=False)
    fold(after, before.values, 0)
    again = [output for draft in after.redraft({r.offset: r for r in records}) for output in everything(draft)]
    assert not difference(_control(again), _control(before.outputs()))


def test_another_record_at_the_place_of_one_that_was_judged_stops_the_stage() -> None:
    """An input that is not the one the journal hashed is `log_divergence`, and nothing is sent for it."""
    records = lane_records("sales", 1, 5)
    before = _gate_run("sales", records, [5])
    after = gate_stage("sales", control_log("sales"))
    fold(after, before.values, 0)
    other = Record("bus.in.sales", 0, 2, 0, None, b"other", ())
    with pytest.raises(FatalError, match="not the record") as caught:
        after.redraft({record.offset: record for record in [*records[:2], other, *records[3:]]})
    assert caught.value.code == "log_divergence"


def test_a_change_in_force_is_written_down_at_once() -> None:
    """A gate that learns of a newer control number writes a segment without rows that says so, once."""
    log = control_log("sales")
    stage = gate_stage("sales", log)
    run(stage, lane_records("sales", 1, 3), [3])
    assert stage.draft([], poison=None) == (None, 0)
    output = control_output(log.registry.next_change("lane", "ops", {"principal": "ops"}))
    log._take(Record("bus.control", 0, 99, 0, output.key, output.value, output.headers))
    draft, count = stage.draft([], poison=None)
    assert draft is not None
    assert (count, draft.items, draft.body["from"], draft.body["to"]) == (0, ("rows", []), 3, 2)
    assert draft.body["control"] == log.registry.number
    assert stage.draft([], poison=None) == (None, 0)
