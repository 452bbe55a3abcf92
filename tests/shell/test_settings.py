"""A setting is an environment variable; what goes to Kafka goes there unread, and nothing else does."""

from pathlib import Path

import pytest

from bus.shell.errors import BusError, UsageError
from bus.shell.settings import QUIET, Settings


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
        **QUIET,
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


@pytest.mark.parametrize(
    "text",
    [
        "security.protocol=SASL_SSL,sasl.mechanism=PLAIN",
        " security.protocol = SASL_SSL , sasl.mechanism=PLAIN",
        '{"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}',
    ],
)
def test_pairs_come_from_a_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """AGENTBUS_KAFKA takes pairs and JSON alike."""
    monkeypatch.setenv("AGENTBUS_KAFKA", text)
    assert Settings(kafka={}).kafka == {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}


def test_a_value_may_hold_an_equals_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first one of a pair parts name and value."""
    monkeypatch.setenv("AGENTBUS_KAFKA", "sasl.password=a=b")
    assert Settings().kafka == {"sasl.password": "a=b"}


@pytest.mark.parametrize("text", ["security.protocol", "=x", "{", "{]", '["a"]'])
def test_what_is_no_pair_is_one_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The variable and the form it wants are named; what it held, perhaps a password, is not."""
    monkeypatch.setenv("AGENTBUS_KAFKA", text)
    with pytest.raises(UsageError, match="AGENTBUS_KAFKA cannot be read as pairs: write name=value,name=value"):
        Settings()


def test_an_empty_path_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable set to nothing counts as unset."""
    monkeypatch.setenv("AGENTBUS_KAFKA_CONFIG", "")
    assert Settings().kafka_config is None


@pytest.mark.parametrize("variable", ["AGENTBUS_STAGES_PRINCIPAL", "AGENTBUS_AUDITOR_PRINCIPAL"])
@pytest.mark.parametrize("text", ["agentbus", "User:", ":agentbus"])
def test_a_principal_without_a_type_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, text: str) -> None:
    """Kafka would take the ACLs of nobody."""
    monkeypatch.setenv(variable, text)
    with pytest.raises(UsageError, match="Type:name"):
        Settings()


def test_a_mistyped_name_is_told_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    """Kafka's client would only say that it does not know it."""
    path = tmp_path / "client.properties"
    path.write_text("# ours\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechnism=PLAIN\n", encoding="utf-8")
    with pytest.raises(UsageError) as told:
        Settings(kafka_config=path).client_config()
    assert f"{path}, line 3" in told.value.message
    assert told.value.next_step == "did you mean sasl.mechanism?"


def test_a_value_that_does_not_exist_is_told_with_its_name() -> None:
    """The pair came from an option, so no file is named."""
    with pytest.raises(UsageError, match=r"-X or AGENTBUS_KAFKA.*security\.protocol"):
        Settings(kafka={"security.protocol": "SASL_PLAIN"}).client_config()
