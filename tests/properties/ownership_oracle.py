"""The rules of ownership once more, written from the specification alone: what every record must come to.

It shares no code with the bus: it reads headers and bodies itself, keeps plain dictionaries, and looks at everything
there is whenever time passes.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.rules.cast import AGENTS, ANA, CONTRACTS, agent

Told = tuple[str, str, list[tuple[Any, ...]]]  # verdict, reason of the entry, (kind, what matters of it)…
NEEDS_TERMS = ("resource.claim", "resource.renew", "resource.release", "resource.revoke", "contest.ask", "agent.wait")


@dataclass
class Lead:
    """One subject."""

    holder: dict[str, Any] | None = None
    kept: list[Any] | None = None  # [agent, until]
    cool: int | None = None
    facts: dict[str, tuple[Any, int]] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)


@dataclass
class Oracle:
    """One partition."""

    terms: dict[str, dict[str, Any]]
    control: int
    now: int = 0
    leads: dict[str, Lead] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=lambda: {agent(a): list(r) for a, r in AGENTS.items()})
    stopped: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)

    def step(self, o: int, value: bytes | None, headers: list[tuple[str, bytes | None]]) -> Told:
        """What the record at ``o`` must come to."""
        said = {name: (item or b"").decode("utf-8", "replace") for name, item in headers}
        if [name for name, _ in headers] == ["ce_type"] and said["ce_type"] == "bus.clock.tick.v1":
            return self._tick(value)
        wanted = ("bus-src", "bus-at", "bus-prev", "bus-from", "bus-values", "bus-contract", "bus-control")
        if any(name not in said for name in (*wanted, "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")):
            return "repeat", "alien", []
        try:
            body = json.loads(value or b"")
        except ValueError:
            body = None
        lane, place = said["bus-from"], int(said["bus-src"].rpartition("/")[2])
        if body is None and said["ce_type"].startswith("bus."):
            return "repeat", "alien", []
        before = self.last.get(lane)
        prev = said["bus-prev"]
        if prev != ("" if before is None else f"{lane}.{before}") or (before is not None and place <= before):
            return "repeat", "", []
        if said["ce_type"].startswith("bus.control."):
            if int(said["bus-control"]) != self.control + 1:
                return "repeat", "alien", []
            self.last[lane] = place
            return self._change(said, body)
        self.last[lane] = place
        return self._message(o, said, body)

    # ---- time and control -----------------------------------------------------------------------------

    def _tick(self, value: bytes | None) -> Told:
        try:
            self.now = max(self.now, json.loads(value or b"")["now"])
        except ValueError:  # torn off
            return "repeat", "alien", []
        over = []
        for subject, lead in self.leads.items():
            if lead.holder is None:
                continue
            ordered = lead.holder["due_by_order"]
            deadline = lead.holder["due"] if ordered is None else ordered
            if deadline <= self.now:
                over.append((deadline, subject))
        events: list[tuple[Any, ...]] = []
        for _, subject in sorted(over)[:256]:
            lead = self.leads[subject]
            holder = lead.holder
            assert holder is not None
            reason = "expired" if holder["due_by_order"] is None else "revoked"
            events.append(("ended", subject, holder["agent"], holder["token"], reason))
            lead.holder = None
            lock = self.terms.get(subject.partition("/")[0], {}).get("lock_delay_ms", 0)
            lead.cool = self.now + lock if reason == "expired" and lock else None
        for lead in self.leads.values():
            lead.kept = None if lead.kept and lead.kept[1] <= self.now else lead.kept
            lead.cool = None if lead.cool is not None and lead.cool <= self.now else lead.cool
            lead.facts = {name: fact for name, fact in lead.facts.items() if fact[1] > self.now}
        return "tick", "", events

    def _change(self, said: dict[str, str], body: dict[str, Any]) -> Told:
        self.control += 1
        if said["ce_type"] == "bus.control.set.v1":
            kind, name, value = body["kind"], body["name"], body["value"]
            if kind == "terms":
                self.terms.pop(name, None)
                if value is not None:
                    self.terms[name] = value
            if kind == "agent":
                self.roles.pop(name, None)
                if value is not None:
                    self.roles[name] = value["roles"]
                self._stop()
            return "control", "", [("control_set", kind, name)]
        self.stopped = [select for select in self.stopped if select != body["select"]]
        status = "active"
        if said["ce_type"] == "bus.control.suspend.v1":
            self.stopped.append(body["select"])
            status = "suspended"
            self._stop()
        return "control", "", [("agent_status", status)]

    def _is_stopped(self, who: str) -> bool:
        roles = self.roles.get(who, [])
        return "/agent/" in who and any(
            select.get("all") or select.get("agent") == who or select.get("role") in roles for select in self.stopped
        )

    def _stop(self) -> None:
        """What stopped agents hold, or what is kept for them, is due now."""
        for lead in self.leads.values():
            if lead.holder and self._is_stopped(lead.holder["agent"]) and lead.holder["due_by_order"] is None:
                lead.holder["due_by_order"] = self.now
            if lead.kept and self._is_stopped(lead.kept[0]):
                lead.kept[1] = self.now

    # ---- messages -------------------------------------------------------------------------------------

    def _message(self, o: int, said: dict[str, str], body: Any) -> Told:
        who, subject, kind = said["ce_source"], said.get("ce_subject", ""), said["ce_type"]
        at = int(said["bus-at"])
        contract = CONTRACTS.get(kind, {"contract": {}})["contract"]
        terms = self.terms.get(subject.partition("/")[0])
        verb = kind.removeprefix("bus.").removesuffix(".v1")
        reason = ""
        if self._is_stopped(who):
            reason = "suspended"
        elif "ce_expirytime" in said and max(at, self.now) >= _time(said["ce_expirytime"]):
            reason = "expired"
        elif terms is None and (contract.get("guard") or "fact" in contract or verb in NEEDS_TERMS):
            reason = "unknown_resource"
        lead = self.leads.setdefault(subject, Lead())
        if verb == "resource.claim":
            claim = self._claim(o, who, at, lead, terms, body, reason)
            return "applied", "", [claim]
        if reason:
            return _refused(reason)
        if kind.startswith("bus."):
            return self._built_in(verb, who, at, lead, terms or {}, body, roles=self.roles.get(who, []))
        return self._domain(o, said, at, lead, terms or {}, contract)

    def _claim(  # noqa: C901 the table of the specification, row by row
        self, o: int, who: str, at: int, lead: Lead, terms: dict[str, Any] | None, body: Any, reason: str
    ) -> tuple[Any, ...]:
        retry = None
        holder = lead.holder
        if not reason and holder and holder["agent"] == who:
            if at < holder["due"]:
                return "confirmed", holder["token"], holder["due"]
            reason = "late"
        elif not reason and holder:
            reason, retry = "held", holder["due"]
        elif not reason and lead.cool is not None:
            reason, retry = "cooling", lead.cool
        elif not reason and lead.kept and lead.kept[0] != who:
            reason, retry = "cooling", lead.kept[1]
        if not reason:
            assert terms is not None
            for name, wanted in (terms.get("when") or {}).items():
                known = lead.facts.get(name)
                if known is None or known[1] <= at or json.dumps(known[0]) not in map(json.dumps, wanted):
                    reason = "stage"
        if not reason and terms is not None:
            allowed = terms.get("claimants")
            if who not in self.roles or (allowed is not None and not set(allowed) & set(self.roles[who])):
                reason = "not_allowed"
        if reason:
            return "denied", reason, retry
        assert terms is not None
        longest = terms.get("lease_ms", 120_000)
        lease = min(body.get("lease_ms", longest), longest)
        token = 2**44 + o * 256
        due = max(at, self.now) + lease
        lead.holder = {"agent": who, "token": token, "due": due, "lease": lease, "due_by_order": None}
        lead.kept = None
        return "granted", token, due

    def _built_in(  # noqa: C901, PLR0912 the table of the specification, row by row
        self, verb: str, who: str, at: int, lead: Lead, terms: dict[str, Any], body: Any, *, roles: list[str]
    ) -> Told:
        holder = lead.holder
        is_own = bool(holder and holder["agent"] == who)
        match verb:
            case "resource.renew" | "resource.release":
                if holder is None or not is_own or holder["token"] != body["token"]:
                    return _refused("fenced")
                if verb == "resource.release":
                    lead.holder = None
                    lead.kept = None
                    if "to" in body:
                        until = max(at, self.now) + terms.get("handover_ms", 60_000)
                        lead.kept = [body["to"], self.now if self._is_stopped(body["to"]) else until]
                    return "applied", "", [("ended", who, "released")]
                if at >= holder["due"]:
                    return _refused("late")
                holder["due"] = max(holder["due"], max(at, self.now) + holder["lease"])
                return "applied", "", [("renewed", holder["token"], holder["due"])]
            case "resource.revoke":
                if holder is None:
                    return _refused("fenced")
                lead.holder = None
                return "applied", "", [("ended", holder["agent"], "revoked")]
            case "action.report":
                if body["decision"] not in lead.actions:
                    return _refused("late")
                if body["result"] != "partial":
                    lead.actions.remove(body["decision"])
                return "applied", "", [("reported", body["result"])]
            case "agent.wait":
                if not is_own:
                    return _refused("fenced")
                return _refused("wait_too_long" if body["until"] > at + terms.get("wait_max_ms", 0) else "unresolved")
            case "contest.ask":
                return _refused("unresolved" if set(roles) & set(terms.get("ask", [])) else "not_allowed")
            case "contest.vote":
                return _refused("contest_closed")
            case "case.rule":
                return _refused("late" if who == ANA else "not_a_person")
            case _:
                return _refused("late")

    def _domain(
        self, o: int, said: dict[str, str], at: int, lead: Lead, terms: dict[str, Any], contract: dict[str, Any]
    ) -> Told:
        values: dict[str, Any] = json.loads(said["bus-values"])
        events: list[tuple[Any, ...]] = []
        if contract.get("guard"):
            holder = lead.holder
            token = int(said["ce_bustoken"])
            if holder is None or holder["agent"] != said["ce_source"] or holder["token"] != token:
                return _refused("fenced")
            if at >= holder["due"]:
                return _refused("late")
            limit = terms.get("freeze_above_cost")
            if "review" in contract or (limit is not None and values.get("cost", 0) > limit):
                return _refused("unresolved")
            lead.actions = [*lead.actions, f"1.0.{o}.0"][-32:]
        if "fact" in contract:
            [(name, stated)] = values["fact"].items()
            lead.facts[name] = (stated, max(at, self.now) + terms.get("facts_ttl_ms", 7_776_000_000))
            events.append(("fact", name, stated))
        if "topic" in contract:
            events.append(("action_admitted", contract["topic"]))
        return ("admitted" if "topic" in contract else "applied"), "", events


def _refused(reason: str) -> Told:
    return "refused", reason, [("refused", reason)]


def _time(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def in_short(entry: dict[str, Any]) -> Told:
    """What the oracle says, of an entry as the journal has it."""
    return entry["verdict"], entry.get("reason", ""), [_shortened(entry, event) for event in entry["events"]]


def _shortened(entry: dict[str, Any], event: dict[str, Any]) -> tuple[Any, ...]:
    names: dict[str, tuple[str, ...]] = {
        "granted": ("token", "until"),
        "confirmed": ("token", "until"),
        "renewed": ("token", "until"),
        "denied": ("reason", "retry_after"),
        "refused": ("reason",),
        "ended": ("subject", "agent", "token", "reason") if entry["verdict"] == "tick" else ("agent", "reason"),
        "fact": ("name", "value"),
        "action_admitted": ("topic",),
        "reported": ("result",),
        "agent_status": ("status",),
        "control_set": ("kind_of", "name"),
    }
    return event["kind"], *(event[name] for name in names[event["kind"]])
