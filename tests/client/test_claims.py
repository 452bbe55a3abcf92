"""Claiming, acting, renewing, losing and giving back, on a real bus."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from bus.client import Bus, Closed, Denied, Fenced, Invalid, Lease, LeaseLost, Unanswered
from tests.client.conftest import EMAIL, LEASE_MS, Company, email, eventually


def test_a_lease_is_held_acted_on_and_given_back(company: Company, sales: Bus) -> None:
    """Inside the block the agent holds it and acts, after it anybody may."""
    subject = company.lead()
    with sales.claim(subject, reasoning="it asked for us") as lead:
        was_held = lead.is_held
        admitted = lead.act(EMAIL, email(subject))
    assert admitted.is_admitted
    assert (admitted.topic, admitted.token, admitted.subject) == ("leads", lead.token, subject)
    assert (was_held, lead.is_held) == (True, False)
    with sales.as_agent(company.who("sales-2")["agent"]) as other, other.claim(subject) as theirs:
        assert theirs.token > lead.token


def test_who_comes_second_is_denied_and_hears_until_when(company: Company, sales: Bus) -> None:
    """`Denied` says who has it and when another try may help, as a duration."""
    subject = company.lead()
    other = sales.as_agent(company.who("sales-2")["agent"])
    with other, sales.claim(subject), pytest.raises(Denied, match="denied as held") as caught:
        other.claim(subject)
    assert caught.value.retry_after_ms is not None
    assert 0 < caught.value.retry_after_ms <= LEASE_MS
    assert caught.value.decision


def test_an_act_that_breaks_the_contract_hears_all_that_is_wrong(company: Company, sales: Bus) -> None:
    """Every violation of the body comes in one exception, and the lease stays."""
    subject = company.lead()
    with sales.claim(subject) as lead:
        with pytest.raises(Invalid) as caught:
            lead.act(EMAIL, {"lead_id": subject.partition("/")[2]})
        assert {violation.path for violation in caught.value.violations} == {"/to", "/subject", "/text"}
        assert lead.act(EMAIL, email(subject)).is_admitted


def test_a_lease_goes_on_as_long_as_its_block(company: Company, sales: Bus) -> None:
    """Three short leases later it is still held, under the same token."""
    subject = company.lead()
    with sales.claim(subject, lease_ms=600) as lead:
        token, first_ms = lead.token, lead.until_ms
        time.sleep(1.8)
        assert lead.is_held
        assert lead.token == token
        assert lead.until_ms > first_ms + 600
        assert lead.act(EMAIL, email(subject)).token == token


def test_a_revoked_lease_is_lost_at_once_and_loudly(company: Company, sales: Bus) -> None:
    """The callback is called, the next act raises, and so does the end of the block."""
    subject, heard = company.lead(), threading.Event()
    lead = sales.claim(subject, on_lost=lambda _: heard.set())
    with pytest.raises(LeaseLost, match="an operator ended it") as caught, lead:
        _lose(company, lead)
    assert not lead.is_held
    assert caught.value.reason == "revoked"
    assert heard.wait(20)
    with pytest.raises(LeaseLost):
        lead.act(EMAIL, email(subject))


def test_a_loss_hides_no_other_error(company: Company, sales: Bus) -> None:
    """What went wrong in the block is what comes out of it, also when the lease was lost meanwhile."""
    with pytest.raises(ZeroDivisionError), sales.claim(company.lead()) as lead:
        assert 1 // _lose(company, lead)


def test_a_token_that_is_over_is_fenced(company: Company, sales: Bus) -> None:
    """An act under an old token is refused by the bus, whoever sends it."""
    subject = company.lead()
    with sales.claim(subject) as lead:
        pass
    with pytest.raises(Fenced) as caught:
        sales.send(EMAIL, email(subject), subject=subject, token=lead.token)
    assert caught.value.current == 0


def test_a_lease_can_be_handed_over(company: Company, sales: Bus) -> None:
    """Released to one agent it is denied to others for a while and granted to that one."""
    subject, second, third = company.lead(), company.who("sales-2")["agent"], company.who("sales-3")["agent"]
    with sales.as_agent(second) as chosen, sales.as_agent(third) as other:
        sales.claim(subject).release(to=second, reason="they know the customer")
        with pytest.raises(Denied, match="cooling"):
            other.claim(subject)
        chosen.claim(subject).release()


def test_claiming_twice_is_one_holding_until_the_last_release(company: Company, sales: Bus) -> None:
    """Two parts of one agent may hold the same; it is given back when the second is through."""
    subject = company.lead()
    outer = sales.claim(subject)
    with sales.claim(subject) as inner:
        assert inner.token == outer.token
    is_held_by_one = outer.is_held
    outer.release()
    assert (is_held_by_one, outer.is_held) == (True, False)
    outer.release()  # once more is nothing


def test_after_a_restart_the_agent_finds_its_holding_again(company: Company, sales: Bus) -> None:
    """A second process of the same agent gets the same token; what it releases the first one loses."""
    subject = company.lead()
    lead = sales.claim(subject)
    with company.bus() as again:
        again.claim(subject).release()
        again_token = lead.token
    assert lead.wait_lost(20)
    assert lead.loss is not None
    assert (lead.loss.reason, lead.loss.token) == ("released", again_token)


def test_a_silent_bus_ends_the_belief_before_the_lease(company: Company, sales: Bus) -> None:
    """When no renewal is answered the lease is lost, before the bus could give it to somebody else."""
    subject = company.lead()
    lead = sales.claim(subject, lease_ms=1_000)
    with company.asleep():
        assert lead.wait_lost(20)
        assert sales._shared.connection.clock.now_ms() <= lead.until_ms
        with pytest.raises(LeaseLost, match="no renewal was answered"):
            lead.check()
    assert eventually(lambda: _is_free(company, subject))


def test_a_claim_that_nobody_answers_says_what_becomes_of_it(company: Company, sales: Bus) -> None:
    """`Unanswered` names the message's place in the log; the grant that comes later is given back by itself."""
    subject = company.lead()
    with company.asleep(), pytest.raises(Unanswered, match=r"stands in the log at bus\.in\.sales/0/") as caught:
        sales.claim(subject, timeout_s=0.5)
    assert caught.value.src
    assert eventually(lambda: _is_free(company, subject))


def test_closing_gives_back_what_is_held(company: Company) -> None:
    """Whoever closes a bus with leases open gives them back, and the leases say so."""
    subject = company.lead()
    bus = company.bus().open()
    lead = bus.claim(subject)
    bus.close()
    assert not lead.is_held
    assert lead.loss is not None
    assert lead.loss.reason == "closed"
    assert "is given up (its bus was closed)" in lead.loss.message
    with pytest.raises(Closed):
        bus.claim(subject)
    assert eventually(lambda: _is_free(company, subject))


def test_a_close_ends_every_wait(company: Company) -> None:
    """A thread that waits for an answer hears `Closed` when another one closes the bus."""
    bus = company.bus().open()
    raised: list[BaseException] = []

    def claim() -> None:
        try:
            bus.claim(company.lead(), timeout_s=60)
        except Closed as error:
            raised.append(error)

    with company.asleep():
        waiting = threading.Thread(target=claim)
        waiting.start()
        assert eventually(lambda: len(bus._shared.connection.pending) == 1)
        bus.close()
        waiting.join(20)
    assert len(raised) == 1


def test_many_threads_share_one_bus(company: Company, sales: Bus) -> None:
    """Forty leases claimed and released from eight threads at once: each gets its own answer."""
    subjects = [company.lead() for _ in range(40)]
    tokens: dict[str, tuple[int, int | None]] = {}

    def work(mine: list[str]) -> None:
        for subject in mine:
            with sales.claim(subject) as lead:
                tokens[lead.subject] = (lead.token, lead.act(EMAIL, email(subject)).token)

    threads = [threading.Thread(target=work, args=(subjects[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tokens) == sorted(subjects)
    assert all(granted == admitted for granted, admitted in tokens.values())


def _lose(company: Company, lead: Lease) -> int:
    """Have an operator end it, and wait until the agent knows."""
    company.revoke(lead.subject)
    assert lead.wait_lost(20)
    return 0


def _is_free(company: Company, subject: str) -> bool:
    with company.bus("sales-3") as other:
        try:
            other.claim(subject).release()
        except Denied:
            return False
        return True


LIVES = """
import sys, time
from bus.client import Bus
bus = Bus(agent=sys.argv[1], lane="sales", bootstrap=sys.argv[2])
lead = bus.claim(sys.argv[3], on_lost=lambda loss: print(loss.reason, flush=True))
print("held", flush=True)
time.sleep(float(sys.argv[4]))
"""


@pytest.mark.parametrize(("sleep_s", "signals", "code"), [(0, False, 0), (60, True, -signal.SIGINT)])
def test_an_interpreter_that_ends_gives_back_what_it_holds(
    company: Company, *, sleep_s: int, signals: bool, code: int
) -> None:
    """Nobody closed the bus: the end of the program, or Ctrl-C, ends cleanly and without waiting for the lease."""
    subject = company.lead()
    arguments = [company.who("sales-1")["agent"], company.world.bootstrap, subject, str(sleep_s)]
    living = subprocess.Popen([sys.executable, "-c", LIVES, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert living.stdout is not None
    assert living.stdout.readline() == b"held\n"
    if signals:
        living.send_signal(signal.SIGINT)
    said, complaints = living.communicate(timeout=60)
    assert (living.returncode, said) == (code, b"closed\n")
    assert (b"KeyboardInterrupt" in complaints) == signals
    assert signals or not complaints  # a program that ends well says nothing
    ended = company.world.topic("bus.outcomes").find(
        lambda one: one.json["kind"] == "ended" and one.json["subject"] == subject, "it is given back"
    )
    assert ended.json["reason"] == "released"
