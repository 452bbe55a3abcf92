"""What an accepted loss of records means for a partition: it goes on behind them, and lanes may continue from anywhere.

    {"kind": "gap", ..., "from", "to", "changes": [...]}      a segment of its own, with no entries

1. The records from ``from`` to ``to`` were lost before they were judged: nobody has an answer, nothing came of them.
2. A message that names a lost one as its predecessor would never continue its lane. So each lane may once go on with
   any message that is newer than its last.
3. Changes of control whose messages were lost are in force behind the gap: the segment carries them.
"""

from typing import Any

from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Change
from bus.core.state.partition import PartitionState, doom


def change_to_json(change: Change) -> dict[str, Any]:  # Any: JSON
    """A change as the segment carries it: a contract without the text of its schema."""
    stated = {"control": change.number, "kind_of": change.kind, "name": change.name, "rev": change.rev}
    return {**stated, "value": change.shown_value}


def fold_gap(state: PartitionState, segment: JsonObject) -> None:
    """Fold a `gap` segment into the partition's state, in place."""
    to = int(segment["to"])
    state.next_offset = to + 1
    state.anchored = frozenset()
    for one in segment["changes"]:
        change = Change(one["control"], one["kind_of"], one["name"], one["rev"], one["value"])
        state.registry = state.registry.apply(change)
    if segment["changes"]:
        doom(state, state.decision(to, 0))
