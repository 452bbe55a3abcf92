"""Every reason of the gate beats all later ones: messages with two faults, for every pair of reasons."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from bus.core.decision.reasons import GateReason
from bus.core.gate import GateState, Judged, Seen, decide
from bus.core.log.records import Record
from bus.core.message.envelope import message_hash
from bus.core.policy.control import Change, Registry
from bus.shell.gather import Gatherer
from tests.rules.cast import ANA, MAIL, START_MS, agent, encoded, registry, spoken, wire_time

# `poison` is not looked for in a message at all: the stage says it, see tests/properties/test_stages.py.
LOOKED_FOR = [reason.value for reason in GateReason if reason is not GateReason.POISON]
# What the wire page says, in its words and order; the code's own list must not drift from it.
PAGE = (
    "too_large bad_envelope reserved_header unknown_sender wrong_lane suspended duplicate id_reuse stale expired "
    "unknown_contract schema_mismatch bad_payload schema_violation rule_violation subject_mismatch not_allowed "
    "stale_base poison"
)
NEVER_TOGETHER = {
    ("suspended", "stale_base"): "persons are never suspended, and only persons change control",
    ("duplicate", "id_reuse"): "a message has one hash",
}


@dataclass(slots=True)
class Draft:
    """A message in the making, the registry it meets, and what the gate remembers of its id."""

    headers: dict[str, str]
    body: Any  # a JSON value
    lane: str
    registry: Registry = field(default_factory=registry)
    extra: list[tuple[str, bytes]] = field(default_factory=list)
    value: bytes | None = None
    remembered: str = ""
    seen_hash: str | None = None

    @property
    def is_control(self) -> bool:
        """Is it a change of control?"""
        return self.headers["ce_type"].startswith("bus.control.")


def an_action() -> Draft:
    """A guarded action in order."""
    headers = spoken(MAIL, source=agent("sales"), identifier="m1", at_ms=START_MS, subject="lead/L-1", token="5")
    return Draft(headers, {"lead_id": "L-1"}, "sales")


def a_change() -> Draft:
    """A change of control in order."""
    headers = spoken("bus.control.set.v1", source=ANA, identifier="m1", at_ms=START_MS)
    value = {"resource": "lead", "window_ms": 0, "on_held": "deny"}
    return Draft(headers, {"kind": "terms", "name": "lead", "value": value, "base": None}, "operators")


def _too_large(draft: Draft) -> None:
    draft.value = b" " * 65_537


def _bad_envelope(draft: Draft) -> None:
    draft.extra.append(("ce_invented", b"1"))


def _reserved_header(draft: Draft) -> None:
    draft.extra.append(("bus-token", b"1"))


def _unknown_sender(draft: Draft) -> None:
    draft.headers["ce_source"] = draft.headers["ce_source"].replace("acme", "elsewhere")


def _wrong_lane(draft: Draft) -> None:
    draft.lane = "support"


def _suspended(draft: Draft) -> None:
    change = draft.registry.next_change("suspended", "all", {"select": {"all": True}})
    draft.registry = draft.registry.apply(change)


def _duplicate(draft: Draft) -> None:
    draft.remembered = "the same"


def _id_reuse(draft: Draft) -> None:
    draft.remembered = "another"


def _stale(draft: Draft) -> None:
    draft.headers["ce_time"] = wire_time(START_MS - 300_001)


def _expired(draft: Draft) -> None:
    draft.headers["ce_expirytime"] = wire_time(START_MS)


def _unknown_contract(draft: Draft) -> None:
    draft.headers["ce_type"] = draft.headers["ce_type"].replace(".v1", ".v9")


def _schema_mismatch(draft: Draft) -> None:
    draft.headers["content-type"] = "application/avro"


def _bad_bytes(draft: Draft) -> None:
    draft.value = b"{" if draft.value is None else draft.value


def _schema_violation(draft: Draft) -> None:
    draft.body = {**draft.body, "unheard_of": 1}


def _rule_violation(draft: Draft) -> None:
    if draft.is_control:
        draft.body["value"] = {**draft.body["value"], "window_ms": 500}
    else:
        draft.body = {**draft.body, "words": 101}


def _subject_mismatch(draft: Draft) -> None:
    draft.headers["ce_subject"] = "no subject"


def _not_allowed(draft: Draft) -> None:
    name = draft.headers["ce_source"]
    if draft.is_control:
        eve = draft.registry.next_change("person", ANA, {"roles": ["guest"], "queues": [], "owns": []})
    else:
        eve = draft.registry.next_change("agent", name, {"lane": "sales", "roles": ["guest"], "owner": ANA})
    draft.registry = draft.registry.apply(eve)


def _stale_base(draft: Draft) -> None:
    draft.body["base"] = "0" * 64


FAULTS: dict[str, Callable[[Draft], None]] = dict(
    zip(
        LOOKED_FOR,
        (
            *(_too_large, _bad_envelope, _reserved_header, _unknown_sender, _wrong_lane, _suspended, _duplicate),
            *(_id_reuse, _stale, _expired, _unknown_contract, _schema_mismatch, _bad_bytes, _schema_violation),
            *(_rule_violation, _subject_mismatch, _not_allowed, _stale_base),
        ),
        strict=True,
    )
)
PAIRS = [pair for pair in combinations(LOOKED_FOR, 2) if pair not in NEVER_TOGETHER]


def _judged(draft: Draft) -> Judged:
    value = draft.value if draft.value is not None else json.dumps(draft.body).encode()
    headers = (*encoded(draft.headers), *draft.extra)
    record = Record(f"bus.in.{draft.lane}", 0, 7, START_MS, None, value, headers)
    state = GateState()
    if draft.remembered:
        known = message_hash(record) if draft.remembered == "the same" else "0" * 64
        state.seen[draft.headers["ce_source"], "m1"] = Seen(3, known, START_MS - 1000)
    basis = Gatherer(draft.lane, lambda _: True).gather(record, START_MS, draft.registry)
    return decide(state, record.offset, START_MS, basis)


def _in_order(*reasons: str) -> Draft:
    return a_change() if "stale_base" in reasons else an_action()


@pytest.mark.parametrize("draft", [an_action(), a_change()], ids=["action", "change"])
def test_a_message_without_a_fault_is_forwarded(draft: Draft) -> None:
    """The messages that get their faults below are in order themselves."""
    assert _judged(draft).row.verdict == "forwarded"


@pytest.mark.parametrize("reason", LOOKED_FOR)
def test_one_fault_gets_its_reason(reason: str) -> None:
    """A message with one fault is answered with the reason of that fault."""
    draft = _in_order(reason)
    FAULTS[reason](draft)
    assert _judged(draft).row.reason == reason


@pytest.mark.parametrize(("earlier", "later"), PAIRS, ids=lambda reason: reason)
def test_the_earlier_reason_wins(earlier: str, later: str) -> None:
    """A message with two faults is answered with the reason that stands first."""
    draft = _in_order(earlier, later)
    FAULTS[later](draft)
    FAULTS[earlier](draft)
    assert _judged(draft).row.reason == earlier


def test_the_order_is_the_published_one() -> None:
    """The reasons of the gate stand in the order of the wire page."""
    assert [reason.value for reason in GateReason] == PAGE.split()


def test_no_work_is_done_for_a_change_its_sender_may_not_make() -> None:
    """A sender without the role hears `not_allowed` before a contract is compiled or the broker is asked for topics."""
    draft = a_change()
    draft.body = {"kind": "lane", "name": "ops", "value": {"principal": "User:ops"}, "base": None}
    _not_allowed(draft)
    value = json.dumps(draft.body).encode()
    record = Record("bus.in.operators", 0, 7, START_MS, None, value, encoded(draft.headers))
    asked: list[str] = []

    def topic_exists(topic: str) -> bool:
        asked.append(topic)
        return False

    basis = Gatherer("operators", topic_exists).gather(record, START_MS, draft.registry)
    assert decide(GateState(), 7, START_MS, basis).row.reason == "not_allowed"
    assert not asked


def test_a_fact_of_no_kind_is_told_before_a_rule() -> None:
    """A cost that is no integer is `schema_violation` even where a rule is broken as well."""
    kind = "leads.cost.name.v1"
    rules = [{"id": "no", "when": "size(word) > 1", "do": "refuse", "say": "one letter"}]
    schema = {"type": "object", "properties": {"word": {"type": "string"}, "cost": {}}}
    value = {"contract": {"type": kind, "cost": "/cost", "rules": rules}, "schema": json.dumps(schema)}
    now = registry()
    now = now.apply(Change(now.number + 1, "contract", kind, 1, value))
    headers = encoded(spoken(kind, source=agent("sales"), identifier="m1", at_ms=START_MS))
    record = Record("bus.in.sales", 0, 7, START_MS, None, b'{"word":"long","cost":"much"}', headers)
    basis = Gatherer("sales", lambda _: True).gather(record, START_MS, now)
    assert decide(GateState(), 7, START_MS, basis).row.reason == "schema_violation"
