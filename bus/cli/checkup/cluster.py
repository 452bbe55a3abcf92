"""Looks at Kafka itself: who answers, which version, how the brokers are set, and whether their clocks agree."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AdminClient,
    ConfigResource,
    ResourceType,
)

from bus.cli.checkup.lines import LOOK_AS_ADMIN, Line, counted, note, ok, some, unseen, wrong
from bus.shell.errors import RetryableError
from bus.shell.reach import KafkaVersion

TESTED_FROM = (4, 0)
NEEDED_FROM = (3, 3)  # older ones have no topic ids without ZooKeeper, by which a journal knows its input
COPIES_WANTED = 3  # of what the stages have done so far, as of everything else
MEMBER_TIMEOUT_MS = 6_000  # within it a dead stage's work goes to another
ANSWER_S = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker; ``settings`` is empty if it does not tell them."""

    number: int
    address: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The Kafka that answers; ``controller`` is None while there is none."""

    id: str
    controller: int | None
    brokers: tuple[Broker, ...]
    why_no_settings: str = ""
    kept: Mapping[str, int] = field(default_factory=dict)  # by Kafka's own topic: how many copies it has at least
    in_step: int | None = None  # how many copies of what transactions have done must have a record; None: not told


def answer(future: Future[T], what: str) -> T:
    """What Kafka answers; raises `RetryableError` with its reason."""
    try:
        return future.result(timeout=ANSWER_S + 1)
    except KafkaException as error:
        raise RetryableError(f"{what} is not to be had: {error.args[0].str()}") from error
    except TimeoutError as error:
        raise RetryableError(f"{what} is not to be had: no answer within {ANSWER_S:.0f} s") from error


def read_cluster(client: AdminClient) -> Cluster:
    """Ask for brokers, controller and the brokers' settings; raises `RetryableError`."""
    told = answer(client.describe_cluster(request_timeout=ANSWER_S), "what the cluster is")
    nodes = sorted(told.nodes, key=lambda node: node.id)
    why, settings = "", dict[int, Mapping[str, str]]()
    try:
        settings = _settings(client, [node.id for node in nodes])
    except RetryableError as error:
        why = error.message
    brokers = tuple(Broker(node.id, f"{node.host}:{node.port}", settings.get(node.id, {})) for node in nodes)
    controller = None if told.controller is None or told.controller.id < 0 else told.controller.id
    kept = _read_kept(client)
    in_step = _read_in_step(client) if TRANSACTIONS in kept else None
    return Cluster(str(told.cluster_id), controller, brokers, why, kept, in_step)


def _read_kept(client: AdminClient) -> dict[str, int]:
    """Of each of Kafka's own two topics that is there, the copies of the partition that has fewest."""
    try:
        there = client.list_topics(timeout=ANSWER_S).topics
    except KafkaException as error:
        raise RetryableError(f"the topics are not to be had: {error.args[0].str()}") from error
    kept = {name: list(there[name].partitions.values()) for name in _KEPT if name in there}
    return {name: min(len(one.replicas) for one in parts) for name, parts in kept.items() if parts}


def _read_in_step(client: AdminClient) -> int | None:
    asked = ConfigResource(ResourceType.TOPIC, TRANSACTIONS)
    try:
        told = answer(client.describe_configs([asked], request_timeout=ANSWER_S)[asked], f"how {TRANSACTIONS} is set")
    except RetryableError:  # the brokers' settings are kept from such a login as well, and that is said
        return None
    return int(str(told["min.insync.replicas"].value))


def _settings(client: AdminClient, numbers: Sequence[int]) -> dict[int, Mapping[str, str]]:
    asked = [ConfigResource(ResourceType.BROKER, str(number)) for number in numbers]
    futures: dict[Any, Any] = client.describe_configs(asked, request_timeout=ANSWER_S)  # Any: the library's own
    found: dict[int, Mapping[str, str]] = {}
    for resource, future in futures.items():
        entries = answer(future, f"how broker {resource.name} is set")
        found[int(resource.name)] = {name: str(entry.value) for name, entry in entries.items()}
    return found


def has_authorizer(cluster: Cluster) -> bool | None:
    """Does Kafka ask who may do what? None if the brokers do not tell."""
    told = [one.settings["authorizer.class.name"] for one in cluster.brokers if "authorizer.class.name" in one.settings]
    return None if not told else any(name not in ("", "None") for name in told)


def cluster_lines(cluster: Cluster) -> Iterator[Line]:
    """Is it there as a whole?"""
    brokers = counted(len(cluster.brokers), "broker")
    if cluster.controller is None:
        remedy = "see the logs of the controllers: without one no topic can be made and no leader moves"
        yield wrong("cluster", f"cluster {cluster.id} with {brokers} has no controller", remedy)
    else:
        yield ok("cluster", f"cluster {cluster.id}, {brokers}: {some(one.address for one in cluster.brokers)}")


def version_lines(versions: Mapping[str, KafkaVersion]) -> Iterator[Line]:
    """Is every broker new enough, and do they all run the same? By address."""
    told = {address: version.software for address, version in versions.items()}
    if len(set(told.values())) > 1:
        parts = (f"{address} {version or 'an older one'}" for address, version in told.items())
        yield note("version", f"the brokers run different versions: {some(parts)}", "finish the upgrade")
    for version in sorted(set(told.values())):
        yield version_line(version)
    levels = {one.features for one in versions.values() if one.features}
    for level in sorted(levels):
        if any(_number(one.software) > _number(level) for one in versions.values()):
            remedy = "once the upgrade is final: kafka-features.sh upgrade --release-version …"
            yield note("features", f"the cluster still has the features of Kafka {level}", remedy)


def version_line(version: str) -> Line:
    """Is one version new enough? "" stands for one that is older than what can be told."""
    lowest, tested = (".".join(map(str, one)) for one in (NEEDED_FROM, TESTED_FROM))
    if not version or _number(version) < NEEDED_FROM:
        text = f"Kafka {version or 'of an old version, or on ZooKeeper'}: the bus needs {lowest} or newer"
        return wrong("version", text, f"upgrade the brokers to Kafka {tested} or newer")
    if _number(version) < TESTED_FROM:
        return note("version", f"Kafka {version}; the bus is tested with {tested} and newer", "upgrade when you can")
    return ok("version", f"Kafka {version}")


def _number(version: str) -> tuple[int, ...]:
    digits = version.partition(" ")[0].split(".")
    return tuple(int(part) for part in digits if part.isdecimal())


def broker_lines(cluster: Cluster, *, copies: int = COPIES_WANTED) -> Iterator[Line]:
    """Are the brokers' own settings such that nothing decided can be lost, and nothing appears by itself?

    ``copies`` are wanted of each topic, as far as there are brokers for them.
    """
    told = [broker for broker in cluster.brokers if broker.settings]
    if not told:
        yield unseen("brokers", cluster.why_no_settings.rstrip("."), LOOK_AS_ADMIN)
        return
    faults = 0
    for name, bad, why in _BAD_SETTINGS:
        having = [broker.number for broker in told if broker.settings.get(name, "") == bad]
        if having:
            faults += 1
            text = f"{name}={bad} on broker {some(having)}: {why}"
            yield wrong("brokers", text, f"set {name}={'false' if bad == 'true' else 'true'} on the brokers")
    lines = (*_kept_lines(cluster, told, copies), *_in_step_lines(cluster, told, copies), *_session_lines(told))
    for line in lines:
        faults += 1
        yield line
    if not faults:
        yield ok("brokers", "no topic makes itself, no unclean election, offsets and transactions kept safely")
    yield from _together_lines(cluster, copies)


_BAD_SETTINGS = (
    ("auto.create.topics.enable", "true", "a typing error makes a topic that nobody governs"),
    ("unclean.leader.election.enable", "true", "a leader that lacks records may be chosen, and decisions be lost"),
)
TRANSACTIONS, IN_STEP_SETTING = "__transaction_state", "transaction.state.log.min.isr"
IN_STEP_WANTED = 2  # as of the bus's own topics: one may be away, and what was acknowledged is on another one
# Kafka's own topics in which it keeps what the stages have done so far, and the setting they are made with.
_KEPT = {
    "__consumer_offsets": "offsets.topic.replication.factor",
    TRANSACTIONS: "transaction.state.log.replication.factor",
}


def _kept_lines(cluster: Cluster, told: Sequence[Broker], copies: int) -> Iterator[Line]:
    """A topic that is there has the copies it has; for one that is yet to be made the setting counts."""
    brokers = len(cluster.brokers)
    wanted = min(copies, COPIES_WANTED, brokers)
    for topic, setting in _KEPT.items():
        if topic in cluster.kept:
            there = cluster.kept[topic]
            if there < wanted:
                text = f"{topic} has {counted(there, 'copy', 'copies')}, and tells what the stages have done so far"
                yield wrong("brokers", text, f"kafka-reassign-partitions.sh gives it {wanted}")
            continue
        numbers = {broker.number: int(broker.settings.get(setting, wanted)) for broker in told}
        low = [number for number, set_to in numbers.items() if set_to < wanted]
        high = [number for number, set_to in numbers.items() if set_to > brokers]
        if low or high:
            why = "too few copies of what the stages do" if low else f"there are not so many brokers to make {topic}"
            text = f"{setting}={numbers[(low or high)[0]]} on broker {some(low or high)}: {why}"
            yield wrong("brokers", text, f"set {setting}={wanted} on the brokers before the first stage runs")


def _in_step_lines(cluster: Cluster, told: Sequence[Broker], copies: int) -> Iterator[Line]:
    """Has a second copy what a transaction has done before that counts?"""
    wanted = min(IN_STEP_WANTED, copies, len(cluster.brokers))
    if cluster.in_step is not None and cluster.in_step < wanted:
        text = f"{TRANSACTIONS} takes a record with one copy in step: what was released could be released again"
        remedy = f"kafka-configs.sh --alter --entity-type topics --entity-name {TRANSACTIONS} --add-config"
        yield wrong("brokers", text, f"{remedy} min.insync.replicas={wanted}")
    elif TRANSACTIONS not in cluster.kept:
        low = [one.number for one in told if int(one.settings.get(IN_STEP_SETTING, wanted)) < wanted]
        if low:
            text = f"{IN_STEP_SETTING}=1 on broker {some(low)}: a second copy may lack what transactions have done"
            yield wrong("brokers", text, f"set {IN_STEP_SETTING}={wanted} on the brokers before the first stage runs")


def _together_lines(cluster: Cluster, copies: int) -> Iterator[Line]:
    """Would one machine take several copies with it?"""
    hosts = [broker.address.rpartition(":")[0] for broker in cluster.brokers]
    for host in sorted({one for one in hosts if hosts.count(one) > 1}) if copies > 1 else ():
        text = f"{hosts.count(host)} brokers run on {host}: when that machine is gone, so are several copies at once"
        yield note("brokers apart", text, "run each broker on a machine of its own")


def _session_lines(brokers: Sequence[Broker]) -> Iterator[Line]:
    """Can a stage join with the timeout it asks for?"""
    for broker in brokers:
        longest = int(broker.settings.get("group.max.session.timeout.ms", MEMBER_TIMEOUT_MS))
        shortest = int(broker.settings.get("group.min.session.timeout.ms", MEMBER_TIMEOUT_MS))
        if not shortest <= MEMBER_TIMEOUT_MS <= longest:
            text = f"broker {broker.number} takes session timeouts of {shortest} to {longest} ms; stages ask for 6000"
            yield wrong("brokers", text, "set group.min.session.timeout.ms=6000 on the brokers: no stage can join")
