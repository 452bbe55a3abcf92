"""Every command explains itself, quickly, and every mistake in typing is told in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from bus.cli.app import app
from tests.cli.conftest import Terminal, agentbus

NOUNS = ("lanes", "agents", "persons", "contracts", "terms", "topics", "acls", "resources", "cases")


SLOW = {"rich", "confluent_kafka", "pydantic", "bus.shell.kafka", "bus.dev", "jsonschema", "structlog"}


def test_all_that_was_promised_is_there() -> None:
    """The verbs and nouns are all commands."""
    promised = {
        "demo",
        "dev",
        "init",
        "run",
        "send",
        "tail",
        "suspend",
        "resume",
        "verify",
        "doctor",
        "explain",
        *NOUNS,
    }
    assert promised | set(NOUNS) <= set(get_command(app).commands)  # type: ignore[attr-defined]  # a group has them


def test_help_is_quick() -> None:
    """Nothing slow is loaded for it: neither Kafka's client nor what draws and checks."""
    code = """
import sys
from bus.cli.app import main
sys.argv = ["agentbus", "--help"]
try:
    main()
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "Look into it" in ran.stdout
    assert SLOW & set(ran.stderr.split()) == set()


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
    assert "Commands:" in nowhere(noun).out


def test_a_traceback_is_shown_only_on_request(nowhere: Terminal, tmp_path: Path) -> None:
    """AGENTBUS_DEBUG=1 shows where in the code it went wrong; without it there is the sentence alone."""
    wrong = ("contracts", "check", str(tmp_path / "none"))
    assert "Traceback" not in nowhere(*wrong).err
    assert "Traceback" in agentbus(*wrong, env={**nowhere.env, "AGENTBUS_DEBUG": "1"}).err
