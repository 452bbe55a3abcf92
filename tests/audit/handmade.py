"""A bus made by hand: the core judges a few messages, and every topic it leaves behind can be tampered with.

Journals are kept as bodies and sealed at the end (`evidence`), so that a test can change what a journal says and still
have an unbroken chain, or break the chain and nothing else.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bus import ENGINE
from bus.audit.evidence import ARBITER_PUBLISHED, GATE_GROUP, GATE_PUBLISHED, Evidence, Log, Place
from bus.audit.verify import verify
from bus.core.arbiter import decide as decide_act
from bus.core.arbiter import evolve as evolve_state
from bus.core.decision.events import ActionAdmitted
from bus.core.gate import GateState, arrival_ms, decide, evolve
from bus.core.log import topics
from bus.core.log.journal import Tip, seal
from bus.core.log.records import Headers, Output, Record, canonical
from bus.core.log.routing import partition_of
from bus.core.message.arrivals import read_arrival, tick_headers, tick_value
from bus.core.outputs.answers import Predecessors, arbiter_outputs, control_headers, gate_outputs
from bus.core.outputs.enclosed import enclose, with_hashes
from bus.core.outputs.witness import Witness
from bus.core.policy.control import Genesis, Registry
from bus.core.state.partition import PartitionState
from bus.shell.catalogue import built_in_contracts
from bus.shell.gather import Gatherer
from bus.shell.publisher import governed_headers
from resolvers import RESOLVERS, RESOLVERS_VERSION

Body = dict[str, Any]  # JSON
START_MS = 1_795_255_000_000
STEP_MS = 10
PARTITIONS = 2
GOVERNED = ("leads", 3)
ANA = "spiffe://acme/person/ana"
SALES, SUPPORT = "spiffe://acme/agent/sales-1", "spiffe://acme/agent/support-1"
LEASE_MS = 3_000
EMAIL: Body = {
    "contract": {
        "type": "leads.email.send.v1",
        "owner": ANA,
        "topic": GOVERNED[0],
        "resource": "lead",
        "key": "/lead_id",
        "guard": True,
    },
    "format": "json",
    "schema": json.dumps({"type": "object", "required": ["lead_id"]}),
    "ids": [],
    "guids": [],
}


@dataclass
class HandmadeBus:
    """Gates, arbiters and a publisher in one thread; what each topic holds is in ``records`` and ``bodies``."""

    genesis: Genesis = field(default_factory=lambda: Genesis(1, "acme", PARTITIONS, (ANA,)))
    records: dict[Place, list[Record]] = field(default_factory=dict)
    bodies: dict[Place, list[Body]] = field(default_factory=dict)
    marks: dict[str, dict[Place, int]] = field(default_factory=dict)
    now_ms: int = START_MS
    count: int = 0

    def __post_init__(self) -> None:
        self.registry = Registry(self.genesis, built_in_contracts())
        self.gates: dict[str, tuple[GateState, Predecessors, Gatherer]] = {}
        self.arbiters = [
            (
                PartitionState(1, p, self.registry, resolvers=RESOLVERS, resolvers_version=RESOLVERS_VERSION),
                Predecessors(f"1.{p}"),
                (topics.JOURNAL, p),
            )
            for p in range(PARTITIONS)
        ]
        for name in (topics.PUBLISHED, topics.CONTROL):
            self.records[name, 0] = []
        escalations = (topics.ESCALATIONS, topics.ESCALATION_PARTITIONS)
        for name, count in ((topics.ARBITER, 2), (topics.OUTCOMES, 2), (topics.REFUSED, 3), escalations, GOVERNED):
            self.records.update({(name, p): [] for p in range(count)})
        self._append(Output(topics.CONTROL, 0, b"genesis", canonical(self.genesis.to_json()), (), ""))
        for p in range(PARTITIONS):
            self.bodies[topics.JOURNAL, p] = _begun({"p": p})
        for lane in topics.PERSON_LANES:
            self.open_lane(lane)

    def open_lane(self, lane: str) -> None:
        """Make the topics and the gate of a lane."""
        self.gates[lane] = (GateState(), Predecessors(lane), Gatherer(lane, lambda _: True))
        self.records[topics.incoming(lane), 0] = []
        self.records[topics.answers(lane), 0] = []
        self.bodies[topics.gate_journal(lane), 0] = _begun({"lane": lane})

    # ---- what agents and people do --------------------------------------------------------------------------

    def send(self, lane: str, source: str, kind: str, body: object, subject: str = "", token: int | None = None) -> int:
        """Send a message through its gate and every arbiter it goes to; its offset."""
        self.count += 1
        named = {"ce_specversion": "1.0", "ce_id": f"m-{self.count}", "ce_source": source, "ce_type": kind}
        named |= {"ce_time": "2026-11-21T09:56:40Z", "content-type": "application/json"}
        named |= {"ce_subject": subject} if subject else {}
        named |= {"ce_bustoken": str(token)} if token is not None else {}
        headers = tuple((name, text.encode()) for name, text in named.items())
        record = self._append(Output(topics.incoming(lane), 0, b"", json.dumps(body).encode(), headers, ""))
        self._judge(lane, record)
        return record.offset

    def set(self, kind: str, name: str, value: Body) -> None:
        """Set something through the operators' lane."""
        body = {"kind": kind, "name": name, "value": value, "base": None}
        self.send(topics.OPERATORS_LANE, ANA, "bus.control.set.v1", body)

    def tick(self, p: int, now: int) -> None:
        """Write a tick as the partition's owner."""
        after = self.records[topics.ARBITER, p][-1].offset
        value = canonical(tick_value(after=after, now=now, stalled=()))
        self._decide(p, self._append(Output(topics.ARBITER, p, b"", value, tick_headers(), "")))

    def token(self, subject: str) -> int:
        """The current fencing token of a subject."""
        return self.arbiters[partition_of(subject, PARTITIONS)][0].resource(subject).token

    # ---- the engine, record by record -----------------------------------------------------------------------

    def _judge(self, lane: str, record: Record) -> None:
        state, sent, gatherer = self.gates[lane]
        at = arrival_ms(state, record.timestamp_ms)
        basis = gatherer.gather(record, at, self.registry)
        judged = decide(state, record.offset, at, basis)
        evolve(state, judged.row)
        body: Body = {"kind": "gate", "engine": ENGINE, "gen": 1, "lane": lane, "control": self.registry.number}
        body |= {"from": record.offset, "to": record.offset, "rows": [judged.row.to_json()]}
        self.bodies[topics.gate_journal(lane), 0].append(body)
        written = [self._append(out) for out in gate_outputs(sent, record, judged, basis, self.registry.number)]
        if basis.change is not None and judged.row.verdict == "forwarded":
            change, decision = basis.change, f"{lane}.{record.offset}"
            key, value = f"{change.kind}/{change.name}".encode(), canonical(change.value)
            self._append(Output(topics.CONTROL, 0, key, value, control_headers(change, decision), decision))
            self.registry = self.registry.apply(change)
        for one in written:
            if one.topic == topics.ARBITER:
                self._decide(one.partition, one)

    def _decide(self, p: int, record: Record) -> None:
        state, sent, place = self.arbiters[p]
        entry, witness = decide_act(state, read_arrival(record)), Witness(state)
        evolve_state(state, entry, witness)
        log = self.records[topics.ARBITER, p]
        enclosed = enclose(entry, witness.situations(), {one.offset: one for one in log})
        entry = with_hashes(entry, enclosed)
        body: Body = {"kind": "arbiter", "engine": ENGINE, "gen": 1, "p": p, "from": record.offset, "to": record.offset}
        self.bodies[place].append({**body, "entries": [json.loads(canonical(entry.to_json()))]})
        for output in arbiter_outputs(sent, entry, record, p, enclosed):
            self._append(output)
        for event in entry.events:
            if isinstance(event.what, ActionAdmitted) and event.what.topic:
                said = log[event.what.o]  # of a held action it came a while ago
                headers = governed_headers(said.headers, state.decision(entry.o, event.n), event.what)
                key = said.key or b""
                where = partition_of(key, GOVERNED[1])
                self._append(Output(event.what.topic, where, key, said.value, headers, ""))

    def _append(self, output: Output) -> Record:
        self.now_ms += STEP_MS
        log = self.records[output.topic, output.partition]
        headers: Headers = tuple(output.headers)
        key = output.key or None
        record = Record(output.topic, output.partition, len(log), self.now_ms, key, output.value, headers)
        log.append(record)
        return record

    # ---- what an auditor reads ------------------------------------------------------------------------------

    def evidence(self, tamper: Callable[[dict[Place, list[Record]]], None] = lambda _: None) -> Evidence:
        """Seal the journals, state the marks, let ``tamper`` change the stored records, and hand all of it over."""
        logs = {place: list(log) for place, log in self.records.items()}
        for place, bodies in self.bodies.items():
            logs[place] = list(_sealed(place, bodies))
        ends = {place: len(log) for place, log in logs.items()}
        journals = {place: ends[place] for place in self.bodies}
        marks = {
            GATE_GROUP: {place: end for place, end in ends.items() if place[0].startswith("bus.in.")},
            GATE_PUBLISHED: {place: end for place, end in journals.items() if place[0] != topics.JOURNAL},
            ARBITER_PUBLISHED: {place: end for place, end in journals.items() if place[0] == topics.JOURNAL},
        }
        released = {str(p): ends[topics.JOURNAL, p] for p in range(PARTITIONS)}
        value = canonical({"slot": 0, "marks": released})
        logs[topics.PUBLISHED, 0] = [Record(topics.PUBLISHED, 0, 0, self.now_ms, b"0", value, ())]
        tamper(logs)
        read = {place: Log(0, ends[place], tuple(log)) for place, log in logs.items()}
        return Evidence("handmade", read, {**marks, **self.marks}, {}, {GOVERNED[0]: GOVERNED[1]})


def _begun(about: Body) -> list[Body]:
    genesis = {"kind": "genesis", "engine": ENGINE, "gen": 1, **about, "topic_id": "id"}
    return [genesis, {"kind": "takeover", "engine": ENGINE, "nonce": "00", "mark": 0}]


def _sealed(place: Place, bodies: list[Body]) -> list[Record]:
    tip, found = Tip(), []
    for offset, body in enumerate(bodies):
        value, tip = seal(tip, body)
        found.append(Record(*place, offset, START_MS, b"", value, ()))
    return found


def busy_bus() -> HandmadeBus:
    """Claims, a denial, an action, a refusal, a duplicate, an expiry and a second grant, in two lanes."""
    bus = HandmadeBus()
    for lane in ("sales", "support"):
        bus.open_lane(lane)
        bus.set("lane", lane, {"principal": f"User:{lane}"})
    bus.set("agent", SALES, {"lane": "sales", "roles": ["sales"], "owner": ANA})
    bus.set("agent", SUPPORT, {"lane": "support", "roles": ["support"], "owner": ANA})
    bus.set("terms", "lead", {"resource": "lead", "window_ms": 0, "lease_ms": LEASE_MS, "on_held": "deny"})
    bus.set("contract", "leads.email.send.v1", EMAIL)
    for subject in ("lead/L-1", "lead/L-2", "lead/L-3"):
        bus.send("sales", SALES, "bus.resource.claim.v1", {}, subject)
        bus.send("support", SUPPORT, "bus.resource.claim.v1", {}, subject)
        bus.send("sales", SALES, "leads.email.send.v1", {"lead_id": subject[5:]}, subject, bus.token(subject))
        bus.send("sales", SALES, "bus.resource.renew.v1", {"token": bus.token(subject)}, subject)
    bus.send("sales", SUPPORT, "bus.resource.claim.v1", {}, "lead/L-1")  # wrong lane
    bus.send("sales", SALES, "leads.email.send.v1", {"lead_id": "L-1"}, "lead/L-1", 1)  # fenced
    bus.count -= 1
    bus.send("sales", SALES, "leads.email.send.v1", {"lead_id": "L-1"}, "lead/L-1", 1)  # the same again
    bus.send("sales", SALES, "bus.resource.release.v1", {"token": bus.token("lead/L-2")}, "lead/L-2")
    bus.now_ms += 2 * LEASE_MS
    for p in range(PARTITIONS):
        bus.tick(p, START_MS)  # fires nothing: it is there for its append time
        bus.tick(p, bus.now_ms - 1_000)
    bus.send("support", SUPPORT, "bus.resource.claim.v1", {}, "lead/L-1")
    return bus


def changed(record: Record, **given: Any) -> Record:
    """The record with other parts."""
    return record._replace(**given)


def found(evidence: Evidence, check: str) -> list[str]:
    """What one check finds, as people read it."""
    report = verify(evidence, [check], lambda _: None)
    return [str(finding) for finding in report.checks[0].findings]


def event_of(bus: HandmadeBus, kind: str, subject: str, which: int = 0) -> tuple[Body, Body]:
    """An entry of the arbiter's journal and its event of that kind about that subject, ready to be changed."""
    matching = []
    for p in range(PARTITIONS):
        for body in bus.bodies[topics.JOURNAL, p]:
            for entry in body.get("entries", ()):
                matching += [(entry, e) for e in entry["events"] if (e["kind"], e.get("subject")) == (kind, subject)]
    return matching[which]
