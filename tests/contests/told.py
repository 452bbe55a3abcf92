"""An entry in the words of a script: what a product owner reads behind the arrow."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.contests.cast import START_MS
from tests.contests.oracle.log import Json

# Scripts play in generation 1 on partition 0: every decision id begins with these two.
PREFIX = "1.0"


@dataclass(slots=True)
class Names:
    """Short names for what the bus numbers: #1 the first token, k1 the first contest, f1 the first case, w1 a wait."""

    tokens: list[int] = field(default_factory=list)
    contests: dict[str, list[str]] = field(default_factory=dict)
    cases: dict[str, list[str]] = field(default_factory=dict)
    waits: dict[str, list[str]] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)
    candidates: dict[str, str] = field(default_factory=dict)
    admitted: list[str] = field(default_factory=list)
    messages: dict[int, str] = field(default_factory=dict)
    all_contests: list[str] = field(default_factory=list)
    all_cases: list[str] = field(default_factory=list)
    all_waits: list[str] = field(default_factory=list)
    latest: dict[str, int] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)

    def learn(self, entry: Json) -> None:
        """Give names to what an entry brought."""
        for event in entry["events"]:
            decision, subject = f"{PREFIX}.{entry['o']}.{event['n']}", event.get("subject", "")
            match event["kind"]:
                case "granted":
                    self.tokens.append(event["token"])
                    self.latest[subject] = event["token"]
                case "turn":
                    self.turns[subject] = event["turn"]
                case "contest_opened":
                    self.contests.setdefault(subject, []).append(decision)
                    self.all_contests.append(decision)
                case "case_opened":
                    self.cases.setdefault(subject, []).append(decision)
                    self.all_cases.append(decision)
                    self.revs[decision] = event["rev"]
                case "case_changed":
                    self.revs[event["case"]] = event["rev"]
                case "waiting":
                    self.waits.setdefault(subject, []).append(decision)
                    self.all_waits.append(decision)
                case "joined":
                    self.candidates[decision] = event["claim"] or short(event["agent"])
                case "action_admitted":
                    self.admitted.append(decision)
                case _:
                    pass

    def token(self, token: int) -> str:
        """`#2` is the token of the second grant."""
        if token == 0:
            return "nobody"
        return f"#{self.tokens.index(token) + 1}" if token in self.tokens else str(token)

    def outcome(self, name: str) -> str:
        """A candidate by its claim, anything else as it is."""
        return self.candidates.get(name, name)


def told(entry: Json, wanted: str, names: Names) -> str:
    """An entry in words; whom an event concerns is added where the script says it (`@sales+support`)."""
    if not entry["events"]:
        reason = f" {entry['reason']}" if entry["reason"] else ""
        return "nothing" if entry["verdict"] == "tick" else f"{entry['verdict']}{reason}"
    parts = wanted.split(", ")
    several = len({event.get("subject", "") for event in entry["events"]}) > 1
    said = []
    for n, event in enumerate(entry["events"]):
        decision = {"decision": f"{PREFIX}.{entry['o']}.{event['n']}"}
        text = _event({**event, **decision}, names) + (f" {event['subject']}" if several else "")
        is_asked = n < len(parts) and "@" in parts[n]
        said.append(text + (f" @{'+'.join(short(who) for _, who in event['to'])}" if is_asked else ""))
    return ", ".join(said)


def seconds_of(ms: int) -> str:
    """A time of the log in seconds of the script."""
    return f"{(ms - START_MS) / 1000:.3f}".rstrip("0").rstrip(".")


def short(identifier: str) -> str:
    """The last part of an id."""
    return identifier.rpartition("/")[2]


def _event(event: Json, names: Names) -> str:
    kind = event["kind"]
    for words in (_ownership, _contest, _action, _case):
        found = words(kind, event, names)
        if found:
            return found
    return str(kind)


def _ownership(kind: str, event: Json, names: Names) -> str:
    match kind:
        case "granted":
            held = f"{event['claim'] or short(event['agent'])} {names.token(event['token'])}"
            return f"granted {held} until {seconds_of(event['until'])} {event['by']}"
        case "confirmed":
            return f"confirmed {event['claim']} {names.token(event['token'])} until {seconds_of(event['until'])}"
        case "renewed":
            return f"renewed {names.token(event['token'])} until {seconds_of(event['until'])}"
        case "ended":
            return f"ended {short(event['agent'])} {event['reason']}"
        case "denied":
            retry, winner = event["retry_after"], event.get("winner")
            lost = f" by {event['by']} to {names.outcome(winner)}" if winner else ""
            return f"denied {event['claim']} {event['reason']}{lost}" + ("" if retry is None else _retry(retry))
        case "refused":
            current = event.get("current")
            return f"refused {event['reason']}" + ("" if current is None else f" current {names.token(current)}")
        case "fact":
            return f"fact {event['name']} {event['value']}"
        case "agent_status":
            selected = next(iter(event["select"].values()))
            return f"{'all' if selected is True else short(selected)} {event['status']}"
        case "control_set":
            return f"set {event['kind_of']} {short(event['name'])} rev {event['rev']}"
        case _:
            return ""


def _retry(retry: int) -> str:
    return " retry at-once" if retry < START_MS else f" retry {seconds_of(retry)}"


def _contest(kind: str, event: Json, names: Names) -> str:
    match kind:
        case "contest_opened":
            name = f"k{names.all_contests.index(event['decision']) + 1}"
            until = f"until {seconds_of(event['deadline'])} bound {seconds_of(event['bound'])}"
            return f"contest {name} {event['over']} {until}"
        case "joined":
            return f"joined {event['claim'] or short(event['agent'])}"
        case "rung":
            is_timed = event["rung"] != "human"
            return f"rung {event['rung']}" + (f" until {seconds_of(event['deadline'])}" if is_timed else "")
        case "turn":
            standing = f" standing {names.outcome(event['standing'])}" if event["standing"] else ""
            return f"turn {event['turn']} {short(event['party'])} until {seconds_of(event['deadline'])}{standing}"
        case "settled":
            return f"settled {names.outcome(event['winner'])} {event['by']}".strip()
        case "voted":
            return f"voted {short(event['seat'])}"
        case "offered":
            return f"offered turn {event['turn']} {event.get('move', '')}".strip()
        case "withdrawn":
            return f"withdrawn {event['claim']}"
        case _:
            return ""


def _action(kind: str, event: Json, names: Names) -> str:
    if kind == "reported":
        return f"reported {event['result']}"
    if not kind.startswith("action_"):
        return ""
    name = names.messages[event["o"]]
    if kind == "action_held":
        return f"held {name} until {seconds_of(event['until'])}"
    if kind == "action_refused":
        return f"dropped {name} {event['reason']}"
    guard = "" if "token" not in event else f" {names.token(event['token'])} until {seconds_of(event['until'])}"
    return f"admitted {name} to {event['topic']}{guard}"


def _case(kind: str, event: Json, names: Names) -> str:
    if kind == "waiting":
        name = f"w{names.all_waits.index(event['decision']) + 1}"
        return f"waiting {name} for {short(event['for'])} until {seconds_of(event['until'])}"
    if kind == "wait_ended":
        return f"wait-over w{names.all_waits.index(event['wait']) + 1} {event['reason']}"
    if kind == "case_opened":
        return f"case f{names.all_cases.index(event['decision']) + 1} rev {event['rev']}"
    if "case" not in event:
        return ""
    name = f"f{names.all_cases.index(event['case']) + 1}"
    if kind == "case_changed":
        return f"changed {name} rev {event['rev']} {event['state']} file {event['file_n']}"
    if kind == "case_closed":
        ruled = f" {event['ruling']} by {short(event['person'])}" if "ruling" in event else ""
        return f"{event['state']} {name}{ruled}"
    until = f" until {seconds_of(event['until'])}" if isinstance(event.get("until"), int) else ""
    return f"frozen {name}" if kind == "frozen" else f"thawed{until}"
