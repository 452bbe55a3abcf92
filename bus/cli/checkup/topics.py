"""Looks at the topics: is every one there that must be, with the partitions of genesis, and kept as it must be?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from bus.cli.checkup.cluster import ANSWER_S
from bus.cli.checkup.lines import Line, counted, note, ok, some, wrong
from bus.core.policy.control import Registry
from bus.shell import kafka
from bus.shell.errors import RetryableError
from bus.shell.topic_check import COPIES, PARTITIONS, Mend, TopicDifference, TopicReport, check_topics

# What comes of a setting that is not as it must be.
_WHY = {
    "cleanup.policy": "Kafka throws away what must stay, or keeps what nobody needs",
    "retention.ms": "history goes too early",
    "retention.bytes": "history goes when the topic has grown, however young it is",
    "message.timestamp.type": "senders say when something came, and no deadline holds",
    "max.message.bytes": "records that must get in do not",
    "min.insync.replicas": "a record counts as kept before a second copy has it",
    "unclean.leader.election.enable": "a leader that lacks records may be chosen, and decisions be lost",
}
APPLY = "agentbus topics apply"


def planned_lines(config: kafka.ClientConfig, registry: Registry, *, copies: int) -> list[Line]:
    """Compare the topics with the plan, by which each has so many copies. Raises as `check_topics`."""
    return list(difference_lines(check_topics(config, registry, replication=copies), copies=copies))


def difference_lines(report: TopicReport, *, copies: int) -> Iterator[Line]:
    """A line for each way in which topics differ, with all that differ so; ``copies`` are wanted."""
    alike: dict[tuple[str, ...], list[TopicDifference]] = {}
    for one in report.differences:
        key = (
            one.setting,
            "" if one.setting == "" else one.found,
            one.wanted if one.setting else "",
            one.mend.value,
            "governed" if _is_governed(one) else "",
        )
        alike.setdefault(key, []).append(one)
    for found in alike.values():
        yield _line(found)
    if not report.differences:
        kept = "one copy each is enough here" if copies == 1 else "each with its copies"
        yield ok("topics", f"{counted(len(report.needed), 'topic')} as they must be, {kept}")


def _line(alike: Sequence[TopicDifference]) -> Line:
    first, names = alike[0], some(one.topic for one in alike)
    match first.setting:
        case "" if _is_governed(first):
            text = f"governed {names} {_is(alike)} missing, which contracts in force name"
            return wrong("governed", text, f"{APPLY} --governed-partitions N; until then the publisher stands still")
        case "" if first.mend is Mend.LOST:
            text = f"{names} {_is(alike)} gone, and decisions rest on {'it' if len(alike) == 1 else 'them'}"
            remedy = "take the lane out with `agentbus lanes rm`; another needs a new name: see `agentbus topics plan`"
            return wrong("lost", text, remedy)
        case "":
            return wrong("missing", f"{names} {_is(alike)} missing, or not shown to this login", APPLY)
        case setting if setting == PARTITIONS:
            text = f"{names}: {first.found} partitions, {first.wanted} by genesis or by plan"
            return wrong("partitions", text, "no stage starts on it: another number is a migration to a new cluster")
        case setting if setting == COPIES:
            text = f"{names}: {_copies(first.found)}, {first.wanted} wanted"
            remedy = "kafka-reassign-partitions.sh adds some; on one broker, for development only: --single-node"
            return wrong("copies", text, remedy)
        case setting:
            text = f"{names}: {setting}={first.found}, so that {_WHY.get(setting, 'it is not kept as it must be')}"
            return wrong("settings", text, f"{APPLY} sets {setting}={first.wanted}")


def _is(alike: Sequence[TopicDifference]) -> str:
    return "is" if len(alike) == 1 else "are"


def _is_governed(one: TopicDifference) -> bool:
    return not one.topic.startswith("bus.")


def _copies(number: str) -> str:
    return "one copy" if number == "1" else f"{number} copies"


def read_alive(client: AdminClient, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Partitions without a leader, and those with a copy out of step; raises `RetryableError`."""
    try:
        there: Mapping[str, Any] = client.list_topics(timeout=ANSWER_S).topics  # Any: the library's own
    except KafkaException as error:
        raise RetryableError(f"the topics are not to be had: {error.args[0].str()}") from error
    parts = [(f"{name}/{p}", one) for name in names if name in there for p, one in there[name].partitions.items()]
    leaderless = [name for name, one in parts if one.leader < 0]
    late = [name for name, one in parts if one.leader >= 0 and len(one.isrs) < len(one.replicas)]
    return leaderless, late


def alive_lines(leaderless: Sequence[str], late: Sequence[str]) -> Iterator[Line]:
    """Can all partitions be written, and are their copies in step?"""
    if leaderless:
        verb = "has" if len(leaderless) == 1 else "have"
        yield wrong("leaders", f"{some(leaderless)} {verb} no leader: nobody can write there", "start the brokers")
    if late:
        text = f"{counted(len(late), 'partition')} with a copy that is not in step: {some(late)}"
        yield note("copies in step", text, "see which broker is down or slow")
