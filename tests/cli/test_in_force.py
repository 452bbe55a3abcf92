"""Who may set what, what is shown of it, and what a refusal looks like."""

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Terminal

LEAD = "schemas/leads/terms/lead.yaml"


def test_the_sample_is_there(terminal: Terminal) -> None:
    """A new development bus has lanes with agents, persons, terms and contracts."""
    lanes = {row["lane"]: row["agents"] for row in terminal.json("lanes", "ls")}
    assert lanes["sales"] == ["spiffe://acme/agent/sales-1", "spiffe://acme/agent/sales-2"]
    assert {"operators", "desk"} <= lanes.keys()
    persons = {row["person"]: row["roles"] for row in terminal.json("persons", "ls")}
    assert persons["spiffe://acme/person/ana"] == ["operator", "steward"]
    assert {"lead", "deal"} <= {row["resource"] for row in terminal.json("terms", "ls")}
    assert "leads.email.send.v1" in {row["type"] for row in terminal.json("contracts", "ls")}


def test_a_lane_comes_and_goes(terminal: Terminal) -> None:
    """Setting a lane creates its topics and says the control number; taken away, it is no longer listed."""
    said = terminal("lanes", "set", "harbour", "--principal", "User:harbour-team")
    assert said.out.startswith("control ")
    assert "lane harbour is set" in said.out
    assert "bus.in.harbour" in said.err
    rows = {row["lane"]: row["principal"] for row in terminal.json("lanes", "ls")}
    assert rows["harbour"] == "User:harbour-team"
    assert "no longer set" in terminal("lanes", "rm", "harbour").out
    assert "harbour" not in {row["lane"] for row in terminal.json("lanes", "ls")}


def test_an_agent_is_registered_by_its_short_name(terminal: Terminal) -> None:
    """The full id comes from the bus's domain, the owner is who asks."""
    (answer,) = terminal.json("agents", "set", "sales-9", "--lane", "sales", "--role", "sales", "--role", "night")
    assert answer["kind"] == "control_set"
    assert answer["name"] == "spiffe://acme/agent/sales-9"
    assert answer["value"] == {"lane": "sales", "roles": ["sales", "night"], "owner": "spiffe://acme/person/ana"}
    found = [row for row in terminal.json("agents", "ls") if row["agent"].endswith("/sales-9")]
    assert [row["roles"] for row in found] == [["night", "sales"]]
    assert terminal("agents", "rm", "sales-9").code == 0


def test_a_person_is_registered(terminal: Terminal) -> None:
    """Roles and queues are kept, and can be taken away again."""
    terminal.json("persons", "set", "kim", "--role", "operator", "--queue", "revenue", "--owns", "sales-1")
    (row,) = [row for row in terminal.json("persons", "ls") if row["person"].endswith("/kim")]
    assert row["roles"] == ["operator"]
    assert row["queues"] == ["revenue"]
    assert row["owns"] == ["spiffe://acme/agent/sales-1"]
    assert terminal("persons", "rm", "kim").code == 0


def test_a_refusal_names_everything_that_is_wrong(terminal: Terminal) -> None:
    """A lane that does not exist: the violation with its hint, one sentence, and the code for findings."""
    ran = terminal("agents", "set", "lost-1", "--lane", "atlantis", "--role", "sales")
    assert ran.code == 3
    assert "/value/lane  lane atlantis is not set; set the lane first" in ran.err
    assert ran.complaint.startswith("refused as rule_violation")


def test_a_base_that_is_not_in_force_is_a_conflict(terminal: Terminal) -> None:
    """Compare-and-set: with the hash of another value nothing is changed."""
    before = terminal.json("terms", "show", "lead")
    ran = terminal("terms", "set", LEAD, "--base", "0" * 64)
    assert ran.code == 6
    assert "stale_base" in ran.complaint
    assert terminal.json("terms", "show", "lead") == before


def test_the_value_in_force_is_the_base_by_itself(terminal: Terminal) -> None:
    """Who gives no base changes what is there, as often as they want."""
    roles = [("--role", "night"), ("--role", "day")]
    answers = [terminal.json("agents", "set", "sales-8", "--lane", "sales", *role)[0] for role in roles]
    assert answers[1]["rev"] == answers[0]["rev"] + 1


def test_an_equal_value_is_no_change(terminal: Terminal) -> None:
    """Setting what is so already says so, writes nothing, and is no fault; the same of taking away what is gone."""
    before = terminal.json("terms", "ls")
    assert terminal("terms", "set", LEAD).out == "unchanged: terms lead is so already\n"
    assert terminal.json("terms", "ls") == before
    assert terminal("lanes", "set", "quay").code == 0
    gone = [terminal("lanes", "rm", "quay") for _ in range(2)]
    assert [ran.code for ran in gone] == [0, 0]
    assert gone[1].out == "unchanged: lane quay is not set already\n"
    (told,) = terminal.json("lanes", "rm", "quay")
    assert told == {"kind": "unchanged", "kind_of": "lane", "name": "quay", "value": None}


def test_what_never_was_cannot_be_taken_away(terminal: Terminal) -> None:
    """A name with a typing error is not said to be gone; the near one is offered."""
    ran = terminal("lanes", "rm", "suport")
    assert ran.code == 5
    assert "did you mean support?" in ran.complaint


@pytest.mark.parametrize("person", ["ben", "stranger"])
def test_who_is_no_steward_may_not_set(terminal: Terminal, person: str) -> None:
    """An operator and somebody unknown are told so, with the code for missing permission."""
    ran = terminal("lanes", "set", "sales", "--as", person)
    assert ran.code == 7
    assert "is no steward" in ran.complaint


def test_a_machine_reads_a_refusal_as_json(terminal: Terminal) -> None:
    """With --json the answer itself is on stdout, the sentence on stderr."""
    ran = terminal("agents", "set", "lost-1", "--lane", "atlantis", "--role", "sales", "--json")
    assert [row["reason"] for row in ran.rows] == ["rule_violation"]
    assert ran.complaint


def test_a_lane_that_is_nearly_there_is_offered(terminal: Terminal) -> None:
    """A typo of a lane is more likely than a lane that is still to be made."""
    ran = terminal("agents", "set", "lost-1", "--lane", "slaes", "--role", "sales")
    assert "did you mean sales? Else set the lane first" in ran.err


def test_a_property_that_is_nearly_known_is_offered(terminal: Terminal, tmp_path: Path) -> None:
    """Terms with a typo: the property that is meant, and not only the advice to leave it out."""
    file = tmp_path / "van.yaml"
    file.write_text("resource: van\nlease_ms: 60000\nclaimant: [loader]\n", encoding="utf-8")
    assert "did you mean claimants?" in terminal("terms", "set", str(file)).err


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("stage: [yes]", "wait for stage to be true, which leads.lead.stage.v1 cannot state (only "),
        ("stage: [won, sold]", 'wait for stage to be "sold", which'),
        ("colour: [red]", "wait for the fact colour, which no contract in force states"),
    ],
)
def test_terms_that_nobody_can_meet_are_warned_of(terminal: Terminal, tmp_path: Path, when: str, said: str) -> None:
    """A value that the fact's contract does not allow makes every claim fail: it is said when the terms are set."""
    before = yaml.safe_load(Path(LEAD).read_text(encoding="utf-8"))
    file = tmp_path / "lead.yaml"
    file.write_text(yaml.safe_dump({**before, "when": yaml.safe_load(f"{{{when}}}")}), encoding="utf-8")
    ran = terminal("terms", "set", str(file))
    back = terminal("terms", "set", LEAD)
    assert ran.code == 0
    assert f"warning: the terms of lead {said}" in ran.err
    assert "warning" not in back.err


def test_terms_are_shown_as_they_were_set(terminal: Terminal) -> None:
    """What is shown can be set again: YAML for people."""
    assert "lease_ms: 120000" in terminal("terms", "show", "lead").out


@pytest.mark.parametrize(
    "arguments",
    [["terms", "show", "unicorn"], ["contracts", "show", "no.such.type.v1"], ["terms", "set", "/no/such/file.yaml"]],
    ids=" ".join,
)
def test_what_is_not_there_is_not_found(terminal: Terminal, arguments: list[str]) -> None:
    """One sentence and the code for things that are not there."""
    ran = terminal(*arguments)
    assert ran.code == 5
    assert ran.complaint


def test_a_file_without_a_resource_is_refused_here(terminal: Terminal, tmp_path: Path) -> None:
    """Terms that name no resource never get as far as the bus."""
    path = tmp_path / "terms.yaml"
    path.write_text("lease_ms: 1000\n", encoding="utf-8")
    ran = terminal("terms", "set", str(path))
    assert ran.code == 2
    assert "resource: lead" in ran.complaint


def test_a_contract_of_the_bus_itself_can_be_read(terminal: Terminal) -> None:
    """The built-in types are shown with their schema, and listed only on request."""
    assert "lease_ms" in terminal("contracts", "show", "bus.resource.claim.v1").out
    listed = {row["type"] for row in terminal.json("contracts", "ls", "--built-in")}
    assert "bus.resource.claim.v1" in listed
    assert not any(row["type"].startswith("bus.") for row in terminal.json("contracts", "ls"))
