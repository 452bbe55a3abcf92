"""The little world of the acceptance run: its lanes, agents, leads, contracts and terms, as values a steward sends."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.acceptance.wire import Json

LANES = ("alpha", "bravo", "cedar", "delta", "ember", "frost")
LEADS = tuple(f"lead/L-{n}" for n in range(20)) + tuple(f"lead/{1000 + n}" for n in range(20))
GOVERNED = {"leads": 3, "notes": 2}
PROCESSES = 4
AGENTS_PER_PROCESS = 50
EMAIL, STAGE, NOTE, JOT, QUOTE = (
    "accept.lead.email.v1",
    "accept.lead.stage.v1",
    "accept.note.post.v1",
    "accept.note.jot.v1",
    "accept.quote.request.v1",
)
NOTE_SCHEMA_ID = 70001
NOTE_GUID = "6f1d3c52-8a44-4a0e-9f43-0c2a5d1e7b90"
QUALIFIED, NEW = "qualified", "new"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the world: its id, its one lane, its roles."""

    id: str
    lane: str
    roles: tuple[str, ...]

    @property
    def may_be_suspended(self) -> bool:
        """The loopers: never named in a hand-over, so that a suspension leaves no reservation behind."""
        return "looper" in self.roles


def agents_of(process: int, domain: str) -> list[Agent]:
    """The fifty agents of one process, spread over all lanes; every kind of agent is in every process."""
    made = []
    for n in range(AGENTS_PER_PROCESS):
        name = f"{domain}/agent/p{process}-{n:02d}"
        made.append(Agent(name, LANES[(n + process) % len(LANES)], _roles(n)))
    return made


def _roles(n: int) -> tuple[str, ...]:
    match n % 10:
        case 0:
            return ("crm",)
        case 1:
            return ("viewer",)
        case 2:
            return ("sales", "looper")
        case 3 | 4 | 5:
            return ("support",)
        case _:
            return ("sales",)


def terms(lease_ms: int) -> Json:
    """The terms of a lead: first come, first served; only qualified leads; a short hand-over."""
    return {
        "resource": "lead",
        "window_ms": 0,
        "lease_ms": lease_ms,
        "lock_delay_ms": 300,
        "on_held": "deny",
        "handover_ms": 2000,
        "cooldown_ms": 60000,
        "when": {"stage": [QUALIFIED, "hot"]},
        "facts_ttl_ms": 7776000000,
        "claimants": ["sales", "support"],
        "ask": ["sales"],
        "priority": ["sales", "support"],
        "ladder": ["first_come", "deny"],
        "veto": [],
        "vote": {
            "seats": ["crm", "viewer"],
            "method": "majority",
            "threshold_bp": 5000,
            "weights": {},
            "quorum_bp": 5000,
            "ballot_ms": 20000,
            "claimants_vote": False,
        },
        "negotiate": {"outcomes": [], "turn_ms": 30000, "max_turns": 4},
        "freeze_above_cost": 100000000,
        "wait_max_ms": 14400000,
        "waiting_costs": [],
        "escalate": {
            "queue": "revenue",
            "tiers_ms": [900000, 1800000],
            "reserve_ms": 900000,
            "on_expiry": "stay_frozen",
            "hold_ms": 604800000,
        },
    }


def contracts(owner: str, *, discount_cap_bp: int) -> dict[str, Json]:
    """Every contract of the run, as `bus.control.set` values."""
    lead = {"resource": "lead", "key": "/lead_id"}
    email_rule = {"id": "discount-cap", "when": f"discount_bp > {discount_cap_bp}", "do": "refuse", "say": "too much"}
    shadow = {"id": "any-discount", "when": "discount_bp > 10", "do": "shadow", "say": "only counted"}
    window = {"id": "window-order", "when": "window_end_ms <= window_start_ms", "do": "refuse", "say": "ends first"}
    past = {"id": "window-past", "when": "window_start_ms < bus.at", "do": "refuse", "say": "in the past"}
    guarded = {**lead, "topic": "leads", "guard": True, "may": ["sales", "support"], "rules": [email_rule, shadow]}
    fact = {**lead, "fact": {"name": "stage", "pointer": "/stage", "role": "crm"}, "may": ["crm"]}
    return {
        EMAIL: _contract(EMAIL, owner, guarded, EMAIL_SCHEMA),
        STAGE: _contract(STAGE, owner, fact, STAGE_SCHEMA),
        NOTE: _contract(NOTE, owner, {"topic": "notes"}, NOTE_SCHEMA, ids=[NOTE_SCHEMA_ID], guids=[NOTE_GUID]),
        JOT: _contract(JOT, owner, {}, JOT_SCHEMA),
        QUOTE: _contract(QUOTE, owner, {"topic": "notes", "rules": [window, past]}, QUOTE_SCHEMA),
    }


def _contract(
    name: str, owner: str, parts: Json, schema: Json, ids: list[int] | None = None, guids: list[str] | None = None
) -> Json:
    contract = {"type": name, "owner": owner, "compatibility": "BACKWARD", **parts}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return {
        "contract": contract,
        "format": "json",
        "schema": json.dumps(schema),
        "ids": ids or [],
        "guids": guids or [],
    }


def _object(required: list[str], properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


EMAIL_SCHEMA = _object(
    ["lead_id", "text", "discount_bp"],
    {
        "lead_id": {"type": ["string", "number"]},
        "text": {"type": "string", "minLength": 1, "maxLength": 60000},
        "discount_bp": {"type": "integer", "minimum": 0, "maximum": 10000},
    },
)
STAGE_SCHEMA = _object(
    ["lead_id", "stage"],
    {"lead_id": {"type": ["string", "integer"]}, "stage": {"enum": [QUALIFIED, NEW, "hot"]}},
)
NOTE_SCHEMA = _object(
    ["text", "tags", "to"],
    {
        "text": {"type": "string", "maxLength": 60000},
        "tags": {"type": "array", "maxItems": 3, "items": {"type": "string", "pattern": "^[a-z]+$"}},
        "to": {"type": "string", "minLength": 2},
        "amount_cents": {"type": "integer"},
        "currency": {"type": "string"},
        "any": {},
    },
) | {"dependentRequired": {"amount_cents": ["currency"]}}
JOT_SCHEMA = _object([], {"n": {"type": "integer"}, "any": {}})
QUOTE_SCHEMA = _object(
    ["order", "window_start_ms", "window_end_ms", "cost_centre"],
    {
        "order": {"type": "string"},
        "window_start_ms": {"type": "integer"},
        "window_end_ms": {"type": "integer"},
        "cost_centre": {"type": "string"},
    },
)
