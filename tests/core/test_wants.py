"""A denial says what was wanted: the first fact that fails with its values, or the roles that may claim."""

import json
from typing import Any

import pytest

from bus.core.decision.events import Denied, Event, Granted, What, event_from_json, event_to_json
from bus.core.decision.reasons import ArbiterReason
from bus.core.decision.wants import (
    CHARACTERS_SHOWN_MAX,
    SHOWN_MAX,
    WANTED_MAX,
    FactValue,
    WantedFact,
    WantedRoles,
    Wants,
    wants_from_json,
    wants_in_words,
    wants_to_json,
)
from bus.core.log.records import canonical
from bus.core.message.arrivals import Message, read_arrival
from bus.core.policy.control import Registry
from bus.core.state.partition import PartitionState
from bus.core.state.resource import Fact, Moment, Resource
from bus.core.steps.claiming import claim
from bus.core.steps.unfolding import Unfolding
from tests.rules.cast import GEN, START_MS, ArbiterLog, spoken
from tests.rules.cast import registry as registry_at_start

A = "spiffe://acme/agent/sales"
FORMS: list[tuple[Wants, dict[str, Any]]] = [
    (WantedFact("stage", ("qualified",)), {"fact": "stage", "values": ["qualified"]}),
    (WantedFact("stage", ("a", 1), "new"), {"fact": "stage", "values": ["a", 1], "is": "new"}),
    (WantedFact("paid", (True,), False), {"fact": "paid", "values": [True], "is": False}),
    (WantedFact("score", (1,), 0, more=True), {"fact": "score", "values": [1], "is": 0, "more": True}),
    (WantedRoles(("sales", "crm")), {"roles": ["sales", "crm"]}),
    (WantedRoles(("sales",), more=True), {"roles": ["sales"], "more": True}),
]


def _decided(
    value: dict[str, Any],
    facts: dict[str, Fact] | None = None,
    *,
    roles: tuple[str, ...] = ("sales",),
    is_registered: bool = True,
) -> What:
    given = {"resource": "lead", "window_ms": 0, "on_held": "deny", **value}
    agent = {"lane": "sales", "roles": list(roles)} if is_registered else None
    return _claimed(_with(registry_at_start(), ("agent", A, agent), ("terms", "lead", given)), facts or {})


def _with(registry: Registry, *changes: tuple[str, str, dict[str, Any] | None]) -> Registry:
    for change in changes:
        registry = registry.apply(registry.next_change(*change))
    return registry


def _claimed(registry: Registry, facts: dict[str, Fact]) -> What:
    """What a claim of the subject comes to that was sent 10 ms after the start, when the last tick said 5."""
    state = PartitionState(GEN, 0, registry, now=START_MS + 5)
    state.put("lead/L-1", Resource(facts=facts))
    headers = spoken("bus.resource.claim.v1", source=A, identifier="c1", at_ms=START_MS + 10, subject="lead/L-1")
    message = read_arrival(ArbiterLog().forward("sales", headers, {}, at_ms=START_MS + 10, control=registry.number))
    assert isinstance(message, Message)
    u = Unfolding(state, message.o, Moment(message.at, state.now), message)
    claim(u, message, registry.terms["lead"])
    return u.events[0].what


def _wanted(what: What) -> Wants | None:
    assert isinstance(what, Denied)
    return what.wants


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({}, None),
        ({"stage": Fact("new", START_MS + 99)}, "new"),
        ({"stage": Fact("qualified", START_MS + 10)}, None),  # it was stated too long ago
        ({"stage": Fact(value=False, until=START_MS + 11)}, False),
        ({"score": Fact("qualified", START_MS + 99)}, None),
    ],
)
def test_a_denial_as_stage_says_which_values_the_fact_may_have_and_which_it_has(
    facts: dict[str, Fact], known: FactValue | None
) -> None:
    """A fact that nobody stated, or too long ago, has no value in it."""
    what = _decided({"when": {"stage": ["qualified", "won"]}}, facts)
    wants = WantedFact("stage", ("qualified", "won"), known)
    assert what == Denied(A, "c1", ArbiterReason.STAGE, wants=wants)


def test_the_first_fact_by_name_that_fails_is_the_one_told() -> None:
    """One fact at a time, and none that is as it must be."""
    when = {"c": [3], "b": [2], "a": [1]}
    assert _wanted(_decided({"when": when}, {"a": Fact(1, START_MS + 99)})) == WantedFact("b", (2,))
    assert _wanted(_decided({"when": when})) == WantedFact("a", (1,))
    all_of_them = {name: Fact(value, START_MS + 99) for name, value in (("a", 1), ("b", 2), ("c", 3))}
    assert isinstance(_decided({"when": when}, all_of_them), Granted)


def test_a_denial_as_not_allowed_names_the_roles_that_may_claim() -> None:
    """In the order of the terms; an agent that is not registered would not get it with a role either."""
    terms = {"claimants": ["support", "crm"]}
    assert _wanted(_decided(terms)) == WantedRoles(("support", "crm"))
    assert _wanted(_decided(terms, roles=(), is_registered=False)) is None
    assert _wanted(_decided({}, roles=(), is_registered=False)) is None


@pytest.mark.parametrize("count", [WANTED_MAX, WANTED_MAX + 1])
def test_at_most_sixteen_are_listed(count: int) -> None:
    """What is cut is said to be cut; what is just complete is not."""
    values, roles = list(range(count)), [f"r{n}" for n in range(count)]
    is_cut = count > WANTED_MAX
    assert _wanted(_decided({"when": {"n": values}})) == WantedFact("n", tuple(values[:WANTED_MAX]), more=is_cut)
    assert _wanted(_decided({"claimants": roles})) == WantedRoles(tuple(roles[:WANTED_MAX]), more=is_cut)


def test_whoever_restores_from_the_journal_denies_with_the_same_fact() -> None:
    """Terms that were set with their facts in another order stand sorted in the journal; the denials are the same."""
    value = {"resource": "lead", "window_ms": 0, "when": {"stage": ["won"], "score": [1]}}
    agent = ("agent", A, {"lane": "sales", "roles": []})
    told = [
        _claimed(_with(registry_at_start(), agent, ("terms", "lead", given)), {})
        for given in (value, json.loads(canonical(value)))
    ]
    assert told[0] == told[1]
    assert _wanted(told[0]) == WantedFact("score", (1,))


@pytest.mark.parametrize(("wants", "form"), FORMS)
def test_the_field_is_read_as_it_was_written(wants: Wants, form: dict[str, Any]) -> None:
    """Its form is that of the wire page, alone and in an event of a journal."""
    assert wants_to_json(wants) == form
    assert wants_from_json(json.loads(canonical(form))) == wants
    event = Event(0, "lead/L-1", (), Denied(A, "c1", "stage", wants=wants))
    assert event_to_json(event)["wants"] == form
    assert event_from_json(json.loads(canonical(event_to_json(event)))) == event


def test_a_denial_of_an_older_engine_is_read_without_it() -> None:
    """Journals from before have no such field, and what is read is written as it was."""
    old = {"n": 0, "kind": "denied", "to": [], "agent": A, "claim": "c1", "reason": "stage", "retry_after": None}
    assert event_to_json(event_from_json(old)) == old


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, "stage", [], {}, {"fact": "stage"}, {"fact": 1, "values": ["a"]}, {"fact": "f", "values": "abc"}),
        *({"fact": "f", "values": [["a"]]}, {"roles": "sales"}, {"roles": [1]}, {"licence": "B"}),
    ],
)
def test_what_has_another_form_is_nothing(value: object) -> None:
    """A later engine may want something else: whoever does not know it tells the denial without it."""
    assert wants_from_json(value) is None


@pytest.mark.parametrize(
    ("wants", "words"),
    [
        (WantedFact("stage", ("won",), "new"), 'the fact stage must be "won"; it is "new"'),
        (WantedFact("stage", ("won", "open")), 'the fact stage must be one of "won" or "open"; it is not known'),
        (WantedFact("paid", (True,), 1), "the fact paid must be true; it is 1"),
        (WantedFact("n", (1,), 2, more=True), "the fact n must be one of 1 or others; it is 2"),
        (WantedRoles(("sales",)), "only role sales may claim it"),
        (WantedRoles(("sales", "crm", "hr")), "only roles sales, crm and hr may claim it"),
        (WantedRoles(("sales",), more=True), "only roles sales and others may claim it"),
        (WantedRoles(()), "no role may claim it"),
        (WantedFact("stage", ("won",), "\x1b[2J\u202e"), r"it is "),
    ],
)
def test_it_is_said_in_a_sentence(wants: Wants, words: str) -> None:
    """Texts in quotation marks, numbers without, and nothing that a terminal would obey."""
    said = wants_in_words(wants)
    assert words in said
    assert said.isprintable()


def test_a_sentence_stays_a_sentence() -> None:
    """Many values, and long ones, are shortened for people: the field has them."""
    long = "x" * 256
    said = wants_in_words(WantedFact("stage", tuple(f"{n}{long}" for n in range(WANTED_MAX)), long))
    assert said.count("x" * 20) <= (SHOWN_MAX + 1) * CHARACTERS_SHOWN_MAX // 20
    assert " or others; it is " in said
