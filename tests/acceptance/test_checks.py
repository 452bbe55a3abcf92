"""The checks tried on a small history made by hand: an honest one passes all, and each fault put into it is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from tests.acceptance.check_answers import check_answers
from tests.acceptance.check_arbiter import check_arbiter
from tests.acceptance.check_chains import check_chains
from tests.acceptance.check_gate import check_gate
from tests.acceptance.check_leases import check_leases
from tests.acceptance.check_outputs import check_outputs
from tests.acceptance.evidence import Evidence
from tests.acceptance.handmade import STEWARD, History, changed
from tests.acceptance.outgoing import Author, Outgoing, now_ms
from tests.acceptance.setting import EMAIL, JOT, NOTE, STAGE, contracts, terms
from tests.acceptance.verdicts import Verdicts, told
from tests.acceptance.wire import Json, Record, canonical, sha256

SALES, CRM = "spiffe://acme/agent/sales-1", "spiffe://acme/agent/crm-1"
LEAD = "lead/L-1"


@dataclass(slots=True)
class Found(Verdicts):
    """Keeps the promises that failed instead of printing lines."""

    broken: list[str] = field(default_factory=list)

    def check(self, promise: str, faults: Iterable[str]) -> None:
        """Remember a promise something speaks against."""
        self.broken += [f"{promise}: {fault}" for fault in told(faults)]

    def say(self, text: str) -> None:
        """No progress here."""


def history() -> History:
    """Set-up, a lead qualified, claimed, held, acted on, renewed, left to run out; and three broken messages."""
    made = History(now_ms())
    made.begin()
    ana, sales, crm = Author(STEWARD, "operators"), Author(SALES, "alpha"), Author(CRM, "alpha")
    for kind, name, value in _set_up():
        body = {"kind": kind, "name": name, "value": value, "base": None}
        made.send(ana.message("bus.control.set.v1", body))
    made.send(crm.message(STAGE, {"lead_id": "L-1", "stage": "qualified"}, subject=LEAD))
    partition = made.send(sales.message("bus.resource.claim.v1", {}, subject=LEAD)).partitions[0]
    token = made.arbiters[partition].holders()[LEAD].token
    made.send(crm.message("bus.resource.claim.v1", {}, subject=LEAD))
    made.send(_email(sales, token))
    made.send(_email(sales, token))
    again = _email(sales, token)
    made.send(again)
    made.send(again)
    made.send(_email(sales, token - 1))
    made.send(sales.message("bus.resource.renew.v1", {"token": token}, subject=LEAD), after_ms=900)
    made.send(sales.message(NOTE, {"text": "t", "tags": ["a"], "to": "you"}, key=b"own"))
    made.send(sales.message(NOTE, {"text": "t", "tags": ["A", 3], "more": 1}))
    made.send(sales.message(JOT, {}).doubling("ce_id", "x"))
    made.send(sales.message(JOT, {"n": 1}))
    made.now_ms += 5_000
    made.send(crm.message(STAGE, {"lead_id": "L-1", "stage": "new"}, subject=LEAD))
    made.send(sales.message("bus.resource.claim.v1", {}, subject="lead/L-2"))
    made.send(crm.message(STAGE, {"lead_id": "L-3", "stage": "new"}, subject="lead/L-3"))
    made.send(sales.message("bus.resource.claim.v1", {}, subject="lead/L-3"))
    made.send(crm.message(STAGE, {"lead_id": "L-3", "stage": "hot"}, subject="lead/L-3"))
    made.send(crm.message("bus.resource.claim.v1", {}, subject="lead/L-3"))
    made.tick(partition, after_ms=200)
    return made


def _email(author: Author, token: int) -> Outgoing:
    return author.message(EMAIL, {"lead_id": "L-1", "text": "hello", "discount_bp": 1}, subject=LEAD, token=token)


def _set_up() -> list[tuple[str, str, Json]]:
    agent = {"lane": "alpha", "owner": STEWARD}
    values: list[tuple[str, str, Json]] = [("terms", "lead", terms(2000))]
    values += [("agent", SALES, agent | {"roles": ["sales"]}), ("agent", CRM, agent | {"roles": ["crm"]})]
    return values + [("contract", name, value) for name, value in contracts(STEWARD, discount_cap_bp=5000).items()]


def broken_promises(evidence: Evidence) -> list[str]:
    """What all checks together find."""
    found = Found()
    check_chains(evidence, found)
    check_gate(evidence, found, is_full=False)
    check_arbiter(evidence, found, paused=[])
    check_answers(evidence, found)
    check_outputs(evidence, found)
    check_leases(evidence, found)
    return found.broken


def test_an_honest_history_keeps_every_promise() -> None:
    """Nothing speaks against a history made as the wire page says."""
    assert broken_promises(history().evidence()) == []


def test_the_history_has_a_denial_of_each_sort() -> None:
    """A fact that nobody stated, one with another value, and a role that may not claim, as the wire page has them."""
    logs = history().topics["bus.journal"]
    entries = [entry for log in logs for record in log for entry in json.loads(record.value or b"").get("entries", [])]
    wanted = [canonical(event["wants"]).decode() for entry in entries for event in entry["events"] if "wants" in event]
    assert sorted(wanted) == [
        '{"fact":"stage","is":"new","values":["qualified","hot"]}',
        '{"fact":"stage","values":["qualified","hot"]}',
        '{"roles":["sales","support"]}',
    ]


def _rewritten(log: list[Record], change: Callable[[Json], None]) -> None:
    """The last record of a log with a changed value."""
    value = json.loads(log[-1].value or b"")
    change(value)
    changed(log, -1, value=canonical(value))


def _entry(made: History, kind: str, change: Callable[[Json, Json], None], *, having: str = "kind") -> None:
    """Change the first event of a kind with that field in the journals, and chain the segments after it again."""
    for log in made.topics["bus.journal"]:
        for index, record in enumerate(log):
            value = json.loads(record.value or b"")
            for entry in value.get("entries", []):
                for event in entry["events"]:
                    if event["kind"] == kind and having in event:
                        change(entry, event)
                        changed(log, index, value=canonical(value))
                        _chain_again(log, index + 1)
                        return
    raise AssertionError(f"no {kind} in this history")


def _chain_again(log: list[Record], start: int) -> None:
    for index in range(start, len(log)):
        value = json.loads(log[index].value or b"")
        value["prev"] = sha256(log[index - 1].value or b"")
        changed(log, index, value=canonical(value))


def _alpha(made: History, kind: str) -> list[Record]:
    return made.topics[f"bus.{kind}.alpha"][0]


def _admit(entry: Json, event: Json) -> None:
    entry.update(verdict="admitted", reason="")
    event.update(kind="action_admitted", topic="leads", o=entry["o"], held="", until=entry["at"] + 1)


FAULTS_IN_JOURNAL: dict[str, Callable[[History], None]] = {
    "a renewal in time is said to be late": lambda made: _entry(
        made, "renewed", lambda entry, event: event.update(kind="refused", reason="late")
    ),
    "until is one millisecond short": lambda made: _entry(
        made, "granted", lambda _, event: event.update(until=event["until"] - 1)
    ),
    "a token that is not the decision's": lambda made: _entry(
        made, "granted", lambda _, event: event.update(token=event["token"] + 1)
    ),
    "a fenced action is admitted": lambda made: _entry(made, "refused", _admit),
    "a denial without retry_after": lambda made: _entry(made, "denied", lambda _, event: event.pop("retry_after")),
    "a denial that does not say what was wanted": lambda made: _entry(
        made, "denied", lambda _, event: event.pop("wants"), having="wants"
    ),
    "a denial that wants more": lambda made: _entry(
        made, "denied", lambda _, event: event["wants"].update(more=True), having="wants"
    ),
    "a lease that ran out is not ended": lambda made: _entry(made, "ended", lambda entry, _: entry.update(events=[])),
    "another basis": lambda made: _entry(made, "granted", lambda entry, _: entry["basis"].update(control=1)),
    "a gate row lost": lambda made: _rewritten(_alpha(made, "gate"), lambda value: value.update(seq=99)),
    "a forwarded record changed": lambda made: changed(made.topics["bus.arbiter"][0], 3, value=b"{}"),
}


def _shorten(topic: str, index: int) -> Callable[[History], None]:
    """Take a record out of each partition of a topic that has it."""

    def change(made: History) -> None:
        for log in made.topics[topic]:
            if len(log) > index:
                del log[index]

    return change


def _overwrite(topic: str, index: int, **fields: Json) -> Callable[[History], None]:
    """Change a record in each partition of a topic that has it."""

    def change(made: History) -> None:
        for log in made.topics[topic]:
            if len(log) > index:
                changed(log, index, **fields)

    return change


def _twice(made: History) -> None:
    for log in made.topics["notes"]:
        log.extend(log[:1])


def _turned(made: History) -> None:
    for log in made.topics["leads"]:
        log.reverse()


FAULTS_OUTSIDE: dict[str, Callable[[History], None]] = {
    "an answer lost": _shorten("bus.out.alpha", 2),
    "an answer nobody decided": _overwrite(
        "bus.out.alpha", 1, headers=(("bus-decision", b"1.0.77.0"), ("bus-from", b"1.0"), ("bus-prev", b""))
    ),
    "an answer changed": lambda made: _rewritten(_alpha(made, "out"), lambda value: value.update(at=1)),
    "an answer not canonical": _overwrite("bus.out.alpha", 0, value=b'{"n": 0}'),
    "a public event lost": _shorten("bus.outcomes", 1),
    "a governed record twice": _twice,
    "governed records out of order": _turned,
    "a governed body changed": _overwrite("leads", 0, value=b"{}"),
    "a governed record lost": _shorten("leads", 0),
    "a refusal with another body": _overwrite("bus.refused", 0, value=b"{}"),
    "a refusal lost": _shorten("bus.refused", 1),
    "a control change lost": _shorten("bus.control", 2),
}


@pytest.mark.parametrize("fault", sorted(FAULTS_IN_JOURNAL))
def test_a_fault_in_a_journal_is_found(fault: str) -> None:
    """What the journals say wrongly is found, though the answers agree with the journals."""
    made = history()
    FAULTS_IN_JOURNAL[fault](made)
    assert broken_promises(made.evidence())


@pytest.mark.parametrize("fault", sorted(FAULTS_OUTSIDE))
def test_a_fault_in_what_went_out_is_found(fault: str) -> None:
    """What went out wrongly is found, though the journals are right."""
    made = history()
    made.evidence()
    FAULTS_OUTSIDE[fault](made)
    assert broken_promises(made.judged())
