"""A line of the doctor: what was looked at, how it is, and what mends it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bus.shell.errors import BusError, NotPermittedError

NAMES_SHOWN_MAX = 5  # of many things that are wrong in the same way; the rest is counted
LOOK_AS_ADMIN = "ask again as an administrator of this Kafka (--kafka-config FILE)"
MAY_NOT = "this login may not"
_FORBIDDEN = "authorization failed"  # Kafka's own words, in every error of this kind


class State(StrEnum):
    """How it is: as it must be, worth knowing, not looked at, or to be mended."""

    OK = "ok"
    NOTE = "note"
    UNSEEN = "unseen"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at; ``remedy`` is "" if there is nothing to do."""

    check: str
    state: State
    sentence: str
    remedy: str = ""
    group: str = ""
    skipped: tuple[str, ...] = ()  # the groups that are not looked at for the same reason


def ok(check: str, sentence: str) -> Line:
    """As it must be."""
    return Line(check, State.OK, sentence)


def note(check: str, sentence: str, remedy: str = "") -> Line:
    """Worth knowing, and no fault."""
    return Line(check, State.NOTE, sentence, remedy)


def unseen(check: str, sentence: str, remedy: str = "", *, skipped: Sequence[str] = ()) -> Line:
    """Not looked at, and why; so are whole groups that ``skipped`` names."""
    return Line(check, State.UNSEEN, f"not looked at: {sentence}", remedy, skipped=tuple(skipped))


def wrong(check: str, sentence: str, remedy: str) -> Line:
    """To be mended, and how."""
    return Line(check, State.WRONG, sentence, remedy)


Look = Callable[[], Iterable[Line]]


@dataclass(slots=True)
class Checkup:
    """All lines so far. A check that may not look, or cannot, says so and keeps no other from looking."""

    on_line: Callable[[Line], None]
    lines: list[Line] = field(default_factory=list)

    def look(self, group: str, check: str, look: Look) -> None:
        """Make one check; ``check`` names it where it fails before it can say anything."""
        try:
            found = list(look())
        except BusError as error:
            found = [not_looked(check, error)]
        for line in found:
            placed = replace(line, group=group)
            self.lines.append(placed)
            self.on_line(placed)

    @property
    def wrong(self) -> int:
        """How many lines are wrong."""
        return sum(line.state is State.WRONG for line in self.lines)

    @property
    def notes(self) -> int:
        """How many are notes."""
        return sum(line.state is State.NOTE for line in self.lines)

    @property
    def unseen_groups(self) -> list[str]:
        """The groups that were not looked at, or only in part."""
        unseen = [line for line in self.lines if line.state is State.UNSEEN]
        return list(dict.fromkeys(name for line in unseen for name in line.skipped or (line.group,)))

    @property
    def needs_admin(self) -> bool:
        """Would an administrator be told more?"""
        return any(line.state is State.UNSEEN and line.remedy == LOOK_AS_ADMIN for line in self.lines)


def not_looked(check: str, error: BusError) -> Line:
    """The line of a check that could not be made."""
    if is_forbidden(error):
        why = error.message.rstrip(".")
        return unseen(check, why if why.startswith(MAY_NOT) else f"{MAY_NOT} ({why})", LOOK_AS_ADMIN)
    return unseen(check, error.message, error.next_step or "run `agentbus doctor` again")


def is_forbidden(error: BaseException) -> bool:
    """Did Kafka refuse to tell, rather than fail?"""
    if isinstance(error, NotPermittedError):
        return True
    return _FORBIDDEN in str(error).lower() or (error.__cause__ is not None and is_forbidden(error.__cause__))


def some(names: Iterable[object]) -> str:
    """``a, b, c, d, e and 7 more``."""
    all_names = [str(name) for name in names]
    shown = ", ".join(all_names[:NAMES_SHOWN_MAX])
    rest = len(all_names) - NAMES_SHOWN_MAX
    return f"{shown} and {rest} more" if rest > 0 else shown


def counted(number: int, thing: str, many: str = "") -> str:
    """``1 lane``, ``1,200 lanes``."""
    return f"{number:,} {thing if number == 1 else many or thing + 's'}"


def duration(seconds: float) -> str:
    """A time span as people say it: ``40 s``, ``3 min``, ``2 h``, ``5 days``."""
    for unit, size, upto in (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 172_800)):
        if seconds < upto:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
