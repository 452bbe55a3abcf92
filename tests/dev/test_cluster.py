"""Three real brokers are one cluster: any one may be lost, and their data comes back."""

from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bus.dev.broker import LocalBroker
from bus.dev.cluster import BROKERS, LocalCluster, holds_cluster, new_quorum, start_cluster
from bus.dev.data_folder import DataFolder
from bus.dev.errors import DevError

TOPIC = "kept"
WAIT_S = 60.0


def send(cluster: LocalCluster, text: str) -> None:
    """Send one record, acknowledged by all copies that are in step; fails if it is not taken."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "log_level": 0})
    failed: list[str] = []
    producer.produce(TOPIC, text.encode(), on_delivery=lambda error, _: failed.append(str(error)) if error else None)
    assert producer.flush(WAIT_S) == 0
    assert not failed, failed


def read(cluster: LocalCluster, count: int) -> list[str]:
    """The first records of the topic."""
    config = {"bootstrap.servers": cluster.bootstrap, "group.id": "reader", "log_level": 0}
    consumer = Consumer(config)
    consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
    found = [message.value() for message in consumer.consume(count, WAIT_S) if message.error() is None]
    consumer.close()
    return [value.decode() for value in found if isinstance(value, bytes)]


def copies(cluster: LocalCluster) -> int:
    """How many copies of the topic there are."""
    topics = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0}).list_topics(timeout=WAIT_S).topics
    return len(topics[TOPIC].partitions[0].replicas)


def test_any_broker_may_be_lost_and_the_data_comes_back(tmp_path: Path) -> None:
    """Records sent before and after a broker was killed are all there after a stop and a start of all three."""
    data = tmp_path / "data"
    cluster = start_cluster(data)
    try:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        admin.create_topics([NewTopic(TOPIC, 1)])[TOPIC].result(WAIT_S)
        send(cluster, "before")
        # The first leads the topic or not: the one that does is the one to lose.
        topics = admin.list_topics(timeout=WAIT_S).topics
        leader: LocalBroker = cluster.nodes[topics[TOPIC].partitions[0].leader - 1]
        leader.kill()
        assert cluster.is_alive()
        send(cluster, "after")
        assert copies(cluster) == BROKERS
    finally:
        cluster.stop()
    assert holds_cluster(data)
    again = start_cluster(data)
    try:
        assert read(again, 2) == ["before", "after"]
    finally:
        again.stop()
    assert not again.is_alive()


def test_three_brokers_do_not_take_the_data_of_one(tmp_path: Path) -> None:
    """The folder of a single broker is refused with a sentence, before anything is started."""
    folder = DataFolder(tmp_path / "one")
    folder.take("4.0.0")
    folder.give_back()
    with pytest.raises(DevError, match="one broker, not of three"):
        new_quorum(tmp_path / "one")


def test_a_folder_of_another_cluster_is_refused(tmp_path: Path) -> None:
    """A broker's folder that was copied in from elsewhere does not join the two beside it."""
    folder = DataFolder(tmp_path / "node-2", cluster_id="AAAAAAAAAAAAAAAAAAAAAA")
    folder.take("4.0.0")
    folder.give_back()
    with pytest.raises(DevError, match="another cluster"):
        DataFolder(tmp_path / "node-2", cluster_id="BBBBBBBBBBBBBBBBBBBBBB").take("4.0.0")
