"""Every example behaves as its folder says, and every contract of the tree can be set as it is."""

import json

import pytest

from bus.core.decision.reasons import GateReason
from bus.core.policy.contracts import MESSAGE_CHARACTERS_MAX
from bus.shell.catalogue import read_catalogue
from bus.shell.validation import Accepted
from tests.contracts.examples import Example, examples, folders, judged, reason_of, send, violations_of

EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_behaves_as_its_folder_says(example: Example) -> None:
    """A valid example is accepted, an invalid one is refused with the reason it is named after."""
    answer = send(example)
    assert reason_of(answer) == example.reason, violations_of(answer)


@pytest.mark.parametrize("message_type", folders())
def test_every_contract_has_examples_of_both_kinds(message_type: str) -> None:
    """A contract shows what is right and what is wrong."""
    reasons = {example.reason for example in EXAMPLES if example.type == message_type}
    assert "" in reasons
    assert reasons - {""} <= {reason.value for reason in GateReason}
    assert len(reasons) > 1


@pytest.mark.parametrize("message_type", folders())
def test_every_rule_has_an_example_that_breaks_it(message_type: str) -> None:
    """No refusing rule is there without a message that shows what it is for."""
    description = {**read_catalogue(is_built_in=True).contracts, **read_catalogue().contracts}[message_type]
    rules = {rule["id"] for rule in description["contract"].get("rules", ()) if rule["do"] == "refuse"}
    mine = [send(example) for example in EXAMPLES if example.type == message_type]
    assert rules == {one.rule for answer in mine for one in violations_of(answer) if one.rule}


@pytest.mark.parametrize("kind", ["contract", "terms"])
def test_what_the_tree_holds_can_be_set(kind: str) -> None:
    """Every contract and all terms pass the contract of the message that sets them."""
    tree = read_catalogue()
    for name, value in (tree.contracts if kind == "contract" else tree.terms).items():
        wish = {"kind": kind, "name": name, "value": value, "base": None}
        answer = judged("bus.control.set.v1", wish)
        assert isinstance(answer, Accepted), (name, violations_of(answer))


def test_violations_never_repeat_what_the_sender_said() -> None:
    """No text of a refused example stands in the messages about it."""
    for example in EXAMPLES:
        if example.reason != "schema_violation":
            continue
        for one in violations_of(send(example)):
            value = _at(json.loads(example.value), one.path)
            assert not isinstance(value, str) or len(value) < 4 or value not in one.message
            assert len(one.message) <= MESSAGE_CHARACTERS_MAX


def _at(body: object, path: str) -> object:
    for step in path.split("/")[1:]:
        if isinstance(body, list) and step.isdigit():
            body = body[int(step)]
        elif isinstance(body, dict):
            body = body.get(step)
    return body
