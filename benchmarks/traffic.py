"""The traffic of the benchmarks: 60 % plain messages, 30 % claims, renewals and releases, 10 % guarded actions."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

DOMAIN = "spiffe://bench"
STEWARD = f"{DOMAIN}/person/ana"
NOTE = {"text": "the customer called and asked for the papers", "urgent": False, "tags": ["phone", "papers"]}
STEP = {"step": "print", "cost_cents": 1200, "budget_cents": 2000, "inputs": [{"name": "copies", "value": "2"}]}
CLAIM, RENEW, RELEASE = "bus.resource.claim.v1", "bus.resource.renew.v1", "bus.resource.release.v1"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an agent, ready to be produced to ``topic``."""

    topic: str
    value: bytes
    headers: dict[str, str | bytes | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that an agent has had since before the measurement."""

    lane: str
    subject: str
    token: int


def agent(lane: str) -> str:
    """The id of a lane's agent."""
    return f"{DOMAIN}/agent/{lane}"


def message(lane: str, name: str, message_type: str, subject: str, body: object, token: int | None = None) -> Message:
    """A message of the lane's agent, dated now."""
    headers: dict[str, str | bytes | None] = {
        "ce_specversion": "1.0",
        "ce_id": name,
        "ce_source": agent(lane),
        "ce_type": message_type,
        "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "content-type": "application/json",
        "ce_subject": subject,
        **({} if token is None else {"ce_bustoken": str(token)}),
    }
    return Message(f"bus.in.{lane}", json.dumps(body).encode(), headers)


def claims(lanes: list[str], count: int) -> Iterator[Message]:
    """Claims of jobs that nobody holds, one each."""
    for n in range(count):
        yield message(lanes[n % len(lanes)], f"first-{n}", CLAIM, f"job/held-{n}", {})


def mix(lanes: list[str], held: list[Held], count: int, run: str) -> Iterator[Message]:
    """``count`` messages; each tenth releases another lease of ``held``, so that many of them must be there."""
    releases = iter(held)
    kept = held[-max(1, len(held) // 10) :]
    for n in range(count):
        name, lane = f"{run}-{n}", lanes[n % len(lanes)]
        one = kept[n % len(kept)]
        match n % 10:
            case 0 | 1 | 2 | 3 | 4 | 5:
                yield message(lane, name, "jobs.note.add.v1", f"job/{run}-{n}", {"job_id": f"{run}-{n}", **NOTE})
            case 6:
                yield message(lane, name, CLAIM, f"job/{run}-{n}", {})
            case 7:
                yield message(one.lane, name, RENEW, one.subject, {"token": one.token})
            case 8:
                gone = next(releases)
                yield message(gone.lane, name, RELEASE, gone.subject, {"token": gone.token})
            case _:
                body = {"job_id": one.subject.partition("/")[2], **STEP}
                yield message(one.lane, name, "jobs.step.run.v1", one.subject, body, one.token)
