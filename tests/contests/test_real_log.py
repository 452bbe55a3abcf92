"""A log that was kept is judged again as it was, and the run on a real bus cannot pass what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contests.cast import ANA
from tests.contests.core import Core
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.play import Play
from tests.contests.real_log import Recorded, judged, late_ends, left_open, load

GIVEN = ("terms lead window=10 ladder=vote,human seats=triage,crm ballot=20",)
LINES = ("1 sales claims lead/L-1 as c1", "2 support claims lead/L-1 as c2", "11 tick", "32 tick")
SUBJECT = "lead/L-1"


def _recorded(lines: tuple[str, ...]) -> Recorded:
    """What these lines leave on bus.arbiter and in the arbiter's journal."""
    core, play = Core(), Play(Oracle(Registry((ANA,))).step)
    play.begin(GIVEN)
    for line in lines:
        play.line(line)
    entries = {raw.offset: core.decide(raw) for raw in play.log.records}
    return Recorded(1, (ANA,), [play.log.records], [entries])


def test_a_kept_log_is_judged_again(tmp_path: Path) -> None:
    """What was saved comes back the same, and what was right is right."""
    recorded, file = _recorded(LINES), tmp_path / "log.jsonl"
    recorded.save(file)
    again = load(file)
    assert (again.records, again.entries) == (recorded.records, recorded.entries)
    assert judged(again)[0] == []


@pytest.mark.parametrize("kind", ["joined", "rung", "case_opened"])
def test_a_wrong_entry_is_found(kind: str) -> None:
    """An event that says something else is told of the subject it is about, also when a tick brought it."""
    recorded = _recorded(LINES)
    event = next(one for entry in recorded.entries[0].values() for one in entry["events"] if one["kind"] == kind)
    event["contest" if kind != "case_opened" else "kind"] = "other"
    assert [fault.subject for fault in judged(recorded)[0]] == [SUBJECT]


def test_an_entry_that_is_missing_is_found() -> None:
    """A record that the journal does not decide on is a fault."""
    recorded = _recorded(LINES)
    del recorded.entries[0][recorded.records[0][-1].offset]
    assert [fault.sentence for fault in judged(recorded)[0]] == ["the journal has no entry for it"]


def test_a_contest_that_ends_too_late_is_found() -> None:
    """Its bound and two seconds are over when the tick comes that ends it."""
    assert list(late_ends(_recorded(LINES))) == []
    late = _recorded((*LINES[:3], "34 tick"))
    assert [fault.subject for fault in late_ends(late)] == [SUBJECT]


def test_a_contest_that_stays_open_is_found() -> None:
    """What is neither closed nor a case is told; a case may stay."""
    assert [subject for subject, _ in left_open(judged(_recorded(LINES[:3]))[1][0])] == [SUBJECT]
    assert list(left_open(judged(_recorded(LINES))[1][0])) == []
