"""Looks once more at the journal itself: is the decision that this machine remembers the one that stands there?"""

from dataclasses import replace

from bus.audit.decisions import ArbiterDecision, GateDecision, Proof
from bus.audit.source import Source
from bus.core.decision.entries import entry_from_json
from bus.core.gate import row_from_json
from bus.core.log.journal import parse_segment
from bus.core.log.records import digest


def rechecked(source: Source, proof: Proof, decision: ArbiterDecision | GateDecision) -> Proof:
    """The proof with what was found at its place.

    What is remembered is a file of this machine, which anybody who may write it can change.
    """
    record = source.record((proof.topic, proof.partition), proof.offset)
    if record is None:
        return replace(proof, kept="gone")
    value = record.value or b""
    is_same = digest(value) == proof.hash and _says(value, decision)
    return replace(proof, kept="there" if is_same else "changed")


def _says(value: bytes, decision: ArbiterDecision | GateDecision) -> bool:
    """Does the segment say just this?"""
    segment = parse_segment(value)
    if segment is None:
        return False
    if isinstance(decision, GateDecision):
        is_there = decision.row in [row_from_json(item) for item in segment.get("rows", ())]
        return is_there and (segment["lane"], segment["control"]) == (decision.lane, decision.control)
    return decision.entry in [entry_from_json(item) for item in segment.get("entries", ())]
