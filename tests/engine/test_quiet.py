"""What the Kafka client library has to say reaches the log of the bus, and nobody's terminal."""

import time

import pytest
from confluent_kafka import KafkaException

from bus.shell import kafka
from bus.shell.settings import Settings
from tests.engine.conftest import WAIT_S, World


def test_a_fenced_member_prints_nothing(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Two processes of one instance name: the elder hears that it is fenced, the terminal does not."""
    config = Settings(bootstrap=world.bootstrap).client_config()
    members = [kafka.member(config, "test-quiet", "same") for _ in range(2)]
    heard = ""
    until_s = time.monotonic() + WAIT_S
    try:
        members[0].subscribe(["bus.control"])
        while not members[0].assignment() and time.monotonic() < until_s:
            members[0].poll(0.1)
        members[1].subscribe(["bus.control"])
        while "fenced" not in heard and time.monotonic() < until_s:
            for member in members:
                try:
                    message = member.poll(0.05)
                    error = message.error() if message is not None else None
                    heard += error.str() if error is not None else ""
                except KafkaException as error:
                    heard += str(error)
    finally:
        for member in members:
            member.close()
    assert "fenced" in heard, "the library did not say what this test is about"
    assert capfd.readouterr().err == ""
