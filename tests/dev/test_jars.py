"""Kafka's files are fetched once, checked always, and never half there."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.dev.errors import DevError
from bus.dev.jars import TRIES_MAX, kafka_files
from bus.dev.lock import Jar, KafkaLock, read_lock, write_lock
from bus.dev.progress import Progress, ignore_progress
from tests.dev.conftest import Shelf

CONTENTS = {name: name.encode() * 50_000 for name in ("alpha", "beta", "gamma")}


def _path(name: str) -> str:
    return f"/org/example/{name}/1.0/{name}-1.0.jar"


@pytest.fixture
def lock(shelf: Shelf) -> KafkaLock:
    shelf.files.update({_path(name): content for name, content in CONTENTS.items()})
    return KafkaLock(
        "0.0.1",
        tuple(
            Jar(f"org.example:{name}:1.0", len(content), hashlib.sha256(content).hexdigest())
            for name, content in CONTENTS.items()
        ),
    )


def _cached(cache: Path) -> set[str]:
    return {path.name for path in (cache / "kafka-0.0.1").iterdir() if path.name != ".lock"}


def test_the_lock_pins_every_file_and_names_no_host() -> None:
    """Every file of the committed lock has coordinates, a size and a SHA-256, and no address."""
    lock = read_lock()
    assert lock.kafka_version.startswith("4.3.")
    assert all(jar.coordinate.count(":") == 2 and jar.size_bytes > 0 and len(jar.sha256) == 64 for jar in lock.jars)
    assert "/" not in json.dumps([jar.coordinate for jar in lock.jars])


def test_a_written_lock_reads_back(tmp_path: Path) -> None:
    """What write_lock writes is what read_lock reads."""
    write_lock(read_lock(), tmp_path / "lock.json")
    assert read_lock(tmp_path / "lock.json") == read_lock()


def test_all_files_arrive_whole(lock: KafkaLock, shelf: Shelf) -> None:
    """A first fetch brings every file with the pinned content, from the repository the user named."""
    files = kafka_files(lock, ignore_progress)
    assert [path.read_bytes() for path in files.paths] == list(CONTENTS.values())


def test_progress_ends_at_everything(lock: KafkaLock, shelf: Shelf) -> None:
    """The last report of a fetch counts all bytes and all files."""
    reports: list[Progress] = []
    kafka_files(lock, reports.append)
    last = reports[-1]
    assert (last.bytes_done, last.jars_done) == (last.bytes_total, last.jars_total) == (lock.size_bytes, 3)


def test_nothing_is_asked_for_once_it_is_cached(lock: KafkaLock, shelf: Shelf) -> None:
    """A second call needs no network: the repository hears nothing."""
    kafka_files(lock, ignore_progress)
    shelf.asked.clear()
    kafka_files(lock, ignore_progress)
    assert not shelf.asked


def test_a_cached_start_does_not_load_the_resolver(lock: KafkaLock, shelf: Shelf) -> None:
    """With all files cached, the library that could use the network is not even imported."""
    kafka_files(lock, ignore_progress)
    code = (
        "import sys\nfrom bus.dev.jars import kafka_files\nfrom bus.dev.progress import ignore_progress\n"
        "from pathlib import Path\nfrom bus.dev.lock import read_lock\n"
        "kafka_files(read_lock(Path(sys.argv[1])), ignore_progress)\n"
        "print('jgo' in sys.modules or 'requests' in sys.modules)"
    )
    path = Path(os.environ["AGENTBUS_CACHE"]) / "lock.json"
    write_lock(lock, path)
    assert subprocess.check_output([sys.executable, "-c", code, path], text=True).strip() == "False"


def test_a_damaged_file_is_told_and_fetched_again(lock: KafkaLock, shelf: Shelf) -> None:
    """A cached file whose content changed is replaced, and the notes name it."""
    first = kafka_files(lock, ignore_progress)
    first.paths[1].write_bytes(b"x" * lock.jars[1].size_bytes)
    again = kafka_files(lock, ignore_progress)
    assert again.paths[1].read_bytes() == CONTENTS["beta"]
    assert [note for note in again.notes if "beta-1.0.jar" in note and "damaged" in note]


def test_a_killed_fetch_is_told_and_swept(lock: KafkaLock, shelf: Shelf, tmp_path: Path) -> None:
    """What a killed fetch left half-downloaded is thrown away, and the notes say so."""
    half = tmp_path / "cache" / "kafka-0.0.1" / "incoming-1" / "org" / "alpha-1.0.jar"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    files = kafka_files(lock, ignore_progress)
    assert "1 half-downloaded" in files.notes[0]
    assert _cached(tmp_path / "cache") == {path.name for path in files.paths}


def test_a_cut_connection_is_tried_again(lock: KafkaLock, shelf: Shelf) -> None:
    """An answer that ends in the middle is asked for again and arrives whole."""
    shelf.cut_answers = TRIES_MAX - 1
    files = kafka_files(lock, ignore_progress)
    assert files.paths[0].read_bytes() == CONTENTS["alpha"]


def test_a_connection_that_stays_cut_is_one_sentence(lock: KafkaLock, shelf: Shelf, tmp_path: Path) -> None:
    """If answers keep ending in the middle, the user reads of the network and no half file stays."""
    shelf.cut_answers = 100
    with pytest.raises(DevError, match=r"cannot fetch Apache Kafka .* no answer from"):
        kafka_files(lock, ignore_progress)
    assert _cached(tmp_path / "cache") == set()


def test_another_content_is_never_used(lock: KafkaLock, shelf: Shelf, tmp_path: Path) -> None:
    """A file with the right size and another content is refused with its name."""
    shelf.files[_path("beta")] = b"x" * len(CONTENTS["beta"])
    with pytest.raises(DevError, match=r"beta-1\.0\.jar arrived 3 times with another content"):
        kafka_files(lock, ignore_progress)
    assert "beta-1.0.jar" not in _cached(tmp_path / "cache")


def test_a_file_the_repository_lacks_is_named(lock: KafkaLock, shelf: Shelf) -> None:
    """A repository without a file makes a sentence with the file's coordinates."""
    del shelf.files[_path("gamma")]
    with pytest.raises(DevError, match=r"does not hand out org\.example:gamma:1\.0"):
        kafka_files(lock, ignore_progress)


def test_no_network_is_one_sentence(lock: KafkaLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody answers at all, the sentence says so and what to do."""
    conf = tmp_path / "nobody.conf"
    conf.write_text("[repositories]\ncentral = http://127.0.0.1:9\n", encoding="utf-8")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(conf))
    with pytest.raises(DevError, match="no answer from the Maven repository; check the network"):
        kafka_files(lock, ignore_progress)


def test_a_disk_without_room_is_told_before_the_first_byte(lock: KafkaLock, shelf: Shelf) -> None:
    """Too little room for the download is said at once, with both numbers, and nothing is asked for."""
    large = KafkaLock("0.0.1", (*lock.jars, Jar("org.example:delta:1.0", 2**60, "0" * 64)))
    with pytest.raises(DevError, match=r"disk of .* is full: \d+ MiB are needed, \d+ MiB are free"):
        kafka_files(large, ignore_progress)
    assert not shelf.asked


def test_a_cache_that_cannot_be_written_is_one_sentence(
    lock: KafkaLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache folder that cannot be made is named in the sentence."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("AGENTBUS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DevError, match=r"cannot write in .*file/cache"):
        kafka_files(lock, ignore_progress)


def test_ctrl_c_leaves_no_half_file(lock: KafkaLock, shelf: Shelf, tmp_path: Path) -> None:
    """An interrupt in the middle of a fetch ends it and leaves nothing behind."""
    shelf.go_on.clear()

    def interrupt(progress: Progress) -> None:
        if progress.bytes_done:
            shelf.go_on.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kafka_files(lock, interrupt)
    assert _cached(tmp_path / "cache") == set()


def test_two_processes_at_once_fetch_each_file_once(lock: KafkaLock, shelf: Shelf, tmp_path: Path) -> None:
    """A second process that starts meanwhile waits and uses what the first one fetched."""
    write_lock(lock, tmp_path / "lock.json")
    code = (
        "import sys\nfrom pathlib import Path\nfrom bus.dev.jars import kafka_files\n"
        "from bus.dev.lock import read_lock\n"
        "from bus.dev.progress import ignore_progress\n"
        "kafka_files(read_lock(Path(sys.argv[1])), ignore_progress)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "lock.json"]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert {path: shelf.asked[path] for path in shelf.files} == {_path(name): 1 for name in CONTENTS}
