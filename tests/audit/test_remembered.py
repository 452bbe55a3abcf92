"""The file in which this machine remembers a bus: one for each login, for its owner alone, and never a must."""

import fcntl
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from bus.audit.index import Index
from bus.audit.index_file import UNUSED_S_MAX, reading_alone
from bus.audit.source import ExportSource
from bus.cli.caller import Caller
from bus.cli.remembered import file_name, index_of
from tests.audit.explained import eventful

CALLER = Caller("", (), None, is_json=False)
AUDITOR = {"bootstrap.servers": "b:9092", "security.protocol": "SASL_PLAINTEXT", "sasl.username": "auditor"}


@pytest.mark.parametrize(
    "other", [{"sasl.username": "sales"}, {"security.protocol": "SASL_SSL"}, {"ssl.certificate.location": "sales.pem"}]
)
def test_each_login_has_a_file_of_its_own(other: dict[str, str]) -> None:
    """What Kafka hides from a login, the file of a stronger one must not tell it."""
    assert file_name("bus", AUDITOR) == file_name("bus", {**AUDITOR, "bootstrap.servers": "c:9092"})
    assert file_name("bus", AUDITOR) != file_name("bus", {**AUDITOR, **other})


def test_a_certificate_counts_with_its_content(tmp_path: Path) -> None:
    """Another certificate under the same name is another login."""
    certificate = tmp_path / "client.pem"
    names = set()
    for content in (b"one", b"two"):
        certificate.write_bytes(content)
        names.add(file_name("bus", {"ssl.certificate.location": str(certificate)}))
    assert len(names) == 2


def test_a_password_is_no_part_of_the_name() -> None:
    """Not even its hash."""
    assert file_name("bus", AUDITOR) == file_name("bus", {**AUDITOR, "sasl.password": "hush"})


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Also in a folder that was there before, open for everybody."""
    folder = tmp_path / "index"
    folder.mkdir(mode=0o755)
    path = folder / "bus.sqlite"
    with index_of(CALLER, ExportSource(eventful()), path):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())}
    assert modes == {"index": 0o700, "bus.sqlite": 0o600, "bus.lock": 0o600}


def test_without_a_place_to_remember_everything_is_read_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever may not write may still ask, and is told why it takes longer."""
    (tmp_path / "file").write_text("no folder")
    with index_of(CALLER, ExportSource(eventful()), tmp_path / "file" / "bus.sqlite") as index:
        (count,) = index.database.execute("SELECT count(*) FROM entries").fetchone()
    assert count > 50
    told = capsys.readouterr().err
    assert "cannot be used (File exists), so everything is read anew each time" in told
    assert told.count("\n") == 1


def test_a_file_that_nobody_asks_about_is_removed(tmp_path: Path) -> None:
    """Files of buses that are gone do not fill the disk; one in use stays."""
    old, young = tmp_path / "old.sqlite", tmp_path / "young.sqlite"
    for file, age_s in ((old, UNUSED_S_MAX + 60), (young, UNUSED_S_MAX - 60)):
        file.write_bytes(b"")
        file.with_suffix(".lock").write_bytes(b"")
        os.utime(file, (time.time() - age_s,) * 2)
    index = Index(ExportSource(eventful()), tmp_path / "bus.sqlite")
    index.open()
    index.close()
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == ["bus.lock", "bus.sqlite", "young.lock", "young.sqlite"]


def test_whoever_waits_for_another_command_is_told(tmp_path: Path) -> None:
    """And goes on when the other one is done."""
    told: list[str] = []
    path = tmp_path / "bus.sqlite"
    with path.with_suffix(".lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        release = threading.Event()

        def wait() -> None:
            with reading_alone(path, hear):
                told.append("read")

        def hear(text: str) -> None:
            told.append(text)
            release.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert release.wait(30)
        assert told == ["another command is reading the journals: waiting for it"]
        fcntl.flock(other, fcntl.LOCK_UN)
        waiting.join(30)
    assert told[1:] == ["read"]
