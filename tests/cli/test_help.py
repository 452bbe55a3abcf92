"""Every command explains itself, quickly, and every mistake in typing is told in one sentence."""

import re
import time
from pathlib import Path

import pytest

from bus.cli.app import app
from tests.cli.conftest import Terminal, agentbus, environment

NOUNS = ("lanes", "agents", "persons", "contracts", "terms")


def _commands() -> list[list[str]]:
    found = [[command.name or ""] for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        found += [[group.name or "", command.name or ""] for command in group.typer_instance.registered_commands]
    return found


COMMANDS = _commands()


@pytest.fixture(scope="module")
def helps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command says of itself."""
    terminal = Terminal(environment(tmp_path_factory.mktemp("cache")))
    shown = {" ".join(command): terminal(*command, "--help") for command in COMMANDS}
    assert all(ran.code == 0 for ran in shown.values())
    return {name: ran.out for name, ran in shown.items()}


def test_all_that_was_promised_is_there() -> None:
    """The verbs and nouns of the first version are all commands."""
    promised = {"dev", "init", "run", "send", "tail", "suspend", "resume", "verify", *NOUNS}
    assert promised <= {path[0] for path in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_of_the_command(helps: dict[str, str], command: list[str]) -> None:
    """The example in a command's help is that command, ready to be copied."""
    assert f"Example:  agentbus {' '.join(command)}" in re.sub(r"\s*\n\s*", " ", helps[" ".join(command)])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_can_be_pointed_to_another_kafka(helps: dict[str, str], command: list[str]) -> None:
    """Whichever command it is, --bootstrap, -X, --kafka-config and --json are there."""
    assert all(option in helps[" ".join(command)] for option in ("--bootstrap", "-X", "--kafka-config", "--json"))


def test_help_is_quick(nowhere: Terminal) -> None:
    """Nothing slow is loaded for the help: the best of three tries is far below a second."""
    took_s = []
    for _ in range(3):
        began_s = time.monotonic()
        assert nowhere("--help").code == 0
        took_s.append(time.monotonic() - began_s)
    assert min(took_s) < 0.9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lanes", "ls", "--colour"], "No such option"),
        (["lanes", "paint"], "No such command"),
        (["init", "--domain", "acme"], "--steward"),
        (["lanes", "ls", "-X", "security.protocol"], "no value"),
        (["run", "--stage", "janitor"], "janitor"),
        (["run", "--http-port", "70000"], "65535"),
        (["init", "--domain", "Acme!", "--steward", "spiffe://acme/person/ana"], "no domain"),
        (["init", "--domain", "acme", "--steward", "ana"], "no person of acme"),
        (["init", "--domain", "acme", "--steward", "spiffe://acme/person/ana", "--partitions", "1"], "all partitions"),
        (["suspend", "--reason", "it loops"], "--agent ID"),
        (["agents", "rm", "sales-1", "--base", "7"], "64 hexadecimal digits"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_in_typing_is_one_sentence(nowhere: Terminal, arguments: list[str], says: str) -> None:
    """The sentence names what is wrong, and the exit code is that of wrong use."""
    ran = nowhere(*arguments)
    assert ran.code == 2
    assert says in ran.complaint
    assert ran.out == ""


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_alone_shows_its_verbs(nowhere: Terminal, noun: str) -> None:
    """Who types a noun alone is shown what can be done with it."""
    assert "ls" in nowhere(noun).out


def test_a_traceback_is_shown_only_on_request(nowhere: Terminal, tmp_path: Path) -> None:
    """AGENTBUS_DEBUG=1 shows where in the code it went wrong; without it there is the sentence alone."""
    wrong = ("contracts", "check", str(tmp_path / "none"))
    assert "Traceback" not in nowhere(*wrong).err
    assert "Traceback" in agentbus(*wrong, env={**nowhere.env, "AGENTBUS_DEBUG": "1"}).err
