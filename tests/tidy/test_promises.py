"""Every reason code, setting and metric has a line of docs and a test that earns it, and the docs name no other."""

import re
from collections import Counter

import pytest

from tests.tidy.promises import KINDS, earned_in_tests, in_code, in_docs
from tests.tidy.tree import ROOT, Spot, files, lines_of

# Variables of the tools around the bus; they set nothing in it.
NO_SETTINGS = {"AGENTBUS_VENV"}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_promised_is_documented(kind: str) -> None:
    """Every name the code has stands in a row of its reference page."""
    documented = in_docs(kind)
    missing = [
        f"docs/reference/{kind}.md: add a row | `{name}` | …" for name in in_code(kind) if name not in documented
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_documented_exists(kind: str) -> None:
    """No row of a reference page names what the code does not have."""
    promised = in_code(kind)
    invented = [
        f"docs/reference/{kind}.md: `{name}` is not in the code" for name in in_docs(kind) if name not in promised
    ]
    assert not invented, "\n".join(invented)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_documented_twice(kind: str) -> None:
    """A name has one row, so that two of them cannot disagree."""
    assert not [name for name, rows in Counter(in_docs(kind)).items() if rows > 1]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_promised_is_earned_by_a_test(kind: str) -> None:
    """Every name the code has is mentioned by a test outside this folder."""
    tests = earned_in_tests()
    unearned = [
        f"no test mentions the {kind[:-1]} {name}"
        for name, spellings in in_code(kind).items()
        if not any(re.search(rf"\b{re.escape(spelling)}\b", tests) for spelling in {name, *spellings})
    ]
    assert not unearned, "\n".join(unearned)


def test_every_variable_somebody_is_told_to_set_exists() -> None:
    """Every AGENTBUS_ variable that code, docs or tests speak of is a setting."""
    known = in_code("settings").keys() | NO_SETTINGS
    unknown = [
        f"{Spot(path, number)}: {name} is no setting"
        for path in files()
        if path.suffix in {".py", ".md", ".sh", ".yaml", ".yml"} and not path.is_relative_to(ROOT / "tests/tidy")
        for number, line in enumerate(lines_of(path), start=1)
        for name in re.findall(r"\bAGENTBUS_[A-Z][A-Z_]*[A-Z]\b", line)
        if not any(name == setting or name.startswith(f"{setting}_") for setting in known)
    ]
    assert not unknown, "\n".join(unknown)


def test_every_metric_a_test_waits_for_exists() -> None:
    """Every name with the prefix of a metric that a test or a page mentions is a metric."""
    known = in_code("metrics").keys()
    spoken_of = set(re.findall(r"\bagentbus_[a-z_]+(?:_total|_seconds|_ms|_bytes)\b", earned_in_tests()))
    assert spoken_of <= known, f"no metric has these names: {sorted(spoken_of - known)}"
