"""Whatever stands on a lane's answers, a caller gets its own answer, once, in the order of the sources."""

from datetime import datetime
from typing import Any

import pytest

from bus.client import Bus, Denied, Refused, Stale, Verdict
from tests.client.conftest import eventually
from tests.client.handmade import NOW_MS, Asking, HandmadeLane, claim, lease_of, settled

OTHER = "spiffe://acme/agent/somebody-else"
TYPE = "leads.note.add.v1"


def test_an_answer_behind_a_gap_waits_until_the_gap_is_closed(lane: HandmadeLane, bus: Bus) -> None:
    """An answer whose predecessor was not heard is not taken; sent again in order, both are."""
    first = claim(bus)
    message = lane.message(0)
    lane.write(b"{}", "1.0.1.0")
    lane.grant(message, "1.0.9.0", prev="1.0.5.0")
    settled()
    assert not first.is_answered
    lane.grant(message, "1.0.5.0", prev="1.0.1.0", token=55)
    lane.grant(message, "1.0.9.0", prev="1.0.5.0")
    assert lease_of(first).token == 55


def test_a_repeated_answer_reaches_the_caller_once(lane: HandmadeLane, bus: Bus) -> None:
    """The same denial, three times: one call hears it, and nobody else ever."""
    asking = claim(bus)
    message = lane.message(0)
    for _ in range(3):
        lane.answer(message, "denied", "1.0.1.0", prev="", reason="held", retry_after=None, claim="c")
    with pytest.raises(Denied):
        asking.wait()
    assert list(bus.events(timeout_s=0.5)) == []


def test_an_answer_to_the_same_id_of_another_agent_is_not_mine(lane: HandmadeLane, bus: Bus) -> None:
    """Ids are unique per sender: who else used mine on this lane does not answer for me."""
    asking = claim(bus)
    message = lane.message(0)
    denied: dict[str, Any] = {"reason": "held", "retry_after": None}
    lane.answer(message, "denied", "1.0.1.0", agent=OTHER, to=[[lane.lane, OTHER]], **denied)
    settled()
    assert not asking.is_answered
    lane.grant(message, "1.0.2.0")
    assert lease_of(asking).token == 77


def test_a_refusal_to_the_lane_is_only_mine_if_it_is_about_my_record(lane: HandmadeLane, bus: Bus) -> None:
    """Before the sender is sure an answer goes to the lane; the place of the record says whose it is."""
    asking = claim(bus)
    message = lane.message(0)
    whole_lane: dict[str, Any] = {"to": [[lane.lane, ""]], "reason": "unknown_sender", "detail": "not registered"}
    assert eventually(lambda: bool(bus._shared.connection.pending.all()[0].offsets))
    lane.answer(message, "refused", "1.0.1.0", src=f"bus.in.{lane.lane}/0/999", **whole_lane)
    settled()
    assert not asking.is_answered
    lane.answer(message, "refused", "1.0.2.0", **whole_lane)
    with pytest.raises(Refused, match="unknown_sender"):
        asking.wait()


def test_noise_on_the_lane_disturbs_nobody(lane: HandmadeLane, bus: Bus) -> None:
    """No JSON, no object, unknown ids, records without the bus's headers: the answer behind them arrives."""
    asking = claim(bus)
    message = lane.message(0)
    for number, value in enumerate((b"\xff not json", b"[1]", b'"text"', b"", b"null", lane.agent.encode()), start=1):
        lane.write(value, f"1.0.{number}.0")
    lane.answer(message, "granted", "1.0.20.0", id="nobody-asked-this", token=1, until=2)
    lane.grant(message, "1.0.21.0")
    assert lease_of(asking).token == 77


def test_sources_do_not_wait_for_each_other(lane: HandmadeLane, bus: Bus) -> None:
    """A gap of one partition of the arbiter delays nothing that another says."""
    one, two = claim(bus, "lead/L-1"), claim(bus, "lead/L-2")
    messages = {lane.message(n).header("ce_subject"): lane.message(n) for n in range(2)}
    lane.write(b"{}", "1.0.1.0")
    lane.grant(messages["lead/L-1"], "1.0.9.0", prev="1.0.5.0")
    lane.grant(messages["lead/L-2"], "1.3.2.0", source="1.3", token=88)
    assert lease_of(two).token == 88
    assert not one.is_answered
    lane.grant(messages["lead/L-1"], "1.0.5.0", prev="1.0.1.0")
    assert lease_of(one).token == 77


def test_a_fact_and_its_admission_are_one_verdict(lane: HandmadeLane, bus: Bus) -> None:
    """Two events of one decision come back together, and the admission is what counts."""
    asking = Asking(lambda: bus.send(TYPE, {"lead_id": "L-1"}))
    message = lane.message(0)
    lane.answer(message, "fact", "1.0.1.0", name="stage", value="new")
    lane.answer(message, "action_admitted", "1.0.1.1", n=1, topic="leads", o=1, type=TYPE, held="")
    verdict = asking.wait()
    assert isinstance(verdict, Verdict)
    assert (verdict.kind, [event.kind for event in verdict.events]) == ("action_admitted", ["fact", "action_admitted"])


def test_a_duplicate_is_no_answer_to_a_claim(lane: HandmadeLane, bus: Bus) -> None:
    """The gate says that it has seen the message: the claim waits on for what was decided."""
    asking = claim(bus)
    message = lane.message(0)
    lane.answer(message, "duplicate", f"{lane.lane}.5", source=lane.lane, of=f"{lane.lane}.{message.offset}")
    settled()
    assert not asking.is_answered
    lane.grant(message, "1.0.1.0")
    assert lease_of(asking).token == 77


def test_a_grant_that_took_too_long_is_renewed_before_it_is_believed(lane: HandmadeLane, bus: Bus) -> None:
    """A lease shorter than the way of its grant is over for the agent: it asks for more, and believes only then."""
    asking = claim(bus)
    message = lane.message(0)
    settled(0.3)
    lane.grant(message, "1.0.1.0", until=NOW_MS + 200)
    renewal = lane.message(1)
    assert renewal.header("ce_type") == "bus.resource.renew.v1"
    assert not asking.is_answered
    lane.answer(renewal, "renewed", "1.0.2.0", token=77, until=NOW_MS + 20_000)
    assert lease_of(asking).is_held


def test_a_grant_to_one_who_has_left_is_given_back(lane: HandmadeLane, bus: Bus) -> None:
    """When the grant comes after the caller's time, a release under its token follows by itself."""
    with pytest.raises(Exception, match="no answer"):
        bus.claim("lead/L-1", timeout_s=0.5)
    lane.grant(lane.message(0), "1.0.1.0", token=99)
    release = lane.message(1)
    assert release.header("ce_type") == "bus.resource.release.v1"
    assert release.json["token"] == 99


def test_a_lost_answer_in_the_middle_is_not_lost_to_a_new_reader(lane: HandmadeLane) -> None:
    """A reader that anchored on a later record still takes the answer it waits for when it is sent again."""
    with Bus(agent=lane.agent, lane=lane.lane, bootstrap=lane.bootstrap, timeout_s=20) as bus:
        asking = claim(bus)
        message = lane.message(0)
        lane.write(b"{}", "1.0.9.0", prev="1.0.5.0")  # the first it hears of this source
        lane.grant(message, "1.0.5.0", prev="1.0.1.0")  # what was lost, sent again in order
        assert lease_of(asking).token == 77


def test_an_own_lease_that_has_run_out_is_claimed_again(lane: HandmadeLane, bus: Bus) -> None:
    """Denied as late means that the bus is about to end this agent's own last lease: the claim is made again."""
    asking = claim(bus)
    lane.answer(lane.message(0), "denied", "1.0.1.0", reason="late", retry_after=None)
    again = lane.message(1)
    assert again.header("ce_type") == "bus.resource.claim.v1"
    lane.grant(again, "1.0.2.0")
    assert lease_of(asking).token == 77


def test_a_message_that_is_stale_twice_is_refused_as_stale(lane: HandmadeLane, bus: Bus) -> None:
    """Once the client mends the time and says the same again under its id; the second time its caller hears it."""
    asking = Asking(lambda: bus.send(TYPE, {"lead_id": "L-1"}))
    first = lane.message(0)
    lane.answer(first, "refused", f"{lane.lane}.0", source=lane.lane, reason="stale", detail="an hour behind")
    second = lane.message(1)
    assert second.header("ce_id") == first.header("ce_id")
    lane.answer(second, "refused", f"{lane.lane}.1", source=lane.lane, reason="stale", detail="an hour behind")
    with pytest.raises(Stale, match="an hour behind"):
        asking.wait()


def test_two_copies_with_the_old_time_are_one_mistake(lane: HandmadeLane, bus: Bus) -> None:
    """Who waits only for the gate sends two copies at once; both are stale, and the corrected ones count."""
    asking = Asking(lambda: bus.send(TYPE, {"lead_id": "L-1"}, until="forwarded"))
    for number in range(2):
        about = lane.message(number)
        lane.answer(about, "refused", f"{lane.lane}.{number}", source=lane.lane, reason="stale", detail="an hour")
    lane.message(2)
    echo = lane.message(3)
    lane.answer(echo, "duplicate", f"{lane.lane}.3", source=lane.lane, of=f"{lane.lane}.2")
    verdict = asking.wait()
    assert isinstance(verdict, Verdict)
    assert verdict.kind == "forwarded"


def test_an_expiry_is_corrected_with_the_time(lane: HandmadeLane, bus: Bus) -> None:
    """It counts from the call by the broker's clock, also if that was not known at first."""
    bus._shared.connection.clock._wall_ahead_ms += 3_600_000
    asking = Asking(lambda: bus.send(TYPE, {"lead_id": "L-1"}, expires_in_s=60))
    lane.answer(lane.message(0), "refused", f"{lane.lane}.0", source=lane.lane, reason="stale", detail="ahead")
    second = lane.message(1)
    times = [datetime.fromisoformat(second.header(name)) for name in ("ce_time", "ce_expirytime")]
    assert 50 < (times[1] - times[0]).total_seconds() <= 60
    lane.answer(second, "action_admitted", "1.0.1.0", topic="leads", o=1, type=TYPE, held="")
    asking.wait()


def test_what_the_gate_lets_pass_may_still_be_refused(lane: HandmadeLane, bus: Bus) -> None:
    """The echo says that the gate knows the message; the verdict that comes later is what its caller hears."""
    asking = Asking(lambda: bus.send(TYPE, {"lead_id": "L-1"}))
    echo = lane.message(1)
    lane.answer(echo, "duplicate", f"{lane.lane}.1", source=lane.lane, of=f"{lane.lane}.0")
    settled()
    assert not asking.is_answered
    lane.answer(lane.message(0), "refused", "1.0.1.0", reason="suspended", detail="all agents")
    with pytest.raises(Refused, match="suspended"):
        asking.wait()


def test_a_grant_without_a_token_harms_nobody(lane: HandmadeLane, bus: Bus) -> None:
    """What no bus writes is left out; the answer behind it arrives."""
    asking = claim(bus)
    lane.grant(lane.message(0), "1.0.1.0", token=None)
    lane.grant(lane.message(0), "1.0.2.0")
    assert lease_of(asking).token == 77
