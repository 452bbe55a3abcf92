"""What a restore costs: a partition's journal folded from 0 and from a snapshot, against a bare consume of its bytes.

    python -m benchmarks.restore [--events 100000] [--resources 10000] [--tail 50000] [--full] [--json]

The journal is written by the arbiter itself, from claims, renewals and releases, to a real Kafka; restores, the
snapshot and the bare consume then read the same records, in one run. Only the ratios mean something elsewhere; on a
machine that is shared, those of the CPU time of this process (its client library included) mean more.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Producer, TopicPartition

from benchmarks import report
from bus import ENGINE
from bus.core.log.journal import SEGMENT_INPUTS_MAX, Tip, seal
from bus.core.log.records import Record, canonical
from bus.core.log.topics import ARBITER, JOURNAL, OPERATORS_LANE, coordinates, incoming
from bus.core.policy.control import Genesis, Registry
from bus.dev.broker import start_broker
from bus.shell import cluster, kafka
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts
from bus.shell.metrics import Metrics
from bus.shell.restore import Restoration
from bus.shell.snapshots.keeper import Job, Keeper
from bus.shell.snapshots.replay import Rest
from bus.shell.snapshots.shelf import Shelf
from bus.shell.snapshots.standing import standing_of

STEWARD = "spiffe://bench/person/ana"
AGENT = "spiffe://bench/agent/worker-1"
LANE = "work"
START_MS = 1_795_000_000_000
LEASE_MS = 365 * 24 * 3_600_000  # no lease ends by itself
GENESIS = Genesis(1, "bench", 2, (STEWARD,))
QUICK, FULL = 100_000, 1_000_000
ROWS = (
    ("bare consume", "bare"),
    ("restore from 0", "from_zero"),
    ("restore from a snapshot", "from_snapshot"),
    ("snapshot, written and verified without rests", "snapshot"),
)
COPIES = 20  # how often the copy for a snapshot is measured
WAIT_S = 600.0
Config = dict[str, str]
Figures = dict[str, float]
Body = dict[str, Any]  # Any: JSON


def main() -> None:
    """Measure and print."""
    parser = report.parser(__doc__)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--resources", type=int, default=10_000)
    parser.add_argument("--tail", type=int, default=50_000)
    report.run_with(parser, measured, table)


def measured(options: argparse.Namespace) -> report.Json:
    """The figures of a journal of so many events."""
    events = options.events or (FULL if options.full else QUICK)
    report.say(f"restore: an arbiter writes a journal of {events:,} events")
    with start_broker() as broker:
        config = {"bootstrap.servers": broker.bootstrap}
        cluster.create_topics(kafka.admin(config), cluster.bus_plan(GENESIS.partitions), replication=1)
        cluster.write_genesis(config, GENESIS)
        writing = Writing(config)
        writing.write(events, options.resources, options.tail)
        report.say("restore: reads it: bare, from 0, for a snapshot, from the snapshot")
        figures = measure(config, writing, events)
    rounded = {name: round(value, 3) for name, value in figures.items()}
    return {"events": events, "resources": options.resources, "tail": min(options.tail, events), **rounded}


def measure(config: Config, writing: "Writing", events: int) -> Figures:
    """Everything, on the journal that was written: seconds by the clock and of CPU."""
    figures = {"journal_bytes": float(writing.size)}
    bare = min(spent(lambda: consume(config)) for _ in range(3))
    whole, kept = spent(lambda: restore(config, None)), spent(lambda: keep(config, writing.job))
    told = {
        "bare": bare,
        "from_zero": whole,
        "snapshot": kept,
        "from_snapshot": spent(lambda: restore(config, Shelf(config))),
    }
    for name, (clock_s, used_s) in told.items():
        figures |= {f"{name}_s": clock_s, f"{name}_cpu_s": used_s, f"{name}_cpu_ratio": used_s / bare[1]}
    figures["from_zero_events_per_s"] = events / whole[0]
    figures["from_zero_cpu_us_per_event"] = 1e6 * whole[1] / events
    return figures | {"copy_ms": 1000 * statistics.median(spent(writing.stage.copy_state)[0] for _ in range(COPIES))}


def spent(what: Callable[[], object]) -> tuple[float, float]:
    """How long it takes: seconds by the clock, and of CPU."""
    began_s, used_s = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - began_s, time.process_time() - used_s


def fresh_stage() -> ArbiterStage:
    """An arbiter of partition 0 that knows nothing."""
    registry = Registry(GENESIS, built_in_contracts())
    return ArbiterStage(0, "id", registry, Metrics(), lambda _: {})


def consume(config: Config) -> None:
    """Read the journal and do nothing with it."""
    consumer = kafka.reader(config)
    consumer.assign([TopicPartition(JOURNAL, 0, 0)])
    is_at_end = False
    while not is_at_end:
        is_at_end = any(kafka.is_end(message) for message in kafka.fetch(consumer, kafka.CALL_TIMEOUT_S))
    consumer.close()


def restore(config: Config, shelf: Shelf | None) -> None:
    """What an owner does when it takes a partition over; all is published."""
    _, end = kafka.ends(kafka.reader(config), JOURNAL, 0)
    restoration = Restoration(fresh_stage(), end, shelf)
    while restoration.step(config, time.monotonic()) is None:
        pass
    assert (restoration.since is not None) == (shelf is not None), "the snapshot was not found"


def keep(config: Config, job: Job) -> None:
    """Write a snapshot and have it verified, without the rests that leave the cores to others."""
    metrics = Metrics()
    keeper = Keeper(config, metrics, rest=Rest(work_s=WAIT_S))
    keeper.start()
    keeper.keep(job)
    while not keeper.is_free(job.standing.key):
        time.sleep(0.01)
    keeper.stop()


@dataclass(slots=True)
class Writing:
    """Lets an arbiter judge messages and writes its journal; ``job`` is a snapshot to be, taken before the tail."""

    config: Config
    stage: ArbiterStage = field(default_factory=fresh_stage)
    size: int = 0
    job: Job = field(init=False)
    _tip: Tip = field(default_factory=Tip)
    _offset: int = 0
    _sent: int = 0
    _last: dict[str, str] = field(default_factory=dict)

    def write(self, events: int, resources: int, tail: int) -> None:
        """Write the journal of so many messages about so many resources, an event each."""
        producer = kafka.producer(self.config)
        self._put(producer, self.stage.genesis())
        self._put(producer, {"kind": "takeover", "engine": ENGINE, "nonce": "00", "mark": 0})
        messages, judged, is_taken = self._messages(resources), 0, False
        while judged < events:
            batch = [next(messages) for _ in range(min(SEGMENT_INPUTS_MAX, events - judged))]
            judged += len(batch)
            while batch:
                draft, count = self.stage.draft(batch, poison=None)
                assert draft is not None, "there was something to judge"
                batch = batch[count:]
                self._put(producer, draft.body, draft.items)
            if not is_taken and judged >= events - tail:
                standing = standing_of(self.stage, self._offset - 1, self._tip)
                self.job, is_taken = Job(standing, self.stage.copy_state(), fresh_stage, JOURNAL), True
        producer.flush(WAIT_S)

    def _put(self, producer: Producer, body: Body, items: tuple[str, list[bytes]] | None = None) -> None:
        value, self._tip = seal(self._tip, body, items)
        self._offset, self.size = self._offset + 1, self.size + len(value)
        while True:
            try:
                producer.produce(JOURNAL, value, self.stage.key(), partition=0)
                break
            except BufferError:
                producer.poll(0.01)
        producer.poll(0)

    def _messages(self, resources: int) -> Iterator[Record]:
        """A world, then claim, renew, release of one resource after the other, for ever."""
        terms = {"resource": "job", "window_ms": 0, "on_held": "deny", "lease_ms": LEASE_MS}
        agent = {"lane": LANE, "roles": ["worker"], "owner": STEWARD}
        wanted = [("lane", LANE, {"principal": "User:work"}), ("agent", AGENT, agent), ("terms", "job", terms)]
        for number, (kind, name, value) in enumerate(wanted, start=1):
            body = {"kind": kind, "name": name, "value": value, "base": None}
            yield self._message(OPERATORS_LANE, STEWARD, "bus.control.set.v1", "", body, number)
        while True:
            for act in ("claim", "renew", "release"):
                for n in range(resources):
                    subject = f"job/{n}"
                    body = {} if act == "claim" else {"token": self.stage.state.resource(subject).token}
                    yield self._message(LANE, AGENT, f"bus.resource.{act}.v1", subject, body, len(wanted))

    def _message(self, lane: str, source: str, kind: str, subject: str, body: Body, control: int) -> Record:
        """A message as its gate forwards it."""
        o, self._sent = self._sent, self._sent + 1
        at_ms = START_MS + o
        prev = self._last.get(lane, "")
        self._last[lane] = f"{lane}.{o}"
        named = {"ce_specversion": "1.0", "ce_id": f"m-{o}", "ce_source": source, "ce_type": kind}
        named |= {"ce_time": "2026-11-21T09:56:40Z", "content-type": "application/json"}
        named |= {"ce_subject": subject} if subject else {}
        named |= {"bus-src": coordinates(incoming(lane), 0, o), "bus-at": str(at_ms), "bus-control": str(control)}
        named |= {"bus-contract": f"{kind}@1", "bus-values": "{}", "bus-from": lane, "bus-prev": prev}
        headers = tuple((name, text.encode()) for name, text in named.items())
        return Record(ARBITER, 0, o, at_ms, None, canonical(body), headers)


def table(figures: report.Json) -> Iterator[str]:
    """The lines people read."""
    f = figures
    yield f"{f['events']:,} events, {f['resources']:,} resources, {f['journal_bytes'] / 1e6:,.0f} MB of journal"
    yield f"{'':46}{'clock s':>9}{'CPU s':>9}{'x bare (CPU)':>14}"
    for label, name in ROWS:
        clock_s, used_s, ratio = f[f"{name}_s"], f[f"{name}_cpu_s"], f[f"{name}_cpu_ratio"]
        yield f"{label:46}{clock_s:9.2f}{used_s:9.2f}{ratio:14.1f}"
    yield f"from 0: {f['from_zero_events_per_s']:,.0f} events/s, {f['from_zero_cpu_us_per_event']:.0f} µs CPU an event"
    yield f"behind the snapshot: {f['tail']:,} events; the copy for one takes {f['copy_ms']:.2f} ms"


if __name__ == "__main__":
    main()
