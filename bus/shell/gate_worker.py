"""The gate at work: it owns lanes, and sees to it that their topics are there."""

from collections.abc import Callable

import structlog

from bus.core.log.topics import gate_journal, incoming
from bus.shell import kafka
from bus.shell.cluster import has_append_time
from bus.shell.gate_stage import GateStage
from bus.shell.gather import Gatherer
from bus.shell.metrics import Metrics
from bus.shell.options import AS_EVER, Options
from bus.shell.readiness import Place
from bus.shell.stage import Stage
from bus.shell.worker import GONE, IDLE_WAIT_S, Worker

LOOK_AT_TOPICS_EVERY_S = 5.0
# Kafka says "created" before every broker knows of a topic: a change that names it may be faster than the news.
NEWS_WITHIN_S = 1.0

log = structlog.get_logger("bus.worker")


class GateWorker(Worker):
    """Owns lanes."""

    stage_name = "gate"
    group = "bus-gate"

    def __init__(self, config: kafka.ClientConfig, instance: str, metrics: Metrics, options: Options = AS_EVER) -> None:
        super().__init__(config, instance, metrics, options)
        self._known_topics: set[str] = set()
        self._waited_until_s = 0.0
        self._topics_looked_s = 0.0
        self._gone: set[str] = set()

    def _wanted_topics(self) -> list[str]:
        return sorted(incoming(lane) for lane in self._control_log.registry.lanes_ever)

    def _look(self) -> None:
        """Are input and journal of every lane in force there? One that is gone twice in a row is told."""
        now_s = self._around.now_s()
        if now_s - self._topics_looked_s < LOOK_AT_TOPICS_EVERY_S:
            return
        self._topics_looked_s = now_s
        there = kafka.partition_counts(self._linked.producer, self._config["bootstrap.servers"])
        lanes = self._control_log.registry.lanes
        gone = {topic for lane in lanes for topic in (incoming(lane), gate_journal(lane)) if topic not in there}
        told, still = set(self.readiness.missing), tuple(sorted(gone & self._gone))
        self._gone, self.readiness.missing = gone, still
        self._metrics.topics_missing(told | gone, still)
        for topic in sorted(gone & self._topic_ids.keys()):  # asked for again, it is found if it is made anew
            del self._topic_ids[topic]
            self._missing.add(topic)
        for topic in sorted(set(still) - told):
            log.error("topic_missing", stage=self.stage_name, topic=topic, next=f"{GONE}; the others go on")

    def _make_stage(self, place: Place) -> Callable[[], Stage]:
        lane, topic_id = place[0].removeprefix(incoming("")), self._topic_ids[place[0]]
        gatherer = Gatherer(lane, self._topic_exists)

        def make() -> Stage:
            return GateStage(lane, topic_id, self._control_log, gatherer, self._metrics)

        return make

    def _topic_exists(self, topic: str) -> bool:
        """Is it known; a change waits for the news of its topics once, however many are missing."""
        now_s = self._around.now_s()
        until_s = now_s if now_s < self._waited_until_s + NEWS_WITHIN_S else now_s + NEWS_WITHIN_S
        while topic not in self._known_topics:
            if self._is_fit(topic):
                self._known_topics.add(topic)
            elif self._around.now_s() >= until_s:
                self._waited_until_s = self._around.now_s()
                return False
            else:
                self._around.sleep(IDLE_WAIT_S)
        return True

    def _is_fit(self, topic: str) -> bool:
        """Is it there; and, if it is a lane's, as a lane's must be: one partition, with the broker's time on it?"""
        count = kafka.partition_counts(self._linked.producer).get(topic)
        if not topic.startswith("bus."):
            return count is not None
        return count == 1 and has_append_time(self._config, topic)
