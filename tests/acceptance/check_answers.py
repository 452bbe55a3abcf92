"""Checks of what goes out: answers name their predecessor, equal the events, and nothing void is seen outside."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.acceptance.answers_oracle import Answer, Expected, Place, expected_answers
from tests.acceptance.evidence import Evidence
from tests.acceptance.gate_oracle import Row
from tests.acceptance.predecessor import Reader
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json, Record, canonical

# What a gate's answer may leave out or add: texts, and the subject where it was not readable.
FREE = frozenset({"detail", "violations", "subject", "retry_after", "value", "control", "select", "status", "kind_of"})
FREE_OF_CONTROL = FREE | {"name", "rev", "value_hash"}


def check_answers(evidence: Evidence, verdicts: Verdicts) -> None:
    """All promises about bus.outcomes and bus.out.*."""
    expected: Expected = {place: {} for place in _places(evidence)}
    verdicts.check("every event has the fields an answer needs", _fill(evidence, expected))
    verdicts.check("every raw answer comes from a valid segment, with its content", _raw(evidence, expected))
    verdicts.check("by the predecessor rule the answers are the events and the gate's own", _read(evidence, expected))
    verdicts.check(
        "the gate's refusals list all violations of the first failing check", _violations(evidence, expected)
    )


def _fill(evidence: Evidence, expected: Expected) -> Iterator[str]:
    expected |= expected_answers(evidence)
    yield from ()


def _places(evidence: Evidence) -> list[Place]:
    names = [name for name in evidence.topics if name == "bus.outcomes" or name.startswith("bus.out.")]
    return [(name, partition) for name in names for partition in range(len(evidence.topics[name]))]


def _log(evidence: Evidence, place: Place) -> list[Record]:
    return evidence.topics[place[0]][place[1]]


def _raw(evidence: Evidence, expected: Expected) -> Iterator[str]:
    for place, sources in expected.items():
        known = {answer.id: (answer, before) for answers in sources.values() for answer, before in _chained(answers)}
        for record in _log(evidence, place):
            decision = record.last("bus-decision") or ""
            if decision not in known:
                yield f"{record.src}: decision {decision!r} is of no valid segment"
                continue
            fault = _raw_fault(record, *known[decision])
            if fault:
                yield f"{record.src} ({decision}): {fault}"


def _chained(answers: list[Answer]) -> Iterator[tuple[Answer, str]]:
    before = ""
    for answer in answers:
        yield answer, before
        before = answer.id


def _raw_fault(record: Record, answer: Answer, before: str) -> str:
    named = [("bus-decision", answer.id), ("bus-from", answer.source), ("bus-prev", before)]
    for name, value in named:
        if record.last(name) != value:
            return f"{name} is {record.last(name)!r}, expected {value!r}"
    if record.key != answer.key:
        return f"key {record.key!r}, expected {answer.key!r}"
    content = json.loads(record.value or b"{}")
    if answer.row is None:
        return "" if content == answer.content else f"content {content}, the journal says {answer.content}"
    return _gate_fault(content, answer.content, answer.row)


def _gate_fault(content: Json, expected: Json, row: Row) -> str:
    free = FREE_OF_CONTROL if row.is_control else FREE
    for name, value in expected.items():
        if name in free and name not in content:
            continue
        if value is not ... and content.get(name) != value:
            return f"{name} is {content.get(name)!r}, computed {value!r}"
    surplus = content.keys() - expected.keys() - free
    return f"unknown fields {sorted(surplus)}" if surplus else ""


def _read(evidence: Evidence, expected: Expected) -> Iterator[str]:
    for place, sources in expected.items():
        reader = Reader()
        read: dict[str, list[str]] = {}
        for record in _log(evidence, place):
            source, own = record.last("bus-from") or "", record.last("bus-decision") or ""
            if reader.accepts(source, own, record.last("bus-prev") or ""):
                read.setdefault(source, []).append(own)
        for source in read.keys() | sources.keys():
            due = [answer.id for answer in sources.get(source, [])]
            if read.get(source, []) != due:
                missing = next((one for one in due if one not in set(read.get(source, []))), "none")
                count = len(read.get(source, []))
                where = f"{place[0]}/{place[1]}"
                yield f"{where} from {source}: {count} answers, due are {len(due)}; first missing {missing}"


def _violations(evidence: Evidence, expected: Expected) -> Iterator[str]:
    for place, sources in expected.items():
        of_gate = {
            answer.id: answer.row for answers in sources.values() for answer in answers if answer.row is not None
        }
        for record in _log(evidence, place):
            row = of_gate.get(record.last("bus-decision") or "")
            if row is None or row.verdict != "refused":
                continue
            fault = violations_fault(row, json.loads(record.value or b"{}").get("violations", []))
            if fault:
                yield f"{record.src} for {row.record.src} ({row.record.last('x-variant')}): {fault}"


def violations_fault(row: Row, written: list[Json]) -> str:
    """What is wrong with the violations of a refusal of the gate, or ""."""
    told = [(violation.get("path"), violation.get("keyword")) for violation in written]
    if row.reason == "bad_envelope":
        paths = {path for path, _ in told}
        return "" if paths == row.header_paths else f"paths {paths}, computed {row.header_paths}"
    if row.reason == "rule_violation":
        rules = sorted(violation.get("rule") for violation in written)
        return "" if rules == row.rules else f"rules {rules}, computed {row.rules}"
    if row.reason != "schema_violation":
        return ""
    computed = [(violation.path, violation.keyword) for violation in row.violations]
    if computed[-1][1] == "more":
        computed, told = computed[:-1], told[:-1] if told and told[-1][1] == "more" else told
    assert row.contract is not None, "a schema was violated"
    if row.contract.type.startswith("bus."):
        # The built-in schemas are not on the wire page word for word, their bodies are: so the paths count.
        computed_paths, told_paths = [path for path, _ in computed], [path for path, _ in told]
        return "" if computed_paths == told_paths else f"paths {told_paths}, computed {computed_paths}"
    if canonical(told) != canonical(computed):
        return f"violations {told}, computed {computed}"
    return ""
