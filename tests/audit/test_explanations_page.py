"""The page on explanations as JSON names every field there is, and no other."""

import re
from pathlib import Path

from bus.audit.agent_report import report_of
from tests.audit.explained import explanations, lookup
from tests.audit.handmade import SALES

PAGE = (Path(__file__).parents[2] / "docs/reference/explanations.md").read_text(encoding="utf-8")
SAMPLE = next(one for one in explanations().values() if one.event["kind"] == "granted").to_json()


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


def test_links_and_changes_have_the_fields_that_are_named() -> None:
    """In the text they are written as they come."""
    link, change = SAMPLE["followed"][0], SAMPLE["rests_on"][0]["set"]
    assert "{" + ", ".join(f'"{name}"' for name in link) + "}" in PAGE
    assert "{" + ", ".join(f'"{name}"' for name in change) + "}" in PAGE


def test_the_fields_of_a_report_on_an_agent_are_documented() -> None:
    """One row for each."""
    report = report_of(lookup(), lookup().index.present_registry(), SALES, 5).to_json()
    assert sorted(_table("## `agents show`")) == sorted(report)
