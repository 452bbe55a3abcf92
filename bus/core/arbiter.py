"""Stage 2: judge one record of a partition of ``bus.arbiter``: who may act on what.

    record -> decide(state, arrived) -> an entry of the journal -> evolve(state, entry) -> the next record

    repeat   does not continue its lane, or comes from none: no effect
    tick     ends what is due at its ``now``, in (deadline, subject) order, at most 256 events
    control  is in force for this partition from here on
    message  a claim is granted, confirmed or denied; anything else is applied, admitted or refused

`decide` only reads the state; `evolve` needs nothing but the entry, so a restore is the same fold.
"""

from collections.abc import Callable

from bus.core.decision.entries import Basis, Entry
from bus.core.decision.events import AgentStatus, ControlSet, Event, What
from bus.core.log.routing import Arrival, arrival
from bus.core.message.arrivals import Alien, Arrived, Message, Tick, control_wish
from bus.core.policy.control import SUSPENDED, Change
from bus.core.state.partition import PartitionState, fold_event
from bus.core.state.resource import Moment
from bus.core.steps.acts import decide_message
from bus.core.steps.deadlines import fire
from bus.core.steps.unfolding import Unfolding


def step(state: PartitionState, arrived: Arrived) -> Entry:
    """Decide on one record and fold the decision: what every replay must repeat byte for byte."""
    entry = decide(state, arrived)
    evolve(state, entry)
    return entry


def decide(state: PartitionState, arrived: Arrived) -> Entry:
    """The entry for one record."""
    match arrived:
        case Alien():
            return Entry(arrived.o, "repeat", reason="alien", src=arrived.src)
        case Tick():
            return _decide_tick(state, arrived)
        case Message():
            last = state.last_of_lane.get(arrived.lane, "")
            comes = arrival(last=last, identifier=arrived.id, prev=arrived.prev)
            if comes is Arrival.REPEAT or (comes is Arrival.GAP and not state.may_anchor(arrived.lane)):
                return Entry(arrived.o, "repeat", src=arrived.src)
            return _decide_control(state, arrived) if arrived.is_control else decide_message(state, arrived)


def _unwatched(_: Event) -> None:
    """Nobody looks on while an entry is folded."""


def evolve(state: PartitionState, entry: Entry, watch: Callable[[Event], None] = _unwatched) -> None:
    """Fold one entry into the partition's state, in place: its owner is the only one who has it.

    ``watch`` is called before each event is folded (`bus.core.outputs.witness`).
    """
    state.next_offset = entry.o + 1
    if entry.verdict == "repeat":
        return
    if entry.verdict == "tick":
        state.now = max(state.now, entry.now)
    else:
        lane, offset = state.origin(entry.src)
        state.last_of_lane[lane] = f"{lane}.{offset}"
        if state.may_anchor(lane):
            state.anchored = (state.anchored or frozenset()) | {lane}
    occasion = state.occasion(entry)
    for event in entry.events:
        watch(event)
        fold_event(state, entry, event, occasion)
    if entry.verdict == "tick":
        state.sweep()


def _decide_tick(state: PartitionState, tick: Tick) -> Entry:
    now = max(state.now, tick.now)
    u = Unfolding(state, tick.o, Moment(now, now))
    fire(u, state.due_subjects(now))
    events = tuple(u.events)
    return Entry(tick.o, "tick", events, type="bus.clock.tick.v1", after=tick.after, now=tick.now, stalled=tick.stalled)


def _is_applicable(state: PartitionState, change: Change) -> bool:
    """Can it be read? What a gate has let through always can."""
    try:
        state.registry.apply(change)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return True


def _decide_control(state: PartitionState, message: Message) -> Entry:
    wish = control_wish(message.envelope.type, message.body)
    change = state.registry.next_change(wish.kind, wish.name, wish.value)
    if change.number != message.control or not _is_applicable(state, change):
        return Entry(message.o, "repeat", reason="alien", src=message.src)
    what: What
    if wish.kind == SUSPENDED:
        select = message.body["select"]
        what = AgentStatus(select, "active" if wish.value is None else "suspended")
    else:
        what = ControlSet(change.number, change.kind, change.name, change.rev, change.value_hash, change.shown_value)
    return Entry(
        o=message.o,
        verdict="control",
        events=(Event(0, "", (), what),),
        src=message.src,
        id=message.envelope.id,
        type=message.envelope.type,
        source=message.envelope.source,
        at=message.at,
        hash=message.hash,
        basis=Basis(change.number, contract=message.contract_ref, resolvers=state.resolvers_version),
    )
