"""The fold of its own: two holders, falling tokens, strangers' acts and wrong times are found in an unbroken chain."""

from collections.abc import Callable

import pytest

from bus.core.log import topics
from bus.core.log.routing import partition_of
from tests.audit.handmade import PARTITIONS, SALES, START_MS, SUPPORT, Body, HandmadeBus, busy_bus, event_of, found


@pytest.fixture
def bus() -> HandmadeBus:
    return busy_bus()


def _find(bus: HandmadeBus, sentence: str) -> bool:
    return any(sentence in finding for finding in found(bus.evidence(), "fold"))


def _ticks(bus: HandmadeBus, subject: str) -> list[Body]:
    bodies = bus.bodies[topics.JOURNAL, partition_of(subject, PARTITIONS)]
    return [entry for body in bodies for entry in body.get("entries", ()) if entry["verdict"] == "tick"]


def test_two_holders_are_found(bus: HandmadeBus) -> None:
    """A grant while another agent holds is found."""
    entry, denied = event_of(bus, "denied", "lead/L-1")
    token = (1 << 44) + (entry["o"] << 8)
    granted = {"kind": "granted", "token": token, "until": entry["at"] + 3_000, "by": "first"}
    denied.update(granted)
    del denied["reason"], denied["retry_after"]
    assert _find(bus, f"two holders: lead/L-1 is granted to {SUPPORT} while {SALES} holds it")


def test_a_token_that_does_not_rise_is_found(bus: HandmadeBus) -> None:
    """A second grant with a token no higher than the first is found."""
    _, first = event_of(bus, "granted", "lead/L-1")
    _, second = event_of(bus, "granted", "lead/L-1", 1)
    second["token"] = first["token"]
    assert _find(bus, "the token of lead/L-1 does not rise")


def test_a_token_of_another_record_is_found(bus: HandmadeBus) -> None:
    """A token that rises and is not the one of its record is found."""
    _, second = event_of(bus, "granted", "lead/L-1", 1)
    second["token"] += 1
    assert _find(bus, "is not the one of input")


@pytest.mark.parametrize("kind", ["renewed", "action_admitted"])
@pytest.mark.parametrize(("name", "value"), [("agent", SUPPORT), ("token", 1 << 44)])
def test_an_act_of_somebody_else_is_found(bus: HandmadeBus, kind: str, name: str, value: object) -> None:
    """Whatever is accepted without being the holder with the current token is found."""
    _, event = event_of(bus, kind, "lead/L-1")
    event[name] = value
    assert _find(bus, f"{kind} on lead/L-1 for")


@pytest.mark.parametrize("kind", ["renewed", "action_admitted"])
def test_an_act_after_the_deadline_is_found(bus: HandmadeBus, kind: str) -> None:
    """Whatever is accepted at or after `until` is found."""
    entry, _ = event_of(bus, kind, "lead/L-1")
    _, granted = event_of(bus, "granted", "lead/L-1")
    entry["at"] = granted["until"] + 10_000
    assert _find(bus, f"{kind} on lead/L-1 at {entry['at']}, after the lease ended")


def test_a_lease_that_falls_back_is_found(bus: HandmadeBus) -> None:
    """A renewal that shortens the lease is found."""
    _, renewed = event_of(bus, "renewed", "lead/L-1")
    renewed["until"] -= 2_500
    assert _find(bus, "the lease of lead/L-1 falls back")


def test_a_release_by_a_stranger_is_found(bus: HandmadeBus) -> None:
    """A release that the holder did not send is found."""
    entry, _ = event_of(bus, "ended", "lead/L-2")
    entry["source"] = SUPPORT
    assert _find(bus, f"lead/L-2, held by {SALES}, is released by {SUPPORT}")


def test_an_early_expiry_is_found(bus: HandmadeBus) -> None:
    """A lease that a tick ends before its time is found."""
    entry, _ = event_of(bus, "ended", "lead/L-1")
    entry["now"] = START_MS
    assert _find(bus, "before its lease ends")


def test_a_lease_that_no_tick_ends_is_found(bus: HandmadeBus) -> None:
    """A tick that states a time and leaves a lease that ended before it is found."""
    entry, event = event_of(bus, "ended", "lead/L-3")
    entry["events"].remove(event)
    assert _find(bus, "and leaves lead/L-3, due at")


def test_wrong_order_of_deadlines_is_found(bus: HandmadeBus) -> None:
    """A tick that ends the later lease first is found."""
    entry, _ = event_of(bus, "ended", "lead/L-1")
    entry["events"] = [{**event, "n": n} for n, event in enumerate(reversed(entry["events"]))]
    assert _find(bus, "out of the order of their deadlines")


def test_a_holder_that_is_fenced_is_found(bus: HandmadeBus) -> None:
    """Refusing the holder its own token is found."""
    _, refused = event_of(bus, "refused", "lead/L-1")
    refused["token"] = event_of(bus, "granted", "lead/L-1")[1]["token"]
    assert _find(bus, f"{SALES} is fenced on lead/L-1, which it holds")


def test_late_before_the_deadline_is_found(bus: HandmadeBus) -> None:
    """Calling an act late that came in time is found."""
    _, refused = event_of(bus, "refused", "lead/L-1")
    refused["token"] = event_of(bus, "granted", "lead/L-1")[1]["token"]
    refused["reason"] = "late"
    assert _find(bus, f"{SALES} is late for lead/L-1")


def test_held_by_nobody_is_found(bus: HandmadeBus) -> None:
    """Denying a claim as held while the resource is free is found."""
    entry, granted = event_of(bus, "granted", "lead/L-1", 1)
    entry["events"] = [
        {"n": 0, "kind": "denied", "subject": "lead/L-1", "to": granted["to"], "agent": granted["agent"]}
        | {"claim": granted["claim"], "reason": "held", "retry_after": 1}
    ]
    assert _find(bus, "is denied as held, while nobody else holds lead/L-1")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tick: tick.update(now=tick["now"] + 5_000), "less the skew, allows"),
        (lambda tick: tick.update(after=tick["o"] + 1), "stands on input"),
    ],
)
def test_a_tick_that_invents_time_is_found(bus: HandmadeBus, change: Callable[[Body], None], sentence: str) -> None:
    """A tick may state no time that the broker did not give to an earlier record."""
    change(_ticks(bus, "lead/L-1")[1])
    assert _find(bus, sentence)


def test_a_message_older_than_a_tick_is_found(bus: HandmadeBus) -> None:
    """What is forwarded after a tick came in after the time the tick states."""
    entry, _ = event_of(bus, "granted", "lead/L-1", 1)
    entry["at"] = START_MS
    assert _find(bus, "from lane support came at")


def test_a_lane_that_the_tick_names_is_left_out(bus: HandmadeBus) -> None:
    """A lane that had stalled, as the tick says, may bring older messages."""
    entry, _ = event_of(bus, "granted", "lead/L-1", 1)
    entry["at"] = START_MS
    for tick in _ticks(bus, "lead/L-1"):
        tick["stalled"] = ["support"]
    assert not _find(bus, "from lane support came at")


def test_a_subject_in_a_foreign_partition_is_found(bus: HandmadeBus) -> None:
    """A subject is decided in the partition its name gives, and nowhere else."""
    _, denied = event_of(bus, "denied", "lead/L-1")
    denied["subject"] = "lead/L-2"
    assert _find(bus, "lead/L-2 was decided in partition 1, which is not its own")
