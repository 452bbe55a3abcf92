"""Is the input the one the journal judged, and does it still hold what comes next? Else the partition stops.

What was lost before anybody judged it can be accepted: the journal then says so in a `gap` segment, and goes on behind.
"""

import structlog

from bus.shell import kafka
from bus.shell.errors import FatalError
from bus.shell.links import Links
from bus.shell.snapshots.standing import name_of
from bus.shell.stage import Draft, Stage

RUNBOOK = "docs/runbook.md"

log = structlog.get_logger("bus.input")


def lost_until(links: Links, stage: Stage) -> int | None:
    """The last offset of a gap in the input that was accepted; None if there is none.

    Raises `FatalError` (``history_gap``, ``log_divergence``), `RetryableError`.
    """
    first, end = kafka.ends(links.marks, stage.topic, stage.partition)
    position = stage.next_offset
    if position < first:
        name = name_of(stage)
        if name in links.accepted_gaps:
            links.accepted_gaps.discard(name)  # once: what is lost later is another loss
            return first - 1
        text = f"{stage.topic} begins at {first}, the journal is at {position}: what lies between was never judged"
        step = f"bring it back, or accept the loss with `agentbus run --accept-gap {name}`; see {RUNBOOK}#history_gap"
        raise FatalError("history_gap", text, step)
    if position > end:
        text = f"{stage.topic} ends at {end}, the journal is at {position}"
        raise FatalError("log_divergence", text, f"the input is not the one it was written for; {_page()}")
    if first < position:
        before = kafka.read_range(links.config, stage.topic, stage.partition, position - 1, position - 1)
        if position - 1 in before and not stage.vouches_for(before[position - 1]):
            text = f"{stage.topic} offset {position - 1} is not the record the journal judged"
            step = f"the input was replaced: bring back the one the journal names; {_page()}"
            raise FatalError("log_divergence", text, step)
    return None


def gap_draft(links: Links, stage: Stage, lost: int) -> Draft:
    """The segment that says in the journal that everything up to ``lost`` was never judged, and is accepted."""
    where = {"journal": stage.journal, "partition": stage.partition}
    log.warning("gap_accepted", **where, first=stage.next_offset, last=lost)
    return stage.gap(lost, lambda: kafka.records_between(links.config, stage.topic, stage.partition, lost + 1))


def _page() -> str:
    return f"see {RUNBOOK}#log_divergence"
