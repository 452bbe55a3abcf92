"""What must hold after the blows: the checkers of the black-box run and of the contests, and what the bench knows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.acceptance.check_answers import check_answers
from tests.acceptance.check_arbiter import check_holders, check_ticks
from tests.acceptance.check_chains import check_chains
from tests.acceptance.check_gate import check_gate
from tests.acceptance.check_leases import check_leases
from tests.acceptance.check_outputs import check_outputs
from tests.acceptance.check_topics import check_topics
from tests.acceptance.evidence import Evidence
from tests.acceptance.predecessor import Reader
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json, Record
from tests.contests.oracle.log import Raw
from tests.contests.real_log import Recorded, judged, left_open


def check_everything(evidence: Evidence, verdicts: Verdicts, taken: Sequence[Path], recorded: Json) -> None:
    """All promises, each with a line of its own."""
    verdicts.check("0 lost: every message the broker took stands where it said", missing_of(evidence, taken))
    check_topics(evidence, verdicts)
    check_chains(evidence, verdicts)
    check_gate(evidence, verdicts, is_full=False, is_prompt=False)
    verdicts.check("every entry of the arbiter is the one computed here", _entries(evidence))
    check_holders(evidence, verdicts)
    verdicts.check("0 double holders: nobody who reads the answers ever hears of two", _heard(evidence))
    check_ticks(evidence, verdicts)
    check_answers(evidence, verdicts)
    verdicts.check("nothing is seen outside before the segment that decides it stands", early_of(evidence))
    check_outputs(evidence, verdicts)
    check_leases(evidence, verdicts)
    verdicts.check(f"{recorded['seen']} records that were seen are there, unchanged", recorded["faults"])


def missing_of(evidence: Evidence, files: Sequence[Path]) -> Iterator[str]:
    """Acknowledged messages, as the crowds noted them, that do not stand where the broker said."""
    for file in files:
        for line in file.read_text().splitlines():
            lane, offset, identifier = line.split(" ")
            log = evidence.topics[f"bus.in.{lane}"][0]
            found = log[int(offset)] if int(offset) < len(log) else None
            if found is None or bytes.fromhex(identifier) not in _ids(found):
                yield f"bus.in.{lane}/0/{offset} was acknowledged to {bytes.fromhex(identifier)!r} and is not there"


def _ids(record: Record) -> list[bytes]:
    """What was sent as its id: of a message broken on purpose there may be none, or two."""
    return [value or b"" for name, value in record.headers if name == "ce_id"] or [b""]


def _entries(evidence: Evidence) -> Iterator[str]:
    """What the oracle of the contests, which knows windows and priorities, would decide otherwise."""
    records = [[_raw(record) for record in log] for log in evidence.topics["bus.arbiter"]]
    entries = [{entry["o"]: entry for entry in evidence.entries(p)} for p in range(len(records))]
    faults, oracles = judged(Recorded(evidence.gen, evidence.registry.stewards, records, entries))
    yield from (f"bus.arbiter/{fault.p}/{fault.offset} {fault.subject}: {fault.sentence}" for fault in faults)
    yield from (f"after silence, on {name}: {what}" for oracle in oracles for name, what in left_open(oracle))


def _raw(record: Record) -> Raw:
    headers = tuple((name, value or b"") for name, value in record.headers)
    return Raw(record.offset, record.append_ms, headers, record.value or b"")


def early_of(evidence: Evidence) -> Iterator[str]:
    """Records that went out before their decision was final, by the broker's times.

    A void decision is often the same as the valid one after it, so that its content does not give it away.
    """
    stands_ms = _final_ms(evidence)
    for name, topic in evidence.topics.items():
        is_answer = name.startswith("bus.out.") or name in ("bus.outcomes", "bus.refused")
        for record in (record for log in topic for record in log if is_answer or name == "bus.arbiter"):
            decision = _decision_of(record)
            at_ms = stands_ms.get(decision) or stands_ms.get(decision.rpartition(".")[0])
            if at_ms is not None and record.append_ms < at_ms:
                yield f"{record.src} ({decision}) went out {at_ms - record.append_ms} ms before its segment stood"


def _final_ms(evidence: Evidence) -> dict[str, int]:
    """When each valid segment was appended, by what it decides: `<lane>.<offset>` or `<gen>.<p>.<offset>`."""
    chains = [(lane, segments) for lane, segments in evidence.gate.items()]
    chains += [(f"{evidence.gen}.{p}", segments) for p, segments in enumerate(evidence.journal)]
    return {
        f"{source}.{offset}": segment.record.append_ms
        for source, segments in chains
        for segment in segments
        if segment.covers
        for offset in range(segment.content["from"], segment.content["to"] + 1)
    }


def _decision_of(record: Record) -> str:
    if record.topic != "bus.arbiter":
        return record.last("bus-decision") or ""
    topic, _, offset = (record.last("bus-src") or "").partition("/0/")
    return f"{topic.removeprefix('bus.in.')}.{offset}"


def _heard(evidence: Evidence) -> Iterator[str]:
    """By the reader's rule of the wire page, over bus.outcomes as it stands: holders and tokens."""
    for partition, events in heard_outcomes(evidence):
        holders: dict[str, int] = {}
        highest: dict[str, int] = {}
        for event in events:
            subject, kind = event.get("subject", ""), event["kind"]
            if kind == "granted":
                if subject in holders:
                    yield f"bus.outcomes/{partition}: {subject} is {event['token']}'s while {holders[subject]} holds it"
                if event["token"] <= highest.get(subject, 0):
                    yield f"bus.outcomes/{partition}: token {event['token']} of {subject} does not rise"
                holders[subject] = highest[subject] = event["token"]
            elif kind == "ended":
                holders.pop(subject, None)


def heard_outcomes(evidence: Evidence) -> Iterator[tuple[int, Iterator[Json]]]:
    """The public events of each partition as a reader takes them in: repeats and what stands behind gaps left out."""
    for partition, log in enumerate(evidence.topics["bus.outcomes"]):
        yield partition, _accepted(log)


def _accepted(log: Sequence[Record]) -> Iterator[Json]:
    reader = Reader()
    for record in log:
        names = [record.last(name) or "" for name in ("bus-from", "bus-decision", "bus-prev")]
        if reader.accepts(*names):
            yield json.loads(record.value or b"{}")
