"""The oracle of one partition: every record in, the entry that must come out by the specification and the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.contests.oracle import actions, ballots, bargain, cases, claims, ladder, opening, rulings, ticks, waits
from tests.contests.oracle.entry import Entry
from tests.contests.oracle.grants import settle, settle_none
from tests.contests.oracle.log import Json, Raw, Said, is_tick, read
from tests.contests.oracle.registry import Registry, value_hash
from tests.contests.oracle.subject import Subject

CLAIM = "bus.resource.claim.v1"
# Start value of the specification of contests, section 1: a quarter of a year.
FACTS_TTL_MS = 7_776_000_000


def decide(records: Sequence[Raw], *, stewards: tuple[str, ...], gen: int = 1, partition: int = 0) -> list[Json]:
    """The entries for a partition's log from its beginning, in order."""
    oracle = Oracle(Registry(stewards), gen, partition)
    return [oracle.step(raw) for raw in records]


@dataclass(slots=True)
class Oracle:
    """One partition: what is in force, every subject, the time it knows, the last id of every lane."""

    registry: Registry
    gen: int = 1
    partition: int = 0
    now: int = 0
    subjects: dict[str, Subject] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def step(self, raw: Raw) -> Json:
        """The entry of the next record."""
        if is_tick(raw):
            return self._tick(raw)
        said = read(raw)
        if said is None:
            return {"o": raw.offset, "verdict": "repeat", "reason": "alien", "events": []}
        known = self.last.get(said.lane, "")
        if said.prev != known or _number(said.lane_id) <= _number(known):
            return {"o": raw.offset, "verdict": "repeat", "reason": "", "events": []}
        self.last[said.lane] = said.lane_id
        start = max(said.at, self.now)
        e = Entry(self.gen, self.partition, raw.offset, start, self.now, self.registry, said)
        if said.type.startswith("bus.control."):
            self._control(e, said)
        else:
            self._message(e, said)
        return e.done()

    def next_deadline(self) -> int | None:
        """When a tick would fire something, epoch milliseconds."""
        return ticks.earliest(Entry(self.gen, self.partition, 0, self.now, self.now, self.registry), self.subjects)

    def _tick(self, raw: Raw) -> Json:
        stated = json.loads(raw.value)
        self.now = max(self.now, stated["now"])
        e = Entry(self.gen, self.partition, raw.offset, self.now, self.now, self.registry, verdict="tick")
        ticks.run(e, self.subjects)
        return e.done()

    def _control(self, e: Entry, said: Said) -> None:
        e.verdict = "control"
        key, rev = self.registry.apply(said)
        kind, _, name = key.partition("/")
        if kind == "suspended":
            status = "suspended" if said.type == "bus.control.suspend.v1" else "active"
            e.tell("agent_status", None, [], select=said.body["select"], status=status)
        else:
            value = said.body["value"]
            told = {"control": said.control, "kind_of": kind, "name": name, "rev": rev}
            e.tell("control_set", None, [], **told, value_hash=value_hash(value), value=...)
        self._mark_suspended(f"{self.gen}.{self.partition}.{said.o}.0")

    def _mark_suspended(self, cause: str) -> None:
        """What a suspended agent has is due at the partition's present time; a later pardon does not save it."""
        stopped = self.registry.is_suspended
        for r in self.subjects.values():
            h = r.holding
            if h is not None and h.due is None and stopped(h.agent):
                h.due, h.cause = self.now, cause
            for x in r.contest.candidates if r.contest is not None else []:
                if x.due is None and stopped(x.agent):
                    x.due = self.now
            if r.reserved_for and stopped(r.reserved_for):
                r.reserved_until = min(r.reserved_until, self.now)

    def _message(self, e: Entry, said: Said) -> None:
        r = self.subjects.setdefault(said.subject, Subject(said.subject))
        terms, contract = self.registry.terms(said.subject), self.registry.contracts.get(said.contract, {})
        reason = self._early(e, said, terms, contract)
        if reason:
            if said.type == CLAIM:
                e.deny(r, reason)
            else:
                e.refuse(r, reason)
            return
        if said.type.startswith(("bus.resource.", "bus.agent.")) or said.type == "bus.contest.ask.v1":
            self._about_resource(e, r, said, terms)
        elif said.type == "bus.contest.vote.v1":
            ballots.vote(e, r, said)
        elif said.type.startswith("bus.contest."):
            self._bargain(e, r, said)
        elif said.type.startswith("bus.case."):
            rulings.act(e, r, said, terms)
        elif said.type == "bus.action.report.v1":
            self._report(e, r, said)
        else:
            self._domain(e, r, said, terms, contract)
        actions.next_up(e, r, terms)

    def _early(self, e: Entry, said: Said, terms: Json, contract: Json) -> str:
        if self.registry.is_suspended(said.source):
            return "suspended"
        if said.expiry is not None and e.start >= said.expiry:
            return "expired"
        needs_terms = said.type.startswith(("bus.resource.", "bus.agent.")) or said.type == "bus.contest.ask.v1"
        return "unknown_resource" if terms is None and (needs_terms or contract.get("resource")) else ""

    def _about_resource(self, e: Entry, r: Subject, said: Said, terms: Json) -> None:
        match said.type.split(".")[2]:
            case "claim":
                claims.claim(e, r, said, terms)
            case "renew":
                claims.renew(e, r, said)
            case "release":
                claims.release(e, r, said, terms)
            case "withdraw":
                claims.withdraw(e, r, said)
            case "revoke":
                claims.revoke(e, r)
            case "ask":
                self._ask(e, r, said, terms)
            case "wait":
                waits.wait(e, r, said, terms)
            case _:
                waits.resume(e, r, said)

    def _ask(self, e: Entry, r: Subject, said: Said, terms: Json) -> None:
        if r.case is not None:
            e.refuse(r, "frozen")
        elif r.contest is not None:
            e.refuse(r, "held", retry_after=...)
        elif not set(terms.get("ask", [])) & set(self.registry.roles(said.source)):
            e.refuse(r, "not_allowed")
        else:
            opening.open_question(e, r, terms, said.body)

    def _bargain(self, e: Entry, r: Subject, said: Said) -> None:
        c = r.contest
        reason = ballots.closed_fault(r, said)
        if not reason and c is not None:
            reason = bargain.fault(c, said)
        if reason:
            e.refuse(r, reason)
            return
        assert c is not None
        agreed = bargain.move(e, r, c, said)
        if agreed is None:
            ladder.advance(e, r)
        elif agreed:
            c.outcome = agreed
            winner = bargain.award(c, agreed)
            if winner is None:
                settle_none(e, r, "negotiate", "unresolved")
            elif not settle(e, r, winner, "negotiate"):
                ladder.advance(e, r)

    def _report(self, e: Entry, r: Subject, said: Said) -> None:
        action = said.body["decision"]
        if action not in r.reportable:
            e.refuse(r, "late")
            return
        if said.body["result"] != "partial":
            r.reportable.remove(action)
        told = {"action": action, "agent": said.source, "result": said.body["result"]}
        e.tell("reported", r, e.sender(), **told)

    def _domain(self, e: Entry, r: Subject, said: Said, terms: Json, contract: Json) -> None:
        if contract.get("guard"):
            actions.guarded(e, r, said, terms, contract)
            return
        for name, value in (said.fact or {}).items():
            # How long it is known is settled when it is stated; terms set later say so of later statements.
            ttl_ms = (terms or {}).get("facts_ttl_ms", FACTS_TTL_MS)
            r.facts[name] = (value, e.start + ttl_ms)
            e.tell("fact", r, e.sender(), name=name, value=value)
        if contract.get("topic"):
            e.verdict = "admitted"
            cases.admit(e, r, said.o, agent=said.source, kind=said.type, topic=contract["topic"], guard={})


def _number(lane_id: str) -> int:
    return int(lane_id.rpartition(".")[2]) if lane_id else -1
