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
