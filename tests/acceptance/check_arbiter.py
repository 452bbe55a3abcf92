"""Checks of the arbiter: entries are the ones computed here, one holder, rising tokens, and time as promised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from tests.acceptance.arbiter_oracle import TICK, ArbiterOracle
from tests.acceptance.event_match import events_fault
from tests.acceptance.evidence import Evidence
from tests.acceptance.resource_oracle import Outcome
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json, Record

TICKS_PER_SECOND_MAX = 10
# A lease, reservation or lock delay that is over ends within this time while nothing is stopped.
ENDS_WITHIN_MS = 5_000


def check_arbiter(evidence: Evidence, verdicts: Verdicts, *, paused: list[tuple[int, int]]) -> None:
    """All promises about the arbiter's journal; `paused` are the spans (epoch ms) in which a stage was stopped."""
    left: list[str] = []
    promise = "the arbiter's verdict, reason and events are the ones computed here, for every record"
    verdicts.check(promise, _entries(evidence, left))
    check_holders(evidence, verdicts)
    verdicts.check("every claim forwarded has exactly one terminal decision", _claims(evidence))
    verdicts.check("every lease not renewed ended, soon after its time", chain(left, _ends_in_time(evidence, paused)))
    check_ticks(evidence, verdicts)
    verdicts.check("ticks are rare: at most ten a second", _tick_rate(evidence))


def check_holders(evidence: Evidence, verdicts: Verdicts) -> None:
    """The promises about holders and tokens, from the journal alone."""
    verdicts.check("never two holders: nothing is granted while it is held", _one_holder(evidence))
    verdicts.check("fencing tokens rise per resource and are the decision's", _tokens(evidence))


def check_ticks(evidence: Evidence, verdicts: Verdicts) -> None:
    """The promises about the time that ticks state, whoever wrote them."""
    verdicts.check("ticks say a time the broker gave and no gate held back", _ticks(evidence))
    verdicts.check("no record came to a partition after a tick that was later than it", _after_ticks(evidence))


def _entries(evidence: Evidence, left: list[str]) -> Iterator[str]:
    """What differs from the oracle; `left` hears who still holds at the end."""
    for partition in range(len(evidence.journal)):
        oracle = ArbiterOracle(partition, evidence.gen, evidence.registry)
        written = {entry["o"]: entry for entry in evidence.entries(partition)}
        for record in evidence.topics["bus.arbiter"][partition]:
            entry = written.get(record.offset)
            if entry is None:
                yield f"{record.src} has no entry: the computation stops here for this partition"
                break
            outcome = oracle.step(record, entry)
            fault = _entry_fault(evidence, oracle, record, entry, outcome)
            if fault:
                message = f"{record.last('ce_type')} {record.last('ce_id')} of {record.last('ce_source')}"
                yield f"{record.src} ({message}): {fault}"
        left += [
            f"{name} is still held by {held.agent} until {held.until_ms}" for name, held in oracle.holders().items()
        ]


def _entry_fault(evidence: Evidence, oracle: ArbiterOracle, record: Record, entry: Json, outcome: Outcome) -> str:
    if entry["verdict"] != outcome.verdict:
        return f"verdict {entry['verdict']!r} {_told(entry['events'])}, computed {outcome.verdict!r} {outcome.events}"
    fault = events_fault(outcome.events, entry["events"], is_ordered=outcome.is_ordered)
    if fault:
        return fault
    if outcome.verdict == "tick":
        value = json.loads(record.value or b"")
        expected = {name: value[name] for name in ("after", "now", "stalled")} | {"type": TICK}
    elif outcome.verdict == "repeat":
        expected = {"src": record.last("bus-src"), "reason": "", "events": []}
    else:
        expected = _coordinates(evidence, record) | {"reason": outcome.reason}
        expected_basis = {"control": oracle.control, "contract": record.last("bus-contract")}
        for name, value in expected_basis.items():
            if entry["basis"].get(name) != value:
                return f"basis.{name} is {entry['basis'].get(name)!r}, computed {value!r}"
    for name, value in expected.items():
        if entry.get(name) != value:
            return f"{name} is {entry.get(name)!r}, computed {value!r}"
    return ""


def _told(events: list[Json]) -> list[Json]:
    return [(event.get("kind"), event.get("reason")) for event in events]


def _coordinates(evidence: Evidence, record: Record) -> Json:
    row = evidence.row(record.last("bus-src") or "")
    assert row is not None, "the predecessor rule was checked before"
    envelope = row.envelope
    told = {"src": row.record.src, "id": envelope.id, "type": envelope.type, "source": envelope.source}
    return told | {"at": row.at_ms, "hash": row.hash}


def _one_holder(evidence: Evidence) -> Iterator[str]:
    for partition in range(len(evidence.journal)):
        holder: dict[str, tuple[str, int]] = {}
        for entry in evidence.entries(partition):
            for event in entry["events"]:
                subject, place = event.get("subject", ""), f"entry {partition}/{entry['o']}"
                if event["kind"] == "granted":
                    if subject in holder:
                        yield f"{place}: {subject} granted to {event['agent']} while {holder[subject]} holds it"
                    holder[subject] = (event["agent"], event["token"])
                elif event["kind"] == "ended":
                    if holder.pop(subject, None) != (event["agent"], event["token"]):
                        yield f"{place}: {subject} ended for {event['agent']}, who did not hold it"
                elif _is_of_holder(event) and holder.get(subject) != (event["agent"], event["token"]):
                    yield f"{place}: {event['kind']} of {subject} by {event['agent']}, who does not hold it"


def _is_of_holder(event: Json) -> bool:
    is_guarded_action = event["kind"] == "action_admitted" and "token" in event
    return is_guarded_action or event["kind"] in ("renewed", "confirmed")


def _tokens(evidence: Evidence) -> Iterator[str]:
    for partition in range(len(evidence.journal)):
        last: dict[str, int] = {}
        for entry in evidence.entries(partition):
            for event in entry["events"]:
                if event["kind"] != "granted":
                    continue
                exact = evidence.gen * 2**44 + entry["o"] * 2**8 + event["n"]
                if event["token"] != exact or event["token"] <= last.get(event["subject"], 0):
                    before = last.get(event["subject"])
                    yield f"{partition}/{entry['o']}: token {event['token']}, exact {exact}, before {before}"
                last[event["subject"]] = event["token"]


def _claims(evidence: Evidence) -> Iterator[str]:
    for partition in range(len(evidence.journal)):
        for entry in evidence.entries(partition):
            if entry.get("type") != "bus.resource.claim.v1" or entry["verdict"] == "repeat":
                continue
            kinds = [event["kind"] for event in entry["events"]]
            if kinds not in (["granted"], ["denied"], ["confirmed"]):
                yield f"claim {entry['id']} at {partition}/{entry['o']} was answered by {kinds}"


def _ends_in_time(evidence: Evidence, paused: list[tuple[int, int]]) -> Iterator[str]:
    for partition, log in enumerate(evidence.topics["bus.arbiter"]):
        appended = {record.offset: record.append_ms for record in log}
        until: dict[str, int] = {}
        for entry in evidence.entries(partition):
            for event in entry["events"]:
                if event["kind"] in ("granted", "renewed"):
                    until[event["subject"]] = event["until"]
                elif event["kind"] == "ended" and event["reason"] == "expired":
                    end_ms, due_ms = appended[entry["o"]], until[event["subject"]]
                    allowed_ms = _allowed(due_ms, paused)
                    if end_ms > allowed_ms:
                        late_ms = end_ms - due_ms
                        yield f"{event['subject']} at {partition}/{entry['o']} ended {late_ms} ms after its until"


def _allowed(due_ms: int, paused: list[tuple[int, int]]) -> int:
    """The latest append time of the tick that ends a lease: a stage that stood still may finish first."""
    for start_ms, end_ms in paused:
        if start_ms - ENDS_WITHIN_MS <= due_ms <= end_ms:
            due_ms = end_ms
    return due_ms + ENDS_WITHIN_MS


def _is_tick(record: Record) -> bool:
    return record.last("bus-from") is None


def _ticks(evidence: Evidence) -> Iterator[str]:
    skew_ms = evidence.genesis["skew_ms"]
    for log in evidence.topics["bus.arbiter"]:
        for record in log:
            if not _is_tick(record):
                continue
            value = json.loads(record.value or b"")
            after, now_ms = value["after"], value["now"]
            if [name for name, _ in record.headers] != ["ce_type"] or record.last("ce_type") != TICK:
                yield f"{record.src}: headers {record.headers}, expected ce_type alone"
            if not 0 <= after < record.offset:
                yield f"{record.src}: after {after} does not stand before it"
            elif now_ms > log[after].append_ms - skew_ms:
                yield f"{record.src}: now {now_ms} is past the append time of {after} less {skew_ms} ms"


def _after_ticks(evidence: Evidence) -> Iterator[str]:
    lanes = evidence.lanes
    for log in evidence.topics["bus.arbiter"]:
        floor = dict.fromkeys(lanes, 0)
        seen: set[str] = set()
        for record in log:
            if _is_tick(record):
                value = json.loads(record.value or b"")
                for lane in set(lanes) - set(value["stalled"]):
                    floor[lane] = max(floor[lane], value["now"])
                continue
            lane, src = record.last("bus-from") or "", record.last("bus-src") or ""
            at_ms = int(record.last("bus-at") or 0)
            if src not in seen and at_ms < floor.get(lane, 0):
                yield f"{record.src} from {src}: at {at_ms} is before the tick's {floor[lane]}"
            seen.add(src)


def _tick_rate(evidence: Evidence) -> Iterator[str]:
    for log in evidence.topics["bus.arbiter"]:
        times = [record.append_ms for record in log if _is_tick(record)]
        for first, later in zip(times, times[TICKS_PER_SECOND_MAX + 1 :], strict=False):
            if later - first < 1000:
                yield f"{log[0].topic}/{log[0].partition}: {TICKS_PER_SECOND_MAX + 2} ticks in {later - first} ms"
