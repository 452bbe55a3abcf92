"""`agentbus persons ls`: queues and owned agents are shown, and an owned agent that does not exist is named."""

from pathlib import Path

from tests.cli.conftest import Terminal

GHOST = "spiffe://acme/agent/salse-1"


def test_a_queue_that_nobody_has_any_more_is_told(terminal: Terminal, tmp_path: Path) -> None:
    """Whoever takes it from its last person hears which cases nobody can rule on then, and others do not."""
    path = tmp_path / "pier.yaml"
    path.write_text("{resource: pier, ladder: [human], escalate: {queue: piers}}", encoding="utf-8")
    terminal.json("terms", "set", str(path))
    for name in ("moe", "zoe"):
        assert terminal("persons", "set", name, "--role", "resolver", "--queue", "piers").code == 0
    warning = "warning: nobody has queue piers any more, where cases of pier go"
    assert warning not in terminal("persons", "set", "moe", "--role", "resolver", "--queue", "").err
    assert warning in terminal("persons", "set", "zoe", "--role", "resolver", "--queue", "").err
    assert terminal("persons", "set", "zoe", "--role", "resolver", "--queue", "piers").code == 0
    assert warning in terminal("persons", "rm", "zoe").err
    terminal("persons", "rm", "moe")
    terminal("terms", "rm", "pier")  # doctor would complain of the queue


def test_an_owned_agent_that_does_not_exist_is_named(terminal: Terminal) -> None:
    """When it is set, and in the list; the person is set all the same, for the agent may come later."""
    ran = terminal("persons", "set", "max", "--role", "operator", "--queue", "revenue", "--owns", "salse-1")
    assert ran.code == 0
    assert "max owns salse-1, which is no agent of this bus" in ran.err
    assert "max owns salse-1" in terminal("persons", "ls").err
    (row,) = [row for row in terminal.json("persons", "ls") if row["person"].endswith("/max")]
    assert (row["queues"], row["owns"], row["unregistered"]) == (["revenue"], [GHOST], [GHOST])
    assert terminal("persons", "rm", "max").code == 0


def test_agents_whose_owner_a_person_is_are_shown_as_owned(terminal: Terminal) -> None:
    """An agent names its owner as well; whoever that is may not rule on it."""
    (row,) = [row for row in terminal.json("persons", "ls") if row["person"].endswith("/ana")]
    assert "spiffe://acme/agent/crm-1" in row["owns"]
    assert row["owned"] == row["owns"]
    assert row["unregistered"] == []


def test_what_is_not_named_stays_as_it_is(terminal: Terminal) -> None:
    """A new role takes neither queues nor agents away, says so, and both can be given up."""

    def eve() -> tuple[list[str], list[str]]:
        (row,) = [row for row in terminal.json("persons", "ls") if row["person"].endswith("/evi")]
        return row["queues"], row["owns"]

    terminal.json("persons", "set", "evi", "--role", "operator", "--queue", "revenue", "--owns", "sales-2")
    ran = terminal("persons", "set", "evi", "--role", "resolver", "--queue", "night")
    assert "kept: owns sales-2" in ran.err
    assert eve() == (["night"], ["spiffe://acme/agent/sales-2"])
    terminal.json("persons", "set", "evi", "--role", "resolver", "--queue", "", "--owns", "")
    assert eve() == ([], [])
    assert terminal("persons", "rm", "evi").code == 0
