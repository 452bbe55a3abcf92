"""The consumer of Kafka's client, simulated: assigned by hand or by its group, told of ends, positions and commits."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from bus.shell.surroundings import Settings
from bus.sim.admin import Metadata, metadata_of
from bus.sim.broker import Place
from bus.sim.message import SimMessage, event_message

if TYPE_CHECKING:
    from bus.sim.node import Node

OnChange = Callable[[Any, list[TopicPartition]], None]
# Asked with less patience than this, a stage only looks: it is called again when something has come.
PATIENT_S = 1.0


class SimConsumer:
    """One consumer of a process."""

    def __init__(self, node: "Node", settings: Settings) -> None:
        self.node = node
        self.group = str(settings.get("group.id", ""))
        self.instance = str(settings.get("group.instance.id", "")) or f"member-{node.world.next_number()}"
        self.is_static = "group.instance.id" in settings
        self.is_member = False
        self.is_fenced = False
        self._is_committed = settings.get("isolation.level", "read_committed") == "read_committed"
        self._tells_ends = bool(settings.get("enable.partition.eof", False))
        self._reset = str(settings.get("auto.offset.reset", "latest"))
        self._on_commit = settings.get("on_commit")
        self._positions: dict[Place, int] = {}
        self._paused: set[Place] = set()
        self._ended: dict[Place, int] = {}
        self._told: deque[Callable[[], None]] = deque()
        self._stored: dict[Place, int] = {}
        self._on: dict[str, OnChange | None] = {}
        self._is_closed = False

    # ---- assignment -------------------------------------------------------------------------------------

    def assign(self, places: Iterable[TopicPartition]) -> None:
        """Read these, and nothing else."""
        self.unassign()
        self.incremental_assign(places)

    def unassign(self) -> None:
        """Read nothing."""
        self.node.check()
        self._positions.clear()
        self._paused.clear()
        self._ended.clear()

    def incremental_assign(self, places: Iterable[TopicPartition]) -> None:
        """Read these as well."""
        for tp in places:
            self._positions[tp.topic, tp.partition] = self._start((tp.topic, tp.partition), tp.offset)

    def incremental_unassign(self, places: Iterable[TopicPartition]) -> None:
        """Read these no more."""
        for tp in places:
            self._positions.pop((tp.topic, tp.partition), None)
            self._ended.pop((tp.topic, tp.partition), None)
            self._paused.discard((tp.topic, tp.partition))

    def assignment(self) -> list[TopicPartition]:
        """What is read."""
        return [TopicPartition(*place) for place in self._positions]

    def subscribe(
        self,
        topics: list[str],
        on_assign: OnChange | None = None,
        on_revoke: OnChange | None = None,
        on_lost: OnChange | None = None,
    ) -> None:
        """Be a member of the group for these topics."""
        self.node.check()
        self._on = {"assign": on_assign, "revoke": on_revoke, "lost": on_lost}
        self.is_member = True
        self.node.world.group(self.group).subscribe(self, topics)

    def tell(self, kind: str, places: list[Place], then: Callable[[], None] | None = None) -> None:
        """The group has something to say; it is heard at the next poll."""
        self._told.append(lambda: self._hear(kind, places, then))
        self.node.when_woken()

    def _hear(self, kind: str, places: list[Place], then: Callable[[], None] | None) -> None:
        listed = [TopicPartition(*place) for place in places]
        call = self._on.get(kind) or (self._on.get("revoke") if kind == "lost" else None)
        if call is not None:
            call(self, listed)
        if kind == "assign":  # as the client does where the callback does not
            self.incremental_assign(tp for tp in listed if (tp.topic, tp.partition) not in self._positions)
        else:
            self.incremental_unassign(listed)
        if then is not None:
            then()

    def seek(self, place: TopicPartition) -> None:
        """Go on from there."""
        self._known(place)
        self._positions[place.topic, place.partition] = place.offset
        self._ended.pop((place.topic, place.partition), None)

    def pause(self, places: Iterable[TopicPartition]) -> None:
        """Fetch nothing from these for now."""
        for tp in places:
            self._known(tp)
            self._paused.add((tp.topic, tp.partition))

    def resume(self, places: Iterable[TopicPartition]) -> None:
        """Fetch again."""
        for tp in places:
            self._known(tp)
            self._paused.discard((tp.topic, tp.partition))

    def _known(self, place: TopicPartition) -> None:
        if (place.topic, place.partition) not in self._positions:
            raise KafkaException(KafkaError(KafkaError._STATE, "not assigned"))

    def _start(self, place: Place, offset: int) -> int:
        if offset >= 0:
            return offset
        if offset == OFFSET_BEGINNING:
            return 0
        committed = self.node.broker.committed.get((self.group, *place))
        if offset == OFFSET_END or (committed is None and self._reset == "latest"):
            return self.node.broker.end(place)
        return committed or 0

    # ---- reading ----------------------------------------------------------------------------------------

    def poll(self, timeout: float = -1) -> SimMessage | None:
        """One message or event; waits for it."""
        self._serve()
        found = self._take(1)
        is_reader = self.is_member and not self.is_static  # of an agent: it waits for what comes
        if not found and timeout != 0 and (timeout >= PATIENT_S or timeout < 0 or is_reader or not self.node.is_driven):
            timeline = self.node.timeline
            until_s = timeline.now_s + (timeout if timeout >= 0 else 3600)
            timeline.run(until_s, self._has_something)
            self._serve()
            found = self._take(1)
        return found[0] if found else None

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[SimMessage]:
        """What is there by now."""
        del timeout
        self.node.check()
        return self._take(num_messages)

    def _serve(self) -> None:
        self.node.check()
        while self._told and not self._is_closed:
            self._told.popleft()()

    def _has_something(self) -> bool:
        return self.node.is_dead or self.is_fenced or bool(self._told) or any(map(self._may_give, self._positions))

    def _may_give(self, place: Place) -> bool:
        if place in self._paused:
            return False
        end, position = self.node.broker.end(place, is_committed=self._is_committed), self._positions[place]
        return position != end or (self._tells_ends and self._ended.get(place) != position)

    def _take(self, limit: int) -> list[SimMessage]:
        if self.is_fenced:
            self.is_fenced = False
            return [SimMessage(event_message("", 0, -1, 0, "").record, error=_fenced())]
        found: list[SimMessage] = []
        for place in list(self._positions):
            if len(found) >= limit:
                break
            if self._may_give(place) and not self.node.is_stalled(place[0]):
                self._take_from(place, limit - len(found), found)
        return found

    def _take_from(self, place: Place, limit: int, found: list[SimMessage]) -> None:
        broker, position = self.node.broker, self._positions[place]
        end = broker.end(place, is_committed=self._is_committed)
        if position > end:
            if broker.end(place) >= position:
                return  # it will be there when a transaction has ended
            found.append(event_message(*place, position, KafkaError._AUTO_OFFSET_RESET, "offset out of range"))
            self._paused.add(place)
            return
        records, position = broker.read(place, position, limit, is_committed=self._is_committed)
        found.extend(records)
        self._positions[place] = position
        if position == end and self._tells_ends and self._ended.get(place) != end and len(found) < limit:
            self._ended[place] = end
            found.append(event_message(*place, end, KafkaError._PARTITION_EOF, "end"))

    # ---- offsets ----------------------------------------------------------------------------------------

    def committed(self, places: Iterable[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        """What the group has committed."""
        del timeout
        self.node.check()
        found = self.node.broker.committed
        return [
            TopicPartition(tp.topic, tp.partition, found.get((self.group, tp.topic, tp.partition), OFFSET_INVALID))
            for tp in places
        ]

    def commit(self, offsets: list[TopicPartition], *, asynchronous: bool = True) -> list[TopicPartition] | None:
        """Commit for the group; a member that was put out is told that it may not."""
        self.node.hop("commit")
        if not asynchronous:
            self._commit_now(offsets)
            return offsets
        delivery = self.node.network.delivery()

        def arrive() -> None:
            error = KafkaError(KafkaError.REQUEST_TIMED_OUT, "timed out") if delivery.fate == "lost" else None
            if error is None and not self._commit_now(offsets):
                error = KafkaError(KafkaError.ILLEGAL_GENERATION, "not a member")
            if self._on_commit is not None:
                self._told.append(lambda: self._on_commit(error, offsets))  # type: ignore[misc]  # it is not None

        self.node.timeline.after(delivery.delay_s, lambda: self.node.while_alive(arrive))
        return None

    def _commit_now(self, offsets: Iterable[TopicPartition]) -> bool:
        if self.is_member and not self.node.world.group(self.group).has(self):
            return False
        for tp in offsets:
            self.node.broker.committed[self.group, tp.topic, tp.partition] = tp.offset
        return True

    def store_offsets(self, offsets: list[TopicPartition]) -> None:
        """What was processed: committed at once here."""
        self._commit_now(offsets)

    def get_watermark_offsets(self, place: TopicPartition, timeout: float = -1, **more: bool) -> tuple[int, int]:
        """First and next offset."""
        del timeout, more
        self.node.check()
        key = (place.topic, place.partition)
        if key not in self.node.broker.partitions:
            raise KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION, "unknown partition"))
        return 0, self.node.broker.end(key, is_committed=self._is_committed)

    def offsets_for_times(self, places: list[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        """The first record that is not older than a time, of each partition."""
        del timeout
        self.node.check()
        found = []
        for tp in places:
            records = self.node.broker.records((tp.topic, tp.partition))
            later = [record.offset for record in records if record.timestamp_ms >= tp.offset]
            found.append(TopicPartition(tp.topic, tp.partition, later[0] if later else OFFSET_END))
        return found

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Metadata:
        """What topics there are."""
        del timeout
        self.node.check()
        return metadata_of(self.node.broker, topic)

    def close(self) -> None:
        """Leave; a member with a name of its own is expected back."""
        if not self._is_closed:
            self._is_closed = True
            self._positions.clear()
            if self.is_member and not self.is_static:
                self.node.world.group(self.group).expel(self.instance)


def _fenced() -> KafkaError:
    return KafkaError(KafkaError.FENCED_INSTANCE_ID, "another member has this name", True)
