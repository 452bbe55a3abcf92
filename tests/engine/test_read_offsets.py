"""Single records are read from anywhere in a partition, and what the log no longer keeps is left out."""

from confluent_kafka import TopicPartition

from bus.shell import cluster, kafka
from tests.engine.conftest import WAIT_S, World

TOPIC = "scattered"
COUNT = 2 * kafka.SKIP_MAX + 500


def test_records_are_read_here_and_there(world: World) -> None:
    """First, near, far and last ones are found by their offsets; those deleted or not written yet are not there."""
    admin = kafka.admin(world.config)
    cluster.create_topics(admin, [cluster.governed_plan(TOPIC, 1)], replication=1)
    for n in range(COUNT):
        world.producer.produce(TOPIC, value=str(n).encode())
    world.producer.flush(WAIT_S)
    wanted = [0, 1, 7, kafka.SKIP_MAX + 300, COUNT - 1, COUNT, COUNT + 9]
    found = kafka.read_offsets(world.config, TOPIC, 0, wanted)
    assert {offset: record.value for offset, record in found.items()} == {n: b"%d" % n for n in wanted[:5]}
    for future in admin.delete_records([TopicPartition(TOPIC, 0, 5)]).values():
        future.result(WAIT_S)
    assert kafka.read_offsets(world.config, TOPIC, 0, wanted).keys() == set(wanted[2:5])
