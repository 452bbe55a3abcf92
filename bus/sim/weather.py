"""What may go wrong in a run, and how often: drawn from the seed, so that each run has a character of its own.

Half of the kinds of trouble are left out of each run, since some faults show only where others are rare.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from bus.shell.kafka import MESSAGE_TIMEOUT_MS

Fate = Literal["kept", "lost", "unheard"]
# A client that gives a record up says so after this long, whether it is in the log or not.
GIVEN_UP_S = MESSAGE_TIMEOUT_MS / 1000
QUICK_S = (0.0002, 0.003)
SLOW_S = (0.2, 9.0)  # some of it longer than a client waits, none longer than the watchdog for long
SENT_WITHIN_S = 0.0005  # until a record has left its process, and outlives it

# Where a process may die: before it hands a record to Kafka, once it is in the log, once it has heard of that, between
# two outputs of one delivery, and while it commits what it has done.
HOPS = ("produce", "appended", "acknowledged", "commit")


@dataclass(slots=True)
class Weather:
    """The rates of one run: shares of records for the network, events a virtual minute for the processes."""

    lost: float = 0.0
    unheard: float = 0.0
    slow: float = 0.0
    hop_kills: float = 0.0
    kills: float = 0.0
    pauses: float = 0.0
    doubles: float = 0.0
    stalls: float = 0.0
    late_ends: float = 0.0
    clock_spread_ms: int = 0
    agent_skew_ms: int = 0

    @property
    def is_calm(self) -> bool:
        """Does nothing go wrong?"""
        return not (self.lost or self.unheard or self.slow or self.hop_kills or self.kills or self.pauses)


# Everything at once, for those who look for one fault and not for what is usual.
STORM = Weather(
    lost=0.01,
    unheard=0.01,
    slow=0.02,
    hop_kills=0.005,
    kills=4.0,
    pauses=6.0,
    doubles=12.0,
    stalls=4.0,
    late_ends=0.05,
    clock_spread_ms=20,
    agent_skew_ms=2_000,
)


def weather_of(chance: random.Random) -> Weather:
    """Draw the weather of a run; one in ten is calm."""
    if chance.random() < 0.1:
        return Weather()

    def some(most: float) -> float:
        return 0.0 if chance.random() < 0.5 else most * 10 ** -chance.uniform(0, 1.5)

    return Weather(
        lost=some(0.01),
        unheard=some(0.01),
        slow=some(0.02),
        hop_kills=some(0.004),
        kills=some(6.0),
        pauses=some(6.0),
        doubles=some(10.0),
        stalls=some(4.0),
        late_ends=some(0.05),
        clock_spread_ms=chance.choice((0, 0, 20, 90)),
        agent_skew_ms=chance.choice((0, 0, 2_000, 29_000, 400_000)),
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes of a record on its way: after how long it is in the log, and its sender knows."""

    fate: Fate
    delay_s: float
    answer_s: float


@dataclass(slots=True)
class Network:
    """Draws what becomes of every record; counts what it did. ``is_calm`` from when on nothing goes wrong any more."""

    weather: Weather
    chance: random.Random
    is_calm: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def delivery(self) -> Delivery:
        """What becomes of one record."""
        chance, weather = self.chance, self.weather
        low, high = QUICK_S
        delay_s, answer_s = chance.uniform(low, high), chance.uniform(low, high)
        if self.is_calm:
            return Delivery("kept", delay_s, answer_s)
        draw = chance.random()
        if draw < weather.lost:
            self.counts["records lost on the way"] += 1
            return Delivery("lost", delay_s, GIVEN_UP_S)
        draw -= weather.lost
        if draw < weather.unheard:
            self.counts["acknowledgements lost"] += 1
            return Delivery("unheard", delay_s, GIVEN_UP_S)
        draw -= weather.unheard
        if draw < weather.slow:
            self.counts["records late"] += 1
            return Delivery("kept", chance.uniform(*SLOW_S), answer_s)
        return Delivery("kept", delay_s, answer_s)

    def kills_at(self, hop: str) -> bool:
        """Does the process die at this hop?"""
        if self.is_calm or not self.weather.hop_kills or self.chance.random() >= self.weather.hop_kills / len(HOPS):
            return False
        self.counts[f"killed: {hop}"] += 1
        return True

    def end_is_late(self) -> bool:
        """Is the end of this transaction held up, so that the client asks again?"""
        if self.is_calm or self.chance.random() >= self.weather.late_ends:
            return False
        self.counts["ends of transactions held up"] += 1
        return True
