"""Looks at this machine: Python, settings that nobody reads, and what `agentbus dev` needs."""

import difflib
import os
import shutil
import socket
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from bus.cli.checkup.lines import Line, note, ok, some, wrong

PYTHONS = ((3, 11), (3, 14))
MIB = 1024 * 1024
DISK_NOTE_BYTES = 1024 * MIB  # a busy lane fills this in hours
DISK_WRONG_BYTES = 128 * MIB  # what a development bus needs to start
INSTALL_DEV = "pip install 'agentbus[dev]', if you want a Kafka of your own with `agentbus dev`"


def python(version: tuple[int, int], *, is_free_threaded: bool, has_lock: bool) -> Iterator[Line]:
    """Is this Python one the bus is tested with?"""
    text = f"Python {version[0]}.{version[1]}"
    first, last = (f"{major}.{minor}" for major, minor in PYTHONS)
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        yield wrong("python", f"{text} is not supported", f"install agentbus under Python {first} to {last}")
    elif is_free_threaded and not has_lock:
        remedy = "use the usual build of Python: the Kafka client is not tested without the lock"
        yield note("python", f"{text}, free-threaded and running without the global lock", remedy)
    else:
        yield ok("python", text + (", free-threaded build with its lock on" if is_free_threaded else ""))


def this_python() -> Iterator[Line]:
    """The same of the one that runs."""
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    is_free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    return python(sys.version_info[:2], is_free_threaded=is_free_threaded, has_lock=has_lock)


def known_variables() -> list[str]:
    """Every variable that anything here reads."""
    from bus.shell.settings import READ_ELSEWHERE, Settings

    return sorted({*(f"AGENTBUS_{name.upper()}" for name in Settings.model_fields), *READ_ELSEWHERE})


def environment(environ: Mapping[str, str]) -> Iterator[Line]:
    """Does the environment set anything that nobody reads? A typo there is otherwise never noticed."""
    known = known_variables()
    ours = sorted(name for name in environ if name.startswith("AGENTBUS_"))
    unknown = [name for name in ours if name not in known]
    for name in unknown:
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"unset {name}" + (f"; did you mean {near[0]}?" if near else f"; there are {some(known)}")
        yield wrong("settings", f"{name} is set, and nothing reads it", remedy)
    if not unknown:
        yield ok("settings", f"from the environment: {some(ours)}" if ours else "none from the environment")


def developing() -> Iterator[Line]:
    """Is here what `agentbus dev` and `agentbus demo` need? The bus itself needs none of it."""
    try:
        from bus.dev.errors import DevError
        from bus.dev.java import find_java
        from bus.dev.lock import read_lock
        from bus.dev.places import cache_folder
    except ModuleNotFoundError as error:
        yield note("dev", f"`agentbus dev` cannot run here: {error.name} is not installed", INSTALL_DEV)
        return
    try:
        java = find_java()
        yield ok("java", f"Java {java.major}, found in {java.found_in}")
    except DevError as error:
        yield note("java", error.message, f"only `agentbus dev` needs one: {error.next_step}")
    lock = read_lock()
    folder = cache_folder() / f"kafka-{lock.kafka_version}"
    missing = [jar for jar in lock.jars if _size(folder / jar.file_name) != jar.size_bytes]
    if missing:
        size = f"{sum(jar.size_bytes for jar in missing) // 1_000_000} MB"
        text = f"{len(missing)} of {len(lock.jars)} files of Kafka {lock.kafka_version} are not in {folder} yet"
        yield note("kafka files", text, f"`agentbus dev` fetches them when it starts, {size}")
    else:
        yield ok("kafka files", f"Kafka {lock.kafka_version} for `agentbus dev` is in {folder}")


def disk(what: str, folder: Path, free_bytes: int) -> Line:
    """Is there room in a folder that is written to?"""
    text = f"{free_bytes / (1024 * MIB):.1f} GiB free for {what} ({folder})"
    if free_bytes < DISK_WRONG_BYTES:
        return wrong("disk", text, f"make room on the disk of {folder}: Kafka stops when it is full")
    if free_bytes < DISK_NOTE_BYTES:
        return note("disk", text, f"make room on the disk of {folder} before it is full")
    return ok("disk", text)


def disks(folders: Mapping[str, Path]) -> Iterator[Line]:
    """The same of each, as far as it or what it will be in exists; a disk is told once."""
    seen: set[int] = set()
    for what, folder in folders.items():
        there = next((one for one in (folder, *folder.parents) if one.exists()), None)
        if there is None or (device := there.stat().st_dev) in seen:
            continue
        seen.add(device)
        yield disk(what, folder, shutil.disk_usage(there).free)


def http_port(host: str, port: int) -> Iterator[Line]:
    """If a port for /metrics is set: is it free, or taken already?"""
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = f"port {port} of {host} for /metrics cannot be had ({(error.strerror or str(error)).lower()})"
            remedy = "no harm if `agentbus run` has it; a second process needs another AGENTBUS_HTTP_PORT, or 0"
            yield note("http port", text, remedy)
            return
    yield ok("http port", f"port {port} of {host} for /metrics is free")


def folders_here() -> dict[str, Path]:
    """What is written to on this machine: the cache, and what the development buses that run here keep."""
    try:
        from bus.cli.running import running_buses
        from bus.dev.places import cache_folder
    except ModuleNotFoundError:
        return {}
    found = {f"the Kafka on {one.bootstrap}": one.data for one in running_buses()}
    return {**found, "the cache": cache_folder()}


def environment_here() -> Iterator[Line]:
    """The environment of this process."""
    return environment(os.environ)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
