"""What must hold after the fault run: what callers were told, what they believed, and what the journal says."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bus.core.log.journal import Tip, advance, continues, parse_segment

Json = dict[str, Any]  # Any: JSON
QUIET_S = 20.0
CALLBACK_MS_MAX = 50.0  # the number


@dataclass(slots=True)
class Held:
    """One holding, as the journal tells it; times are epoch milliseconds of the broker."""

    agent: str
    subject: str
    granted_ms: int
    until_ms: int
    ended_ms: int = 0
    is_revoked: bool = False  # by the time its holder hears of it, it has ended


@dataclass(slots=True)
class Told:
    """Everything the journal and the governed topic say about the run."""

    claims: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # decision -> kinds
    holdings: dict[int | tuple[str, int], Held] = field(default_factory=dict)
    admitted: Counter[str] = field(default_factory=Counter)
    governed: Counter[str] = field(default_factory=Counter)


def read_all(bootstrap: str, topic: str, partitions: int, isolation: str) -> Iterator[tuple[int, Json, bytes]]:
    """Every record of a topic: partition, headers, value."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "faults",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
        }
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    ended: set[int] = set()
    while len(ended) < partitions:
        message = consumer.poll(QUIET_S)
        assert message is not None, f"{topic} is not handed out"
        if message.error() is not None:
            ended.add(message.partition() or 0)
            continue
        pairs = cast("list[tuple[str, bytes | None]]", message.headers() or [])  # the stubs allow more
        headers = {name: (value or b"").decode() for name, value in pairs}
        yield message.partition() or 0, headers, message.value() or b""
    consumer.close()


def tell(bootstrap: str, partitions: int, topic: str, topic_partitions: int) -> Told:
    """Fold the valid chains of the journal, and count what stands on the governed topic."""
    told, tips = Told(), [Tip()] * partitions
    for partition, _, value in read_all(bootstrap, "bus.journal", partitions, "read_uncommitted"):
        segment = parse_segment(value)
        if segment is None or not continues(tips[partition], segment):
            continue
        tips[partition] = advance(tips[partition], value)
        for entry in segment.get("entries", ()):
            _fold(told, f"{segment['gen']}.{partition}.{entry['o']}", entry)
    for _, headers, _ in read_all(bootstrap, topic, topic_partitions, "read_committed"):
        told.governed[headers["bus-decision"]] += 1
    return told


def _fold(told: Told, decision: str, entry: Json) -> None:
    for event in entry.get("events", ()):
        name = f"{decision}.{event['n']}"
        key = (event.get("subject", ""), event.get("token") or 0)
        match event["kind"]:
            case "granted":
                told.holdings[key] = Held(event["agent"], event["subject"], entry["at"], event["until"])
                told.claims[name].append("granted")
            case "renewed":
                told.holdings[key].until_ms = event["until"]
            case "ended":
                held = told.holdings[key]
                held.ended_ms = held.until_ms if event["reason"] == "expired" else entry.get("at", 0)
                held.is_revoked = event["reason"] == "revoked"
            case "denied" | "confirmed" as kind:
                told.claims[name].append(kind)
            case "action_admitted":
                told.admitted[name] += 1
            case _:
                pass


def check_claims(seen: list[Json], told: Told, wanted: int) -> Iterator[str]:
    """Every claim was answered once, as the journal has it."""
    claims = [claim for one in seen for claim in one["claims"]]
    if len(claims) != wanted:
        yield f"{len(claims)} of {wanted} claims were made"
    for claim in claims:
        match claim["told"]:
            case "granted":
                held = told.holdings.get((claim["subject"], claim["token"]))
                if held is None or held.agent != claim["agent"]:
                    yield f"{claim['agent']} was told a grant that the journal does not have: {claim}"
            case "denied":
                if told.claims.get(claim["decision"]) != ["denied"]:
                    yield f"{claim['agent']} was told a denial that the journal does not have: {claim}"
            case _:
                yield f"{claim['agent']} got no answer: {claim}"


def check_once(seen: list[Json]) -> Iterator[str]:
    """No answer went to two callers, and none came again as an event, but to those who had left."""
    grants = Counter((c["subject"], c["token"]) for one in seen for c in one["claims"] if c["told"] == "granted")
    denials = Counter(c["decision"] for one in seen for c in one["claims"] if c["told"] == "denied")
    acts = Counter(a["decision"] for one in seen for a in one["acts"] if a["decision"])
    for name, count in (*grants.items(), *denials.items(), *acts.items()):
        if count > 1:
            yield f"{name} was told {count} times"
    for one in seen:
        kinds = Counter(event["kind"] for event in one["unasked"])
        if kinds["action_admitted"] or kinds["denied"] > one["given_up"]:
            yield f"answers came to nobody, though {one['given_up']} claims were given up: {kinds}"


def check_acts(seen: list[Json], told: Told) -> Iterator[str]:
    """What callers were told is admitted is what the journal admits, and stands on the topic once."""
    admitted = {act["decision"] for one in seen for act in one["acts"] if act["told"] == "action_admitted"}
    for decision in sorted(admitted ^ set(told.admitted)):
        yield f"{decision} was {'told' if decision in admitted else 'admitted'} alone"
    for decision in sorted(set(told.admitted) | set(told.governed)):
        if told.governed[decision] != 1:
            yield f"{decision} stands on the topic {told.governed[decision]} times"
    for act in (act for one in seen for act in one["acts"]):
        if act["told"] in ("Unanswered", "Unreachable", "NotTaken", "Closed"):
            yield f"an act was not answered: {act}"


def check_beliefs(seen: list[Json], told: Told, wall_ahead_ms: float) -> Iterator[str]:
    """Nobody believed before the grant or after the end that the bus knows; ``wall_ahead_ms``: wall minus elapsed."""
    for belief in (belief for one in seen for belief in one["beliefs"]):
        held = told.holdings.get((belief["subject"], belief["token"]))
        if held is None or held.agent != belief["agent"]:
            yield f"{belief['agent']} believed in a holding nobody granted: {belief}"
            continue
        begin_ms, end_ms = (belief[name] * 1_000 + wall_ahead_ms for name in ("begin_s", "end_s"))
        if begin_ms < held.granted_ms - 1:
            yield f"{belief['agent']} believed {held.granted_ms - begin_ms:.0f} ms too early: {belief}"
        if end_ms > (held.until_ms if held.is_revoked else held.ended_ms or held.until_ms) + 1:
            yield f"{belief['agent']} believed {end_ms - held.ended_ms:.0f} ms too long: {belief} {held}"


def check_losses(seen: list[Json]) -> Iterator[str]:
    """Whoever lost a lease heard its end: the bus says so before it fences anything, so nobody learns it by a fence."""
    for loss in (loss for one in seen for loss in one["losses"]):
        if loss["reason"] in ("fenced", "late"):
            yield f"the end of a lease was not heard: {loss}"


def check_alone(seen: list[Json], told: Told) -> Iterator[str]:
    """At no moment did two agents believe that they hold the same; a revocation reaches its holder after it counts."""
    by_subject: dict[str, list[Json]] = defaultdict(list)
    for belief in (belief for one in seen for belief in one["beliefs"]):
        by_subject[belief["subject"]].append(belief)
    for beliefs in by_subject.values():
        beliefs.sort(key=lambda belief: belief["begin_s"])
        last: dict[str, Json] = {}  # the belief of each agent that lasts longest
        for after in beliefs:
            for agent, before in last.items():
                if agent != after["agent"] and after["begin_s"] < before["end_s"]:
                    yield f"two believed at once: {before} and {after}"
            held = told.holdings.get((after["subject"], after["token"]))
            is_longest = after["agent"] not in last or after["end_s"] > last[after["agent"]]["end_s"]
            if is_longest and (held is None or not held.is_revoked):
                last[after["agent"]] = after


def check_loops(seen: list[Json]) -> Iterator[str]:
    """No callback of an event loop kept its thread longer than 50 ms."""
    for one in seen:
        if one["longest_callback_ms"] > CALLBACK_MS_MAX:
            yield f"a callback took {one['longest_callback_ms']:.0f} ms"
