"""What agents compete for, ask and want to do is decided on a real bus, and each of them hears it where it waits."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from bus.client import (
    AsyncBus,
    AsyncLease,
    Bus,
    Denied,
    Duty,
    Event,
    Held,
    LeaseLost,
    Refused,
    Undecided,
    Verdict,
    Withdrawn,
)
from tests.client.conftest import Company, eventually
from tests.client.court import CLOSE, SHORT_LEASE_MS, Court, convene
from tests.client.handmade import Asking, lease_of

TIMEOUT_S = 60.0
JUDGES = ("judge-1", "judge-2", "judge-3")


@pytest.fixture(scope="module")
def court(company: Company) -> Court:
    """Everybody is there."""
    return convene(company)


@pytest.fixture
def gold(court: Court) -> Iterator[Bus]:
    """The bus of gold-1."""
    with court.bus("gold-1", timeout_s=TIMEOUT_S) as bus:
        yield bus


@pytest.fixture
def silver(gold: Bus, court: Court) -> Iterator[Bus]:
    """The bus of silver-1, on the same connection."""
    with gold.as_agent(court.who("silver-1")["agent"]) as bus:
        yield bus


class Bench:
    """The three judges, each on its seat."""

    def __init__(self, court: Court) -> None:
        self.buses = [court.bus(name, timeout_s=TIMEOUT_S).open() for name in JUDGES]

    def duties(self) -> list[Duty[Verdict]]:
        """What each of them is asked for next."""
        return [next(bus.duties(timeout_s=TIMEOUT_S)) for bus in self.buses]


@pytest.fixture
def bench(court: Court) -> Iterator[Bench]:
    """They are listening."""
    made = Bench(court)
    yield made
    for bus in made.buses:
        bus.close()


def test_of_two_claims_the_priority_wins_and_the_loser_hears_why(court: Court, gold: Bus, silver: Bus) -> None:
    """Both wait for the window; one gets a lease, the other hears which contest it lost, by what and to whom."""
    subject, told = court.subject("slot"), list[Event]()
    second = Asking(lambda: silver.claim(subject, on_progress=told.append))
    court.candidate("silver-1", subject)
    with gold.claim(subject, reasoning="the customer knows us") as lease:
        with pytest.raises(Denied, match="lost") as caught:
            second.wait()
        assert lease.is_held
    assert (caught.value.by, caught.value.winner) == ("priority", court.candidate("gold-1", subject))
    assert caught.value.contest == court.told("contest_opened", subject)["decision"]
    assert eventually(lambda: [event.kind for event in told] == ["contest_opened", "joined", "settled"])


def test_three_judges_vote_on_claims(court: Court, gold: Bus, silver: Bus, bench: Bench) -> None:
    """Each judge is asked once, hears only that its ballot was received, and the majority gets it."""
    subject = court.subject("pitch")
    first = Asking(lambda: gold.claim(subject, reasoning="the customer knows us"))
    second = Asking(lambda: silver.claim(subject))
    duties = bench.duties()
    assert {one.reasoning for one in duties[0].rivals} == {"the customer knows us", ""}
    wanted = court.candidate("silver-1", subject)
    for duty, choice in zip(duties, (wanted, court.candidate("gold-1", subject), wanted), strict=True):
        assert (duty.kind, duty.subject) == ("vote", subject)
        received = duty.vote(choice, "best_fit", confidence_bp=9_000, reasoning="they were first there")
        assert received.kind == "voted"
        assert {"choice", "reason", "confidence"}.isdisjoint(received.events[-1].fields)
    with lease_of(second) as lease:
        assert lease.is_held
    with pytest.raises(Denied, match="lost") as caught:
        first.wait()
    assert caught.value.by == "vote"


def test_two_parties_negotiate(court: Court, gold: Bus, silver: Bus) -> None:
    """Each hears its turn, the first offers it to the other, which accepts."""
    subject = court.subject("trade")
    first = Asking(lambda: gold.claim(subject))
    court.candidate("gold-1", subject)
    second = Asking(lambda: silver.claim(subject))
    opening = next(gold.duties(timeout_s=TIMEOUT_S))
    assert (opening.kind, opening.turn, opening.standing) == ("turn", 1, "")
    assert opening.own == court.candidate("gold-1", subject)
    offered = opening.offer(court.candidate("silver-1", subject))
    assert "outcome" not in offered.events[-1].fields
    answer = next(silver.duties(timeout_s=TIMEOUT_S))
    assert (answer.turn, answer.standing) == (2, answer.own)
    answer.accept()
    with lease_of(second) as lease:
        assert lease.is_held
    with pytest.raises(Denied, match="lost") as caught:
        first.wait()
    assert caught.value.by == "negotiate"


def test_a_review_lets_an_action_go(court: Court, bench: Bench) -> None:
    """The act is held and nothing is admitted; the judges see what it says; when they approve it is admitted."""
    subject = court.subject("deal")
    with court.bus("seller-1", timeout_s=TIMEOUT_S) as seller, seller.claim(subject) as deal:
        held = deal.act(CLOSE, _deal(subject))
        assert isinstance(held, Held)
        assert (held.is_admitted, held.is_held) == (False, True)
        assert held.contest == court.told("contest_opened", subject)["decision"]
        for duty in bench.duties():
            assert (duty.kind, duty.candidates) == ("review", ("approve", "reject"))
            assert duty.record is not None
            assert duty.record.body == _deal(subject)
            duty.vote("approve", "margin_is_fine")
        admitted = seller.decision_on(held)
        assert (admitted.kind, admitted.topic, admitted.token) == ("action_admitted", "deals", deal.token)


def test_a_rejected_action_is_refused_where_it_is_waited_for(court: Court, bench: Bench) -> None:
    """With until="decided" the act itself waits, and raises what the judges say."""
    subject = court.subject("deal")
    with court.bus("seller-1", timeout_s=TIMEOUT_S) as seller, seller.claim(subject) as deal:
        acting = Asking(lambda: deal.act(CLOSE, _deal(subject), until="decided"))
        for duty in bench.duties():
            duty.vote("reject", "margin_is_thin")
        with pytest.raises(Refused, match="ruled_out"):
            acting.wait()
        assert deal.is_held


def test_a_question_is_answered_by_the_seats(court: Court, gold: Bus, bench: Bench) -> None:
    """Who asks gets the option that most of those chose who did not abstain."""
    subject = court.subject("pitch")
    asking = Asking(lambda: gold.ask(subject, "What is it?", ["invoice", "letter"]))
    first, second, third = bench.duties()
    assert (first.kind, first.candidates) == ("question", ("invoice", "letter"))
    first.vote("invoice", "has_a_total")
    second.vote("invoice", "has_a_number")
    third.abstain()
    outcome = asking.wait()
    assert (getattr(outcome, "winner", None), getattr(outcome, "by", None)) == ("invoice", "vote")


def test_what_was_asked_before_an_agent_listened_is_not_forgotten(court: Court, gold: Bus) -> None:
    """A judge that starts late finds what is still open, and what it has answered no more when it starts again."""
    subject = court.subject("pitch")
    asking = Asking(lambda: gold.ask(subject, "What is it?", ["invoice", "letter"]))
    court.told("contest_opened", subject)
    for name in JUDGES:
        with court.bus(name, timeout_s=TIMEOUT_S) as late:
            duty = next(duty for duty in late.duties(timeout_s=TIMEOUT_S) if duty.subject == subject)
            duty.vote("invoice", "has_a_total")
        with court.bus(name, timeout_s=TIMEOUT_S) as again:
            assert subject not in [duty.subject for duty in again.duties(timeout_s=1.0)]
    assert getattr(asking.wait(), "winner", None) == "invoice"


def test_a_frozen_holder_keeps_what_it_holds_until_a_person_decides(court: Court, gold: Bus, silver: Bus) -> None:
    """Longer than its lease the holder is not told that it is lost; what the person leaves it with goes on."""
    subject = court.subject("booth")
    with gold.claim(subject) as lease:
        challenge = Asking(lambda: silver.claim(subject))
        court.told("frozen", subject)
        assert eventually(lambda: lease.is_frozen)
        time.sleep(1.2 * SHORT_LEASE_MS / 1_000)
        assert lease.is_frozen
        court.rule(subject, "award", candidate=court.candidate("gold-1", subject))
        with pytest.raises(Denied, match="lost: cara ruled so: “a test”") as caught:
            challenge.wait()
        assert caught.value.by == "ruling"
        assert (caught.value.ruled_by.rpartition("/")[2], caught.value.ruling_reason) == ("cara", "a test")
        assert eventually(lambda: not lease.is_frozen)
        time.sleep(1.2 * SHORT_LEASE_MS / 1_000)
        assert lease.is_held


def test_a_person_takes_it_from_its_holder(court: Court, gold: Bus, silver: Bus) -> None:
    """The ruling ends the holder's lease loudly and gives the challenger one."""
    subject = court.subject("booth")
    lease = gold.claim(subject)
    challenge = Asking(lambda: silver.claim(subject))
    court.rule(subject, "award", candidate=court.candidate("silver-1", subject))
    with lease_of(challenge) as theirs:
        assert theirs.is_held
    assert lease.wait_lost(TIMEOUT_S)
    with pytest.raises(LeaseLost, match="a person gave it to another agent: cara ruled so: “a test”") as caught:
        lease.check()
    assert caught.value.reason == "ruled"


def test_a_holder_that_is_started_anew_has_its_frozen_lease_back(court: Court, gold: Bus, silver: Bus) -> None:
    """A process that claims again what it holds, frozen past its lease, is told so, and goes on when it is thawed."""
    subject = court.subject("booth")
    lease = gold.claim(subject)
    challenge = Asking(lambda: silver.claim(subject))
    court.told("frozen", subject)
    time.sleep(1.2 * SHORT_LEASE_MS / 1_000)
    with court.bus("gold-1", timeout_s=TIMEOUT_S) as anew:
        again = anew.claim(subject)
        assert (again.token, again.is_frozen) == (lease.token, True)
        court.rule(subject, "reject_all")
        assert eventually(lambda: not again.is_frozen)
        assert again.is_held
    with pytest.raises(Denied, match="ruled_out"):
        challenge.wait()


def test_who_is_preempted_hears_it_at_once(court: Court, gold: Bus, silver: Bus) -> None:
    """An agent of higher priority takes it over; the holder's lease is lost as superseded."""
    subject = court.subject("crown")
    lease = silver.claim(subject)
    with gold.claim(subject):
        assert lease.wait_lost(TIMEOUT_S)
    with pytest.raises(LeaseLost, match="another agent took it over") as caught:
        lease.check()
    assert caught.value.reason == "superseded"


def test_a_claim_that_takes_too_long_says_where_it_stands(court: Court, gold: Bus, silver: Bus) -> None:
    """`Undecided` names the case; claimed again it waits for the same claim; withdrawn it is out of the case."""
    subject = court.subject("booth")
    with silver.claim(subject):
        with pytest.raises(Undecided, match="waits for a person") as caught:
            gold.claim(subject, timeout_s=6)
        frozen = court.told("frozen", subject)
        stands = caught.value.contest
        assert (stands.case, stands.rung, stands.candidate) == (
            frozen["case"],
            "human",
            court.candidate("gold-1", subject),
        )
        again = Asking(lambda: gold.claim(subject))
        assert eventually(lambda: not gold._voice.connection.pending.undecided(gold.agent, subject))
        gold.withdraw(subject)
        with pytest.raises(Withdrawn):
            again.wait()
    joined = [one for one in _public(court, subject) if one["kind"] == "joined" and one["agent"] == gold.agent]
    assert len(joined) == 1


def test_a_cancelled_claim_leaves_its_contest(court: Court) -> None:
    """A task that stops waiting takes its claim back, so that nobody loses against somebody who is gone."""
    subject = court.subject("trade")

    async def claim_and_leave() -> None:
        joined = asyncio.Event()
        async with court.async_bus("gold-1", timeout_s=TIMEOUT_S) as bus:
            claiming = asyncio.ensure_future(_claim(bus, subject, lambda _: joined.set()))
            await joined.wait()
            claiming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await claiming
            await asyncio.to_thread(court.told, "withdrawn", subject)

    asyncio.run(claim_and_leave())
    assert court.told("settled", subject)["winner"] == "none"


def test_asyncio_judges_and_parties_use_the_same_words(court: Court) -> None:
    """Duties come with ``async for``, and what is said to them is awaited."""
    subject = court.subject("trade")

    async def live() -> tuple[str, list[str]]:
        two = court.async_bus("silver-1", timeout_s=TIMEOUT_S)
        async with court.async_bus("gold-1", timeout_s=TIMEOUT_S) as one, two:
            claims = asyncio.gather(*(_claim(bus, subject) for bus in (one, two)), return_exceptions=True)
            said = await _quit_the_first_turn(one, two)
            await asyncio.to_thread(court.rule, subject, "reject_all")
            return said, [getattr(end, "reason", "granted") for end in await claims]

    assert asyncio.run(live()) == ("offered", ["ruled_out", "ruled_out"])


def test_a_holder_waits_for_another_and_goes_on(court: Court, gold: Bus) -> None:
    """The wait is told with its end, and ends when the holder says so."""
    subject, whom = court.subject("booth"), court.who("other-1")["agent"]
    with gold.claim(subject) as lease:
        waiting = lease.wait_for("other-1", within_s=60, reason="they have the keys")
        assert (waiting.kind, waiting.events[-1].text("for")) == ("waiting", whom)
        lease.resume()
        lease.resume()
        assert lease.is_held
    ended = [one for one in _public(court, subject) if one["kind"] == "wait_ended"]
    assert [one["reason"] for one in ended] == ["resumed"]


def _deal(subject: str) -> dict[str, object]:
    more = {"customer": "Blue Yonder Air", "currency": "EUR", "standard_terms": True}
    return {"deal_id": subject.partition("/")[2], "amount_cents": 900_00, "discount_bp": 500, **more}


async def _claim(bus: AsyncBus, subject: str, on_progress: Callable[[Event], object] | None = None) -> AsyncLease:
    return await bus.claim(subject, on_progress=on_progress)


async def _quit_the_first_turn(*buses: AsyncBus) -> str:
    """Only one of them is asked; the other stops waiting."""
    waiting = [asyncio.ensure_future(anext(bus.duties())) for bus in buses]
    done, left = await asyncio.wait(waiting, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    for one in left:
        one.cancel()
    return (await done.pop().result().quit()).kind


def _public(court: Court, subject: str) -> list[dict[str, object]]:
    topic = court.company.world.topic("bus.outcomes")
    return [one.json for one in topic.all(lambda one: one.json.get("subject") == subject)]
