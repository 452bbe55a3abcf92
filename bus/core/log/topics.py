"""The names of the bus's own topics, and how a record's coordinates are written."""

import re

ARBITER = "bus.arbiter"
JOURNAL = "bus.journal"
CONTROL = "bus.control"
OUTCOMES = "bus.outcomes"
ESCALATIONS = "bus.escalations"
REFUSED = "bus.refused"
SNAPSHOTS = "bus.snapshots"
PUBLISHED = "bus.published"

OPERATORS_LANE = "operators"
DESK_LANE = "desk"
PERSON_LANES = (OPERATORS_LANE, DESK_LANE)

REFUSED_PARTITIONS = 3
ESCALATION_PARTITIONS = 3

LANE_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SOURCE_COORDINATES = re.compile(r"bus\.in\.([a-z][a-z0-9-]{0,31})/0/([0-9]{1,19})")


def incoming(lane: str) -> str:
    """The topic a lane's principal writes."""
    return f"bus.in.{lane}"


def answers(lane: str) -> str:
    """The topic a lane's principal reads its answers from."""
    return f"bus.out.{lane}"


def gate_journal(lane: str) -> str:
    """The journal of a lane's gate."""
    return f"bus.gate.{lane}"


def coordinates(topic: str, partition: int, offset: int) -> str:
    """A record's place as header ``bus-src`` writes it."""
    return f"{topic}/{partition}/{offset}"


def lane_and_offset(src: str) -> tuple[str, int] | None:
    """Read ``bus.in.<lane>/0/<offset>``; None if it is anything else."""
    found = _SOURCE_COORDINATES.fullmatch(src)
    return (found[1], int(found[2])) if found else None
