"""On a real secured broker each principal can do what the contract's table grants; the broker refuses the rest.

The table is written out here once more, by hand, from docs/wire.md §1: it is not the code's.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from tests.secure.attempts import DONE, Settings, name_of, read, write
from tests.secure.conftest import Secured

TOPIC_REFUSED = "TOPIC_AUTHORIZATION_FAILED"
GROUP_REFUSED = "GROUP_AUTHORIZATION_FAILED"
CLUSTER_REFUSED = "CLUSTER_AUTHORIZATION_FAILED"
TRANSACTION_REFUSED = "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"

GOVERNED = {"customers", "deals", "leads", "logistics", "orders"}
LANES = {"sales", "support", "operators", "desk"}
IN = {f"bus.in.{lane}" for lane in LANES}
OUT = {f"bus.out.{lane}" for lane in LANES}
GATES = {f"bus.gate.{lane}" for lane in LANES}
OTHERS = {
    *("bus.control", "bus.arbiter", "bus.journal", "bus.outcomes"),
    *("bus.escalations", "bus.refused", "bus.snapshots", "bus.published"),
}
EVERYTHING = IN | OUT | GATES | OTHERS | GOVERNED

# user -> what it may write, what it may read; in `agentbus dev` every lane reads what is governed.
MAY: dict[str, tuple[set[str], set[str]]] = {
    "sales": ({"bus.in.sales"}, {"bus.out.sales", "bus.outcomes"} | GOVERNED),
    "support": ({"bus.in.support"}, {"bus.out.support", "bus.outcomes"} | GOVERNED),
    "operators": (
        {"bus.in.operators"},
        {"bus.out.operators", "bus.outcomes", "bus.control", "bus.refused"} | GOVERNED,
    ),
    "desk": (
        {"bus.in.desk"},
        {"bus.out.desk", "bus.outcomes", "bus.control", "bus.journal", "bus.escalations"} | GOVERNED,
    ),
    "auditor": (set(), EVERYTHING),
    "agentbus": (
        OUT | GATES | OTHERS | GOVERNED,
        IN | GATES | {"bus.control", "bus.arbiter", "bus.journal", "bus.snapshots", "bus.published"},
    ),
}
STAGE_GROUPS = ("bus-gate", "bus-gate-published", "bus-arbiter", "bus-arbiter-published", "bus-publisher")
NO_GROUPS_OF_SALES = (*STAGE_GROUPS, "bus-reader", "bus-client", "bus.support.app", "bus.sale", "anything")
# What a record written here would spoil is left to the stages, which write it all the time.
WRITTEN_BY_NOBODY_ELSE = OUT | GATES | OTHERS | GOVERNED

Said = dict[tuple[str, str, str], str]


@pytest.fixture(scope="module")
def said(secured: Secured) -> Said:
    """What the broker said to every user about every topic, by (user, verb, topic)."""
    found: Said = {}
    for user, (writes, _) in MAY.items():
        tried = sorted(EVERYTHING - (writes & WRITTEN_BY_NOBODY_ELSE))
        found |= {(user, "write", topic): word for topic, word in write(secured.login(user), tried).items()}
        # This name every principal may say and none may join: nothing but the topic can be refused.
        reads = read(secured.login(user), sorted(EVERYTHING), "bus-reader")
        found |= {(user, "read", topic): word for topic, word in reads.items()}
    return found


def _pairs(*, is_granted: bool) -> Iterator[tuple[str, str, str]]:
    for user, (writes, reads) in MAY.items():
        for topic in sorted(EVERYTHING):
            if (topic in writes) is is_granted and not (is_granted and topic in WRITTEN_BY_NOBODY_ELSE):
                yield user, "write", topic
            if (topic in reads) is is_granted:
                yield user, "read", topic


@pytest.mark.parametrize(("user", "verb", "topic"), list(_pairs(is_granted=True)))
def test_what_is_granted_works(said: Said, user: str, verb: str, topic: str) -> None:
    """Every pair of the table works with a stock client."""
    assert said[user, verb, topic] == DONE


@pytest.mark.parametrize(("user", "verb", "topic"), list(_pairs(is_granted=False)))
def test_what_is_not_granted_is_refused_by_the_broker(said: Said, user: str, verb: str, topic: str) -> None:
    """Every other pair ends in an authorization error of the broker, not in silence or for want of the topic."""
    assert said[user, verb, topic] == TOPIC_REFUSED


def _code(error: KafkaException) -> str:
    return name_of(error.args[0])


def _joined(login: Settings, group: str) -> str:
    """What a consumer hears that joins a group to read the lane's answers."""
    consumer = Consumer({**login, "group.id": group, "auto.offset.reset": "earliest", "enable.partition.eof": True})
    try:
        consumer.subscribe(["bus.out.sales"])
        message = consumer.poll(20)
        assert message is not None
        error = message.error()
        return DONE if error is None or error.code() == KafkaError._PARTITION_EOF else name_of(error)
    finally:
        consumer.close()


def _committed(login: Settings, group: str, topic: str) -> str:
    """What a client hears that sets the progress of a group without joining it."""
    admin = AdminClient(login)
    progress = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 1)])
    (future,) = admin.alter_consumer_group_offsets([progress]).values()
    try:
        (place,) = future.result(20).topic_partitions
    except KafkaException as error:
        return _code(error)
    return DONE if place.error is None else name_of(place.error)


@pytest.mark.parametrize("group", NO_GROUPS_OF_SALES)
def test_an_agent_cannot_join_a_group_that_is_not_its_lanes(secured: Secured, group: str) -> None:
    """A stage's group, another lane's and a stranger's are refused: it could take partitions away from a stage."""
    assert _joined(secured.login("sales"), group) == GROUP_REFUSED


@pytest.mark.parametrize("group", NO_GROUPS_OF_SALES)
def test_an_agent_cannot_forge_the_progress_of_another_group(secured: Secured, group: str) -> None:
    """Committing for a stage, or for anybody else, is refused."""
    assert _committed(secured.login("sales"), group, "bus.out.sales") == GROUP_REFUSED


def test_an_agent_has_groups_of_its_own(secured: Secured) -> None:
    """A group whose name begins with the lane's prefix can be joined, and progress committed in it."""
    assert _joined(secured.login("sales"), "bus.sales.joined") == DONE
    assert _committed(secured.login("sales"), "bus.sales.committed", "bus.out.sales") == DONE


def test_an_agent_sees_nothing_of_a_stages_group(secured: Secured) -> None:
    """Whoever may see one learns the names of all lanes, and where the stages run."""
    admin = AdminClient(secured.login("sales"))
    with pytest.raises(KafkaException) as refused:
        admin.describe_consumer_groups(["bus-gate"], request_timeout=10)["bus-gate"].result(20)
    assert _code(refused.value) == GROUP_REFUSED


@pytest.mark.parametrize("user", ["sales", "operators", "desk", "auditor"])
@pytest.mark.parametrize("identifier", ["bus-publisher-1-0", "mine"])
def test_nobody_but_the_publisher_writes_in_transactions(secured: Secured, user: str, identifier: str) -> None:
    """Neither the publisher's transactional id, which would fence it out, nor one of its own."""
    producer = Producer(secured.login(user, **{"transactional.id": identifier}))
    with pytest.raises(KafkaException) as refused:
        producer.init_transactions(20)
    assert _code(refused.value) == TRANSACTION_REFUSED


def _acl() -> AclBinding:
    place = (ResourceType.TOPIC, "bus.journal", ResourcePatternType.LITERAL)
    return AclBinding(*place, "User:sales", "*", AclOperation.READ, AclPermissionType.ALLOW)


def _any_acl() -> AclBindingFilter:
    # Any: no name stands for all of them.
    anything: Any = (None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
    return AclBindingFilter(ResourceType.ANY, *anything)


def _retention(topic: str) -> ConfigResource:
    entry = ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])


def _password() -> UserScramCredentialUpsertion:
    return UserScramCredentialUpsertion("support", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), b"mine")


Call = Callable[[AdminClient], Any]  # Any: futures by topic, group or resource
MEDDLING: dict[str, tuple[Call, str]] = {
    "create a topic": (lambda admin: admin.create_topics([NewTopic("bus.in.mine", 1, 1)]), TOPIC_REFUSED),
    "delete its own topic": (lambda admin: admin.delete_topics(["bus.in.sales"]), TOPIC_REFUSED),
    "delete the journal": (lambda admin: admin.delete_topics(["bus.journal"]), TOPIC_REFUSED),
    "add partitions": (lambda admin: admin.create_partitions([NewPartitions("bus.in.sales", 2)]), TOPIC_REFUSED),
    "shorten a retention": (
        lambda admin: admin.incremental_alter_configs([_retention("bus.in.sales")]),
        TOPIC_REFUSED,
    ),
    "read a topic's settings": (
        lambda admin: admin.describe_configs([ConfigResource(ResourceType.TOPIC, "bus.in.sales")]),
        TOPIC_REFUSED,
    ),
    "delete records": (lambda admin: admin.delete_records([TopicPartition("bus.outcomes", 0, 1)]), TOPIC_REFUSED),
    "delete a stage's group": (lambda admin: admin.delete_consumer_groups(["bus-gate"]), GROUP_REFUSED),
    "grant itself the journal": (lambda admin: admin.create_acls([_acl()]), CLUSTER_REFUSED),
    "take ACLs away": (lambda admin: admin.delete_acls([_any_acl()]), CLUSTER_REFUSED),
    "set another's password": (lambda admin: admin.alter_user_scram_credentials([_password()]), CLUSTER_REFUSED),
}


@pytest.mark.parametrize("user", ["sales", "operators", "desk", "auditor", "agentbus"])
@pytest.mark.parametrize("what", MEDDLING)
def test_nobody_but_the_administrator_changes_the_cluster(secured: Secured, user: str, what: str) -> None:
    """Topics, their settings, records, groups, ACLs and passwords are out of reach for every principal of the bus."""
    # The stages check that topics are as they must be, and so does whoever audits them.
    is_looking = user in ("agentbus", "auditor") and what == "read a topic's settings"
    admin = AdminClient(secured.login(user))
    (future,) = MEDDLING[what][0](admin).values()
    try:
        future.result(20)
        found = DONE
    except KafkaException as error:
        found = _code(error)
    assert found == (DONE if is_looking else MEDDLING[what][1])
