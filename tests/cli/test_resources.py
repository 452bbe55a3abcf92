"""`agentbus resources` and `agentbus agents show` on a running bus: who holds what, and a line for each change."""

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.audit.conftest import Client
from tests.cli.conftest import COMMAND, DevRun, Terminal

CLAIM, RELEASE = "bus.resource.claim.v1", "bus.resource.release.v1"
WITHIN_S = 30.0
SALES, CRM = "spiffe://acme/agent/sales-2", "spiffe://acme/agent/crm-1"
TOKEN = {"ce_bustoken": "1"}


@pytest.fixture(scope="module")
def client(dev: DevRun) -> Iterator[Client]:
    """A stock client."""
    opened = Client(dev.ready["bootstrap"])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def held(client: Client) -> Iterator[dict[str, Any]]:
    """A lead that sales-2 holds, and one that is only known about; given back at the end."""
    for lead in ("R-1", "R-2"):
        fact = {"lead_id": lead, "stage": "qualified"}
        client.answer("crm", client.send("crm", CRM, "leads.lead.stage.v1", fact, f"lead/{lead}", ce_id=f"r-{lead}"))
    granted = _claim(client, "lead/R-1", "r-claim")
    assert granted["kind"] == "granted"
    client.answer("sales", client.send("sales", SALES, "leads.email.send.v1", {}, "lead/R-1", ce_id="r-mail", **TOKEN))
    yield granted
    client.send("sales", SALES, RELEASE, {"token": granted["token"]}, "lead/R-1", ce_id="r-back")


@pytest.fixture(scope="module")
def rows(terminal: Terminal, held: dict[str, Any]) -> dict[str, Any]:
    """The list, by subject."""
    return {row["subject"]: row for row in terminal.json("resources", "ls", "--type", "lead")}


def _claim(client: Client, subject: str, identifier: str) -> dict[str, Any]:
    return client.answer("sales", client.send("sales", SALES, CLAIM, {}, subject, ce_id=identifier))


def test_a_held_resource_is_listed_as_it_was_granted(rows: dict[str, Any], held: dict[str, Any]) -> None:
    """Holder, token and end of the lease are those of the answer."""
    row = rows["lead/R-1"]
    assert (row["holder"], row["token"], row["until"]) == (held["agent"], held["token"], held["until"])
    assert (row["state"], row["facts"], row["since"]) == ("held", {"stage": "qualified"}, held["at"])
    assert (rows["lead/R-2"]["state"], rows["lead/R-2"]["holder"]) == ("free", None)


def test_the_table_has_times_by_the_clock_and_from_now(terminal: Terminal, held: dict[str, Any]) -> None:
    """A person sees when a lease ends and in how long, and the whole token."""
    line = next(line for line in terminal("resources", "ls").out.splitlines() if line.startswith("lead/R-1 "))
    assert " (in " in line
    assert str(held["token"]) in line


def test_the_list_can_be_narrowed(terminal: Terminal, held: dict[str, Any]) -> None:
    """By holder, by type, and by how many."""
    mine = terminal.json("resources", "ls", "--type", "lead", "--holder", "sales-2", "--limit", "1")
    assert [row["holder"] for row in mine] == [held["agent"]]
    assert terminal.json("resources", "ls", "--type", "shipment", "--held") == []


def test_one_resource_is_shown_with_its_last_decisions(terminal: Terminal, held: dict[str, Any]) -> None:
    """Present state and story in one object."""
    (found,) = terminal.json("resources", "show", "lead/R-1")
    assert found["token"] == held["token"]
    assert held["decision"] in [line["decision"] for line in found["decisions"]]


@pytest.mark.parametrize(("asked", "code"), [("lead/R-99", 5), ("R-1", 2)])
def test_a_resource_that_is_none_is_one_sentence(
    terminal: Terminal, held: dict[str, Any], asked: str, code: int
) -> None:
    """Unknown, or no subject at all."""
    ran = terminal("resources", "show", asked)
    assert ran.code == code
    assert asked in ran.complaint


def test_watch_writes_a_line_for_each_change(terminal: Terminal, client: Client, held: dict[str, Any]) -> None:
    """In a pipe: first how it stands, then the change, as JSON; Ctrl-C ends it without a complaint."""
    watch = subprocess.Popen(
        [str(COMMAND), "resources", "show", "lead/R-2", "--watch", "--json"],
        env=terminal.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watch.stdout is not None
    try:
        assert json.loads(watch.stdout.readline())["state"] == "free"
        granted = _claim(client, "lead/R-2", "r-watched")
        change = json.loads(watch.stdout.readline())
        assert (change["state"], change["token"]) == ("held", granted["token"])
    finally:
        watch.send_signal(signal.SIGINT)
        _, told = watch.communicate(timeout=WITHIN_S)
    assert watch.returncode == 0
    assert "Traceback" not in told


def test_an_agent_is_shown_with_all_that_concerns_it(terminal: Terminal, held: dict[str, Any]) -> None:
    """What it holds, its last messages with their decisions, and how often it was refused for what."""
    (found,) = terminal.json("agents", "show", "sales-2")
    assert (found["lane"], found["principal"], found["roles"]) == ("sales", "User:sales", ["sales"])
    assert held["token"] in [row["token"] for row in found["holds"]]
    assert held["decision"] in [row["decision"] for row in found["messages"]]
    assert found["refusals"]["schema_violation"] >= 1
    assert "schema_violation" in [row["event"].get("reason") for row in found["messages"]]


def test_a_suspended_agent_is_shown_with_the_rule(terminal: Terminal) -> None:
    """Who suspended it, and by which rule."""
    assert terminal("suspend", "--agent", "logistics-1", "--reason", "a test").code == 0
    try:
        (found,) = terminal.json("agents", "show", "logistics-1")
        listed = {row["agent"]: row["suspended_by"] for row in terminal.json("agents", "ls")}
        assert found["suspended_by"] == listed["spiffe://acme/agent/logistics-1"]
        assert (found["suspension"]["name"], found["suspension"]["by"]) == (
            found["suspended_by"],
            "spiffe://acme/person/ana",
        )
    finally:
        terminal("resume", "--agent", "logistics-1", "--reason", "the test is over")
    assert "state     active" in terminal("agents", "show", "logistics-1").out


def test_an_unknown_agent_is_one_sentence(terminal: Terminal) -> None:
    """With a near name, if there is one."""
    ran = terminal("agents", "show", "sales-9")
    assert ran.code == 5
    assert "perhaps sales-" in ran.complaint
    assert "perhaps" not in terminal("agents", "show", "nobody").complaint
