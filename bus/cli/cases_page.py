"""Shows one case on a page: what is to be decided, what speaks for what, and what each ruling will do."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bus.audit.case_files import CaseFile, choices, numbered_claims
from bus.audit.plain import lasting, listed, name_of, plainly, printable, shown
from bus.cli.cases_differ import group_sheet
from bus.cli.cases_said import cost_text, timed, told, value_text, why_text
from bus.cli.cases_who import Judges
from bus.cli.cases_word import typed, typed_short
from bus.cli.explain_text import until_text
from bus.cli.sheet import ALARM, GOOD, INDENT, MARK, NAME_MAX, QUIET, STRONG, Row, Sheet, fitted
from bus.cli.words import clock, zone
from bus.core.policy.contracts import JsonObject

DIFFERS, SAME = "≠", "="
ALIKE_SHOWN_MAX = 20  # of cases that are alike: more is for `cases ls --alike`, where nothing else is on the page
SPELLED_OUT_MAX = 3  # held actions whose fields are shown one a line; what is held behind them is alike as a rule
COSTS_MAX = 3  # and as many who name one: the rest is in the file
TALLIED_MAX = 4  # choices that are counted in the heading: the ballots stand below
RANKED_MAX = 4  # of a ranking: what comes behind that decides nothing a person looks at
CHOICE_MAX = 24  # a longer choice does not push the reasons of the others away
Names = Mapping[str, str]
WHY = {
    "ladder": "its ladder leaves it to a person",
    "veto": "a veto brought it here",
    "over_limit": "over the limit above which only a person decides",
    "wait": "somebody has waited for too long",
}
WITHOUT_RULING = {
    "nobody_ruled": "nobody ruled in time, and the terms end such a case without a ruling",
    "hold_expired": "nobody ruled for as long as the terms keep a held action, so it was refused",
    "nothing_left": "nothing was left to rule on",
}
VERDICT = {"approve": GOOD, "reject": "red"}


def page_of(
    file: CaseFile,
    *,
    alike: Sequence[CaseFile] = (),
    width: int,
    judges: Judges | None = None,
) -> Sheet:
    """The page; ``alike`` are the other open cases like it, ``judges`` None where it is not known who may rule.

    Of `ALIKE_SHOWN_MAX` of those that are alike it shows what differs.
    """
    sheet = Sheet(width)
    _head(sheet, file)
    _standing(sheet, file, len(alike))
    _judged(sheet, file, judges)
    _claims(sheet, file)
    _actions(sheet, file)
    _ballots(sheet, file)
    _offers(sheet, file)
    _policies(sheet, file)
    if file.is_open:
        group_sheet(sheet, [file, *alike[:ALIKE_SHOWN_MAX]], has_common=False)
    _rulings(sheet, file)
    _trail(sheet, file)
    if file.is_open:
        _next(sheet, file, len(alike), judges)
    return sheet


def state_text(file: CaseFile) -> str:
    """How far it is, in a word or two."""
    if file.is_open and file.is_overdue:
        return f"{file.state}, overdue"
    return file.state


def due_text(file: CaseFile) -> str:
    """When it goes up a tier, by the clock and from now."""
    if not file.is_open:
        return "–"
    if file.is_overdue:
        return "overdue"
    return f"{clock(file.due)} ({until_text(file.due)})" if file.due else "–"


def _head(sheet: Sheet, file: CaseFile) -> None:
    style = ALARM if file.is_open and file.is_overdue else MARK if file.is_open else QUIET
    title = f"{printable(file.subject)}  {file.kind}"
    state = f"  {state_text(file)}"
    sheet.line((title, STRONG), (state, style), (f"  case {file.case}, rev {file.rev}", QUIET))
    why = WHY.get(file.why, file.why.replace("_", " "))
    detail = plainly(why_text(file.why, file.detail), clock)
    is_told = detail and file.why != "over_limit"
    sheet.wrapped(detail if is_told else f"{why}: {detail}" if detail else why, indent=0)
    sheet.blank()


def _standing(sheet: Sheet, file: CaseFile, alike: int) -> None:
    body = file.body
    tier = f"tier {file.tier + 1}"
    due = f"{tier}, due {due_text(file)}" if not file.is_overdue else f"{tier}, overdue"
    sheet.labelled("queue", f"{file.queue or 'none'}, {due}" if file.is_open else file.queue or "none")
    if file.person and file.is_open:
        until = f" until {clock(file.reserved_until)} ({until_text(file.reserved_until)})"
        sheet.labelled("reserved", f"by {name_of(file.person)}{until if file.reserved_until else ''}", STRONG)
    sheet.labelled("closed", _closed(file))
    if file.frozen_since and file.is_open:
        now_ms = int(time.time() * 1000)
        since = lasting(max(0, now_ms - file.frozen_since))
        sheet.labelled("frozen", f"since {clock(file.frozen_since)} ({since})")
    if holder := _holder(file):
        still = "; its lease stands still" if file.is_open else ""
        sheet.labelled("holder", f"{name_of(holder)}, token {body['holder'].get('token')}{still}")
    sheet.labelled("question", _question(body))
    sheet.labelled("wait", _wait(body.get("waited")))
    for place, cost in enumerate(_costs(file)):
        sheet.labelled("" if place else "waiting", cost)
    facts = body.get("facts")
    if isinstance(facts, Mapping):
        sheet.labelled("facts", "; ".join(f"{name} is {shown(value)}" for name, value in sorted(facts.items())))
    if alike:
        more = f"; {alike - ALIKE_SHOWN_MAX:,} of them are not on this page" if alike > ALIKE_SHOWN_MAX else ""
        sheet.labelled("alike", f"{alike:,} more {'case is' if alike == 1 else 'cases are'} like this one{more}")
    if file.is_open:
        sheet.labelled("if nobody", timed(str(body.get("if_nothing") or "")))
    if body.get("redrawn_of"):
        text = (
            "part of what it quoted was gone when it was sent once more, so it is not the file that the bus decided on"
        )
        sheet.labelled("drawn anew", text, MARK)
    sheet.labelled("times", f"of this machine, {zone()}", QUIET)
    left_out = body.get("left_out")
    if isinstance(left_out, list):
        sheet.labelled(
            "left out", f"{'; '.join(map(str, left_out))}: it would not fit, and the trail leads to it", MARK
        )


def _judged(sheet: Sheet, file: CaseFile, judges: Judges | None) -> None:
    """Who may rule on an open case, and whether that is whoever asks."""
    if judges is None or not file.is_open:
        return
    sheet.labelled("may rule", judges.text, "" if judges.able else MARK)
    if judges.is_void:
        gone = f"{name_of(file.person)} may not rule on it any more, so the reservation counts for nothing"
        sheet.labelled("", gone, MARK)
    if judges.asker:
        may = f"may not rule on it: {judges.obstacle}" if judges.obstacle else "may reserve and rule on it"
        sheet.labelled("you", f"{name_of(judges.asker)} {may}", MARK if judges.obstacle else GOOD)


def _holder(file: CaseFile) -> str:
    holder = file.body.get("holder")
    return str(holder.get("agent") or "") if isinstance(holder, Mapping) else ""


def _closed(file: CaseFile) -> str:
    """By whom, how and why; "" of an open case."""
    if file.is_open:
        return ""
    body = file.body
    if file.state == "obsolete" or not body.get("ruling"):
        return f"{clock(file.at)}, {WITHOUT_RULING.get(str(body.get('ended')), 'without a ruling')}"
    candidate = str(body.get("candidate") or "")
    agents = {str(one.get("candidate")): name_of(str(one.get("agent"))) for one in file.part("claims")}
    what = f"{str(body['ruling']).replace('_', '-')} {agents.get(candidate, candidate)}".rstrip()
    why = f": {body['reason']}" if body.get("reason") else ""
    return f"{clock(file.at)} by {name_of(file.person)}, {what}{why}"


def _question(body: JsonObject) -> str:
    by = f" ({name_of(str(body['asked_by']))} asks)" if body.get("asked_by") else ""
    return f"{body['question']}{by}" if body.get("question") else ""


def _wait(waited: object) -> str:
    """Who waits for whom and why; "" if the case is about something else."""
    if not isinstance(waited, Mapping):
        return ""
    whom, until = str(waited.get("for") or ""), str(waited.get("until") or "")
    who = name_of(str(waited.get("agent") or ""))
    why = f": {waited['reason']}" if waited.get("reason") else ""
    return f"{who} waited for {name_of(whom) if '://' in whom else whom} until {timed(until)}{why}"


def _costs(file: CaseFile) -> Iterator[str]:
    """What waiting costs, and whose words that are where the bus itself does not know it; equal ones once."""
    found: dict[tuple[str, str], tuple[object, list[str]]] = {}
    for one in file.part("waiting_costs"):
        by = [name_of(str(one["of"]))] if one.get("of") else []
        value = one.get("value")
        found.setdefault((str(one.get("name")), repr(value)), (value, []))[1].extend(by)
    for place, ((name, _), (value, by)) in enumerate(found.items()):
        if place == COSTS_MAX:
            yield f"and {len(found) - COSTS_MAX} more"
            return
        more = f" and {len(by) - COSTS_MAX} more" if len(by) > COSTS_MAX else ""
        said = f"{', '.join(by[:COSTS_MAX])}{more}" if more else listed(by)
        yield f"{name} {cost_text(value)}" + (f", as {said} {'says' if len(by) == 1 else 'say'}" if by else "")


# ---- what speaks for what ---------------------------------------------------------------------------------------


def _claims(sheet: Sheet, file: CaseFile) -> None:
    claims = list(numbered_claims(file))
    if not claims:
        return
    fields = [told(claim) for _, claim in claims]
    heads = [_claim_head(file, number, claim) for number, claim in claims]
    labels = list(dict.fromkeys(label for one in fields for label in one))
    rows = [(label, tuple(one.get(label, "–") for one in fields)) for label in labels]
    differing = [Row(label, values, DIFFERS) for label, values in rows if len(claims) > 1 and len(set(values)) > 1]
    same = [(label, values[0]) for label, values in rows if len(claims) > 1 and len(set(values)) == 1]
    alone = [Row(label, values) for label, values in rows if len(claims) == 1]
    sheet.heading("Claims", "≠ is where they differ" if differing else "")
    known = file.body.get("facts")
    against = _against(known if isinstance(known, Mapping) else {}, [*differing, *alone])
    sheet.side_by_side(heads, [*differing, *alone])
    if same:
        texts = "; ".join(f"{label} {value}" for label, value in same)
        sheet.wrapped(texts, indent=INDENT + 2, opening=f"{' ' * INDENT}{SAME}", style=QUIET)
    for text in against:
        sheet.wrapped(text, indent=INDENT + 2, opening=f"{' ' * INDENT}!", style=MARK)


def _claim_head(file: CaseFile, number: int, claim: JsonObject) -> str:
    agent = str(claim.get("agent") or "")
    name = name_of(agent) + (", holds it" if agent and agent == _holder(file) else "")
    dropped = str(claim.get("dropped") or "")
    out = f" (out: {dropped})" if dropped else ""
    if not file.is_open:
        is_winner = file.body.get("candidate") not in (None, "") and file.body["candidate"] == claim.get("candidate")
        return f"{name}, awarded" if is_winner else f"{name}{out}"
    is_choice = any(one.candidate == claim.get("candidate") for one in choices(file))
    left = out or ("" if is_choice else " (cannot be awarded)")
    return f"{number} {name}{left}" if number else f"- {name}{left}"


def _against(facts: JsonObject, rows: Sequence[Row]) -> Iterator[str]:
    """Where a claim says something else than what the bus knows."""
    for row in rows:
        if row.label in facts and any(value not in ("–", value_text("", facts[row.label])) for value in row.values):
            yield f"the bus knows that {row.label} is {shown(facts[row.label])}"


def _actions(sheet: Sheet, file: CaseFile) -> None:
    actions = file.part("actions")
    if not actions:
        return
    several = f"{len(actions)}, in this order; one ruling is for all of them" if len(actions) > 1 else ""
    sheet.heading("Held actions", several)
    if file.is_open and file.body.get("moot"):
        said = "none of them can be done any more: the token they were sent under is over, so approving does nothing"
        sheet.wrapped(said, style=ALARM)
    for place, one in enumerate(actions, start=1):
        who = name_of(str(one.get("agent") or one.get("source") or ""))
        by = f" of {who}" if who != "somebody" else ""
        what = printable(str(one.get("type")))
        sheet.line(
            (f"{' ' * INDENT}{place:>2}  {what}{by}", ""), (f"  {one.get('decision')}", QUIET), indent=INDENT + 4
        )
        if one.get("became"):
            is_done = one["became"] == "admitted"
            ended = "it was done: the bus let it go" if is_done else f"it was NOT done ({one.get('refused_as')})"
            sheet.wrapped(ended, indent=INDENT + 4, style=GOOD if is_done else ALARM)
        fields = told(one)
        if place <= SPELLED_OUT_MAX:
            label = min(max((len(name) for name in fields), default=0), NAME_MAX)
            for name, value in fields.items():
                begin = f"{' ' * (INDENT + 4)}{fitted(name, label)}"
                sheet.wrapped(value, indent=INDENT + 4 + label + INDENT, opening=begin)
        else:
            text = "; ".join(f"{name} {value}" for name, value in fields.items())
            sheet.wrapped(text, indent=INDENT + 4, style=QUIET)


def _ballots(sheet: Sheet, file: CaseFile) -> None:
    ballots = file.part("ballots")
    silent = _silent(file)
    if not ballots and not silent:
        return
    names = _names(file)
    sheet.heading("Ballots")
    sheet.wrapped(_tally(names, ballots, len(silent)), style=QUIET)
    seat = max(len(one) for one in (*(str(one.get("seat")) for one in ballots), *silent))
    choice = min(max((len(_chosen(names, one)) for one in ballots), default=0), CHOICE_MAX)
    for one in ballots:
        chosen, confidence = _chosen(names, one), one.get("confidence")
        sure = f", {confidence // 100} % sure" if isinstance(confidence, int) else ""
        veto = "veto, " if one.get("veto") else ""
        who = name_of(str(one.get("agent") or ""))
        by = "" if who == one.get("seat") else f"  ({who})"
        begin = f"{' ' * INDENT}{printable(str(one.get('seat'))):<{seat}}  "
        style = ALARM if veto else VERDICT.get(str(one.get("choice")), "")
        said = f"  {veto}{printable(str(one.get('reason') or 'no reason'))}{sure}{by}"
        sheet.line((begin, ""), (f"{chosen:<{choice}}", style), (said, ""), indent=min(len(begin), sheet.width // 2))
        if one.get("reasoning"):
            sheet.wrapped(f"“{one['reasoning']}”", indent=min(len(begin), sheet.width // 2))
    for name in silent:
        opening = f"{' ' * INDENT}{printable(name):<{seat}}  "
        sheet.wrapped("did not vote", indent=len(opening), opening=opening, style=QUIET)


def _silent(file: CaseFile) -> list[str]:
    """The seats with a vote that have no ballot."""
    found = file.body.get("silent_seats")
    return [str(seat) for seat in found] if isinstance(found, list) else []


def _tally(names: Names, ballots: Sequence[JsonObject], silent: int) -> str:
    """How many seats said what; what their ballots weigh the terms say."""
    if not ballots:
        return "nobody voted"
    said = Counter("a list" if isinstance(one.get("choice"), list) else _chosen(names, one) for one in ballots)
    counts = [f"{count} for {what}" for what, count in said.most_common(TALLIED_MAX)]
    more = [f"{len(said) - TALLIED_MAX} other choices"] if len(said) > TALLIED_MAX else []
    return ", ".join([*counts, *more, *([f"{silent} silent"] if silent else [])])


def _chosen(names: Names, ballot: JsonObject) -> str:
    """A ballot's choice, candidates by their numbers and names; of a long ranking its beginning."""
    given = ballot.get("choice")
    ranked = list(map(str, given)) if isinstance(given, list) else [str(given)]
    told = " > ".join(names.get(one, one) for one in ranked[:RANKED_MAX])
    return printable(f"{told} and {len(ranked) - RANKED_MAX} more" if len(ranked) > RANKED_MAX else told)


def _names(file: CaseFile) -> Names:
    """How candidates are called: by number and name."""
    found = [
        (str(one.get("candidate")), number, name_of(str(one.get("agent")))) for number, one in numbered_claims(file)
    ]
    return {candidate: f"{number} {name}" for candidate, number, name in found}


def _offers(sheet: Sheet, file: CaseFile) -> None:
    offers = file.part("offers")
    if not offers:
        return
    sheet.heading("Offers")
    names = _names(file)
    for one in offers:
        said = {"accept": "accepts", "quit": "quits", "left": "left"}.get(str(one.get("move")), "offers")
        outcome = f" {names.get(str(one['outcome']), one['outcome'])}" if one.get("outcome") else ""
        outcome += f": “{one['reasoning']}”" if one.get("reasoning") else ""
        opening = f"{' ' * INDENT}{one.get('turn', ''):>2}"
        sheet.wrapped(f"{name_of(str(one.get('agent') or ''))} {said}{outcome}", indent=INDENT + 4, opening=opening)


def _policies(sheet: Sheet, file: CaseFile) -> None:
    policies = file.part("policies")
    if policies:
        sheet.heading("Policies")
    for one in policies:
        sheet.wrapped("; ".join(f"{name} {value_text(name, value)}" for name, value in one.items()))


# ---- what can be done ------------------------------------------------------------------------------------------


def _rulings(sheet: Sheet, file: CaseFile) -> None:
    found = choices(file)
    if not found or not file.is_open:
        return
    sheet.heading("Rulings", "what each one does")
    for one in found:
        mark = (("  cannot be undone", ALARM),) if one.is_irreversible else ()
        sheet.line((f"{' ' * INDENT}{printable(typed(one))}", STRONG), *mark, indent=INDENT)
        for effect in one.effects:
            sheet.wrapped(timed(effect), indent=INDENT + 4, opening=f"{' ' * (INDENT + 2)}·")


def _trail(sheet: Sheet, file: CaseFile) -> None:
    trail = file.body.get("trail")
    if isinstance(trail, list) and trail:
        sheet.heading("Trail", "agentbus explain tells of each")
        sheet.wrapped("  ".join(map(str, trail)), style=QUIET)


def _next(sheet: Sheet, file: CaseFile, alike: int, judges: Judges | None) -> None:
    """What to type; nothing for somebody who may not."""
    found = choices(file)
    if not found or (judges and judges.obstacle):
        return
    who = f" --as {name_of(judges.asker)}" if judges and judges.asker else ""
    sheet.heading("To rule", f"--alike rules all {alike + 1} that are alike and were shown to you" if alike else "")
    sheet.wrapped(f"agentbus cases rule {file.case} {typed_short(found[0])} --reason '…'{who}")
