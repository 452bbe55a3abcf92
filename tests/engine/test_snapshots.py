"""Snapshots on a real Kafka: written and checked while the bus works, used after a kill, passed over when wrong.

A lane that has stopped for good keeps a process from being ready, so nobody here waits for that: the answers tell.
"""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from prometheus_client import generate_latest

from bus.core.log.journal import Tip, advance, continues, parse_segment, seal
from bus.core.log.records import canonical
from bus.shell import kafka
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.gate_stage import GateStage
from bus.shell.gather import Gatherer
from bus.shell.kafka import record_of
from bus.shell.metrics import Metrics
from bus.shell.snapshots.copies import GateCopy
from bus.shell.snapshots.keeper import Job, Keeper
from bus.shell.snapshots.records import Finding, Snapshot, Standing, read_record
from bus.shell.snapshots.replay import Rest
from bus.shell.snapshots.shelf import Shelf
from tests.engine.conftest import World, new_world, until
from tests.engine.test_owner import rows_of


@pytest.fixture(scope="module")
def cluster_with_genesis() -> Iterator[World]:
    """A broker for these tests alone: they take records away and leave lanes behind that have stopped."""
    yield from new_world()


OFTEN = {"AGENTBUS_SNAPSHOT_RECORDS": "20"}


def _closed(world: World, key: str) -> list[Snapshot]:
    read = [read_record(record_of(message)) for message in world.read("bus.snapshots")]
    return [one for one in read if isinstance(one, Snapshot) and one.standing.key == key]


def _found(world: World, kind: str, key: str) -> list[Finding]:
    read = [read_record(record_of(message)) for message in world.read("bus.snapshots")]
    return [one for one in read if isinstance(one, Finding) and (one.kind, one.key) == (kind, key)]


def _good(world: World, key: str) -> Snapshot:
    """The newest verified snapshot, awaited."""
    finding = until(lambda: next(reversed(_found(world, "verified", key)), None), f"no good snapshot of {key}")
    return next(one for one in _closed(world, key) if one.place == finding.snapshot)


def _claim(world: World, lane: str, agent: str, subjects: list[str]) -> list[str]:
    ids = [world.send(lane, "bus.resource.claim.v1", {}, source=agent, subject=subject) for subject in subjects]

    def look() -> list[str] | None:
        found = {one["id"]: one["kind"] for one in reversed(world.answers(lane))}  # the first answer counts
        return [found[identifier] for identifier in ids] if set(ids) <= found.keys() else None

    return until(look, f"no answer to all of {len(ids)} claims")


def _forget(world: World, topic: str, partition: int, below: int) -> None:
    """Let Kafka forget the records below an offset, as its retention would."""
    place = TopicPartition(topic, partition, below)
    client: Any = kafka.admin(world.config)  # its end would end the question; Any: the method has no types
    for future in client.delete_records([place]).values():
        future.result(10)


def _stops(world: World, journal: str, code: str) -> None:
    """Start a process, and wait until it says that this partition has stopped for that reason."""
    process = world.start("gate", "arbiter", ENGINE_TEST_HTTP="1")
    assert process.stdout is not None
    port = process.stdout.readline().split()[1]
    wanted = f'agentbus_partition_stopped{{code="{code}",journal="{journal}"}} 1.0'

    def look() -> bool | None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return wanted in answer.read().decode().splitlines() or None

    assert until(look, f"{journal} did not stop with {code}")


def test_a_stage_restores_from_a_snapshot_when_the_journal_begins_behind_it(world: World) -> None:
    """What was decided before is known though its entries are gone: who holds, which ids were there, who sent what."""
    first = world.start("gate", "arbiter", **OFTEN)
    agent = world.lane("shelved")
    assert _claim(world, "shelved", agent, [f"boat/s{n}" for n in range(60)]) == ["granted"] * 60
    places = {"gate/shelved": ("bus.gate.shelved", 0), "arbiter/0": ("bus.journal", 0), "arbiter/1": ("bus.journal", 1)}
    good = {key: _good(world, key) for key in places}
    world.kill(first)
    for key, (topic, partition) in places.items():
        _forget(world, topic, partition, good[key].standing.offset + 1)
    world.start("gate", "arbiter")
    assert _claim(world, "shelved", agent, [f"boat/s{n}" for n in range(60)]) == ["confirmed"] * 60
    assert not _found(world, "mismatch", "gate/shelved")


def test_a_journal_that_begins_too_late_stops_its_partition_alone(world: World) -> None:
    """Without a snapshot that leads there nobody knows what was decided: `history_gap`; other lanes go on."""
    first = world.start("gate", "arbiter")
    agent, other = world.lane("beheaded"), world.lane("whole")
    assert _claim(world, "beheaded", agent, ["boat/b1"]) == ["granted"]
    world.kill(first)
    _forget(world, "bus.gate.beheaded", 0, 2)
    _stops(world, "bus.gate.beheaded", "history_gap")
    assert _claim(world, "whole", other, ["boat/b2"]) == ["granted"]


def test_a_newer_engine_is_left_alone(world: World) -> None:
    """A journal whose last decisions a newer engine made is not folded by an older one: `engine_newer`."""
    first = world.start("gate", "arbiter")
    agent = world.lane("ahead")
    assert _claim(world, "ahead", agent, ["boat/a1"]) == ["granted"]
    world.kill(first)
    _append(world, "bus.gate.ahead", {"engine": "99.0"})
    _stops(world, "bus.gate.ahead", "engine_newer")


def _append(world: World, journal: str, changed: dict[str, Any]) -> None:
    """Continue a gate's chain by an empty segment with some fields as given."""
    tip, last = Tip(), dict[str, Any]()
    for message in world.read(journal):
        segment = parse_segment(message.value())
        if segment is not None and continues(tip, segment):
            tip, last = advance(tip, message.value()), segment if "rows" in segment else last
    names = ("kind", "engine", "gen", "lane", "control")
    body = {name: last[name] for name in names} | {"from": last["to"] + 1, "to": last["to"]}
    value, _ = seal(tip, {**body, **changed}, ("rows", []))
    world.producer.produce(journal, value=value, partition=0)
    world.producer.flush(10)


def test_records_lost_before_they_were_judged_stop_a_lane_until_that_is_accepted(world: World) -> None:
    """`history_gap`; with the gap accepted the journal says so, and the lane goes on behind it, once."""
    first = world.start("gate", "arbiter")
    agent = world.lane("holed")
    assert _claim(world, "holed", agent, ["boat/h1"]) == ["granted"]
    world.kill(first)
    for n in range(3):
        world.send("holed", "bus.resource.claim.v1", {}, source=agent, subject=f"boat/lost-{n}")
    _forget(world, "bus.in.holed", 0, 3)
    _stops(world, "bus.gate.holed", "history_gap")
    world.stop_all()
    second = world.start("gate", "arbiter", ENGINE_TEST_ACCEPT="gate/holed")
    assert _claim(world, "holed", agent, ["boat/h2", "boat/h1"]) == ["granted", "confirmed"]
    assert [row[0] for row in rows_of(world, "holed")] == [0, 3, 4, 5]
    world.kill(second)
    world.start("gate", "arbiter")
    assert _claim(world, "holed", agent, ["boat/h2"]) == ["confirmed"]


def test_a_partition_goes_on_behind_an_accepted_gap(world: World) -> None:
    """Messages and a change of terms are lost on the arbiter's way in: its lanes continue, the change is in force."""
    both = world.start("gate", "arbiter")
    agent = world.lane("through")
    assert _claim(world, "through", agent, [f"boat/t{n}" for n in range(8)]) == ["granted"] * 8
    world.kill(both)
    gate = world.start("gate")
    ends = {p: world.read("bus.arbiter", p)[-1].offset() for p in range(2)}
    terms = {"resource": "canoe", "window_ms": 0, "on_held": "deny", "lease_ms": 60_000}
    world.set("terms", "canoe", terms)
    for n in range(8):
        world.send("through", "bus.resource.claim.v1", {}, source=agent, subject=f"canoe/lost-{n}")
    until(lambda: rows_of(world, "through")[15:] or None, "the gate did not forward")
    until(lambda: min(world.read("bus.arbiter", p)[-1].offset() - ends[p] for p in range(2)) > 1 or None, "not there")
    world.kill(gate)
    for p in range(2):
        _forget(world, "bus.arbiter", p, world.read("bus.arbiter", p)[-1].offset())
    world.start("gate", "arbiter", ENGINE_TEST_ACCEPT="arbiter/0 arbiter/1")
    subjects = [f"canoe/c{n}" for n in range(8)]
    assert _claim(world, "through", agent, subjects) == ["granted"] * 8
    world.set("terms", "kayak", {**terms, "resource": "kayak"})
    assert _claim(world, "through", agent, ["kayak/1", "kayak/2"]) == ["granted"] * 2
    gaps = [json.loads(m.value()) for p in range(2) for m in world.read("bus.journal", p) if b'"gap"' in m.value()]
    assert [[one["name"] for one in gap["changes"]] for gap in gaps] == [["canoe"], ["canoe"]]


def test_a_snapshot_that_cannot_be_read_is_passed_over(world: World) -> None:
    """Its lines have another hash than it says: an older one, or the whole journal, is taken, and the stage is well."""
    first = world.start("gate", "arbiter", **OFTEN)
    agent = world.lane("spoilt")
    assert _claim(world, "spoilt", agent, [f"boat/u{n}" for n in range(30)]) == ["granted"] * 30
    good = _good(world, "gate/spoilt")
    world.kill(first)
    forged = {**good.to_json(), "id": "forged", "state_hash": "0" * 64, "offset": good.standing.offset + 1}
    world.producer.produce("bus.snapshots", canonical(forged), partition=0)
    world.producer.flush(10)
    place = world.read("bus.snapshots")[-1].offset()
    finding = Finding("verified", "gate/spoilt", "forged", place, -1, "0" * 64, good.engine)
    world.producer.produce("bus.snapshots", canonical(finding.to_json()), partition=0)
    world.producer.flush(10)
    world.start("gate", "arbiter")
    assert _claim(world, "spoilt", agent, ["boat/u1"]) == ["confirmed"]


def _found_by(shelf: Shelf, key: str) -> Snapshot | None:
    while not shelf.look(key):
        pass
    return shelf.newest(key)


def test_the_newest_good_snapshot_is_found_however_much_stands_behind_it(world: World) -> None:
    """The topic is read backwards piece by piece; what came since a look before is seen by the next one."""
    shelf = Shelf(world.config)
    assert _found_by(shelf, "gate/far") is None
    wanted = []
    for offset in (10, 20):
        told = Snapshot("s", "1.0", Standing("gate", "far", 1, "x", offset, 1, "", 1), "aa", 1, ()).to_json()
        world.producer.produce("bus.snapshots", canonical(told), partition=0)
        world.producer.flush(10)
        wanted.append(world.read("bus.snapshots")[-1].offset())
        finding = Finding("verified", "gate/far", "s", wanted[-1], -1, "aa", "1.0")
        world.producer.produce("bus.snapshots", canonical(finding.to_json()), partition=0)
        for _ in range(300):
            world.producer.produce("bus.snapshots", b"{}", partition=0)
        world.producer.flush(10)
        for one in (shelf, Shelf(world.config)):
            newest = _found_by(one, "gate/far")
            assert newest is not None
            assert newest.place == wanted[-1]
    older = shelf.newest("gate/far", before=20)
    assert older is not None
    assert older.place == wanted[0]


def test_a_snapshot_that_a_replay_does_not_come_to_is_never_good(world: World) -> None:
    """Somebody wrote another state than the journal leads to: the replay says `mismatch`, and it is not offered."""
    first = world.start("gate", "arbiter", **OFTEN)
    agent = world.lane("doubted")
    assert _claim(world, "doubted", agent, [f"boat/d{n}" for n in range(30)]) == ["granted"] * 30
    good = _good(world, "gate/doubted")
    world.kill(first)
    log = ControlLog(world.config, built_in_contracts())
    log.open()
    make = lambda: GateStage("doubted", good.standing.topic_id, log, Gatherer("doubted", bool), Metrics())  # noqa: E731
    metrics = Metrics()
    keeper = Keeper(world.config, metrics, rest=Rest())
    wrong = GateCopy({"at": 0, "control": 0, "position": good.standing.position, "hash": ""}, {}, {})
    keeper.start()
    keeper.keep(Job(good.standing, wrong, make, "bus.gate.doubted"))
    found = until(lambda: _found(world, "mismatch", "gate/doubted") or None, "the replay did not say that it differs")
    keeper.stop()
    log.close()
    assert found[0].state_hash == good.state_hash
    told = 'agentbus_snapshots_total{journal="bus.gate.doubted",result="mismatch"} 1.0'
    assert told in generate_latest(metrics.registry).decode()
    shelf = Shelf(world.config)
    assert _found_by(shelf, "gate/doubted") == good
