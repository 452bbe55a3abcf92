"""Who plays in the scripts of contests: agents, persons, contracts, and the records they leave on `bus.arbiter`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import gmtime, strftime

from tests.contests.oracle.log import Json, Raw

START_MS = 1_795_255_200_000  # second 0 of every script: 2026-11-21T10:00:00Z
DOMAIN = "spiffe://acme"
ANA = f"{DOMAIN}/person/ana"
# Each of these has the one role of its own name; sales-2 is a second agent of role sales.
ROLES = """sales support legal triage crm quality pricing compliance risk logistics procurement routing deal-1
a-1 a-2 a-3 a-4 a-5"""
AGENTS = {name: [name] for name in ROLES.split()} | {"sales-2": ["sales"]}
# bob and kim work on queue desk; eve does too, but owns sales and deal-1; joe works on another queue.
PERSONS: dict[str, Json] = {
    "bob": {"roles": ["resolver"], "queues": ["desk"], "owns": []},
    "kim": {"roles": ["resolver"], "queues": ["desk"], "owns": []},
    "eve": {"roles": ["resolver"], "queues": ["desk"], "owns": [f"{DOMAIN}/agent/sales", f"{DOMAIN}/agent/deal-1"]},
    "joe": {"roles": ["resolver"], "queues": ["elsewhere"], "owns": []},
}
# Verb of a script -> contract. None needs a schema here: what reaches the arbiter has passed the gate.
CONTRACTS: dict[str, Json] = {
    "mails": {"type": "leads.email.send.v1", "topic": "leads", "resource": "lead", "guard": True},
    "calls": {"type": "leads.call.make.v1", "topic": "leads", "resource": "lead", "guard": True, "may": ["sales"]},
    "closes": {
        "type": "deals.deal.close.v1",
        "topic": "deals",
        "resource": "deal",
        "guard": True,
        "cost": "/amount_cents",
        "review": {"seats": ["pricing", "compliance", "risk"], "ballot_ms": 20_000},
    },
    "discounts": {
        "type": "deals.deal.discount.v1",
        "topic": "deals",
        "resource": "deal",
        "guard": True,
        "cost": "/amount_cents",
    },
    "issues": {
        "type": "orders.po.issue.v1",
        "topic": "orders",
        "resource": "supplier",
        "guard": True,
        "review": {"seats": ["compliance"], "ballot_ms": 20_000},
    },
    "stages": {
        "type": "leads.lead.stage.v1",
        "resource": "lead",
        "fact": {"name": "stage", "pointer": "/value", "role": "crm"},
    },
}


def agent(name: str) -> str:
    """The id of an agent by its short name."""
    return f"{DOMAIN}/agent/{name}"


def person(name: str) -> str:
    """The id of a person by its short name."""
    return f"{DOMAIN}/person/{name}"


def what_is_set() -> list[tuple[str, str, Json]]:
    """Kind, name and value of everything in force before a script begins; no terms."""
    lanes: list[tuple[str, str, Json]] = [("lane", name, {"principal": name}) for name in AGENTS]
    agents = [("agent", agent(name), {"lane": name, "roles": r, "owner": ANA}) for name, r in AGENTS.items()]
    persons = [("person", person(name), value) for name, value in PERSONS.items()]
    contracts = [("contract", c["type"], contract_value(c)) for c in CONTRACTS.values()]
    return [*lanes, *agents, *persons, *contracts]


def contract_value(contract: Json) -> Json:
    """The value a steward sets for a contract."""
    return {"contract": contract, "format": "json", "schema": '{"type":"object"}', "ids": [], "guids": []}


def wire_time(ms: int) -> str:
    """A time as the envelope has it."""
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(ms // 1000))}.{ms % 1000:03d}Z"


@dataclass(slots=True)
class ArbiterLog:
    """`bus.arbiter` of one partition as the gates write it: every record names its lane's one before."""

    records: list[Raw] = field(default_factory=list)
    control: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)

    def append(self, headers: tuple[tuple[str, bytes], ...], value: bytes, at_ms: int) -> Raw:
        """Append any record at all."""
        raw = Raw(len(self.records), at_ms, headers, value)
        self.records.append(raw)
        return raw

    def tick(self, now_ms: int) -> Raw:
        """The owner of the partition states a time."""
        value = {"v": 1, "after": len(self.records) - 1, "now": now_ms, "stalled": []}
        return self.append((("ce_type", b"bus.clock.tick.v1"),), json.dumps(value).encode(), now_ms)

    def forward(self, lane: str, headers: Mapping[str, str], body: Json, *, at_ms: int, values: Json = None) -> Raw:
        """A gate passes on a message of its lane."""
        offset, kind = self.sent.get(lane, -1) + 1, headers["ce_type"]
        self.sent[lane] = offset
        if kind.startswith("bus.control."):
            self.control += 1
        if kind == "bus.control.set.v1" and body["kind"] == "contract":
            self.revisions[body["name"]] = self.revisions.get(body["name"], 0) + 1
        ours = {
            "bus-src": f"bus.in.{lane}/0/{offset}",
            "bus-at": str(at_ms),
            "bus-from": lane,
            "bus-prev": "" if offset == 0 else f"{lane}.{offset - 1}",
            "bus-control": str(self.control),
            "bus-contract": f"{kind}@{self.revisions.get(kind, 1)}",
            "bus-values": json.dumps(values or {}),
        }
        named = tuple((name, value.encode()) for name, value in {**headers, **ours}.items())
        return self.append(named, json.dumps(body, sort_keys=True).encode(), at_ms)

    def say(
        self,
        source: str,
        kind: str,
        body: Json,
        *,
        at_ms: int,
        lane: str,
        subject: str = "",
        named: str = "",
        token: int | None = None,
        expires_ms: int | None = None,
        values: Json = None,
    ) -> Raw:
        """Somebody says something and its gate passes it on."""
        headers = {
            "ce_specversion": "1.0",
            "ce_id": named or f"m{len(self.records)}",
            "ce_source": source,
            "ce_type": kind,
            "ce_time": wire_time(at_ms),
            "content-type": "application/json",
        }
        headers |= {"ce_subject": subject} if subject else {}
        headers |= {} if token is None else {"ce_bustoken": str(token)}
        headers |= {} if expires_ms is None else {"ce_expirytime": wire_time(expires_ms)}
        return self.forward(lane, headers, body, at_ms=at_ms, values=values)

    def set(self, kind: str, name: str, value: Json, *, at_ms: int) -> Raw:
        """A steward sets something."""
        body = {"kind": kind, "name": name, "value": value, "base": None}
        return self.say(ANA, "bus.control.set.v1", body, at_ms=at_ms, lane="operators")
