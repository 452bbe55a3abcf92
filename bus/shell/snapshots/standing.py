"""Where a partition stands in its journal, and what it is called: ``gate/sales``, ``arbiter/3``."""

from bus.core.log.journal import Tip
from bus.shell.snapshots.records import Standing
from bus.shell.stage import Stage


def standing_of(stage: Stage, offset: int, tip: Tip) -> Standing:
    """``offset`` is the journal offset of the last valid segment, ``tip`` the end of the chain there."""
    begun = stage.genesis()
    stage_name, partition = ("gate", begun["lane"]) if "lane" in begun else ("arbiter", str(begun["p"]))
    named = {"stage": stage_name, "partition": partition, "gen": begun["gen"], "topic_id": begun["topic_id"]}
    return Standing(**named, offset=offset, seq=tip.seq, prev=tip.hash, position=stage.next_offset)


def name_of(stage: Stage) -> str:
    """``gate/sales``, ``arbiter/3``: the key of its snapshots, and how a person names it."""
    return standing_of(stage, -1, Tip()).key
