"""A shift at the desk of a secured bus: the desk's login is enough for all of it, others see or say less."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Ran, Terminal
from tests.secure.conftest import Secured

CLAIM = "bus.resource.claim.v1"
WITHIN_S = 60.0
# It closes as soon as both roles have claimed, so a busy machine has all the time it needs.
QUAY = {
    "resource": "quay",
    "window_ms": 120_000,
    "claimants": ["sales", "support"],
    "ladder": ["human"],
    "escalate": {"queue": "quays", "tiers_ms": [600_000], "reserve_ms": 600_000},
}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def case(at_home: Terminal, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """A case of two claims in the queue of kim, who rules there; lee owns one of the claimants."""
    path: Path = tmp_path_factory.mktemp("terms") / "quay.yaml"
    path.write_text(yaml.safe_dump(QUAY), encoding="utf-8")
    at_home.json("persons", "set", "kim", "--role", "resolver", "--queue", "quays")
    at_home.json("persons", "set", "lee", "--role", "resolver", "--queue", "quays", "--owns", "sales-1")
    at_home.json("terms", "set", str(path))
    for agent in ("sales-1", "support-1"):
        at_home("send", CLAIM, "--from", agent, "--subject", "quay/Q-1", "--body", '{"reasoning": "our ship waits"}')
    until_s = time.monotonic() + WITHIN_S
    while not (found := at_home.json("cases", "ls", "--queue", "quays")):
        assert time.monotonic() < until_s
    return dict(found[0])


def _as(secured: Secured, at_home: Terminal, user: str, *words: str) -> Ran:
    return at_home("cases", *words, "--kafka-config", secured.file(user))


def test_commands_log_in_as_the_desk_and_as_nobody_else(at_home: Terminal, case: Json) -> None:
    """A person at the desk needs no administrator's login: neither to look nor to hear who may rule."""
    for words in (("ls",), ("show", case["case"], "--as", "kim"), ("ls", "--mine", "--as", "kim")):
        told = at_home("cases", *words).err
        assert "logged in as desk" in told
        assert "logged in as admin" not in told


@pytest.mark.parametrize(("person", "why"), [("kim", ""), ("lee", "sales-1"), ("ben", "queue quays")])
def test_who_asks_is_told_whether_they_may_rule_and_why_not(
    at_home: Terminal, case: Json, person: str, why: str
) -> None:
    """The owner of a claimant may not, nor may a person of another queue; everybody is told who may."""
    (shown,) = at_home.json("cases", "show", case["case"], "--as", person)
    assert shown["may_rule"] == ["spiffe://acme/person/kim"]
    assert shown["you"]["may"] is (why == "")
    assert why in shown["you"]["why_not"]


def test_an_auditor_sees_a_case_and_cannot_speak_on_it(secured: Secured, at_home: Terminal, case: Json) -> None:
    """Looking needs no right to write; reserving does, and the sentence says on which topic."""
    assert case["subject"] in _as(secured, at_home, "auditor", "ls").out
    ran = _as(secured, at_home, "auditor", "reserve", case["case"], "--as", "kim")
    assert (ran.code, ran.out) == (7, "")
    assert "may not write to bus.in.desk" in ran.complaint


@pytest.mark.parametrize("user", ["sales", "operators"])
def test_other_lanes_see_no_case(secured: Secured, at_home: Terminal, case: Json, user: str) -> None:
    """Case files have ballots and reasons in them: a lane of agents hears what its own agents are told."""
    for words in (("ls",), ("show", case["case"])):
        ran = _as(secured, at_home, user, *words)
        assert (ran.code, ran.out) == (7, "")
        assert "may not see bus.escalations" in ran.complaint


def test_the_desks_own_login_is_enough_to_reserve_give_back_and_rule(
    secured: Secured, at_home: Terminal, case: Json
) -> None:
    """Whole, with one file of settings: what `agentbus acls` grants the desk is what the commands need."""
    for words in (("reserve",), ("release",), ("show",)):
        ran = _as(secured, at_home, "desk", *words, case["case"], "--as", "kim")
        assert ran.code == 0, ran.err
    ruling = ("rule", case["case"], "award", "1", "--reason", "the tide turns", "--as", "kim")
    ran = _as(secured, at_home, "desk", *ruling)
    assert (ran.code, "ruled: quay/Q-1 award 1" in ran.out) == (0, True), ran.err
