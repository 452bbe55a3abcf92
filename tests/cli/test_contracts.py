"""Contracts are checked before any Kafka sees them, and applied only where they differ."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal

ROOT = Path(__file__).parents[2]
LEADS = ROOT / "schemas" / "leads"
POSTCARD = {
    "contract.yaml": "type: post.card.send.v1\nowner: spiffe://acme/person/ana\ntopic: postcards\n",
    "schema.json": json.dumps({"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}),
    "examples/valid/one.json": '{"text": "wish you were here"}',
    "examples/invalid/schema_violation-no-text.json": "{}",
}


def _tree(folder: Path, **changed: str) -> Path:
    """A tree with one contract; `changed` replaces a file, named with double underscores for slashes."""
    for name, text in {**POSTCARD, **{name.replace("__", "/"): text for name, text in changed.items()}}.items():
        path = folder / "post" / "card.send" / "v1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "path", [ROOT / "schemas", LEADS, LEADS / "email.send", LEADS / "email.send" / "v1"], ids=lambda path: path.name
)
def test_what_comes_with_the_bus_is_in_order(nowhere: Terminal, path: Path) -> None:
    """The tree, a domain, a type or one version of it: check finds it and nothing wrong with it."""
    ran = nowhere("contracts", "check", str(path))
    assert ran.code == 0, ran.err
    assert "all in order" in ran.out


def test_an_example_that_does_not_do_what_it_says_is_a_fault(nowhere: Terminal, tmp_path: Path) -> None:
    """A valid example that is refused is named, with the reason and the place."""
    tree = _tree(tmp_path, **{"examples__valid__two.json": '{"text": 7}'})
    ran = nowhere("contracts", "check", str(tree))
    assert ran.code == 3
    assert "two.json: should be accepted, is schema_violation; /text" in ran.out


def test_a_schema_that_cannot_be_compiled_is_a_fault(nowhere: Terminal, tmp_path: Path) -> None:
    """A broken pattern is told with its place in the contract."""
    broken = json.dumps({"type": "object", "properties": {"text": {"type": "string", "pattern": "["}}})
    ran = nowhere("contracts", "check", str(_tree(tmp_path, **{"schema.json": broken})), "--json")
    assert ran.code == 3
    assert any("post.card.send.v1: /schema" in fault for fault in ran.rows[0]["faults"])


def test_a_setting_the_bus_would_refuse_is_a_fault(nowhere: Terminal, tmp_path: Path) -> None:
    """What `bus.control.set.v1` itself would say is said before anything is sent."""
    into_the_bus = POSTCARD["contract.yaml"].replace("postcards", "bus.postcards")
    ran = nowhere("contracts", "check", str(_tree(tmp_path, **{"contract.yaml": into_the_bus})))
    assert ran.code == 3
    assert "post.card.send.v1: " in ran.out


def test_a_folder_that_names_another_type_is_one_sentence(nowhere: Terminal, tmp_path: Path) -> None:
    """The folder and the file must agree; which file is wrong is in the sentence."""
    other = POSTCARD["contract.yaml"].replace("card.send", "card.burn")
    ran = nowhere("contracts", "check", str(_tree(tmp_path, **{"contract.yaml": other})))
    assert ran.code == 2
    assert "contract.yaml" in ran.complaint


def test_an_empty_folder_holds_nothing(nowhere: Terminal, tmp_path: Path) -> None:
    """Who names the wrong folder is told what a right one looks like."""
    ran = nowhere("contracts", "check", str(tmp_path))
    assert ran.code == 5
    assert "<domain>/<entity>.<verb>/v<N>" in ran.complaint


def test_contracts_with_faults_are_not_applied(nowhere: Terminal, tmp_path: Path) -> None:
    """Nothing is sent, not even asked for a Kafka, before all is in order."""
    ran = nowhere("contracts", "apply", str(_tree(tmp_path, **{"examples__valid__two.json": "{}"})))
    assert ran.code == 3
    assert "nothing was set" in ran.complaint


def test_a_contract_needs_its_topic(terminal: Terminal, tmp_path: Path) -> None:
    """Governed topics are their owners'; without one the bus refuses, with --create-topics it is made."""
    tree = str(_tree(tmp_path))
    ran = terminal("contracts", "apply", tree)
    assert ran.code == 3
    assert "topic postcards does not exist" in ran.err
    made = terminal("contracts", "apply", tree, "--create-topics", "2")
    assert made.code == 0, made.err
    assert "contract post.card.send.v1 is set, revision 1" in made.out


def test_applying_again_changes_nothing(terminal: Terminal, tmp_path: Path) -> None:
    """Only what differs from what is in force is sent."""
    tree = tmp_path / "tree"
    shutil.copytree(LEADS, tree / "leads")
    assert terminal("contracts", "apply", str(tree)).code == 0
    again = terminal("contracts", "apply", str(tree))
    assert again.out == ""
    assert "0 set" in again.err


def test_half_of_it_applied_is_said_to_be_half(terminal: Terminal, tmp_path: Path) -> None:
    """What was set before the refusal stays in force, and is said to; applying the corrected whole skips it."""
    tree = _tree(
        tmp_path, **{"contract.yaml": POSTCARD["contract.yaml"].replace("topic: postcards", "topic: telegrams")}
    )
    shutil.move(tree / "post" / "card.send", tree / "post" / "wire.send")
    wire = tree / "post" / "wire.send" / "v1" / "contract.yaml"
    wire.write_text(wire.read_text(encoding="utf-8").replace("card.send", "wire.send"), encoding="utf-8")
    plain = POSTCARD["contract.yaml"].replace("topic: postcards\n", "").replace("card.send", "letter.send")
    _tree(tmp_path, **{"contract.yaml": plain})
    shutil.move(tree / "post" / "card.send", tree / "post" / "letter.send")
    ran = terminal("contracts", "apply", str(tree))
    assert ran.code == 3
    assert "contract post.wire.send.v1 was refused as rule_violation" in ran.complaint
    assert "1 set before it stay in force" in ran.complaint
    made = terminal("contracts", "apply", str(tree), "--create-topics", "1")
    assert (made.code, "1 set, 1 in force already" in made.err) == (0, True)
