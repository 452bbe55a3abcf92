"""`agentbus terms check` of files: the bound part by part, and the codes of what cannot work and what is unwise."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bus.cli.terms_check import check
from bus.core.policy.control import Agent, Genesis, Person, Registry
from bus.core.policy.terms import terms_from_json
from tests.cli.conftest import Ran, Terminal

LADDER = ["priority", "vote", "negotiate", "human"]
GOOD = {
    "resource": "mooring",
    "window_ms": 500,
    "claimants": ["sales", "support"],
    "priority": ["sales", "support"],
    "ladder": LADDER,
    "vote": {"seats": ["triage"], "ballot_ms": 20000},
    "negotiate": {"turn_ms": 30000, "max_turns": 4},
    "escalate": {"queue": "revenue"},
}


def _run(terminal: Terminal, folder: Path, *more: str, **changed: Any) -> Ran:  # Any: JSON
    path = folder / "mooring.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changed}), encoding="utf-8")
    return terminal("terms", "check", str(path), *more)


def test_the_bound_is_shown_part_by_part(nowhere: Terminal, tmp_path: Path) -> None:
    """Window, ballot and turns add up; no bus is needed."""
    ran = _run(nowhere, tmp_path, "--json")
    assert ran.code == 0, ran.err
    (row,) = ran.rows
    parts = {part["part"]: part["bound_ms"] for part in row["parts"]["claims"]}
    assert parts == {"window": 500, "priority": 0, "vote": 20000, "negotiate": 120000, "human": 0}
    assert row["bound_ms"]["claims"] == 140500
    assert row["works"] is True


def test_people_read_the_same(nowhere: Terminal, tmp_path: Path) -> None:
    """In lengths of time, with who decides at the end."""
    out = _run(nowhere, tmp_path).out
    assert "A contest over claims  2 min 20 s at most" in out
    assert "human       a person decides" in out


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"vote": {"seats": []}}, "/vote/seats"),
        ({"escalate": {"queue": "revenue", "hold_ms": 40 * 86_400_000}}, "/escalate/hold_ms"),
        ({"escalate": {}}, "/escalate/queue"),
    ],
    ids=["nobody sits", "held longer than kept", "no queue"],
)
def test_terms_that_cannot_work_are_refused_with_the_reason(
    nowhere: Terminal, tmp_path: Path, changed: dict[str, Any], field: str
) -> None:
    """Code 3, and the field with what is impossible about it."""
    ran = _run(nowhere, tmp_path, "--json", **changed)
    assert ran.code == 3
    (row,) = ran.rows
    assert row["works"] is False
    assert field in [one["field"] for one in row["findings"] if one["severity"] == "error"]
    assert "cannot work" in ran.complaint


def test_unwise_terms_are_said_and_no_fault(nowhere: Terminal, tmp_path: Path) -> None:
    """A lease that does not survive a restart of the bus."""
    ran = _run(nowhere, tmp_path, lease_ms=5000)
    assert ran.code == 0
    assert "Unwise\n  /lease_ms\n" in ran.out


def test_what_is_no_terms_at_all_is_one_sentence(nowhere: Terminal, tmp_path: Path) -> None:
    """A field that terms do not have."""
    ran = _run(nowhere, tmp_path, windows=1)
    assert ran.code == 3
    assert "windows" in ran.complaint


def test_impossible_terms_are_not_sent(terminal: Terminal, tmp_path: Path) -> None:
    """`terms set` says why before it asks the bus, and nothing is in force afterwards."""
    path = tmp_path / "mooring.json"
    path.write_text(json.dumps({**GOOD, "vote": {"seats": []}}), encoding="utf-8")
    ran = terminal("terms", "set", str(path))
    assert ran.code == 3
    assert "/vote/seats  nobody sits" in ran.err
    assert terminal("terms", "show", "mooring").code == 5


def test_a_type_in_force_is_held_against_who_is_there(terminal: Terminal) -> None:
    """By the name of the resource type."""
    (row,) = terminal.json("terms", "check", "lead")
    assert (row["resource"], row["works"]) == ("lead", True)
    assert terminal("terms", "check", "unicorn").code == 5


def test_a_file_was_not_held_against_a_bus_and_says_so(nowhere: Terminal, tmp_path: Path) -> None:
    """Nothing is wrong with the file; whether anybody has its queue only a bus knows."""
    said = " ".join(_run(nowhere, tmp_path).out.split())
    assert "Nothing is wrong with them" in said
    assert "not looked at: `agentbus terms check mooring`, once they are set, says so" in said


def test_terms_whose_queue_nobody_has_are_named_when_they_are_set(terminal: Terminal, tmp_path: Path) -> None:
    """They come into force, for the person may come later."""
    path = tmp_path / "mooring.yaml"
    path.write_text(yaml.safe_dump({**GOOD, "escalate": {"queue": "revenu"}}), encoding="utf-8")
    ran = terminal("terms", "set", str(path))
    assert ran.code == 0, ran.err
    assert "no person has queue revenu" in ran.err
    assert terminal("terms", "rm", "mooring").code == 0


def test_a_queue_that_nobody_has_is_unwise() -> None:
    """So are seats and claimants that no agent of the bus is."""
    agent = Agent("spiffe://acme/agent/sales-1", "sales", frozenset({"sales"}))
    registry = Registry(Genesis(1, "acme", 4, ()), {}, agents={agent.id: agent})
    found = [one.field for one in check(terms_from_json(GOOD, 1), registry).warnings]
    assert found == ["/escalate/queue", "/vote/seats", "/claimants"]
    ben = Person("spiffe://acme/person/ben", frozenset({"operator"}), queues=("revenue",))
    manned = Registry(registry.genesis, {}, agents=registry.agents, persons={ben.id: ben})
    assert "/escalate/queue" not in [one.field for one in check(terms_from_json(GOOD, 1), manned).warnings]
