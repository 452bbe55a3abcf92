"""A handmade bus on which everything happens that can: every reason of both stages, and every kind of event."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bus.core.gate import POISON, Judged, Row, arrival_ms, decide, evolve
from bus.core.log import topics
from bus.core.log.records import Headers, Output, Record, canonical
from bus.core.log.routing import partition_of
from bus.core.outputs.answers import gate_outputs
from tests.audit.contested import contests
from tests.audit.handmade import ANA, PARTITIONS, SALES, START_MS, SUPPORT, Body, HandmadeBus
from tests.rules.cast import CALL, CONTRACTS, MAIL, NOTE, PING, SCORE, STAGE, wire_time

CRM, LEGAL = "spiffe://acme/agent/crm-1", "spiffe://acme/agent/legal-1"
LEASE_MS = 3_000
CLAIM, RENEW, RELEASE = "bus.resource.claim.v1", "bus.resource.renew.v1", "bus.resource.release.v1"
HELD_BACK = "lead/held-back"


@dataclass
class EventfulBus(HandmadeBus):
    """As the handmade one, with all headers in the hands of the test, and forwarded records that wait on the way."""

    waiting: list[Output] | None = None

    def say(self, lane: str, source: str, kind: str, body: object = None, **more: Any) -> int:
        """Send a message; ``more`` are headers without ``ce_`` (None leaves one out), or ``value`` for other bytes."""
        self.count += 1
        headers: dict[str, Any] = {"specversion": "1.0", "id": f"m-{self.count}", "source": source, "type": kind}
        headers |= {"time": wire_time(self.now_ms), **{k: v for k, v in more.items() if k not in ("value", "raw")}}
        named = [(f"ce_{name}", str(text).encode()) for name, text in headers.items() if text is not None]
        pairs: Headers = (*named, ("content-type", b"application/json"), *more.get("raw", ()))
        value = more.get("value", json.dumps({} if body is None else body).encode())
        record = self._append(Output(topics.incoming(lane), 0, b"", value, pairs, ""))
        self._judge(lane, record)
        return record.offset

    @contextmanager
    def on_the_way(self) -> Iterator[None]:
        """What is forwarded within arrives at the arbiter only at the end."""
        self.waiting = []
        yield
        outputs, self.waiting = self.waiting, None
        for output in outputs:
            self._decide(output.partition, self._append(output))

    def again(self, subject: str) -> None:
        """The last record forwarded about a subject arrives once more, as after a take-over."""
        p = partition_of(subject, PARTITIONS)
        last = next(
            r for r in reversed(self.records[topics.ARBITER, p]) if ("ce_subject", subject.encode()) in r.headers
        )
        self._decide(p, self._append(Output(topics.ARBITER, p, last.key or b"", last.value, last.headers, "")))

    def poison(self, lane: str, source: str) -> None:
        """A record that killed the stage twice."""
        self.count += 1
        named = {"ce_id": f"m-{self.count}", "ce_source": source}
        headers: Headers = tuple((name, text.encode()) for name, text in named.items())
        record = self._append(Output(topics.incoming(lane), 0, b"", b"{}", headers, ""))
        state, sent, gatherer = self.gates[lane]
        at = arrival_ms(state, record.timestamp_ms)
        basis = gatherer.gather(record, at, self.registry)
        row = Row(record.offset, "refused", "poison", basis.source, basis.id, basis.hash, at, ())
        evolve(state, row)
        self._write_row(lane, row)
        for output in gate_outputs(sent, record, Judged(row, POISON), basis, self.registry.number):
            self._append(output)

    def last(self, kind: str, subject: str) -> str:
        """The last decision of that kind on the subject."""
        return _decision(self, kind, subject)

    def joined(self, agent: str, subject: str) -> str:
        """The last candidate of an agent."""
        return _decision(self, "joined", subject, agent)

    def wait_ms(self, duration_ms: int) -> None:
        """Let time pass, and let it be stated everywhere."""
        self.now_ms += duration_ms
        for p in range(PARTITIONS):
            self.tick(p, START_MS)
            self.tick(p, self.now_ms - 100)

    def _write_row(self, lane: str, row: Row) -> None:
        body: Body = {"kind": "gate", "engine": "1.0", "gen": 1, "lane": lane, "control": self.registry.number}
        body |= {"from": row.offset, "to": row.offset, "rows": [row.to_json()]}
        self.bodies[topics.gate_journal(lane), 0].append(body)

    def _judge(self, lane: str, record: Record) -> None:
        if self.waiting is None:
            super()._judge(lane, record)
            return
        state, sent, gatherer = self.gates[lane]
        at = arrival_ms(state, record.timestamp_ms)
        basis = gatherer.gather(record, at, self.registry)
        judged = decide(state, record.offset, at, basis)
        evolve(state, judged.row)
        self._write_row(lane, judged.row)
        self.waiting += gate_outputs(sent, record, judged, basis, self.registry.number)


def eventful_bus() -> EventfulBus:
    """Everything, in about a hundred messages."""
    bus = EventfulBus()
    _set_up(bus)
    _refuse_at_the_gate(bus)
    _hold_and_act(bus)
    _say_no_at_the_arbiter(bus)
    _suspend(bus)
    contests(bus)
    return bus


def _set_up(bus: EventfulBus) -> None:
    agents = {
        "sales": (SALES, "sales"),
        "support": (SUPPORT, "support"),
        "crm": (CRM, "crm"),
        "legal": (LEGAL, "legal"),
    }
    for lane, (agent, role) in agents.items():
        bus.open_lane(lane)
        bus.set("lane", lane, {"principal": f"User:{lane}"})
        bus.set("agent", agent, {"lane": lane, "roles": [role], "owner": ANA})
    terms: Body = {"window_ms": 0, "lease_ms": LEASE_MS, "on_held": "deny", "handover_ms": 2_000, "wait_max_ms": 1_000}
    terms["escalate"] = {"queue": "desk"}
    asking: Body = {"ask": ["legal"], "vote": {"seats": ["legal"]}, "ladder": ["vote", "human"]}
    bus.set("terms", "lead", {"resource": "lead", **terms, "claimants": ["sales", "support"], **asking})
    bus.set("terms", "deal", {"resource": "deal", **terms, "when": {"stage": ["won", "open"]}})
    bus.set("terms", "truck", {"resource": "truck", **terms, "lock_delay_ms": 20_000})
    for name in (MAIL, NOTE, PING, CALL):
        bus.set("contract", name, CONTRACTS[name])
    for name in (STAGE, SCORE):
        fact = {**CONTRACTS[name]["contract"], "resource": "deal"}
        bus.set("contract", name, {**CONTRACTS[name], "contract": fact})


def _refuse_at_the_gate(bus: EventfulBus) -> None:
    lead = {"subject": "lead/L-1"}
    bus.say("sales", SALES, CLAIM, value=b"x" * 70_000, **lead)
    bus.say("sales", SALES, CLAIM, specversion="2.0", **lead)
    bus.say("sales", SALES, CLAIM, raw=(("bus-token", b"1"),), **lead)
    bus.say("sales", "spiffe://acme/agent/ghost", CLAIM, **lead)
    bus.say("sales", SUPPORT, CLAIM, **lead)
    bus.say("sales", SALES, PING, time=wire_time(bus.now_ms - 400_000))
    bus.say("sales", SALES, PING, expirytime=wire_time(bus.now_ms - 5))
    bus.say("sales", SALES, "leads.unheard.of.v1")
    bus.say("sales", SALES, PING, dataschema="urn:nowhere:1", raw=(("__value_schema_id", b"\x01" + b"\x00" * 16),))
    bus.say("sales", SALES, PING, value=b"\x00\x00\x00\x00\x63{}")
    bus.say("sales", SALES, PING, value=b"{")
    bus.say("sales", SALES, MAIL, {"lead_id": 1}, bustoken=1, **lead)
    bus.say("sales", SALES, MAIL, {"lead_id": "L-1", "words": 101}, bustoken=1, **lead)
    bus.say("sales", SALES, MAIL, {"lead_id": "L-2"}, bustoken=1, **lead)
    bus.say("legal", LEGAL, MAIL, {"lead_id": "L-1"}, bustoken=1, **lead)
    bus.say("operators", ANA, "bus.control.resume.v1", {"select": {"all": True}, "reason": "nothing to lift"})
    bus.poison("sales", SALES)
    bus.say("sales", SALES, NOTE, {"text": "kept"}, id="note-1")
    bus.say("sales", SALES, NOTE, {"text": "kept"}, id="note-1")
    bus.say("sales", SALES, NOTE, {"text": "another"}, id="note-1")


def _hold_and_act(bus: EventfulBus) -> None:
    lead = {"subject": "lead/L-1"}
    bus.say("sales", SALES, PING, id="ping-1")
    bus.say("crm", CRM, PING, id="ping-1")
    bus.say("sales", SALES, CLAIM, **lead)
    bus.say("sales", SALES, CLAIM, **lead)
    bus.say("support", SUPPORT, CLAIM, **lead)
    token = bus.token("lead/L-1")
    bus.say("sales", SALES, RENEW, {"token": token}, **lead)
    bus.say("sales", SALES, MAIL, {"lead_id": "L-1", "to": "d@example.com"}, bustoken=token, **lead)
    bus.again("lead/L-1")
    mailed = _decision(bus, "action_admitted", "lead/L-1")
    bus.say("crm", CRM, "bus.action.report.v1", {"decision": mailed, "result": "done"}, **lead)
    bus.say("crm", CRM, "bus.action.report.v1", {"decision": mailed, "result": "done"}, **lead)
    bus.say("support", SUPPORT, MAIL, {"lead_id": "L-1"}, bustoken=token, **lead)
    bus.say("sales", SALES, MAIL, {"lead_id": "L-1"}, bustoken=token - 1, **lead)
    bus.say("sales", SALES, RELEASE, {"token": token, "to": SUPPORT}, **lead)
    bus.say("sales", SALES, CLAIM, **lead)
    bus.say("sales", SALES, RENEW, {"token": token}, **lead)
    bus.say("support", SUPPORT, CLAIM, **lead)
    bus.say("support", SUPPORT, RELEASE, {"token": bus.token("lead/L-1")}, **lead)
    bus.say("sales", SALES, CLAIM, {"lease_ms": 1_000}, subject="lead/L-2")
    bus.say("operators", ANA, "bus.resource.revoke.v1", {"reason": "by hand"}, subject="lead/L-2")
    bus.say("operators", ANA, "bus.resource.revoke.v1", {"reason": "once more"}, subject="lead/L-2")
    bus.say("sales", SALES, CLAIM, subject="deal/D-1")
    bus.say("sales", SALES, CLAIM, subject="truck/T-1")
    bus.say("sales", SALES, CLAIM, subject="lead/L-3")
    late = bus.token("lead/L-3")
    bus.now_ms += LEASE_MS + 500
    bus.say("sales", SALES, CLAIM, subject="lead/L-3")
    bus.say("sales", SALES, RENEW, {"token": late}, subject="lead/L-3")
    bus.say("support", SUPPORT, CLAIM, subject="lead/L-3")
    bus.wait_ms(200)
    bus.say("support", SUPPORT, CLAIM, subject="truck/T-1")


def _say_no_at_the_arbiter(bus: EventfulBus) -> None:
    bus.say("crm", CRM, STAGE, {"value": "lost"}, subject="deal/D-2")
    bus.say("sales", SALES, CLAIM, subject="deal/D-2")
    bus.say("crm", CRM, STAGE, {"value": "won"}, subject="deal/D-2")
    bus.say("crm", CRM, SCORE, {"value": 7}, subject="deal/D-2")
    bus.say("sales", SALES, CLAIM, subject="deal/D-2")
    bus.say("sales", SALES, CLAIM, subject="ship/S-1")
    bus.say("legal", LEGAL, CLAIM, subject="lead/L-4")
    bus.say("legal", LEGAL, "bus.contest.ask.v1", {"question": "?", "options": ["a", "b"]}, subject="lead/L-4")
    bus.say("sales", SALES, "bus.contest.ask.v1", {"question": "?", "options": ["a", "b"]}, subject="lead/L-4")
    vote = {"contest": "1.0.1.0", "choice": "a", "reason": "ok"}
    bus.say("sales", SALES, "bus.contest.vote.v1", vote, subject="lead/L-4")
    ruling = {"case": "1.0.1.0", "rev": 1, "ruling": "reject_all", "reason": "no"}
    bus.say("sales", SALES, "bus.case.rule.v1", ruling, subject="lead/L-4")
    bus.say("desk", ANA, "bus.case.rule.v1", ruling, subject="lead/L-4")
    bus.say("sales", SALES, CLAIM, subject="lead/L-5")
    token = bus.token("lead/L-5")
    wait = {"for": "lead/L-1", "reason": "a quote"}
    bus.say("sales", SALES, "bus.agent.wait.v1", {**wait, "until": bus.now_ms + 90_000}, subject="lead/L-5")
    bus.say("sales", SALES, CALL, {}, bustoken=token, subject="lead/L-5")
    with bus.on_the_way():
        bus.say("support", SUPPORT, CLAIM, subject=HELD_BACK, expirytime=wire_time(bus.now_ms + 400))
        bus.wait_ms(600)
    bus.records[topics.ARBITER, 0].append(_alien(bus))
    bus._decide(0, bus.records[topics.ARBITER, 0][-1])


def _suspend(bus: EventfulBus) -> None:
    select = {"select": {"agent": SALES}, "reason": "it loops"}
    bus.say("sales", SALES, CLAIM, subject="lead/L-6")
    with bus.on_the_way():
        bus.say("sales", SALES, CLAIM, subject="lead/L-7")
        waiting, bus.waiting = bus.waiting, None
        bus.say("operators", ANA, "bus.control.suspend.v1", select)
        bus.waiting = waiting
    bus.say("sales", SALES, CLAIM, subject="lead/L-8")
    bus.say("support", SUPPORT, CLAIM, subject="lead/L-6")
    bus.wait_ms(200)
    bus.say("operators", ANA, "bus.control.resume.v1", select)
    bus.say("sales", SALES, CLAIM, subject="lead/L-6")
    shorter = {"resource": "truck", "window_ms": 0, "lease_ms": 1_000, "on_held": "deny", "handover_ms": 2_000}
    base = bus.registry.hashes["terms", "truck"]
    change = {"kind": "terms", "name": "truck", "value": shorter, "base": base}
    bus.say("operators", ANA, "bus.control.set.v1", change)
    gone = {"kind": "contract", "name": PING, "value": None, "base": bus.registry.hashes["contract", PING]}
    bus.say("operators", ANA, "bus.control.set.v1", gone)


def _decision(bus: EventfulBus, kind: str, subject: str, agent: str = "") -> str:
    p = partition_of(subject, PARTITIONS)
    entries = [entry for body in bus.bodies[topics.JOURNAL, p] for entry in body.get("entries", ())]
    events = [(e["o"], v) for e in entries for v in e["events"] if (v["kind"], v.get("subject")) == (kind, subject)]
    found = [(o, event["n"]) for o, event in events if agent in ("", event.get("agent"))]
    return f"1.{p}.{found[-1][0]}.{found[-1][1]}"


def _alien(bus: EventfulBus) -> Record:
    offset = len(bus.records[topics.ARBITER, 0])
    return Record(topics.ARBITER, 0, offset, bus.now_ms, None, canonical({"hello": "?"}), ())
