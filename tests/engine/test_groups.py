"""Who works on what, on a real Kafka: whoever dies, and whenever, something is nobody's for a moment at most."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from bus.core.log.topics import ARBITER, JOURNAL, PUBLISHED, incoming
from bus.shell import kafka
from tests.engine.conftest import World, until
from tests.engine.run_member import COMMITS_SLOWLY, DIES_IN_HAND_OVER

ANSWER_S = 5.0
RUN_MEMBER = Path(__file__).with_name("run_member.py")
WANTED = {"gate": incoming(""), "arbiter": ARBITER, "publisher": JOURNAL}


def _start(world: World, stage: str, name: str, *how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, str(RUN_MEMBER), world.bootstrap, stage, name, *how], text=True)
    world.running.append(process)
    return process


def _owned(world: World, stage: str) -> dict[str, list[tuple[str, int]]]:
    """What each member of a stage's group has to work on, by its name, as Kafka tells."""
    group = f"bus-{stage}"
    admin = kafka.admin(world.config)  # it must outlive its answer
    try:
        told = admin.describe_consumer_groups([group], request_timeout=ANSWER_S)[group].result(ANSWER_S)
    except (KafkaException, TimeoutError):  # the group's coordinator is busy with it: whoever asks looks again
        return {}
    return {
        member.group_instance_id or "": [(p.topic, p.partition) for p in member.assignment.topic_partitions]
        for member in told.members
    }


def _wanted(world: World, stage: str) -> set[tuple[str, int]]:
    counts = kafka.partition_counts(kafka.admin(world.config))
    return {(topic, p) for topic, n in counts.items() if topic.startswith(WANTED[stage]) for p in range(n)}


def _is_whole(world: World, stage: str, members: int) -> bool | None:
    """Is everything somebody's, and is there something for each of so many?"""
    owned = _owned(world, stage)
    had = [place for places in owned.values() for place in places]
    has_each = len(owned) == members and all(owned.values())
    return (has_each and sorted(had) == sorted(_wanted(world, stage))) or None


@pytest.mark.parametrize("stage", ["gate", "arbiter", "publisher"])
def test_who_dies_in_the_middle_of_a_hand_over_leaves_nothing_to_nobody(world: World, stage: str) -> None:
    """It was to give a partition up, was killed, and came back at once: everything is worked on all the same."""
    first = _start(world, stage, "a", DIES_IN_HAND_OVER)
    until(lambda: _is_whole(world, stage, 1), f"the first {stage} was not given everything")
    _start(world, stage, "b")
    first.wait(30)
    world.running.remove(first)
    _start(world, stage, "a")
    until(lambda: _is_whole(world, stage, 2), f"something is nobody's: {_owned(world, stage)}")


def test_a_publisher_that_gives_a_slot_up_lives_on(world: World) -> None:
    """If it ended, it would come back and take another's slots away in turn, for ever where starting is slow."""
    first = _start(world, "publisher", "c")
    until(lambda: _is_whole(world, "publisher", 1), "the first publisher was not given everything")
    second = _start(world, "publisher", "d")
    until(lambda: _is_whole(world, "publisher", 2), "the slots are not shared")
    world.kill(second)
    until(lambda: _is_whole(world, "publisher", 1), "the first publisher was not given everything again")
    assert first.poll() is None


def _is_published(world: World) -> bool | None:
    """Is the whole journal behind the publisher's mark?"""
    marks = world.read(PUBLISHED, isolation="read_committed")
    ends = {str(p): log[-1].offset() + 1 for p in range(2) if (log := world.read(JOURNAL, p))}
    return (bool(marks) and json.loads(marks[-1].value())["marks"] == ends) or None


def test_a_slow_commit_does_not_end_the_publisher(world: World) -> None:
    """On a busy machine commits are slow again and again: each costs a producer, and no process."""
    world.started("gate", "arbiter")
    agent = world.lane("slow")
    publisher = _start(world, "publisher", "e", COMMITS_SLOWLY)
    for n in range(3):
        world.answer("slow", world.send("slow", "bus.resource.claim.v1", {}, source=agent, subject=f"boat/s{n}"))
        until(lambda: _is_published(world), "the publisher does not come to the end of the journal")
    assert publisher.poll() is None
