"""Says in plain words what the bus answered: one line for each event, for people at a terminal."""

import json
from datetime import UTC, datetime

from bus.audit.plain import plainly, printable
from bus.cli.contest_words import BY, Names, candidate, contest_in_words, ruled_text
from bus.core.decision.wants import wants_from_json, wants_in_words
from bus.core.policy.contracts import JsonObject

ENDED = {
    "released": "gave {subject} back",
    "expired": "no longer holds {subject}: the lease ran out",
    "revoked": "no longer holds {subject}: an operator took it away, or suspended the agent",
    "superseded": "no longer holds {subject}: another agent won it",
    "ruled": "no longer holds {subject}: a person gave it to another agent",
}


def in_words(event: JsonObject, names: Names | None = None) -> str:
    """The event in a line; what this version does not know is shown as it came. ``names``: whom a candidate's id is."""
    try:
        return printable(_in_words(event, names or {}))
    except KeyError:  # of another version: a field is missing
        return printable(_as_it_came(event))


def _in_words(event: JsonObject, names: Names) -> str:
    said = {"subject": "", "agent": "", **event}
    agent, subject = name_of(str(said["agent"])), str(said["subject"])
    match said["kind"]:
        case "granted":
            return f"granted: {agent} holds {subject} until {clock(said['until'])}, token {said['token']}"
        case "confirmed":
            return f"confirmed: {agent} still holds {subject} until {clock(said['until'])}, token {said['token']}"
        case "renewed":
            return f"renewed: {agent} holds {subject} until {clock(said['until'])}, token {said['token']}"
        case "ended":
            return f"ended: {agent} {_how_it_ended(said).format(subject=subject)}{ruled_text(said)}" + (
                f"; until {clock(said['handover']['until'])} only {name_of(said['handover']['agent'])} may claim it"
                if "handover" in said
                else ""
            )
        case "denied":
            why = f"({said['reason']}){_lost(said, names)}{_wanted(said)}{ruled_text(said)}{_retry(said)}"
            return f"denied: {agent} does not get {subject} {why}"
        case "refused":
            return _refused(said, agent, subject)
        case _:
            return _other(said, agent, subject, names)


def _how_it_ended(said: JsonObject) -> str:
    if said["reason"] == "revoked" and "cause" in said:
        if said["cause"]:
            return f"no longer holds {{subject}}: it was suspended by {said['cause']}"
        return "no longer holds {subject}: an operator took it away"
    return ENDED.get(str(said["reason"]), str(said["reason"]))


def _other(said: JsonObject, agent: str, subject: str, names: Names) -> str:
    about = f" on {subject}" if subject else ""
    match said["kind"]:
        case "duplicate":
            return f"duplicate: {_what(said)} of {agent} had this id before and was decided as {said['of']}"
        case "action_admitted":
            goes = f"went out to topic {said['topic']}" if said["topic"] else "may be done"
            return f"admitted: {said['type']} of {agent}{about} {goes}{ruled_text(said)}"
        case "fact":
            return f"fact: {said['name']} of {subject} is {json.dumps(said['value'], ensure_ascii=False)}"
        case "reported":
            return f"reported: {agent} says that action {said['action']} is {said['result']}"
        case "agent_status":
            return f"{said['status']}: {selected(said['select'])}"
        case "control_set":
            verb = "is no longer set" if said.get("value") is None else "is set"
            name = name_of(str(said["name"]))
            return f"control {said['control']}: {said['kind_of']} {name} {verb}, revision {said['rev']}"
        case "forwarded" | "applied" | "repeat" | "tick":
            return _without_event(said, agent, about)
        case _:
            return contest_in_words(said, clock, names) or _as_it_came(said)


def _without_event(said: JsonObject, agent: str, about: str) -> str:
    """What a journal has that changed nothing: it has no event, so no answer says it either."""
    match said["kind"]:
        case "forwarded":
            return f"passed the gate: {_what(said)} of {agent}{about}"
        case "applied":
            return f"passed: {_what(said)} of {agent}; it changes nothing"
        case "repeat":
            return "repeat: it was there before, or came from no lane; no effect"
        case _:
            return "tick: nothing was due"


def _what(said: JsonObject) -> str:
    """A message by its type, else by its id, else as a message."""
    return str(said.get("type") or (f"message {said['id']}" if said.get("id") else "a message"))


def _as_it_came(event: JsonObject) -> str:
    rest = {name: value for name, value in event.items() if name not in ("kind", "n", "to") and value != ""}
    return f"{event.get('kind', 'event')}: {json.dumps(rest, sort_keys=True)}"


def violation_lines(event: JsonObject) -> list[str]:
    """Everything that is wrong, a line each: where, what, and what to do about it."""
    lines = []
    for one in event.get("violations", ()):
        if one["keyword"] == "more":
            lines.append("and more of the same")
            continue
        hint = f"; {one['hint']}" if one.get("hint") else ""
        lines.append(f"{one['path'] or '/'}  {one['message'] or one['keyword']}{hint}")
    return lines


def name_of(identifier: str) -> str:
    """The short name of an agent or person; "somebody" if the bus does not know who it was."""
    return identifier.rpartition("/")[2] or "somebody"


def clock(at_ms: int) -> str:
    """An epoch time in milliseconds as the clock on this wall shows it; another day with its date."""
    return f"{_day(at_ms)}{_local(at_ms):%H:%M:%S}"


def exact_clock(at_ms: int) -> str:
    """The same to the millisecond, where it matters what came first."""
    return f"{clock(at_ms)}.{at_ms % 1000:03d}"


def full_clock(at_ms: int) -> str:
    """The same with its date and how far this wall's clock is from UTC, for whoever compares it with other clocks."""
    return _local(at_ms).isoformat(sep=" ", timespec="milliseconds")


def dated_clock(at_ms: int) -> str:
    """The same to the second, for lines that are kept and read elsewhere."""
    return _local(at_ms).isoformat(sep=" ", timespec="seconds")


def zone() -> str:
    """How far this wall's clock is from UTC now: ``UTC``, ``UTC+02:00``."""
    offset = datetime.now(UTC).astimezone().isoformat(timespec="seconds")[-6:]
    return "UTC" if offset == "+00:00" else f"UTC{offset}"


def selected(select: JsonObject) -> str:
    """Whom a suspension is for."""
    if "agent" in select:
        return f"agent {name_of(str(select['agent']))}"
    return f"everybody with role {select['role']}" if "role" in select else "all agents"


def _day(at_ms: int) -> str:
    day = _local(at_ms)
    return "" if day.date() == datetime.now(UTC).astimezone().date() else f"{day:%Y-%m-%d} "


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()


def _refused(said: JsonObject, agent: str, subject: str) -> str:
    text = f"refused: {_what(said)} of {agent}"
    text += f" on {subject}" if subject else ""
    text += f" ({said['reason']})"
    detail = plainly(str(said.get("detail", "")), clock)
    if "current" in said and not detail:
        text += f", token {said.get('token', 'none')} against {said['current'] or 'none: it is free'}"
    return (f"{text}: {detail}" if detail else text) + _retry(said)


def _lost(said: JsonObject, names: Names) -> str:
    """To whom, and by what."""
    if "winner" not in said:
        return ""
    return f" to {candidate(str(said['winner']), names)} {BY.get(str(said.get('by')), said.get('by', ''))}"


def _wanted(said: JsonObject) -> str:
    """What the claim lacked, if the bus named it: denials of older engines do not."""
    wants = wants_from_json(said.get("wants"))
    return "" if wants is None else f": {wants_in_words(wants)}"


def _retry(said: JsonObject) -> str:
    after = said.get("retry_after")
    return f"; try again after {clock(after)}" if after else ""
