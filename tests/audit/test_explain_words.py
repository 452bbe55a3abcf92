"""What explanations say is plain English and the glossary: a word of internal jargon is found, whoever writes it."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bus.audit.agent_report import report_of
from bus.audit.story import story_of
from bus.cli.agent_text import agent_text
from bus.cli.explain_text import LABEL, as_text, story_lines
from bus.core.decision.events import KINDS
from bus.core.decision.reasons import ArbiterReason, GateReason
from tests.audit.eventful import CRM
from tests.audit.explained import explanations, kinds, lookup, undecided, worn
from tests.audit.handmade import SALES, SUPPORT

ROOT = Path(__file__).parents[2]
PLAIN = Path(__file__).with_name("plain_words.txt")
NAMES = {"ana", "ghost", "bob", "bid", "tie", "high", "blue", "red", "fit", "b"}  # of this world
ON_THE_WIRE = {"rev"}  # the field that a ruling has to name, as it is written there
UNITS = {"ms", "s", "min", "h", "d"}  # of how long ago it was: which of them depends on today
# Words of our code that say nothing to somebody who has not read it; none may slip into the list of plain words.
JARGON = {
    *("alien", "anchor", "basis", "commit", "committed", "dedupe", "deserialize", "doomed", "evolve", "fold", "folded"),
    *("gen", "idempotent", "input", "mark", "marks", "nonce", "payload", "pipeline", "predecessor", "prev", "probe"),
    *("registry", "rev", "row", "rows", "segment's", "seq", "sha", "shell", "slot", "src", "state machine", "struct"),
    *("tip", "transaction", "tuple", "watermark", "wire", "entry", "entries", "envelope", "genesis"),
}
# The check of a body speaks of that body, in the words of its schema; they have tests of their own.
OF_THE_BODY = re.compile(r"\((schema_violation|schema_mismatch|rule_violation|bad_payload|bad_envelope)\): .*")
CODE = re.compile(r"[^A-Za-z'’-]")  # ids, numbers, names on the wire: no words


@cache
def pages(width: int | None) -> dict[str, list[str]]:
    """Every explanation, written."""
    return {decision: as_text(one, width) for decision, one in explanations().items()}


def _glossary() -> set[str]:
    """The left column, with the plain plurals and verbs' forms that English makes of it."""
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = {word for line in text.splitlines() if line.startswith("| ") for word in _words(line.split("|")[1])}
    return words | {f"{word}s" for word in words}


def _words(text: str) -> Iterator[str]:
    for token in text.split():
        word = token.strip(".,;:()\"'…`–").lower()
        if word and not CODE.search(word):
            yield word


def _spoken(lines: list[str]) -> Iterator[str]:
    """The words of the lines, less the message's own bytes and the texts of a body's violations."""
    label = ""
    for number, line in enumerate(lines):
        label = line[:LABEL].strip() or label if number else "heading"
        is_bytes = label == "said" and line[LABEL : LABEL + 1] in ("{", "[", "x", "\\")
        if label != "wrong" and not is_bytes:
            yield from _words(OF_THE_BODY.sub("", line))


def _allowed() -> set[str]:
    reasons = {reason.value for reason in (*GateReason, *ArbiterReason)}
    return (
        _glossary()
        | set(PLAIN.read_text(encoding="utf-8").split())
        | reasons
        | set(KINDS)
        | NAMES
        | ON_THE_WIRE
        | UNITS
    )


def _unknown(lines: list[str]) -> set[str]:
    return set(_spoken(lines)) - _allowed()


def test_thirty_sorts_of_decisions_are_looked_at() -> None:
    """There are more than thirty sorts, and every reason is among them (see the test of the decisions)."""
    assert len(kinds()) >= 30


def test_every_explanation_is_plain() -> None:
    """Every word of every one is plain English or stands in the glossary."""
    unknown = {decision: found for decision, lines in pages(None).items() if (found := _unknown(lines))}
    assert not unknown


def test_an_explanation_without_its_message_is_plain() -> None:
    """What retention took is said in plain words as well."""
    lines = [line for one in (*worn(), undecided()) for line in as_text(one, None)]
    assert not _unknown(lines)
    assert any("are not kept any more, or not for this login to read" in line for line in lines)


def test_the_story_of_a_subject_is_plain() -> None:
    """So is what `explain` and `resources show` say of a subject."""
    assert not _unknown(story_lines(story_of(lookup(), "lead/L-1", 100), None))


@pytest.mark.parametrize("agent", [SALES, SUPPORT, CRM])
def test_the_report_on_an_agent_is_plain(agent: str) -> None:
    """So is what `agents show` says."""
    report = report_of(lookup(), lookup().index.present_registry(), agent, 20)
    assert not _unknown(agent_text(report, None))


def test_no_jargon_is_called_plain() -> None:
    """The list of plain words has no word of our code."""
    assert not JARGON & set(PLAIN.read_text(encoding="utf-8").split())


def test_every_plain_word_is_used() -> None:
    """A word that nobody says any more leaves the list, so that it cannot come back unseen."""
    lines = [*pages(None).values(), *(as_text(one, None) for one in (*worn(), undecided()))]
    said = {word for one in lines for word in _spoken(one)}
    said |= set(_spoken(story_lines(story_of(lookup(), "lead/L-1", 100), None)))
    for agent in (SALES, SUPPORT, CRM):
        report = report_of(lookup(), lookup().index.present_registry(), agent, 20)
        said |= set(_spoken(agent_text(report, None)))
    assert not set(PLAIN.read_text(encoding="utf-8").split()) - said


@pytest.mark.parametrize("width", [80, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Lines end where the terminal does, unless a single word is longer; and nothing is broken in a pipe."""
    for decision, lines in pages(width).items():
        assert all(len(line) <= width or len(line.split()) <= 4 for line in lines), decision
        assert len(pages(None)[decision]) <= len(lines), decision
