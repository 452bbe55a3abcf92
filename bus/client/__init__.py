"""What an agent imports: claim a resource, act on it while it is held, hear why not; for threads and for asyncio.

    from bus.client import Bus, Denied, Refused

    with Bus(agent="spiffe://acme/agent/sales-1", lane="sales") as bus:
        try:
            with bus.claim("lead/L-1") as lead:
                lead.act("leads.email.send.v1", {"lead_id": "L-1", "to": "ada@acme.com", "subject": "Hi", "text": "…"})
        except Denied as no:                       # somebody else has it
            print(no.reason, no.retry_after_ms, no.advice)
        except Refused as no:                      # the message was not in order
            print(no, no.violations)

While the block runs, nobody else holds ``lead/L-1``, and the lease is renewed. When it is lost all the same, the next
``act`` raises `LeaseLost` and ``on_lost`` is called; what was already on its way is fenced by the bus. The same with
``AsyncBus`` and ``await``. Nothing of this polls, and nothing needs the local clock to be right.

Where several compete, ``claim`` waits until that is decided, or raises `Undecided`; an act that others have to agree to
is `Held`. Whoever sits in judgement, or has a turn, is asked:

    for duty in bus.duties():
        if duty.kind == "review":
            duty.vote("approve", "margin_is_fine")
        elif duty.kind == "turn":
            duty.offer(duty.own)
        else:
            duty.abstain()
"""

from bus.client.admitted import Message, Position
from bus.client.async_bus import AsyncBus
from bus.client.async_lease import AsyncLease
from bus.client.contest import Contest, Rival
from bus.client.duty import Duty, Reviewed
from bus.client.errors import (
    ClientError,
    Closed,
    Denied,
    Expired,
    Fenced,
    Invalid,
    Late,
    LeaseLost,
    Misuse,
    NotAllowed,
    NotTaken,
    Refusal,
    Refused,
    Stale,
    Suspended,
    Unanswered,
    Undecided,
    Unreachable,
    Unreadable,
    Withdrawn,
)
from bus.client.event import Event
from bus.client.execution import Action, Execution
from bus.client.lease import Lease
from bus.client.stores import MemoryStore, SqliteStore, Store
from bus.client.subscription import Subscription
from bus.client.sync_bus import Bus
from bus.client.verdict import Held, Outcome, Verdict
from bus.core.decision.wants import WantedFact, WantedRoles
from bus.core.policy.contracts import Violation

__all__ = [
    "Action",
    "AsyncBus",
    "AsyncLease",
    "Bus",
    "ClientError",
    "Closed",
    "Contest",
    "Denied",
    "Duty",
    "Event",
    "Execution",
    "Expired",
    "Fenced",
    "Held",
    "Invalid",
    "Late",
    "Lease",
    "LeaseLost",
    "MemoryStore",
    "Message",
    "Misuse",
    "NotAllowed",
    "NotTaken",
    "Outcome",
    "Position",
    "Refusal",
    "Refused",
    "Reviewed",
    "Rival",
    "SqliteStore",
    "Stale",
    "Store",
    "Subscription",
    "Suspended",
    "Unanswered",
    "Undecided",
    "Unreachable",
    "Unreadable",
    "Verdict",
    "Violation",
    "WantedFact",
    "WantedRoles",
    "Withdrawn",
]
