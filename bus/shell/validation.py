"""Judges a body by its contract: the schema named, the bytes, the schema, the rules, in this order.

    schema_mismatch -> bad_payload -> schema_violation (all of it) -> rule_violation (all rules) -> Accepted

A contract is compiled once, when it is registered or comes into force; what cannot be compiled cannot be set.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bus.core.decision.reasons import GateReason
from bus.core.policy.contracts import Contract, Violation, shortened
from bus.shell.avro import AvroBodies, compile_avro
from bus.shell.bodies import Readable, Unreadable, read_json
from bus.shell.framing import misnamed_schema, unframed
from bus.shell.json_schema import JsonSchema, compile_json_schema
from bus.shell.rules import CompiledRules, compile_rules

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class ContractError(Exception):
    """A contract that cannot be put in force; ``violations`` point into the control value (``/schema/…``)."""

    def __init__(self, ref: str, violations: Sequence[Violation]) -> None:
        self.violations = shortened(list(violations))
        first = self.violations[0]
        super().__init__(f"{ref} cannot be used: {first.path} {first.message}; {first.hint}")


class Accepted(NamedTuple):
    """A body in order. ``shadowed`` are the ids of the shadow rules it would have broken."""

    body: Any  # any JSON value
    shadowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The first check that failed, and everything it found."""

    reason: GateReason
    violations: tuple[Violation, ...]


class Absent:
    """What a pointer finds where nothing is; null is something."""


ABSENT: Final = Absent()


class CompiledContract:
    """A contract ready to judge bodies; made by `compile_contract`."""

    def __init__(self, contract: Contract, form: JsonSchema | AvroBodies, rules: CompiledRules) -> None:
        self.contract = contract
        self._form = form
        self._rules = rules

    def judge(
        self,
        value: bytes | None,
        *,
        content_type: str,
        dataschema: str,
        schema_id_headers: Sequence[bytes],
        subject: str,
        source: str,
        at: int,
    ) -> Accepted | Rejected:
        """Judge the bytes of one message; ``at`` in epoch milliseconds, "" for headers that are absent."""
        misnamed = misnamed_schema(
            self.contract, content_type=content_type, dataschema=dataschema, schema_id_headers=schema_id_headers
        )
        if misnamed:
            return Rejected(GateReason.SCHEMA_MISMATCH, shortened(misnamed))
        body = unframed(self.contract, value, is_named_in_header=bool(schema_id_headers))
        if isinstance(body, Violation):
            return Rejected(GateReason.SCHEMA_MISMATCH, (body,))
        read = self._read(body)
        if isinstance(read, Unreadable):
            return Rejected(GateReason.BAD_PAYLOAD, read.violations)
        if isinstance(self._form, JsonSchema) and (violations := self._form.violations(read.value)):
            return Rejected(GateReason.SCHEMA_VIOLATION, shortened(violations))
        judgement = self._rules.judge(read.value, at=at, subject=subject, source=source)
        if judgement.violations:
            return Rejected(GateReason.RULE_VIOLATION, shortened(list(judgement.violations)))
        return Accepted(read.value, judgement.shadowed)

    def read(self, value: bytes | None, *, schema_id_headers: Sequence[bytes]) -> Any:  # Any: a JSON value
        """The body of a message that was accepted before, without judging it again; ABSENT if it cannot be read."""
        body = unframed(self.contract, value, is_named_in_header=bool(schema_id_headers))
        read = self._read(body) if not isinstance(body, Violation) else None
        return read.value if isinstance(read, Readable) else ABSENT

    def _read(self, body: bytes | None) -> Readable | Unreadable:
        return self._form.read(body) if isinstance(self._form, AvroBodies) else read_json(body)


def compile_contract(contract: Contract) -> CompiledContract:
    """Prepare a contract; raises ContractError with everything that is wrong with its schema, pointers and rules."""
    form = compile_avro(contract.schema) if contract.format == "avro" else compile_json_schema(contract.schema)
    if isinstance(form, list):
        raise ContractError(contract.ref, form)
    rules = compile_rules(contract.rules, form.fields)
    is_closed = isinstance(form, AvroBodies) or form.is_closed
    wrong = _misleading_pointers(contract, form.fields, is_closed=is_closed)
    wrong += rules if isinstance(rules, list) else []
    if wrong or isinstance(rules, list):
        raise ContractError(contract.ref, wrong)
    return CompiledContract(contract, form, rules)


def pointer_value(body: Any, pointer: str) -> Any | Absent:  # Any: JSON values
    """What an RFC 6901 pointer finds in a body, or ABSENT; "" is the whole body."""
    found = body
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and _INDEX.fullmatch(name) and int(name) < len(found):
            found = found[int(name)]
        else:
            return ABSENT
    return found


def _misleading_pointers(contract: Contract, fields: frozenset[str], *, is_closed: bool) -> list[Violation]:
    pointers = {"key": contract.key, "cost": contract.cost}
    if contract.fact is not None:
        pointers["fact/pointer"] = contract.fact.pointer
    wrong = []
    for name, pointer in pointers.items():
        first = pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
        if not _POINTER.fullmatch(pointer):
            message, hint = "not a JSON pointer", "write /field or /object/field (RFC 6901)"
        elif pointer and is_closed and first not in fields:
            message, hint = "points to a field the schema does not have", f"the fields are {', '.join(sorted(fields))}"
        else:
            continue
        wrong.append(Violation(f"/contract/{name}", "pointer", "", message, hint))
    return wrong
