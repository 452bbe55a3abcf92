"""The acts of the demo: the tasks the agents get, and what must then be seen on the topics, whatever they do."""

from __future__ import annotations

from dataclasses import dataclass

from bus.dev.demo.company import AGENTS, PARTITIONS
from bus.dev.demo.show import Show
from bus.dev.demo.told import Counted
from bus.dev.demo.watch import Exchange

REQUEST, OFFER = "logistics.quote.request.v1", "logistics.quote.offer.v1"
CLAIM, RELEASE, EMAIL = "bus.resource.claim.v1", "bus.resource.release.v1", "leads.email.send.v1"
UPDATE = "customer.record.update.v1"
SUSPEND, RESUME = "bus.control.suspend.v1", "bus.control.resume.v1"
ORDER = "PO-2026-00418"
LOOPS_BEFORE_SOMEBODY_LOOKS = 6
SERIES, SERIES_NAME = 40, "Note"
KILLED_AT, REPLACED_AT = 8, 24  # messages of the series that are sent by then
IDS = {agent.name: agent.id for agent in AGENTS}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lead, and who wanted it as well."""

    agent: str
    other: str
    token: int


def the_quote_request(show: Show) -> None:
    """Story 11: refused with its paths, refused by a rule, corrected, delivered, answered."""
    show.act(
        1,
        "A message is checked before anybody reads it",
        "procurement-1 asks logistics-1 for a quote, from a draft that lacks half of what the contract demands.",
    )
    show.task("procurement-1", f"is asked to get a transport quote for {ORDER}", "ask_for_a_quote", order=ORDER)
    show.answered("logistics-1 sends an offer", who="logistics-1", type=OFFER, kind="action_admitted")
    show.settle()
    requests = show.complete(type=REQUEST)
    paths = [one["path"] for one in (requests[0].answer or {}).get("violations", [])]
    show.check(
        "the first refusal named all three missing fields by their paths",
        is_so=paths == ["/cost_centre", "/delivery_window", "/purchase_order"],
    )
    show.check(
        "the second gave the contract's own sentence about the window",
        is_so=[one.reason for one in requests] == ["schema_violation", "rule_violation", ""],
    )
    arrived = [request for request in requests if request.arrived_on]
    show.check(
        "logistics saw one request, the corrected one, byte for byte",
        is_so=arrived == requests[-1:] and requests[-1].is_same and requests[-1].arrivals == 1,
    )


def the_lead(show: Show) -> Holder:
    """Story 1 a: two agents, one lead."""
    show.act(
        2,
        "Two agents, one lead",
        "crm-1 states that a lead is qualified. sales-1 and support-1 hear it at once and both want it; nobody knows "
        "who will get it. The one that does not get it writes to the lead all the same.",
    )
    show.task("crm-1", "is asked to state that lead L-1 is qualified", "state_stage", lead="L-1", stage="qualified")
    subject = "lead/L-1"
    granted = show.answered("one of them is granted the lead", type=CLAIM, subject=subject, kind="granted")
    denied = show.answered("the other is denied it", type=CLAIM, subject=subject, kind="denied")
    show.answered("the holder's email arrives", type=EMAIL, subject=subject, who=granted.who, kind="action_admitted")
    show.answered("the other's email is refused", type=EMAIL, subject=subject, who=denied.who, kind="refused")
    show.settle()
    claims, emails = show.complete(type=CLAIM, subject=subject), show.complete(type=EMAIL, subject=subject)
    show.check(
        f"{granted.who} was first in the log; {denied.who} heard how long it has to wait",
        is_so=len(claims) == 2
        and _place(granted) < _place(denied)
        and denied.answer is not None
        and granted.answer is not None
        and denied.answer["retry_after"] == granted.answer["until"],
    )
    show.check(
        f"the email of {denied.who} was fenced; the lead got exactly one, from {granted.who}",
        is_so=sorted((email.who, email.kind, email.reason, email.arrivals) for email in emails)
        == sorted([(denied.who, "refused", "fenced", 0), (granted.who, "action_admitted", "", 1)]),
    )
    return Holder(granted.who, denied.who, _token(granted))


def the_hand_over(show: Show, before: Holder) -> Holder:
    """Story 1 d: released to a named colleague, while a third agent wants it."""
    show.act(
        3,
        "A hand-over",
        f"{before.agent} hands the lead to {before.other}. crm-1 sees it become free and claims it too.",
    )
    subject = "lead/L-1"
    text = f"is asked to hand {subject} over to {before.other}"
    show.task(before.agent, text, "hand_over", subject=subject, to=IDS[before.other])
    third = show.answered("crm-1 is denied the lead", who="crm-1", type=CLAIM, subject=subject)
    show.task(before.other, f"is asked to take {subject} over", "claim", subject=subject)
    taken = show.answered("it is granted to the colleague", who=before.other, subject=subject, kind="granted")
    show.answered("its email arrives", who=before.other, type=EMAIL, subject=subject, kind="action_admitted")
    show.task(before.agent, "is asked to send one more email, late", "write", subject=subject, about="One more thing")
    late = show.until("the late email is answered", lambda: _email(show, before.agent, "One more thing"))
    show.check("the third agent was kept waiting while the lead was reserved", is_so=third.reason == "cooling")
    show.check(
        f"{before.other} got a higher token; what {before.agent} sent under the old one was fenced",
        is_so=_token(taken) > before.token
        and late.reason == "fenced"
        and late.answer is not None
        and (late.answer["token"], late.answer["current"]) == (before.token, _token(taken)),
    )
    return Holder(before.other, before.agent, _token(taken))


def the_crash(show: Show, holder: Holder) -> None:
    """The arbiter is killed while messages are under way; every one of them is judged, once."""
    show.act(
        4,
        "kill -9, while messages are under way",
        f"{holder.agent} sends {SERIES} notes to its lead, one after another. In the middle of it the arbiter is "
        "killed. Watch what is sent, judged, answered, and what arrives.",
    )
    show.counting = lambda: _count(show)
    with show.hurry():
        show.task(holder.agent, f"is asked to send {SERIES} notes", "write_series", subject="lead/L-1", notes=SERIES)
        show.until("the series is under way", lambda: _count(show).arrived >= 1 and _count(show).sent >= KILLED_AT)
        pid = show.processes.kill("arbiter")
        show.note(f"kill -9 {pid}: the arbiter is gone; {holder.agent} goes on sending")
        show.until("the agent goes on sending", lambda: _count(show).sent >= REPLACED_AT)
        show.count()
        show.note("a new arbiter is started; it reads the journal and takes over where the other one was")
        show.processes.start_stages("arbiter", ["arbiter"])
        show.until("everything sent is admitted by the new arbiter", lambda: _count(show).arrived >= SERIES)
    show.settle()
    count = show.count()
    notes = _notes(show)
    show.check(
        f"{SERIES} sent = {SERIES} judged = {SERIES} answered = {SERIES} arrived: nothing lost, nothing done twice",
        is_so=(count.sent, count.judged, count.answered, count.arrived) == (SERIES,) * 4
        and {note.arrivals for note in notes} == {1},
    )
    show.check(
        "all under the token from before the crash; the journal goes on where it was, every link unbroken",
        is_so={note.token for note in notes} == {holder.token}
        and all(segment.is_linked for segment in show.watch.journals.segments),
    )
    show.counting = None


def _count(show: Show) -> Counted:
    """Counted on the topics: the lane, the arbiter's journal, the answers, and the governed topic."""
    notes = _notes(show)
    return Counted(
        what="the notes, counted on the topics",
        of=SERIES,
        sent=len(notes),
        judged=sum(show.watch.journals.judged[note.src] for note in notes),
        answered=sum(1 for note in notes if note.answer),
        arrived=sum(note.arrivals for note in notes),
    )


def _notes(show: Show) -> list[Exchange]:
    return [
        one for one in show.watch.exchanges.values() if str(one.body.get("subject", "")).startswith(f"{SERIES_NAME} ")
    ]


def the_loop(show: Show, holder: Holder) -> None:
    """Stories 8 and 13: an agent oversteps, loops, is suspended, cannot help itself, and is resumed."""
    show.act(
        5,
        "An agent oversteps, loops, and is stopped",
        "support-1 works on a lead, and is asked for something only the crm may do. It does not take no for an answer.",
    )
    show.task("crm-1", "is asked to state that lead L-2 is qualified", "state_stage", lead="L-2", stage="qualified")
    taken = show.answered("whoever is free takes the lead", type=CLAIM, subject="lead/L-2", kind="granted")
    show.answered("its email arrives", who=taken.who, subject="lead/L-2", type=EMAIL, kind="action_admitted")
    held, token = ("lead/L-2", _token(taken)) if taken.who == "support-1" else ("lead/L-1", holder.token)
    show.task("support-1", "is asked to change the bill address of C-204", "update_customer", customer="C-204")
    show.until(
        "support-1 tries again and again", lambda: len(show.complete(type=UPDATE)) >= LOOPS_BEFORE_SOMEBODY_LOOKS
    )
    show.check(
        "every try was refused as not allowed; nothing reached topic customers",
        is_so={(one.reason, one.arrivals) for one in show.complete(type=UPDATE)} == {("not_allowed", 0)},
    )
    show.steward.suspend({"agent": IDS["support-1"]}, "sends the same change over and over")
    suspended = show.answered("the operator's word is in force", type=SUSPEND, kind="control_set")
    show.until("it is in force in every partition", lambda: _is_everywhere(show, suspended))
    inherited = show.answered("crm-1 is granted what support-1 held", who="crm-1", subject=held, kind="granted")
    own_word = show.answered("support-1 tries to lift its suspension", who="support-1", type=RESUME)
    show.task(
        "sales-1", "is asked to write to its lead, as always", "write", subject=_lead_of_sales(held), about="Still here"
    )
    goes_on = show.until("sales-1 goes on", lambda: _email(show, "sales-1", "Still here"))
    show.settle()
    show.check(
        f"suspended in all {PARTITIONS} partitions, as change {_control(suspended)}; its own word did not lift it",
        is_so=own_word.reason == "suspended" and show.partitions_in_force(suspended) == PARTITIONS,
    )
    show.check(
        "its lead went to crm-1 under a higher token; sales-1 went on undisturbed",
        is_so=_token(inherited) > token and goes_on.kind == "action_admitted",
    )
    _resume(show)


def _resume(show: Show) -> None:
    show.steward.resume({"agent": IDS["support-1"]}, "the loop is repaired")
    resumed = show.answered("the operator lifts it", lane="operators", type=RESUME, kind="control_set")
    show.until("it is lifted in every partition", lambda: _is_everywhere(show, resumed))
    show.task("crm-1", "is asked to state that lead L-3 is qualified", "state_stage", lead="L-3", stage="qualified")
    back = show.answered("support-1 works again", who="support-1", type=CLAIM, subject="lead/L-3")
    show.answered("its email arrives", who="support-1", subject="lead/L-3", type=EMAIL, kind="action_admitted")
    show.settle()
    show.check("resumed by the operator, support-1 works again", is_so=back.kind == "granted")


def _is_everywhere(show: Show, changed: Exchange) -> bool:
    """Is a change in force in every partition of the arbiter, and at the gate of support's lane?"""
    at_the_gate = show.watch.journals.gate_control.get("support", -1)
    return show.partitions_in_force(changed) == PARTITIONS and at_the_gate >= _control(changed)


def _email(show: Show, who: str, about: str) -> Exchange | None:
    return next((one for one in show.complete(type=EMAIL, who=who) if one.body.get("subject") == about), None)


def _lead_of_sales(of_support: str) -> str:
    """Each of the two holds one of the two leads."""
    return "lead/L-2" if of_support == "lead/L-1" else "lead/L-1"


def _token(granted: Exchange) -> int:
    return int((granted.answer or {})["token"])


def _control(changed: Exchange) -> int:
    return int((changed.answer or {})["control"])


def _place(exchange: Exchange) -> list[int]:
    """Where the decision stands in the log."""
    return [int(part) for part in str((exchange.answer or {})["decision"]).split(".")]
