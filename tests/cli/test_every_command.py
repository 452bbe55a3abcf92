"""What is true of every command, whichever it is: a new one is walked as well, or these tests fail."""

import itertools
import json
import os
import pty
import re
import select
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from bus.cli.app import app
from bus.cli.json_shapes import OBJECTS, Shape
from tests.cli.conftest import COMMAND, Ran, Terminal, environment, in_this_process

ROOT = Path(__file__).parents[2]
LEAD = "schemas/leads/terms/lead.yaml"
NOWHERE = ("--bootstrap", "127.0.0.1:1")
TERMINAL_S = 30.0
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:3[0-7]|9[0-7]|38|4[0-7])[0-9;]*m")

# How each command is run against the development bus with --json, once. Those that have no end of their own, or bring
# their own Kafka, are run by the test that is named.
CALLS: dict[str, list[str]] = {
    "init": ["--domain", "acme", "--steward", "spiffe://acme/person/ana", "--partitions", "4", "--single-node"],
    "send": ["bus.resource.claim.v1", "--from", "sales-1", "--subject", "lead/W-1"],
    "tail": ["--from-start", "--count", "3"],
    "suspend": ["--role", "walker", "--reason", "a walk"],
    "resume": ["--role", "walker", "--reason", "a walk"],
    "explain": ["lead/W-1"],
    "verify": ["--only", "chain"],
    "doctor": [],
    "completion": ["bash"],
    "simulate": ["--seed", "1", "--minutes", "0.1"],
    "lanes ls": [],
    "lanes set": ["walk"],
    "lanes rm": ["walk"],
    "agents ls": [],
    "agents set": ["walk-1", "--lane", "sales", "--role", "walker"],
    "agents show": ["sales-1"],
    "agents rm": ["walk-1"],
    "persons ls": [],
    "persons set": ["walker", "--role", "operator"],
    "persons rm": ["walker"],
    "contracts ls": [],
    "contracts show": ["leads.email.send.v1"],
    "contracts check": ["schemas/leads"],
    "contracts apply": ["schemas/leads"],
    "contracts rm": ["leads.walk.walk.v1"],
    "terms ls": [],
    "terms show": ["lead"],
    "terms set": [LEAD],
    "terms rm": ["walker"],
    "topics plan": [],
    "topics apply": ["--dry-run"],
    "acls print": [],
    "acls check": [],
    "acls apply": ["--dry-run"],
    "cases ls": ["--queue", "of-nobody"],
    "cases show": ["berth/of-nobody"],
    "cases reserve": ["berth/of-nobody", "--as", "ben"],
    "cases release": ["berth/of-nobody", "--as", "ben"],
    "cases rule": ["berth/of-nobody", "approve", "--reason", "a walk", "--as", "ben"],
    "terms check": ["lead"],
    "resources ls": [],
    "resources show": ["lead/W-1"],
}
ELSEWHERE = {
    "cases watch": "test_cases.py",
    "dev": "test_dev.py",
    "demo": "test_demo.py",
    "run": "test_init_and_run.py",
}
# They have nothing to say of it: all is as it must be, in force already, or never was there.
SILENT = {"topics plan", "topics apply", "contracts apply", "contracts rm", "terms rm", "acls check", "acls apply"}
SILENT |= {"cases ls", "cases show", "cases reserve", "cases release", "cases rule"}  # no case is open there
# What these say of the development bus, which is right: denied, never there, no ACLs.
OTHER_ENDS = {"send": {0, 3}, "contracts rm": {5}, "terms rm": {5}, "acls check": {3}, "acls apply": {1}}
OTHER_ENDS |= {f"cases {verb}": {5} for verb in ("show", "reserve", "release", "rule")}
WITHOUT_KAFKA = {"completion", "simulate", "contracts check", "demo", "dev", "acls print"}
FILES = {
    "verify": ["/no/such/folder"],
    "contracts check": ["/no/such/folder"],
    "contracts apply": ["/no/such/folder"],
    "terms set": ["/no/such/file.yaml"],
    "terms check": ["/no/such/file.yaml"],
    "send": ["bus.resource.claim.v1", "--from", "sales-1", "--body", "@/no/such/file.json"],
    "lanes ls": ["--kafka-config", "/no/such/file.properties"],
}
IN_TURN = ("agents set", "suspend", "resume", "agents rm", "lanes set", "lanes rm", "persons set", "persons rm")


def _paths() -> dict[str, Any]:  # Any: the command line's own classes
    found: dict[str, Any] = {}
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        if isinstance(command, TyperGroup):
            found |= {f"{name} {verb}": each for verb, each in command.commands.items()}
        else:
            found[name] = command
    return found


PATHS = _paths()
EVERY = pytest.mark.parametrize("path", PATHS)


@pytest.fixture(scope="module")
def helps(nowhere_at_all: dict[str, str]) -> dict[str, str]:
    """What each command says of itself on a narrow terminal."""
    env = {**nowhere_at_all, "COLUMNS": "80"}
    return {path: in_this_process(*path.split(), "--help", env=env).out for path in PATHS}


@pytest.fixture(scope="module")
def nowhere_at_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine on which no bus runs."""
    return environment(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def held(terminal: Terminal) -> str:
    """A lead that somebody holds."""
    stage = json.dumps({"lead_id": "W-1", "stage": "qualified"})
    terminal("send", "leads.lead.stage.v1", "--from", "crm-1", "--subject", "lead/W-1", "--body", stage)
    assert terminal("send", *CALLS["send"]).code == 0
    return "lead/W-1"


@pytest.fixture(scope="module")
def calls(terminal: Terminal, held: str) -> dict[str, Ran]:
    """Every command once, with --json, on the development bus; those that undo one another in turn."""
    ran = {path: terminal(*path.split(), *CALLS[path], "--json") for path in IN_TURN}
    assert held
    rest = [path for path in CALLS if path not in IN_TURN]
    return ran | {path: terminal(*path.split(), *CALLS[path], "--json") for path in rest}


@EVERY
def test_every_command_is_walked(path: str) -> None:
    """By these tests, or by one that says so."""
    assert path in CALLS or (ROOT / "tests").rglob(ELSEWHERE[path])


@EVERY
def test_its_help_has_one_to_three_examples_of_it(helps: dict[str, str], path: str) -> None:
    """Ready to be copied; each is this command."""
    shown = helps[path].partition("Example")[2].partition(":")[2]
    lines = [line.strip() for line in re.sub(r"\\\n\s*", "", shown).splitlines() if line.strip()]
    assert 1 <= len(lines) <= 3, helps[path]
    assert all(f"agentbus {path}" in line for line in lines)


@EVERY
def test_its_examples_can_be_typed(path: str) -> None:
    """Every option in them exists, and every argument is one."""
    for example in _examples(path):
        words = shlex.split(re.sub(r"\s*>.*", "", example))
        command, given = PATHS[path], words[1 + len(path.split()) :]
        with command.make_context(path, given, resilient_parsing=True) as context:
            assert not context.args, example


def _examples(path: str) -> Iterator[str]:
    shown = re.sub(r"\\\n\s*", "", PATHS[path].epilog).partition("Example")[2].partition(":")[2]
    for line in shown.splitlines():
        if line.strip() and not line.strip().startswith("eval"):
            yield line.strip()


@EVERY
def test_it_can_be_pointed_to_another_kafka(helps: dict[str, str], path: str) -> None:
    """--bootstrap, -X, --kafka-config and --json are there, whichever it is."""
    assert all(option in helps[path] for option in ("--bootstrap", "-X", "--kafka-config", "--json"))


@EVERY
def test_its_help_says_what_json_it_writes(helps: dict[str, str], path: str) -> None:
    """The shape stands in the help, above the examples."""
    assert re.search(r"^  With --json: \S", helps[path], re.MULTILINE)


@EVERY
def test_its_help_fits_a_narrow_terminal(helps: dict[str, str], path: str) -> None:
    """No line is longer than 80 columns."""
    assert [line for line in helps[path].splitlines() if len(line) > 80] == []


@EVERY
def test_its_line_in_the_list_is_one_line(path: str, first_screens: dict[str, str]) -> None:
    """Neither cut with dots nor wrapped: the sentence is there whole."""
    noun, _, verb = path.rpartition(" ")
    (line,) = [line for line in first_screens[noun].splitlines() if re.match(rf"  {verb}\s", line)]
    assert not line.endswith("...")
    assert len(line) <= 80


@pytest.fixture(scope="module")
def first_screens(nowhere_at_all: dict[str, str]) -> dict[str, str]:
    """The lists of commands: of all, and of each noun."""
    env = {**nowhere_at_all, "COLUMNS": "80"}
    nouns = ["", *sorted({path.rpartition(" ")[0] for path in PATHS} - {""})]
    return {noun: in_this_process(*noun.split(), "--help", env=env).out for noun in nouns}


@pytest.mark.parametrize("path", CALLS)
def test_its_json_is_one_object_a_line(calls: dict[str, Ran], path: str) -> None:
    """Nothing else is on stdout, and it ends as it should."""
    ran = calls[path]
    assert ran.code in OTHER_ENDS.get(path, {0}), ran.err
    assert all(isinstance(json.loads(line), dict) for line in ran.out.splitlines()), ran.out
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("path", CALLS)
def test_its_json_has_the_keys_that_its_help_names(calls: dict[str, Ran], path: str) -> None:
    """Each object is one of those that are promised: none of their keys is missing, and no other is there."""
    rows = calls[path].rows
    assert bool(rows) is (path not in SILENT)
    for row in rows:
        assert any(_fits(row, one) for one in OBJECTS[path]), (sorted(row), [str(one) for one in OBJECTS[path]])


def _fits(row: dict[str, Any], shape: Shape) -> bool:  # Any: JSON
    return row.keys() == shape.keys or (shape.is_open and row.keys() > shape.keys)


def test_a_decision_is_explained_with_the_keys_that_the_help_names(terminal: Terminal, held: str) -> None:
    """The other thing that `explain` writes."""
    *_, last = terminal.json("explain", held)
    (row,) = terminal.json("explain", last["decision"])
    assert _fits(row, OBJECTS["explain"][0]), sorted(row)


def test_a_message_that_nobody_waits_for_has_the_keys_that_the_help_names(terminal: Terminal) -> None:
    """The other thing that `send` writes."""
    (row,) = terminal.json("send", "bus.resource.claim.v1", "--from", "crm-1", "--subject", "lead/W-2", "--no-wait")
    assert _fits(row, OBJECTS["send"][1]), sorted(row)


def test_a_change_that_is_none_has_the_keys_that_the_help_names(terminal: Terminal) -> None:
    """The other thing that `set` and `suspend` write."""
    twice = [terminal.json("persons", "set", "twin", "--role", "operator") for _ in range(2)]
    assert _fits(twice[1][0], OBJECTS["persons set"][1]), twice
    suspend = ("suspend", "--agent", "procurement-1", "--reason", "a walk")
    twice = [terminal.json(*suspend) for _ in range(2)]
    terminal.json("resume", *suspend[1:])
    assert _fits(twice[1][0], OBJECTS["suspend"][1]), twice


@pytest.mark.parametrize("path", sorted(CALLS.keys() - WITHOUT_KAFKA - {"doctor"}))
def test_an_unreachable_kafka_is_said_in_one_sentence(unreachable: dict[str, Ran], path: str) -> None:
    """With the code a script can wait on, and what listens there or does not."""
    ran = unreachable[path]
    assert ran.code == 4, ran.err
    assert "nobody listens there" in ran.complaint


@pytest.fixture(scope="module")
def unreachable(nowhere_at_all: dict[str, str]) -> dict[str, Ran]:
    """Every command where nobody listens."""
    env = {**nowhere_at_all, "AGENTBUS_PERSON": "ana"}
    asked = sorted(CALLS.keys() - WITHOUT_KAFKA)
    return {path: in_this_process(*path.split(), *CALLS[path], *NOWHERE, env=env) for path in asked}


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_is_not_there_is_not_found(nowhere_at_all: dict[str, str], path: str) -> None:
    """Code 5 and one sentence, before anything is asked of Kafka."""
    env = {**nowhere_at_all, "AGENTBUS_PERSON": "ana"}
    ran = in_this_process(*path.split(), *FILES[path], *NOWHERE, env=env)
    assert ran.code == 5, ran.err
    assert "/no/such" in ran.complaint


# ---- at a terminal ------------------------------------------------------------------------------------------------

TABLES = (
    ["lanes", "ls"],
    ["agents", "ls"],
    ["persons", "ls"],
    ["contracts", "ls", "--built-in"],
    ["terms", "ls"],
    ["resources", "ls"],
    ["tail", "--from-start", "--count", "20"],
    ["doctor"],
    ["verify"],
)


def _at_terminal(columns: int, env: dict[str, str], *arguments: str) -> str:
    """What the command writes on a terminal of that width."""
    ours, theirs = pty.openpty()
    shown = b""
    try:
        process = subprocess.Popen(
            [str(COMMAND), *arguments],
            env={**env, "COLUMNS": str(columns), "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        until_s = time.monotonic() + TERMINAL_S
        while time.monotonic() < until_s and (process.poll() is None or select.select([ours], [], [], 0.1)[0]):
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 65_536)
                except OSError:  # the other end is closed
                    break
        process.wait(TERMINAL_S)
    finally:
        os.close(ours)
    return shown.decode()


WIDTHS = (80, 140)


@pytest.fixture(scope="module")
def screens(terminal: Terminal, held: str) -> dict[tuple[str, int], str]:
    """What each writes at each width, without its colours."""
    assert held
    shown = {}
    for arguments, columns in itertools.product(TABLES, WIDTHS):
        env = {**terminal.env, "COLUMNS": str(columns), "TERM": "xterm-256color"}
        ran = in_this_process(*arguments, env=env, is_terminal=True)
        shown[" ".join(arguments), columns] = ESCAPE.sub("", ran.out)
    return shown


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", [" ".join(arguments) for arguments in TABLES])
def test_nothing_wraps_at_a_terminal(screens: dict[tuple[str, int], str], command: str, columns: int) -> None:
    """No line is wider than the terminal, so that none is broken by it."""
    shown = screens[command, columns]
    assert shown.strip()
    assert [line for line in shown.splitlines() if len(line) > columns] == []


def test_colours_are_shown_unless_somebody_asks_for_none(terminal: Terminal) -> None:
    """NO_COLOR turns them off, and only it."""
    coloured = {name: value for name, value in terminal.env.items() if name != "NO_COLOR"}
    assert COLOUR.search(_at_terminal(100, coloured, "doctor"))
    assert not COLOUR.search(_at_terminal(100, {**coloured, "NO_COLOR": "1"}, "doctor"))


def test_in_a_pipe_nothing_is_shortened(terminal: Terminal) -> None:
    """What a narrow terminal shortens is whole there, whatever COLUMNS says."""
    listed = in_this_process("contracts", "ls", "--built-in", env={**terminal.env, "COLUMNS": "40"}).out
    assert "…" not in listed
    assert "logistics.quote.request.v1" in listed


@pytest.mark.parametrize("form", ["", "--json"])
def test_a_reader_that_goes_away_is_no_fault(terminal: Terminal, form: str) -> None:
    """As `| head -1` does: no traceback, no complaint, code 0."""
    command = f"{shlex.quote(str(COMMAND))} tail --from-start --count 20000 {form} | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", command], env=terminal.env, capture_output=True, text=True, timeout=TERMINAL_S, check=False
    )
    assert ran.stdout.splitlines()[-1] in ("0", "141")
    assert "Traceback" not in ran.stderr
    assert "agentbus:" not in ran.stderr
