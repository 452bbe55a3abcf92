"""Picks ports on this machine that nobody listens on, and says who has one that is taken."""

from __future__ import annotations

import socket

import psutil

from bus.dev.errors import DevError

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a listener could be opened on `port` now."""
    with socket.socket() as probe:
        # As Java does: connections of a broker that is gone do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """`count` different ports that were free a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def taken_port(port: int) -> DevError:
    """The sentence for a port that was asked for and is taken."""
    return DevError(
        f"port {port} is taken by {_listener_on(port)}",
        "stop that program, or choose another port with --port (without it a free one is taken)",
    )


def need_free(port: int) -> None:
    """Raise DevError if `port` is not a port, not allowed, or taken."""
    if not 0 < port < 65536:
        raise DevError(f"{port} is no port", "choose one from 1024 to 65535 with --port")
    if not is_free(port):
        raise taken_port(port)


def listens(pid: int, port: int) -> bool:
    """Whether process `pid` itself listens on `port`; a stranger on that port does not count."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    return any(_listening_port(connection.status, connection.laddr) == port for connection in connections)


def _listening_port(status: str, address: tuple[()] | tuple[str, int]) -> int:
    return address[1] if address and status == psutil.CONN_LISTEN else 0


def _listener_on(port: int) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):  # macOS lets only root look
        return "another program"
    for connection in connections:
        if _listening_port(connection.status, connection.laddr) == port and connection.pid is not None:
            return f"another program (pid {connection.pid})"
    return "another program"
