"""The report of the mutation runs is whole: every fault is in it and was noticed, every survivor is explained."""

import pytest

from tests.mutants.changes import mutants_of
from tests.mutants.generated import FILES, drawn
from tests.mutants.listed import EVERY, HARMLESS, RULES, Listed
from tests.mutants.page import PAGE, page
from tests.mutants.results import read
from tests.mutants.survivors import WHY
from tests.mutants.trial import ROOT

RESULTS = read()
FAULTS_MIN = 40


def test_the_page_is_what_the_results_say() -> None:
    """Nobody writes a number of it by hand; `python -m tests.mutants.page` makes it again."""
    assert PAGE.read_text() == page()


def test_every_fault_of_the_list_is_in_the_report() -> None:
    """And none that is not planted any more."""
    assert len(EVERY) >= FAULTS_MIN
    assert RESULTS["faults"].keys() == {fault.name for fault in EVERY}


def test_no_two_faults_have_one_name() -> None:
    """A name is how a reader finds a fault again."""
    assert len({fault.name for fault in EVERY}) == len(EVERY)


def test_every_fault_was_noticed() -> None:
    """By a checker within the seeds that were played, or by the test that stands behind it."""
    missed = {name for name, one in RESULTS["faults"].items() if not one["seeds"] and not one["test"]}
    assert missed <= HARMLESS.keys()


def test_every_rule_has_a_fault() -> None:
    """A rule that nobody ever broke on purpose is a rule that nobody knows to be held."""
    assert {fault.rule for fault in EVERY} == set(RULES)


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.name.replace(" ", "-"))
def test_every_fault_can_be_planted(fault: Listed) -> None:
    """The lines it replaces are there in the code of today."""
    with fault.plant():
        pass


def test_every_survivor_is_explained() -> None:
    """A mutant that nothing kills is a hole in the tests until somebody says why it is none."""
    assert [name for name in RESULTS["mutants"]["lives"] if name not in WHY] == []


@pytest.mark.parametrize("path", FILES)
def test_a_mutant_is_code_that_differs(path: str) -> None:
    """Each can be compiled, and none is what was there before."""
    source = (ROOT / path).read_bytes()
    for mutant in mutants_of(ROOT, path):
        changed = mutant.applied(source)
        assert changed != source
        compile(changed, path, "exec", dont_inherit=True)


def test_the_same_seed_draws_the_same_mutants() -> None:
    """A smaller sample is the beginning of a larger one."""
    assert drawn(10, 1) == drawn(20, 1)[:10] != drawn(10, 2)
