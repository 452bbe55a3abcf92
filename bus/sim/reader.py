"""A reader of the journals who notes what it has seen, so that it can be held against what is there at the end."""

import random

from bus.core.log.journal import Tip, advance, continues, parse_segment
from bus.core.log.topics import JOURNAL, gate_journal
from bus.sim.broker import Place
from bus.sim.checkers.reading import Note
from bus.sim.world import World

LOOKS_EVERY_S = (1.0, 12.0)
NOTES_MAX = 10_000


class Reader:
    """Reads on from where it stood, and notes the last valid segment it knows of."""

    def __init__(self, world: World) -> None:
        self.notes: list[Note] = []
        self._world = world
        self._chance = random.Random(f"{world.seed} reader")
        self._tips: dict[Place, tuple[int, Tip]] = {}

    def begin(self) -> None:
        """Look now and then, until everything is over."""
        self._world.timeline.after(self._chance.uniform(*LOOKS_EVERY_S), self._look)

    def _look(self) -> None:
        broker = self._world.broker
        for place, partition in broker.partitions.items():
            if place[0] == JOURNAL or place[0].startswith(gate_journal("")):
                self._read(place, len(partition.messages))
        if not self._world.network.is_calm and len(self.notes) < NOTES_MAX:
            self.begin()

    def _read(self, place: Place, end: int) -> None:
        position, tip = self._tips.get(place, (0, Tip()))
        for message in self._world.broker.partitions[place].messages[position:end]:
            value = message.record.value or b""
            segment = parse_segment(value)
            if segment is not None and continues(tip, segment):
                tip = advance(tip, value)
        self._tips[place] = (end, tip)
        self.notes.append(Note(place, end, tip.seq + 1, tip.hash))
