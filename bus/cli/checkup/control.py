"""Looks at control: is what `bus.control` says in force everywhere, and does it have all that the journals know?

A change goes its way in this order: the gate of the operators numbers it in its journal, sends it to every partition of
the arbiter, and only then writes it to `bus.control`, from which the other gates learn of it; last, it marks its
segment as sent. So a journal that is ahead of `bus.control` tells of a change under way, unless the mark says that it
had been written there, or a gate had read it there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bus.audit.plain import listed
from bus.cli.checkup.journals import JournalSeen
from bus.cli.checkup.lines import Line, note, ok, some, wrong
from bus.core.log.topics import ARBITER, JOURNAL, OPERATORS_LANE, gate_journal, incoming
from bus.core.policy.control import Registry

ON_ITS_WAY = f"see that a gate owns {incoming(OPERATORS_LANE)} (above): it sends the change again and finishes it"
CUT = "bring bus.control back from a copy; until then let no stage run"


@dataclass(frozen=True, slots=True)
class Numbers:
    """One look: the number of `bus.control` ``before`` and ``after`` the journals were read, and theirs by name.

    None where nothing was decided yet. ``numbered``: how far the gate of the operators has come, None if what was read
    of its journal does not tell; ``sent``: how far everything it sends is known to have been sent.
    """

    before: int
    by_journal: Mapping[str, int | None]
    after: int
    numbered: int | None = None
    sent: int | None = None

    @property
    def are_even(self) -> bool:
        """Is the same in force everywhere?"""
        return all(number in (None, self.before) for number in (*self.by_journal.values(), self.after))


def numbers_of(seen: Sequence[JournalSeen], *, before: int, after: int) -> Numbers:
    """What a look at the journals tells."""
    operators = next((one.watch for one in seen if one.place == (gate_journal(OPERATORS_LANE), 0)), None)
    numbered = sent = None
    if operators is not None:
        numbered = 0 if operators.control is None and operators.is_from_start else operators.control
        sent = operators.control_sent
    return Numbers(before, {one.name: one.watch.control for one in seen}, after, numbered, sent)


def control_lines(first: Numbers, again: Numbers) -> Iterator[Line]:
    """Is everything in force everywhere? ``again`` was read a moment later, or is the same if all was even."""
    ahead = {name: number for name, number in again.by_journal.items() if (number or 0) > again.after}
    behind = {name: number for name, number in again.by_journal.items() if number is not None and number < first.before}
    if ahead:
        yield _ahead_line(ahead, again)
    elif behind:
        parts = some(f"{name} at {number}" for name, number in behind.items())
        if all(number > (first.by_journal.get(name) or 0) for name, number in behind.items()):
            yield note("control", f"control {first.before} comes into force: {parts}, and catching up")
        else:
            text = f"control {first.before} is not in force everywhere: {parts}"
            yield wrong("control", text, "see that a stage owns these (above), then run `agentbus doctor` again")
    else:
        yield ok("control", f"control {again.after} is in force everywhere")


def queue_lines(registry: Registry) -> Iterator[Line]:
    """Has somebody each queue that terms send cases to? What lies in no one's queue is frozen until one has it."""
    ruled = {queue for person in registry.persons.values() for queue in person.queues}
    unruled: dict[str, list[str]] = {}
    for terms in registry.terms.values():
        if terms.escalate.queue and terms.escalate.queue not in ruled:
            unruled.setdefault(terms.escalate.queue, []).append(terms.resource)
    for queue, resources in sorted(unruled.items()):
        text = f"cases of {listed(sorted(resources))} go to queue {queue}, which no person has: nobody may rule on them"
        yield wrong("queues", text, f"`agentbus persons set NAME --role operator --queue {queue}`")
    if not unruled:
        yield ok("queues", "somebody may rule in every queue that terms name")


def _ahead_line(ahead: Mapping[str, int | None], seen: Numbers) -> Line:
    parts = some(f"{name} at {number}" for name, number in ahead.items())
    text = f"bus.control ends at {seen.after}, yet journals have more: {parts}"
    if (seen.sent or 0) > seen.after:
        return wrong("control", f"{text}; change {seen.sent} had been written there: its tail was cut", CUT)
    readers = [name for name in ahead if not _may_be_ahead(name)]
    if readers:
        return wrong("control", f"{text}; {readers[0]} had read it there: its tail was cut", CUT)
    if seen.numbered is not None and max(number or 0 for number in ahead.values()) > seen.numbered:
        what = f"{text}, and {gate_journal(OPERATORS_LANE)} ends at {seen.numbered}: a change that no gate has numbered"
        return wrong("control", what, "`agentbus verify` tells which journal was changed; keep the log as evidence")
    return note("control", f"{text}: a change is on its way", ON_ITS_WAY)


def _may_be_ahead(journal: str) -> bool:
    """Those that learn of a change before `bus.control` has it; the others read it there."""
    return journal == gate_journal(OPERATORS_LANE) or journal.startswith((f"{JOURNAL}/", f"{ARBITER}/"))
