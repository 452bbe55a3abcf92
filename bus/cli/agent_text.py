"""Writes what the journals say of an agent for people."""

from collections.abc import Mapping

from bus.audit.agent_report import AgentReport
from bus.audit.plain import listed
from bus.audit.speaker import NOT_IN_JOURNALS
from bus.audit.why_suspended import who_suspended
from bus.cli.explain_text import LABEL, Page, standing_text
from bus.cli.words import clock, in_words, name_of

COUNTED = {
    "messages": "messages",
    "granted": "grants",
    "renewed": "renewals",
    "action_admitted": "actions admitted",
    "denied": "claims denied",
    "refused": "refused",
    "duplicate": "duplicates",
    "ended": "holdings ended",
}


def agent_text(report: AgentReport, width: int | None) -> list[str]:
    """The lines."""
    page = Page(width)
    page.heading(name_of(report.id), report.id)
    page.paragraph("speaks", [_lane(report)])
    page.paragraph("roles", [listed(report.roles)])
    page.paragraph("owner", [f"{name_of(report.owner)} answers for it"] if report.owner else [])
    if report.registered is not None:
        by = report.registered
        page.paragraph(
            "set", [f"by {name_of(by.source)} at {clock(by.at)} (control number {by.number}, {by.decision})"]
        )
    page.paragraph("state", [_state(report)])
    held = [f"{one.subject}: {standing_text(one, ago=True)}" for one in report.holds]
    more = report.held_count - len(report.holds)
    page.paragraph("holds", [*held, *([f"and {more:,} more"] if more else [])] or ["nothing"])
    page.paragraph("kept", [f"{one.subject}: {standing_text(one, ago=True)}" for one in report.reserved])
    page.paragraph("counts", [_counted(report.counts)])
    page.paragraph(
        "why not", [", ".join(f"{reason} {count:,}" for reason, count in report.refusals.items()) or "never"]
    )
    page.paragraph("unproven", [_in_its_name(report)] if report.in_its_name else [])
    page.paragraph("said last", [] if report.spoken else ["nothing yet"])
    width_of_id = max((len(one.decided.decision) for one in report.spoken), default=0)
    opening = "said last"
    for one in report.spoken:
        told = f"{opening:<{LABEL}}{clock(one.at)}  {one.decided.decision:<{width_of_id}}  "
        page.hanging(told, in_words(one.decided.event), LABEL + 12)
        opening = ""
    return page.lines


def _lane(report: AgentReport) -> str:
    if not report.lane:
        return "on no lane"
    if not report.principal:
        return f"on lane {report.lane}"
    return f"on lane {report.lane}, which belongs to the Kafka principal {report.principal}; {NOT_IN_JOURNALS}"


def _state(report: AgentReport) -> str:
    if report.registered is None:
        return "not registered any more: what it holds runs out by its lease"
    rule = report.suspension
    return f"suspended: {who_suspended(rule, clock)} ({rule.decision})" if rule else "active"


def _in_its_name(report: AgentReport) -> str:
    counted = ", ".join(f"{reason} {count:,}" for reason, count in report.in_its_name.items())
    return f"messages that named it as their sender and were refused before that was known: {counted}"


def _counted(counts: Mapping[str, int]) -> str:
    ordered = [kind for kind in COUNTED if kind in counts] + [kind for kind in counts if kind not in COUNTED]
    return ", ".join(f"{COUNTED.get(kind, kind)} {counts[kind]:,}" for kind in ordered)
