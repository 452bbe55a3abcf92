"""Says in plain words what the bus answered: one line for each event, for people at a terminal."""

import json
from datetime import UTC, datetime

from bus.core.contracts import JsonObject

ENDED = {
    "released": "gave {subject} back",
    "expired": "no longer holds {subject}: the lease ran out",
    "revoked": "no longer holds {subject}: an operator took it away, or suspended the agent",
}


def in_words(event: JsonObject) -> str:
    """The event in a line; what this version does not know is shown as it came."""
    try:
        return _in_words(event)
    except KeyError:  # of another version: a field is missing
        return _as_it_came(event)


def _in_words(event: JsonObject) -> str:
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
            return f"ended: {agent} {ENDED.get(str(said['reason']), str(said['reason'])).format(subject=subject)}" + (
                f"; until {clock(said['handover']['until'])} only {name_of(said['handover']['agent'])} may claim it"
                if "handover" in said
                else ""
            )
        case "denied":
            return f"denied: {agent} does not get {subject} ({said['reason']}){_retry(said)}"
        case "refused" | "action_refused":
            return _refused(said, agent, subject)
        case _:
            return _other(said, agent, subject)


def _other(said: JsonObject, agent: str, subject: str) -> str:
    match said["kind"]:
        case "duplicate":
            return f"duplicate: {said['type']} of {agent} had this id before and was decided as {said['of']}"
        case "action_admitted":
            about = f" on {subject}" if subject else ""
            return f"admitted: {said['type']} of {agent}{about} went out to topic {said['topic']}"
        case "fact":
            return f"fact: {said['name']} of {subject} is {json.dumps(said['value'])}"
        case "reported":
            return f"reported: {agent} says that action {said['action']} is {said['result']}"
        case "agent_status":
            return f"{said['status']}: {selected(said['select'])}"
        case "control_set":
            verb = "is no longer set" if said.get("value") is None else "is set"
            return f"control {said['control']}: {said['kind_of']} {said['name']} {verb}, revision {said['rev']}"
        case _:
            return _as_it_came(said)


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
    """An epoch time in milliseconds as the clock on this wall shows it."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone():%H:%M:%S}"


def selected(select: JsonObject) -> str:
    """Whom a suspension is for."""
    if "agent" in select:
        return f"agent {name_of(str(select['agent']))}"
    return f"everybody with role {select['role']}" if "role" in select else "all agents"


def _refused(said: JsonObject, agent: str, subject: str) -> str:
    text = f"refused: {said['type'] or 'a message'} of {agent}"
    text += f" on {subject}" if subject else ""
    text += f" ({said['reason']})"
    detail = str(said.get("detail", ""))
    if "current" in said and not detail:
        text += f", token {said.get('token', 'none')} against {said['current'] or 'none: it is free'}"
    return (f"{text}: {detail}" if detail else text) + _retry(said)


def _retry(said: JsonObject) -> str:
    after = said.get("retry_after")
    return f"; try again after {clock(after)}" if after else ""
