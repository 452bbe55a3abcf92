"""The check of the models can fail: it notices a rule that nobody needs, a model that breaks, a run that was none."""

import re
from pathlib import Path

import pytest

from tests.model.check import Task, checked, markdown, row, tasks_of
from tests.model.models import FOLDER, MODELS, Model
from tests.model.tlc import End, TlcError, read_outcome
from tests.tidy.tree import text_of

# A counter that two rules keep below 3, of which one would do: `spare` is not needed.
TRIED = r"""---- MODULE Tried ----
EXTENDS Naturals
CONSTANT Rules
AllRules == {"stop", "spare"}
VARIABLE x
Init == x = 0
Next == /\ "stop" \in Rules => x < 2
        /\ "spare" \in Rules => x < 5
        /\ x < 9
        /\ x' = x + 1
Spec == Init /\ [][Next]_x
Small == x < 3
====
"""
CONFIG = 'SPECIFICATION Spec\nCONSTANTS\n    Rules = {"stop", "spare"}\nINVARIANTS\n    Small\n'
WITHOUT = {
    "stop": CONFIG.replace('"stop", ', ""),
    "spare": CONFIG.replace(', "spare"', ""),
    "no rule": CONFIG,
    "a module": CONFIG.replace("Small", "Smaller"),
}
MODEL = Model("Tried", "Tried")
MUTATED = [model for model in MODELS if model.has_mutants]


@pytest.mark.parametrize(
    ("without", "end", "verdict", "violated"),
    [
        ("no rule", End.HOLDS, "ok", "nothing"),
        ("stop", End.VIOLATED, "ok", "Small"),
        ("spare", End.VIOLATED, "NOT CAUGHT", "nothing"),
        ("stop", End.HOLDS, "VIOLATED", "Small"),
        ("a module", End.VIOLATED, "ERROR", ""),
    ],
)
def test_a_run_is_judged_by_what_tlc_found(tmp_path: Path, without: str, end: End, verdict: str, violated: str) -> None:
    """TLC is run on a small model: what holds, what breaks, what nobody misses and what is no model are told apart."""
    (tmp_path / "Tried.tla").write_text(TRIED, encoding="utf-8")
    result = checked(Task(MODEL, without, WITHOUT[without], end), tmp_path)
    assert (result.verdict, row(result)[2]) == (verdict, violated)


def test_what_tlc_did_not_finish_is_no_answer() -> None:
    """States that were left on the queue mean that not everything was looked at."""
    with pytest.raises(TlcError):
        read_outcome(0, "10 states generated, 5 distinct states found, 2 states left on queue.", 1.0)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.bounds)
def test_a_model_holds_by_all_its_rules(model: Model) -> None:
    """What the bounds name as rules are the rules of the module, each of them."""
    declared = re.search(r"^AllRules == \{([^}]*)\}", text_of(FOLDER / f"{model.module}.tla"), re.MULTILINE)
    assert declared is not None
    assert set(re.findall(r'"(\w+)"', declared[1])) == set(model.rules)


@pytest.mark.parametrize("model", MUTATED, ids=lambda model: model.bounds)
def test_each_rule_is_left_out_once(model: Model) -> None:
    """There is a mutant for every rule, without that rule and with all others."""
    mutants = {task.without: set(re.findall(r'"(\w+)"', task.config)) for task in tasks_of(model) if task.without}
    assert mutants == {rule: set(model.rules) - {rule} for rule in model.rules}


def test_every_module_is_checked_with_mutants() -> None:
    """No module of docs/model is left out."""
    assert {path.stem for path in FOLDER.glob("*.tla")} == {model.module for model in MUTATED}


def test_every_set_of_bounds_is_checked() -> None:
    """No configuration of docs/model is left out."""
    assert {path.stem for path in FOLDER.glob("*.cfg")} == {model.bounds for model in MODELS}


@pytest.mark.parametrize("model", MUTATED, ids=lambda model: model.bounds)
def test_the_page_says_what_each_rule_is_and_what_tlc_finds(model: Model) -> None:
    """docs/model/README.md names each rule twice: in words, and with what goes wrong without it."""
    page = text_of(FOLDER / "README.md")
    missing = [
        rule for rule in model.rules if f"| {model.bounds} | `{rule}` |" not in page or page.count(f"`{rule}`") < 2
    ]
    assert not missing


def test_the_table_shows_what_was_found(tmp_path: Path) -> None:
    """A row names the model, the rule, what broke, the states and the steps."""
    (tmp_path / "Tried.tla").write_text(TRIED, encoding="utf-8")
    result = checked(Task(MODEL, "stop", WITHOUT["stop"], End.VIOLATED), tmp_path)
    assert markdown([result]).splitlines()[-1] == "| Tried | `stop` | Small | 4 | 3 |"
