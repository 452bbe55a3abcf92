"""A Kafka with its makers' settings, where asking about a topic makes it: the bus asks without making."""

from pathlib import Path

import pytest

from bus.cli.init import checked_genesis
from bus.core.policy.control import Registry
from bus.dev import server_files
from bus.dev.broker import start_broker
from bus.shell import cluster, kafka
from bus.shell.catalogue import built_in_contracts
from bus.shell.topic_check import check_topics

MADE_BY_ASKING = "auto.create.topics.enable=true\nnum.partitions=3"


def test_topics_are_made_on_purpose_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for a genesis first leaves no `bus.control` behind that is not as it must be."""
    template = server_files._SERVER
    monkeypatch.setattr(server_files, "_SERVER", template.replace("auto.create.topics.enable=false", MADE_BY_ASKING))
    assert template != server_files._SERVER
    wanted = checked_genesis("acme", ["spiffe://acme/person/ana"], 2)
    with start_broker(tmp_path / "data") as broker:
        config = {"bootstrap.servers": broker.bootstrap}
        assert cluster.read_genesis(config) is None
        cluster.create_topics(kafka.admin(config), cluster.bus_plan(2), replication=1)
        registry = Registry(cluster.write_genesis(config, wanted), built_in_contracts())
        assert check_topics(config, registry, replication=1).differences == ()
