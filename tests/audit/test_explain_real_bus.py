"""A real bus: every answer that its clients received is explained as it was given, from the export of an auditor."""

import json
from typing import Any

import pytest

from bus.audit.asked import find
from bus.audit.decisions import ArbiterDecision, GateDecision
from bus.audit.explain import Explaining
from bus.audit.explanation import Explanation
from bus.audit.export import load
from bus.audit.lookup import Lookup
from tests.audit.conftest import LEADS, Audited
from tests.audit.explained import clock, index_of

Answered = list[tuple[dict[str, Any], Explanation]]


@pytest.fixture(scope="module")
def answered(audited: Audited) -> Answered:
    """Each answer on the lanes' own topics, with its explanation."""
    evidence = load(audited.folder)
    lookup = Lookup(index_of(evidence))
    explaining, found = Explaining(lookup.index, lookup, clock), []
    for place, log in evidence.logs.items():
        for record in log.records if place[0].startswith("bus.out.") else ():
            answer = json.loads(record.value or b"{}")
            decision = find(lookup, answer["decision"])
            assert isinstance(decision, ArbiterDecision | GateDecision), answer
            found.append((answer, explaining.of(decision)))
    return found


def test_there_is_much_to_explain(answered: Answered) -> None:
    """Claims, denials, actions, refusals of both stages, duplicates and an expiry, many times."""
    kinds = {(answer["kind"], str(answer.get("reason", ""))) for answer, _ in answered}
    assert len(answered) > 6 * LEADS
    assert {("granted", ""), ("denied", "held"), ("ended", "expired"), ("refused", "schema_violation")} <= kinds


def test_every_answer_is_explained_as_it_was_given(answered: Answered) -> None:
    """Time, message, reason, agent, token and end of the lease agree, answer by answer."""
    names = ("agent", "subject", "token", "until", "current", "retry_after", "of", "topic")
    for answer, found in answered:
        assert (found.decision, found.at) == (answer["decision"], answer["at"])
        assert found.reason == answer.get("reason", found.reason)
        said = {name: answer[name] for name in names if name in answer and name in found.event}
        assert said == {name: found.event[name] for name in said}
        assert found.message is None or found.message.kept == "there"


def test_every_admitted_action_is_found_on_its_topic(answered: Answered) -> None:
    """Each of them stands once on the governed topic, at the place the explanation names."""
    places = [found.released for answer, found in answered if answer["kind"] == "action_admitted"]
    assert len(places) == LEADS
    assert None not in places
    assert len(set(places)) == LEADS
