"""The tree of contracts is found and read, and a file that cannot be used is named with what to do."""

from pathlib import Path

import pytest

from bus.shell.catalogue import CatalogueError, built_in_contracts, read_catalogue


def _tree(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


GOOD: dict[str, str | bytes] = {
    "hr/leave.ask/v2/contract.yaml": "type: hr.leave.ask.v2\nmay: [staff]\n",
    "hr/leave.ask/v2/schema.avsc": '"string"',
    "hr/terms/desk.yaml": "resource: desk\nlease_ms: 1000\n",
    "bus/clock.wind/v1/contract.yaml": "type: bus.clock.wind.v1\n",
    "bus/clock.wind/v1/schema.json": "{}",
}


def test_a_tree_of_ones_own_is_read(tmp_path: Path) -> None:
    """Contracts and terms become what the control message that sets them carries."""
    tree = read_catalogue(_tree(tmp_path, GOOD))
    contract = {"type": "hr.leave.ask.v2", "may": ["staff"]}
    assert tree.contracts == {
        "hr.leave.ask.v2": {"contract": contract, "format": "avro", "schema": '"string"', "ids": [], "guids": []}
    }
    assert tree.terms == {"desk": {"resource": "desk", "lease_ms": 1000}}


def test_built_in_contracts_are_apart(tmp_path: Path) -> None:
    """What comes with the engine is never among what a steward sets."""
    assert list(read_catalogue(_tree(tmp_path, GOOD), is_built_in=True).contracts) == ["bus.clock.wind.v1"]
    assert not [name for name in read_catalogue().contracts if name.startswith("bus.")]
    assert {name.partition(".")[0] for name in built_in_contracts()} == {"bus"}


def test_the_domains_of_the_stories_are_there() -> None:
    """The tree that is shipped has the domains and the resource types people meet first."""
    tree = read_catalogue()
    assert {name.partition(".")[0] for name in tree.contracts} == {"leads", "deals", "orders", "logistics", "customer"}
    assert set(tree.terms) == {"lead", "deal", "supplier", "shipment"}


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({"hr/leave.ask/v2/contract.yaml": "type: hr.leave.ask.v1\n"}, "write `type: hr.leave.ask.v2`"),
        ({"hr/leave.ask/v2/contract.yaml": "- a\n"}, "expected fields"),
        ({"hr/leave.ask/v2/contract.yaml": "type: [\n"}, "not YAML"),
        ({"hr/leave.ask/v2/contract.yaml": b"\xff"}, "not UTF-8"),
        ({"hr/leave.ask/v2/schema.json": "{}"}, "one schema"),
        ({"hr/leave.ask/v2/schema.avsc": "x" * 70_000}, "no control message can carry"),
        ({"hr/terms/desk.yaml": "resource: chair\n"}, "write `resource: desk`"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, files: dict[str, str | bytes], part: str) -> None:
    """One sentence names the file, the cause and the next step."""
    with pytest.raises(CatalogueError, match="hr") as caught:
        read_catalogue(_tree(tmp_path, GOOD | files))
    assert part in str(caught.value)
    assert str(caught.value.path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A misspelt folder is an answer, and no empty catalogue."""
    with pytest.raises(CatalogueError, match="no such folder"):
        read_catalogue(tmp_path / "none")
