"""One process of the fault run: the agents of one lane claim, act and release, and write down what they saw.

It takes its plan as JSON and prints one JSON object: what each claim and act was told, and when each agent believed
that it held what. Half of the processes speak with `Bus` and threads, half with `AsyncBus`; five agents of each have a
connection of their own, twenty share one.
"""

import asyncio
import contextlib
import json
import logging
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from bus.client import AsyncBus, AsyncLease, Bus, ClientError, Denied, Lease, LeaseLost, Refusal, Unanswered
from bus.client.clock import elapsed_s
from bus.client.voice import Extras
from tests.client.loop_watch import LoopWatch

EMAIL = "leads.email.send.v1"
ANSWER_S = 90.0  # no fault of the run lasts as long
# Some agents have no patience: their claim is given up, or cancelled, and made again at once.
HASTY_SHARE = 0.15
HASTY_S = 0.05
TWIN_SHARE = 0.1  # of the leases are claimed by a second task of the same agent as well, which releases its own use
REVOKED_SHARE = 0.03  # of the leases are ended by an operator while they are held
ACT_SHARE = 0.4
LONG_SHARE = 0.06  # of the leases are held so long that they must be renewed
LONG_S = 2.5
SHORT_LEASE_MS = 1_500
LOOK_S = 0.004  # how finely a holder looks whether it still believes
ALONE = 5  # of the agents have a connection of their own


@dataclass(slots=True)
class Plan:
    """What a process is to do."""

    bootstrap: str
    lane: str
    agents: list[str]
    claims: int
    subjects: int
    seconds: float
    seed: int
    is_async: bool
    operator: str


@dataclass(slots=True)
class Seen:
    """What the agents of this process were told; times are readings of `elapsed_s`."""

    claims: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    acts: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    beliefs: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    unasked: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    losses: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    given_up: int = 0  # claims
    twins: int = 0
    revocations: int = 0
    longest_callback_ms: float = 0.0

    def claimed(
        self, agent: str, subject: str, told: str, *, token: int = 0, decision: str = "", why: str = ""
    ) -> None:
        """The outcome of one claim."""
        said = {"agent": agent, "subject": subject, "told": told, "token": token, "decision": decision, "why": why}
        self.claims.append(said)

    def acted(self, told: str, decision: str = "", token: int = 0, why: str = "") -> None:
        """The outcome of one act."""
        self.acts.append({"told": told, "decision": decision, "token": token, "why": why})

    def believed(self, agent: str, lease: Lease | AsyncLease, begin_s: float, end_s: float) -> None:
        """Between two moments at which it said ``is_held``; and why it did not go on, if it was lost."""
        if lease.loss is not None:
            lost = {"agent": agent, "subject": lease.subject, "token": lease.token, "reason": lease.loss.reason}
            self.losses.append(lost)
        believed = {"agent": agent, "subject": lease.subject, "token": lease.token, "begin_s": begin_s, "end_s": end_s}
        self.beliefs.append(believed)


@dataclass(slots=True)
class Life:
    """What one agent is going to do next."""

    chance: random.Random
    subjects: int
    pause_s: float

    def subject(self) -> str:
        """A lead that others want, too."""
        return f"lead/F-{self.chance.randrange(self.subjects)}"

    def lease_ms(self) -> int | None:
        """Some leases are so short that a fault outlasts them."""
        return SHORT_LEASE_MS if self.chance.random() < 0.5 else None

    def hold_s(self) -> float:
        """How long it is busy with it."""
        return LONG_S if self.chance.random() < LONG_SHARE else self.chance.random() * 0.05

    def hasty_s(self) -> float | None:
        """How long it waits for a claim that it will make again, None for as long as it takes."""
        return self.chance.random() * HASTY_S if self.chance.random() < HASTY_SHARE else None

    def has_twin(self) -> bool:
        """Does another task of it claim the same?"""
        return self.chance.random() < TWIN_SHARE

    def is_revoked(self) -> bool:
        """Does an operator end this lease?"""
        return self.chance.random() < REVOKED_SHARE

    def acts(self) -> bool:
        """Does it do something?"""
        return self.chance.random() < ACT_SHARE

    def break_s(self) -> float:
        """How long it does something else."""
        return self.chance.random() * 2 * self.pause_s


def main() -> None:
    """Live through the plan, then tell."""
    logging.disable(logging.CRITICAL)  # losses are what this run is about
    plan, seen = Plan(**json.loads(sys.argv[1])), Seen()
    if plan.is_async:
        asyncio.run(_tasks(plan, seen))
    else:
        _threads(plan, seen)
    told = {name: getattr(seen, name) for name in Seen.__slots__}
    sys.stdout.write(json.dumps(told) + "\n")


def _life(plan: Plan, number: int) -> Life:
    return Life(random.Random(plan.seed * 1_000 + number), plan.subjects, plan.seconds / plan.claims)


def _email(subject: str) -> dict[str, str]:
    return {"lead_id": subject.partition("/")[2], "to": "ada@example.com", "subject": "Hello", "text": "Hello"}


def _threads(plan: Plan, seen: Seen) -> None:
    arguments: dict[str, Any] = {"lane": plan.lane, "bootstrap": plan.bootstrap, "timeout_s": ANSWER_S}
    with contextlib.ExitStack() as stack:
        operator = stack.enter_context(_operator(plan))
        first = stack.enter_context(Bus(agent=plan.agents[0], **arguments))
        buses = [first]
        for number, agent in enumerate(plan.agents[1:], start=1):
            bus = Bus(agent=agent, **arguments) if number < ALONE else first.as_agent(agent)
            buses.append(stack.enter_context(bus))
        for bus in buses:
            bus.on_event(lambda event: seen.unasked.append({"id": event.id, "kind": event.kind}))
        threads = [
            threading.Thread(target=_live, args=(bus, _life(plan, number), plan.claims, seen, operator))
            for number, bus in enumerate(buses)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _live(bus: Bus, life: Life, claims: int, seen: Seen, operator: Bus) -> None:
    for _ in range(claims):
        subject = life.subject()
        try:
            lease = _claim(bus, subject, life, seen)
        except Denied as no:
            seen.claimed(bus.agent, subject, "denied", decision=no.decision, why=no.reason)
        except LeaseLost as lost:  # granted, and ended before it could be handed over
            seen.claimed(bus.agent, subject, "granted", token=lost.token)
        except ClientError as error:
            seen.claimed(bus.agent, subject, type(error).__name__, why=str(error))
        else:
            seen.claimed(bus.agent, subject, "granted", token=lease.token)
            with contextlib.suppress(LeaseLost):
                _hold_with_others(bus, lease, life, seen, operator)
        time.sleep(life.break_s())


def _claim(bus: Bus, subject: str, life: Life, seen: Seen) -> Lease:
    if (hasty_s := life.hasty_s()) is not None:
        try:
            return bus.claim(subject, lease_ms=life.lease_ms(), timeout_s=hasty_s)
        except Unanswered:
            seen.given_up += 1
    return bus.claim(subject, lease_ms=life.lease_ms())


def _hold_with_others(bus: Bus, lease: Lease, life: Life, seen: Seen, operator: Bus) -> None:
    twin = threading.Thread(target=_twin, args=(bus, lease.subject, seen)) if life.has_twin() else None
    if twin is not None:
        twin.start()
    if life.is_revoked():
        _revoke(operator, lease.subject, seen)
    try:
        _hold(bus, lease, life, seen)
    finally:
        if twin is not None:
            twin.join()


def _twin(bus: Bus, subject: str, seen: Seen) -> None:
    """A second task of the same agent, which holds the same for a moment."""
    seen.twins += 1
    with contextlib.suppress(ClientError):
        lease = bus.claim(subject)
        begin_s = end_s = elapsed_s()
        time.sleep(LOOK_S)
        seen.believed(bus.agent, lease, begin_s, _believing(lease) or end_s)
        lease.release()


def _operator(plan: Plan) -> Bus:
    return Bus(agent=plan.operator, lane="operators", bootstrap=plan.bootstrap, timeout_s=ANSWER_S)


def _revoke(operator: Bus, subject: str, seen: Seen) -> None:
    """An operator ends whatever holding there is; nobody waits for that."""
    seen.revocations += 1
    voice = operator._voice
    draft = voice.draft("bus.resource.revoke.v1", {"reason": "the fault run"}, subject, None, Extras())
    voice.connection.submit(draft, ANSWER_S, is_waited_for=False)


def _hold(bus: Bus, lease: Lease, life: Life, seen: Seen) -> None:
    begin_s = end_s = elapsed_s()
    until_s = begin_s + life.hold_s()
    if life.acts():
        try:
            verdict = lease.act(EMAIL, _email(lease.subject))
            seen.acted(verdict.kind, verdict.decision, lease.token)
        except ClientError as error:
            seen.acted(type(error).__name__, token=lease.token, why=_why(error))
    while elapsed_s() < until_s and (now_s := _believing(lease)):
        end_s = now_s
        time.sleep(LOOK_S)
    end_s = _believing(lease) or end_s
    seen.believed(bus.agent, lease, begin_s, end_s)
    try:
        lease.release()
    except LeaseLost:
        raise
    except ClientError as error:
        seen.acted(f"release {type(error).__name__}", token=lease.token, why=str(error))


async def _tasks(plan: Plan, seen: Seen) -> None:
    arguments: dict[str, Any] = {"lane": plan.lane, "bootstrap": plan.bootstrap, "timeout_s": ANSWER_S}
    with LoopWatch() as watch:
        async with contextlib.AsyncExitStack() as stack:
            operator = stack.enter_context(await asyncio.to_thread(_operator(plan).open))
            first = await stack.enter_async_context(AsyncBus(agent=plan.agents[0], **arguments))
            buses = [first]
            for number, agent in enumerate(plan.agents[1:], start=1):
                bus = AsyncBus(agent=agent, **arguments) if number < ALONE else first.as_agent(agent)
                buses.append(await stack.enter_async_context(bus))
            for bus in buses:
                await bus.on_event(lambda event: seen.unasked.append({"id": event.id, "kind": event.kind}))
            lives = [_life(plan, number) for number in range(len(buses))]
            pairs = zip(buses, lives, strict=True)
            await asyncio.gather(*(_live_async(bus, life, plan.claims, seen, operator) for bus, life in pairs))
    seen.longest_callback_ms = watch.longest_ms


async def _live_async(bus: AsyncBus, life: Life, claims: int, seen: Seen, operator: Bus) -> None:
    for _ in range(claims):
        subject = life.subject()
        try:
            lease = await _claim_async(bus, subject, life, seen)
        except Denied as no:
            seen.claimed(bus.agent, subject, "denied", decision=no.decision, why=no.reason)
        except LeaseLost as lost:  # granted, and ended before it could be handed over
            seen.claimed(bus.agent, subject, "granted", token=lost.token)
        except ClientError as error:
            seen.claimed(bus.agent, subject, type(error).__name__, why=str(error))
        else:
            seen.claimed(bus.agent, subject, "granted", token=lease.token)
            with contextlib.suppress(LeaseLost):
                await _hold_with_others_async(bus, lease, life, seen, operator)
        await asyncio.sleep(life.break_s())


async def _claim_async(bus: AsyncBus, subject: str, life: Life, seen: Seen) -> AsyncLease:
    if (hasty_s := life.hasty_s()) is not None:
        try:
            async with asyncio.timeout(hasty_s):  # which cancels it
                return await bus.claim(subject, lease_ms=life.lease_ms())
        except TimeoutError:
            seen.given_up += 1
    return await bus.claim(subject, lease_ms=life.lease_ms())


async def _hold_with_others_async(bus: AsyncBus, lease: AsyncLease, life: Life, seen: Seen, operator: Bus) -> None:
    twin = asyncio.create_task(_twin_async(bus, lease.subject, seen)) if life.has_twin() else None
    if life.is_revoked():
        _revoke(operator, lease.subject, seen)
    try:
        await _hold_async(bus, lease, life, seen)
    finally:
        if twin is not None:
            await twin


async def _twin_async(bus: AsyncBus, subject: str, seen: Seen) -> None:
    seen.twins += 1
    with contextlib.suppress(ClientError):
        lease = await bus.claim(subject)
        begin_s = end_s = elapsed_s()
        await asyncio.sleep(LOOK_S)
        seen.believed(bus.agent, lease, begin_s, _believing(lease) or end_s)
        await lease.release()


async def _hold_async(bus: AsyncBus, lease: AsyncLease, life: Life, seen: Seen) -> None:
    begin_s = end_s = elapsed_s()
    until_s = begin_s + life.hold_s()
    if life.acts():
        try:
            verdict = await lease.act(EMAIL, _email(lease.subject))
            seen.acted(verdict.kind, verdict.decision, lease.token)
        except ClientError as error:
            seen.acted(type(error).__name__, token=lease.token, why=_why(error))
    while elapsed_s() < until_s and (now_s := _believing(lease)):
        end_s = now_s
        await asyncio.sleep(LOOK_S)
    end_s = _believing(lease) or end_s
    seen.believed(bus.agent, lease, begin_s, end_s)
    try:
        await lease.release()
    except LeaseLost:
        raise
    except ClientError as error:
        seen.acted(f"release {type(error).__name__}", token=lease.token, why=str(error))


def _believing(lease: Lease | AsyncLease) -> float:
    """The moment, if the agent believes that it holds; read first, so that the belief lasted until then."""
    now_s = elapsed_s()
    return now_s if lease.is_held else 0.0


def _why(error: ClientError) -> str:
    return error.reason if isinstance(error, Refusal | LeaseLost) else str(error)


if __name__ == "__main__":
    main()
