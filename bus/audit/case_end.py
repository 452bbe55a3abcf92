"""Says how a case ended: who ruled and in which words, or why nobody did, and what was approved but not done."""

from collections.abc import Sequence

from bus.audit.contest_told import HeldTold
from bus.audit.decisions import ArbiterDecision
from bus.audit.lookup import Lookup
from bus.audit.plain import listed
from bus.audit.right_before import resource_before
from bus.core.decision.contest_events import CaseClosed
from bus.core.log import topics
from bus.core.log.records import digest
from bus.core.message.excerpts import Said
from bus.core.outputs.aftermath import HOLD_OVER, NOBODY_RULED, NOTHING_LEFT, how_it_ended

WITHOUT_RULING = {
    NOBODY_RULED: "nobody ruled in time, and the terms end such a case without a ruling",
    HOLD_OVER: "nobody ruled for as long as the terms keep a held action, so it was refused",
    NOTHING_LEFT: "nothing was left for a person to decide: no candidate, or no held action",
}


def why_without_ruling(lookup: Lookup, closed: ArbiterDecision) -> str:
    """Why a case ended although nobody ruled on it, "" if somebody did."""
    if closed.event is None or not isinstance(closed.event.what, CaseClosed):
        return ""
    return WITHOUT_RULING.get(how_it_ended(closed.entry, closed.event, resource_before(lookup, closed)), "")


def reason_given(lookup: Lookup, closed: ArbiterDecision | None) -> str:
    """What the person who ruled gave as the reason; "" if nobody ruled, or the words are not kept any more.

    The journal has the hash of the reason: words of another hash are not believed.
    """
    what = closed.event.what if closed and closed.event else None
    if closed is None or not isinstance(what, CaseClosed) or not what.ruling:
        return ""
    said = words_of(lookup, closed, "reason")
    return said if digest(said.encode()) == what.reason_hash else ""


def words_of(lookup: Lookup, found: ArbiterDecision, field: str) -> str:
    """A text field of the message behind a decision, as far as the bus or its lane still keeps it, else ""."""
    origin = topics.lane_and_offset(found.entry.src)
    places = [((topics.ARBITER, found.p), found.entry.o)]
    places += [((topics.incoming(origin[0]), 0), origin[1])] if origin else []
    for place, offset in places:
        said = Said(lookup.index.source.record(place, offset))
        if said.record is not None and said.hash == found.entry.hash:
            return said.text(field)
    return ""


def undone(held: Sequence[HeldTold], ruling: str) -> str:
    """What a person approved and the bus did not do all the same; "" if there is no such thing."""
    refused = [one for one in held if one.became == "refused"]
    if ruling != "approve" or not refused:
        return ""
    which = "the held action was" if len(held) == 1 else f"{len(refused)} of {len(held)} held actions were"
    return f"{which} not done all the same: {listed(sorted({one.reason for one in refused}))}"


def quoted(reason: str) -> str:
    """The words, ready to stand behind a sentence; "" if there are none."""
    return f": “{' '.join(reason.split())}”" if reason else ""
