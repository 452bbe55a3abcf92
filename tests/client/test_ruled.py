"""What a person ruled is told with the person and the reason, wherever an agent reads how something ended."""

import pytest

from bus.client.errors import Denied
from bus.client.event import Event, event_of
from bus.client.message import Draft
from bus.client.verdict import outcome_of, verdict_of

ANN, CARA = "spiffe://acme/agent/ann", "spiffe://acme/person/cara"
RULED = {"ruled_by": CARA, "ruling_reason": "Ada is\nknown to us"}
DRAFT = Draft(ANN, "bus.resource.claim.v1", b"{}", subject="lead/L-1", id="c-1")


def _event(kind: str, **more: object) -> Event:
    body = {"kind": kind, "id": "c-1", "subject": "lead/L-1", "to": [["sales", ANN]], "decision": "1.0.1.0", **more}
    return event_of(body)


def test_a_denial_quotes_the_person() -> None:
    """The sentence names who ruled and why, on one line; the code has both, as they were sent."""
    with pytest.raises(Denied, match="ruled_out: cara ruled so: “Ada is known to us”") as caught:
        verdict_of(DRAFT, (_event("denied", reason="ruled_out", claim="c-1", **RULED),), now_ms=0)
    assert (caught.value.ruled_by, caught.value.ruling_reason) == (CARA, "Ada is\nknown to us")


def test_a_vote_names_no_person() -> None:
    """The same denial without a ruling says nothing of one."""
    with pytest.raises(Denied) as caught:
        verdict_of(DRAFT, (_event("denied", reason="lost", claim="c-1", by="vote"),), now_ms=0)
    assert (caught.value.ruled_by, "ruled" in str(caught.value)) == ("", False)


def test_an_answer_and_an_approval_have_the_reason() -> None:
    """Who asked, and whose action was let go, read who ruled and why."""
    settled = _event("settled", contest="1.0.0.0", winner="invoice", by="ruling", **RULED)
    outcome = outcome_of(DRAFT, (settled,), now_ms=0)
    assert (outcome.ruled_by, outcome.ruling_reason) == (CARA, RULED["ruling_reason"])
    admitted = verdict_of(DRAFT, (_event("action_admitted", topic="deals", **RULED),), now_ms=0)
    assert (admitted.ruled_by, admitted.ruling_reason) == (CARA, RULED["ruling_reason"])


def test_a_ruling_whose_words_are_gone_still_names_the_person() -> None:
    """The record that ruled may no longer be kept."""
    assert _event("denied", reason="ruled_out", ruled_by=CARA).ruling_in_words == "cara ruled so"
