"""Random contests, each from a seed, hold what every contest must hold; a failing seed reproduces its failure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.contests.cast import ANA
from tests.contests.game import Game, new_game
from tests.contests.generate import generate
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import decide

SEEDS = range(160)
PREFIX = "1.0"
# 65 candidates are more than these scripts have agents; `contest_full` is shown in test_bounds.py.
REASONS = """suspended expired fenced frozen already_claimed cooling held stage not_allowed late contest_closed
    not_your_turn not_a_seat not_a_person stale_rev winner_unavailable wait_too_long hold_overflow hold_expired
    ruled_out vetoed lost unresolved revoked superseded released ruled resumed"""
KINDS = """granted confirmed renewed ended withdrawn denied refused contest_opened joined rung turn settled voted
    offered action_held action_admitted action_refused frozen unfrozen case_opened case_changed case_closed fact
    reported waiting wait_ended agent_status control_set"""
VALUES = {
    "by": "uncontested preempt first_come priority vote negotiate ruling first deny veto",
    "over": "claims review question approval wait",
    "why": "ladder veto over_limit wait",
    "ruling": "award reject_all approve reject",
    "move": "accept quit",
    "rung": "vote negotiate human",
    "result": "done failed partial",
    "status": "suspended active",
    "reason": REASONS,
}
WANTED = {*KINDS.split(), *(f"{name}:{value}" for name, values in VALUES.items() for value in values.split())}


@cache
def of_seed(seed: int) -> Game:
    """The played script of a seed; the tests below look at the same one."""
    script = generate(seed)
    game = new_game(script.given, lag_ms=script.lag_ms)
    for line in script.lines:
        game.line(line)
    return game


def _events(game: Game) -> Iterator[tuple[int, str, Json]]:
    for now, entry in game.timed:
        for event in entry["events"]:
            yield now, f"{PREFIX}.{entry['o']}.{event['n']}", event


@pytest.mark.parametrize("seed", SEEDS)
def test_there_are_never_two_holders(seed: int) -> None:
    """A subject is granted only while nobody holds it, and every token is higher than the one before."""
    holder: dict[str, int] = {}
    highest: dict[str, int] = {}
    for _, _, event in _events(of_seed(seed)):
        subject = event.get("subject", "")
        if event["kind"] == "ended":
            assert holder.pop(subject) == event["token"]
        if event["kind"] == "granted":
            assert subject not in holder
            assert event["token"] > highest.get(subject, 0)
            holder[subject] = highest[subject] = event["token"]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_contest_ends_within_its_bound(seed: int) -> None:
    """A contest is settled, or a case is open about it, at its published bound at the latest."""
    bounds: dict[str, tuple[str, int]] = {}
    for now, decision, event in _events(of_seed(seed)):
        if event["kind"] == "contest_opened":
            bounds[decision] = (event["subject"], event["bound"])
        if event["kind"] in ("settled", "case_opened"):
            ended = [c for c, (subject, _) in bounds.items() if subject == event["subject"]]
            # A lock delay after a lease that ran out may hold back the grant, in these terms for 3 s; and every step,
            # of which a ladder has fewer than 20, begins with the tick that ends the one before it.
            late_ms = 3_000 + 20 * of_seed(seed).lag_ms
            assert all(now <= bounds.pop(contest)[1] + late_ms for contest in ended)
    assert not bounds


@pytest.mark.parametrize("seed", SEEDS)
def test_after_silence_only_cases_are_open(seed: int) -> None:
    """When nobody speaks any more nothing stays open but cases, and what a case keeps."""
    for r in of_seed(seed).oracle.subjects.values():
        assert r.case is not None or (r.contest is None and not r.held and r.wait is None and r.holding is None)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_claim_and_every_held_action_ends_once(seed: int) -> None:
    """A claim that joined, and an action that was held, is answered exactly once or sits in an open case."""
    open_claims: dict[tuple[str, str], str] = {}
    held: dict[str, str] = {}
    granted: set[tuple[str, str]] = set()
    for _, decision, event in _events(of_seed(seed)):
        claim = (event.get("agent", ""), event.get("claim", ""))
        match event["kind"]:
            case "joined" if claim not in granted and event["claim"]:
                assert claim not in open_claims
                open_claims[claim] = event["subject"]
            case "granted" | "withdrawn" | "denied" if claim in open_claims:
                del open_claims[claim]
            case "action_held":
                held[decision] = event["subject"]
            case "action_refused":
                del held[event["held"]]
            case "action_admitted" if event["held"]:
                del held[event["held"]]
            case _:
                pass
        if event["kind"] == "granted":
            granted.add(claim)
    frozen = {name for name, r in of_seed(seed).oracle.subjects.items() if r.case is not None}
    assert set(open_claims.values()) | set(held.values()) <= frozen


@pytest.mark.parametrize("seed", SEEDS)
def test_a_freeze_stops_everything_but_what_it_may(seed: int) -> None:
    """Between `frozen` and `unfrozen` nothing is granted, renewed or admitted, and no lease runs out."""
    frozen: set[str] = set()
    for _, _, event in _events(of_seed(seed)):
        subject = event.get("subject", "")
        if event["kind"] == "frozen":
            frozen.add(subject)
        elif event["kind"] == "unfrozen":
            frozen.remove(subject)
        elif subject in frozen:
            assert event["kind"] not in ("granted", "renewed", "contest_opened")
            assert event.get("reason") != "expired" or event["kind"] != "ended"
            assert event["kind"] != "action_admitted" or "token" not in event


@pytest.mark.parametrize("seed", range(40))
def test_the_same_log_gives_the_same_entries(seed: int) -> None:
    """A log decided once more, all at once, gives the entries it gave record by record."""
    game = of_seed(seed)
    assert decide(game.play.log.records, stewards=(ANA,)) == game.play.entries


def test_the_seeds_reach_everything() -> None:
    """All seeds together show every kind of contest, case and ruling, and every reason they can earn."""
    seen: set[str] = set()
    names = ("by", "reason", "over", "why", "ruling", "move", "rung", "result", "status")
    for seed in SEEDS:
        for _, _, event in _events(of_seed(seed)):
            seen |= {event["kind"], *(f"{name}:{event[name]}" for name in names if name in event)}
    assert not WANTED - seen
