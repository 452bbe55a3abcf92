"""Gather the basis of a gate's decision: everything it may use, looked up before it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bus.core.decision.reasons import GateReason as Why
from bus.core.gate import GateBasis, Refusal
from bus.core.log.records import Record
from bus.core.log.routing import partition_of
from bus.core.log.topics import OPERATORS_LANE, PERSON_LANES
from bus.core.message.arrivals import CONTROL_PREFIX, control_wish
from bus.core.message.envelope import BadEnvelope, Envelope, message_hash, read_envelope, readable
from bus.core.policy.contracts import Contract, Violation
from bus.core.policy.control import SUSPENDED, Change, Registry
from bus.shell.control_checks import check_change
from bus.shell.validation import CompiledContract, Rejected, compile_contract, pointer_value

COMPILED_MAX = 1024  # contracts in use at once; the oldest is compiled again if it comes back
INTEGER_MAX = 2**53 - 1
FACT_CHARACTERS_MAX = 256
_WITH_SUBJECT = ("bus.resource.", "bus.contest.", "bus.case.", "bus.agent.", "bus.action.")
_NOT_BY_ROLE = ("bus.contest.", "bus.case.")
# The gates of a process judge by the same contracts, and compiling one takes as long as judging a thousand messages.
_compile = lru_cache(maxsize=COMPILED_MAX)(compile_contract)


@dataclass(slots=True)
class Gatherer:
    """Looks up sender and contract in a registry and checks the body; keeps compiled contracts.

    ``topic_exists`` is asked by the operators' gate alone: what is set there must not name a topic that is missing.
    """

    lane: str
    topic_exists: Callable[[str], bool]
    _compiled: dict[str, CompiledContract] = field(default_factory=dict)

    def gather(self, record: Record, at: int, registry: Registry, *, was_forwarded: bool = False) -> GateBasis:
        """The basis for one record that arrived at ``at`` (ms), under what is in force in ``registry``.

        ``was_forwarded``: the journal says that it passed. Only what the broker was asked then is not asked again.
        """
        envelope = read_envelope(record)
        if isinstance(envelope, BadEnvelope):
            names = ("ce_source", "ce_id", "ce_type", "ce_subject")
            source, identifier, kind, subject = (readable(record.headers, name) for name in names)
            refusal = Refusal(envelope.reason, _counted(envelope.violations), envelope.violations)
            return GateBasis(source, identifier, kind, subject, message_hash(record), early=refusal)
        basis = _Draft(record, envelope, at, registry, self, was_forwarded)
        early = basis.early()
        later = None if early else basis.later()
        return GateBasis(
            source=envelope.source,
            id=envelope.id,
            type=envelope.type,
            subject=envelope.subject,
            hash=message_hash(record),
            envelope=envelope,
            early=early,
            later=later,
            contract=basis.contract,
            values=basis.values,
            change=basis.change,
            partitions=() if early or later else basis.partitions(),
            shadowed=basis.shadowed,
        )

    def compiled(self, contract: Contract) -> CompiledContract:
        """The compiled form of a contract that was checked when it was set."""
        found = self._compiled.get(contract.type)
        if found is None or found.contract is not contract:
            if len(self._compiled) >= COMPILED_MAX:
                del self._compiled[next(iter(self._compiled))]
            found = self._compiled[contract.type] = _compile(contract)
        return found


@dataclass(slots=True)
class _Draft:
    """One message on its way through the checks, in the order of the reasons."""

    record: Record
    envelope: Envelope
    at: int
    registry: Registry
    gatherer: Gatherer
    was_forwarded: bool
    contract: Contract | None = None
    change: Change | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    shadowed: tuple[str, ...] = ()

    def early(self) -> Refusal | None:
        """Unknown sender, wrong lane, suspended."""
        source, lane = self.envelope.source, self.gatherer.lane
        self.contract = self.registry.contract(self.envelope.type)
        if not self.registry.is_registered(source):
            return Refusal(Why.UNKNOWN_SENDER, f"{source} is not registered: a steward registers it")
        if lane not in self.registry.lanes:
            return Refusal(Why.UNKNOWN_SENDER, f"lane {lane} is no longer set: a steward sets it")
        allowed = lane in PERSON_LANES if self.envelope.is_person else lane == self.registry.lane_of(source)
        if not allowed:
            right = " or ".join(PERSON_LANES) if self.envelope.is_person else self.registry.lane_of(source)
            return Refusal(Why.WRONG_LANE, f"{source} sends on lane {right}, not on {lane}")
        if name := self.registry.suspension_of(source):
            return Refusal(Why.SUSPENDED, f"{name} is suspended; an operator lifts it")
        return None

    def later(self) -> Refusal | None:
        """Contract, body, subject, authority, base of a change."""
        if self.contract is None:
            return Refusal(Why.UNKNOWN_CONTRACT, f"no contract is in force for {self.envelope.type}")
        compiled, ids = self.gatherer.compiled(self.contract), _schema_ids(self.record)
        judged = compiled.judge(
            self.record.value,
            content_type=self.envelope.content_type,
            dataschema=self.envelope.dataschema,
            schema_id_headers=ids,
            subject=self.envelope.subject,
            source=self.envelope.source,
            at=self.at,
        )
        body = compiled.read(self.record.value, schema_id_headers=ids) if isinstance(judged, Rejected) else judged.body
        if isinstance(judged, Rejected) and judged.reason is not Why.RULE_VIOLATION:
            return _refusal(judged.reason, judged.violations)
        if wrong := self._values(body, self.contract):
            return wrong
        if isinstance(judged, Rejected):
            return _refusal(judged.reason, judged.violations)
        self.shadowed = judged.shadowed
        is_control = self.envelope.type.startswith(CONTROL_PREFIX)
        may = _may(self.envelope, self.contract, self.registry, self.gatherer.lane)
        # Compiling a contract and asking for topics is work: only for whom it may come into force by.
        if is_control and may and (wrong := self._wish(body)):
            return wrong
        if wrong := self._subject(body, self.contract):
            return wrong
        if not may:
            return Refusal(Why.NOT_ALLOWED, _who_may(self.contract, self.registry, self.envelope))
        return self._base(body) if is_control else None

    def partitions(self) -> tuple[int, ...]:
        """Where the message goes: a change everywhere, anything else by its subject, else its source."""
        count = self.registry.genesis.partitions
        if self.change is not None:
            return tuple(range(count))
        return (partition_of(self.envelope.subject or self.envelope.source, count),)

    def _values(self, body: Any, contract: Contract) -> Refusal | None:  # Any: a decoded body
        values: dict[str, object] = {}
        if contract.cost:
            cost = pointer_value(body, contract.cost)
            if not isinstance(cost, int | float) or not _is_integer(cost):
                return _bad_value(contract.cost, "cost", "is an integer in the smallest unit")
            values["cost"] = int(cost)
        if contract.fact is not None:
            value = pointer_value(body, contract.fact.pointer)
            if not (isinstance(value, bool) or _is_integer(value) or _is_short_text(value)):
                return _bad_value(contract.fact.pointer, "fact", "is a short text, an integer or true or false")
            values["fact"] = {contract.fact.name: int(value) if type(value) is float else value}
        self.values = values
        return None

    def _subject(self, body: Any, contract: Contract) -> Refusal | None:  # Any: a decoded body
        envelope = self.envelope
        wrong = list(envelope.subject_violations)
        kind, _, identifier = envelope.subject.partition("/")
        is_malformed = bool(wrong) and any(v.path == "/headers/ce_subject" for v in wrong)
        needs = bool(contract.resource) or contract.type.startswith(_WITH_SUBJECT)
        if needs and not envelope.subject and not is_malformed:
            wrong.append(_header("ce_subject", "required", "is missing", "name <resource type>/<id>"))
        elif contract.resource and envelope.subject and kind != contract.resource:
            hint = f"name {contract.resource}/<id>"
            wrong.append(_header("ce_subject", "resource", f"is no {contract.resource}", hint))
        elif contract.key and envelope.subject and not _is_key(pointer_value(body, contract.key), identifier):
            text = f"names another {kind} than {contract.key} of the body"
            hint = f"name the same {kind} in both; under a lease, put the id of what it holds at {contract.key}"
            wrong.append(_header("ce_subject", "key", text, hint))
        if contract.guard and envelope.token is None and not any(v.path.endswith("bustoken") for v in wrong):
            hint = "send the token of your grant"
            wrong.append(_header("ce_bustoken", "required", "is missing: the action is guarded", hint))
        return _refusal(Why.SUBJECT_MISMATCH, tuple(sorted(wrong))) if wrong else None

    def _wish(self, body: Any) -> Refusal | None:  # Any: a decoded body
        wish = control_wish(self.envelope.type, body)
        if wish.kind == SUSPENDED or self.was_forwarded:
            return None
        wrong = check_change(wish, self.registry, self.gatherer.topic_exists)
        return _refusal(Why.RULE_VIOLATION, wrong) if wrong else None

    def _base(self, body: Any) -> Refusal | None:  # Any: a decoded body
        wish = control_wish(self.envelope.type, body)
        if wish.kind != SUSPENDED:
            current = self.registry.hashes.get((wish.kind, wish.name))
            if wish.base != current:
                return Refusal(Why.STALE_BASE, f"{wish.kind}/{wish.name} is at base {current or 'null'}: read it again")
        elif wish.value is None and wish.name not in self.registry.suspended:
            return Refusal(Why.STALE_BASE, f"nothing is suspended under {wish.name}")
        self.change = self.registry.next_change(wish.kind, wish.name, wish.value)
        return None


def _may(envelope: Envelope, contract: Contract, registry: Registry, lane: str) -> bool:
    if contract.type.startswith(CONTROL_PREFIX) and lane != OPERATORS_LANE:
        return False
    if contract.type.startswith(_NOT_BY_ROLE):
        return True
    if contract.sender != "any" and (contract.sender == "person") != envelope.is_person:
        return False
    roles = registry.roles(envelope.source)
    if contract.fact is not None and contract.fact.role not in roles:
        return False
    return contract.may is None or not roles.isdisjoint(contract.may)


def _who_may(contract: Contract, registry: Registry, envelope: Envelope) -> str:
    who = {"any": "a sender", "agent": "an agent", "person": "a person"}[contract.sender]
    wanted = sorted({*(contract.may or ()), *((contract.fact.role,) if contract.fact else ())})
    has = ", ".join(sorted(registry.roles(envelope.source))) or "none"
    where = " by the operators lane" if contract.type.startswith(CONTROL_PREFIX) else ""
    roles = f" with role {' or '.join(wanted)}" if wanted else ""
    return f"{contract.type} is for {who}{roles}{where}; {envelope.source} has roles: {has}"


def _counted(violations: tuple[Violation, ...]) -> str:
    if not violations:
        return ""
    first = violations[0]
    place = f"{first.path}: " if first.path else ""
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    return f"{place}{first.message}{more}"


def _refusal(reason: Why, violations: tuple[Violation, ...]) -> Refusal:
    return Refusal(reason, _counted(violations), violations)


def _schema_ids(record: Record) -> list[bytes]:
    return [value or b"" for name, value in record.headers if name == "__value_schema_id"]


def _header(name: str, keyword: str, message: str, hint: str) -> Violation:
    return Violation(f"/headers/{name}", keyword, "", f"header {name} {message}"[:200], hint)


def _bad_value(pointer: str, keyword: str, rule: str) -> Refusal:
    violation = Violation(pointer, keyword, "", f"the {keyword} at {pointer} {rule}", "send it as the contract says")
    return Refusal(Why.SCHEMA_VIOLATION, violation.message, (violation,))


def _is_integer(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer() and abs(value) <= INTEGER_MAX
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INTEGER_MAX


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= FACT_CHARACTERS_MAX


def _is_key(value: object, identifier: str) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value) == identifier
