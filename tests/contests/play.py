"""Plays a script of contests: its words become records, whoever decides gives an entry, the entry becomes words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.contests.cast import ANA, CONTRACTS, PERSONS, START_MS, ArbiterLog, agent, person, what_is_set
from tests.contests.oracle.log import Json, Raw
from tests.contests.terms_words import milliseconds, terms_of
from tests.contests.told import Names, told
from tests.rules.scripts_reader import Script

# One record in, its entry out as the journal's JSON: all that a script needs of whoever decides.
Decide = Callable[[Raw], Json]

OPTIONS = ("as", "with", "for", "to", "because", "expires", "until", "rev", "turn", "in", "cost", "by")
RESOURCE = {"claims": "claim", "renews": "renew", "releases": "release", "withdraws": "withdraw", "revokes": "revoke"}
CONTEST = {"asks": "ask", "votes": "vote", "offers": "offer", "accepts": "accept", "quits": "quit"}
CASE = {"reserves": "reserve", "frees": "release", "rules": "rule"}
AGENT = {"waits": "wait", "goes-on": "resume"}


@dataclass(slots=True)
class Line:
    """One line's words: who, the verb, what stands alone, and the options by name."""

    at_ms: int
    who: str
    verb: str
    plain: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Play:
    """One script under way."""

    decide: Decide
    log: ArbiterLog = field(default_factory=ArbiterLog)
    names: Names = field(default_factory=Names)
    entries: list[Json] = field(default_factory=list)

    def run(self, script: Script) -> list[str]:
        """What came of every line, in the script's words."""
        self.begin(script.given)
        return [self.line(what, wanted) for what, wanted in script.lines]

    def begin(self, given: Sequence[str]) -> None:
        """Put in force what the cast has, and what the script is given."""
        for kind, name, value in what_is_set():
            self._judge(self.log.set(kind, name, value, at_ms=START_MS))
        for words in given:
            self._judge(self._set(words.split(), START_MS))

    def _judge(self, raw: Raw) -> Json:
        entry = self.decide(raw)
        self.names.messages[raw.offset] = raw.last("ce_id") or ""
        self.names.learn(entry)
        self.entries.append(entry)
        return entry

    def line(self, what: str, wanted: str = "") -> str:
        """What came of one line; `wanted` only says of which events to tell whom they concern."""
        return told(self._judge(self._record(what.split())), wanted, self.names)

    # ---- from words to a record -------------------------------------------------------------------------

    def _record(self, words: list[str]) -> Raw:
        at_ms = START_MS + milliseconds(words[0])
        if words[1] == "tick":
            return self.log.tick(at_ms)
        if words[1] == "alien":
            return self.log.append((("ce_type", b"leads.note.add.v1"),), b"{}", at_ms)
        if words[2:] == ["again"]:
            said = [raw for raw in self.log.records if raw.last("bus-from") == words[1]][-1]
            return self.log.append(said.headers, said.value, at_ms)
        if words[2] == "sets":
            return self._set(words[3:], at_ms)
        if words[2] in ("suspends", "resumes"):
            body = {"select": _select(words[3:]), "reason": "because"}
            return self.log.say(ANA, f"bus.control.{words[2][:-1]}.v1", body, at_ms=at_ms, lane="operators")
        return self._spoken(_read(at_ms, words[1:]))

    def _spoken(self, line: Line) -> Raw:
        is_person = line.who in PERSONS or line.who == "ana"
        lane = "operators" if line.who == "ana" else "desk" if is_person else line.who
        kind, body, values = self._message(line)
        token, expires = line.options.get("with"), line.options.get("expires")
        return self.log.say(
            person(line.who) if is_person else agent(line.who),
            kind,
            body,
            at_ms=line.at_ms,
            lane=lane,
            subject=line.plain[0],
            named=line.options.get("as", ""),
            token=self._token(token) if token and line.verb in CONTRACTS else None,
            expires_ms=START_MS + milliseconds(expires) if expires else None,
            values=values,
        )

    def _message(self, line: Line) -> tuple[str, Json, Json]:
        verb = line.verb
        if verb in CONTRACTS:
            contract = CONTRACTS[verb]
            fact = {"fact": {contract["fact"]["name"]: line.plain[1]}} if "fact" in contract else {}
            cost = {"cost": int(line.options["cost"])} if "cost" in line.options else {}
            return contract["type"], {}, {**fact, **cost}
        if verb in RESOURCE:
            return f"bus.resource.{RESOURCE[verb]}.v1", self._resource(line), {}
        if verb in CONTEST:
            return f"bus.contest.{CONTEST[verb]}.v1", self._contest(line), {}
        if verb in CASE:
            return f"bus.case.{CASE[verb]}.v1", self._case(line), {}
        if verb == "reports":
            action = self.names.admitted[int(line.plain[1][1:]) - 1]
            return "bus.action.report.v1", {"decision": action, "result": line.plain[2]}, {}
        return f"bus.agent.{AGENT[verb]}.v1", self._wait(line), {}

    def _resource(self, line: Line) -> Json:
        options = line.options
        if line.verb == "claims":
            wish = {"lease_ms": milliseconds(options["for"])} if "for" in options else {}
            return wish | ({"reasoning": options["because"]} if "because" in options else {})
        if line.verb == "withdraws":
            return {"claim": line.plain[1]}
        if line.verb == "revokes":
            return {"reason": "because"}
        return {"token": self._token(options["with"])} | ({"to": agent(options["to"])} if "to" in options else {})

    def _contest(self, line: Line) -> Json:
        subject, options = line.plain[0], line.options
        if line.verb == "asks":
            until = {"until": START_MS + milliseconds(options["until"])} if "until" in options else {}
            return {"question": "what is it?", "options": line.plain[1].split("|"), **until}
        body: Json = {
            "contest": self._named("k", options.get("in"), self.names.all_contests, self.names.contests, subject)
        }
        if line.verb == "votes":
            listed = [self._candidate(name) for name in line.plain[1].split(">")]
            is_list = ">" in line.plain[1]
            return body | {"choice": listed if is_list else listed[0], "reason": options.get("because", "fit")}
        turn = options["turn"]
        body["turn"] = self.names.turns.get(subject, 1) if turn == "now" else int(turn)
        return body | ({"outcome": self._candidate(line.plain[1])} if line.verb == "offers" else {})

    def _case(self, line: Line) -> Json:
        subject = line.plain[0]
        case = self._named("f", line.options.get("in"), self.names.all_cases, self.names.cases, subject)
        body = {"case": case, "rev": int(line.options.get("rev", self.names.revs.get(case, 1)))}
        if line.verb != "rules":
            return body
        award = {"candidate": self._candidate(line.plain[2])} if len(line.plain) > 2 else {}
        return body | {"ruling": line.plain[1], "reason": line.options.get("because", "because")} | award

    def _wait(self, line: Line) -> Json:
        subject = line.plain[0]
        if line.verb == "goes-on":
            return {"wait": self._named("w", line.options.get("in"), self.names.all_waits, self.names.waits, subject)}
        whom = line.plain[1] if "/" in line.plain[1] else agent(line.plain[1])
        return {"for": whom, "until": START_MS + milliseconds(line.options["until"]), "reason": "because"}

    def _named(
        self, letter: str, given: str | None, everything: list[str], by_subject: dict[str, list[str]], subject: str
    ) -> str:
        """The id of `k2`, else the latest on this subject, else one that never was."""
        if given is not None:
            return everything[int(given.removeprefix(letter)) - 1]
        return by_subject.get(subject, ["1.0.0.0"])[-1]

    def _candidate(self, name: str) -> str:
        known = {claim: decision for decision, claim in self.names.candidates.items()}
        return known.get(name, name)

    def _token(self, word: str) -> int:
        """`#2` is the token of the second grant, `@lead/L-1` the latest of that subject, a number itself."""
        if word.startswith("@"):
            return self.names.latest.get(word[1:], 0)
        return self.names.tokens[int(word[1:]) - 1] if word.startswith("#") else int(word)

    def _set(self, words: list[str], at_ms: int) -> Raw:
        """`terms lead window=10`, `agent sales roles=sales`, `person bob queues=desk owns=sales`; `none` takes away."""
        kind, name, *options = words
        full = {"agent": agent, "person": person}.get(kind, str)(name)
        if options == ["none"]:
            return self.log.set(kind, full, None, at_ms=at_ms)
        if kind == "terms":
            return self.log.set(kind, full, terms_of(name, options), at_ms=at_ms)
        given = dict(option.split("=") for option in options)
        roles = given.get("roles", "").split(",")
        if kind == "agent":
            return self.log.set(kind, full, {"lane": name, "roles": roles, "owner": ANA}, at_ms=at_ms)
        owned = [agent(one) for one in given["owns"].split(",")] if given.get("owns") else []
        queues = given.get("queues", "").split(",")
        return self.log.set(kind, full, {"roles": roles, "queues": queues, "owns": owned}, at_ms=at_ms)


def _read(at_ms: int, words: list[str]) -> Line:
    line = Line(at_ms, words[0], words[1])
    rest = iter(words[2:])
    for word in rest:
        if word in OPTIONS:
            line.options[word] = next(rest)
        elif word != "claim":
            line.plain.append(word)
    return line


def _select(words: list[str]) -> Json:
    if words == ["all"]:
        return {"all": True}
    return {"role": words[1]} if words[0] == "role" else {"agent": agent(words[0])}
