"""The settings of a process, from ``AGENTBUS_*`` variables and the command line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bus.shell.acls import AUDITOR_PRINCIPAL, STAGES_PRINCIPAL
from bus.shell.errors import UsageError

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
PASSED_THROUGH = ("security.", "sasl.", "ssl.", "client.dns.", "socket.", "broker.address.")


class Settings(BaseSettings):
    """What a process needs to know of the world. Each field is ``AGENTBUS_<NAME>``; see docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="AGENTBUS_", extra="ignore")

    bootstrap: str = Field(
        default="127.0.0.1:9092",
        description="The Kafka brokers, `host:port,host:port`. Unset, the commands find a running `agentbus dev`.",
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

    def client_config(self) -> dict[str, str]:
        """Bootstrap and ``security.*``, ``sasl.*``, ``ssl.*`` … as librdkafka names them.

        Raises `UsageError` if the properties file cannot be read or names something that is not passed through.
        """
        config = {"bootstrap.servers": self.bootstrap}
        config.update(_read_properties(self.kafka_config) if self.kafka_config else {})
        config.update(self.kafka)
        for name in config:
            if name != "bootstrap.servers" and not name.startswith(PASSED_THROUGH):
                prefixes = ", ".join(f"{prefix}*" for prefix in PASSED_THROUGH)
                raise UsageError(f"Kafka setting {name} is not passed through", f"only {prefixes} are; leave it out")
        return config


def _read_properties(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the Kafka properties {path} ({error})", "check the path") from error
    pairs = (line.partition("=") for line in lines if line.strip() and not line.lstrip().startswith(("#", "!")))
    return {name.strip(): value.strip() for name, _, value in pairs}
