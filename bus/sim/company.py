"""The company every run of the simulator plays in: short leases, every way of settling, people who rule."""

import json
from functools import cache
from typing import Any

from bus.core.policy.contracts import JsonObject
from bus.sim.control import Control, genesis
from bus.sim.founding import Founded, found

PARTITIONS = 3
SLOTS = 2
MAIL, NOTE, PING = "leads.email.send.v1", "leads.note.add.v1", "leads.ping.send.v1"
STAGE, CALL, CLOSE = "leads.lead.stage.v1", "leads.call.make.v1", "deals.deal.close.v1"
SUBJECTS = ("lead/L-1", "lead/L-2", "account/A-1", "account/A-2", "deal/D-1", "deal/D-2", "site/S-1")
AGENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sales": {"sales-1": ("sales",), "sales-2": ("sales", "backup")},
    "support": {"support-1": ("support",)},
    "legal": {"legal-1": ("legal",), "legal-2": ("legal",)},
    "crm": {"crm-1": ("crm",)},
}
PERSONS: dict[str, JsonObject] = {
    "ben": {"roles": ["operator"], "queues": ["revenue"], "owns": []},
    "cleo": {"roles": [], "queues": ["revenue"], "owns": []},
}
_TEXT = {"type": "string", "maxLength": 200}
_ESCALATE = {"queue": "revenue", "tiers_ms": [15000, 20000], "reserve_ms": 8000, "hold_ms": 30000}


def _contract(kind: str, properties: JsonObject | None = None, **more: Any) -> JsonObject:  # Any: JSON
    schema: dict[str, Any] = {"type": "object"}
    if properties is not None:
        schema |= {"properties": properties, "additionalProperties": False}
    return {"contract": {"type": kind, **more}, "format": "json", "schema": json.dumps(schema), "ids": [], "guids": []}


CONTRACTS: dict[str, JsonObject] = {
    MAIL: _contract(
        MAIL,
        {"to": _TEXT, "words": {"type": "integer"}},
        topic="leads",
        resource="lead",
        guard=True,
        may=["sales", "support"],
        rules=[{"id": "short", "when": "words != null && words > 100", "do": "refuse", "say": "at most 100 words"}],
    ),
    NOTE: _contract(NOTE, topic="leads"),
    PING: _contract(PING),
    STAGE: _contract(STAGE, resource="lead", fact={"name": "stage", "pointer": "/stage", "role": "crm"}),
    CALL: _contract(CALL, resource="lead", topic="leads", guard=True, review={"seats": ["legal"], "ballot_ms": 8000}),
    CLOSE: _contract(CLOSE, resource="deal", topic="deals", guard=True, cost="/cost"),
}
TERMS: dict[str, JsonObject] = {
    "lead": {
        "resource": "lead",
        "window_ms": 0,
        "lease_ms": 20000,
        "lock_delay_ms": 500,
        "handover_ms": 5000,
        "ask": ["crm", "sales"],
        "ladder": ["vote", "human"],
        "vote": {"seats": ["legal", "crm"], "method": "majority", "quorum_bp": 5000, "ballot_ms": 6000},
        "wait_max_ms": 20000,
        "escalate": _ESCALATE,
    },
    "account": {
        "resource": "account",
        "window_ms": 1500,
        "lease_ms": 15000,
        "on_held": "preempt_if_higher",
        "handover_ms": 4000,
        "claimants": ["sales", "support", "legal"],
        "priority": ["legal", "sales", "support"],
        "ladder": ["priority", "first_come", "deny"],
        "wait_max_ms": 10000,
        "escalate": _ESCALATE,
    },
    "deal": {
        "resource": "deal",
        "window_ms": 1200,
        "lease_ms": 25000,
        "on_held": "contest",
        "cooldown_ms": 4000,
        "handover_ms": 4000,
        "ladder": ["vote", "negotiate", "human"],
        "vote": {"seats": ["legal", "crm"], "method": "plurality", "quorum_bp": 10000, "ballot_ms": 5000},
        "negotiate": {"turn_ms": 4000},
        "veto": [{"role": "legal", "reasons": ["regulatory.*"], "then": "human"}],
        "freeze_above_cost": 1000,
        "wait_max_ms": 10000,
        "escalate": {**_ESCALATE, "on_expiry": "release"},
    },
    "site": {
        "resource": "site",
        "window_ms": 800,
        "lease_ms": 12000,
        "on_held": "contest",
        "cooldown_ms": 2000,
        "ladder": ["negotiate", "deny"],
        "handover_ms": 3000,
        "negotiate": {"turn_ms": 3000, "max_turns": 4},
        "wait_max_ms": 10000,
        "escalate": _ESCALATE,
    },
}
COMPANY = Control(AGENTS, PERSONS, CONTRACTS, TERMS)


@cache
def company() -> Founded:
    """The company, set up once in each process of this machine."""
    return found(COMPANY, genesis(PARTITIONS, SLOTS))
