"""The list of the files that make up Apache Kafka here, each with its size and SHA-256.

`python -m bus.dev.lock 4.3.1` makes the list anew from a Maven repository; the list names no host.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import Dependency, MavenContext

LOCK_FILE = Path(__file__).with_name("kafka.lock.json")
READ_BYTES = 1024 * 1024
KAFKA_MODULE = "org.apache.kafka:kafka_2.13"
# Kafka logs through SLF4J; its own distribution adds this bridge, which no POM names. Its version
# follows the log4j-core that Kafka asks for.
LOG_BRIDGE = "org.apache.logging.log4j:log4j-slf4j-impl"


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file. `coordinate` is group:artifact:version."""

    coordinate: str
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name it has in every Maven repository and in the cache."""
        _group, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


@dataclass(frozen=True, slots=True)
class KafkaLock:
    """One version of Apache Kafka and all it needs to run."""

    kafka_version: str
    jars: tuple[Jar, ...]

    @property
    def size_bytes(self) -> int:
        """What a first download fetches."""
        return sum(jar.size_bytes for jar in self.jars)


def read_lock(path: Path = LOCK_FILE) -> KafkaLock:
    """The lock that ships with this package."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return KafkaLock(content["kafka_version"], tuple(Jar(**jar) for jar in content["jars"]))


def sha256_of(path: Path) -> str:
    """The hex SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def make_lock(kafka_version: str) -> KafkaLock:
    """Resolve Kafka's runtime files anew, download and measure each. Needs the network."""
    from bus.dev.jars import maven_context

    with tempfile.TemporaryDirectory() as folder:
        context = maven_context(Path(folder))
        dependencies = _resolve(context, kafka_version)
        with ThreadPoolExecutor(4) as pool:
            jars = list(pool.map(_measure, dependencies))
    return KafkaLock(kafka_version, tuple(sorted(jars, key=lambda jar: jar.coordinate)))


def _resolve(context: MavenContext, kafka_version: str) -> list[Dependency]:
    kafka = context.create_dependency(f"{KAFKA_MODULE}:{kafka_version}")
    wanted, needed = context.resolver.resolve([kafka])
    dependencies = [*wanted, *needed]
    (log4j,) = (d for d in dependencies if d.artifactId == "log4j-core")
    return [*dependencies, context.create_dependency(f"{LOG_BRIDGE}:{log4j.version}")]


def _measure(dependency: Dependency) -> Jar:
    path = dependency.artifact.resolve()
    coordinate = f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}"
    return Jar(coordinate, path.stat().st_size, sha256_of(path))


def write_lock(lock: KafkaLock, path: Path = LOCK_FILE) -> None:
    """Write the lock as it is committed."""
    path.write_text(json.dumps(asdict(lock), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    made = make_lock(sys.argv[1] if len(sys.argv) > 1 else read_lock().kafka_version)
    write_lock(made)
    sys.stdout.write(f"Kafka {made.kafka_version}: {len(made.jars)} files, {made.size_bytes} bytes\n")
