"""Runs three real Kafka brokers on this machine as one cluster: each record is kept three times, one may be lost.

    <data>/node-1   a broker's data folder, with a record of its own; so node-2, node-3

Each broker is also a controller, so that any two of the three can go on. They start together: none answers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bus.dev.broker import LocalBroker
from bus.dev.data_folder import new_cluster_id
from bus.dev.errors import DevError
from bus.dev.jars import kafka_files
from bus.dev.java import find_java
from bus.dev.left_over import clear_left_over
from bus.dev.lock import read_lock
from bus.dev.ports import free_ports, need_free
from bus.dev.progress import OnProgress, Progress, Step, ignore_progress
from bus.dev.record import read_record
from bus.dev.server_files import Quorum

BROKERS = 3  # the least of which one can be lost, and all that a small machine carries
BROKERS_MIN = 2  # so many must live for anything to be taken
NODE_FOLDER = "node-"


class LocalCluster:
    """Brokers of one cluster id, with the named steps of one: ``prepare``, ``start_until_ready``, ``stop``."""

    def __init__(self, nodes: Sequence[LocalBroker]) -> None:
        self.nodes = list(nodes)
        self.notes = list(nodes[0].notes)
        self.left_over: list[str] = []
        self.is_secure = False

    @property
    def bootstrap(self) -> str:
        """What a client takes as `bootstrap.servers`: all of them, so that any may be lost."""
        return ",".join(node.bootstrap for node in self.nodes)

    @property
    def port(self) -> int:
        """The port of the first."""
        return self.nodes[0].port

    @property
    def data(self) -> Path:
        """The first broker's folder; what the bus notes for its commands is there."""
        return self.nodes[0].data

    @property
    def admin_settings(self) -> dict[str, str]:
        """Nobody has to log in."""
        return {}

    @property
    def pid(self) -> int:
        """The first broker's process."""
        return self.nodes[0].pid

    @property
    def pids(self) -> dict[str, int]:
        """Every broker's process, by name."""
        names = ["broker", *(f"broker-{n}" for n in range(2, len(self.nodes) + 1))]
        return dict(zip(names, (node.pid for node in self.nodes), strict=True))

    @property
    def log_file(self) -> Path:
        """Where the first broker writes its warnings and errors; the others' are beside it."""
        return self.nodes[0].log_file

    def is_alive(self) -> bool:
        """Do enough of them live that the cluster takes records?"""
        return sum(node.is_alive() for node in self.nodes) >= BROKERS_MIN

    def prepare(self, on_progress: OnProgress = ignore_progress) -> None:
        """Take the folders, and format the new ones; raises DevError."""
        for node in self.nodes:
            node.prepare(on_progress)
            self.left_over += node.left_over

    def start_until_ready(self, on_progress: OnProgress = ignore_progress) -> None:
        """Start all, then wait until each answers; raises DevError."""
        on_progress(Progress(Step.START))
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait_ready()
        on_progress(Progress(Step.READY))

    def stop(self) -> None:
        """End all of them and give their folders back. Raises nothing; may be called again."""
        for node in self.nodes:
            node.stop()


def start_cluster(
    data: Path | None = None,
    port: int | None = None,
    on_progress: OnProgress = ignore_progress,
    *,
    preferred_port: int | None = None,
) -> LocalCluster:
    """Three ready brokers; the arguments are those of `start_broker`, a port is the first one's. Raises DevError."""
    left_over = clear_left_over()
    on_progress(Progress(Step.JAVA))
    java, files = find_java(), kafka_files(read_lock(), on_progress)
    if port is not None:
        need_free(port)
    nodes = [
        LocalBroker(
            java=java,
            files=files,
            data=None if data is None else data / f"{NODE_FOLDER}{quorum.node_id}",
            port=port if quorum.node_id == 1 else None,
            preferred_port=preferred_port if quorum.node_id == 1 else None,
            quorum=quorum,
        )
        for quorum in new_quorum(data)
    ]
    cluster = LocalCluster(nodes)
    cluster.left_over += left_over
    try:
        cluster.prepare(on_progress)
        cluster.start_until_ready(on_progress)
    except BaseException:
        cluster.stop()
        raise
    return cluster


def new_quorum(data: Path | None) -> list[Quorum]:
    """What each of three brokers is told of the others; data that is there keeps its cluster id. Raises DevError."""
    known = None
    if data is not None:
        if read_record(data.expanduser()) is not None:
            raise DevError(f"{data} holds the data of one broker, not of three", "choose another folder with --data")
        known = read_record(data.expanduser().resolve() / f"{NODE_FOLDER}1")
    cluster_id = known.cluster_id if known is not None else new_cluster_id()
    ports = tuple(free_ports(BROKERS))
    return [Quorum(node_id, cluster_id, ports) for node_id in range(1, BROKERS + 1)]


def holds_cluster(data: Path) -> bool:
    """Was this folder made by three brokers?"""
    return read_record(data.expanduser().resolve() / f"{NODE_FOLDER}1") is not None
