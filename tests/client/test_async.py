"""The same words awaited: nothing blocks the loop, a cancelled claim is given back, readers wait in threads."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

import pytest

from bus.client import AsyncBus, Closed, Denied, LeaseLost, MemoryStore, Misuse, Unanswered
from bus.client.stores import Begun
from tests.client.conftest import EMAIL, NOTE, Company, email
from tests.client.loop_watch import LoopWatch

CALLBACK_MS_MAX = 50.0  # the number; of the thread's own time, so that a busy machine is not blamed on us
TICK_S = 0.01
WAIT_S = 20.0
TICKS_MIN = 10  # of about a hundred; a loop that is blocked for that time has none


async def _ticks(until: asyncio.Event) -> int:
    """How often the loop comes round while something else waits."""
    found = 0
    while not until.is_set():
        await asyncio.sleep(TICK_S)
        found += 1
    return found


async def _while_ticking(work: Coroutine[Any, Any, object]) -> tuple[object, int]:
    """What came of it (or its error), and how often the loop came round meanwhile."""
    ended = asyncio.Event()
    ticking = asyncio.create_task(_ticks(ended))
    (result,) = await asyncio.gather(work, return_exceptions=True)
    ended.set()
    return result, await ticking


def test_a_lease_is_held_and_acted_on(company: Company) -> None:
    """Claim, act, be denied, release: as with threads."""

    async def live() -> None:
        subject = company.lead()
        async with company.async_bus() as bus, bus.as_agent(company.who("sales-2")["agent"]) as other:
            async with bus.claim(subject) as lead:
                assert (await lead.act(EMAIL, email(subject))).is_admitted
                with pytest.raises(Denied):
                    await other.claim(subject)
            lease = await other.claim(subject)
            await lease.release()
            assert not lease.is_held
            assert bus.clock_skew_ms is not None

    asyncio.run(live())


def test_no_callback_takes_long(company: Company) -> None:
    """Three hundred claims and acts by thirty tasks: no callback keeps the loop's thread for 50 ms."""

    async def live() -> None:
        async with company.async_bus() as bus:

            async def work() -> None:
                for _ in range(10):
                    subject = company.lead()
                    async with bus.claim(subject) as lead:
                        await lead.act(EMAIL, email(subject))

            await asyncio.gather(*(work() for _ in range(30)))

    with LoopWatch() as watch:
        asyncio.run(live())
    assert watch.count > 900
    assert watch.longest_ms < CALLBACK_MS_MAX


def test_the_loop_goes_on_while_the_bus_is_silent(company: Company) -> None:
    """A claim that nobody answers waits without stopping anything else, and says so in the end."""

    async def live() -> tuple[object, int]:
        async with company.async_bus() as bus:
            with company.asleep():
                return await _while_ticking(bus.claim(company.lead(), timeout_s=1)._claim())

    result, ticks = asyncio.run(live())
    assert isinstance(result, Unanswered)
    assert ticks > TICKS_MIN


def test_the_loop_goes_on_while_kafka_hangs(company: Company) -> None:
    """Opening and sending towards a Kafka that stands still block nothing."""

    async def open_and_send() -> None:
        async with company.async_bus() as bus:
            await bus.send(NOTE, {"lead_id": "L-1", "text": "still there?"})

    async def live() -> tuple[object, int]:
        os.kill(company.broker_pid, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(1.5, os.kill, company.broker_pid, signal.SIGCONT)
        return await _while_ticking(open_and_send())

    result, ticks = asyncio.run(live())
    assert result is None
    assert ticks > TICKS_MIN


def test_a_cancelled_claim_is_given_back(company: Company) -> None:
    """Whoever stops waiting for a grant does not keep the resource from others."""
    subject = company.lead()

    async def live() -> None:
        async with company.async_bus() as bus, company.async_bus("sales-2") as other:
            with company.asleep():
                claiming = asyncio.create_task(bus.claim(subject)._claim())
                await asyncio.sleep(0.3)
                claiming.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await claiming
            for _ in range(500):
                try:
                    await other.claim(subject)
                except Denied:
                    await asyncio.sleep(TICK_S)
                else:
                    return
            raise AssertionError("the lease that nobody wanted any more was not given back")

    asyncio.run(live())


def test_a_loss_is_heard_on_the_loop(company: Company) -> None:
    """The callback runs in the loop's own thread, and the next use raises."""

    async def live() -> None:
        heard: asyncio.Queue[LeaseLost] = asyncio.Queue()
        async with company.async_bus() as bus:
            lease = await bus.claim(company.lead(), on_lost=heard.put_nowait)
            await asyncio.to_thread(company.revoke, lease.subject)
            loss = await asyncio.wait_for(heard.get(), 20)
            assert loss.reason == "revoked"
            with pytest.raises(LeaseLost):
                await lease.act(EMAIL, email(lease.subject))
            with pytest.raises(LeaseLost):
                await lease.release()

    asyncio.run(live())


def test_readers_are_awaited(company: Company) -> None:
    """Subscribing and executing with ``async for``; what is left in the middle comes again."""

    async def live() -> None:
        subject = company.lead()
        async with company.async_bus() as bus:
            async with bus.claim(subject) as lead:
                verdict = await lead.act(EMAIL, email(subject))
            async with bus.subscribe(
                "leads", group="bus-read.async-readers", start="earliest", timeout_s=WAIT_S
            ) as reader:
                async for message in reader:
                    if message.decision == verdict.decision:
                        break
                else:
                    raise AssertionError("the admitted action was not read")
            store = MemoryStore()
            async with bus.execute_once(store, "leads", group="bus-read.async-executors", timeout_s=WAIT_S) as actions:
                async for action in actions:
                    if action.decision == verdict.decision:
                        action.done("sent")
                        break
            assert store.unreported(9) == []
            assert store.begin(verdict.decision, subject, verdict.token) is Begun.DONE

    asyncio.run(live())


def test_events_are_awaited(company: Company) -> None:
    """What happens without asking arrives in an ``async for``, and by callback on the loop."""

    async def live() -> None:
        heard: list[str] = []
        async with company.async_bus() as bus:
            await bus.on_event(lambda event: heard.append(event.kind))
            lease = await bus.claim(company.lead())
            await asyncio.to_thread(company.revoke, lease.subject)
            kinds = [event.kind async for event in bus.events(timeout_s=1.5)]
        assert kinds == heard == ["ended"]

    asyncio.run(live())


def test_a_closed_bus_says_so(company: Company) -> None:
    """After the block every call is a clear error, and closing again is nothing."""

    async def live() -> AsyncBus:
        async with company.async_bus() as bus:
            pass
        await bus.close()
        with pytest.raises(Closed):
            await bus.send(NOTE, {})
        return bus

    with pytest.raises(Misuse, match="pickled"):
        asyncio.run(live()).__reduce__()


def test_one_hundred_agents_share_one_reader(company: Company) -> None:
    """A hundred agents of a lane on one connection, each with its own answers."""

    async def live() -> None:
        async with company.async_bus() as first:
            agents = [first.as_agent(company.who(f"sales-{1 + n % 3}")["agent"]) for n in range(100)]

            async def work(bus: AsyncBus) -> str:
                return (await bus.send(NOTE, {"lead_id": "L-1", "text": bus.agent})).events[0].agent

            assert await asyncio.gather(*map(work, agents)) == [bus.agent for bus in agents]
            for bus in agents:
                await bus.close()
            assert first.blocking.is_open

    asyncio.run(live())
