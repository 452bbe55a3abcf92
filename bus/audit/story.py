"""The story of a subject: every decision on it in the order of the log, the gates' refusals among them, newest last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bus.audit.contest_sentences import claimant
from bus.audit.contest_story import contests_on, seal_open
from bus.audit.decisions import Link
from bus.audit.lookup import Lookup
from bus.audit.standing import Standing
from bus.core.contest.contest import Candidate

NAMES_MAX = 1_000  # candidates that are told by name: more than a story shows


@dataclass(frozen=True, slots=True)
class Story:
    """How the resource stands now, and the last decisions on it; ``left_out`` counts the older ones.

    ``contests`` are the ids of the contests, and of the cases without one, that opened on it, the newest last;
    ``names`` says whom a candidate's id in them stands for.
    """

    now: Standing
    told: Sequence[Link]
    left_out: int
    contests: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def story_of(lookup: Lookup, subject: str, limit: int) -> Story:
    """The last ``limit`` decisions."""
    events = lookup.linked("subject = ?", (subject,), limit=limit, newest_first=True)
    told = _together(seal_open(lookup, subject, [*reversed(events)]), refusals_of(lookup, subject, limit))
    count = lookup.count_of(subject)
    shown = told[-limit:] if limit else []
    return Story(
        lookup.present(subject), shown, max(0, count - limit), contests_on(lookup, subject), names_on(lookup, subject)
    )


def names_on(lookup: Lookup, subject: str) -> dict[str, str]:
    """Whom the ids of the last candidates on a subject stand for."""
    joined = lookup.linked("subject = ? AND kind = 'joined'", (subject,), limit=NAMES_MAX, newest_first=True)
    named = [(link.decision, str(link.event["agent"]), str(link.event["claim"])) for link in joined]
    return {identifier: claimant(Candidate(identifier, agent, claim)) for identifier, agent, claim in named}


def _together(events: list[Link], refused: list[Link]) -> list[Link]:
    """Events in the order of the log, which a tick's time may lie a little behind; refusals by their time."""
    placed, latest = [], 0
    for event in events:
        latest = max(latest, event.at)
        placed.append((latest, event))
    placed += [(link.at, link) for link in refused]
    return [link for _, link in sorted(placed, key=lambda pair: pair[0])]


def refusals_of(lookup: Lookup, subject: str, limit: int) -> list[Link]:
    """What the gates refused about it, as the refusals that are still kept tell."""
    return [lookup.gate_link(row) for row in lookup.refused_about(subject, limit)]
