"""The book of what waits: an answer finds its request, once, and nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.client import Misuse
from bus.client.clock import elapsed_s
from bus.client.event import Event, event_of
from bus.client.message import CLAIM, Draft
from bus.client.pending import GIVEN_UP_MAX, PENDING_MAX, Pending, Request

ANN, BEN = "spiffe://acme/agent/ann", "spiffe://acme/agent/ben"


def _request(agent: str = ANN, identifier: str = "c-1", message_type: str = CLAIM, token: int | None = None) -> Request:
    draft = Draft(agent, message_type, b"{}", subject="lead/L-1", id=identifier, token=token)
    return Request(draft, elapsed_s(), elapsed_s() + 10)


def _event(kind: str = "granted", to: str = ANN, identifier: str = "c-1", offset: int = 0) -> Event:
    src = f"bus.in.sales/0/{offset}"
    return event_of({"kind": kind, "id": identifier, "src": src, "to": [["sales", to]], "decision": "1.0.1.0"})


def test_one_id_waits_once() -> None:
    """A second message under an id that still waits is refused before it is sent."""
    pending = Pending()
    pending.add(_request())
    with pytest.raises(Misuse, match="waits"):
        pending.add(_request())
    pending.add(_request(BEN))


def test_what_waits_is_bounded() -> None:
    """Nobody fills the memory with questions."""
    pending = Pending()
    for number in range(PENDING_MAX):
        pending.add(_request(identifier=f"c-{number}"))
    with pytest.raises(Misuse, match="wait for some"):
        pending.add(_request(identifier="one-more"))


def test_what_was_given_up_is_remembered_and_bounded() -> None:
    """The oldest of those who left are forgotten first."""
    pending = Pending()
    for number in range(GIVEN_UP_MAX + 1):
        request = _request(identifier=f"c-{number}")
        pending.add(request)
        assert pending.give_up(request)
    assert pending.find_given_up(_event(identifier="c-0")) == []
    assert len(pending.find_given_up(_event(identifier="c-1"))) == 1


@given(st.lists(st.sampled_from(["answer", "give up"]), min_size=1, max_size=5))
def test_a_request_is_finished_by_one_alone(steps: list[str]) -> None:
    """However often it is answered and given up, one of them gets it."""
    pending, request = Pending(), _request()
    pending.add(request)
    wins = [pending.remove(request) if step == "answer" else pending.give_up(request) for step in steps]
    assert wins == [True] + [False] * (len(steps) - 1)


@pytest.mark.parametrize(
    ("message_type", "token", "kind", "is_last"),
    [
        (CLAIM, None, "granted", True),
        (CLAIM, None, "confirmed", True),
        (CLAIM, None, "denied", True),
        (CLAIM, None, "refused", True),
        (CLAIM, None, "ended", False),  # a holder that is superseded goes before the grant
        (CLAIM, None, "contest_opened", False),
        ("bus.resource.renew.v1", None, "renewed", True),
        ("bus.resource.release.v1", None, "ended", True),
        ("leads.lead.stage.v1", None, "fact", False),
        ("leads.lead.stage.v1", None, "action_admitted", True),
        ("leads.email.send.v1", 7, "action_held", True),
        ("leads.email.send.v1", 7, "refused", True),
    ],
)
def test_the_last_event_of_an_answer_is_known(
    *, message_type: str, token: int | None, kind: str, is_last: bool
) -> None:
    """An answer is complete with the event that decides it, not with the first that comes."""
    assert _request(message_type=message_type, token=token).is_last(_event(kind)) is is_last


def test_an_answer_finds_the_one_who_asked() -> None:
    """Agent and id together, and for the whole lane the record's place."""
    pending, mine, theirs = Pending(), _request(ANN), _request(BEN)
    pending.add(mine)
    pending.add(theirs)
    assert pending.find(_event(to=ANN)) == [mine]
    assert pending.find(_event(to=BEN)) == [theirs]
    assert pending.find(_event(to="spiffe://acme/agent/cyd")) == []
    mine.offsets, theirs.offsets = [4], [5]
    assert pending.find(_event(to="", kind="refused", offset=5)) == [theirs]
    assert pending.find(_event(to="", kind="refused", offset=6)) == []
    assert pending.find(_event(identifier="")) == []


def _named(kind: str, **fields: object) -> Event:
    body = {"kind": kind, "to": [["sales", ANN]], "agent": ANN, "decision": "1.0.7.0", "subject": "lead/L-1", **fields}
    return event_of(body)


def test_what_is_decided_about_a_claim_names_it() -> None:
    """By a tick or by another's message under an id that is mine as well: the claim it names is what counts."""
    pending, mine, other = Pending("sales"), _request(identifier="c-1"), _request(identifier="c-2")
    pending.add(mine)
    pending.add(other)
    assert pending.find(_named("granted", claim="c-1", id="")) == [mine]
    assert pending.find(_named("denied", claim="c-1", id="c-2", src="bus.in.judges/0/3")) == [mine]
    assert pending.find(_named("granted", claim="c-9", id="")) == []
    assert pending.find(_named("settled", contest="1.0.1.0", id="c-2", src="bus.in.sales/0/3")) == []


def test_a_held_action_is_decided_by_whatever_names_it() -> None:
    """Its own admission has another id, if any, and the decision that held it."""
    pending, request = Pending("sales"), _request(message_type="leads.email.send.v1", token=7)
    request.until = "decided"
    pending.add(request)
    request.events.append(_named("action_held"))
    assert pending.find(_named("action_admitted", held="1.0.7.0")) == [request]
    assert pending.find(_named("action_admitted", held="1.0.8.0")) == []
    assert request.is_undecided


def test_what_is_left_undecided_can_be_waited_for_once_more() -> None:
    """It is found by its subject, taken up once, and forgotten when it is decided."""
    pending, request = Pending("sales"), _request()
    pending.add(request)
    assert pending.follow(_named("joined", claim="c-1", contest="1.0.1.0", id="c-1")) == [request]
    assert pending.give_up(request)
    assert pending.undecided(ANN, "lead/L-1") == [request]
    pending.resume(request, elapsed_s() + 10)
    assert (request in pending, pending.undecided(ANN)) == (True, [])
    assert pending.remove(request)
    assert pending.claims(ANN, "lead/L-1") == []
