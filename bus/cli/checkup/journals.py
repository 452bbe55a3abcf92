"""Looks at the journals: one chain each, begun at their beginning, by an engine no newer than this one, in calm."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from bus.cli.checkup.chain_watch import ChainWatch
from bus.cli.checkup.lines import Line, counted, duration, note, ok, some, wrong
from bus.shell import kafka
from bus.shell.errors import RetryableError

TAIL_RECORDS = 50  # of each journal, unless all of it is asked for
WHOLE_RECORDS_MAX = 200_000  # a journal whose tail is not plain is read whole up to this length, in seconds
SILENT_S = 10.0
CHURN_S = 3_600.0
CHURN_MAX = 6  # take-overs of one journal within the hour that are nothing but restarts and upgrades
# Two processes of one name push each other out every few seconds; a restart of all of them moves a journal thrice.
FIGHT_S, FIGHT_MAX = 120, 4
PROGRESS_EVERY = 50_000
Place = tuple[str, int]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class JournalSeen:
    """A journal as far as it was read: where its log begins and ends, and its chain."""

    place: Place
    first: int
    end: int
    watch: ChainWatch

    @property
    def name(self) -> str:
        """``bus.gate.sales``, ``bus.journal/3``."""
        return place_name(self.place)


@dataclass(frozen=True, slots=True)
class Input:
    """What a journal judges: where its log begins and ends, and the offset at which the journal goes on."""

    place: Place
    first: int
    end: int
    wanted: int


def place_name(place: Place) -> str:
    """A lane's topics have one partition, which nobody wants to read."""
    return place[0] if place[0].startswith(("bus.gate.", "bus.in.", "bus.out.")) else f"{place[0]}/{place[1]}"


def read_journals(
    config: kafka.ClientConfig, places: Sequence[Place], *, marks: Mapping[Place, int], deep: bool, progress: Progress
) -> list[JournalSeen]:
    """Read every journal, its tail or all of it; raises `RetryableError`."""
    consumer = kafka.reader(config)
    try:
        ends = {place: kafka.ends(consumer, *place) for place in places}
    finally:
        consumer.close()
    starts = {place: first if deep else max(first, end - TAIL_RECORDS) for place, (first, end) in ends.items()}
    watches = _watch(config, ends, starts, progress)
    again = [
        place for place in places if watches[place].needs_more and ends[place][1] - ends[place][0] <= WHOLE_RECORDS_MAX
    ]
    if again:
        progress(f"reading {counted(len(again), 'journal')} from the beginning")
        whole = {place: ends[place] for place in again}
        watches |= _watch(config, whole, {place: first for place, (first, _) in whole.items()}, progress)
    for place, watch in watches.items():
        mark = marks.get(place)
        watch.close(ends[place][1], mark or None)
    return [JournalSeen(place, *ends[place], watches[place]) for place in places]


def _watch(
    config: kafka.ClientConfig,
    ends: Mapping[Place, tuple[int, int]],
    starts: Mapping[Place, int],
    progress: Progress,
) -> dict[Place, ChainWatch]:
    """Follow each journal from its start to the end it had."""
    watches = {place: ChainWatch(start, is_from_start=start == 0) for place, start in starts.items()}
    open_ = {place for place, (_, end) in ends.items() if end > starts[place]}
    consumer = kafka.reader(config)
    count, last_s = 0, time.monotonic()
    try:
        consumer.assign([TopicPartition(*place, starts[place]) for place in open_])
        while open_:
            for message in kafka.fetch(consumer, 0.1):
                place = (message.topic() or "", message.partition() or 0)
                if kafka.is_end(message):
                    open_.discard(place)
                elif error := message.error():
                    raise RetryableError(f"{place_name(place)} cannot be read: {error.str()}")
                elif place in open_:
                    watches[place].take(kafka.record_of(message))
                    count, last_s = count + 1, time.monotonic()
                    if watches[place].next_offset >= ends[place][1]:
                        open_.discard(place)
                    if count % PROGRESS_EVERY == 0:
                        progress(f"{count:,} segments read")
            if time.monotonic() - last_s > SILENT_S:
                raise RetryableError(f"{some(map(place_name, sorted(open_)))}: Kafka does not hand out what it has")
    finally:
        consumer.close()
    return watches


def chain_lines(seen: Sequence[JournalSeen], leads_to: Mapping[Place, int] | None = None) -> Iterator[Line]:
    """Is each journal one chain from its genesis? ``leads_to``: where restores from snapshots go on; None: unknown."""
    for one in seen:
        if one.first > 0:
            yield _cut_line(one, leads_to)
    whole = [one for one in seen if one.watch.is_from_start and one.first == 0]
    broken = [one for one in seen if one.watch.breaks and (one.watch.is_from_start or not one.watch.needs_more)]
    for one in broken:
        text = f"{one.name} is no chain: {one.watch.breaks[0]}"
        yield wrong("chain", text, "`agentbus verify --only chain` says all of it; keep the log as evidence")
    for one in seen:
        if one not in broken and one.watch.needs_more and one.first == 0:
            text = f"{one.name}: among its last {counted(one.watch.segments + one.watch.void, 'record')} some are void"
            yield note("chain", text, "`agentbus doctor --deep` reads all of it")
    if not broken and all(one.first == 0 for one in seen):
        segments = sum(one.watch.segments for one in seen)
        how = f"all {segments:,} segments" if len(whole) == len(seen) else f"the last {segments:,} segments"
        yield ok("chain", f"{counted(len(seen), 'journal')}, {how} are one chain each")


def _cut_line(one: JournalSeen, leads_to: Mapping[Place, int] | None) -> Line:
    text, keep = f"{one.name} begins at offset {one.first}: the history before it is gone", "agentbus topics apply"
    if leads_to is not None and leads_to.get(one.place, -1) >= one.first:
        text += ", a restore goes on from a snapshot, and nobody can prove what came before"
        return wrong("history", text, f"bring it back from a copy before more goes, and have it kept for ever: {keep}")
    unless = (
        ", no stage can restore" if leads_to is not None else ", no stage can restore unless a snapshot leads there"
    )
    return wrong("history", text + unless, f"bring it back from a copy, and have its retention set: {keep}")


def input_lines(inputs: Sequence[Input]) -> Iterator[Line]:
    """Is what comes next still there, and is what was judged?"""
    page = "see docs/runbook.md"
    for one in inputs:
        name = place_name(one.place)
        if one.first > one.wanted:
            text = f"{name} begins at {one.first}, its journal is at {one.wanted}: what lies between was never judged"
            yield wrong("inputs", text, f"bring it back, or accept the loss: {page}#history_gap")
        elif one.end < one.wanted:
            text = f"{name} ends at {one.end}, its journal is at {one.wanted}: what was judged is gone"
            yield wrong("inputs", text, f"bring back the input that the journal names: {page}#log_divergence")


def gap_lines(seen: Sequence[JournalSeen]) -> Iterator[Line]:
    """Was anything lost before it was judged, and that accepted?"""
    for one in seen:
        for first, last in one.watch.gaps:
            text = f"{one.name}: input {first} to {last} was lost before anybody judged it, and that was accepted"
            yield note("gaps", text, "their senders have no answer and send again; see docs/runbook.md#history_gap")


def void_lines(seen: Sequence[JournalSeen]) -> Iterator[Line]:
    """Were there segments that lost a race? No fault, but many tell of owners that fight."""
    void = {one.name: one.watch.void for one in seen if one.watch.void}
    if void:
        parts = (f"{name} {number:,}" for name, number in void.items())
        text = f"{counted(sum(void.values()), 'void segment')} ({some(parts)}): each lost to another owner's"
        yield note("void", text, "nothing, if a stage was killed or stood still; if they go on, see the stages' logs")


def engine_lines(seen: Sequence[JournalSeen], engine: str) -> Iterator[Line]:
    """Did an engine write them that is newer than this one? Then this one must not touch them."""
    written = {text for one in seen for text in one.watch.engines if text}
    newer = sorted(text for text in written if _version(text) > _version(engine))
    older = sorted(text for text in written if _version(text) < _version(engine))
    if newer:
        where = some(one.name for one in seen if one.watch.engines & set(newer))
        text = f"engine {some(newer)} wrote {where}, this is {engine}: this version cannot go on with them"
        yield wrong("engine", text, "install the newer agentbus here as well")
    elif written:
        more = f", after {some(older)}" if older else ""
        yield ok(
            "engine", f"written by engine {engine if _version(engine) in map(_version, written) else older[-1]}{more}"
        )


def churn_lines(seen: Iterable[JournalSeen], now_ms: int) -> Iterator[Line]:
    """Do the journals change hands more often than restarts explain?"""
    last: tuple[int, str] | None = None
    restless, fought = {}, {}
    for one in seen:
        times = one.watch.took_over_at
        if times and (last is None or times[-1] > last[0]):
            last = (times[-1], one.name)
        recent = sum(now_ms - at < CHURN_S * 1000 for at in times)
        if recent > CHURN_MAX:
            restless[one.name] = recent
        now = sum(now_ms - at < FIGHT_S * 1000 for at in times)
        if now > FIGHT_MAX:
            fought[one.name] = now
    if fought:
        parts = (f"{name} {number} times" for name, number in fought.items())
        text = f"hands are changed all the time, within {FIGHT_S // 60} minutes: {some(parts)}"
        remedy = "see the stages' logs: two processes with one --instance (AGENTBUS_INSTANCE), or one that keeps ending"
        yield wrong("take-overs", text, remedy)
    elif restless:
        parts = (f"{name} {number} times" for name, number in restless.items())
        remedy = "see why the stages end: their logs, memory, and that no two share AGENTBUS_INSTANCE"
        yield note("take-overs", f"changed hands often within the hour: {some(parts)}", remedy)
    elif last is not None:
        ago = duration(max(0, now_ms - last[0]) / 1000)
        yield ok("take-overs", f"the last one {ago} ago ({last[1]})")


def stall_lines(seen: Iterable[JournalSeen], now_ms: int) -> Iterator[Line]:
    """Did the clock go on without a lane whose gate stood still?"""
    stalled: dict[str, int] = {}
    for one in seen:
        for lane, at in one.watch.stalled.items():
            stalled[lane] = max(at, stalled.get(lane, 0))
    for lane, at in sorted(stalled.items()):
        ago = duration(max(0, now_ms - at) / 1000)
        text = f"lane {lane} was left out by a tick {ago} ago: its gate stood still, deadlines went on without it"
        yield note("stalled lanes", text, "see that a gate owns it, and why it had stopped: its log, its machine")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())
