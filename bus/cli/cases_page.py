"""Shows one case on a page: what is to be decided, what speaks for what, and what each ruling will do."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence

from bus.audit.case_files import CaseFile, Choice, choices, numbered_claims
from bus.audit.plain import lasting, listed, name_of, plainly, printable, shown
from bus.cli.explain_text import until_text
from bus.cli.sheet import ALARM, GOOD, INDENT, MARK, QUIET, STRONG, Row, Sheet
from bus.cli.words import clock
from bus.core.policy.contracts import JsonObject

DIFFERS, SAME = "≠", "="
# Of a claim: what names it, and does not speak for or against it.
NAMES = frozenset(
    {*("candidate", "decision", "claim", "agent", "dropped", "type", "token", "until"), *("became", "refused_as")}
)
# Where the whole of it stands, which the trail leads to as well.
PLACES = frozenset({"src", "hash", "size", "excerpt", "excerpt_base64", "content_type", "missing"})
SPELLED_OUT_MAX = 3  # held actions whose fields are shown one a line; what is held behind them is alike as a rule
COSTS_MAX = 3  # and as many who name one: the rest is in the file
RANKED_MAX = 4  # of a ranking: what comes behind that decides nothing a person looks at
CHOICE_MAX = 24  # a longer choice does not push the reasons of the others away
TIME_KEYS = ("_at", "_until", "at", "until", "by", "due", "deadline")
TIME = re.compile(r"\b1[0-9]{12}\b")
TEN_YEARS_MS = 10 * 365 * 86_400_000
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


def page_of(file: CaseFile, *, alike: int, width: int, is_deciding: bool = True) -> Sheet:
    """The page; ``alike`` counts the other open cases like it."""
    sheet = Sheet(width)
    _head(sheet, file)
    _standing(sheet, file, alike)
    _claims(sheet, file)
    _actions(sheet, file)
    _ballots(sheet, file)
    _offers(sheet, file)
    _policies(sheet, file)
    _rulings(sheet, file)
    _trail(sheet, file)
    if is_deciding and file.is_open:
        _next(sheet, file, alike)
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


def timed(text: str) -> str:
    """The text with its epoch times as the clock on this wall shows them."""
    now_ms = int(time.time() * 1000)

    def told(found: re.Match[str]) -> str:
        at = int(found[0])
        return clock(at) if abs(at - now_ms) < TEN_YEARS_MS else found[0]

    return TIME.sub(told, text)


def _head(sheet: Sheet, file: CaseFile) -> None:
    style = ALARM if file.is_open and file.is_overdue else MARK if file.is_open else QUIET
    title = f"{printable(file.subject)}  {file.kind}"
    state = f"  {state_text(file)}"
    sheet.line((title, STRONG), (state, style), (f"  case {file.case}, rev {file.rev}", QUIET))
    why = WHY.get(file.why, file.why.replace("_", " "))
    is_told = file.detail and file.why != "over_limit"
    detail = plainly(file.detail, clock)
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
        sheet.labelled("alike", f"{alike} more {'case is' if alike == 1 else 'cases are'} like this one")
    if file.is_open:
        sheet.labelled("if nobody", timed(str(body.get("if_nothing") or "")))
    left_out = body.get("left_out")
    if isinstance(left_out, list):
        sheet.labelled(
            "left out", f"{'; '.join(map(str, left_out))}: it would not fit, and the trail leads to it", MARK
        )


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
        yield f"{name} {_cost(value)}" + (f", as {said} {'says' if len(by) == 1 else 'say'}" if by else "")


def _cost(value: object) -> str:
    is_time = isinstance(value, int) and TIME.fullmatch(str(value)) and timed(str(value)) != str(value)
    return f"{clock(value)} ({until_text(value)})" if is_time and isinstance(value, int) else shown(value)


# ---- what speaks for what ---------------------------------------------------------------------------------------


def _claims(sheet: Sheet, file: CaseFile) -> None:
    claims = list(numbered_claims(file))
    if not claims:
        return
    told = [_told(claim) for _, claim in claims]
    heads = [_claim_head(file, number, claim) for number, claim in claims]
    labels = list(dict.fromkeys(label for one in told for label in one))
    rows = [(label, tuple(one.get(label, "–") for one in told)) for label in labels]
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
    left = out or ("" if number else " (cannot be awarded)")
    return f"{number} {name}{left}" if number else f"- {name}{left}"


def _told(claim: JsonObject) -> dict[str, str]:
    """What a claim says, field by field; what its excerpt is too long to show whole is shown as it came."""
    excerpt = str(claim.get("excerpt") or "")
    hidden = NAMES | PLACES
    fields = {name: value for name, value in claim.items() if name not in hidden and value not in (None, "", [], {})}
    if claim.get("missing"):
        fields["said"] = str(claim["missing"])
    elif claim.get("excerpt_base64"):
        fields["said"] = f"{claim.get('content_type')} of {claim.get('size')} bytes, which only its schema can read"
    try:
        said = json.loads(excerpt) if excerpt else {}
    except ValueError:
        said = {"said": excerpt}
    fields |= said if isinstance(said, dict) else {"said": said}
    return {name: _value(name, value) for name, value in fields.items()}


def _value(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        is_time = name.endswith(TIME_KEYS) and TIME.fullmatch(str(value))
        return clock(value) if is_time else str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(_value("", one) for one in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_value(str(key), one)}" for key, one in value.items())
    return shown(value)


def _against(facts: JsonObject, rows: Sequence[Row]) -> Iterator[str]:
    """Where a claim says something else than what the bus knows."""
    for row in rows:
        if row.label in facts and any(value not in ("–", _value("", facts[row.label])) for value in row.values):
            yield f"the bus knows that {row.label} is {shown(facts[row.label])}"


def _actions(sheet: Sheet, file: CaseFile) -> None:
    actions = file.part("actions")
    if not actions:
        return
    sheet.heading("Held actions", f"{len(actions)}, in this order" if len(actions) > 1 else "")
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
        told = _told(one)
        if place <= SPELLED_OUT_MAX:
            label = max((len(name) for name in told), default=0) + INDENT
            for name, value in told.items():
                begin = f"{' ' * (INDENT + 4)}{name}"
                sheet.wrapped(value, indent=INDENT + 4 + label, opening=begin)
        else:
            sheet.wrapped("; ".join(f"{name} {value}" for name, value in told.items()), indent=INDENT + 4, style=QUIET)


def _ballots(sheet: Sheet, file: CaseFile) -> None:
    ballots = file.part("ballots")
    if not ballots:
        return
    sheet.heading("Ballots")
    names = _names(file)
    seat = max(len(str(one.get("seat"))) for one in ballots)
    choice = min(max(len(_chosen(names, one)) for one in ballots), CHOICE_MAX)
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


def _chosen(names: Names, ballot: JsonObject) -> str:
    """A ballot's choice, candidates by their numbers and names; of a long ranking its beginning."""
    given = ballot.get("choice")
    ranked = list(map(str, given)) if isinstance(given, list) else [str(given)]
    told = " > ".join(names.get(one, one) for one in ranked[:RANKED_MAX])
    return printable(f"{told} and {len(ranked) - RANKED_MAX} more" if len(ranked) > RANKED_MAX else told)


def _names(file: CaseFile) -> Names:
    """How candidates are called: by number and name, those that are out by name."""
    found = [
        (str(one.get("candidate")), number, name_of(str(one.get("agent")))) for number, one in numbered_claims(file)
    ]
    return {candidate: f"{number} {name}" if number else name for candidate, number, name in found}


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
        sheet.wrapped("; ".join(f"{name} {_value(name, value)}" for name, value in one.items()))


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


def typed(choice: Choice) -> str:
    """A choice as it is shown, and as it is typed up to the name after the number."""
    return choice.label.replace("_", "-", 1) if not choice.number else choice.label


def _trail(sheet: Sheet, file: CaseFile) -> None:
    trail = file.body.get("trail")
    if isinstance(trail, list) and trail:
        sheet.heading("Trail", "agentbus explain tells of each")
        sheet.wrapped("  ".join(map(str, trail)), style=QUIET)


def _next(sheet: Sheet, file: CaseFile, alike: int) -> None:
    found = choices(file)
    if not found:
        return
    first = found[0]
    what = f"award {first.number}" if first.number else first.ruling.replace("_", "-")
    sheet.heading("To rule", f"--alike rules all {alike + 1} that are alike, one by one" if alike else "")
    sheet.wrapped(f"agentbus cases rule {file.case} {what} --reason '…'")
