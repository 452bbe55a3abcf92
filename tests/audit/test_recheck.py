"""What is remembered is a file: before a decision is called proven, the journal itself is asked."""

import json
from pathlib import Path

import pytest

from bus.audit.explain import Explaining
from bus.audit.explanation import Explanation
from bus.audit.index import Index
from bus.audit.lookup import Lookup
from bus.audit.source import ExportSource
from bus.core.log import topics
from tests.audit.explained import clock, eventful, explanations
from tests.audit.test_index import _with

GRANTED = next(
    one.decision for one in explanations().values() if one.event["kind"] == "granted" and one.decision.endswith(".0")
)


@pytest.fixture
def lookup(tmp_path: Path) -> Lookup:
    """The eventful bus, remembered in a file."""
    index = Index(ExportSource(eventful()), tmp_path / "bus.sqlite")
    index.open()
    index.catch_up(lambda _: None)
    return Lookup(index)


def _explained(lookup: Lookup) -> Explanation:
    p, o, n = (int(part) for part in GRANTED.split(".")[1:])
    found = lookup.arbiter(p, o, n)
    assert found is not None
    return Explaining(lookup.index, lookup, clock).arbiter(found)


def _kept(lookup: Lookup) -> list[str]:
    return [proof.kept for proof in _explained(lookup).proof]


def _write_another_agent(lookup: Lookup) -> None:
    """As somebody with an editor would: the entry names another winner."""
    p, o = GRANTED.split(".")[1:3]
    database = lookup.index.database
    (body,) = database.execute("SELECT body FROM entries WHERE p = ? AND o = ?", (p, o)).fetchone()
    entry = json.loads(body)
    entry["events"][0]["agent"] = "spiffe://acme/agent/mallory-1"
    database.execute("UPDATE entries SET body = ? WHERE p = ? AND o = ?", (json.dumps(entry), p, o))


def test_both_journals_are_read_again(lookup: Lookup) -> None:
    """The gate's and the arbiter's segment stand where they are said to stand."""
    assert _kept(lookup) == ["there", "there"]


def test_a_changed_decision_is_noticed_and_read_anew(lookup: Lookup) -> None:
    """The journal does not say it; once it is read anew, the explanation says what the journal says."""
    _write_another_agent(lookup)
    assert _kept(lookup) == ["there", "changed"]
    lookup.index.read_anew(lambda _: None)
    assert _kept(lookup) == ["there", "there"]
    assert _explained(lookup).event["agent"] == explanations()[GRANTED].event["agent"]


def test_a_changed_hash_is_noticed(lookup: Lookup) -> None:
    """A hash that is not that of the bytes proves nothing."""
    lookup.index.database.execute("UPDATE segments SET hash = 'ff' WHERE topic = ?", (topics.JOURNAL,))
    assert _kept(lookup) == ["there", "changed"]


def test_a_segment_that_is_gone_is_called_gone(lookup: Lookup) -> None:
    """What was read in time is still told, and that it cannot be read again."""
    place = (topics.JOURNAL, int(GRANTED.split(".")[1]))
    log = eventful().logs[place].records[-3:]
    lookup.index.source = ExportSource(_with(eventful(), place, log, first=log[0].offset))
    assert _kept(lookup) == ["there", "gone"]
