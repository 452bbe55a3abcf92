"""The world the rule tests play in: who there is, what they may say, and the records they leave on Kafka."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.core.log.records import Headers, Record
from bus.core.policy.control import Change, Genesis, Registry
from bus.shell.catalogue import built_in_contracts

START_MS = 1_795_255_200_000  # second 0 of every script: 2026-11-21T10:00:00Z
PARTITIONS = 4
GEN = 1
DOMAIN = "spiffe://acme"
ANA = f"{DOMAIN}/person/ana"
AGENTS = {
    "sales": ["sales"],
    "support": ["support"],
    "legal": ["legal"],
    "triage": ["triage"],
    "crm": ["crm"],
}
MAIL = "leads.email.send.v1"
NOTE = "leads.note.add.v1"
PING = "leads.ping.send.v1"
STAGE = "leads.lead.stage.v1"
SCORE = "leads.lead.score.v1"
CALL = "leads.call.make.v1"

_TEXT = {"type": "string", "maxLength": 200}
_MAIL_SCHEMA = {
    "type": "object",
    "required": ["lead_id"],
    "properties": {"lead_id": _TEXT, "to": _TEXT, "cost_cents": {"type": "integer"}, "words": {"type": "integer"}},
    "additionalProperties": False,
}
_OPEN_SCHEMA: dict[str, Any] = {"type": "object"}


def contract_value(kind: str, schema: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The value a steward sets for a contract."""
    return {"contract": {"type": kind, **more}, "format": "json", "schema": json.dumps(schema), "ids": [], "guids": []}


CONTRACTS = {
    MAIL: contract_value(
        MAIL,
        _MAIL_SCHEMA,
        topic="leads",
        resource="lead",
        key="/lead_id",
        guard=True,
        may=["sales", "support"],
        rules=[{"id": "short", "when": "words != null && words > 100", "do": "refuse", "say": "at most 100 words"}],
    ),
    NOTE: contract_value(NOTE, _OPEN_SCHEMA, topic="leads"),
    PING: contract_value(PING, _OPEN_SCHEMA),
    STAGE: contract_value(
        STAGE, _OPEN_SCHEMA, resource="lead", fact={"name": "stage", "pointer": "/value", "role": "crm"}
    ),
    SCORE: contract_value(
        SCORE, _OPEN_SCHEMA, resource="lead", topic="leads", fact={"name": "score", "pointer": "/value", "role": "crm"}
    ),
    CALL: contract_value(CALL, _OPEN_SCHEMA, resource="lead", topic="leads", guard=True, review={"seats": ["legal"]}),
    "deals.close.send.v1": contract_value(
        "deals.close.send.v1", _OPEN_SCHEMA, resource="lead", topic="deals", guard=True, cost="/cost"
    ),
}


def agent(name: str) -> str:
    """The id of an agent by its short name."""
    return f"{DOMAIN}/agent/{name}"


def genesis() -> Genesis:
    """Control number 0 of this world: one steward, who is an operator as well."""
    return Genesis(GEN, "acme", PARTITIONS, (ANA,))


def changes() -> list[Change]:
    """What was set before a script begins: a lane for each agent, and all contracts; no terms."""
    wishes: list[tuple[str, str, Any]] = [("lane", name, {"principal": f"User:{name}"}) for name in AGENTS]
    wishes += [("agent", agent(name), {"lane": name, "roles": roles, "owner": ANA}) for name, roles in AGENTS.items()]
    wishes += [("contract", name, value) for name, value in CONTRACTS.items()]
    return [Change(number, kind, name, 1, value) for number, (kind, name, value) in enumerate(wishes, start=1)]


def registry() -> Registry:
    """Everything in force when a script begins."""
    made = Registry(genesis(), built_in_contracts())
    for change in changes():
        made = made.apply(change)
    return made


def wire_time(ms: int) -> str:
    """A time as ``ce_time`` has it."""
    seconds, rest = divmod(ms, 1000)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    return f"{_date(days)}T{hours:02}:{seconds // 60:02}:{seconds % 60:02}.{rest:03}Z"


def _date(days: int) -> str:
    from datetime import date  # only for the calendar; no clock is asked

    return date.fromordinal(date(1970, 1, 1).toordinal() + days).isoformat()


def spoken(
    kind: str,
    *,
    source: str,
    identifier: str,
    at_ms: int,
    subject: str = "",
    token: str = "",
    expires_ms: int | None = None,
) -> dict[str, str]:
    """The headers a sender writes, in their order."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": identifier,
        "ce_source": source,
        "ce_type": kind,
        "ce_time": wire_time(at_ms),
        "content-type": "application/json",
    }
    if subject:
        headers["ce_subject"] = subject
    if token:
        headers["ce_bustoken"] = token
    if expires_ms is not None:
        headers["ce_expirytime"] = wire_time(expires_ms)
    return headers


def encoded(headers: Mapping[str, str]) -> Headers:
    """Headers as Kafka has them."""
    return tuple((name, value.encode()) for name, value in headers.items())


@dataclass(slots=True)
class ArbiterLog:
    """``bus.arbiter`` of one partition as the gates write it: every record names its lane's one before."""

    contract_revisions: dict[str, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    _sent: dict[str, int] = field(default_factory=dict)
    _prev: dict[str, str] = field(default_factory=dict)

    def append(self, value: bytes | None, headers: Headers, timestamp_ms: int) -> Record:
        """Append any record at all."""
        record = Record("bus.arbiter", 0, len(self.records), timestamp_ms, None, value, headers)
        self.records.append(record)
        return record

    def forward(
        self,
        lane: str,
        headers: Mapping[str, str],
        body: Any,  # a JSON value
        *,
        at_ms: int,
        control: int,
        values: Mapping[str, Any] | None = None,
        is_lost: bool = False,
    ) -> Record:
        """Append a message as the gate of ``lane`` forwards it; ``is_lost`` names a predecessor that never came."""
        offset = self._sent.get(lane, -1) + (2 if is_lost else 1)
        prev = f"{lane}.{offset - 1}" if is_lost else self._prev.get(lane, "")
        kind = headers["ce_type"]
        ours = {
            "bus-src": f"bus.in.{lane}/0/{offset}",
            "bus-at": str(at_ms),
            "bus-control": str(control),
            "bus-contract": f"{kind}@{self.contract_revisions.get(kind, 1)}",
            "bus-values": json.dumps(values or {}, sort_keys=True, separators=(",", ":")),
            "bus-from": lane,
            "bus-prev": prev,
        }
        if not is_lost:
            self._sent[lane], self._prev[lane] = offset, f"{lane}.{offset}"
        return self.append(json.dumps(body).encode(), (*encoded(headers), *encoded(ours)), at_ms)

    def tick(self, now_ms: int) -> Record:
        """Append a tick."""
        value = {"v": 1, "after": len(self.records) - 1, "now": now_ms, "stalled": []}
        return self.append(json.dumps(value).encode(), (("ce_type", b"bus.clock.tick.v1"),), now_ms + 150)
