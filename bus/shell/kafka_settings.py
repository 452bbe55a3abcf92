"""Reads the Kafka settings somebody wrote, and says of one that Kafka's client does not know where it stands."""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from bus.shell.errors import UsageError

# Names that are written most often; only to say which one a mistyped one may be. What counts is what the client says.
OFTEN = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "sasl.kerberos.service.name",
    "sasl.kerberos.principal",
    "sasl.kerberos.keytab",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.endpoint.identification.algorithm",
    "ssl.cipher.suites",
    "enable.ssl.certificate.verification",
    "client.dns.lookup",
    "socket.timeout.ms",
    "socket.keepalive.enable",
    "socket.connection.setup.timeout.ms",
    "broker.address.family",
    "broker.address.ttl",
)
_QUOTED = re.compile(r'property:? "([^"]+)"')


def read_properties(path: Path) -> dict[str, str]:
    """The pairs of a properties file; raises `UsageError`."""
    return {name: value for _, name, value in _lines(path)}


def check_known(config: Mapping[str, str], path: Path | None) -> None:
    """Raise `UsageError` if Kafka's client does not know one of these settings, or not its value; connects nowhere.

    ``path`` is the file that some of them may have come from.
    """
    ours = {name: value for name, value in config.items() if name != "bootstrap.servers"}
    try:
        if ours:
            Producer({**ours, "log_level": 0, "log.queue": "true"})
    except KafkaException as error:
        said = error.args[0].str()
        if found := _QUOTED.search(said):  # what is not about one setting is told when the settings are used
            raise _usage(found.group(1), said, path) from error


def _usage(name: str, said: str, path: Path | None) -> UsageError:
    where = _where(name, path)
    if "No such" not in said:
        return UsageError(f"{where}: {said.rstrip('.')}", f"correct {name}")
    near = difflib.get_close_matches(name, OFTEN, n=1)
    step = f"did you mean {near[0]}?" if near else "names are librdkafka's: Java's own are others"
    return UsageError(f"{where}: there is no Kafka setting {name}", step)


def _where(name: str, path: Path | None) -> str:
    """Where somebody wrote it."""
    for number, found, _ in _lines(path) if path else ():
        if found == name:
            return f"{path}, line {number}"
    return "-X or AGENTBUS_KAFKA"


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, name and value of each setting; raises `UsageError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the Kafka properties {path} ({error})", "check the path") from error
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith(("#", "!")):
            name, _, value = line.partition("=")
            yield number, name.strip(), value.strip()
