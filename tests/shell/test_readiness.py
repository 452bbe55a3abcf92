"""A process is ready only while its work gets done: lost partitions and a publisher that keeps ending are told."""

import sys
import time
from collections.abc import Callable

import pytest
from confluent_kafka import TopicPartition

from bus.core.log.topics import ARBITER
from bus.core.policy.control import Genesis
from bus.shell import kafka, process
from bus.shell.arbiter_worker import ArbiterWorker
from bus.shell.broker_time import BrokerTime
from bus.shell.gate_worker import GateWorker
from bus.shell.links import Links
from bus.shell.metrics import Metrics
from bus.shell.phase import Phase
from bus.shell.process import BusProcess, PublisherCommand, Supervisor
from bus.shell.readiness import SETTLED_AFTER_S, STUCK_AFTER_S, Losses, Readiness
from bus.shell.settings import Settings

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}
PLACE = ("bus.in.sales", 0)
WAIT_S = 20.0
SAYS = "import os, time; os.write(1, b'reached\\n'); "


def _comes(look: Callable[[], bool]) -> bool:
    until_s = time.monotonic() + WAIT_S
    while not look() and time.monotonic() < until_s:
        time.sleep(0.01)
    return look()


def test_lost_partitions_are_not_ready_until_the_group_answers_again() -> None:
    """When Kafka is gone the client gives everything up: to own nothing then is no health."""
    worker = GateWorker(NOBODY, "", Metrics())
    consumer = kafka.member(NOBODY, worker.group, "")
    worker.readiness.control = 0
    try:
        told = []
        for hears in (worker._on_assign, worker._on_lost, worker._on_assign):
            hears(consumer, [])
            told.append(worker.readiness.is_ready)
        assert told == [True, False, True]
    finally:
        consumer.close()


@pytest.mark.parametrize(("ago_s", "is_ready"), [(0.0, True), (STUCK_AFTER_S + 1, False)])
def test_a_stage_that_is_stuck_is_not_ready(ago_s: float, *, is_ready: bool) -> None:
    """What it said before it began to wait for a Kafka that does not answer is true no more."""
    stage = Readiness("arbiter", {"running": 2}, control=3, has_joined=True, round_s=time.monotonic() - ago_s)
    assert stage.is_ready == is_ready


def test_what_was_just_given_is_not_ready() -> None:
    """Before the first round with it, a partition is not restored: there is no moment of health in between."""
    worker = ArbiterWorker(NOBODY, "", Metrics())
    consumer, marks = kafka.member(NOBODY, worker.group, ""), kafka.reader(NOBODY)
    worker._links = Links(NOBODY, kafka.plain_producer(NOBODY), consumer, marks, Metrics(), BrokerTime())
    worker._topic_ids = {ARBITER: "an id"}
    worker._control_log._genesis = Genesis(1, "acme", 1, ())
    worker.readiness.control = 0
    try:
        worker._on_assign(consumer, [TopicPartition(ARBITER, 0)])
        assert not worker.readiness.is_ready
    finally:
        consumer.close()
        marks.close()


def test_a_partition_lost_again_and_again_is_not_ready_in_between() -> None:
    """One loss mends itself and is forgotten; the second one soon after is not, until it has run for a while."""
    losses = Losses()
    running, restoring = {PLACE: Phase.RUNNING}, {PLACE: Phase.RESTORING}
    told = [losses.look(phases, at_s) for at_s, phases in enumerate([restoring, running, restoring, running])]
    assert told == [False] * 4
    assert losses.look(restoring, 5.0)
    assert losses.look(running, 6.0)
    assert not losses.look(running, 5.0 + SETTLED_AFTER_S)


def test_two_partitions_lost_at_once_are_one_loss_each() -> None:
    """A restarted broker takes many partitions a single time."""
    losses, both = Losses(), [PLACE, ("bus.in.crm", 0)]
    losses.look(dict.fromkeys(both, Phase.RUNNING), 0.0)
    assert not losses.look(dict.fromkeys(both, Phase.RESTORING), 1.0)


def test_a_publisher_alone_is_a_stage_that_is_not_ready_yet() -> None:
    """A process that only publishes tells of its publisher, and does not say ready about nothing."""
    alone = BusProcess(Settings(bootstrap="127.0.0.1:1"), ("publisher",))
    alone._http._server.server_close()
    assert [(stage.stage, stage.is_ready) for stage in alone.readiness] == [("publisher", False)]


@pytest.mark.parametrize(
    ("does", "is_ready"),
    [(SAYS + "time.sleep(60)", True), ("import time; time.sleep(60)", False)],
    ids=["reached", "silent"],
)
def test_a_publisher_is_ready_once_it_reached_kafka(
    monkeypatch: pytest.MonkeyPatch, does: str, *, is_ready: bool
) -> None:
    """That a process exists says nothing yet."""
    monkeypatch.setattr(process, "STEADY_AFTER_S", 0.05)
    supervisor = Supervisor(PublisherCommand((sys.executable, "-c", does), {}), Metrics())
    supervisor.start()
    try:
        assert _comes(lambda: supervisor.pid > 0)
        if is_ready:
            assert _comes(lambda: supervisor.readiness.is_ready)
        else:
            time.sleep(0.5)
            assert not supervisor.readiness.is_ready
    finally:
        supervisor.stop()


def test_a_publisher_that_keeps_ending_is_not_ready() -> None:
    """It reaches Kafka each time and ends: that is never called ready."""
    metrics, does = Metrics(), SAYS + "time.sleep(0.1)"
    supervisor = Supervisor(PublisherCommand((sys.executable, "-c", does), {}), metrics)
    seen: set[bool] = set()
    supervisor.start()
    try:
        until_s = time.monotonic() + 1.5
        while time.monotonic() < until_s:
            seen.add(supervisor.readiness.is_ready)
            time.sleep(0.01)
    finally:
        supervisor.stop()
    assert seen == {False}


def test_a_publisher_that_ended_must_last_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart the first moments are no proof any more."""
    monkeypatch.setattr(process, "STEADY_AFTER_S", 0.0)
    flaky = SAYS + "time.sleep(0.5)"
    supervisor = Supervisor(PublisherCommand((sys.executable, "-c", flaky), {}), Metrics())
    supervisor.start()
    try:
        assert _comes(lambda: supervisor.readiness.is_ready)
        assert _comes(lambda: not supervisor.readiness.is_ready)
        until_s = time.monotonic() + 1.5
        while time.monotonic() < until_s:
            assert not supervisor.readiness.is_ready
            time.sleep(0.01)
    finally:
        supervisor.stop()
