"""What the bus costs: claims through gate and arbiter against a bare consume-produce loop, on one Kafka, in one run.

    .venv/bin/python benchmarks/pipeline.py [--messages 10000] [--lanes 6] [--json]

Both sides answer the same messages on one process's cores. Only the ratios mean something elsewhere.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable

from confluent_kafka import Consumer, Producer, TopicPartition

from bus.core.policy.control import Genesis
from bus.dev.broker import start_broker
from bus.shell import cluster, kafka, logs
from bus.shell.process import BusProcess
from bus.shell.settings import Settings
from bus.shell.steward import Steward, Wanted

STEWARD = "spiffe://bench/person/ana"
ROUND_TRIPS = 200
WAIT_S = 120.0
Config = dict[str, str]
Headers = dict[str, str | bytes | None]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--lanes", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logs.set_up("error", "text")
    with start_broker() as broker:
        config = {"bootstrap.servers": broker.bootstrap}
        lanes = [f"lane-{n}" for n in range(options.lanes)]
        genesis = Genesis(1, "bench", 4, (STEWARD,))
        plans = cluster.bus_plan(4) + [plan for lane in lanes for plan in cluster.lane_plan(lane)]
        plans += [cluster.TopicPlan("bare.in", 1, -1), cluster.TopicPlan("bare.out", 1, -1)]
        cluster.create_topics(kafka.admin(config), plans, replication=1)
        cluster.write_genesis(config, genesis)
        bare = measure_bare(config, options.messages)
        through = measure_bus(config, lanes, options.messages)
    tell(bare, through, is_json=options.json)


def measure_bare(config: Config, messages: int) -> dict[str, float]:
    """A loop that reads a record and writes it again: what any stage costs at least."""
    stop = threading.Event()
    loop = threading.Thread(target=bare_loop, args=(config, stop), daemon=True)
    loop.start()
    try:
        return measure(config, lambda n: ("bare.in", claim("agent", n)), ["bare.out"], messages)
    finally:
        stop.set()
        loop.join(WAIT_S)


def bare_loop(config: Config, stop: threading.Event) -> None:
    """Consume and produce, nothing else."""
    consumer, producer = kafka.reader(config), kafka.producer(config)
    consumer.assign([TopicPartition("bare.in", 0, 0)])
    while not stop.is_set():
        for message in kafka.fetch(consumer, 0.1):
            if message.error() is None:
                producer.produce("bare.out", value=message.value(), headers=message.headers())
        producer.poll(0)
    consumer.close()


def measure_bus(config: Config, lanes: list[str], messages: int) -> dict[str, float]:
    """Gate and arbiter in one process, an agent a lane, each message a claim of its own resource."""
    process = BusProcess(Settings(bootstrap=config["bootstrap.servers"]), ("gate", "arbiter"))
    process.start()
    assert process.wait_ready(WAIT_S), "the stages did not become ready"
    steward = Steward(config, STEWARD)
    steward.open()
    wanted = [Wanted("lane", lane, {"principal": lane}) for lane in lanes]
    wanted += [Wanted("agent", agent(lane), {"lane": lane, "roles": ["bench"], "owner": STEWARD}) for lane in lanes]
    terms = {"resource": "job", "window_ms": 0, "on_held": "deny", "lease_ms": 3_600_000}
    steward.set_all([*wanted, Wanted("terms", "job", terms)])
    steward.close()
    time.sleep(2)
    try:
        pick: Callable[[int], tuple[str, Headers]] = lambda n: (  # noqa: E731 one expression, used once
            f"bus.in.{lanes[n % len(lanes)]}",
            claim(agent(lanes[n % len(lanes)]), n),
        )
        return measure(config, pick, [f"bus.out.{lane}" for lane in lanes], messages)
    finally:
        process.stop()


def agent(lane: str) -> str:
    """The id of a lane's agent."""
    return f"spiffe://bench/agent/{lane}"


def claim(source: str, n: int) -> Headers:
    """The headers of claim number ``n``."""
    return {
        "ce_specversion": "1.0",
        "ce_id": f"c-{n}",
        "ce_source": source,
        "ce_type": "bus.resource.claim.v1",
        "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "content-type": "application/json",
        "ce_subject": f"job/{n}",
    }


def measure(
    config: Config, pick: Callable[[int], tuple[str, Headers]], answers: list[str], messages: int
) -> dict[str, float]:
    """Messages a second under load, and the time of single round trips (ms)."""
    reader = Consumer({**config, "group.id": "bench", "fetch.wait.max.ms": 100})
    reader.assign([TopicPartition(topic, 0, 0) for topic in answers])
    sender = Producer({**config, "linger.ms": 0})
    started = time.monotonic()
    for n in range(messages):
        topic, headers = pick(n)
        sender.produce(topic, value=b"{}", headers=headers)
        sender.poll(0)
    await_answers(reader, messages)
    rate = messages / (time.monotonic() - started)
    times = []
    for n in range(messages, messages + ROUND_TRIPS):
        topic, headers = pick(n)
        began = time.monotonic()
        sender.produce(topic, value=b"{}", headers=headers)
        sender.flush(WAIT_S)
        await_answers(reader, 1)
        times.append((time.monotonic() - began) * 1000)
    reader.close()
    return {"per_second": rate, "p50_ms": statistics.median(times), "p99_ms": statistics.quantiles(times, n=100)[98]}


def await_answers(reader: Consumer, count: int) -> None:
    """Wait for that many answers; ends the run with a sentence if they do not come."""
    until = time.monotonic() + WAIT_S
    while count > 0:
        if time.monotonic() > until:
            sys.exit(f"{count} answers did not come within {WAIT_S:.0f} s")
        count -= sum(1 for message in kafka.fetch(reader, 0.5) if message.error() is None)


def tell(bare: dict[str, float], through: dict[str, float], *, is_json: bool) -> None:
    """Print both sides and their ratios."""
    ratios = {"per_second": bare["per_second"] / through["per_second"]}
    ratios |= {name: through[name] / bare[name] for name in ("p50_ms", "p99_ms")}
    if is_json:
        sys.stdout.write(json.dumps({"bare": bare, "bus": through, "ratio": ratios}) + "\n")
        return
    sys.stdout.write(f"{'':24}{'bare loop':>12}{'bus':>12}{'ratio':>8}\n")
    labels = {"per_second": "messages a second", "p50_ms": "round trip p50, ms", "p99_ms": "round trip p99, ms"}
    for name, label in labels.items():
        sys.stdout.write(f"{label:24}{bare[name]:12.1f}{through[name]:12.1f}{ratios[name]:7.1f}x\n")


if __name__ == "__main__":
    main()
