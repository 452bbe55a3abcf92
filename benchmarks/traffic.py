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
ADD_NOTE, RUN_STEP = "jobs.note.add.v1", "jobs.step.run.v1"
PUBLISHED = 7  # of ten messages of the mix: what the publisher writes


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


def numbered(n: int) -> str:
    """The id of one of many agents."""
    return f"{DOMAIN}/agent/worker-{n}"


def message(
    lane: str, name: str, kind: str, subject: str, body: object, *, token: int | None = None, source: str = ""
) -> Message:
    """A message of the lane's agent (or of ``source``), dated now."""
    headers: dict[str, str | bytes | None] = {
        "ce_specversion": "1.0",
        "ce_id": name,
        "ce_source": source or agent(lane),
        "ce_type": kind,
        "ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "content-type": "application/json",
        "ce_subject": subject,
        **({} if token is None else {"ce_bustoken": str(token)}),
    }
    return Message(f"bus.in.{lane}", json.dumps(body).encode(), headers)


def claim(lane: str, name: str, resource: str = "job") -> Message:
    """A claim of something nobody holds."""
    return message(lane, name, CLAIM, f"{resource}/{name}", {})


def note(lane: str, name: str, *, source: str = "") -> Message:
    """A plain message, for a governed topic."""
    return message(lane, name, ADD_NOTE, f"job/{name}", {"job_id": name, **NOTE}, source=source)


def claims(lanes: list[str], count: int, run: str) -> Iterator[Message]:
    """Claims of jobs that nobody holds, one each."""
    for n in range(count):
        yield claim(lanes[n % len(lanes)], f"held-{run}-{n}")


def mix(lanes: list[str], held: list[Held], count: int, run: str, agents: int = 0) -> Iterator[Message]:
    """``count`` messages; each tenth releases another lease of ``held``, so that many of them must be there.

    With ``agents`` the plain ones come from so many agents in turn; a multiple of the lanes keeps each on its lane.
    """
    releases = iter(held)
    kept = held[-max(1, len(held) // 10) :]
    for n in range(count):
        name, lane = f"{run}-{n}", lanes[n % len(lanes)]
        one = kept[n % len(kept)]
        match n % 10:
            case 0 | 1 | 2 | 3 | 4 | 5:
                yield note(lane, name, source=numbered(n % agents) if agents else "")
            case 6:
                yield claim(lane, name)
            case 7:
                yield message(one.lane, name, RENEW, one.subject, {"token": one.token})
            case 8:
                gone = next(releases)
                yield message(gone.lane, name, RELEASE, gone.subject, {"token": gone.token})
            case _:
                body = {"job_id": one.subject.partition("/")[2], **STEP}
                yield message(one.lane, name, RUN_STEP, one.subject, body, token=one.token)
