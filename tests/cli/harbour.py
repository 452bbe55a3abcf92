"""A harbour where ships claim berths: what the tests of cases share, and what they look for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bus.cli.json_shapes import OBJECTS

if TYPE_CHECKING:
    from tests.audit.conftest import Client
    from tests.cli.conftest import Terminal

AGENT, PERSON = "spiffe://acme/agent/", "spiffe://acme/person/"
CLAIM, VOTE, CLOSE = "bus.resource.claim.v1", "bus.contest.vote.v1", "deals.deal.close.v1"
BERTH = {
    "resource": "berth",
    "window_ms": 300,
    "claimants": ["sales", "support"],
    "ladder": ["human"],
    "escalate": {"queue": "harbour", "tiers_ms": [600000], "reserve_ms": 600000},
}
SPECIALISTS = ("pricing", "compliance", "risk")
WITHIN_S = 50.0  # a busy machine
PATIENT = ("--wait", "45")
KIM = ("--as", "kim", *PATIENT)
Json = dict[str, Any]
Contested = Callable[[str], str]


def await_case(terminal: Terminal, subject: str) -> Json:
    """The case file, as kim is shown it."""
    until_s = time.monotonic() + WITHIN_S
    while (ran := terminal("cases", "show", subject, "--json", "--as", "kim")).code == 5:
        assert time.monotonic() < until_s, f"no case of {subject}"
    assert ran.code == 0, ran.err
    return dict(ran.rows[0])


def shapes_fit(command: str, row: Json) -> bool:
    """Is the object one that the command says it writes?"""
    return any(row.keys() == shape.keys or (shape.is_open and row.keys() > shape.keys) for shape in OBJECTS[command])


def two_claims(client: Client, name: str, reasoning: str) -> None:
    """Two claims on a berth, by the same two agents as always; nobody is shown the case."""
    for lane, agent, said in (("sales", "sales-1", reasoning), ("support", "support-1", "perishables")):
        body = {"reasoning": said}
        client.send(lane, f"{AGENT}{agent}", CLAIM, body, f"berth/{name}", ce_id=f"{name}-{lane}")


def listed(terminal: Terminal, subjects: set[str]) -> list[Json]:
    """The lines of these cases, once all of them are open."""
    until_s = time.monotonic() + WITHIN_S
    rows: list[Json] = []
    while not subjects <= {row["subject"] for row in rows}:
        assert time.monotonic() < until_s, f"not all of {subjects} are open"
        rows = terminal.json("cases", "ls", "--queue", "harbour")
    return [row for row in rows if row["subject"] in subjects]


def await_gone(terminal: Terminal, subjects: set[str]) -> None:
    """Until none of them is open."""
    until_s = time.monotonic() + WITHIN_S
    while subjects & {row["subject"] for row in terminal.json("cases", "ls")}:
        assert time.monotonic() < until_s
