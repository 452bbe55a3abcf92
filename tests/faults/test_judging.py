"""What the bench says of a run follows from the run: the order of blows, how long each was felt, what its page has."""

import random
from pathlib import Path

from tests.acceptance.chain import Segment
from tests.acceptance.control_oracle import Registry
from tests.acceptance.evidence import Evidence
from tests.acceptance.wire import Json, Record
from tests.faults.blows import FAULTS, Blow, bag, named
from tests.faults.checks import early_of, missing_of
from tests.faults.page import PAGE, with_results
from tests.faults.results import late, summed, table
from tests.faults.timing import Waits, blow_times


def test_a_seed_gives_the_same_blows_again() -> None:
    """The order of a turn follows from the seed alone, and every fault for so many brokers is in it."""
    turns = [[fault.name for fault in bag(named([], 1), random.Random(7))] for _ in range(2)]
    assert turns[0] == turns[1]
    assert set(turns[0]) == {fault.name for fault in FAULTS if 1 in fault.brokers}


def felt(target: str, waits: list[Waits]) -> list[Json]:
    """How long two blows were felt, the second of which fell 10 s after the first."""
    blows = [Blow("gone", target, "", 10_000, 11_000), Blow("cut", "connections", "", 20_000, 21_000)]
    return blow_times(blows, waits, 30_000)


def test_a_blow_is_felt_where_somebody_took_over() -> None:
    """The lane whose owner changed is hit; the wait of the other one stands beside it."""
    hit = Waits("gate", "sales", [(10_500, 7_000)], [16_000])
    other = Waits("gate", "support", [(10_500, 40)], [])
    first, _ = felt("gate-1", [hit, other])
    assert first["hit"] == ["sales"]
    assert first["felt_ms"] == {"gate": 7_000}
    assert first["others"]["max_ms"] == 40


def test_what_waits_into_the_next_blow_is_counted_there() -> None:
    """A message that came before the next blow is the first one's until that falls, not longer."""
    first, second = felt("gate-1", [Waits("gate", "sales", [(19_000, 9_000), (20_100, 7_900)], [16_000])])
    assert first["felt_ms"] == {"gate": 500}
    assert second["felt_ms"] == {"gate": 7_900}


def bout_of(blow: Json) -> Json:
    """A bout with one blow and nothing else."""
    counts = "sent messages forwarded contests granted admitted segments void_segments takeovers repeats_at_arbiter"
    names = f"{counts} repeated_answers cuts held_back lost_on_purpose".split()
    return {"seed": 3, "seconds": 1.0, "blows": [blow], **dict.fromkeys(names, 1)}


def test_a_stage_that_is_late_is_named() -> None:
    """One that was killed for good and taken over after 16 s is told, with its seed; one after 9 s is not."""
    blow: Json = {"fault": "gone", "target": "gate-1", "felt_ms": {"gate": 16_000}, "others": {"p99_ms": 10}}
    assert [*late([bout_of(blow)])] == ["gone of gate-1 (seed 3) was felt for 16000 ms"]
    assert [*late([bout_of({**blow, "felt_ms": {"gate": 9_000}})])] == []


def test_a_dead_gate_that_stalls_others_is_named() -> None:
    """Lanes of the other process that wait for seconds are told even if the dead one's are back in time."""
    blow: Json = {"fault": "gone", "target": "gate-1", "felt_ms": {"gate": 9_000}, "others": {"p99_ms": 4_000}}
    assert [*late([bout_of(blow)])] == ["while gate-1 was gone (seed 3) others waited 4000 ms"]


def test_the_table_has_a_line_for_each_fault() -> None:
    """Times, and the median and the worst of what was felt at each stage."""
    blow: Json = {"fault": "kill", "target": "gate-1", "felt_ms": {"gate": 2_500}, "others": {}}
    lines = [*table(summed([bout_of(blow), bout_of({**blow, "felt_ms": {"gate": 3_500}})]))]
    assert lines[1].split() == ["kill", "2", "3.5", "..", "3.5", "s"]


def evidence_of(values: list[str]) -> Evidence:
    """A lane with records of these ids."""
    log = [Record("bus.in.sales", 0, n, 0, None, (("ce_id", one.encode()),), b"") for n, one in enumerate(values)]
    return Evidence({"bus.in.sales": [log]}, {}, Registry(()))


def test_an_acknowledged_message_that_is_gone_is_found(tmp_path: Path) -> None:
    """Also if another message stands in its place."""
    taken = tmp_path / "taken"
    taken.write_text(f"sales 0 {b'a'.hex()}\nsales 1 {b'b'.hex()}\n")
    assert [*missing_of(evidence_of(["a", "b"]), [taken])] == []
    assert len([*missing_of(evidence_of(["a"]), [taken])]) == 1
    assert len([*missing_of(evidence_of(["a", "c"]), [taken])]) == 1


def segment_at(append_ms: int) -> Segment:
    """A gate's segment on the lane's first message."""
    record = Record("bus.gate.sales", 0, 1, append_ms, b"sales", (), b"")
    return Segment(record, {"kind": "gate", "from": 0, "to": 0})


def test_an_answer_before_its_segment_is_found() -> None:
    """One that went out with its segment is right; a millisecond before it is void at that time."""
    answer = Record("bus.out.sales", 0, 0, 1_000, b"", (("bus-decision", b"sales.0"),), b"{}")
    forwarded = Record("bus.arbiter", 0, 0, 1_000, b"", (("bus-src", b"bus.in.sales/0/0"),), b"{}")
    topics = {"bus.out.sales": [[answer]], "bus.arbiter": [[forwarded]]}
    assert [*early_of(Evidence(topics, {"gen": 1}, Registry(()), gate={"sales": [segment_at(1_000)]}))] == []
    late = Evidence(topics, {"gen": 1}, Registry(()), gate={"sales": [segment_at(1_001)]})
    assert len([*early_of(late)]) == 2


def test_the_page_has_the_results_of_the_committed_runs() -> None:
    """`python -m tests.faults.page` would change nothing."""
    text = PAGE.read_text(encoding="utf-8")
    assert with_results(text) == text
