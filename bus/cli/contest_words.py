"""Says in plain words what happened in a contest, a case or a wait: one line for each event, for people."""

import re
from collections.abc import Callable, Mapping

from bus.audit.plain import listed, name_of
from bus.core.policy.contracts import JsonObject

Clock = Callable[[int], str]
Names = Mapping[str, str]
CANDIDATE_ID = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
NAMED_MAX = 6  # seats or options in a line; the story of the contest has all of them

BY = {
    "uncontested": "as the only candidate left",
    "first_come": "as the first claim",
    "priority": "by priority",
    "vote": "by vote",
    "negotiate": "by negotiation",
    "ruling": "by the ruling of a person",
    "veto": "by a veto",
    "deny": "at the end of its ladder",
}
RUNGS = {
    "vote": "the seats vote on {subject} until {until}",
    "negotiate": "the parties negotiate over {subject} until {until} at the latest",
    "human": "a person decides on {subject}",
}
WAITS_END = {
    "resumed": "it goes on",
    "expired": "the time is up, and a person decides",
    "released": "what it held was given back",
    "revoked": "an operator took away what it held",
    "superseded": "another agent has what it held",
    "ruled": "a person gave what it held to another agent",
    "suspended": "its agent is suspended",
}
CASES_WHY = {
    "ladder": "its ladder leaves it to a person",
    "veto": "a veto asked for it",
    "over_limit": "it costs more than the terms let pass without a person",
    "wait": "a wait took too long",
}


def contest_in_words(said: JsonObject, clock: Clock, names: Names) -> str:
    """The event in a line, "" if it is none of a contest, a case or a wait; raises KeyError if a field is missing.

    ``names`` says whom a candidate's id stands for; one that it does not have is shown as it is.
    """
    agent, subject = name_of(str(said.get("agent", ""))), str(said.get("subject", ""))
    match said["kind"]:
        case "contest_opened":
            return f"contest: {_opened(said, subject, clock)}"
        case "joined":
            by = f" with claim {said['claim']}" if said["claim"] else ""
            return f"joined: {agent} is a candidate for {subject}{by}"
        case "withdrawn":
            return f"withdrawn: {agent} takes claim {said['claim']} on {subject} back"
        case "rung":
            text = RUNGS.get(str(said["rung"]), f"{said['rung']} decides on {{subject}} until {{until}}")
            return f"rung: {text.format(subject=subject, until=clock(said['deadline']))}"
        case "turn":
            return f"turn {said['turn']}: {_turn(said, subject, clock, names)}"
        case "voted":
            return f"voted: {agent} of seat {name_of(said['seat'])} on {subject}{_choice(said, names)}"
        case "offered":
            return f"offered: {agent} {_move(said, names)} in turn {said['turn']} over {subject}"
        case "settled":
            return f"settled: {_settled(said, subject, names)}"
        case _:
            return (
                _of_action(said, agent, subject, clock)
                or _of_case(said, subject, clock, names)
                or _of_wait(said, clock)
            )


def _of_action(said: JsonObject, agent: str, subject: str, clock: Clock) -> str:
    match said["kind"]:
        case "action_held":
            by = (
                "seats vote on it"
                if "contest" in said
                else "a person decides"
                if "case" in said
                else "others are first"
            )
            return f"held: {said['type']} of {agent} on {subject} waits until {clock(said['until'])} at most; {by}"
        case "action_refused":
            why = f"({said['reason']}){ruled_text(said)}"
            return f"refused: the action of {agent} on {subject} held as {said['held']} is not done {why}"
        case _:
            return ""


def _of_case(said: JsonObject, subject: str, clock: Clock, names: Names) -> str:
    match said["kind"]:
        case "frozen":
            return (
                f"frozen: nobody else gets {subject}, and actions are held, until a person rules on case {said['case']}"
            )
        case "unfrozen":
            kept = f"; its holder has it until {clock(said['until'])}" if "until" in said else ""
            return f"unfrozen: {subject} moves again, case {said['case']} is over{kept}"
        case "case_opened":
            return f"case: {_case_opened(said, subject, clock)}"
        case "case_changed":
            return f"case: {said['case']} on {subject} is {said['state']}{_case_changed(said, clock)}"
        case "case_closed":
            return f"case: {_case_closed(said, subject, names)}"
        case _:
            return ""


def _of_wait(said: JsonObject, clock: Clock) -> str:
    subject = str(said.get("subject", ""))
    match said["kind"]:
        case "waiting":
            whom = str(said["for"]) if "/agent/" not in str(said["for"]) else name_of(str(said["for"]))
            until = clock(said["until"])
            return f"waiting: {name_of(said['agent'])} with {subject} waits for {whom} until {until} at most"
        case "wait_ended":
            ended = WAITS_END.get(str(said["reason"]), str(said["reason"]))
            return f"wait over: {said['wait']} on {subject}, {ended}"
        case _:
            return ""


def _opened(said: JsonObject, subject: str, clock: Clock) -> str:
    until, bound = clock(said["deadline"]), clock(said["bound"])
    ends = f"until {until}" if until == bound else f"until {until}; a winner or a case by {bound} at the latest"
    seats = few([name_of(str(seat)) for seat, _ in said["seats"]])
    match said["over"]:
        case "claims":
            return f"claims on {subject} are collected {ends}"
        case "review":
            return f"seats {seats} vote on the action held on {subject} {ends}"
        case _:
            return f"seats {seats} choose for {subject} among {few(said['candidates'])} {ends}"


def ruled_text(said: JsonObject) -> str:
    """Which person ruled so, and the reason, where the answer says so; only whom it concerns is told."""
    if not said.get("ruled_by"):
        return ""
    reason = " ".join(str(said.get("ruling_reason", "")).split())
    return f"; {name_of(str(said['ruled_by']))} ruled so" + (f": “{reason}”" if reason else "")


def candidate(identifier: str, names: Names) -> str:
    """A candidate by its name, else by its id."""
    return names.get(identifier) or f"candidate {identifier}"


def few(names: list[str]) -> str:
    """So many names as a line holds, and how many there are beyond."""
    shown = [*names[:NAMED_MAX], f"{len(names) - NAMED_MAX} more"] if len(names) > NAMED_MAX else names
    return listed(shown)


def _turn(said: JsonObject, subject: str, clock: Clock, names: Names) -> str:
    standing = str(said.get("standing", ""))
    stands = f"; {names.get(standing, standing)} stands" if standing else ""
    return f"{name_of(said['party'])} speaks over {subject} until {clock(said['deadline'])}{stands}"


def _choice(said: JsonObject, names: Names) -> str:
    """What was chosen, where it may be seen: in the journal, and in public after the close."""
    if "choice" not in said:
        return ", sealed until the close"
    return f": {_chosen(said['choice'], names)}, because {said['reason']}"


def _chosen(choice: str | list[str], names: Names) -> str:
    """A ballot's choice: one name, or several, best first."""
    chosen = [choice] if isinstance(choice, str) else choice
    return ", then ".join(names.get(name, name) for name in chosen) or "abstain"


def _move(said: JsonObject, names: Names) -> str:
    outcome = str(said.get("outcome", ""))
    if said.get("move") == "quit":
        return "quits"
    if said.get("move") == "accept":
        return f"accepts {names.get(outcome, outcome) or 'what stands'}"
    return f"offers {names.get(outcome, outcome)}" if outcome else "speaks"


def _settled(said: JsonObject, subject: str, names: Names) -> str:
    winner, by = str(said["winner"]), BY.get(str(said["by"]), str(said["by"]))
    if said.get("by") == "veto" and said.get("outcome"):
        by = f"{by} because {said['outcome']}"
    counted = ", ".join(f"{names.get(name, name)} {count}" for name, count in dict(said.get("tally", {})).items())
    how = f"{f' {by}' if by else ''}{f' ({counted})' if counted else ''}{ruled_text(said)}"
    match winner:
        case "none":
            return f"nobody wins {subject}{how}"
        case "approve" | "reject":
            return f"the action held on {subject} is {'approved' if winner == 'approve' else 'rejected'}{how}"
        case _ if CANDIDATE_ID.fullmatch(winner):
            return f"{candidate(winner, names)} wins {subject}{how}"
        case _:
            return f"{winner} is chosen for {subject}{how}"


def _case_opened(said: JsonObject, subject: str, clock: Clock) -> str:
    if "why" not in said:
        return f"{said['case']} on {subject} is opened for a person"
    due = f", due at {clock(said['due'])}" if said.get("due") else ""
    queue = f" of queue {said['queue']}" if said.get("queue") else ""
    return f"a person{queue} decides on {subject}{due}: {CASES_WHY.get(str(said['why']), said['why'])}"


def _case_changed(said: JsonObject, clock: Clock) -> str:
    person = f" by {name_of(said['person'])} until {clock(said['reserved_until'])}" if said.get("person") else ""
    edition = f", revision {said['rev']}, edition {said['file_n']} of its file" if "rev" in said else ""
    overdue = ", overdue" if said.get("overdue") else ""
    return f"{person}{overdue}{edition}"


def _case_closed(said: JsonObject, subject: str, names: Names) -> str:
    if said["state"] == "obsolete":
        return f"{said['case']} on {subject} is obsolete: it ended without a ruling"
    if "ruling" not in said:
        return f"{said['case']} on {subject} is closed by a ruling"
    to = f" to {candidate(str(said['candidate']), names)}" if said.get("candidate") else ""
    return f"{name_of(said['person'])} rules {said['ruling']}{to} on {subject}"
