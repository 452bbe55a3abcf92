"""An accepted loss is told as one: the chain is whole, what was lost is named, what follows is judged again alike."""

from bus.audit.verify import verify
from bus.core.log import topics
from bus.core.log.records import Record
from bus.core.log.routing import partition_of
from bus.core.policy.control import Change
from bus.core.state.gaps import change_to_json, fold_gap
from tests.audit.handmade import PARTITIONS, SALES, SUPPORT, HandmadeBus, busy_bus, found

CLAIM = "bus.resource.claim.v1"


def _losing(bus: HandmadeBus, p: int) -> list[int]:
    """Let a message of a lane and a change of terms be lost on their way into partition ``p``; their offsets there."""
    decide, lost = bus._decide, list[int]()

    def decide_unless_lost(partition: int, record: Record) -> None:
        if partition == p:
            lost.append(record.offset)
        else:
            decide(partition, record)

    bus._decide = decide_unless_lost  # type: ignore[method-assign,assignment]  # the records of this moment are lost
    before = bus.registry.number
    bus.send("sales", SALES, CLAIM, {}, subject=_subject(p, 0))
    bus.set("terms", "canoe", {"resource": "canoe", "window_ms": 0, "lease_ms": 3_000})
    bus._decide = decide  # type: ignore[method-assign]
    state, _, place = bus.arbiters[p]
    change = Change(before + 1, "terms", "canoe", 1, {"resource": "canoe", "window_ms": 0, "lease_ms": 3_000})
    body = {"kind": "gap", "engine": "1.0", "gen": 1, "p": p, "from": lost[0], "to": lost[-1]}
    body["changes"] = [change_to_json(change)]
    bus.bodies[place].append(body)
    fold_gap(state, body)
    return lost


def _subject(p: int, n: int) -> str:
    found = (f"lead/gap-{k}" for k in range(1000))
    return [name for name in found if partition_of(name, PARTITIONS) == p][n]


def test_what_follows_an_accepted_gap_is_checked_like_everything_else() -> None:
    """No finding: lanes go on behind the gap, the change that was lost is in force, and the chain says what is gone."""
    bus = busy_bus()
    lost = _losing(bus, 1)
    bus.send("sales", SALES, CLAIM, {}, subject=_subject(1, 1))
    bus.send("support", SUPPORT, CLAIM, {}, subject=_subject(1, 2))
    bus.set("terms", "kayak", {"resource": "kayak", "window_ms": 0, "lease_ms": 3_000})

    def forget(logs: dict[tuple[str, int], list[Record]]) -> None:
        log = logs[topics.ARBITER, 1]
        logs[topics.ARBITER, 1] = [record for record in log if record.offset not in lost]

    evidence = bus.evidence(forget)
    for check in ("chain", "fold", "completeness", "redecide", "contests"):
        assert not found(evidence, check), check
    told = verify(evidence, ["chain"], lambda _: None).checks[0].not_checked
    journal = len(bus.bodies[topics.JOURNAL, 1]) - 1 - 3
    lost_at = f"offsets {lost[0]} to {lost[-1]}"
    assert told == [f"bus.journal/1: gap accepted at offset {journal}: lost is input at {lost_at}"]


def test_a_gap_that_nobody_accepted_is_a_finding() -> None:
    """A segment that begins behind where the one before it ended is no accepted gap: the chain does not fit."""
    bus = busy_bus()
    lost = _losing(bus, 1)
    bus.bodies[topics.JOURNAL, 1].pop()
    bus.send("sales", SALES, CLAIM, {}, subject=_subject(1, 1))
    assert f"begins at input {lost[-1] + 1}" in found(bus.evidence(), "chain")[0]
