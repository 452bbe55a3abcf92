"""The arbiter at work: it owns partitions of ``bus.arbiter``, and has a clock that wakes them."""

from collections.abc import Callable

from bus.core.log.records import Record
from bus.core.log.topics import ARBITER
from bus.core.policy.control import Registry
from bus.shell import kafka
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts
from bus.shell.clock import Clock
from bus.shell.metrics import Metrics
from bus.shell.options import AS_EVER, Options
from bus.shell.phase import Phase
from bus.shell.readiness import Place
from bus.shell.stage import Stage
from bus.shell.worker import Worker


class ArbiterWorker(Worker):
    """Owns partitions of ``bus.arbiter``, and writes their ticks."""

    stage_name = "arbiter"
    group = "bus-arbiter"

    def __init__(self, config: kafka.ClientConfig, instance: str, metrics: Metrics, options: Options = AS_EVER) -> None:
        super().__init__(config, instance, metrics, options)
        self._clock: Clock | None = None

    def _wanted_topics(self) -> list[str]:
        return [ARBITER]

    def open(self) -> None:
        """Connect, and start the clock; raises `BusError`."""
        super().open()
        self._clock = Clock(self._config, self._broker_time, self._metrics)
        self._clock.start()

    def _make_stage(self, place: Place) -> Callable[[], Stage]:
        genesis, topic_id = self._control_log.genesis, self._topic_ids[ARBITER]

        def make() -> Stage:
            registry = Registry(genesis, built_in_contracts())
            reads, changes_after = self._reads(place[1]), self._control_log.changes_after
            return ArbiterStage(place[1], topic_id, registry, self._metrics, reads, changes_after=changes_after)

        return make

    def _reads(self, partition: int) -> Callable[[list[int]], dict[int, Record]]:
        return lambda offsets: kafka.read_offsets(self._config, ARBITER, partition, offsets)

    def _look(self) -> None:
        assert self._clock is not None
        needs = {}
        for (_, p), owner in self._owners.items():
            if owner.phase is Phase.RUNNING and isinstance(owner.stage, ArbiterStage):
                deadline = owner.stage.state.next_deadline()
                if deadline is not None:
                    needs[p] = (deadline, owner.stage.next_offset, owner.stage.last_seen)
        self._clock.needs = needs

    def close(self) -> None:
        """Stop the clock, and give everything up."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        super().close()
