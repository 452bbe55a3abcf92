"""The engine's own message types are exactly those of the wire, with exactly its bodies."""

import json
from pathlib import Path

import pytest

from bus.shell.catalogue import built_in_contracts
from tests.contracts.examples import SALES, judged, places, reason_of, violations_of

ANA = "spiffe://acme/person/ana"
HASH = "9f2c" * 16
# Every type of wire.md section 3: who sends it, roles, and a body with every field the page names.
WIRE: dict[str, tuple[str, tuple[str, ...] | None, dict[str, object]]] = {
    "bus.resource.claim.v1": (
        "agent",
        None,
        {"lease_ms": 1, "reasoning": "because", "evidence": [{"uri": "https://crm.example/1", "sha256": HASH}]},
    ),
    "bus.resource.renew.v1": ("agent", None, {"token": 17592188307712}),
    "bus.resource.release.v1": ("agent", None, {"token": 1, "to": SALES, "reason": "done"}),
    "bus.resource.withdraw.v1": ("agent", None, {"claim": "c-77"}),
    "bus.resource.revoke.v1": ("person", ("operator",), {"reason": "wrong"}),
    "bus.contest.ask.v1": ("any", None, {"question": "what?", "options": ["a", "b"], "until": 1795255331000}),
    "bus.contest.vote.v1": (
        "any",
        None,
        {
            "contest": "1.7.190.0",
            "choice": "reject",
            "reason": "regulatory.asc606",
            "confidence": 9100,
            "reasoning": "",
        },
    ),
    "bus.contest.offer.v1": ("any", None, {"contest": "1.7.190.0", "turn": 1, "outcome": "split"}),
    "bus.contest.accept.v1": ("any", None, {"contest": "1.7.190.0", "turn": 1}),
    "bus.contest.quit.v1": ("any", None, {"contest": "1.7.190.0", "turn": 1}),
    "bus.action.report.v1": ("agent", None, {"decision": "1.3.8842.0", "result": "partial", "detail": "half"}),
    "bus.agent.wait.v1": ("agent", None, {"for": "supplier/S-7", "until": 1795255331000, "reason": "they sign"}),
    "bus.agent.resume.v1": ("agent", None, {"wait": "1.3.8850.0"}),
    "bus.case.reserve.v1": ("any", None, {"case": "1.7.198.2", "rev": 1}),
    "bus.case.release.v1": ("any", None, {"case": "1.7.198.2", "rev": 1}),
    "bus.case.rule.v1": (
        "any",
        None,
        {"case": "1.7.198.2", "rev": 1, "ruling": "award", "candidate": "1.7.191.0", "reason": "first"},
    ),
    "bus.control.set.v1": ("person", ("steward",), {"kind": "lane", "name": "sales", "value": None, "base": HASH}),
    "bus.control.suspend.v1": ("person", ("operator",), {"select": {"all": True}, "reason": "stop"}),
    "bus.control.resume.v1": ("person", ("operator",), {"select": {"role": "sales"}, "reason": "go on"}),
}


def test_the_types_are_those_of_the_wire() -> None:
    """None is missing and none is added; all are at revision 1."""
    assert set(built_in_contracts()) == set(WIRE)
    assert {contract.revision for contract in built_in_contracts().values()} == {1}


@pytest.mark.parametrize("message_type", WIRE)
def test_the_sender_is_the_one_of_the_wire(message_type: str) -> None:
    """Agents send what agents send, persons with their role what persons send."""
    sender, may, _ = WIRE[message_type]
    contract = built_in_contracts()[message_type]
    assert (contract.sender, contract.may) == (sender, may)


@pytest.mark.parametrize("message_type", WIRE)
def test_the_body_of_the_wire_is_accepted(message_type: str) -> None:
    """A body with every field the page names passes."""
    answer = judged(message_type, WIRE[message_type][2])
    assert reason_of(answer) == "", violations_of(answer)


@pytest.mark.parametrize("message_type", WIRE)
def test_a_field_the_wire_does_not_know_is_refused(message_type: str) -> None:
    """Unknown fields are refused, at the top of every built-in body."""
    answer = judged(message_type, WIRE[message_type][2] | {"extra": 1})
    assert places(answer) == [("/extra", "additionalProperties")]


@pytest.mark.parametrize("message_type", WIRE)
def test_free_text_is_bounded(message_type: str) -> None:
    """Every free text takes 4096 characters and not one more; codes and ids are shorter anyway."""
    body = WIRE[message_type][2]
    for name in {"reasoning", "reason", "question", "detail"} & set(body):
        if (message_type, name) == ("bus.contest.vote.v1", "reason"):
            continue  # a code
        assert reason_of(judged(message_type, body | {name: "x" * 4096})) == ""
        assert places(judged(message_type, body | {name: "x" * 4097})) == [(f"/{name}", "maxLength")]


@pytest.mark.parametrize(
    ("code", "fits"),
    [("a", True), ("a.b_c-9", True), ("9" * 64, True), ("9" * 65, False), ("A", False), ("-a", False), ("a b", False)],
)
def test_a_code_is_a_code(code: str, *, fits: bool) -> None:
    """The reason of a vote is a code of at most 64 characters."""
    body = WIRE["bus.contest.vote.v1"][2] | {"reason": code}
    assert (reason_of(judged("bus.contest.vote.v1", body)) == "") is fits


@pytest.mark.parametrize("kind", ["policy", "signal", "genesis", "suspended", ""])
def test_only_the_kinds_of_this_version_can_be_set(kind: str) -> None:
    """A kind that is reserved for later, or none at all, is refused."""
    wish = {"kind": kind, "name": "x", "value": None, "base": None}
    assert ("/kind", "enum") in places(judged("bus.control.set.v1", wish))


def test_the_terms_of_the_specification_can_be_set() -> None:
    """The full example of the specification passes as it stands."""
    terms = json.loads((Path(__file__).parent / "specification_terms.json").read_text(encoding="utf-8"))
    answer = judged("bus.control.set.v1", {"kind": "terms", "name": "lead", "value": terms, "base": None})
    assert reason_of(answer) == "", violations_of(answer)


def test_an_unknown_field_of_terms_is_named() -> None:
    """A misspelt field of terms does not vanish, it is pointed at."""
    terms = {"resource": "lead", "leese_ms": 1}
    answer = judged("bus.control.set.v1", {"kind": "terms", "name": "lead", "value": terms, "base": None})
    assert places(answer) == [("/value/leese_ms", "additionalProperties")]
