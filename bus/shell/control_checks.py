"""What a change must satisfy beyond its schema: names that exist, contracts that compile, topics that are there."""

import difflib
import re
from collections.abc import Callable
from dataclasses import replace

from bus.core.contest.terms_checks import check_terms
from bus.core.log.topics import LANE_NAME, PERSON_LANES, answers, gate_journal, incoming
from bus.core.message.arrivals import ControlWish
from bus.core.policy.contracts import BUILT_IN_PREFIX, JsonObject, Violation, contract_from_json, shortened
from bus.core.policy.control import Registry
from bus.core.policy.terms import terms_from_json
from bus.shell.validation import ContractError, compile_contract

AGENT_ID = re.compile(r"spiffe://[a-z0-9.-]{1,255}/agent/[A-Za-z0-9._-]{1,128}")
PERSON_ID = re.compile(r"spiffe://[a-z0-9.-]{1,255}/person/[A-Za-z0-9._-]{1,128}")
# As Kafka names them: a type, a colon, a name; "User:*" would be everybody.
PRINCIPAL = re.compile(r"[A-Za-z][A-Za-z0-9_]*:(?!\*\Z)[^\x00-\x1f\x7f]+")
RESOURCE_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
TopicExists = Callable[[str], bool]


def check_change(wish: ControlWish, registry: Registry, topic_exists: TopicExists) -> tuple[Violation, ...]:
    """All that is wrong with a (schema-checked) change; empty if it may come into force."""
    match wish.kind:
        case "lane":
            return shortened(_lane(wish, topic_exists))
        case "agent":
            return shortened(_agent(wish, registry))
        case "person":
            return shortened(_person(wish, registry))
        case "contract":
            return shortened(_contract(wish, topic_exists))
        case _:
            return shortened(_terms(wish, registry))


def _broken(path: str, rule: str, message: str, hint: str = "") -> Violation:
    return Violation(path, "rule", rule, message[:200], hint)


def _named(wish: ControlWish, pattern: re.Pattern[str], what: str) -> list[Violation]:
    return [] if pattern.fullmatch(wish.name) else [_broken("/name", "name", f"the name is not {what}")]


def _lane(wish: ControlWish, topic_exists: TopicExists) -> list[Violation]:
    wrong = _named(wish, LANE_NAME, "a lane's name, [a-z][a-z0-9-]{0,31}")
    if wrong:
        return wrong
    if wish.value is None:
        if wish.name in PERSON_LANES:
            wrong.append(_broken("/value", "reserved-lane", f"lane {wish.name} is there from genesis and stays"))
        return wrong
    if not PRINCIPAL.fullmatch(wish.value["principal"]):
        hint = "name one Kafka principal, such as User:sales"
        wrong.append(_broken("/value/principal", "principal", "the principal is none, or everybody", hint))
    missing = [t for t in (incoming(wish.name), answers(wish.name), gate_journal(wish.name)) if not topic_exists(t)]
    if missing:
        hint = f"create them first: agentbus lanes set {wish.name} does"
        wrong.append(
            _broken(
                "/name",
                "lane-topics",
                f"missing, or not of one partition with LogAppendTime: {', '.join(missing)}",
                hint,
            )
        )
    return wrong


def _agent(wish: ControlWish, registry: Registry) -> list[Violation]:
    wrong = _named(wish, AGENT_ID, "an agent's id, spiffe://<domain>/agent/<name>")
    if wish.value is not None and wish.value["lane"] not in registry.lanes:
        near = next(iter(difflib.get_close_matches(wish.value["lane"], sorted(registry.lanes), n=1)), "")
        hint = f"did you mean {near}? Else " if near else ""
        hint += f"set the lane first: agentbus lanes set {wish.value['lane']}"
        wrong.append(_broken("/value/lane", "lane-exists", f"lane {wish.value['lane']} is not set", hint))
    if wish.value is not None and wish.value["lane"] in PERSON_LANES:
        wrong.append(_broken("/value/lane", "person-lane", f"lane {wish.value['lane']} is for persons"))
    return wrong


def _person(wish: ControlWish, registry: Registry) -> list[Violation]:
    wrong = _named(wish, PERSON_ID, "a person's id, spiffe://<domain>/person/<name>")
    if not registry.apply(registry.next_change(wish.kind, wish.name, wish.value)).has_role("steward"):
        hint = "give the role to somebody else first"
        wrong.append(_broken("/value", "last-steward", "no steward would be left, and nobody could change it", hint))
    return wrong


def _contract(wish: ControlWish, topic_exists: TopicExists) -> list[Violation]:
    if wish.name.startswith(BUILT_IN_PREFIX):
        return [_broken("/name", "built-in", "bus.* contracts come with the engine and cannot be set")]
    if wish.value is None:
        return []
    return _contract_value(wish.name, wish.value, topic_exists)


def _contract_value(name: str, value: JsonObject, topic_exists: TopicExists) -> list[Violation]:
    wrong = []
    contract = contract_from_json(value, 1)
    if contract.type != name:
        wrong.append(_broken("/value/contract/type", "name", f"the type is {contract.type}, the name {name}"))
    if contract.topic and not topic_exists(contract.topic):
        see = f"if it is there, let the gate see it: agentbus acls apply --governed {contract.topic}"
        make = "for development, agentbus contracts apply --create-topics 1 does"
        hint = f"create topic {contract.topic}, it is its owner's ({make}); {see}"
        wrong.append(_broken("/value/contract/topic", "topic-exists", f"topic {contract.topic} does not exist", hint))
    if (contract.guard or contract.fact) and not contract.resource:
        wrong.append(_broken("/value/contract/resource", "resource", "a guarded action or fact names its resource"))
    try:
        compile_contract(contract)
    except ContractError as error:
        wrong.extend(replace(violation, path=f"/value{violation.path}") for violation in error.violations)
    return wrong


def _terms(wish: ControlWish, registry: Registry) -> list[Violation]:
    wrong = _named(wish, RESOURCE_TYPE, "a resource type")
    if wish.value is None:
        return wrong
    if wish.value["resource"] != wish.name:
        wrong.append(_broken("/value/resource", "name", f"resource is not the name {wish.name}"))
    terms = terms_from_json(wish.value, registry.next_change(wish.kind, wish.name, wish.value).rev)
    for found in check_terms(terms, restart_bound_ms=registry.genesis.restart_bound_ms):
        if found.severity == "error":
            wrong.append(_broken(f"/value{found.field}", "impossible", found.sentence, found.hint))
    return wrong
