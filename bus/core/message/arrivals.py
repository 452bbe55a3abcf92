"""What stands on ``bus.arbiter``: messages and control changes that a gate let through, ticks, and aliens."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from bus.core.frozen import dataclass
from bus.core.log.records import Headers, Record
from bus.core.log.topics import lane_and_offset
from bus.core.message.envelope import Envelope, forwarded_envelope, message_hash
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import SUSPENDED, suspension_name

TICK_TYPE = "bus.clock.tick.v1"
CONTROL_PREFIX = "bus.control."
_TICK_HEADERS: Headers = (("ce_type", TICK_TYPE.encode()),)
_NUMBER = (int, float)
_READ: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "bus.resource.renew": {"token": _NUMBER},
    "bus.resource.release": {"token": _NUMBER},
    "bus.resource.withdraw": {"claim": (str,)},
    "bus.action.report": {"decision": (str,), "result": (str,)},
    "bus.agent.wait": {"for": (str,), "until": _NUMBER},
    "bus.agent.resume": {"wait": (str,)},
    "bus.contest.ask": {"options": (list,)},
    "bus.contest.vote": {"contest": (str,), "choice": (str, list), "reason": (str,)},
    "bus.contest.offer": {"contest": (str,), "turn": _NUMBER, "outcome": (str,)},
    "bus.contest.accept": {"contest": (str,), "turn": _NUMBER},
    "bus.contest.quit": {"contest": (str,), "turn": _NUMBER},
    "bus.case.reserve": {"case": (str,), "rev": _NUMBER},
    "bus.case.release": {"case": (str,), "rev": _NUMBER},
    "bus.case.rule": {"case": (str,), "rev": _NUMBER, "ruling": (str,), "reason": (str,)},
    "bus.control.set": {"kind": (str,), "name": (str,), "value": (dict, type(None))},
}
# What a decision reads if it is there.
_MAY_READ: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "bus.resource.claim": {"lease_ms": _NUMBER, "reasoning": (str,)},
    "bus.resource.release": {"to": (str,)},
    "bus.contest.ask": {"until": _NUMBER},
    "bus.contest.vote": {"confidence": _NUMBER, "reasoning": (str,)},
    "bus.case.rule": {"candidate": (str,)},
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a gate forwarded it. ``body`` is decoded for built-in types only: no schema is needed here."""

    o: int
    lane: str
    id: str
    prev: str
    src: str
    at: int
    control: int
    contract_ref: str
    hash: str
    envelope: Envelope
    values: Mapping[str, Any] = field(default_factory=dict)  # Any: cost and fact, as the contract's pointers say
    body: JsonObject = field(default_factory=dict)

    @property
    def is_control(self) -> bool:
        """Does it change what is in force?"""
        return self.envelope.type.startswith(CONTROL_PREFIX)


@dataclass(frozen=True, slots=True)
class Tick:
    """A statement of time by the partition's owner: it is at least ``now`` (ms)."""

    o: int
    after: int
    now: int
    stalled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alien:
    """Neither a tick nor from a lane: entered in the journal, without effect."""

    o: int
    src: str


Arrived = Message | Tick | Alien


@dataclass(frozen=True, slots=True)
class ControlWish:
    """What a control message asks for: ``<kind>/<name>`` becomes ``value``; ``base`` is the hash it builds on."""

    kind: str
    name: str
    value: JsonObject | None
    base: str | None = None


def control_wish(message_type: str, body: JsonObject) -> ControlWish:
    """Read the (schema-checked) body of a ``bus.control.*`` message."""
    if message_type.startswith("bus.control.set."):
        return ControlWish(body["kind"], body["name"], _without_floats(body["value"]), body.get("base"))
    select = body["select"]
    value: JsonObject | None = {"select": select} if message_type.startswith("bus.control.suspend.") else None
    return ControlWish(SUSPENDED, suspension_name(select), value)


def read_arrival(record: Record) -> Arrived:
    """Tell what a record of ``bus.arbiter`` is."""
    if record.headers == _TICK_HEADERS:
        return _tick(record) or Alien(record.offset, "")
    headers = dict(record.headers)
    try:
        return _message(record, headers) or Alien(record.offset, _src(headers))
    except (KeyError, ValueError, RecursionError):
        return Alien(record.offset, _src(headers))


def _without_floats(value: Any) -> Any:  # Any: JSON
    """JSON Schema takes 60000.0 for an integer; what the bus writes and hashes has no floats."""
    if isinstance(value, dict):
        return {name: _without_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_floats(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tick_value(*, after: int, now: int, stalled: tuple[str, ...]) -> JsonObject:
    """The value of a tick record."""
    return {"v": 1, "after": after, "now": now, "stalled": list(stalled)}


def tick_headers() -> Headers:
    """The one header of a tick record."""
    return _TICK_HEADERS


def _tick(record: Record) -> Tick | None:
    try:
        value = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("v") != 1 or not isinstance(value.get("stalled"), list):
        return None
    after, now = value.get("after"), value.get("now")
    if type(after) is not int or type(now) is not int or not after < record.offset:
        return None
    return Tick(record.offset, after, now, tuple(str(lane) for lane in value["stalled"]))


def _has_fields(message_type: str, body: object) -> bool:
    """Are the fields that a decision reads there? A gate lets nothing else through, but others may have the key."""
    if not isinstance(body, dict):
        return False
    if message_type.startswith(("bus.control.suspend.", "bus.control.resume.")):
        select = body.get("select")
        return isinstance(select, dict) and len(select) == 1 and not select.keys() - {"agent", "role", "all"}
    name = message_type.rpartition(".")[0]
    wanted, also = _READ.get(name, {}), _MAY_READ.get(name, {})
    return all(one in body and _is_of(body[one], kinds) for one, kinds in wanted.items()) and all(
        _is_of(body[one], kinds) for one, kinds in also.items() if one in body
    )


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    """Is it of one of these types? Of numbers those that are whole, of lists those of texts: nothing reads others."""
    if isinstance(value, float):
        return float in kinds and value.is_integer()
    if isinstance(value, list):
        return list in kinds and all(isinstance(item, str) for item in value)
    return isinstance(value, kinds)


def _text(value: bytes | None) -> str:
    return value.decode() if value else ""


def _number(value: bytes | None) -> int:
    if value is None or not value.isdigit():  # of bytes: ASCII only
        raise ValueError(value)
    return int(value)


def _json(value: bytes | None) -> Any:  # Any: JSON
    return {} if value == b"{}" else json.loads(value or b"")  # it is that empty most of the time


def _src(headers: Mapping[str, bytes | None]) -> str:
    src = (headers.get("bus-src") or b"").decode("utf-8", "replace")
    return src if lane_and_offset(src) else ""


def _message(record: Record, headers: Mapping[str, bytes | None]) -> Message | None:
    src, lane = _text(headers["bus-src"]), _text(headers["bus-from"])
    origin = lane_and_offset(src)
    envelope = forwarded_envelope(record.headers)
    values = _json(headers["bus-values"])
    if origin is None or envelope is None or origin[0] != lane or not isinstance(values, dict):
        return None
    body: JsonObject = {}
    if envelope.type.startswith("bus."):
        body = _json(record.value)
        if not _has_fields(envelope.type, body):
            return None
    return Message(
        o=record.offset,
        lane=lane,
        id=f"{lane}.{origin[1]}",
        prev=_text(headers["bus-prev"]),
        src=src,
        at=_number(headers["bus-at"]),
        control=_number(headers["bus-control"]),
        contract_ref=_text(headers["bus-contract"]),
        hash=message_hash(record),
        envelope=envelope,
        values=values,
        body=body,
    )
