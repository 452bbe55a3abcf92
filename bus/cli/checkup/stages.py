"""Looks at the stages: is somebody at work on every lane and partition, and how far behind are they?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from bus.cli.checkup.cluster import ANSWER_S, answer
from bus.cli.checkup.journals import place_name
from bus.cli.checkup.lines import Line, counted, note, ok, some, wrong

Place = tuple[str, int]
REBALANCING = ("PREPARING_REBALANCING", "COMPLETING_REBALANCING")


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the three: its consumer group, what it owns, and the command that starts it."""

    name: str
    group: str
    wanted: tuple[Place, ...]

    @property
    def start(self) -> str:
        """What starts one."""
        return f"start one: agentbus run --stage {self.name}"


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group: who is in it, and who has what."""

    is_rebalancing: bool
    members: tuple[str, ...]
    owned: frozenset[Place]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one thing has come (``at``) on the way to ``end``; offsets."""

    what: str
    place: Place
    at: int
    end: int

    @property
    def behind(self) -> int:
        """How many records are to come."""
        return max(0, self.end - self.at)


def read_groups(client: AdminClient, names: Sequence[str]) -> dict[str, Group]:
    """Who is at work now; raises `RetryableError`."""
    found = {}
    for name, future in client.describe_consumer_groups(list(names), request_timeout=ANSWER_S).items():
        told = answer(future, f"group {name}")
        state = ConsumerGroupState(told.state).name
        members = tuple(f"{one.group_instance_id or one.client_id} at {one.host.lstrip('/')}" for one in told.members)
        owned = frozenset((p.topic, p.partition) for one in told.members for p in one.assignment.topic_partitions)
        found[name] = Group(state in REBALANCING, members, owned)
    return found


def stage_lines(stage: Stage, group: Group) -> Iterator[Line]:
    """Is everything this stage must own owned by somebody?"""
    if not group.members:
        what = "what is sent gets no answer" if stage.name == "gate" else "nothing goes on"
        yield wrong(stage.name, f"no {stage.name} runs: {what}", stage.start)
        return
    at_work = counted(len(group.members), "process", "processes")
    if group.is_rebalancing:
        yield note(stage.name, f"{at_work} share the work out anew just now", "run `agentbus doctor` again in a moment")
        return
    missing = [place for place in stage.wanted if place not in group.owned]
    if missing:
        text = f"{at_work} run, and nobody owns {some(map(place_name, missing))}"
        yield wrong(stage.name, text, f"see the logs of the {stage.name}s, then restart one")
    else:
        yield ok(stage.name, f"{at_work} ({some(group.members)}), {counted(len(stage.wanted), 'partition')} owned")


def lag_lines(before: Sequence[Lag], after: Sequence[Lag]) -> Iterator[Line]:
    """Is anybody behind, and if so: on the way, or standing still? ``after`` was read a moment later."""
    moved = {(one.what, one.place): one.at for one in after}
    for what in dict.fromkeys(one.what for one in before):
        late = [one for one in before if one.what == what and one.behind]
        standing = [one for one in late if moved.get((what, one.place), one.end) <= one.at]
        if standing:
            parts = (f"{place_name(one.place)} by {one.behind:,}" for one in standing)
            text = f"{_ROLE[what][0]} is behind and stands still: {some(parts)}"
            yield wrong(what, text, _ROLE[what][2])
        elif late:
            yield note(what, f"{_ROLE[what][0]} is behind by {sum(one.behind for one in late):,}, and catching up")
        else:
            count = sum(one.what == what for one in before)
            yield ok(what, f"{_ROLE[what][1]} ({counted(count, 'partition')})")


GATE, ARBITER, GATE_SENT, ARBITER_SENT, RELEASED = (
    "gate progress",
    "arbiter progress",
    "gate answers",
    "arbiter answers",
    "released",
)
# Who it is, what has been done when nobody is behind, and what to do when it stands still.
_ROLE = {
    GATE: ("the gate", "every message is judged", "see that a gate owns these lanes (above), and its log"),
    ARBITER: (
        "the arbiter",
        "everything forwarded is decided",
        "see that an arbiter owns these partitions (above), and its log",
    ),
    GATE_SENT: (
        "what the gate sends",
        "every answer of the gate is out",
        "see the gate's log: answers wait until Kafka acknowledges them",
    ),
    ARBITER_SENT: (
        "what the arbiter sends",
        "every answer of the arbiter is out",
        "see the arbiter's log: answers wait until Kafka acknowledges them",
    ),
    RELEASED: (
        "the publisher",
        "everything admitted is released",
        "see that a publisher runs (above), its log, and that the governed topics are there",
    ),
}
