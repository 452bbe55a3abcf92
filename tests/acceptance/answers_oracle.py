"""Which answers must stand on bus.outcomes and bus.out.*, source by source, in order, each with its exact content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.acceptance.evidence import Evidence
from tests.acceptance.gate_oracle import BEFORE_SIGNATURE, Row
from tests.acceptance.wire import Json, canonical, sha256

Place = tuple[str, int]
# Written in the journal only (wire.md section 5), so taken out of public answers.
JOURNAL_ONLY = {"voted": ("choice", "reason", "confidence", "reasoning_hash"), "offered": ("outcome",)}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: where it stands, who says it, its id, key and content (`...` = any)."""

    place: Place
    source: str
    id: str
    key: bytes
    content: Json
    row: Row | None = None


Expected = dict[Place, dict[str, list[Answer]]]


def expected_answers(evidence: Evidence) -> Expected:
    """All answers by place and source, in the order their source sends them."""
    held: Expected = defaultdict(lambda: defaultdict(list))
    for partition in range(len(evidence.journal)):
        for answer in _of_arbiter(evidence, partition):
            held[answer.place][answer.source].append(answer)
    for lane, rows in evidence.rows.items():
        for row in rows:
            if row.verdict != "forwarded" or row.is_control:
                answer = _of_gate(evidence, lane, row)
                held[answer.place][answer.source].append(answer)
    return held


def _of_arbiter(evidence: Evidence, partition: int) -> Iterator[Answer]:
    source = f"{evidence.gen}.{partition}"
    for entry in evidence.entries(partition):
        for event in entry["events"]:
            decision = f"{source}.{entry['o']}.{event['n']}"
            is_tick = entry["verdict"] == "tick"
            about = {"decision": decision, "id": "", "src": "", "at": entry.get("now")}
            if not is_tick:
                about |= {"id": entry["id"], "src": entry["src"], "at": entry["at"]}
            hidden = JOURNAL_ONLY.get(event["kind"], ())
            content = {name: value for name, value in event.items() if name not in hidden} | about
            key = event.get("subject") or entry.get("source") or ""
            yield Answer(("bus.outcomes", partition), source, decision, key.encode(), content)
            yield from _to_lanes(source, decision, event["to"], content)


def _to_lanes(source: str, decision: str, to: Json, content: Json) -> Iterator[Answer]:
    for lane in dict.fromkeys(lane for lane, _ in to):
        own = [pair for pair in to if pair[0] == lane]
        key = own[0][1] or lane
        yield Answer((f"bus.out.{lane}", 0), source, decision, key.encode(), content | {"to": own})


def _of_gate(evidence: Evidence, lane: str, row: Row) -> Answer:
    envelope = row.envelope
    sender = "" if row.reason in BEFORE_SIGNATURE else envelope.source
    decision = f"{lane}.{row.record.offset}"
    content = {"n": 0, "to": [[lane, sender]], "decision": decision, "id": envelope.id}
    content |= {"src": row.record.src, "at": row.at_ms}
    if row.is_control:
        content |= _control_set(evidence, row)
    else:
        content |= {"kind": "refused" if row.verdict == "refused" else "duplicate"}
        content |= {"agent": envelope.source, "type": envelope.type}
        content |= {"reason": row.reason} if row.verdict == "refused" else {"of": row.first}
        if envelope.subject is not None:
            content["subject"] = envelope.subject
    return Answer((f"bus.out.{lane}", 0), lane, decision, (sender or lane).encode(), content, row)


def _control_set(evidence: Evidence, row: Row) -> Json:
    if row.envelope.type != "bus.control.set.v1":
        return {"kind": ...}
    body = row.body
    version = evidence.registry.version(f"{body['kind']}/{body['name']}", row.own_control)
    assert version is not None, "the oracle accepted it"
    told = {"kind": "control_set", "control": row.own_control, "kind_of": body["kind"], "name": body["name"]}
    return told | {"rev": version.revision, "value_hash": sha256(canonical(body["value"]))}
