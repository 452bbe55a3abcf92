"""Finds the contracts and terms that a path means, and everything that is wrong with them, without a Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject
    from bus.shell.catalogue import Catalogue


@dataclass(slots=True)
class Chosen:
    """What was found, by name, as it would be set; and the folder of each contract."""

    contracts: dict[str, "JsonObject"] = field(default_factory=dict)
    terms: dict[str, "JsonObject"] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)

    @property
    def topics(self) -> list[str]:
        """The governed topics they are admitted to."""
        return sorted({value["contract"].get("topic", "") for value in self.contracts.values()} - {""})


@dataclass(slots=True)
class Faults:
    """Everything that is wrong, a sentence each, and how many examples were tried."""

    sentences: list[str] = field(default_factory=list)
    examples: int = 0


def chosen(paths: Sequence[Path]) -> Chosen:
    """What the paths hold; raises `CommandError` if one holds nothing, `CatalogueError` if a file cannot be used."""
    found = Chosen()
    for path in paths:
        tree, below = _tree_of(path)
        held = _read(tree)
        contracts = {name: value for name, value in held.contracts.items() if _is_in(held.folders[name], below)}
        terms = {name: value for name, value in held.terms.items() if _is_in(_terms_file(tree, name), below)}
        if not contracts and not terms:
            step = "name a tree of <domain>/<entity>.<verb>/v<N> folders, a domain in it, or one such folder"
            raise CommandError(ExitCode.NOT_FOUND, f"{path} holds no contracts and no terms", step)
        found.contracts.update(contracts)
        found.terms.update(terms)
        found.folders.update({name: held.folders[name] for name in contracts})
    return found


def find_faults(found: Chosen) -> Faults:
    """Compile every contract, try every example, and judge each as the message that would set it."""
    from bus.core.policy.contracts import contract_from_json
    from bus.shell.example_check import try_examples
    from bus.shell.validation import ContractError, compile_contract

    faults = Faults()
    for name, value in found.contracts.items():
        try:
            compiled = compile_contract(contract_from_json(value, 1))
        except ContractError as error:
            faults.sentences += [f"{name}: {one.path} {one.message}; {one.hint}" for one in error.violations]
            continue
        try:
            for tried in try_examples(compiled, found.folders[name]):
                faults.examples += 1
                if not tried.is_as_said:
                    wanted, came = tried.example.reason or "accepted", tried.reason or "accepted"
                    why = "".join(f"; {one.path} {one.message}" for one in tried.violations[:1])
                    faults.sentences.append(f"{tried.example.path}: should be {wanted}, is {came}{why}")
        except ValueError as error:
            faults.sentences.append(str(error))
    faults.sentences += refused_settings("contract", found.contracts)
    if wrong := refused_settings("terms", found.terms):
        faults.sentences += wrong
    else:
        faults.sentences += _impossible(found.terms)
    return faults


def _impossible(terms: Mapping[str, "JsonObject"]) -> list[str]:
    """What in terms of the right form cannot work."""
    from bus.cli.terms_check import check
    from bus.core.policy.terms import terms_from_json

    found = {name: check(terms_from_json(value, 1)).errors for name, value in terms.items()}
    return [f"{name}: {one.field} {one.sentence}; {one.hint}" for name, errors in found.items() for one in errors]


def refused_settings(kind: str, values: Mapping[str, "JsonObject"]) -> list[str]:
    """What the contract of `bus.control.set.v1` itself would say."""
    from bus.core.log.records import canonical
    from bus.shell.catalogue import built_in_contracts
    from bus.shell.example_check import ARRIVAL_MS
    from bus.shell.validation import Rejected, compile_contract

    control = compile_contract(built_in_contracts()["bus.control.set.v1"])
    sentences = []
    for name, value in values.items():
        answer = control.judge(
            canonical({"kind": kind, "name": name, "value": value, "base": None}),
            content_type="application/json",
            dataschema="",
            schema_id_headers=[],
            subject="",
            source="",
            at=ARRIVAL_MS,
        )
        if isinstance(answer, Rejected):
            sentences += [f"{name}: {one.path} {one.message}; {one.hint}" for one in answer.violations]
    return sentences


def _tree_of(path: Path) -> tuple[Path, Path]:
    """The root of the tree the path is in, and the part of it that is meant."""
    below = path.expanduser().resolve()
    if not below.exists():
        raise CommandError(ExitCode.NOT_FOUND, f"there is no {path}", "check the path")
    if (below / "contract.yaml").is_file():
        return below.parents[2], below
    if any(below.glob("v*/contract.yaml")):
        return below.parents[1], below
    if any(below.glob("*/v*/contract.yaml")) or any(below.glob("terms/*.yaml")):
        return below.parent, below
    return below, below


def _read(tree: Path) -> "Catalogue":
    from bus.shell.catalogue import read_catalogue

    return read_catalogue(tree)


def _terms_file(tree: Path, name: str) -> Path:
    return next(tree.glob(f"*/terms/{name}.yaml"))


def _is_in(path: Path, below: Path) -> bool:
    return path == below or below in path.parents
