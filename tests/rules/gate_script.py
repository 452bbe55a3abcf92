"""Plays a script of the gate: every line is one record on a lane, with the row that must stand in the journal.

    1    sales mails lead/L-1 as m1                       -> forwarded
    1.5  sales mails lead/L-1 as m1                       -> duplicate of sales.0
    2    sales mails lead/L-1 as m2 + ce_time=-301        -> refused stale
    3    sales mails lead/L-1 as m3 + body={"lead_id":1}  -> refused schema_violation /lead_id

Times are seconds after the start of the script. Behind a `` + `` stands what differs from a message in order: a header
with its value (``ce_time`` in seconds from now), ``without`` or ``twice`` and a header's name, ``body`` and its text,
``bytes`` or ``headers`` and how many. ``on <lane>`` sends by another lane than one's own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bus.core.gate import GateState, Judged, arrival_ms, decide, evolve
from bus.core.log.records import Headers, Record, canonical
from bus.core.policy.control import Registry
from bus.shell.gather import Gatherer
from tests.rules.arbiter_script import milliseconds
from tests.rules.cast import ANA, MAIL, NOTE, PING, STAGE, encoded, registry, spoken, wire_time
from tests.rules.cast import agent as agent_id

VERBS: dict[str, tuple[str, dict[str, Any]]] = {
    "mails": (MAIL, {}),
    "notes": (NOTE, {"text": "hello"}),
    "pings": (PING, {}),
    "stages": (STAGE, {"value": "won"}),
    "closes": ("deals.close.send.v1", {"cost": 5}),
    "claims": ("bus.resource.claim.v1", {}),
    "revokes": ("bus.resource.revoke.v1", {"reason": "because"}),
    "invents": ("leads.unheard.of.v1", {}),
}
TOKEN = "5"


@dataclass(slots=True)
class Lane:
    """One lane: what its gate remembers, and what was sent on it."""

    gatherer: Gatherer
    state: GateState = field(default_factory=GateState)
    records: list[Record] = field(default_factory=list)


@dataclass(slots=True)
class Gates:
    """The gates of all lanes, under one registry that accepted control messages change."""

    topic_exists: Callable[[str], bool] = lambda topic: topic in ("leads", "deals")
    registry: Registry = field(default_factory=registry)
    lanes: dict[str, Lane] = field(default_factory=dict)

    def play(self, line: str) -> str:
        """Play one line; the row in the script's words."""
        lane, at_ms, headers, value = self._record(line)
        return told(self.judge(lane, headers, value, at_ms), lane)

    def judge(self, name: str, headers: Headers, value: bytes | None, append_ms: int) -> Judged:
        """Let the gate of a lane judge a record."""
        lane = self.lanes.setdefault(name, Lane(Gatherer(name, self.topic_exists)))
        record = Record(f"bus.in.{name}", 0, len(lane.records), append_ms, None, value, headers)
        lane.records.append(record)
        at = arrival_ms(lane.state, append_ms)
        basis = lane.gatherer.gather(record, at, self.registry)
        judged = decide(lane.state, record.offset, at, basis)
        evolve(lane.state, judged.row)
        if basis.change is not None and judged.row.verdict == "forwarded":
            self.registry = self.registry.apply(basis.change)
        return judged

    def _record(self, line: str) -> tuple[str, int, Headers, bytes | None]:
        said, *differences = line.split(" + ")
        seconds, who, *words = said.split()
        at_ms = milliseconds(seconds)
        lane = "operators" if who == "ana" else who
        if words[0] == "on":
            lane, words = words[1], words[2:]
        kind, body = self._said(words)
        subject = words[1] if len(words) > 1 and "/" in words[1] and not words[0].startswith("set") else ""
        if kind == MAIL:
            body = {"lead_id": subject.partition("/")[2], **body}
        source = ANA if who == "ana" else agent_id(who)
        is_guarded = kind in (MAIL, "deals.close.send.v1")
        token = TOKEN if is_guarded else ""
        texts = spoken(kind, source=source, identifier=words[-1], at_ms=at_ms, subject=subject, token=token)
        headers, value = encoded(texts), json.dumps(body).encode()
        for difference in differences:
            headers, value = _differing(headers, value, difference, at_ms)
        return lane, at_ms, headers, value

    def _said(self, words: list[str]) -> tuple[str, dict[str, Any]]:
        match words:
            case ["suspends" | "resumes" as verb, who, *_]:
                select: dict[str, Any] = {"all": True} if who == "all" else {"agent": agent_id(who)}
                return f"bus.control.{verb[:-1]}.v1", {"select": select, "reason": "because"}
            case ["sets", kind, name, *_]:
                return "bus.control.set.v1", self._set(kind, name, words)
            case _:
                return VERBS[words[0]]

    def _set(self, kind: str, name: str, words: list[str]) -> dict[str, Any]:
        base = self.registry.hashes.get((kind, name)) if "on-base" not in words else words[words.index("on-base") + 1]
        value: dict[str, Any] = {"principal": f"User:{name}"}
        if kind == "terms":
            value = {"resource": name, "window_ms": 0, "on_held": "deny", "lease_ms": 60_000}
        return {"kind": kind, "name": name, "value": value, "base": None if base == "none" else base}


def told(judged: Judged, lane: str) -> str:
    """A row in the script's words, with the paths of what is wrong."""
    row = judged.row
    if row.verdict == "forwarded":
        return "forwarded" if len(row.partitions) == 1 else "forwarded everywhere"
    if row.verdict == "duplicate":
        return f"duplicate of {lane}.{judged.first_offset}"
    paths = [violation.path for violation in judged.refusal.violations if violation.path] if judged.refusal else []
    return " ".join(["refused", row.reason, *paths])


def _differing(headers: Headers, value: bytes, difference: str, at_ms: int) -> tuple[Headers, bytes]:
    name, _, text = difference.strip().partition("=")
    verb, _, rest = name.partition(" ")
    match verb:
        case "without":
            return tuple(pair for pair in headers if pair[0] != rest), value
        case "twice":
            return (*headers, (rest, dict(headers)[rest])), value
        case "body":
            return headers, text.encode().decode("unicode_escape").encode("latin-1")
        case "bytes":
            return headers, canonical("x" * (int(text) - 2))
        case "headers":
            return (*headers, *((f"x-{n}", b"") for n in range(int(text) - len(headers)))), value
        case "header-bytes":
            used = sum(len(key) + len(held or b"") for key, held in headers)
            return (*headers, ("x-long", b"y" * (int(text) - used - len("x-long")))), value
        case "ce_time" | "ce_expirytime" if _is_number(text):
            text = wire_time(at_ms + round(float(text) * 1000))
    others = tuple(pair for pair in headers if pair[0] != name)
    return (*others, (name, text.encode())), value


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
