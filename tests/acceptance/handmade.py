"""A small honest history made by hand from the wire page, to try the checks on it and on faults put into it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from tests.acceptance.answers_oracle import expected_answers
from tests.acceptance.arbiter_oracle import ArbiterOracle
from tests.acceptance.check_outputs import admitted, due_refusals
from tests.acceptance.control_oracle import Registry
from tests.acceptance.evidence import Evidence, judged
from tests.acceptance.gate_oracle import GateOracle, Row, forwarded_key
from tests.acceptance.outgoing import Outgoing
from tests.acceptance.setting import GOVERNED
from tests.acceptance.topics import Log
from tests.acceptance.wire import Headers, Json, Record, canonical, partition_of, sha256

PARTITIONS = 2
STEWARD = "spiffe://acme/person/ana"
SKEW_MS = 100
TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA"
# What stands where the computation leaves a field open.
OPEN = {"claim": "c", "value": {}, "select": {}, "status": "suspended", "kind": "control_set"}


@dataclass(slots=True)
class History:
    """A bus of lane alpha and the operators, one message at a time."""

    now_ms: int
    registry: Registry = field(default_factory=lambda: Registry((STEWARD,)))
    topics: dict[str, Log] = field(default_factory=dict)
    gates: dict[str, GateOracle] = field(default_factory=dict)
    arbiters: list[ArbiterOracle] = field(default_factory=list)
    sent_to: dict[tuple[str, int], str] = field(default_factory=dict)

    def begin(self) -> None:
        """Genesis and the empty chains."""
        per_partition = ("bus.arbiter", "bus.journal", "bus.outcomes")
        counts = {"bus.control": 1, "bus.refused": 3, **dict.fromkeys(per_partition, PARTITIONS), **GOVERNED}
        for lane in ("alpha", "operators"):
            counts |= {f"bus.{kind}.{lane}": 1 for kind in ("in", "out", "gate")}
        self.topics = {name: [[] for _ in range(count)] for name, count in counts.items()}
        genesis = {"v": 1, "kind": "genesis", "control": 0, "gen": 1, "partitions": PARTITIONS, "skew_ms": SKEW_MS}
        self.put("bus.control", 0, b"genesis", (), canonical(genesis | {"stewards": [STEWARD]}))
        for lane in ("alpha", "operators"):
            self.gates[lane] = GateOracle(lane, self.registry, PARTITIONS)
            self._segment(f"bus.gate.{lane}", 0, lane, {"kind": "genesis", "gen": 1, "lane": lane})
        for partition in range(PARTITIONS):
            self.arbiters.append(ArbiterOracle(partition, 1, self.registry))
            self._segment("bus.journal", partition, f"1.{partition}", {"kind": "genesis", "gen": 1, "p": partition})

    def put(self, topic: str, partition: int, key: bytes | None, headers: Headers, value: bytes | None) -> Record:
        """Append one record."""
        log = self.topics[topic][partition]
        record = Record(topic, partition, len(log), self.now_ms, key, headers, value)
        log.append(record)
        return record

    def send(self, message: Outgoing, *, after_ms: int = 1) -> Row:
        """One message through both stages."""
        self.now_ms += after_ms
        lane, control = message.lane, self.registry.last
        record = self.put(f"bus.in.{lane}", 0, message.key, message.headers, message.value)
        row = self.gates[lane].judge(record, control)
        covered = {"kind": "gate", "control": control, "from": record.offset, "to": record.offset}
        self._segment(f"bus.gate.{lane}", 0, lane, {**covered, "rows": [row.as_written()]})
        for partition in row.partitions:
            self._forward(row, partition)
        if row.is_control:
            self._control(row)
        return row

    def tick(self, partition: int, *, after_ms: int) -> None:
        """A tick as late as the page allows."""
        self.now_ms += after_ms
        log = self.topics["bus.arbiter"][partition]
        value: Json = {"v": 1, "after": len(log) - 1, "now": log[-1].append_ms - SKEW_MS, "stalled": []}
        headers = (("ce_type", b"bus.clock.tick.v1"),)
        told = {name: value[name] for name in ("after", "now", "stalled")} | {"type": "bus.clock.tick.v1"}
        self._enter(self.put("bus.arbiter", partition, None, headers, canonical(value)), told)

    def evidence(self) -> Evidence:
        """Everything a stranger can read of it, outputs included."""
        for lane, number in (("alpha", self.registry.last), ("operators", self.registry.last)):
            end = len(self.topics[f"bus.in.{lane}"][0])
            in_force = {"kind": "gate", "control": number, "from": end, "to": end - 1, "rows": []}
            self._segment(f"bus.gate.{lane}", 0, lane, in_force)
        found = self.judged()
        self._answers(found)
        self._refusals(found)
        self._governed(found)
        return found

    def judged(self) -> Evidence:
        """The topics as they are now, read once more."""
        found = judged(self.topics)
        found.topic_ids = dict.fromkeys(self.topics, TOPIC_ID)
        return found

    def _segment(self, topic: str, partition: int, key: str, content: Json) -> None:
        log = self.topics[topic][partition]
        previous = sha256(log[-1].value or b"") if log else ""
        named = {"v": 1, "engine": "1.0", "seq": len(log), "prev": previous} | content
        if content["kind"] == "genesis":
            named["topic_id"] = TOPIC_ID
        self.put(topic, partition, key.encode(), (), canonical(named))

    def _forward(self, row: Row, partition: int) -> None:
        sent, lane = row.record, row.record.topic.removeprefix("bus.in.")
        assert row.contract is not None, "it was forwarded"
        ours = [("bus-src", sent.src), ("bus-at", str(row.at_ms)), ("bus-from", lane)]
        ours += [("bus-prev", self.sent_to.get((lane, partition), "")), ("bus-contract", row.contract.name)]
        ours += [("bus-control", str(row.own_control or row.control)), ("bus-values", '{"fact":{}}')]
        self.sent_to[lane, partition] = f"{lane}.{sent.offset}"
        headers = sent.headers + tuple((name, value.encode()) for name, value in ours)
        if sent.key is not None:
            headers += (("bus-key", sent.key),)
        record = self.put("bus.arbiter", partition, forwarded_key(row), headers, sent.value)
        envelope = row.envelope
        told = {"src": sent.src, "id": envelope.id, "type": envelope.type, "source": envelope.source}
        self._enter(record, told | {"at": row.at_ms, "hash": row.hash})

    def _enter(self, record: Record, told: Json) -> None:
        oracle = self.arbiters[record.partition]
        outcome = oracle.step(record, {"events": []})
        events = [{name: OPEN[name] if value is ... else value for name, value in e.items()} for e in outcome.events]
        entry = {"o": record.offset, "verdict": outcome.verdict, "events": events, **told}
        if outcome.verdict != "tick":
            basis = {"control": oracle.control, "contract": record.last("bus-contract"), "allow": True}
            entry |= {"reason": outcome.reason, "basis": basis}
        content = {"kind": "arbiter", "p": record.partition, "from": record.offset, "to": record.offset}
        self._segment("bus.journal", record.partition, f"1.{record.partition}", {**content, "entries": [entry]})

    def _control(self, row: Row) -> None:
        versions = ((key, one) for key, held in self.registry.versions.items() for one in held)
        key, version = next(pair for pair in versions if pair[1].control == row.own_control)
        value = None if version.value is None else canonical(version.value)
        ours = {"bus-control": row.own_control, "bus-rev": version.revision}
        headers = tuple((name, str(number).encode()) for name, number in ours.items())
        headers += (("bus-decision", f"operators.{row.record.offset}".encode()),)
        self.put("bus.control", 0, key.encode(), headers, value)

    def _answers(self, found: Evidence) -> None:
        for (topic, partition), sources in expected_answers(found).items():
            for answers in sources.values():
                before = ""
                for answer in answers:
                    content = {name: OPEN[name] if value is ... else value for name, value in answer.content.items()}
                    if answer.row is not None and answer.row.reason:
                        content["violations"] = _violations(answer.row)
                    named = {"bus-decision": answer.id, "bus-from": answer.source, "bus-prev": before}
                    self.put(topic, partition, answer.key, _coded(named), canonical(content))
                    before = answer.id

    def _refusals(self, found: Evidence) -> None:
        before: dict[tuple[str, int], str] = defaultdict(str)
        for source, refusals in due_refusals(found).items():
            for refusal in refusals:
                partition = partition_of(refusal.lane.encode(), 3)
                original = refusal.original
                src = original.src if original.topic != "bus.arbiter" else original.last("bus-src") or ""
                named = {"bus-from": source, "bus-prev": before[source, partition], "bus-reason": refusal.reason}
                named |= {"bus-src": src, "bus-decision": refusal.id, "__connect.errors.topic": original.topic}
                named |= {"__connect.errors.partition": str(original.partition)}
                named |= {"__connect.errors.offset": str(original.offset), "__connect.errors.exception.message": "no"}
                headers = original.headers + _coded(named)
                self.put("bus.refused", partition, refusal.lane.encode(), headers, original.value)
                before[source, partition] = refusal.id

    def _governed(self, found: Evidence) -> None:
        for topic, decision, event, forwarded, source in admitted(found):
            row = found.row(forwarded.last("bus-src") or "")
            assert row is not None, "it was forwarded"
            key = (event.get("subject") or source).encode()
            named = {"bus-src": row.record.src, "bus-at": str(row.at_ms), "bus-decision": decision}
            if "token" in event:
                named |= {"bus-token": str(event["token"]), "bus-until": str(event["until"])}
            headers = row.record.headers + _coded(named)
            if row.record.key is not None:
                headers += (("bus-key", row.record.key),)
            partition = partition_of(key, len(self.topics[topic]))
            self.put(topic, partition, key, headers, row.record.value)


def changed(log: list[Record], index: int, **fields: Json) -> None:
    """Put a fault into a log: one record with other fields."""
    log[index] = replace(log[index], **fields)


def _violations(row: Row) -> Json:
    of_headers = [{"path": path, "keyword": "header"} for path in sorted(row.header_paths)]
    return of_headers + [{"path": one.path, "keyword": one.keyword} for one in row.violations]


def _coded(named: dict[str, str]) -> Headers:
    return tuple((name, value.encode()) for name, value in named.items())
