"""Finds the contracts and terms that are kept as files, and reads them: the engine's own, and the domains' to register.

    schemas/<domain>/<entity>.<verb>/v<N>/   schema.json or schema.avsc, contract.yaml, examples/
    schemas/<domain>/terms/<resource>.yaml

In an installed package the tree is ``bus/data/schemas``, in a checkout ``schemas``. The folder names the type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

import bus
from bus.core.policy.contracts import BUILT_IN_PREFIX, Contract, JsonObject, contract_from_json

FILE_BYTES_MAX = 65_536  # what a control message can carry
BUILT_IN_DOMAIN = BUILT_IN_PREFIX.rstrip(".")
_SCHEMA_FILES: tuple[tuple[str, Literal["json", "avro"]], ...] = (("schema.json", "json"), ("schema.avsc", "avro"))


class CatalogueError(Exception):
    """A file of the tree cannot be used; the sentence says which, why and what to do."""

    def __init__(self, path: Path, sentence: str) -> None:
        self.path = path
        super().__init__(f"{path}: {sentence}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the tree holds: contracts and terms by name, as ``bus.control.set`` values; the folder of each contract."""

    contracts: Mapping[str, JsonObject]
    terms: Mapping[str, JsonObject]
    folders: Mapping[str, Path]


def catalogue_root() -> Path:
    """Where the tree is; raises CatalogueError if it was left out of the installation."""
    package = Path(bus.__file__).parent
    for root in (package / "data" / "schemas", package.parent / "schemas"):
        if (root / BUILT_IN_DOMAIN).is_dir():
            return root
    raise CatalogueError(package, "the folder of contracts is missing: install agentbus again")


def read_catalogue(root: Path | None = None, *, is_built_in: bool = False) -> Catalogue:
    """Read the domains of a tree (or the engine's own contracts); raises CatalogueError.

    Nothing is compiled here: `compile_contract` says what is wrong with a schema or a rule.
    """
    tree = root if root is not None else catalogue_root()
    if not tree.is_dir():
        raise CatalogueError(tree, "there is no such folder: name one that holds <domain>/<entity>.<verb>/v<N>")
    contracts: dict[str, JsonObject] = {}
    folders: dict[str, Path] = {}
    for description in sorted(tree.glob("*/*/v*/contract.yaml")):
        if (description.relative_to(tree).parts[0] == BUILT_IN_DOMAIN) is is_built_in:
            value = _contract_value(tree, description)
            contracts[value["contract"]["type"]] = value
            folders[value["contract"]["type"]] = description.parent
    terms = {} if is_built_in else {path.stem: _terms_value(path) for path in sorted(tree.glob("*/terms/*.yaml"))}
    return Catalogue(contracts, terms, folders)


@cache
def built_in_contracts() -> Mapping[str, Contract]:
    """The engine's own contracts (``bus.*``), all at revision 1, by type; raises CatalogueError."""
    found = read_catalogue(is_built_in=True).contracts
    return {name: contract_from_json(value, 1) for name, value in found.items()}


def _contract_value(tree: Path, description: Path) -> dict[str, Any]:  # Any: JSON
    folder = description.parent
    contract = _mapping(description)
    named = ".".join(folder.relative_to(tree).parts)
    if contract.get("type") != named:
        raise CatalogueError(description, f"the folder says {named}: write `type: {named}`, or move the folder")
    found = [(folder / name, form) for name, form in _SCHEMA_FILES if (folder / name).is_file()]
    if len(found) != 1:
        raise CatalogueError(folder, "a contract has one schema: add either schema.json or schema.avsc")
    path, form = found[0]
    return {"contract": contract, "format": form, "schema": _text(path), "ids": [], "guids": []}


def _terms_value(path: Path) -> JsonObject:
    terms = _mapping(path)
    if terms.get("resource") != path.stem:
        raise CatalogueError(path, f"the file says {path.stem}: write `resource: {path.stem}`, or rename the file")
    return terms


def _mapping(path: Path) -> dict[str, Any]:  # Any: JSON
    try:
        read = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        raise CatalogueError(path, f"not YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(read, dict):
        raise CatalogueError(path, "expected fields with values, such as `type: leads.email.send.v1`")
    return read


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > FILE_BYTES_MAX:
            raise CatalogueError(path, f"larger than {FILE_BYTES_MAX} bytes, which no control message can carry")
        return content.decode("utf-8")
    except OSError as error:
        raise CatalogueError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(path, "not UTF-8: save it as UTF-8") from error
