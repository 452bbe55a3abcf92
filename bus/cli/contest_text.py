"""Writes the story of a contest for people: who competed by which rules, what happened, why the winner won."""

from typing import TYPE_CHECKING

from bus.audit.contest_sentences import ballots_told
from bus.audit.contest_told import CaseTold, ContestTold, HeldTold
from bus.audit.plain import name_of
from bus.cli.contest_words import BY, CANDIDATE_ID
from bus.cli.words import clock, exact_clock, in_words

if TYPE_CHECKING:
    from bus.cli.explain_text import Page

WHAT = {"claims": "contest", "review": "review", "question": "question", "approval": "case", "wait": "case"}
STATES = {
    "open": "it is open",
    "case": "a person decides",
    "settled": "it is settled",
    "closed": "its case is closed",
}
AGENTS_MAX = 4  # of a seat: replicas look alike, and --json has all of them


def write_contest(page: "Page", told: ContestTold) -> None:
    """Write the whole story on a page."""
    page.heading(told.id, f"{WHAT.get(told.over, 'contest')} over {told.subject}: {_outcome(told)}")
    page.paragraph("asked", [told.question] if told.question else [])
    page.paragraph("rules", told.rules)
    page.paragraph("seats", _seats(told))
    page.paragraph("claims" if told.over in ("claims", "wait") else "choices", _candidates(told))
    page.dated("story", _story(told))
    page.paragraph("ballots", _ballots(told))
    page.paragraph("outcome", told.why)
    page.paragraph("case", _case(told.case))
    page.paragraph("held", [_held(one) for one in told.held])
    page.paragraph("then", [f"{one.decision} at {clock(one.at)}, {in_words(one.event)}" for one in told.followed])


def _outcome(told: ContestTold) -> str:
    if not told.winner:
        closed = told.case is not None and told.case.ruling
        return f"{name_of(told.case.person)} ruled {told.case.ruling}" if told.case and closed else STATES[told.state]
    winner = told.names.get(told.winner, told.winner)
    by = f" {BY.get(told.by, told.by)}" if told.by else ""
    match told.winner:
        case "none":
            return f"nobody won{by}"
        case "approve" | "reject":
            return f"{'approved' if winner == 'approve' else 'rejected'}{by}"
        case _:
            return f"{winner} won{by}" if CANDIDATE_ID.fullmatch(told.winner) else f"{winner} was chosen{by}"


def _seats(told: ContestTold) -> list[str]:
    seats = []
    for seat in told.seats:
        agents = [name_of(agent) for agent in seat.agents[:AGENTS_MAX]]
        more = f" and {len(seat.agents) - AGENTS_MAX} more" if len(seat.agents) > AGENTS_MAX else ""
        who = ", ".join(agents) + more if agents else "nobody"
        weight = f", weight {seat.weight}" if seat.weight != 1 else ""
        veto = "" if seat.has_vote else ", for a veto only"
        seats.append(f"{name_of(seat.seat)} ({who}{weight}{veto})")
    return [", ".join(seats)] if seats else []


def _candidates(told: ContestTold) -> list[str]:
    found = []
    for one in told.candidates:
        name = told.names.get(one.id, one.id)
        found.append(f"{name}: {one.sentence}" if one.sentence else name)
    return found if told.over in ("claims", "wait") else [", ".join(found)] if found else []


def _story(told: ContestTold) -> list[tuple[str, str]]:
    """Each decision with its time; where a rung had no result, why, before the decision that went on from it."""
    lines, passed = [], list(told.passed)
    for link in told.told:
        while passed and link.event["kind"] in ("rung", "settled") and passed[0].at == link.at:
            lines.append((exact_clock(link.at), passed.pop(0).sentence))
        lines.append((f"{exact_clock(link.at)}  {link.decision}", in_words(link.event, told.names)))
    if told.told_left_out:
        lines.append(("", f"{told.told_left_out:,} decisions in the middle are left out"))
    return lines


def _ballots(told: ContestTold) -> list[str]:
    seats = [seat for seat in told.seats if seat.has_vote]
    if not seats or (not told.received and not told.ballots):
        return []
    if not told.winner:
        return [f"received from {told.received} of {len(seats)} seats; what they chose is sealed until the close"]
    return ballots_told(told.ballots, told.names)


def _case(case: CaseTold | None) -> list[str]:
    if case is None:
        return []
    about = [f"{case.id}, kind {case.kind}, queue {case.queue or '(none)'}, {case.state}, revision {case.rev}"]
    if case.frozen_until is None:
        due = "overdue, and still frozen" if case.is_overdue else f"tier {case.tier + 1}"
        about.append(f"{due}, due at {clock(case.due)}" if case.due else due)
    if case.reserved_by and case.reserved_until:
        about.append(f"reserved by {name_of(case.reserved_by)} until {clock(case.reserved_until)}")
    return [*about, *case.sentences]


def _held(one: HeldTold) -> str:
    cost = f", which costs {one.cost}" if one.cost is not None else ""
    became = {
        "admitted": f"went out as {one.by}",
        "refused": f"was not done ({one.reason}), {one.by}",
        "": "still waits",
    }[one.became]
    return f"{one.type} of {name_of(one.agent)}{cost}, held as {one.decision}: {became}"
