"""Recorded answers of contests, reviews and freezes: who waits hears its own end, in whatever order it comes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bus.client import Bus, Denied, Event, Held, Lease, LeaseLost, Misuse, Undecided, Verdict, Withdrawn
from tests.client.conftest import eventually
from tests.client.handmade import NOW_MS, Asking, HandmadeLane, claim, lease_of, settled
from tests.stories.client import Record

SUBJECT, CONTEST, JOINED = "lead/L-1", "1.0.1.0", "1.0.1.1"
WITHDRAW, EMAIL = "bus.resource.withdraw.v1", "leads.email.send.v1"
SEATS = [["triage", ["spiffe://acme/agent/judge-1"]]]


@dataclass(slots=True)
class Play:
    """The bus's side of one contest; what time, or somebody else, brings about names no message of ours."""

    lane: HandmadeLane
    about: Record
    number: int = 2

    def open(self) -> None:
        """Our claim opens it and joins."""
        opened: dict[str, Any] = {"over": "claims", "terms": "lead@1", "method": "majority", "candidates": []}
        opened |= {"seats": SEATS, "deadline": NOW_MS + 500, "bound": NOW_MS + 60_000}
        self.lane.answer(self.about, "contest_opened", CONTEST, **opened)
        self.lane.answer(self.about, "joined", JOINED, contest=CONTEST, claim=self.claim)

    def later(self, kind: str, **fields: Any) -> None:
        """Something else happens, by a tick."""
        self.lane.answer(self.about, kind, f"1.0.{self.number}.0", **({"id": "", "src": ""} | fields))
        self.number += 1

    @property
    def claim(self) -> str:
        """The id of our claim."""
        return self.about.header("ce_id")

    def grant(self, **more: Any) -> None:
        """We win, by a tick."""
        self.later("granted", **({"claim": self.claim, "token": 77, "until": NOW_MS + 10_000, "by": "vote"} | more))


@pytest.fixture
def claiming(lane: HandmadeLane, bus: Bus) -> tuple[Asking, Play]:
    """A claim that has joined a contest."""
    asking = claim(bus)
    play = Play(lane, lane.message(0))
    play.open()
    return asking, play


def test_a_grant_that_a_tick_brings_is_found_by_its_claim(claiming: tuple[Asking, Play]) -> None:
    """Nothing but the claim it names says whose it is."""
    asking, play = claiming
    play.later("rung", contest=CONTEST, rung="vote", deadline=NOW_MS + 20_000)
    play.later("settled", contest=CONTEST, winner=JOINED, by="vote", tally={}, ballots=[])
    play.grant()
    assert lease_of(asking).token == 77


def test_a_grant_that_somebody_elses_message_brings_is_mine(claiming: tuple[Asking, Play]) -> None:
    """The last ballot settles it: the entry's id is the voter's, the claim is ours."""
    asking, play = claiming
    play.grant(id="a-ballot", src="bus.in.judges/0/7")
    assert lease_of(asking).token == 77


def test_who_loses_hears_to_whom_and_by_what(claiming: tuple[Asking, Play]) -> None:
    """`Denied` has the contest, the rung and the winner."""
    asking, play = claiming
    lost = {"reason": "lost", "retry_after": None, "contest": CONTEST, "by": "priority", "winner": "1.0.1.9"}
    play.later("denied", claim=play.claim, **lost)
    with pytest.raises(Denied, match="Leave it to the winner") as caught:
        asking.wait()
    no = caught.value
    assert (no.reason, no.contest, no.by, no.winner) == ("lost", CONTEST, "priority", "1.0.1.9")


def test_progress_is_told_in_order_and_once(lane: HandmadeLane, bus: Bus) -> None:
    """Whatever is repeated on the lane, a caller hears each step once, and `events` does not hear it as well."""
    told: list[Event] = []
    asking = Asking(lambda: bus.claim(SUBJECT, on_progress=told.append))
    play = Play(lane, lane.message(0))
    play.open()
    play.later("rung", contest=CONTEST, rung="vote", deadline=NOW_MS + 20_000)
    rung: dict[str, Any] = {"contest": CONTEST, "rung": "vote", "deadline": NOW_MS + 20_000, "id": "", "src": ""}
    lane.answer(play.about, "rung", "1.0.2.0", prev=JOINED, **rung)
    play.grant()
    lease_of(asking)
    assert eventually(lambda: [event.kind for event in told] == ["contest_opened", "joined", "rung"])
    assert list(bus.events(timeout_s=0.3)) == []


def test_a_claim_that_waits_too_long_says_where_it_stands_and_goes_on(lane: HandmadeLane, bus: Bus) -> None:
    """The error has rung, deadline and bound; a second claim sends nothing and gets what the first one won."""
    asking = Asking(lambda: bus.claim(SUBJECT, timeout_s=4))
    play = Play(lane, lane.message(0))
    play.open()
    play.later("rung", contest=CONTEST, rung="vote", deadline=NOW_MS + 20_000)
    with pytest.raises(Undecided, match=rf"in contest {CONTEST} at vote") as caught:
        asking.wait()
    stands = caught.value.contest
    assert (stands.id, stands.rung, stands.candidate) == (CONTEST, "vote", JOINED)
    assert (stands.deadline_ms, stands.bound_ms) == (NOW_MS + 20_000, NOW_MS + 60_000)
    again = claim(bus)
    assert eventually(lambda: len(bus._shared.connection.pending) == 1)
    play.grant()
    lease = lease_of(again)
    assert lease.is_held
    assert _said(lane).count("bus.resource.claim.v1") == 1


def test_an_undecided_claim_that_is_won_by_nobody_is_given_back(lane: HandmadeLane, bus: Bus) -> None:
    """Who left without withdrawing keeps nobody waiting."""
    asking = Asking(lambda: bus.claim(SUBJECT, timeout_s=4))
    play = Play(lane, lane.message(0))
    play.open()
    with pytest.raises(Undecided):
        asking.wait()
    play.grant()
    assert (lane.message(1).header("ce_type"), lane.message(1).json["token"]) == ("bus.resource.release.v1", 77)


def test_a_bus_that_closes_withdraws_what_is_undecided(lane: HandmadeLane, bus: Bus) -> None:
    """Nobody will wait again, so nobody should lose against it."""
    asking = Asking(lambda: bus.claim(SUBJECT, timeout_s=4))
    play = Play(lane, lane.message(0))
    play.open()
    with pytest.raises(Undecided):
        asking.wait()
    bus.close()
    assert (lane.message(1).header("ce_type"), lane.message(1).json) == (WITHDRAW, {"claim": play.claim})


def test_a_withdrawal_ends_the_claim_that_waits(claiming: tuple[Asking, Play], bus: Bus) -> None:
    """One event answers both: who withdraws has its verdict, who waits hears `Withdrawn`."""
    asking, play = claiming
    assert eventually(lambda: bool(bus._shared.connection.pending.all()[0].contest))
    withdrawing = Asking(lambda: bus.withdraw(SUBJECT))
    message = play.lane.message(1)
    play.lane.answer(message, "withdrawn", "1.0.2.0", claim=play.claim, contest=CONTEST)
    assert isinstance(verdict := withdrawing.wait(), Verdict)
    assert verdict.kind == "withdrawn"
    with pytest.raises(Withdrawn):
        asking.wait()
    with pytest.raises(Misuse, match="no claim"):
        bus.withdraw(SUBJECT)


def test_what_a_contest_says_wrongly_ends_nobodys_wait(claiming: tuple[Asking, Play]) -> None:
    """In development anybody may write there: lists that are none, seats that are none, a contest of somebody else."""
    asking, play = claiming
    play.later("rung", contest=CONTEST, rung=7, deadline="soon", excerpts=[1, {"candidate": 2}])
    play.later("contest_opened", over="review", seats=[1, [2], ["a", 3]], candidates=5, deadline=None)
    play.later("settled", contest="1.0.99.0", winner="none", by="", tally=[], ballots=3)
    play.grant()
    assert lease_of(asking).is_held


def _held(lane: HandmadeLane, bus: Bus, **grant: Any) -> Lease:
    asking = claim(bus)
    lane.grant(lane.message(0), "1.0.1.0", **grant)
    return lease_of(asking)


def _hold(lane: HandmadeLane, message: Record) -> None:
    held: dict[str, Any] = {
        "o": 5,
        "token": 77,
        "type": EMAIL,
        "hash": "0",
        "until": NOW_MS + 600_000,
        "contest": "1.0.5.1",
    }
    lane.answer(message, "action_held", "1.0.5.0", **held)
    opened: dict[str, Any] = {"over": "review", "seats": SEATS, "candidates": ["approve", "reject"], "held": "1.0.5.0"}
    lane.answer(message, "contest_opened", "1.0.5.1", **opened, deadline=NOW_MS + 9, bound=NOW_MS + 9, method="m")


def _decide(lane: HandmadeLane, message: Record, kind: str = "action_admitted", **more: Any) -> None:
    decided: dict[str, Any] = {
        "id": "",
        "src": "",
        "o": 5,
        "token": 77,
        "held": "1.0.5.0",
        "type": EMAIL,
        "topic": "leads",
    }
    lane.answer(message, kind, "1.0.9.0", **(decided | more))


@pytest.mark.parametrize("is_early", [True, False])
def test_the_decision_on_a_held_action_is_there_before_or_after_it_is_waited_for(
    lane: HandmadeLane, bus: Bus, *, is_early: bool
) -> None:
    """`Held` is neither yes nor no; the decision that comes later is the same verdict as one that comes at once."""
    lease = _held(lane, bus)
    acting = Asking(lambda: lease.act(EMAIL, {}))
    message = lane.message(1)
    _hold(lane, message)
    held = acting.wait()
    assert isinstance(held, Held)
    assert (held.is_admitted, held.contest, held.until_ms) == (False, "1.0.5.1", NOW_MS + 600_000)
    if is_early:
        _decide(lane, message)
        settled()
    waiting = Asking(lambda: bus.decision_on(held))
    if not is_early:
        settled()
        assert not waiting.is_answered
        _decide(lane, message)
    decided = waiting.wait()
    assert isinstance(decided, Verdict)
    assert (decided.is_admitted, decided.topic, decided.decision) == (True, "leads", "1.0.9.0")


def test_an_act_that_waits_to_be_decided_says_where_it_stands(lane: HandmadeLane, bus: Bus) -> None:
    """Its caller may leave and wait again: `Undecided` names the review, and leads back to it."""
    lease = _held(lane, bus)
    acting = Asking(lambda: lease.act(EMAIL, {}, until="decided", timeout_s=4))
    message = lane.message(1)
    _hold(lane, message)
    with pytest.raises(Undecided, match=r"in contest 1\.0\.5\.1 at vote") as caught:
        acting.wait()
    waiting = Asking(lambda: bus.decision_on(caught.value))
    _decide(lane, message, "action_refused", reason="vetoed")
    with pytest.raises(Exception, match="refused as vetoed"):
        waiting.wait()


def test_a_frozen_lease_is_believed_for_one_lease_from_what_confirms_it(lane: HandmadeLane, bus: Bus) -> None:
    """Past its end it is still held, for its clock stands still; without another answer it is not believed for ever."""
    lease = _held(lane, bus, until=NOW_MS + 2_000)
    lane.answer(lane.message(0), "frozen", "1.0.2.0", id="", src="", case="1.0.2.0")
    stands: dict[str, Any] = {"token": 77, "claim": "c", "until": NOW_MS + 2_000, "at": NOW_MS + 90_000}
    lane.answer(lane.message(1), "confirmed", "1.0.3.0", **stands)
    assert eventually(lambda: lease.remaining_s > 1.4)  # a renewal leaves after a third: so much is only of the new one
    assert lease.is_frozen
    assert lease.remaining_s <= 2.0
    assert lease.wait_lost(20)
    assert len(_said(lane)) < 8  # it asks each sixth of a lease, not without a pause
    with pytest.raises(LeaseLost, match="no renewal was answered"):
        lease.check()


def test_a_thaw_begins_a_whole_lease(lane: HandmadeLane, bus: Bus) -> None:
    """What the bus says about its end counts at once, without another renewal."""
    lease = _held(lane, bus, until=NOW_MS + 2_000)
    lane.answer(lane.message(0), "frozen", "1.0.2.0", id="", src="", case="1.0.2.0")
    assert eventually(lambda: lease.is_frozen)
    lane.answer(lane.message(0), "unfrozen", "1.0.4.0", id="", src="", case="1.0.2.0", until=NOW_MS + 9_000)
    assert eventually(lambda: lease.until_ms == NOW_MS + 9_000)
    assert (lease.is_frozen, lease.remaining_s > 5) == (False, True)


def _said(lane: HandmadeLane) -> list[str]:
    return [one.header("ce_type") for one in lane.incoming.all(quiet_s=0.3)]


ANSWERED: dict[str, Callable[[Bus], object]] = {
    "claim": lambda bus: bus.claim(SUBJECT),
    "ask": lambda bus: bus.ask(SUBJECT, "Which?", ["a", "b"]),
}


@pytest.mark.parametrize("what", ANSWERED)
def test_an_open_contest_is_no_answer(lane: HandmadeLane, bus: Bus, what: str) -> None:
    """Who claims or asks is not answered by the contest that follows from it, only by its end."""
    asking = Asking(lambda: ANSWERED[what](bus))
    play = Play(lane, lane.message(0))
    play.open()
    settled()
    assert not asking.is_answered
    play.later("settled", contest=CONTEST, winner="a", by="vote", tally={"a": 2}, ballots=[])
    settled()
    assert asking.is_answered is (what == "ask")
    if what == "claim":
        play.grant()
    asking.wait()
