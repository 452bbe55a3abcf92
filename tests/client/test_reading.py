"""Reading what was admitted, typed and once processed; and executing it, each action once, with a report."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypedDict

import pytest
from confluent_kafka import Producer
from pydantic import BaseModel

from bus.client import Bus, MemoryStore, SqliteStore, Subscription, Unreadable
from bus.client.stores import Begun
from tests.client.conftest import EMAIL, NOTE, Company, email

_groups = (f"bus-read.readers-{number}" for number in count())
WAIT_S = 20.0
QUIET_S = 2.0  # what has not come by then is not coming; messages need a few hundredths


class Mail(BaseModel):
    """An email as a pydantic model."""

    lead_id: str
    to: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note as a dataclass."""

    lead_id: str
    text: str


class NoteKeys(TypedDict):
    """A note as a typed dict."""

    lead_id: str
    text: str


@dataclass(frozen=True, slots=True)
class OtherNote:
    """A class that fits no note."""

    colour: str


@pytest.fixture
def group(company: Company, sales: Bus) -> str:
    """A group that has joined once, and so stands at the end of the topic."""
    name = next(_groups)
    with sales.subscribe("leads", group=name, timeout_s=0.1) as reader:
        assert list(reader) == []
    return name


def _act(bus: Bus, subject: str, times: int = 1) -> int:
    with bus.claim(subject) as lead:
        for _ in range(times):
            lead.act(EMAIL, email(subject))
        return lead.token


def test_messages_are_built_as_they_are_wanted(company: Company, sales: Bus, group: str) -> None:
    """A pydantic model, a dataclass: each type becomes what was given for it, with what the bus knows about it."""
    subject = company.lead()
    token = _act(sales, subject)
    verdict = sales.send(NOTE, {"lead_id": "L-1", "text": "typed"})
    with sales.subscribe("leads", group=group, types={EMAIL: Mail, NOTE: Note}, timeout_s=WAIT_S) as reader:
        first, second = next(reader), next(reader)
    assert isinstance(first.body, Mail)
    assert (first.body.to, first.subject, first.token, first.type) == ("ada@example.com", subject, token, EMAIL)
    assert first.source == sales.agent
    assert first.until_ms is not None
    assert first.at_ms > 0
    assert second.body == Note("L-1", "typed")
    assert (second.decision, second.token, second.position.topic) == (verdict.decision, None, "leads")


def test_types_that_are_not_wanted_are_passed_over(sales: Bus, group: str) -> None:
    """Who asks for notes gets notes, as typed dicts if that is what was asked for."""
    _act(sales, "lead/passed-over")
    sales.send(NOTE, {"lead_id": "L-1", "text": "wanted"})
    found = list(sales.subscribe("leads", group=group, types={NOTE: NoteKeys}, timeout_s=QUIET_S))
    assert [message.body["text"] for message in found] == ["wanted"]


def test_what_was_not_processed_comes_again(sales: Bus, group: str) -> None:
    """An exception in the loop leaves its message to the next reader; what was processed before does not come again."""
    for text in ("one", "two", "three"):
        sales.send(NOTE, {"lead_id": "L-1", "text": text})
    reader = sales.subscribe("leads", group=group, types={NOTE: Note}, timeout_s=WAIT_S)
    with pytest.raises(ZeroDivisionError), reader:
        assert [1 // (message.body.text != "two") for message in reader]
    with sales.subscribe("leads", group=group, types={NOTE: Note}, timeout_s=WAIT_S) as again:
        assert next(again).body.text == "two"
        assert next(again).body.text == "three"
    assert list(sales.subscribe("leads", group=group, timeout_s=0.5)) == []


def test_a_class_that_does_not_fit_says_so(sales: Bus, group: str) -> None:
    """The error names the place and the class, and the message is not lost by it."""
    sales.send(NOTE, {"lead_id": "L-1", "text": "no colour"})
    with (
        sales.subscribe("leads", group=group, types={NOTE: OtherNote}, timeout_s=WAIT_S) as wrong,
        pytest.raises(Unreadable, match="OtherNote"),
    ):
        next(wrong)
    with sales.subscribe("leads", group=group, types={NOTE: Note}, timeout_s=WAIT_S) as right:
        assert next(right).body.text == "no colour"


@pytest.mark.parametrize(("topics", "said"), [(("no-such-topic",), "no-such-topic"), ((), "topics")])
def test_what_cannot_be_read_is_one_sentence(sales: Bus, topics: tuple[str, ...], said: str) -> None:
    """A topic that is not there is named."""
    with pytest.raises(Exception, match=said):
        next(sales.subscribe(*topics, group="bus-read.nobody", timeout_s=1))


def test_public_events_are_read_once_and_in_order(company: Company, sales: Bus) -> None:
    """On bus.outcomes the kind is the type, and every subject's story is in order."""
    subject, name = company.lead(), next(_groups)
    wanted: dict[str, Callable[[Any], dict[str, Any]]] = {"granted": dict, "ended": dict}
    _act(sales, subject)
    reader = sales.subscribe("bus.outcomes", group=name, types=wanted, start="earliest", timeout_s=QUIET_S)
    found = list(reader)
    story = [(message.type, message.token) for message in found if message.subject == subject]
    assert [kind for kind, _ in story] == ["granted", "ended"]
    assert len({message.decision for message in found}) == len(found)


def test_an_action_is_executed_once_and_reported(company: Company, sales: Bus, group: str, tmp_path: Path) -> None:
    """Two admitted actions: one is done, one fails; the bus knows of both, and the store will not let them go again."""
    subject = company.lead()
    _act(sales, subject, times=2)
    store = SqliteStore(tmp_path / "done.db")
    with sales.execute_once(store, "leads", group=group, types={EMAIL: Mail}, timeout_s=WAIT_S) as actions:
        done = next(actions)
        failed = next(actions)
        failed.failed("the mail server said no")
    assert not done.is_retry
    assert done.body.to == "ada@example.com"
    assert store.unreported(9) == []
    reports = [
        record.json
        for record in company.world.topic("bus.outcomes").all(lambda one: one.json["kind"] == "reported")
        if record.json["subject"] == subject
    ]
    assert [(report["action"], report["result"]) for report in reports] == [
        (done.decision, "done"),
        (failed.decision, "failed"),
    ]
    assert store.begin(done.decision, subject, done.token) is Begun.DONE
    assert store.begin(failed.decision, subject, failed.token) is Begun.DONE
    store.close()


def test_an_action_that_was_cut_short_comes_again_as_a_retry(company: Company, sales: Bus, group: str) -> None:
    """An exception while doing it leaves the action undone; the next try knows that it may have happened."""
    _act(sales, company.lead())
    store = MemoryStore()
    with pytest.raises(ZeroDivisionError), sales.execute_once(store, "leads", group=group, timeout_s=WAIT_S) as actions:
        assert 1 // (next(actions).body is None)
    with sales.execute_once(store, "leads", group=group, timeout_s=WAIT_S) as again:
        assert next(again).is_retry


def test_an_action_under_an_overtaken_token_is_left_out(company: Company, sales: Bus, group: str) -> None:
    """Where a higher token has acted, a lower one is not executed, and the bus hears that it failed."""
    subject, store = company.lead(), MemoryStore()
    token = _act(sales, subject)
    store.begin("1.0.0.0", subject, token + 1)
    store.finish("1.0.0.0", "done", "")
    store.reported("1.0.0.0")
    with sales.execute_once(store, "leads", group=group, timeout_s=QUIET_S) as actions:
        assert list(actions) == []
    (report,) = (
        record.json
        for record in company.world.topic("bus.outcomes").all(lambda one: one.json["kind"] == "reported")
        if record.json["subject"] == subject
    )
    assert report["result"] == "failed"


def test_a_report_that_is_not_answered_delays_nothing(sales: Bus, bus: Bus, group: str, company: Company) -> None:
    """An executor whose lane nobody serves goes on executing; what the bus has not taken stays to be told."""
    _act(sales, company.lead(), times=3)
    store = MemoryStore()
    with bus.execute_once(store, "leads", group=group, timeout_s=WAIT_S) as actions:
        began_s = time.monotonic()
        found = [next(actions) for _ in range(3)]
        waited_s = time.monotonic() - began_s
        bus.close()
    assert waited_s < bus._timeout_s
    assert [report.decision for report in store.unreported(9)] == [action.decision for action in found]


def test_a_group_that_comes_back_knows_what_was_said_before(company: Company, sales: Bus) -> None:
    """A record ahead of its turn is left until it comes again in order, also by a reader that has just returned."""
    name, subject = next(_groups), f"lead/{next(_groups)}"
    producer = Producer({"bootstrap.servers": company.world.bootstrap, "linger.ms": 0})

    def say(number: int, prev: int) -> None:
        body = {"kind": "told", "decision": f"77.0.{number}.0", "subject": subject}
        headers: list[tuple[str, str | bytes | None]] = [
            *(("bus-from", "77.0"), ("bus-decision", f"77.0.{number}.0"), ("bus-prev", f"77.0.{prev}.0"))
        ]
        producer.produce("bus.outcomes", json.dumps(body).encode(), headers=headers, partition=0)
        assert producer.flush(20) == 0

    def reader() -> Subscription[dict[str, Any]]:
        wanted: dict[str, Callable[[Any], dict[str, Any]]] = {"told": dict}
        return sales.subscribe("bus.outcomes", group=name, types=wanted, start="earliest", timeout_s=QUIET_S)

    say(10, 9)
    with reader() as first:
        assert next(first).decision == "77.0.10.0"
    for number, prev in ((12, 11), (11, 10), (12, 11)):
        say(number, prev)
    with reader() as again:
        assert [next(again).decision, next(again).decision] == ["77.0.11.0", "77.0.12.0"]
