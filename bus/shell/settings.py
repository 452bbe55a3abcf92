"""The settings of a process, from ``AGENTBUS_*`` variables and the command line."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bus.shell.acls import AUDITOR_PRINCIPAL, STAGES_PRINCIPAL
from bus.shell.errors import UsageError
from bus.shell.kafka_settings import check_known, read_properties

# Read where they are needed, before or without these settings: their default and what they are.
READ_ELSEWHERE = {
    "AGENTBUS_AGENT": ("–", "Who speaks through `bus.client`, unless it is said in the code: `spiffe://…/agent/…`."),
    "AGENTBUS_LANE": ("–", "The lane of that agent."),
    "AGENTBUS_CACHE": (
        "the user's cache folder",
        "Where `agentbus dev` keeps the Kafka it fetched, and `explain` its index of the journals.",
    ),
    "AGENTBUS_JAVA": ("–", "The Java to run it on, instead of the one found or installed with the `dev` extra."),
    "AGENTBUS_DEBUG": ("–", "`1` shows the traceback behind an error sentence."),
}
# Without it librdkafka prints its fatal errors on stderr from threads of its own, whatever the log level. We hear of
# them where they matter, as events.
QUIET = {"log.queue": "true"}
PASSED_THROUGH = ("security.", "sasl.", "ssl.", "client.dns.", "socket.", "broker.address.")


class Settings(BaseSettings):
    """What a process needs to know of the world. Each field is ``AGENTBUS_<NAME>``; see docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="AGENTBUS_", extra="ignore")

    bootstrap: str = Field(
        default="127.0.0.1:9092",
        description="The Kafka brokers, `host:port,host:port`. Unset, the only running `agentbus dev` is found.",
    )
    kafka_config: Path | None = Field(
        default=None,
        description="A properties file whose `security.*`, `sasl.*`, `ssl.*`, `socket.*` lines every client gets.",
    )
    kafka: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        exclude=True,
        description="The same as pairs; the commands fill it from `-X name=value`.",
    )
    instance: str = Field(
        default="",
        description="A name of its own that a process keeps over restarts (a StatefulSet's pod name): it comes back to "
        "its partitions within a second. Two processes must not share one.",
    )
    http_host: str = Field(default="127.0.0.1", description="Where /metrics, /healthz and /readyz listen.")
    http_port: int = Field(default=0, ge=0, le=65535, description="Their port; 0 takes a free one and tells it.")
    log_format: Literal["text", "json"] = Field(
        default="text", description="`text` for people, `json` for machines. Logs go to stderr."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`debug`, `info`, `warning`, `error`."
    )
    snapshot_records: int = Field(
        default=50_000,
        ge=1,
        description="After so many records a partition's state is written to `bus.snapshots`: a restore reads that and "
        "about as many decisions at most, a few seconds; fewer means more writing.",
    )
    snapshot_every_s: float = Field(
        default=86_400.0,
        gt=0,
        description="And after so many seconds, if any record came: so the journals' retention may be counted in days.",
    )
    hang_s: float = Field(
        default=30.0,
        ge=1,
        description="A batch that is judged for so many seconds hangs: the process says at which record, and ends. "
        "Started again it judges that record alone, and refuses it as `poison` the third time.",
    )
    person: str = Field(
        default="",
        description="Who sends control messages: `spiffe://<domain>/person/<name>`, or just the name. Unset, the "
        "operator of a running `agentbus dev`.",
    )
    replication: int = Field(
        default=3,
        ge=1,
        description="Copies of the topics `init` creates; `lanes set` makes as many as there are of `bus.control`.",
    )

    stages_principal: str = Field(
        default=STAGES_PRINCIPAL, description="The Kafka principal of gate, arbiter and publisher, for `acls`."
    )
    auditor_principal: str = Field(
        default=AUDITOR_PRINCIPAL, description="The Kafka principal that may read everything and write nothing."
    )

    def __init__(self, **given: Any) -> None:  # Any: whatever a field takes
        """``given`` goes before the environment; no pairs at all leave those of ``AGENTBUS_KAFKA``."""
        super().__init__(**{name: value for name, value in given.items() if name != "kafka" or value})

    @field_validator("kafka", mode="before")
    @classmethod
    def _take_pairs(cls, value: object) -> object:
        """``name=value,name=value``, or a JSON object if a value has a comma."""
        return _pairs_of(value) if isinstance(value, str) else value

    @field_validator("kafka_config", mode="before")
    @classmethod
    def _take_path(cls, value: object) -> object:
        """Set to nothing is not set: the empty path would be the folder one stands in."""
        return None if value == "" else value

    @field_validator("stages_principal", "auditor_principal")
    @classmethod
    def _check_principal(cls, value: str) -> str:
        kind, _, name = value.partition(":")
        if not (kind and name):
            variable = "AGENTBUS_STAGES_PRINCIPAL and AGENTBUS_AUDITOR_PRINCIPAL"
            raise UsageError(
                f"{variable} are Kafka principals, not {value!r}", "write Type:name, such as User:agentbus"
            )
        return value

    def client_config(self) -> dict[str, str]:
        """Bootstrap and ``security.*``, ``sasl.*``, ``ssl.*`` … as librdkafka names them.

        Raises `UsageError` if the properties file cannot be read, or names what is not passed through or not known.
        """
        config = {"bootstrap.servers": self.bootstrap}
        config.update(read_properties(self.kafka_config) if self.kafka_config else {})
        config.update(self.kafka)
        for name in config:
            if name != "bootstrap.servers" and not name.startswith(PASSED_THROUGH):
                prefixes = ", ".join(f"{prefix}*" for prefix in PASSED_THROUGH)
                raise UsageError(f"Kafka setting {name} is not passed through", f"only {prefixes} are; leave it out")
        check_known(config, self.kafka_config)
        return {**config, **QUIET}


def _pairs_of(text: str) -> dict[str, str]:
    """The pairs in a variable's text; raises `UsageError`."""
    if text.lstrip().startswith("{"):
        try:
            return {str(name): str(value) for name, value in json.loads(text).items()}
        except ValueError:
            found = []
    else:
        found = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(name.strip() and is_there for name, is_there, _ in found) or (text.strip() and not found):
        step = "write name=value,name=value, or a JSON object of texts"
        raise UsageError("AGENTBUS_KAFKA cannot be read as pairs", step)
    return {name.strip(): value.strip() for name, _, value in found}
