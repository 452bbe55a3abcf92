"""The gate's verdict on every record of one lane, computed again from the bytes, the append times and control alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from tests.acceptance.control_oracle import Contract, Registry, broken_rules
from tests.acceptance.envelope_oracle import (
    Envelope,
    has_reserved_header,
    is_too_large,
    read_envelope,
    wrong_headers,
)
from tests.acceptance.json_oracle import BadPayloadError, Violation, parse_body, pointed, violations
from tests.acceptance.wire import Json, Record, message_hash, partition_of

STALE_BEFORE_MS = 300_000
STALE_AFTER_MS = 30_000
REMEMBERED_MS = 330_000
PERSONS_LANES = ("operators", "desk")
FRAME_BYTES = 5
GUID_HEADER = "__value_schema_id"
# Reasons after which the id is not remembered (wire.md section 4).
FORMLESS = frozenset(["too_large", "bad_envelope", "reserved_header"])
FORGOTTEN = FORMLESS | {"unknown_sender", "wrong_lane", "suspended", "duplicate", "id_reuse", "stale", "expired"}
# Reasons that are charged to the lane: the answer names no agent.
BEFORE_SIGNATURE = FORMLESS | {"unknown_sender", "wrong_lane"}
PERSONS_CONTROL = "bus.control."


@dataclass(slots=True)
class Row:
    """What the gate must have written about one record, and what its answer must say."""

    record: Record
    envelope: Envelope
    verdict: str
    reason: str
    hash: str
    at_ms: int
    control: int
    partitions: list[int] = field(default_factory=list)
    contract: Contract | None = None
    body: Json = None
    violations: list[Violation] = field(default_factory=list)
    header_paths: set[str] = field(default_factory=set)
    rules: list[str] = field(default_factory=list)
    first: str = ""
    own_control: int = 0

    def as_written(self) -> Json:
        """The row in the form of a gate segment."""
        envelope = self.envelope
        ids = [envelope.source, envelope.id, self.hash, self.at_ms, self.partitions]
        return [self.record.offset, self.verdict, self.reason, *ids]

    @property
    def is_control(self) -> bool:
        """Whether this is an accepted control message."""
        return self.verdict == "forwarded" and self.envelope.type.startswith(PERSONS_CONTROL)


@dataclass(slots=True)
class GateOracle:
    """One lane's gate: the memory of ids and the time of the record before."""

    lane: str
    registry: Registry
    partitions: int
    at_ms: int = 0
    remembered: dict[tuple[str, str], tuple[int, str, str]] = field(default_factory=dict)

    def judge(self, record: Record, control: int) -> Row:
        """The row for the lane's next record, judged with this control number in force."""
        self.at_ms = max(self.at_ms, record.append_ms)
        envelope = read_envelope(record)
        row = Row(
            record,
            envelope,
            "refused",
            "",
            message_hash(record.headers, record.value),
            self.at_ms,
            control,
        )
        row.reason = self._reason(row)
        if row.reason in ("", "duplicate"):
            row.verdict = row.reason or "forwarded"
        if row.reason not in FORGOTTEN:
            known = (row.at_ms, row.hash, f"{self.lane}.{record.offset}")
            self.remembered[envelope.source, envelope.id] = known
        if row.verdict == "forwarded":
            self._forward(row)
        return row

    def _forward(self, row: Row) -> None:
        if row.is_control:
            row.partitions = list(range(self.partitions))
            row.own_control = self.registry.accept(row.body, row.envelope.type).control
        else:
            row.partitions = [partition_of(forwarded_key(row), self.partitions)]

    def _reason(self, row: Row) -> str:
        for check in (self._form, self._sender, self._repetition, self._time, self._contents, self._subject):
            reason = check(row)
            if reason:
                return reason
        return self._permission(row)

    def _form(self, row: Row) -> str:
        if is_too_large(row.record):
            return "too_large"
        wrong = wrong_headers(row.record)
        if wrong:
            row.header_paths = {f"/headers/{name}" for name in wrong}
            return "bad_envelope"
        return "reserved_header" if has_reserved_header(row.record) else ""

    def _sender(self, row: Row) -> str:
        source = row.envelope.source
        if not self.registry.is_registered(source, row.control):
            return "unknown_sender"
        bound = self.registry.lane(source, row.control)
        if self.lane != bound if row.envelope.is_agent else self.lane not in PERSONS_LANES:
            return "wrong_lane"
        return "suspended" if self.registry.is_suspended(source, row.control) else ""

    def _repetition(self, row: Row) -> str:
        key = (row.envelope.source, row.envelope.id)
        known = self.remembered.get(key)
        if known is None:
            return ""
        at_ms, hash_, decision = known
        if row.at_ms - at_ms > REMEMBERED_MS:
            del self.remembered[key]
            return ""
        row.first = decision
        return "duplicate" if hash_ == row.hash else "id_reuse"

    def _time(self, row: Row) -> str:
        said_ms = row.envelope.time_ms
        assert said_ms is not None, "the form was checked before"
        if not -STALE_BEFORE_MS <= said_ms - row.at_ms <= STALE_AFTER_MS:
            return "stale"
        expiry_ms = row.envelope.expiry_ms
        return "expired" if expiry_ms is not None and row.at_ms >= expiry_ms else ""

    def _contents(self, row: Row) -> str:
        contract = self.registry.contract(row.envelope.type, row.control)
        if contract is None:
            return "unknown_contract"
        row.contract = contract
        body = unframed(row.record, contract, row.envelope.content_type)
        if body is None:
            return "schema_mismatch"
        try:
            row.body = parse_body(body)
        except BadPayloadError:
            return "bad_payload"
        row.violations = violations(contract.schema, row.body)
        if row.violations:
            return "schema_violation"
        row.rules = broken_rules(contract, row.body, row.at_ms)
        return "rule_violation" if row.rules else ""

    def _subject(self, row: Row) -> str:
        contract, envelope = row.contract, row.envelope
        assert contract is not None, "the contract was found before"
        is_missing = contract.needs_subject and envelope.subject is None
        has_no_token = contract.is_guarded and envelope.token is None
        is_malformed = not envelope.subject_is_well_formed or not envelope.token_is_well_formed
        if is_missing or has_no_token or is_malformed:
            return "subject_mismatch"
        if contract.resource is None or envelope.subject is None:
            return ""
        resource, _, name = envelope.subject.partition("/")
        is_foreign = resource != contract.resource
        is_other_key = contract.key is not None and key_text(pointed(row.body, contract.key)) != name
        return "subject_mismatch" if is_foreign or is_other_key else ""

    def _permission(self, row: Row) -> str:
        contract, source = row.contract, row.envelope.source
        assert contract is not None, "the contract was found before"
        roles = self.registry.roles(source, row.control)
        if contract.persons_with is not None and (row.envelope.is_agent or contract.persons_with not in roles):
            return "not_allowed"
        if contract.may is not None and not set(contract.may) & set(roles):
            return "not_allowed"
        is_control = row.envelope.type.startswith(PERSONS_CONTROL)
        if is_control and self.registry.is_stale(row.body, row.envelope.type, row.control):
            return "stale_base"
        return ""


def unframed(record: Record, contract: Contract, content_type: str) -> bytes | None:
    """The body without the registry's framing; None when format or schema id are not the contract's."""
    if content_type != f"application/{contract.format}":
        return None
    named = [value for name, value in record.headers if name == GUID_HEADER]
    if named:
        guids = {b"\x01" + uuid.UUID(guid).bytes for guid in contract.guids}
        return (record.value or b"") if named[0] in guids else None
    value = record.value or b""
    if value[:1] != b"\x00":
        return value
    return value[FRAME_BYTES:] if int.from_bytes(value[1:FRAME_BYTES], "big") in contract.ids else None


def key_text(value: Json) -> str | None:
    """The id a contract's key yields: a string itself, an integer its JSON text, else nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def forwarded_key(row: Row) -> bytes:
    """The key of the forwarded record: the subject, else the source."""
    subject = None if row.is_control else row.envelope.subject
    return (subject or row.envelope.source).encode()
