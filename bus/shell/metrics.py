"""What Prometheus sees: one counter or gauge per question an operator asks; never an id as a label."""

from collections.abc import Collection, Iterable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 12.0)


class Metrics:
    """The metrics of one process; children are kept, since finding one costs more than counting."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._decisions = Counter(
            "agentbus_decisions", "What is decided, and why not.", ["stage", "verdict", "reason"], registry=r
        )
        self._events = Counter("agentbus_events", "What happens to resources.", ["kind"], registry=r)
        self._shadowed = Counter("agentbus_shadow_rules", "What a rule in shadow would refuse.", ["type"], registry=r)
        self._published = Histogram(
            "agentbus_publish_seconds",
            "From the append of a segment until all it sends is there, in seconds.",
            ["journal"],
            buckets=SECONDS,
            registry=r,
        )
        self._takeovers = Counter("agentbus_takeovers", "How often a partition changes hands.", ["journal"], registry=r)
        self._lost = Counter(
            "agentbus_ownership_lost", "How often an owner starts again, for whatever trouble.", ["journal"], registry=r
        )
        self._void = Counter(
            "agentbus_void_segments",
            "Segments of a second owner that wrote at once; harmless, nobody counts them.",
            ["journal"],
            registry=r,
        )
        self._stopped = Gauge(
            "agentbus_partition_stopped",
            "1 where a partition has stopped for good: a person has to look.",
            ["journal", "code"],
            registry=r,
        )
        self._snapshots = Counter(
            "agentbus_snapshots",
            "Snapshots `written`, `verified` by a replay, or `failed`; a `mismatch` is a fault in the bus.",
            ["journal", "result"],
            registry=r,
        )
        self._missing = Gauge(
            "agentbus_lane_topic_missing",
            "1 where the input or journal of a lane in force is gone: a person has to look.",
            ["topic"],
            registry=r,
        )
        self._ticks = Counter("agentbus_ticks", "Ticks written: time goes on.", registry=r)
        self._stalled = Counter(
            "agentbus_stalled_lanes", "Ticks that left out a lane because its gate stands still.", ["lane"], registry=r
        )
        self._publisher = Counter(
            "agentbus_publisher_ends", "Publishers that ended by themselves; the next resumes at the mark.", registry=r
        )
        self._control = Gauge("agentbus_control_number", "The control number in force here.", ["stage"], registry=r)
        self._owned = Gauge(
            "agentbus_partitions",
            "Is everything restored and running: partitions by phase.",
            ["stage", "phase"],
            registry=r,
        )

    @lru_cache(maxsize=512)  # noqa: B019 one object per process; the bound is what labels can amount to
    def _decision(self, stage: str, verdict: str, reason: str) -> Counter:
        return self._decisions.labels(stage, verdict, reason)

    @lru_cache(maxsize=64)  # noqa: B019 as above
    def _event(self, kind: str) -> Counter:
        return self._events.labels(kind)

    def decided(self, stage: str, verdict: str, reason: str, count: int = 1) -> None:
        """Count decisions that are alike."""
        self._decision(stage, verdict, reason).inc(count)

    def happened(self, kind: str, count: int = 1) -> None:
        """Count events that are alike."""
        self._event(kind).inc(count)

    def shadowed(self, message_type: str) -> None:
        """Count a message that a shadow rule would have refused."""
        self._shadowed.labels(message_type).inc()

    def published(self, journal: str, seconds: float) -> None:
        """Note how long a segment took from append to the last acknowledgement."""
        self._published.labels(journal).observe(seconds)

    def took_over(self, journal: str, void_segments: int) -> None:
        """Count a take-over, and the void segments it met."""
        self._takeovers.labels(journal).inc()
        self._void.labels(journal).inc(void_segments)

    def lost(self, journal: str) -> None:
        """Count an ownership lost."""
        self._lost.labels(journal).inc()

    def stopped(self, journal: str, code: str) -> None:
        """Show a partition that has stopped for good."""
        self._stopped.labels(journal, code).set(1)

    def snapshot(self, journal: str, result: str) -> None:
        """Count what became of a snapshot."""
        self._snapshots.labels(journal, result).inc()

    def topics_missing(self, known: Iterable[str], missing: Collection[str]) -> None:
        """Show which of the lanes' topics that were ever gone are gone now."""
        for topic in known:
            self._missing.labels(topic).set(topic in missing)

    def ticked(self, stalled: tuple[str, ...]) -> None:
        """Count a tick and the lanes it left out."""
        self._ticks.inc()
        for lane in stalled:
            self._stalled.labels(lane).inc()

    def publisher_ended(self) -> None:
        """Count a publisher's process that ended by itself; the next one resumes at the mark."""
        self._publisher.inc()

    def control(self, stage: str, number: int) -> None:
        """Show the control number a stage has seen."""
        self._control.labels(stage).set(number)

    def owned(self, stage: str, phases: dict[str, int]) -> None:
        """Show how many partitions are in which phase."""
        for phase, count in phases.items():
            self._owned.labels(stage, phase).set(count)
