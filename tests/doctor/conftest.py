"""What the tests of the doctor share: patients on real brokers, and the real command that examines them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Producer

from bus import ENGINE
from bus.core.log.journal import Tip, seal
from bus.dev.broker import LocalBroker, start_broker
from bus.shell import kafka
from tests.cli.conftest import Ran, environment, in_this_process

ANA = "spiffe://acme/person/ana"
Rows = list[dict[str, Any]]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Patient:
    """A Kafka that is examined."""

    bootstrap: str
    env: dict[str, str]
    options: tuple[str, ...] = ()

    @property
    def config(self) -> dict[str, str]:
        """What a client of ours needs."""
        return {"bootstrap.servers": self.bootstrap}

    def ran(self, *arguments: str) -> Ran:
        """Run a command of ours on it."""
        return in_this_process(*arguments, "--bootstrap", self.bootstrap, *self.options, env=self.env)

    def examined(self, *arguments: str) -> Rows:
        """What the doctor says of it."""
        return [dict(row) for row in self.ran("doctor", "--json", *arguments).rows]

    def write(self, topic: str, partition: int, *values: bytes) -> None:
        """Append records as anybody could who may write there."""
        producer = Producer(self.config)
        for value in values:
            producer.produce(topic, partition=partition, value=value)
        assert producer.flush(kafka.CALL_TIMEOUT_S) == 0


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A machine that knows of no development bus."""
    return environment(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def broker() -> Iterator[LocalBroker]:
    """A Kafka with nothing on it."""
    with_cache = start_broker()
    yield with_cache
    with_cache.stop()


@pytest.fixture(scope="session")
def bare_rows(broker: LocalBroker, env: dict[str, str]) -> Rows:
    """What is said of a Kafka that is no bus yet."""
    return Patient(broker.bootstrap, env).examined()


@pytest.fixture(scope="session")
def ill(broker: LocalBroker, env: dict[str, str], bare_rows: Rows) -> Patient:
    """A bus of two partitions on one broker that nobody runs; the tests break what they need broken."""
    assert bare_rows, "the bare Kafka is examined first"
    patient = Patient(broker.bootstrap, env)
    made = patient.ran("init", "--domain", "acme", "--steward", ANA, "--partitions", "2", "--single-node")
    assert made.code == 0, made.err
    return patient


@pytest.fixture(scope="session")
def secured(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Patient, Patient]]:
    """A Kafka that asks who is there: examined by its administrator, and by one who may do nothing."""
    folder = tmp_path_factory.mktemp("logins")
    secure = start_broker(is_secure=True)
    admin = folder / "admin.properties"
    admin.write_text("\n".join(f"{name}={value}" for name, value in secure.admin_settings.items()), encoding="utf-8")
    patient = Patient(secure.bootstrap, env, ("--kafka-config", str(admin)))
    yield patient, Patient(secure.bootstrap, env)
    secure.stop()


def chain(*bodies: dict[str, Any]) -> list[bytes]:  # Any: JSON
    """These segments as one chain from a genesis."""
    tip, values = Tip(), []
    for body in ({"kind": "genesis", "gen": 1}, *bodies):
        value, tip = seal(tip, {"engine": ENGINE, **body})
        values.append(value)
    return values


def said(rows: Rows, check: str) -> tuple[str, str]:
    """State and sentence of a check, of several lines the worst one's."""
    found = [row for row in rows if row["check"] == check]
    assert found, f"nothing is said of {check}: {json.dumps(rows, indent=1)}"
    worst = next(row for state in ("wrong", "unseen", "note", "ok") for row in found if row["state"] == state)
    return worst["state"], worst["sentence"]


def remedy(rows: Rows, check: str) -> str:
    """What mends the first thing that is wrong with a check."""
    return next(str(row["remedy"]) for row in rows if row["check"] == check and row["state"] == "wrong")
