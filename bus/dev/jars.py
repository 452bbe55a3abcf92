"""Fetches Apache Kafka's files once, checks every one against the lock, and keeps them for later.

Once all files are in the cache, nothing here touches the network (jgo is not even imported).
"""

from __future__ import annotations

import configparser
import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bus.dev.errors import MIB, DevError, disk_error
from bus.dev.lock import Jar, KafkaLock, sha256_of
from bus.dev.places import cache_folder, make_folder, need_room, wait_for_lock
from bus.dev.progress import OnProgress, Progress, Step

if TYPE_CHECKING:
    from jgo.maven import MavenContext

# 6 files at a time: one alone is slowed by round trips, many more annoy the repository.
FETCHES_MAX = 6
# A file that arrives broken is asked for again this often, then the user is told.
TRIES_MAX = 3
# Nothing for this long on a connection means it is dead.
CONNECTION_TIMEOUT_S = 15
# A progress bar moves smoothly at ten reports a second.
TELL_EVERY_S = 0.1
# Room on the disk beyond the files themselves.
SPARE_BYTES = 32 * MIB
INCOMING_PREFIX = "incoming-"


@dataclass(frozen=True, slots=True)
class KafkaFiles:
    """All files of one Kafka version, checked; `notes` says what had to be repaired."""

    kafka_version: str
    paths: tuple[Path, ...]
    notes: tuple[str, ...]

    @property
    def class_path(self) -> str:
        """What `java -cp` takes."""
        return os.pathsep.join(str(path) for path in self.paths)


class _GivenUpError(Exception):
    """The fetch was ended from outside, by Ctrl-C or because another file failed."""


def kafka_files(lock: KafkaLock, on_progress: OnProgress) -> KafkaFiles:
    """The files of `lock`, from the cache or, where one is absent or broken, downloaded.

    Raises DevError: no network, full disk, cache not writable, a file that stays broken.
    """
    folder = cache_folder() / f"kafka-{lock.kafka_version}"
    if os.pathsep in str(folder):
        raise DevError(
            f"Java cannot use files in {folder}: the name contains {os.pathsep!r}",
            "choose another place with AGENTBUS_CACHE",
        )
    notes: list[str] = []
    if wanted := _absent_or_broken(folder, lock.jars):
        make_folder(folder)
        with wait_for_lock(folder / ".lock"):
            notes += _sweep_incoming(folder)
            # Another process may have fetched them while this one waited.
            if wanted := _absent_or_broken(folder, lock.jars):
                notes += _drop_broken(folder, wanted)
                _fetch(folder, wanted, on_progress)
    paths = tuple(folder / jar.file_name for jar in lock.jars)
    return KafkaFiles(lock.kafka_version, paths, tuple(notes))


def is_whole(path: Path, jar: Jar) -> bool:
    """Whether the file at `path` is exactly the one that the lock pins."""
    try:
        return path.stat().st_size == jar.size_bytes and sha256_of(path) == jar.sha256
    except OSError:
        return False


def maven_context(repository: Path, progress: Callable[[str, int], object] | None = None) -> MavenContext:
    """jgo, set up as its user set it up: `[repositories] central = ...` of jgo.conf is kept."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    try:
        repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    except configparser.Error as error:
        raise DevError("jgo.conf, which names the Maven repositories, is not in INI form", "repair it") from error
    return MavenContext(
        resolver=PythonResolver(progress_callback=progress),  # type: ignore[arg-type]  # its alias is private
        repo_cache=repository,
        remote_repos=repositories,
        timeout=CONNECTION_TIMEOUT_S,
    )


def _absent_or_broken(folder: Path, jars: tuple[Jar, ...]) -> tuple[Jar, ...]:
    with ThreadPoolExecutor(2) as pool:
        whole = pool.map(lambda jar: is_whole(folder / jar.file_name, jar), jars)
        return tuple(jar for jar, is_good in zip(jars, whole, strict=True) if not is_good)


def _drop_broken(folder: Path, jars: tuple[Jar, ...]) -> list[str]:
    broken = [jar.file_name for jar in jars if (folder / jar.file_name).exists()]
    for name in broken:
        (folder / name).unlink()
    return [f"{name} in {folder} was damaged and is fetched again" for name in broken]


def _sweep_incoming(folder: Path) -> list[str]:
    """Remove what a killed download left; only the holder of the folder's lock may call this."""
    left = sorted(folder.glob(f"{INCOMING_PREFIX}*"))
    half = sum(1 for place in left for _file in place.rglob("*.jar"))
    for place in left:
        shutil.rmtree(place, ignore_errors=True)
    return [f"{half} half-downloaded files in {folder} were thrown away"] if half else []


def _fetch(folder: Path, jars: tuple[Jar, ...], on_progress: OnProgress) -> None:
    need_room(folder, sum(jar.size_bytes for jar in jars) + SPARE_BYTES)
    download = _Download(folder, jars, on_progress)
    try:
        download.run()
    except OSError as error:
        raise _sentence(error, folder, jars) from error
    finally:
        download.clear()


def _sentence(error: OSError, folder: Path, jars: tuple[Jar, ...]) -> DevError:
    # Everything that `requests` raises is an OSError without a number of the operating system.
    if error.errno is not None:
        return disk_error(error, folder)
    return DevError(
        f"cannot fetch Apache Kafka ({len(jars)} files are absent in {folder}): no answer from the Maven repository",
        "check the network and its proxy settings, or name a mirror as `central` under"
        " [repositories] in jgo.conf; after one full fetch no network is needed",
    )


def _not_handed_out(jar: Jar) -> DevError:
    return DevError(
        f"the Maven repository does not hand out {jar.coordinate}",
        "try again later, or name another repository as `central` under [repositories] in jgo.conf",
    )


class _Download:
    """One parallel download into a folder of its own, from which whole files are moved."""

    def __init__(self, folder: Path, jars: tuple[Jar, ...], on_progress: OnProgress) -> None:
        self._folder = folder
        self._jars = jars
        self._on_progress = on_progress
        self._incoming = Path(tempfile.mkdtemp(prefix=INCOMING_PREFIX, dir=folder))
        self._maven = maven_context(self._incoming, self._count)
        self._given_up = threading.Event()
        self._counting = threading.Lock()
        self._bytes_done = 0

    def run(self) -> None:
        """Fetch all; on the first failure, or Ctrl-C, none is begun any more."""
        pool = ThreadPoolExecutor(FETCHES_MAX, thread_name_prefix="fetch")
        # Large files first: the last ones to end are then short.
        by_size = sorted(self._jars, key=lambda jar: -jar.size_bytes)
        try:
            self._tell_until_done([pool.submit(self._fetch_one, jar) for jar in by_size])
        except BaseException:
            self._given_up.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def clear(self) -> None:
        """Remove whatever did not become a whole file."""
        shutil.rmtree(self._incoming, ignore_errors=True)

    def _tell_until_done(self, fetches: list[Future[None]]) -> None:
        waiting = set(fetches)
        while waiting:
            self._tell(len(fetches) - len(waiting))
            done, waiting = wait(waiting, timeout=TELL_EVERY_S, return_when=FIRST_COMPLETED)
            for fetch in done:
                fetch.result()
        self._tell(len(fetches))

    def _tell(self, jars_done: int) -> None:
        bytes_total = sum(jar.size_bytes for jar in self._jars)
        bytes_done = min(self._bytes_done, bytes_total)
        self._on_progress(Progress(Step.FETCH, bytes_done, bytes_total, jars_done, len(self._jars)))

    def _fetch_one(self, jar: Jar) -> None:
        artifact = self._maven.create_dependency(jar.coordinate).artifact
        for tries in range(1, TRIES_MAX + 1):
            half = self._incoming / artifact.component.path_prefix / jar.file_name
            half.unlink(missing_ok=True)
            try:
                path = artifact.resolve()
            except RuntimeError as error:
                raise _not_handed_out(jar) from error
            except OSError as error:
                if error.errno is not None or tries == TRIES_MAX:
                    raise
                continue
            if is_whole(path, jar):
                path.replace(self._folder / jar.file_name)
                return
        raise DevError(
            f"{jar.file_name} arrived {TRIES_MAX} times with another content than pinned (SHA-256 differs)",
            "try again; if it stays so, something on the way to the Maven repository changes files",
        )

    @contextlib.contextmanager
    def _count(self, _file_name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        def add(chunk_bytes: int) -> None:
            if self._given_up.is_set():
                raise _GivenUpError
            with self._counting:
                self._bytes_done += chunk_bytes

        yield add
