"""A setting is an environment variable; what goes to Kafka goes there unread, and nothing else does."""

from pathlib import Path

import pytest

from bus.shell.errors import BusError
from bus.shell.settings import Settings


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("AGENTBUS_BOOTSTRAP", "kafka:9092", "bootstrap", "kafka:9092"),
        ("AGENTBUS_KAFKA_CONFIG", "a.properties", "kafka_config", Path("a.properties")),
        ("AGENTBUS_INSTANCE", "bus-0", "instance", "bus-0"),
        ("AGENTBUS_HTTP_HOST", "0.0.0.0", "http_host", "0.0.0.0"),
        ("AGENTBUS_HTTP_PORT", "9400", "http_port", 9400),
        ("AGENTBUS_LOG_FORMAT", "json", "log_format", "json"),
        ("AGENTBUS_LOG_LEVEL", "debug", "log_level", "debug"),
        ("AGENTBUS_PERSON", "spiffe://acme/person/ana", "person", "spiffe://acme/person/ana"),
        ("AGENTBUS_REPLICATION", "1", "replication", 1),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, field: str, value: object
) -> None:
    """Each variable reaches the field of its name."""
    monkeypatch.setenv(variable, text)
    assert getattr(Settings(), field) == value


def test_kafka_properties_pass_through(tmp_path: Path) -> None:
    """security.*, sasl.* and ssl.* of a file reach every client; a pair given by hand (AGENTBUS_KAFKA) wins."""
    file = tmp_path / "client.properties"
    file.write_text("# ours\nsecurity.protocol = SASL_SSL\nsasl.mechanism=PLAIN\n", encoding="utf-8")
    settings = Settings(bootstrap="k:1", kafka_config=file, kafka={"sasl.mechanism": "SCRAM-SHA-512"})
    assert settings.client_config() == {
        "bootstrap.servers": "k:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
    }


@pytest.mark.parametrize("name", ["enable.idempotence", "group.id", "acks"])
def test_what_the_engine_rests_on_cannot_be_passed(name: str) -> None:
    """A Kafka setting that would undo a promise is refused by name."""
    with pytest.raises(BusError, match=name):
        Settings(kafka={name: "x"}).client_config()


def test_a_missing_properties_file_is_one_sentence(tmp_path: Path) -> None:
    """The error names the file and the next step."""
    with pytest.raises(BusError, match=r"cannot read the Kafka properties .*missing.*: check the path"):
        Settings(kafka_config=tmp_path / "missing").client_config()
