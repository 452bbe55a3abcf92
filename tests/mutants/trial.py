"""Tries one mutant: in a process of its own, which has the changed file in memory and runs the quick checks on it.

The checks go from the quickest to the slowest, and end with the first that fails: golden histories, scripts, the tests
of the core, seeded contests against the oracle, seeds of the simulator, and at last the properties.
"""

import importlib.abc
import importlib.machinery
import inspect
import os
import resource
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import confluent_kafka  # noqa: F401 loaded once, before the forks, like what follows
import hypothesis  # noqa: F401
import jsonschema  # noqa: F401
import pydantic  # noqa: F401
import structlog  # noqa: F401

from tests.mutants.changes import Mutant
from tests.mutants.first_failure import first_failure

ROOT = Path(__file__).parents[2]
CPU_S_MAX = 240  # the checks need 60; what takes longer does not end
MEMORY_BYTES_MAX = 6 * 1024**3
REMEMBERED = ("bus/core/state/forms.py",)  # what it makes is made once and kept
ORACLE_SEEDS = range(40)
SIMULATOR_SEEDS = range(1, 7)
SIMULATOR_MINUTES = 0.5
# Those that need no Kafka and look at the core; the slowest of their kind are left out.
QUICK_TESTS = ("tests/rules/test_arbiter_scripts.py", "tests/rules/test_gate_scripts.py", "tests/core")
SLOW_TESTS = (
    "tests/rules/test_order_of_gate_reasons.py",
    "tests/shell/test_rulings_do_what_they_say.py",
    "tests/shell/test_earlier_records.py",
    "tests/shell/test_terms_change.py",
    "tests/contests/test_bounds.py",
    "tests/contests/test_sealed.py",
    "tests/contests/test_restore.py",
    "tests/resolvers/test_table_model.py",
    "tests/properties",
)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a module another source than its file has."""

    def __init__(self, path: str, source: bytes) -> None:
        self._module = module_of(path)
        self._path, self._source = path, source

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,  # noqa: ARG002 as the protocol says
        target: types.ModuleType | None = None,  # noqa: ARG002 as the protocol says
    ) -> importlib.machinery.ModuleSpec | None:
        """Only for the module that is changed."""
        if name != self._module:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(ROOT / self._path))

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the changed source."""
        module.__file__ = str(ROOT / self._path)
        exec(compile(self._source, module.__file__, "exec"), module.__dict__)


def module_of(path: str) -> str:
    """The module of a file."""
    return path.removesuffix(".py").replace("/", ".")


def killed_by(mutant: Mutant, *, thorough: bool = True) -> str:
    """What notices the change: a check's name, "time" if it does not end, "" if nothing does.

    Not ``thorough``: only the checks that take seconds.
    """
    import bus.sim.judge  # noqa: F401 loaded before the forks: all that the checks need
    import tests.contests.against_core
    import tests.histories.history  # noqa: F401

    given, taken = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(given)
        _be_bounded()
        os.write(taken, _tried(mutant, thorough=thorough).encode() or b"-")
        os._exit(0)
    os.close(taken)
    with os.fdopen(given, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return "" if said == "-" else said or "time"


def _tried(mutant: Mutant, *, thorough: bool) -> str:
    source = mutant.applied((ROOT / mutant.path).read_bytes())
    try:
        if not exchange(mutant, source):
            sys.meta_path.insert(0, Changed(mutant.path, source))
            for name in [one for one in sys.modules if one.partition(".")[0] in ("bus", "resolvers", "tests")]:
                if not name.startswith("tests.mutants"):
                    del sys.modules[name]
    except SyntaxError:
        return "no such code"
    return _first_that_fails(thorough=thorough)


def exchange(mutant: Mutant, source: bytes) -> bool:
    """Give the function its changed code where it lives; False if its module has to be loaded anew for the change."""
    live: Any = importlib.import_module(module_of(mutant.path))  # Any: a module, a class, a function
    code = compile(source, mutant.path, "exec")
    if not mutant.function or mutant.path in REMEMBERED:
        return False
    for name in mutant.function.split("."):
        found = [one for one in code.co_consts if isinstance(one, types.CodeType) and one.co_name == name]
        live = inspect.getattr_static(live, name, None)
        live = getattr(live, "fget", None) or getattr(live, "__func__", None) or live
        if len(found) != 1 or live is None:
            return False
        (code,) = found
        if isinstance(live, types.FunctionType):
            live.__code__ = code
            return True
    return False


def _be_bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def _first_that_fails(*, thorough: bool) -> str:
    quick, slow = (_histories, _scripts, _quick_tests), (_oracle, _simulator, _slow_tests)
    for check in (*quick, *slow) if thorough else quick:
        try:
            if failed := check():
                return failed
        except BaseException as error:  # noqa: BLE001 what a mutant dies of has noticed it
            return f"{check.__name__.strip('_')}: {type(error).__name__}"
    return ""


def _histories() -> str:
    from bus.shell.snapshots.records import FORMAT
    from tests.histories.history import judged_again, names, read, state_hash
    from tests.histories.test_histories import HASHED

    for name in names():
        history = read(name)
        if judged_again(history) != history.decisions():
            return f"history {name}"
        if state_hash(history.folded()) != HASHED[name][str(FORMAT)]:
            return f"history {name}: state"
    return ""


def _scripts() -> str:
    from tests.contests.against_core import parting
    from tests.rules.scripts_reader import read_scripts

    for script in read_scripts(ROOT / "tests/contests/scripts"):
        if parting(script.given, [what for what, _ in script.lines]):
            return f"script {script.name}"
    return ""


def _oracle() -> str:
    from tests.contests.against_core import lines_of_seed, parting

    return next((f"contest of seed {seed}" for seed in ORACLE_SEEDS if parting(*lines_of_seed(seed))), "")


def _simulator() -> str:
    from bus.sim.judge import violations
    from bus.sim.quiet import quiet
    from bus.sim.run import play

    with quiet():
        for seed in SIMULATOR_SEEDS:
            if found := violations(play(seed, SIMULATOR_MINUTES)):
                return f"simulator {found[0].invariant}"
    return ""


def _tests(paths: Sequence[str]) -> str:
    failed, code = first_failure(*paths)
    return "" if code == 0 else failed or f"tests end with {code}"


def _quick_tests() -> str:
    return _tests(QUICK_TESTS)


def _slow_tests() -> str:
    return _tests([path for path in SLOW_TESTS if (ROOT / path).exists()])
