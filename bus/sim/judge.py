"""Judges a run: every checker over the logs it left, the first violation first, in plain words."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from bus.core.log.topics import ARBITER, JOURNAL, PUBLISHED, gate_journal, incoming
from bus.sim.checkers import again, answers, authority, claims, closing, counting, holders, seen, ticks, verdicts
from bus.sim.checkers.reading import Logs, Violation
from bus.sim.run import Run

# In the order in which a reader should look: what comes first often explains what follows.
CHECKERS: tuple[Callable[[Logs], Iterator[Violation]], ...] = (
    holders.check,
    authority.check,
    claims.check,
    verdicts.check,
    ticks.check,
    counting.check,
    closing.check,
    seen.check,
    answers.check,
)
VIOLATIONS_MAX = 20


def logs_of(run: Run) -> Logs:
    """What a run left, as the checkers read it."""
    broker = run.world.broker
    records = {}
    for place in broker.partitions:
        is_committed = not place[0].startswith("bus.") or place[0] == PUBLISHED
        records[place] = broker.records(place, is_committed=is_committed)
    lanes = tuple(sorted(topic.removeprefix(incoming("")) for topic in broker.counts if topic.startswith(incoming(""))))
    genesis = run.world.genesis
    return Logs(
        records=records,
        partitions=genesis.partitions,
        gen=genesis.gen,
        lanes=lanes,
        skew_ms=genesis.skew_ms,
        silent_from_ms=run.silent_from_ms,
        is_over=run.is_quiet,
        notes=run.notes,
    )


def violations(run: Run) -> list[Violation]:
    """Everything that is wrong with a run, up to a bound; stopped partitions and unrest count as I11."""
    found: list[Violation] = [
        Violation("I11", f"a partition stopped for good ({code}), and nothing was wrong with its logs")
        for code in run.stopped
    ]
    if not run.is_quiet:
        found.append(Violation("I11", "the bus does not come to rest: something is never judged, or never sent"))
    logs = logs_of(run)
    for checker in CHECKERS:
        for violation in checker(logs):
            found.append(violation)
            if len(found) >= VIOLATIONS_MAX:
                return found
    topic_id = run.world.broker.topic_id(ARBITER)
    found += again.check(logs, run.world.genesis, topic_id, run.seed)
    return found[:VIOLATIONS_MAX]


def fingerprint(run: Run) -> str:
    """A hash over every byte of every log: the same seed gives the same one."""
    hasher = sha256()
    for place, partition in sorted(run.world.broker.partitions.items()):
        for message in partition.messages:
            one = message.record
            hasher.update(repr((place, one.timestamp_ms, one.key, one.value, one.headers)).encode())
    return hasher.hexdigest()


def count(run: Run) -> None:
    """Add to the counts of a run what its logs tell."""
    logs, counts = logs_of(run), run.counts
    for topic, p in run.world.broker.partitions:
        if topic == JOURNAL or topic.startswith(gate_journal("")):
            counts["void segments"] += len(logs.records[topic, p]) - len(logs.chain(topic, p))
    for p in range(logs.partitions):
        for entry in logs.entries(p):
            counts["decisions"] += len(entry["events"])
            counts["repeats"] += entry["verdict"] == "repeat"
            counts["contests"] += sum(event["kind"] == "contest_opened" for event in entry["events"])
            counts["cases"] += sum(event["kind"] == "case_opened" for event in entry["events"])
    for lane in logs.lanes:
        counts["repeats"] += sum(row[1] == "duplicate" for row in logs.rows(lane))
