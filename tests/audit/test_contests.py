"""Contests in an unbroken chain: winners out of nothing, opened seals, changed case files, broken freezes are found."""

import json
from typing import Any

import pytest

from bus.audit.evidence import Place
from bus.audit.verify import verify
from bus.core.log import topics
from bus.core.log.records import Record, canonical, digest
from tests.audit.eventful import EventfulBus, eventful_bus
from tests.audit.handmade import SALES, SUPPORT, changed, event_of, found

Logs = dict[Place, list[Record]]


@pytest.fixture
def bus() -> EventfulBus:
    return eventful_bus()


def _find(bus: EventfulBus, check: str, sentence: str) -> bool:
    return any(sentence in finding for finding in found(bus.evidence(), check))


@pytest.mark.parametrize("check", ["completeness", "redecide", "contests", "outputs", "governed"])
def test_a_bus_with_contests_is_in_order(bus: EventfulBus, check: str) -> None:
    """Whatever an outsider recomputes of it is as it was written."""
    report = verify(bus.evidence(), [check], lambda _: None)
    assert [str(one) for one in report.checks[0].findings] == []
    assert report.checks[0].not_checked == []


def test_another_winner_is_found(bus: EventfulBus) -> None:
    """A contest that names the loser as its winner is found without the messages."""
    _, settled = event_of(bus, "settled", "bid/B-1")
    entry, denied = event_of(bus, "denied", "bid/B-1", 1)
    assert denied["reason"] == "lost", entry
    settled["winner"] = bus.joined(SUPPORT, "bid/B-1")
    evidence = bus.evidence(lambda logs: logs[topics.ARBITER, 0].clear())
    assert any("does not follow from what was claimed" in finding for finding in found(evidence, "contests"))


def test_another_ballot_is_found(bus: EventfulBus) -> None:
    """The ballots that the close shows are those that were cast."""
    _, settled = event_of(bus, "settled", "tie/T-6")
    settled["ballots"][0]["choice"] = "red"
    assert _find(bus, "contests", "the ballots that are shown are not those that stood")


def test_an_open_seal_is_found(bus: EventfulBus) -> None:
    """A ballot on a public topic is found."""
    place = next(place for place, log in bus.records.items() if place[0] == topics.OUTCOMES and _voted(log) is not None)

    def tamper(logs: Logs) -> None:
        number = _voted(logs[place])
        assert number is not None
        value = json.loads(logs[place][number].value or b"{}")
        logs[place][number] = changed(logs[place][number], value=json.dumps({**value, "choice": "red"}).encode())

    assert any("shows choice, which is sealed" in finding for finding in found(bus.evidence(tamper), "contests"))


def _voted(log: list[Record]) -> int | None:
    kinds = [json.loads(record.value or b"{}").get("kind") for record in log]
    return kinds.index("voted") if "voted" in kinds else None


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("changed", "has another hash than its decision names"),
        ("gone", "is not on bus.escalations"),
        ("said to be drawn anew", "has another hash than its decision names"),
    ],
)
def test_a_changed_case_file_is_found(bus: EventfulBus, fault: str, sentence: str) -> None:
    """Its hash stands in the journal; a file that is not there at all is missed."""
    place = next(place for place, log in bus.records.items() if place[0] == topics.ESCALATIONS and log)

    def tamper(logs: Logs) -> None:
        first = logs[place].pop(0)
        if fault == "changed":
            value: dict[str, Any] = {**json.loads(first.value or b"{}"), "queue": "elsewhere"}
            logs[place].insert(0, changed(first, value=json.dumps(value).encode()))
        elif fault != "gone":  # though all that it quotes is there
            value = {**json.loads(first.value or b"{}"), "redrawn_of": digest(first.value or b"")}
            logs[place].insert(0, changed(first, value=json.dumps(value).encode()))

    assert any(sentence in finding for finding in found(bus.evidence(tamper), "contests"))


def test_a_file_in_the_words_of_another_engine_is_no_finding(bus: EventfulBus) -> None:
    """The decision names the file by its hash: how this engine would put it today is nobody's concern."""
    files = {place: log for place, log in bus.records.items() if place[0] == topics.ESCALATIONS and log}
    ids = [
        entry["o"]
        for place, log in bus.bodies.items()
        if place[0] == topics.JOURNAL
        for one in log
        for entry in one.get("entries", ())
        if entry["verdict"] == "tick"
    ]  # nobody was told the hash
    opened = [json.loads(record.value or b"{}") for log in files.values() for record in log]
    first = next(one for one in opened if one["n"] == 1 and int(one["case"].split(".")[2]) in ids)
    other = canonical({**first, "if_nothing": "in other words"})
    _, event = event_of(bus, "case_opened", first["subject"])
    event["file_hash"] = digest(other)

    def tamper(logs: Logs) -> None:
        for place in files:
            logs[place][:] = [
                changed(one, value=other) if one.value == canonical(first) else one for one in logs[place]
            ]

    for check in ("contests", "outputs"):
        assert found(bus.evidence(tamper), check) == []


def test_a_grant_while_frozen_is_found(bus: EventfulBus) -> None:
    """Between freeze and thaw nobody gets the resource."""
    entry, denied = event_of(bus, "denied", "tie/T-2")
    assert denied["reason"] == "frozen"
    token = (1 << 44) + (entry["o"] << 8)
    granted = {"kind": "granted", "token": token, "until": entry["at"] + 3_000, "by": "first"}
    denied.update(granted)
    del denied["reason"], denied["retry_after"]
    assert _find(bus, "fold", "while case")


def test_a_thaw_that_shortens_a_lease_is_found(bus: EventfulBus) -> None:
    """A lease is never shorter after a freeze."""
    _, unfrozen = event_of(bus, "unfrozen", "tie/T-3")
    unfrozen["until"] = 1
    assert _find(bus, "fold", "the lease of tie/T-3 falls back")


def test_a_loser_that_hears_nothing_is_found(bus: EventfulBus) -> None:
    """Every claim of a contest has an answer when it is over."""
    entry, denied = event_of(bus, "denied", "tie/T-1")
    assert (denied["agent"], denied["reason"]) == (SALES, "lost")
    entry["events"].remove(denied)
    assert _find(bus, "completeness", "has no final answer, though input")
