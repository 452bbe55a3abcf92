"""The page on explanations as JSON names every field there is, and no other."""

import re
from pathlib import Path

import pytest

from bus.audit.agent_report import report_of
from tests.audit.explained import explanations, lookup
from tests.audit.handmade import SALES

PAGE = (Path(__file__).parents[2] / "docs/reference/explanations.md").read_text(encoding="utf-8")
SAMPLE = next(one for one in explanations().values() if one.event["kind"] == "granted" and one.message).to_json()


def _table(title: str) -> list[str]:
    """The first cells of the table that stands under a heading, or whose header says so."""
    _, _, rest = PAGE.partition(title)
    rows = []
    for line in rest.splitlines():
        if line.startswith("| `"):
            rows += re.findall(r"^\| `([a-z_]+)` \|", line)
        elif rows:
            break
    return rows


def test_the_fields_of_an_explanation_are_documented() -> None:
    """One row for each, in the order of the page."""
    assert sorted(_table("## `explain` of a decision")) == sorted(SAMPLE)


def test_the_fields_of_its_parts_are_documented() -> None:
    """Who, the message, the proof, and how a resource stands."""
    assert sorted(_table("| Field of `who` ")) == sorted(SAMPLE["who"])
    assert sorted(_table("| Field of `message` ")) == sorted(SAMPLE["message"])
    assert sorted(_table("| Field of `proof` ")) == sorted(SAMPLE["proof"][0])
    assert sorted(_table("## `resources ls`")) == sorted(SAMPLE["after"])


def test_the_fields_of_a_contest_are_documented() -> None:
    """Those of the contest, and of its parts as they are named in its rows."""
    told = next(one.contest for one in explanations().values() if one.contest and one.contest.case and one.contest.held)
    found = told.to_json()
    assert sorted(_table("| Field of `contest` ")) == sorted(found)
    others = [one.contest.to_json() for one in explanations().values() if one.contest]
    for name in ("candidates", "seats", "passed", "held"):
        part = next(one[name][0] for one in others if one[name])
        assert "{" + ", ".join(f'"{field}"' for field in part) + "}" in PAGE
    assert "{" + ", ".join(f'"{field}"' for field in found["case"]) + "}" in PAGE


@pytest.mark.parametrize("part", ["contest", "case", "held_actions", "wait"])
def test_what_is_under_way_on_a_resource_is_documented(part: str) -> None:
    """Each field of the parts of a resource on which something is under way."""
    standings = [one.after.to_json() for one in explanations().values() if one.after]
    found = next(one[part] for one in standings if one[part])
    fields = found[0] if isinstance(found, list) else found
    assert "{" + ", ".join(f'"{field}"' for field in fields) + "}" in PAGE


def test_links_and_changes_have_the_fields_that_are_named() -> None:
    """In the text they are written as they come."""
    link, change = SAMPLE["followed"][0], SAMPLE["rests_on"][0]["set"]
    assert "{" + ", ".join(f'"{name}"' for name in link) + "}" in PAGE
    assert "{" + ", ".join(f'"{name}"' for name in change) + "}" in PAGE


def test_the_fields_of_a_report_on_an_agent_are_documented() -> None:
    """One row for each."""
    report = report_of(lookup(), lookup().index.present_registry(), SALES, 5).to_json()
    assert sorted(_table("## `agents show`")) == sorted(report)
