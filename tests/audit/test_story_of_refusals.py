"""A subject's story has the refusals about it by their time, whatever lane they came on, and counts all of them."""

import pytest

from bus.audit.lookup import LIKE_MAX, Lookup
from bus.audit.story import story_of
from bus.cli.explain_text import story_lines
from tests.audit.eventful import eventful_bus
from tests.audit.explained import index_of
from tests.audit.handmade import SALES, SUPPORT
from tests.rules.cast import CALL, PING

REFUSED = "lead/REFUSED"


@pytest.fixture(scope="module")
def lookup() -> Lookup:
    """One old refusal far down a busy lane, and newer ones at the beginning of a quiet one."""
    bus = eventful_bus()
    bus.say("sales", SALES, CALL, value=b"{", subject=REFUSED)
    for _ in range(3):
        bus.say("legal", SUPPORT, PING, subject=REFUSED)
    return Lookup(index_of(bus.evidence()))


def test_the_newest_refusals_are_chosen(lookup: Lookup) -> None:
    """An offset in one lane says nothing about the time of one in another."""
    sales, legal = (lookup.judged_up_to(lane) for lane in ("sales", "legal"))
    assert sales > legal, "the old one has the higher offset"
    story = story_of(lookup, REFUSED, 3)
    assert [link.decision for link in story.told] == [f"legal.{legal - 3 + n}" for n in range(3)]
    assert story.left_out == 1
    assert "1 earlier decision is not shown (--limit)" in story_lines(story, None)


def test_more_refusals_than_are_compared_are_counted(lookup: Lookup) -> None:
    """How many are left out is exact, however many there are."""
    database = lookup.index.database
    (offset,) = database.execute("SELECT max(offset) FROM rows WHERE lane = 'crm'").fetchone()
    columns = "verdict, reason, source, id, at, control, journal_offset, body"
    for n in range(1, LIKE_MAX + 100):
        row = f"SELECT lane, offset + ?, {columns} FROM rows WHERE lane = 'legal' AND reason = 'wrong_lane'"
        database.execute(f"INSERT INTO rows SELECT 'crm', ?, {columns} FROM ({row}) LIMIT 1", (offset + n, n))
        database.execute("INSERT INTO refusals VALUES (?, '', 'lead/MANY', '', '', '[]')", (f"crm.{offset + n}",))
    assert story_of(lookup, "lead/MANY", 10).left_out == LIKE_MAX + 99 - 10
