"""Case files as docs/wire.md has them, made by hand: a deal that a veto brought to a person, and a lead three want."""

import json
import time
from typing import Any

from bus.audit.case_files import CaseFile, case_from_json
from bus.core.log.records import Record
from bus.core.log.topics import ESCALATIONS

AGENT, PERSON = "spiffe://acme/agent/", "spiffe://acme/person/"
NOW_MS = int(time.time() * 1000)
Body = dict[str, Any]  # JSON

_BALLOTS = [
    {"seat": "pricing", "agent": f"{AGENT}pricing-1", "choice": "approve", "reason": "ltv", "confidence": 8000},
    {
        "seat": "compliance",
        "agent": f"{AGENT}compliance-1",
        "choice": "reject",
        "reason": "regulatory.asc606",
        "confidence": 9100,
        "reasoning": "A right to return makes the consideration variable: it cannot be recognised up front.",
    },
]
_CLOSE = {"deal_id": "D-9", "price_cents": 240000000, "discount_bp": 3800, "payment_terms": "net 120"}


def deal(**more: Any) -> Body:  # Any: JSON
    """An approval: one held action, two ballots, a price of waiting."""
    return {
        "v": 1,
        "case": "1.7.198.2",
        "n": 1,
        "rev": 1,
        "state": "ready",
        "overdue": False,
        "kind": "approval",
        "subject": "deal/D-9",
        "queue": "revenue",
        "tier": 0,
        "due": NOW_MS + 900_000,
        "why": {"reason": "veto", "detail": "compliance: regulatory.asc606"},
        "frozen_since": NOW_MS - 60_000,
        "if_nothing": f"stays frozen; next tier at {NOW_MS + 900_000}",
        "holder": {"agent": f"{AGENT}deal-1", "token": 17592186090752},
        "actions": [held("1.7.190.0")],
        "claims": [],
        "ballots": _BALLOTS,
        "offers": [],
        "policies": [],
        "facts": {"stage": "negotiation"},
        "waiting_costs": [{"name": "reply promised by", "value": NOW_MS + 1_800_000}],
        "alike": "ab" * 32,
        "rulings": [
            {"ruling": "approve", "effects": ["deals.deal.close.v1 of deal-1 is admitted"], "irreversible": True},
            {"ruling": "reject", "effects": ["deals.deal.close.v1 of deal-1 is refused (ruled_out)"]},
        ],
        "trail": ["1.7.190.0", "1.7.191.0", "1.7.193.0"],
        **more,
    }


def held(decision: str) -> Body:
    """A held action."""
    what = {"agent": f"{AGENT}deal-1", "type": "deals.deal.close.v1", "src": "bus.in.deals/0/88"}
    return {"decision": decision, **what, "hash": "77" * 32, "excerpt": json.dumps(_CLOSE)}


def lead(**more: Any) -> Body:  # Any: JSON
    """Three claims on a lead, side by side: they differ in what they say, and are alike in the lease they ask."""
    said = [
        ("1.2.30.1", "sales-west", {"reasoning": "We spoke with her twice; she is in our territory.", "stage": "new"}),
        ("1.2.31.0", "support-1", {"reasoning": "Open incident: do not call her before it is closed."}),
        ("1.2.33.0", "partner-3", {}),
    ]
    claims = [
        {
            "candidate": candidate,
            "agent": f"{AGENT}{name}",
            "claim": f"c-{name}",
            "excerpt": json.dumps({"lease_ms": 60000, **words}),
        }
        for candidate, name, words in said
    ]
    awards = [
        {"ruling": "award", "candidate": candidate, "effects": [f"{name} gets lead/L-1"]} for candidate, name, _ in said
    ]
    about: Body = {
        "case": "1.2.41.1",
        "kind": "claims",
        "subject": "lead/L-1",
        "why": {"reason": "ladder", "detail": ""},
        "holder": None,
        "actions": [],
        "ballots": [],
        "claims": claims,
        "facts": {"stage": "qualified"},
        "alike": "cd" * 32,
        "rulings": [*awards, {"ruling": "reject_all", "effects": ["lead/L-1 is free"], "irreversible": False}],
    }
    return deal(**{**about, **more})


def file_of(body: Body, *, at: int = NOW_MS) -> CaseFile:
    """The edition."""
    return case_from_json(body, at=at)


def record_of(body: Body, *, offset: int = 0, at: int = NOW_MS) -> Record:
    """The edition as it stands on the topic."""
    return Record(ESCALATIONS, 0, offset, at, body["case"].encode(), json.dumps(body).encode(), ())
