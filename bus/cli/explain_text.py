"""Writes an explanation for people: a heading, then one paragraph for each question somebody may have."""

import re
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bus.audit.contest_told import ContestTold
from bus.audit.decisions import Link, Proof, Setting
from bus.audit.explanation import Around, Explanation, Rests
from bus.audit.original import Message
from bus.audit.plain import lasting, listed, name_of, printable, shown
from bus.audit.standing import Standing
from bus.audit.story import Story
from bus.cli.caller import console
from bus.cli.contest_text import write_contest
from bus.cli.tables import shortened
from bus.cli.under_way import lease_text, under_way
from bus.cli.under_way import until_text as until_text  # noqa: PLC0414 other screens have it from here
from bus.cli.words import clock, exact_clock, full_clock, in_words, selected, violation_lines

if TYPE_CHECKING:
    from rich.text import Text

LABEL = 10  # the column of the questions
TEXT_WIDTH_MAX = 100  # longer lines are hard to read
PLACES_MAX = 3  # journals that are named of those that cannot be read; --json names all
HASH_SHOWN = 16  # of 64 digits, on a terminal
COLOURS = {
    **dict.fromkeys(("granted", "confirmed", "renewed", "admitted", "active", "passed the gate", "fact"), "green"),
    **dict.fromkeys(("denied", "refused", "suspended"), "red"),
    **dict.fromkeys(("ended", "duplicate", "repeat"), "yellow"),
}
_LENGTH = re.compile(r"(\d) (ms|s|min|h|d)\b")  # a number stays with its unit


def as_text(explained: Explanation, width: int | None) -> list[str]:
    """The lines; ``width`` in characters, None in a pipe, where nothing is broken or shortened."""
    page, told = Page(width), explained.contest
    if told is not None and explained.decision in (told.id, told.case.id if told.case else ""):
        write_contest(page, told)
        page.lines.append("")
        _write_opening(page, explained)
        return page.lines
    page.heading(explained.decision, in_words(explained.event, told.names if told else None))
    _write_speaker(page, explained)
    page.paragraph("why", explained.why)
    page.paragraph("wrong", violation_lines({"violations": explained.violations}))
    page.paragraph("under", _under(explained))
    page.paragraph("before", [standing_text(explained.before)] if explained.before else [])
    page.paragraph("after", [_after(explained)] if explained.after else [])
    page.paragraph("then", _then(explained))
    page.paragraph("around", _around(explained.around))
    page.paragraph("again", [_link(link) for link in explained.again])
    _write_proof(page, explained)
    if told is not None:
        page.lines.append("")
        write_contest(page, told)
    return page.lines


def _write_opening(page: "Page", explained: Explanation) -> None:
    """The decision that opened a contest or a case, less what the story has told already."""
    page.heading(explained.decision, in_words(explained.event))
    _write_speaker(page, explained)
    page.paragraph("why", explained.why)
    page.paragraph("under", _under(explained))
    _write_proof(page, explained)


def _write_speaker(page: "Page", explained: Explanation) -> None:
    # What follows from a message may concern another agent than the one that sent it.
    is_own = explained.event.get("agent", explained.who.id) == explained.who.id
    page.paragraph("who" if is_own else "sent by", _who(explained))
    page.paragraph("verified", [explained.who.sentence, *_unchecked(explained)])
    page.paragraph("said", _said(explained.message))


def _write_proof(page: "Page", explained: Explanation) -> None:
    page.paragraph("proven", [line for proof in explained.proof for line in _proven(proof, page)])
    page.paragraph("not known", notes_together(explained.notes))


def notes_together(notes: Sequence[str]) -> list[str]:
    """The notes, those that say the same of several journals in one line: a login may see few of them."""
    places: dict[str, list[str]] = {}
    for note in notes:
        place, colon, said = note.partition(": ")
        places.setdefault(said if colon and place.startswith("bus.") else note, []).append(place)
    found = []
    for said, named in places.items():
        more = [*named[:PLACES_MAX], f"{len(named) - PLACES_MAX} more"] if len(named) > PLACES_MAX else named
        found.append(said if named == [said] or said in notes else f"{listed(more)}: {said}")
    return found


def story_lines(story: Story, width: int | None, below: Sequence[ContestTold] = ()) -> list[str]:
    """A subject: how it stands, then its decisions, the newest last; those of a contest told ``below`` only there."""
    page = Page(width)
    page.heading(story.now.subject, standing_text(story.now, ago=True))
    if story.left_out:
        many = "decision is" if story.left_out == 1 else "decisions are"
        page.lines.append(f"{story.left_out:,} earlier {many} not shown (--limit)")
    elsewhere = {link.decision: contest.id for contest in below for link in contest.told}
    shown = [link for link in story.told if link.decision not in elsewhere]
    times = [clock(link.at) for link in shown]
    ids = [link.decision for link in shown]
    opening = max(map(len, times), default=0) + max(map(len, ids), default=0) + 4
    names = story.names
    for link, at in zip(shown, times, strict=True):
        told = f"{at:<{max(map(len, times))}}  {link.decision:<{max(map(len, ids))}}  "
        page.hanging(told, printable(in_words(link.event, names)), opening)
    if told_below := len(story.told) - len(shown):
        many = "decision belongs" if told_below == 1 else "decisions belong"
        page.lines.append(f"{told_below:,} {many} to {listed(dict.fromkeys(elsewhere.values()))}, which is told below")
    return page.lines


def contest_lines(told: ContestTold, width: int | None) -> list[str]:
    """The story of a contest or a case."""
    page = Page(width)
    write_contest(page, told)
    return page.lines


def standing_text(standing: Standing, *, ago: bool = False) -> str:
    """How a resource stands, in a line."""
    resource = standing.resource
    parts = []
    if resource.holding:
        holding = resource.holding
        since = f", since {clock(standing.since)}" if standing.since else ""
        until = f"{clock(holding.until)}{f' ({lease_text(resource)})' if ago else ''}"
        parts.append(f"held by {name_of(holding.agent)} under token {holding.token} until {until}{since}")
        if holding.doomed_by:
            parts.append(f"its holder was suspended by {holding.doomed_by}, and the next tick ends it")
    else:
        parts.append("nobody holds it")
    if resource.handover:
        parts.append(f"kept for {name_of(resource.handover.agent)} until {clock(resource.handover.until)}")
    if resource.cooling_until:
        parts.append(f"nobody can claim it before {clock(resource.cooling_until)}")
    parts += under_way(resource)
    parts += [f"{name} is {shown(fact.value)}" for name, fact in sorted(resource.facts.items())]
    waiting = len(resource.unreported)
    if waiting:
        parts.append(f"{waiting} admitted {'action is' if waiting == 1 else 'actions are'} not reported yet")
    return "; ".join(parts)


def print_page(lines: Sequence[str], *, has_labels: bool) -> None:
    """Print the lines; on a terminal the heading and the labels stand out."""
    from rich.text import Text

    screen = console(sys.stdout)
    for number, line in enumerate(lines):
        text = Text(line)
        if number == 0:
            _stress(text)
        elif has_labels and line[:1].strip():
            text.stylize("bold", 0, LABEL)
        screen.print(text, soft_wrap=True, highlight=False)


def _stress(heading: "Text") -> None:
    """The heading: its name, and the verdict in the colour people expect of it."""
    name = max(heading.plain.find("  "), 0)
    heading.stylize("bold", 0, name)
    verdict = heading.plain[name:].partition(":")[0]
    heading.stylize(COLOURS.get(verdict.strip(), ""), name, name + len(verdict))


class Page:
    """Lines of a label and a text that hangs beside it; ``width`` None breaks nothing."""

    def __init__(self, width: int | None) -> None:
        self.width = None if width is None else min(width, TEXT_WIDTH_MAX)
        self.lines: list[str] = []

    def heading(self, name: str, text: str) -> None:
        """What it is about, and the one sentence."""
        self.hanging(f"{name}  ", printable(text), len(name) + 2 if len(name) < TEXT_WIDTH_MAX // 4 else LABEL)

    def paragraph(self, label: str, texts: Iterable[str]) -> None:
        """Each text on lines of its own, the label before the first."""
        opening = f"{label:<{LABEL}}"
        for text in texts:
            self.hanging(opening, printable(text), LABEL + 2)
            opening = " " * LABEL

    def dated(self, label: str, lines: Iterable[tuple[str, str]]) -> None:
        """Each text after its time, the label before the first."""
        opening = f"{label:<{LABEL}}"
        for at, text in lines:
            told = f"{opening}{at}  " if at else opening
            self.hanging(told, printable(text), len(told))
            opening = " " * LABEL

    def hanging(self, opening: str, text: str, indent: int) -> None:
        """A text after its opening; lines after the first begin ``indent`` characters in."""
        if self.width is None:
            self.lines.append(f"{opening}{text}")
            return
        together = _LENGTH.sub("\\1\u00a0\\2", text)
        lines = textwrap.wrap(
            together,
            self.width,
            initial_indent=opening,
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
        self.lines += [line.replace("\u00a0", " ") for line in lines or [opening.rstrip()]]

    def hash(self, value: str) -> str:
        """A hash, in the middle of a line for people shortened."""
        return value if self.width is None else shortened(value, HASH_SHOWN)


def _who(explained: Explanation) -> list[str]:
    who = explained.who
    if who.kind == "bus":
        return ["the bus, by a tick: no message is behind it"]
    if who.kind == "unknown":
        return ["somebody who cannot be read from the message"]
    name = f"{name_of(who.id)}, {'a person' if who.kind == 'person' else 'an agent'}"
    role = f" with role {listed(who.roles)}" if who.roles else " who is not registered"
    owner = f"; {name_of(who.owner)} answers for it" if who.owner else ""
    return [f"{name}{role}{owner} ({who.id})"]


def _unchecked(explained: Explanation) -> list[str]:
    is_open = explained.who.has_authorizer is False and explained.who.kind != "bus"
    return ["nobody is checked on this Kafka now: whoever reaches it can write as anybody"] if is_open else []


def _said(message: Message | None) -> list[str]:
    if message is None:
        return []
    about = f" about {message.subject}" if message.subject else ""
    token = f", with token {message.token}" if message.token else ""
    named = f", message {message.id}" if message.id else ""
    ago = lasting(max(0, int(time.time() * 1000) - message.at))
    texts = [f"{message.type or 'a message'}{about}{named}{token}, at {full_clock(message.at)} ({ago} ago)"]
    match message.kept:
        case "there":
            place, _, offset = message.read_from.rpartition("/")
            texts.append(f"{message.excerpt or 'an empty body'}")
            texts.append(f"as it stands in {_place(place)} at offset {offset}, with the hash that the journal has")
        case "changed":
            texts.append(f"what stands at {message.read_from} now has another hash than the journal: it was changed")
        case _:
            texts.append(f"its bytes at {message.src} are not kept any more, or not for this login to read")
            texts.append(f"the journal has their hash, {message.hash}")
    return texts


def _place(text: str) -> str:
    topic, _, partition = text.rpartition("/")
    return topic if topic.startswith("bus.in.") else f"{topic} partition {partition}"


def _under(explained: Explanation) -> list[str]:
    texts = [_rest(rest) for rest in explained.rests_on]
    registered = explained.who.registered
    if registered is not None:
        texts.append(f"{registered.kind} {name_of(registered.name)} as registered{_by(registered)}")
    return texts


def _rest(rest: Rests) -> str:
    if rest.what == "control":
        if rest.set is None:
            return f"control number {rest.ref}" + (": nothing was set before" if rest.ref == "0" else "")
        return f"control number {rest.ref}, the last change in force: {_setting(rest.set)}{_by(rest.set)}"
    name, _, revision = rest.ref.rpartition("@")
    built_in = ", which comes with agentbus" if rest.what == "contract" and name.startswith("bus.") else ""
    return f"{rest.what} {name} revision {revision}{_by(rest.set) if rest.set else built_in}"


def _setting(setting: Setting) -> str:
    if setting.kind == "suspended":
        who = selected(setting.value["select"]) if setting.value else f"the suspension of {name_of(setting.name)}"
        return f"{who} {'suspended' if setting.value else 'lifted'}"
    gone = " taken out of force" if setting.value is None else ""
    return f"{setting.kind} {name_of(setting.name)} revision {setting.rev}{gone}"


def _by(setting: Setting) -> str:
    return f", set by {name_of(setting.source)} at {clock(setting.at)} ({setting.decision})"


def _after(explained: Explanation) -> str:
    assert explained.after is not None
    is_same = explained.before is not None and explained.before.resource == explained.after.resource
    return "the same" if is_same else standing_text(explained.after)


def _then(explained: Explanation) -> list[str]:
    texts = [_link(link) for link in explained.followed]
    if explained.released is not None:
        place = explained.released
        where = f"topic {place.topic}, partition {place.partition}, offset {place.offset}"
        texts.insert(0, f"it stands on {where}, since {exact_clock(place.time)}")
    elif explained.event.get("kind") == "action_admitted" and explained.event["topic"]:
        texts.insert(0, f"it is not found on topic {explained.event['topic']}: not there yet, or not kept any more")
    if explained.followed_left_out:
        texts.append(f"and {explained.followed_left_out:,} more")
    may_follow = explained.stage == "arbiter" or explained.verdict == "forwarded"
    return texts or (["nothing so far"] if may_follow else [])


def _around(around: Sequence[Around]) -> list[str]:
    """The neighbours; two orders that have the same ones are told together."""
    places: dict[tuple[str, str], tuple[Around, list[str]]] = {}
    for one in around:
        same = (one.before.decision if one.before else "", one.after.decision if one.after else "")
        where = f"on {one.where}" if "/" in one.where else f"in {one.where}"
        places.setdefault(same, (one, []))[1].append(where)
    texts = []
    for one, orders in places.values():
        texts.append(f"before it {listed(orders)}: {_link(one.before) if one.before else 'nothing'}")
        texts.append(f"after it {listed(orders)}: {_link(one.after) if one.after else 'nothing so far'}")
    return texts


def _link(link: Link) -> str:
    if link.times > 1:
        return f"{link.times:,} times {link.event['kind']}, last as {_link(replace(link, times=1))}"
    return f"{link.decision} at {clock(link.at)}, {in_words(link.event)}"


def _proven(proof: Proof, page: Page) -> Sequence[str]:
    place = _place(f"{proof.topic}/{proof.partition}") if proof.topic == "bus.journal" else proof.topic
    texts = [f"{place} offset {proof.offset}: segment {proof.seq}, hash {page.hash(proof.hash)}"]
    if proof.prev_offset is not None:
        texts.append(
            f"it names segment {proof.seq - 1} before it, at offset {proof.prev_offset}, by {page.hash(proof.prev)}"
        )
    if proof.kept == "gone":
        texts.append("it is not kept any more, or not for this login to read: this is what was read in time")
    if proof.has_new_owner:
        texts.append("the one before it is a take-over: another process had the stage until then")
    if proof.void_before:
        count = f"{proof.void_before} void segment{'s stand' if proof.void_before > 1 else ' stands'}"
        texts.append(f"{count} between the two: another process wrote as well, and lost")
    return texts
