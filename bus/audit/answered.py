"""Follows every claim to its one answer: granted, confirmed or denied, at once or when the contest it joined ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bus.core.decision.contest_events import Joined, Settled, Withdrawn
from bus.core.decision.entries import Entry
from bus.core.decision.events import Confirmed, Denied, Event, Granted
from bus.core.steps.acts import CLAIM

_Claim = tuple[str, str]  # agent and message id


@dataclass(slots=True)
class Claims:
    """The claims of one partition that wait for the end of their contest, by the contest."""

    waiting: dict[str, set[_Claim]] = field(default_factory=dict)

    def take(self, entry: Entry) -> list[str]:
        """The next entry; a sentence for each claim with more or fewer answers than one."""
        found = []
        if entry.type == CLAIM and entry.verdict != "repeat":
            answers = sum(1 for event in entry.events if _is_answer(entry, event))
            joins = [event.what for event in entry.events if isinstance(event.what, Joined) and _is_own(entry, event)]
            if answers > 1 or (not answers and not joins):
                who = f"the claim {entry.id} of {entry.source} (input {entry.o})"
                found.append(f"{who} has {answers} final answers, not one")
            for joined in joins if not answers else ():
                self.waiting.setdefault(joined.contest, set()).add((entry.source, entry.id))
        settled = [event.what.contest for event in entry.events if isinstance(event.what, Settled)]
        for event in entry.events:
            self._answer(event, entry)
        return [*found, *self._unanswered(settled, entry)]

    def _answer(self, event: Event, entry: Entry) -> None:
        what = event.what
        if not isinstance(what, Granted | Denied | Withdrawn) or _is_answer(entry, event):
            return
        for claims in self.waiting.values():
            claims.discard((what.agent, what.claim))

    def _unanswered(self, settled: list[str], entry: Entry) -> Iterator[str]:
        """The claims of contests that are over whose agents have heard nothing."""
        for contest in settled:
            for agent, claim in sorted(self.waiting.pop(contest, ())):
                yield f"the claim {claim} of {agent} has no final answer, though input {entry.o} settled its contest"


def _is_own(entry: Entry, event: Event) -> bool:
    what = event.what
    return (getattr(what, "agent", ""), getattr(what, "claim", "")) == (entry.source, entry.id)


def _is_answer(entry: Entry, event: Event) -> bool:
    """Is this the answer to the claim of this very entry? A holder is confirmed under the claim it holds by."""
    if entry.type != CLAIM:
        return False
    if isinstance(event.what, Confirmed):
        return event.what.agent == entry.source
    return isinstance(event.what, Granted | Denied) and _is_own(entry, event)
