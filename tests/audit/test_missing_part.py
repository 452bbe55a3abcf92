"""A journal that is not there, or not for this login, is never taken for a bus on which nothing happened."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import typer

from bus.audit.asked import Missing, Subject, find, find_subject
from bus.audit.decisions import ArbiterDecision
from bus.audit.evidence import Evidence, Place
from bus.audit.explain import UNDECIDED, Explaining
from bus.audit.index import Index
from bus.audit.lookup import Lookup
from bus.audit.resource_list import Wanted
from bus.audit.source import ExportSource, Spans
from bus.audit.standing import Standing
from bus.cli.caller import Caller
from bus.cli.failures import ExitCode
from bus.cli.resource_screen import LOOK_S, LOOK_S_MAX, show_list, show_one, watch_changes, watch_list
from bus.core.log import topics
from bus.core.log.records import Record
from bus.core.log.routing import partition_of
from bus.shell.errors import RetryableError
from tests.audit.explained import clock, eventful, index_of
from tests.audit.handmade import PARTITIONS

EVERYTHING = Wanted("", "", 1_000, is_held_only=False)
SUBJECTS = ("lead/L-1", "lead/L-2", "deal/D-2")  # in both partitions
HELD_ONLY = Wanted("plane", "", 1_000, is_held_only=True)
AS_JSON, AS_TEXT = Caller("", (), None, is_json=True), Caller("", (), None, is_json=False)


def _without(*gone: str | Place) -> Lookup:
    """The eventful bus as a login sees it that may not read these topics or partitions."""
    logs = {place: log for place, log in eventful().logs.items() if place not in gone and place[0] not in gone}
    evidence: Evidence = replace(eventful(), logs=logs)
    return Lookup(index_of(evidence))


@pytest.fixture(scope="module", params=[0, 1], ids=["first", "last"])
def partly(request: pytest.FixtureRequest) -> tuple[int, Lookup]:
    """One of the two partitions of the arbiter's journal is missing."""
    return request.param, _without((topics.JOURNAL, request.param))


def test_a_missing_partition_is_noted(partly: tuple[int, Lookup]) -> None:
    """By its number, whichever it is."""
    p, lookup = partly
    assert lookup.index.arbiter_notes() == [f"bus.journal/{p}: not there, or not for this login"]
    assert lookup.index.notes() == lookup.index.arbiter_notes()


def test_what_was_decided_there_is_not_called_undecided(partly: tuple[int, Lookup]) -> None:
    """Neither by its number, nor by its subject, nor at the gate that forwarded it."""
    p, lookup = partly
    found = find(lookup, f"1.{p}.6.0")
    assert isinstance(found, Missing)
    assert found.sentence == f"that is not known: bus.journal/{p}: not there, or not for this login"
    for subject in SUBJECTS:
        told = find_subject(lookup, subject)
        if partition_of(subject, PARTITIONS) == p:
            assert isinstance(told, Missing)
            assert told.sentence.startswith(f"what was decided on {subject} is not known: bus.journal/{p}")
        else:
            assert told == Subject(subject)
            show_one(AS_JSON, lookup, subject, 3)  # all of it is known: it ends as ever
    forwarded = lookup.index.database.execute("SELECT lane, offset FROM rows WHERE verdict = 'forwarded'").fetchall()
    rows = [row for row in (lookup.gate(*place) for place in forwarded) if row and row.row.partitions == (p,)]
    notes = Explaining(lookup.index, lookup, clock).gate(rows[0]).notes
    assert UNDECIDED not in notes
    assert notes[0] == f"what becomes of it (bus.journal/{p}: not there, or not for this login)"


def test_the_list_says_that_it_is_not_all(partly: tuple[int, Lookup], capsys: pytest.CaptureFixture[str]) -> None:
    """Where the answer stands, and by the exit code; an empty list is not said to be all there is."""
    _, lookup = partly
    for caller, wanted in ((AS_TEXT, EVERYTHING), (AS_TEXT, HELD_ONLY), (AS_JSON, EVERYTHING), (AS_JSON, HELD_ONLY)):
        with pytest.raises(typer.Exit) as ended:
            show_list(caller, lookup, wanted)
        assert ended.value.exit_code == ExitCode.FINDINGS
        said = capsys.readouterr()
        last = said.out.splitlines()[-1]
        if caller.is_json:
            assert json.loads(last) == {"not_known": lookup.index.arbiter_notes()}
        else:
            assert last == "there may be more: part of the journals could not be read"
        assert "Nothing" not in said.err


def test_a_login_without_the_gates_finds_what_the_arbiter_says() -> None:
    """An id is in the arbiter's journal as well; and what is not there is not known."""
    lookup = _without(*(place[0] for place in eventful().logs if place[0].startswith(topics.gate_journal(""))))
    found = find(lookup, "note-1")
    assert isinstance(found, ArbiterDecision)
    assert found.entry.id == "note-1"
    missing = find(lookup, "m-9999")
    assert isinstance(missing, Missing)
    assert missing.sentence.startswith("whether there was a message with id m-9999 is not known: bus.gate.")


def test_what_this_login_may_not_see_does_not_end_at_zero() -> None:
    """Without a look at the lane nobody knows where it ends."""
    found = find(_without(topics.incoming("sales")), "sales.9999")
    assert isinstance(found, Missing)
    assert "ends at offset" not in found.sentence
    assert "this login may not see where that ends" in found.sentence


class _TiredSource(ExportSource):
    """A Kafka that is away for a few looks, once it has been read."""

    away = 0

    def read(self, spans: Spans) -> Iterator[list[Record]]:
        if self.away:
            self.away -= 1
            raise RetryableError("bus.journal gives nothing any more", "try again")
        return super().read(spans)


def _watching(source: ExportSource) -> Lookup:
    index = Index(source, None)
    index.open()
    index.catch_up(lambda _: None)
    return Lookup(index)


def _pauses(count: int, found: list[float]) -> Callable[[float], None]:
    def pause(wait_s: float) -> None:
        found.append(wait_s)
        if len(found) == count:
            raise KeyboardInterrupt

    return pause


def test_a_watch_outlives_a_pause_of_kafka(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so once, asks less often, and is quick again when Kafka is back."""
    source = _TiredSource(eventful())
    lookup, waited = _watching(source), list[float]()
    source.away = 7
    with pytest.raises(KeyboardInterrupt):
        watch_changes(AS_TEXT, lookup, lambda: {"lead/L-1": lookup.present("lead/L-1")}, _pauses(9, waited))
    assert waited == [LOOK_S, 2, 4, 8, 16, LOOK_S_MAX, LOOK_S_MAX, LOOK_S_MAX, LOOK_S]
    said = capsys.readouterr()
    assert said.err.count("bus.journal gives nothing any more; what was last known stays") == 1
    assert len(said.out.splitlines()) == 1


def test_what_leaves_the_list_is_told_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """With the time since when it is held by somebody else, if it is."""
    lookup = _watching(ExportSource(eventful()))
    subject = lookup.index.database.execute("SELECT subject FROM resources WHERE holder <> ''").fetchone()[0]
    other = replace(lookup.present(subject), resource=replace(lookup.present(subject).resource, cooling_until=7))
    looks: list[dict[str, Standing]] = [{subject: other}, {}]
    with pytest.raises(KeyboardInterrupt):
        watch_changes(AS_JSON, lookup, lambda: looks.pop(0), _pauses(2, []))
    gone = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (gone["subject"], gone["since"]) == (subject, lookup.present(subject).since)
    assert gone["since"]


def test_changes_are_told_beyond_the_limit_of_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit is for what fits a screen."""
    monkeypatch.setattr("time.sleep", _pauses(1, []))
    watch_list(AS_JSON, _watching(ExportSource(eventful())), replace(EVERYTHING, limit=1))
    assert len(capsys.readouterr().out.splitlines()) > 1
