"""A real bash completes commands, options and the names in force."""

import shlex
import subprocess

import pytest

from tests.cli.conftest import COMMAND, Terminal, in_this_process

TERMINAL_S = 30.0


def _completed(env: dict[str, str], *words: str) -> list[str]:
    """What a real bash offers for the last word."""
    script = f"""
        source <({shlex.quote(str(COMMAND))} completion bash)
        COMP_WORDS=({" ".join(shlex.quote(word) for word in ("agentbus", *words))}); COMP_CWORD={len(words)}
        $(complete -p agentbus | sed 's/.*-F \\([^ ]*\\).*/\\1/') agentbus
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    with_path = {**env, "PATH": f"{COMMAND.parent}:{env['PATH']}"}
    ran = subprocess.run(
        ["bash", "--norc", "-c", script], env=with_path, capture_output=True, text=True, timeout=TERMINAL_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def _offered(env: dict[str, str], *words: str) -> list[str]:
    """What is offered to a bash that asks; nothing else may be said at the tab key."""
    asked = {
        "_AGENTBUS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("agentbus", *words)),
        "COMP_CWORD": str(len(words)),
    }
    ran = in_this_process(env={**env, **asked})
    assert (ran.code, ran.err) == (0, "")
    return ran.out.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["la"], ["lanes"]),
        (["lanes", ""], ["ls", "set", "rm"]),
        (["verify", "--o"], ["--only"]),
        (["run", "--stage", "ar"], ["arbiter"]),
        (["completion", "z"], ["zsh"]),
    ],
    ids=" ".join,
)
def test_bash_completes(nowhere: Terminal, words: list[str], offered: list[str]) -> None:
    """Commands, verbs, options and the words that an option takes."""
    assert _offered(nowhere.env, *words) == offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["lanes", "rm", "su"], ["support"]),
        (["agents", "set", "x", "--lane", "cr"], ["crm"]),
        (["send", "leads.email", "--from", "sales-"], ["sales-1", "sales-2"]),
        (["send", "leads.note"], ["leads.note.add.v1"]),
        (["terms", "show", "le"], ["lead"]),
        (["suspend", "--as", "be"], ["ben"]),
    ],
    ids=" ".join,
)
def test_bash_completes_names_in_force(terminal: Terminal, words: list[str], offered: list[str]) -> None:
    """Lanes, agents, types, terms and persons of the bus that the command would mean."""
    assert set(offered) <= set(_offered(terminal.env, *words))


@pytest.mark.parametrize("words", [["lanes", ""], ["verify", "--o"], ["lanes", "rm", "su"]], ids=" ".join)
def test_a_real_bash_shows_what_is_offered_to_it(terminal: Terminal, words: list[str]) -> None:
    """The script that bash runs asks in the way in which the tests above ask."""
    assert _completed(terminal.env, *words) == _offered(terminal.env, *words)


def test_no_bus_is_no_complaint_at_the_tab_key(nowhere: Terminal) -> None:
    """Nothing is offered, and nothing is said."""
    assert _offered({**nowhere.env, "AGENTBUS_BOOTSTRAP": "127.0.0.1:1"}, "lanes", "rm", "su") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(nowhere: Terminal, shell: str) -> None:
    """Printed, so that it can be put where the shell looks."""
    ran = nowhere("completion", shell)
    assert (ran.code, "agentbus" in ran.out) == (0, True)
