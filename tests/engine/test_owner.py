"""The owner loop on a real Kafka: what survives a death, a second owner, a bad record, a gap."""

import subprocess
import urllib.request
from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from bus.core.log.journal import Tip, advance, continues, parse_segment, seal
from bus.core.log.records import canonical, digest
from bus.shell import kafka
from tests.engine.conftest import World, until


def rows_of(world: World, lane: str) -> list[list[object]]:
    """The rows of the valid segments of a lane's journal."""
    tip, rows = Tip(), []
    for message in world.read(f"bus.gate.{lane}"):
        segment = parse_segment(message.value())
        if segment is not None and continues(tip, segment):
            tip = advance(tip, message.value())
            rows += segment.get("rows", [])
    return rows


def row_at(world: World, lane: str, offset: int) -> list[object]:
    """The row of one input offset, awaited."""
    return until(
        lambda: next((row for row in rows_of(world, lane) if row[0] == offset), None),
        f"no row for offset {offset} of lane {lane}",
    )


def test_a_message_is_answered_after_a_kill(world: World) -> None:
    """What was sent while no stage ran is judged by the next one, and each offset has exactly one row."""
    first = world.started("gate", "arbiter")
    agent = world.lane("killed")
    world.kill(first)
    ids = [world.send("killed", "bus.resource.claim.v1", {}, source=agent, subject=f"boat/{n}") for n in range(20)]
    world.started("gate", "arbiter")
    kinds = [world.answer("killed", identifier)["kind"] for identifier in ids]
    assert kinds == ["granted"] * 20
    assert [row[0] for row in rows_of(world, "killed")] == list(range(20))


def _dead_or_done(world: World, process: subprocess.Popen[str], lane: str) -> Callable[[], bool | None]:
    return lambda: process.poll() is not None or len(rows_of(world, lane)) == 2 or None


@pytest.mark.parametrize("death", ["kill", "raise", "hang"])
def test_a_record_that_kills_the_stage_twice_is_poison(world: World, death: str) -> None:
    """It is judged alone after the first death, refused after the third, and what stands behind it is judged.

    One that hangs for ever in native code is a death as well: the process ends itself.
    """
    lane = f"pill-{death}"
    first = world.started("gate", "arbiter")
    agent = world.lane(lane)
    world.kill(first)
    world.send(lane, "bus.resource.claim.v1", {"reasoning": f"swallow-{death}"}, source=agent, subject="boat/x")
    world.send(lane, "bus.resource.claim.v1", {}, source=agent, subject="boat/y")
    pill = {"ENGINE_TEST_PILL": f"swallow-{death}", "ENGINE_TEST_DEATH": death, "AGENTBUS_HANG_S": "2"}
    for _ in range(4):
        mortal = world.start("gate", "arbiter", **pill)
        until(_dead_or_done(world, mortal, lane), "the gate neither died nor went on")
        if mortal.poll() is None:
            break
        world.running.remove(mortal)
    poisoned, behind = row_at(world, lane, 0), row_at(world, lane, 1)
    assert poisoned[1:3] == ["refused", "poison"]
    assert behind[1] == "forwarded"
    dead = [
        m for p in range(3) for m in world.read("bus.refused", p) if dict(m.headers()).get("bus-reason") == b"poison"
    ]
    assert any(f"swallow-{death}".encode() in message.value() for message in dead)


def test_a_record_whose_judge_was_killed_by_others_is_judged(world: World) -> None:
    """The gate died twice while it judged it alone, and not because of it: it is tried once more, and goes its way."""
    lane = "unlucky"
    first = world.started("gate", "arbiter")
    agent = world.lane(lane)
    world.kill(first)
    body = {"reasoning": "out of luck"}
    identifier = world.send(lane, "bus.resource.claim.v1", body, source=agent, subject="boat/u")
    for _ in range(2):
        mortal = world.start("gate", ENGINE_TEST_PILL="out of luck")
        mortal.wait(30)
        world.running.remove(mortal)
    world.started("gate", "arbiter")
    assert world.answer(lane, identifier)["kind"] == "granted"


def test_two_owners_of_one_lane_leave_one_chain(world: World) -> None:
    """A second gate that believes it owns the lane as well makes void segments at most, and none is seen outside."""
    world.started("gate", "arbiter")
    agent = world.lane("twice")
    world.started("gate", ENGINE_TEST_GROUP="bus-gate-zombie", ENGINE_TEST_NAME="two")
    for n in range(200):
        world.send("twice", "bus.resource.claim.v1", {}, source=agent, subject=f"boat/t{n}")
    row_at(world, "twice", 199)
    rows = rows_of(world, "twice")
    assert [row[0] for row in rows] == list(range(200))
    decisions = {answer["decision"] for answer in world.answers("twice")}
    void = {d for d in decisions if d.startswith("twice.")} - {
        f"twice.{row[0]}" for row in rows if row[1] != "forwarded"
    }
    assert not void, "an answer of a void segment was seen outside"


def test_an_offset_without_a_record_is_no_gap(world: World) -> None:
    """A transaction on a lane leaves offsets that hold no record; the gate goes over them and skips nothing."""
    world.started("gate", "arbiter")
    agent = world.lane("markers")
    sender = Producer({**world.config, "transactional.id": "somebody"})
    sender.init_transactions(10)
    for n in range(3):
        sender.begin_transaction()
        sender.produce("bus.in.markers", value=b"{}")
        sender.commit_transaction(10)
        identifier = world.send("markers", "bus.resource.claim.v1", {}, source=agent, subject=f"boat/m{n}")
        assert world.answer("markers", identifier)["kind"] == "granted"
    offsets = [message.offset() for message in world.read("bus.in.markers")]
    assert offsets[-1] > len(offsets) - 1, "the transactions left no offset without a record"
    assert [row[0] for row in rows_of(world, "markers")] == offsets


def test_garbage_never_stops_a_partition(world: World) -> None:
    """Bytes of every kind on a lane are refused one by one, with their bytes kept, and the next message is judged."""
    world.started("gate", "arbiter")
    agent = world.lane("garbage")
    hostile: list[tuple[bytes | None, list[tuple[str, str | bytes | None]]]] = [
        (None, []),
        (b"\xff\xfe", [("ce_id", None)]),
        (b"{" * 60_000, [("ce_type", b"\xff"), ("\u00e9", b"x")]),
        (b"x" * 900_000, [(f"h{n}", b"v") for n in range(100)]),
        (b"null", [("ce_specversion", b"1.0"), ("ce_specversion", b"1.0"), ("bus-at", b"1")]),
    ]
    for value, headers in hostile:
        world.producer.produce("bus.in.garbage", value=value, headers=headers)
    world.producer.flush(10)
    identifier = world.send("garbage", "bus.resource.claim.v1", {}, source=agent, subject="boat/g")
    assert world.answer("garbage", identifier)["kind"] == "granted"
    reasons = [row[2] for row in rows_of(world, "garbage")]
    assert reasons == ["bad_envelope", "bad_envelope", "bad_envelope", "too_large", "bad_envelope", ""]
    kept = [
        m for p in range(3) for m in world.read("bus.refused", p) if b"bus.in.garbage" in dict(m.headers())["bus-src"]
    ]
    assert [message.value() for message in kept] == [value for value, _ in hostile]


def test_large_records_in_a_small_batch_stop_nobody(world: World) -> None:
    """A compressed batch carries keys and headers larger than any topic takes: refused, and the lane goes on."""
    world.started("gate", "arbiter")
    agent = world.lane("packed")
    sender = Producer({**world.config, "compression.type": "gzip", "message.max.bytes": 10_000_000})
    large = b"x" * 3_000_000
    sender.produce("bus.in.packed", value=b"{}", key=large)
    sender.produce("bus.in.packed", value=b"{}", headers=[("much", large)])
    sender.produce("bus.in.packed", value=large)
    sender.produce("bus.in.packed", value=large[:900_000], headers=[("much", large[:900_000])])
    sender.flush(10)
    identifier = world.send("packed", "bus.resource.claim.v1", {}, source=agent, subject="boat/p")
    assert world.answer("packed", identifier)["kind"] == "granted"
    assert [row[2] for row in rows_of(world, "packed")] == ["too_large"] * 4 + [""]
    assert len(world.refused("packed")) == 4


def test_an_aborted_or_open_transaction_holds_up_nobody(world: World) -> None:
    """Records of an open transaction, and an aborted one at the very end of a lane, are judged like any other."""
    world.started("gate", "arbiter")
    agent = world.lane("open")
    sender = Producer({**world.config, "transactional.id": "somebody-else"})
    sender.init_transactions(10)
    sender.begin_transaction()
    sender.produce("bus.in.open", value=b"{}")
    sender.flush(10)
    identifier = world.send("open", "bus.resource.claim.v1", {}, source=agent, subject="boat/o")
    assert world.answer("open", identifier)["kind"] == "granted"
    sender.abort_transaction(10)
    assert [row[2] for row in rows_of(world, "open")] == ["bad_envelope", ""]


def test_a_deleted_lane_stops_nobody_else(world: World) -> None:
    """A lane whose topics were deleted is left out, by the gate and by the clock: other lanes' leases still end."""
    first = world.started("gate", "arbiter")
    world.lane("gone")
    agent = world.lane("stays")
    world.set("terms", "raft", {"resource": "raft", "window_ms": 0, "on_held": "deny", "lease_ms": 1000})
    world.kill(first)
    admin = kafka.admin(world.config)
    for future in admin.delete_topics(["bus.in.gone", "bus.out.gone", "bus.gate.gone"]).values():
        future.result(10)
    world.started("gate", "arbiter")
    identifier = world.send("stays", "bus.resource.claim.v1", {}, source=agent, subject="raft/1")
    token = world.answer("stays", identifier)["token"]
    ended = until(
        lambda: next((a for a in world.answers("stays") if a["kind"] == "ended" and a["token"] == token), None),
        "the lease did not end",
    )
    assert ended["reason"] == "expired"


def test_a_lane_taken_away_while_its_agent_holds_stops_nobody(world: World) -> None:
    """The holding runs out by its lease, nothing is sent to topics that are gone, its messages are `unknown_sender`."""
    first = world.started("gate", "arbiter")
    agent, other = world.lane("leaves"), world.lane("remains")
    world.set("terms", "kayak", {"resource": "kayak", "window_ms": 0, "on_held": "deny", "lease_ms": 3000})
    granted = world.answer("leaves", world.send("leaves", "bus.resource.claim.v1", {}, source=agent, subject="kayak/1"))
    lane = {"kind": "lane", "name": "leaves", "value": None, "base": digest(canonical({"principal": "User:leaves"}))}
    world.answer("operators", world.send("operators", "bus.control.set.v1", lane))
    refused = world.answer("leaves", world.send("leaves", "bus.resource.claim.v1", {}, source=agent, subject="kayak/2"))
    assert (granted["kind"], refused["reason"]) == ("granted", "unknown_sender")
    world.kill(first)
    admin = kafka.admin(world.config)
    for future in admin.delete_topics(["bus.in.leaves", "bus.out.leaves", "bus.gate.leaves"]).values():
        future.result(10)
    world.started("gate", "arbiter")

    def claim() -> str | None:
        answer = world.answer(
            "remains", world.send("remains", "bus.resource.claim.v1", {}, source=other, subject="kayak/1")
        )
        return "granted" if answer["kind"] == "granted" else None

    assert until(claim, "the holding of the lane that is gone never ended") == "granted"


def test_a_replaced_input_stops_its_partition(world: World) -> None:
    """A journal whose last judged record is not the one on the lane goes no further, and the code says why."""
    first = world.started("gate", "arbiter")
    agent = world.lane("swapped")
    world.answer("swapped", world.send("swapped", "bus.resource.claim.v1", {}, source=agent, subject="boat/s"))
    world.kill(first)
    tip, last = Tip(), None
    for message in world.read("bus.gate.swapped"):
        segment = parse_segment(message.value())
        tip = advance(tip, message.value())
        last = segment if segment and segment.get("rows") else last
    assert last is not None
    row = [1, *last["rows"][0][1:4], "forged", "0" * 64, *last["rows"][0][6:]]
    body = {name: last[name] for name in ("kind", "engine", "gen", "lane", "control")}
    forged, _ = seal(tip, {**body, "from": 1, "to": 1, "rows": [row]})
    world.producer.produce("bus.gate.swapped", value=forged, partition=0)
    world.producer.flush(10)
    world.send("swapped", "bus.resource.claim.v1", {}, source=agent, subject="boat/s2")
    process = world.start("gate", "arbiter", ENGINE_TEST_HTTP="1")
    assert process.stdout is not None
    port = process.stdout.readline().split()[1]
    line = until(lambda: _metric(port, "agentbus_partition_stopped{"), "the partition did not stop")
    assert 'code="log_divergence",journal="bus.gate.swapped"' in line


def _metric(port: str, name: str) -> str | None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return next((line for line in answer.read().decode().splitlines() if line.startswith(name)), None)
