"""The settings of a process, from ``AGENTBUS_*`` variables and the command line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bus.shell.errors import UsageError

PASSED_THROUGH = ("security.", "sasl.", "ssl.", "client.dns.", "socket.", "broker.address.")


class Settings(BaseSettings):
    """What a process needs to know of the world. Each field is ``AGENTBUS_<NAME>``; see docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="AGENTBUS_", extra="ignore")

    bootstrap: str = "127.0.0.1:9092"
    kafka_config: Path | None = None
    kafka: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict, exclude=True)
    instance: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65535)
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    person: str = ""
    replication: int = Field(default=3, ge=1)

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
