"""Asks who listens at an address, before any client is made: is it Kafka, and which version, within a few seconds.

A Kafka client tries for ten seconds whatever the matter is. A socket knows at once: nobody listens, no such host, no
answer; and the first question of Kafka's own protocol (ApiVersions, which a broker answers before anybody has logged
in) tells whether it is Kafka at all.
"""

import socket
import ssl
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bus.shell.errors import RetryableError, UnreachableError

CONNECT_S = 3.0  # a broker that takes longer to accept a connection serves nobody
ANSWER_S = 4.0  # it answers in milliseconds; a busy machine may take a second
ALL_S = 3.0  # after so long no further address is tried: whoever waits wants to know
ANSWER_BYTES_MAX = 1_048_576  # an answer is a few hundred bytes; anything longer is no Kafka
DEFAULT_PORT = 9092

_API_VERSIONS, _VERSION = 18, 3
_FINALIZED, _SUPPORTED = 2, 0  # the tags of the answer's feature lists
_LEVEL_FEATURE = "metadata.version"
# The first level of `metadata.version` of each Kafka; what is above the last is newer than this program.
_FIRST_LEVELS = (
    (30, "4.3"),
    (28, "4.2"),
    (26, "4.1"),
    (22, "4.0"),
    (21, "3.9"),
    (20, "3.8"),
    (15, "3.7"),
    (12, "3.6"),
    (9, "3.5"),
    (8, "3.4"),
    (1, "3.3"),
)
_NEWEST_LEVEL = 30


@dataclass(frozen=True, slots=True)
class KafkaVersion:
    """What a broker runs; ``features`` the version that the cluster has agreed on. "" where it tells none."""

    software: str
    features: str


def check_reachable(config: Mapping[str, str]) -> None:
    """Raise `UnreachableError`, with the reason, unless something that can be Kafka answers at one of the addresses."""
    addresses = [one.strip() for one in config["bootstrap.servers"].split(",") if one.strip()]
    whys: list[str] = []
    began_s = time.monotonic()
    for address in addresses:
        if time.monotonic() - began_s > ALL_S:
            break
        why = _why_not(address, config)
        if not why:
            return
        whys.append(why)
    step = "check --bootstrap and that the broker runs, e.g. with `agentbus dev`"
    raise UnreachableError(f"Kafka does not answer at {', '.join(addresses)} ({'; '.join(dict.fromkeys(whys))})", step)


def version_at(address: str, config: Mapping[str, str]) -> KafkaVersion:
    """Which Kafka runs there; raises `RetryableError` with the reason if it does not tell."""
    try:
        return read_versions(_ask(address, config))
    except (OSError, ValueError, struct.error, IndexError) as error:
        raise RetryableError(f"{address} does not tell its version ({_reason(error)})") from error


def _why_not(address: str, config: Mapping[str, str]) -> str:
    """Why no client can work there, "" if one may."""
    try:
        if _is_encrypted(config):  # a certificate is the client's own affair
            _connect(address).close()
        else:
            read_versions(_ask(address, config))
    except (ValueError, struct.error, IndexError, ConnectionResetError):
        return "what listens there does not speak Kafka's protocol in clear; should it be security.protocol=SSL?"
    except OSError as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "there is no such host"
        case TimeoutError():
            return "no answer within a few seconds"
        case ConnectionRefusedError():
            return "nobody listens there"
        case OSError():
            return str(error.strerror or error).lower()
        case _:
            return "what it says is not Kafka's protocol"


def _connect(address: str) -> socket.socket:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host:
        host, port = port, str(DEFAULT_PORT)
    if not port.isdecimal():
        raise OSError(0, f"{port!r} is no port")
    return socket.create_connection((host.strip("[]"), int(port)), CONNECT_S)


def _ask(address: str, config: Mapping[str, str]) -> bytes:
    """The answer to ApiVersions; raises `OSError`, and `ValueError` if there is none."""
    with _connect(address) as plain:
        plain.settimeout(ANSWER_S)
        # Only versions are asked for, so that whoever pretends to be Kafka learns nothing: no certificate is needed.
        host = address.rpartition("://")[2].rpartition(":")[0]
        line = _unverified().wrap_socket(plain, server_hostname=host) if _is_encrypted(config) else plain
        name = b"agentbus"
        body = struct.pack(">hhih", _API_VERSIONS, _VERSION, 1, len(name)) + name + b"\0"
        body += bytes([len(name) + 1]) + name + b"\x02" + b"1" + b"\0"
        line.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", _receive(line, 4))
        if not 0 < size <= ANSWER_BYTES_MAX:
            raise ValueError("no length")
        return _receive(line, size)


def _receive(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = line.recv(count - len(found))
        if not more:
            raise ValueError("the connection ended")
        found += more
    return found


def _is_encrypted(config: Mapping[str, str]) -> bool:
    return "SSL" in config.get("security.protocol", "").upper()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def read_versions(answer: bytes) -> KafkaVersion:
    """Read the body of an ApiVersions answer; raises `ValueError`, `struct.error` or `IndexError` if it is none."""
    reading = _Bytes(answer)
    if reading.take(">i") != 1:
        raise ValueError("the answer is to another question")
    error = reading.take(">h")
    if error:  # a broker from before 2.4 says so, and speaks version 0 only
        return KafkaVersion("", "")
    for _ in range(reading.count()):
        reading.skip(6)
        reading.tags()
    reading.skip(4)
    tags = reading.tags()
    software = _highest(tags.get(_SUPPORTED))
    return KafkaVersion(software, _highest(tags.get(_FINALIZED)))


def _highest(features: bytes | None) -> str:
    """The Kafka version that the level of `metadata.version` in a list of features stands for."""
    if features is None:
        return ""
    reading = _Bytes(features)
    for _ in range(reading.count()):
        name = reading.text()
        reading_of = (reading.take(">h"), reading.take(">h"))
        reading.tags()
        if name == _LEVEL_FEATURE:
            level = max(reading_of)
            known = next((version for first, version in _FIRST_LEVELS if level >= first), "")
            return f"{known} or newer" if level > _NEWEST_LEVEL else known
    return ""


class _Bytes:
    """Reads Kafka's compact encoding from the left."""

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._at = 0

    def take(self, form: str) -> int:
        (found,) = struct.unpack_from(form, self._value, self._at)
        self._at += struct.calcsize(form)
        return int(found)

    def skip(self, count: int) -> None:
        self._at += count

    def unsigned(self) -> int:
        found, shift = 0, 0
        while True:
            byte = self._value[self._at]
            self._at += 1
            found |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return found
            if shift > 28:
                raise ValueError("no number")

    def count(self) -> int:
        return self.unsigned() - 1

    def text(self) -> str:
        length = self.unsigned() - 1
        self._at += length
        return self._value[self._at - length : self._at].decode()

    def tags(self) -> dict[int, bytes]:
        found = {}
        for _ in range(self.unsigned()):
            number, size = self.unsigned(), self.unsigned()
            found[number] = self._value[self._at : self._at + size]
            self._at += size
        return found
