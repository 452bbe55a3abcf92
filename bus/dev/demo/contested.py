"""The acts of the demo in which somebody else decides: a rule everybody knew, seats with a veto, and a person."""

from __future__ import annotations

from functools import partial
from typing import Any

from bus.dev.demo.company import PARTITIONS, PERSON, WINDOW_MS, lead_terms, windowed_lead_terms
from bus.dev.demo.show import Show
from bus.dev.demo.watch import Event, Exchange

CLAIM, EMAIL, CLOSE, ORDER = "bus.resource.claim.v1", "leads.email.send.v1", "deals.deal.close.v1", "orders.po.issue.v1"
VOTE, RULE, SET = "bus.contest.vote.v1", "bus.case.rule.v1", "bus.control.set.v1"
APPROVE, REJECT = "approve", "reject"
LEAD, DEAL, SUPPLIER = "lead/L-4", "deal/D-9", "supplier/S-7"
POSITIONS = 3
KEYS = {"a": APPROVE, "r": REJECT}
ASKED = "You are bob. Type a to approve, r to reject"
WHY = {APPROVE: "looked into, and in order", REJECT: "not on these terms"}


def the_window(show: Show) -> None:
    """Story 1 b: support is first, sales stands higher, and both know the rule before."""
    show.act(
        6,
        "Two claims, and a rule everybody knew",
        f"The steward changes the terms of leads: claims are collected for {WINDOW_MS} ms, then the order of roles "
        "decides, sales before support. Support is first to ask.",
    )
    show.steward.set(windowed_lead_terms())
    show.until("the new terms are in force everywhere", lambda: _is_set_everywhere(show))
    show.task("crm-1", "is asked to state that lead L-4 is qualified", "state_stage", lead="L-4", stage="qualified")
    show.until("the lead is qualified", lambda: show.complete(type="leads.lead.stage.v1", subject=LEAD))
    show.task("support-1", f"is asked to take {LEAD}", "claim", subject=LEAD)
    first = show.answered("support-1 competes", who="support-1", type=CLAIM, subject=LEAD)
    show.task("sales-1", f"is asked to take {LEAD} as well", "claim", subject=LEAD)
    second = show.answered("sales-1 competes", who="sales-1", type=CLAIM, subject=LEAD)
    granted = show.until("the window is over", lambda: _event(show, "granted", LEAD))
    lost = show.until("support-1 hears why not", lambda: _event(show, "denied", LEAD))
    show.answered("the winner's email arrives", who="sales-1", type=EMAIL, subject=LEAD, kind="action_admitted")
    show.settle()
    show.check(
        "both were in one contest; the terms' order decided it, not who was first",
        is_so=(first.kind, second.kind) == ("contest_opened", "joined")
        and (_who(granted), granted.body["by"]) == ("sales-1", "priority"),
    )
    show.check(
        "support-1 heard that it lost, by what and to whom; nobody wrote before that",
        is_so=(_who(lost), lost.body["reason"], lost.body["by"]) == ("support-1", "lost", "priority")
        and [(one.who, one.arrivals) for one in show.complete(type=EMAIL, subject=LEAD)] == [("sales-1", 1)],
    )
    show.note("the steward sets the former terms again: leads are for whoever comes first")
    show.steward.set(lead_terms())
    show.until("they are in force everywhere", lambda: _is_set_everywhere(show))


def the_deal(show: Show) -> None:
    """Story 2: three seats judge a deal, one has a veto, and a person has the last word."""
    show.act(
        7,
        "A deal of 2.4 million, and a veto",
        "deals-1 closes a deal at 38 % off, on terms of its own. Its contract asks pricing, compliance and risk; "
        "compliance may veto for reasons that the terms list. Then a person decides.",
    )
    show.task("deals-1", f"is asked to take {DEAL}", "take", subject=DEAL)
    show.answered("it is granted the deal", who="deals-1", type=CLAIM, subject=DEAL, kind="granted")
    show.task("deals-1", "is asked to close it", "close", subject=DEAL)
    closing = show.answered("the closing is held", who="deals-1", type=CLOSE, subject=DEAL)
    opened = show.until("the seats are asked", lambda: _event(show, "contest_opened", DEAL))
    own = {"subject": DEAL, "contest": opened.body["decision"]}
    show.task("deals-1", "is asked to put in a good word for itself", "vote_for_itself", **own)
    show.until("all three have said what they think", lambda: len(_ballots(show, DEAL)) >= POSITIONS)
    show.until("a case is there for people", lambda: _event(show, "frozen", DEAL))
    file = show.until("its file has what all of them said", lambda: _file(show, DEAL, POSITIONS))
    own_vote = show.until("its own word is answered", lambda: _votes(show, DEAL, "deals-1"))[0]
    ruling = _rule(show, DEAL)
    show.settle()
    show.check(
        "held before anybody could execute it; compliance's veto froze the deal, and risk's ballot is in the file, too",
        is_so=closing.kind == "action_held"
        and sorted(one["choice"] for one in file["ballots"]) == [APPROVE, REJECT, REJECT],
    )
    show.check("the one who wants it has no vote on it", is_so=own_vote.reason in ("not_a_seat", "late"))
    show.check(
        f"bob's word, {ruling}, was done: " + ("the deal is on topic deals" if ruling == APPROVE else "nothing left"),
        is_so=closing.arrivals == (1 if ruling == APPROVE else 0),
    )


def the_sanctions(show: Show) -> None:
    """Story 3: two orders, a name on a list, everything waits in its order."""
    show.act(
        8,
        "A name on a list",
        "procurement-1 orders twice from a supplier. Compliance finds the owner's name on a sanctions list. Both "
        "orders wait, one behind the other; who else wants the supplier waits, too.",
    )
    show.task("procurement-1", f"is asked to take {SUPPLIER}", "take_supplier", subject=SUPPLIER)
    show.answered("it is granted the supplier", who="procurement-1", type=CLAIM, subject=SUPPLIER, kind="granted")
    for number in ("PO-2026-00501", "PO-2026-00502"):
        show.task("procurement-1", f"is asked to order, {number}", "order", subject=SUPPLIER, number=number)
        show.answered(f"{number} is held", type=ORDER, who="procurement-1")
        show.until(f"{number} is there", partial(_order, show, number))
    show.until("the supplier is frozen", lambda: _event(show, "frozen", SUPPLIER))
    show.task("logistics-1", f"is asked to take {SUPPLIER}", "claim", subject=SUPPLIER)
    turned_away = show.answered("logistics-1 is turned away", who="logistics-1", type=CLAIM, subject=SUPPLIER)
    ruling = _rule(show, SUPPLIER)
    orders = [_order(show, number) for number in ("PO-2026-00501", "PO-2026-00502")]
    if ruling == APPROVE:
        show.until("both orders arrive", lambda: all(one is not None and one.arrivals for one in orders))
    show.settle()
    show.check("while it was frozen nobody else got in", is_so=turned_away.reason == "frozen")
    show.check(
        f"one word, {ruling}, decided both orders" + (", which left in their order" if ruling == APPROVE else ""),
        is_so=[one.arrivals for one in orders if one is not None] == [1 if ruling == APPROVE else 0] * len(orders),
    )


def _rule(show: Show, subject: str) -> str:
    """The viewer rules, or a person of the demo."""
    ruling = show.ask(f"{subject} is frozen. {ASKED}", KEYS, otherwise=REJECT)
    file = show.watch.cases[subject]
    show.note(f"bob looks at the case, and rules: {ruling}")
    body = {"case": file["case"], "rev": file["rev"], "ruling": ruling, "reason": WHY[ruling]}
    show.desk(PERSON, RULE, subject, body)
    show.until("the ruling is done", lambda: _event(show, "unfrozen", subject))
    return ruling


def _is_set_everywhere(show: Show) -> bool:
    changes = show.complete(type=SET, kind="control_set")
    return bool(changes) and show.partitions_in_force(changes[-1]) == PARTITIONS


def _event(show: Show, kind: str, subject: str) -> Event | None:
    found = [one for one in show.watch.events if one.kind == kind and one.body.get("subject") == subject]
    return found[-1] if found else None


def _file(show: Show, subject: str, ballots: int) -> dict[str, Any] | None:  # Any: JSON
    file = show.watch.cases.get(subject)
    return file if file and len(file["ballots"]) >= ballots else None


def _ballots(show: Show, subject: str) -> list[Exchange]:
    return show.complete(type=VOTE, subject=subject, kind="voted")


def _votes(show: Show, subject: str, who: str) -> list[Exchange]:
    return show.complete(type=VOTE, subject=subject, who=who)


def _order(show: Show, number: str) -> Exchange | None:
    return next((one for one in show.complete(type=ORDER) if one.body.get("po_number") == number), None)


def _who(event: Event) -> str:
    return str(event.body["agent"]).rpartition("/")[2]
