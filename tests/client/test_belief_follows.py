"""What an agent believes follows the lane, in its order, whoever asked: tasks, threads, other buses, or nobody."""

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from bus.client import AsyncBus, Bus, Lease, LeaseLost, Misuse, NotTaken, Unanswered
from tests.client.conftest import eventually
from tests.client.handmade import NOW_MS, Asking, HandmadeLane, claim, lease_of, settled
from tests.stories.client import Record

SUBJECT = "lead/L-1"
RELEASE = "bus.resource.release.v1"


def _held(lane: HandmadeLane, bus: Bus, number: int = 0, decision: str = "1.0.1.0") -> Lease:
    asking = claim(bus)
    lane.grant(lane.message(number), decision)
    return lease_of(asking)


def _confirm(lane: HandmadeLane, about: Record, decision: str, **more: Any) -> None:
    confirmed: dict[str, Any] = {"token": 77, "until": NOW_MS + 10_000, "claim": about.header("ce_id")}
    lane.answer(about, "confirmed", decision, **(confirmed | more))


def _end(lane: HandmadeLane, about: Record, decision: str, reason: str = "released") -> None:
    lane.answer(about, "ended", decision, token=77, reason=reason)


def _unanswered(bus: Bus) -> None:
    with pytest.raises(Unanswered):
        bus.claim(SUBJECT, timeout_s=0.3)


def test_the_end_of_a_lease_is_heard_by_those_who_did_not_ask(lane: HandmadeLane, bus: Bus) -> None:
    """One part of the agent gives the token back by itself: the answer to that ends what the other believes."""
    lease = _held(lane, bus)
    asking = Asking(lambda: bus.send(RELEASE, {"token": 77}, subject=SUBJECT))
    _end(lane, lane.message(1), "1.0.2.0")
    asking.wait()
    assert not lease.is_held
    with pytest.raises(LeaseLost, match="released"):
        lease.check()


def test_a_grant_nobody_waits_for_is_left_to_the_next_claim(lane: HandmadeLane, bus: Bus) -> None:
    """Claimed, given up, claimed again: the first grant is not given back under the feet of the second claim."""
    _unanswered(bus)
    again = claim(bus)
    second = lane.message(1)
    lane.grant(lane.message(0), "1.0.1.0")
    _confirm(lane, second, "1.0.2.0")
    lease = lease_of(again)
    settled()
    assert lease.is_held
    lease_given_back = Asking(lease.release)
    assert lane.message(2).header("ce_type") == RELEASE  # the first that was sent since
    _end(lane, lane.message(2), "1.0.3.0")
    lease_given_back.wait()


def test_a_frozen_holding_that_was_forgotten_is_believed_for_a_whole_lease(lane: HandmadeLane, bus: Bus) -> None:
    """Started anew while a person decides: the clock stands still, and the thaw leaves a whole lease at least."""
    asking = claim(bus)
    frozen = {"until": NOW_MS - 5_000, "lease_ms": 30_000, "case": "1.0.9.2"}
    _confirm(lane, lane.message(0), "1.0.10.0", **frozen)
    lease = lease_of(asking)
    assert (lease.is_held, lease.is_frozen) == (True, True)
    assert 10 < lease.remaining_s < 30


def test_a_confirmed_holding_is_frozen_only_if_the_bus_says_so(lane: HandmadeLane, bus: Bus) -> None:
    """Nobody decides on it: what is left of the lease is all there is."""
    asking = claim(bus)
    _confirm(lane, lane.message(0), "1.0.10.0", until=NOW_MS + 9_000, lease_ms=30_000)
    lease = lease_of(asking)
    assert (lease.is_held, lease.is_frozen) == (True, False)
    assert lease.remaining_s < 9


def test_a_grant_that_no_claim_takes_over_is_given_back(lane: HandmadeLane, bus: Bus) -> None:
    """When the second claim is given up as well, the first grant goes back at once."""
    _unanswered(bus)
    again = Asking(lambda: bus.claim(SUBJECT, timeout_s=1))
    lane.message(1)
    lane.grant(lane.message(0), "1.0.1.0")
    with pytest.raises(Unanswered):
        again.wait()
    assert (lane.message(2).header("ce_type"), lane.message(2).json["token"]) == (RELEASE, 77)


def test_what_was_given_back_meanwhile_is_claimed_again(lane: HandmadeLane, bus: Bus) -> None:
    """One task claims while another releases the same: the old token is not believed, a new one is asked for."""
    lease = _held(lane, bus)
    claiming = claim(bus)
    second = lane.message(1)
    releasing = Asking(lease.release)
    release = lane.message(2)
    _confirm(lane, second, "1.0.2.0")
    _end(lane, release, "1.0.3.0")
    releasing.wait()
    assert lane.message(3).header("ce_type") == RELEASE
    lane.grant(lane.message(4), "1.0.4.0", token=78)
    assert lease_of(claiming).token == 78


def test_two_buses_of_one_agent_give_back_with_the_last(lane: HandmadeLane, bus: Bus) -> None:
    """What both hold is not released under the feet of the one that goes on."""
    lease = _held(lane, bus)
    with bus.as_agent(lane.agent) as other:
        asking = claim(other)
        _confirm(lane, lane.message(1), "1.0.2.0")
        theirs = lease_of(asking)
        lease.release()
        assert (lease.is_held, theirs.is_held) == (False, True)
        _end(lane, lane.message(1), "1.0.3.0", reason="revoked")
        assert theirs.wait_lost(10)


def test_a_revocation_before_the_caller_looks_is_not_missed(lane: HandmadeLane, bus: Bus) -> None:
    """Granted and revoked while the caller was busy: it never believes."""
    request = bus._voice.claim(SUBJECT, None, "", (), 20)
    lane.grant(lane.message(0), "1.0.1.0")
    _end(lane, lane.message(0), "1.0.2.0", reason="revoked")
    settled()
    holding = bus._voice.held(request, request.future.result(20))
    assert not holding.is_held
    assert holding.loss is not None
    assert holding.loss.reason == "revoked"


def test_a_claim_cancelled_after_its_grant_is_given_back(lane: HandmadeLane) -> None:
    """The grant was faster than the cancel: nobody will use the lease, so it goes back."""

    async def live() -> None:
        async with AsyncBus(agent=lane.agent, lane=lane.lane, bootstrap=lane.bootstrap) as bus:
            claiming = asyncio.create_task(bus.claim(SUBJECT)._claim())
            await asyncio.sleep(0.1)
            lane.grant(lane.message(0), "1.0.1.0")
            time.sleep(0.5)  # noqa: ASYNC251  # the loop is busy while the grant arrives
            claiming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await claiming
            release = await asyncio.to_thread(lane.message, 1)
            assert (release.header("ce_type"), release.json["token"]) == (RELEASE, 77)

    asyncio.run(live())


def test_a_grant_too_old_to_be_believed_does_not_stay(lane: HandmadeLane, bus: Bus) -> None:
    """It came late and its renewal is not answered: the caller hears so, and the lease goes back."""
    asking = Asking(lambda: bus.claim(SUBJECT, timeout_s=1.5))
    message = lane.message(0)
    settled(0.3)
    lane.grant(message, "1.0.1.0", until=NOW_MS + 200)
    with pytest.raises(Unanswered):
        asking.wait()
    assert lane.message(1).header("ce_type") == "bus.resource.renew.v1"
    assert lane.message(2).header("ce_type") == RELEASE


def test_a_connection_that_dies_ends_every_belief(
    lane: HandmadeLane, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody renews or listens any more: whoever holds something is told, and so is whoever waits for events."""
    lease = _held(lane, bus)
    heard: list[LeaseLost] = []
    lease.on_lost(heard.append)
    listening = Asking(lambda: list(bus.events()))

    def fails(_: float) -> None:
        raise NotTaken("the answers may not be read", "ask for them")

    monkeypatch.setattr(bus._shared.connection._link, "fetch", fails)
    assert lease.wait_lost(10)
    assert listening.wait() == []
    assert eventually(lambda: [loss.reason for loss in heard] == ["unanswered"])


def test_a_bus_nobody_knows_any_more_gives_back(lane: HandmadeLane) -> None:
    """A bus that was dropped without being closed does not renew its leases for ever."""

    def forgets() -> None:
        _held(lane, Bus(agent=lane.agent, lane=lane.lane, bootstrap=lane.bootstrap, timeout_s=20))

    forgets()
    gc.collect()
    assert lane.message(1).header("ce_type") == RELEASE


def test_closing_gives_back_when_no_thread_can_start(
    lane: HandmadeLane, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter that ends starts no threads: what is held goes back all the same, and callbacks are called."""
    heard: list[LeaseLost] = []
    lease = _held(lane, bus)
    lease.on_lost(heard.append)

    def refuses(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuses)
        bus.close()
    assert lane.message(1).header("ce_type") == RELEASE
    assert [loss.reason for loss in heard] == ["closed"]


def test_a_shared_lease_cannot_be_handed_over(lane: HandmadeLane, bus: Bus) -> None:
    """Handing over what another part of the agent holds is refused in words; leaving it ends only one's own use."""
    lease = _held(lane, bus)
    asking = claim(bus)
    _confirm(lane, lane.message(1), "1.0.2.0")
    inner = lease_of(asking)
    with pytest.raises(Misuse, match="another part"):
        inner.release(to="spiffe://acme/agent/other")
    inner.release()
    assert (inner.is_held, lease.is_held) == (False, True)
    with pytest.raises(LeaseLost, match="released before"):
        inner.act("leads.email.send.v1", {})


def test_what_is_over_leaves_no_timers(lane: HandmadeLane, bus: Bus) -> None:
    """A lease that was given back is not kept until it would have ended."""
    lease = _held(lane, bus)
    releasing = Asking(lease.release)
    _end(lane, lane.message(1), "1.0.2.0")
    releasing.wait()
    assert len(bus._shared.connection.timers) == 0
