"""The arbiter's entry for every record of one partition, computed again from the records, control and terms alone.

Windows, contests, reviews and cases are not here: the terms of these tests have window 0 and `on_held: deny`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.acceptance.control_oracle import Contract, Registry, change_of
from tests.acceptance.envelope_oracle import read_envelope
from tests.acceptance.gate_oracle import unframed
from tests.acceptance.json_oracle import parse_body, pointed
from tests.acceptance.resource_oracle import Act, Holding, Outcome, Resource, at_most
from tests.acceptance.wire import Json, Record, canonical, id_order, sha256, token

TICK = "bus.clock.tick.v1"
CLAIM = "bus.resource.claim.v1"
RELEASE = "bus.resource.release.v1"
RENEW = "bus.resource.renew.v1"
REVOKE = "bus.resource.revoke.v1"
# A suspended agent's holdings are due at once; a tick later than this must have ended them.
DRAINED_WITHIN_MS = 3_000


@dataclass(slots=True)
class ArbiterOracle:
    """One partition: its resources, the time it knows, the control number in force, the last id per lane."""

    partition: int
    gen: int
    registry: Registry
    now_ms: int = 0
    control: int = 0
    resources: dict[str, Resource] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def step(self, record: Record, written: Json) -> Outcome:
        """What the journal must say of the next record; `written` is asked only where the wire leaves a choice."""
        if record.last("ce_type") == TICK and record.last("bus-from") is None:
            return self._tick(json.loads(record.value or b""), written)
        lane, previous = record.last("bus-from") or "", record.last("bus-prev") or ""
        if previous != self.last.get(lane, "") or id_order(_own_id(record)) <= id_order(self.last.get(lane, "")):
            return Outcome("repeat")
        self.last[lane] = _own_id(record)
        if (record.last("ce_type") or "").startswith("bus.control."):
            return self._control(record)
        return self._message(record, written)

    def holders(self) -> dict[str, Holding]:
        """Who holds what now."""
        return {name: held.holding for name, held in self.resources.items() if held.holding is not None}

    def _to(self, agent: str, record: Record | None = None) -> Json:
        lane = self.registry.lane(agent, self.control)
        if lane is None:
            lane = record.topic and (record.last("bus-from") or "desk") if record is not None else "desk"
        return [[lane, agent]]

    def _control(self, record: Record) -> Outcome:
        own = int(record.last("bus-control") or 0)
        self.control = own
        body, message_type = parse_body(record.value or b""), record.last("ce_type") or ""
        key, value = change_of(body, message_type)
        if not key.startswith("suspended/"):
            version = self.registry.version(key, own)
            assert version is not None, "the gate's oracle accepted it"
            kind, _, name = key.partition("/")
            told = {"kind": "control_set", "to": [], "control": own, "kind_of": kind, "name": name}
            told |= {"rev": version.revision, "value_hash": sha256(canonical(value)), "value": ...}
            return Outcome("control", events=[{"n": 0, **told}])
        if message_type == "bus.control.suspend.v1":
            self._suspend(max(int(record.last("bus-at") or 0), self.now_ms))
        told = {"n": 0, "kind": "agent_status", "to": [], "select": body["select"], "status": ...}
        return Outcome("control", events=[told])

    def _suspend(self, due_ms: int) -> None:
        for held in self.resources.values():
            if held.holding is not None and self.registry.is_suspended(held.holding.agent, self.control):
                held.holding.due_ms = due_ms

    def _message(self, record: Record, written: Json) -> Outcome:
        envelope = read_envelope(record)
        contract = self.registry.contract_by_name(record.last("bus-contract") or "")
        subject = envelope.subject or ""
        body = parse_body(unframed(record, contract, envelope.content_type) or b"")
        act = Act(
            type=envelope.type,
            source=envelope.source,
            id=envelope.id,
            subject=subject,
            at_ms=int(record.last("bus-at") or 0),
            expiry_ms=envelope.expiry_ms,
            token=body["token"] if envelope.type in (RENEW, RELEASE) else envelope.token,
            body=body,
            roles=self.registry.roles(envelope.source, self.control),
            is_suspended=self.registry.is_suspended(envelope.source, self.control),
            terms=self.registry.value(f"terms/{subject.partition('/')[0]}", self.control),
        )
        outcome = self._judge(act, contract, record, written)
        for n, event in enumerate(outcome.events):
            event.update({"n": n, "to": event.get("to", self._to(act.source, record))})
            if subject:
                event["subject"] = subject
        return outcome

    def _judge(self, act: Act, contract: Contract, record: Record, written: Json) -> Outcome:
        early = self._early(act, contract)
        if early:
            return self._claim_denied(act, early) if act.type == CLAIM else self._refused(act, early)
        if act.type == CLAIM:
            return self._claim(act, record, written)
        if act.type in (RENEW, RELEASE):
            return self._by_holder(act)
        if act.type == REVOKE:
            return self._revoke(act, record)
        return self._domain(act, contract, record)

    def _early(self, act: Act, contract: Contract) -> str:
        if act.is_suspended:
            return "suspended"
        if act.expiry_ms is not None and max(act.at_ms, self.now_ms) >= act.expiry_ms:
            return "expired"
        is_about_resource = contract.type.startswith("bus.resource.") or contract.resource is not None
        return "unknown_resource" if is_about_resource and act.terms is None else ""

    def _resource(self, act: Act) -> Resource:
        return self.resources.setdefault(act.subject, Resource())

    def _claim(self, act: Act, record: Record, written: Json) -> Outcome:
        held = self._resource(act)
        if held.holding is not None:
            return self._claim_of_held(act, held.holding)
        cooling_ms = held.cooling_until(act.source)
        if cooling_ms:
            return self._claim_denied(act, "cooling", cooling_ms)
        is_late = held.reserved_for == act.source and act.at_ms >= held.reserved_until_ms
        if is_late and [event.get("reason") for event in written["events"]] == ["late"]:
            return self._claim_denied(act, "late")
        missing = held.missing(act.terms.get("when") or {})
        if missing:
            return self._claim_denied(act, "stage", wants=missing)
        claimants = act.terms.get("claimants")
        if not self.registry.is_registered(act.source, self.control):
            return self._claim_denied(act, "not_allowed")
        if claimants is not None and not set(claimants) & set(act.roles):
            return self._claim_denied(act, "not_allowed", wants=at_most({"roles": claimants}, "roles"))
        return self._grant(act, held, record)

    def _claim_of_held(self, act: Act, holding: Holding) -> Outcome:
        if holding.agent != act.source:
            return self._claim_denied(act, "held", holding.until_ms)
        if act.at_ms >= holding.until_ms:
            return self._claim_denied(act, "late")
        told = {"kind": "confirmed", "agent": act.source, "claim": ..., "token": holding.token}
        return Outcome("applied", events=[{**told, "until": holding.until_ms}])

    def _grant(self, act: Act, held: Resource, record: Record) -> Outcome:
        lease_ms = min(act.body.get("lease_ms", act.terms["lease_ms"]), act.terms["lease_ms"])
        until_ms = max(act.at_ms, self.now_ms) + lease_ms
        new = token(self.gen, record.offset, 0)
        held.holding = Holding(act.source, act.id, new, until_ms, lease_ms)
        held.reserved_for, held.reserved_until_ms = "", 0
        told = {"kind": "granted", "agent": act.source, "claim": act.id, "token": new}
        return Outcome("applied", events=[{**told, "until": until_ms, "by": "first"}])

    def _claim_denied(
        self, act: Act, reason: str, retry_after: int | None = None, *, wants: Json | None = None
    ) -> Outcome:
        told = {"kind": "denied", "agent": act.source, "claim": act.id, "reason": reason, "retry_after": retry_after}
        return Outcome("applied", events=[told | ({"wants": wants} if wants else {})])

    def _refused(self, act: Act, reason: str, **more: Json) -> Outcome:
        told = {"kind": "refused", "agent": act.source, "type": act.type, "reason": reason, **more}
        return Outcome("refused", reason, [told])

    def _fenced(self, act: Act, holding: Holding | None) -> Outcome:
        named = {} if act.token is None else {"token": act.token}
        return self._refused(act, "fenced", current=0 if holding is None else holding.token, **named)

    def _holding(self, act: Act) -> tuple[Holding | None, bool]:
        holding = self._resource(act).holding
        is_own = holding is not None and holding.agent == act.source and holding.token == act.token
        return holding, is_own

    def _by_holder(self, act: Act) -> Outcome:
        holding, is_own = self._holding(act)
        if holding is None or not is_own:
            return self._fenced(act, holding)
        if act.type == RELEASE:
            return self._release(act, holding)
        if act.at_ms >= holding.until_ms:
            return self._refused(act, "late")
        until_ms = max(act.at_ms, self.now_ms) + holding.lease_ms
        holding.until_ms = max(holding.until_ms, until_ms)
        told = {"kind": "renewed", "agent": act.source, "token": holding.token, "until": holding.until_ms}
        return Outcome("applied", events=[told])

    def _release(self, act: Act, holding: Holding) -> Outcome:
        held = self._resource(act)
        held.holding = None
        if act.body.get("to"):
            held.reserved_for = act.body["to"]
            held.reserved_until_ms = max(act.at_ms, self.now_ms) + act.terms["handover_ms"]
        return Outcome("applied", events=[_ended(holding, "released")])

    def _revoke(self, act: Act, record: Record) -> Outcome:
        held = self._resource(act)
        holding = held.holding
        if holding is None:
            return self._fenced(act, None)
        held.holding = None
        told = _ended(holding, "revoked")
        told["to"] = (self._to(act.source, record), self._to(holding.agent))
        return Outcome("applied", events=[told])

    def _domain(self, act: Act, contract: Contract, record: Record) -> Outcome:
        events: list[Json] = []
        guard: Json = {}
        if contract.is_guarded:
            holding, is_own = self._holding(act)
            if holding is None or not is_own:
                return self._fenced(act, holding)
            if act.at_ms >= holding.until_ms:
                return self._refused(act, "late")
            guard = {"token": holding.token, "until": holding.until_ms}
        if contract.fact is not None:
            value = pointed(act.body, contract.fact["pointer"])
            self._resource(act).facts[contract.fact["name"]] = value
            events.append({"kind": "fact", "name": contract.fact["name"], "value": value})
        if contract.topic is None:
            return Outcome("applied", events=events)
        told = {"kind": "action_admitted", "o": record.offset, "agent": act.source, "type": act.type, **guard}
        return Outcome("admitted", events=[*events, {**told, "topic": contract.topic, "held": ""}])

    def _tick(self, tick: Json, written: Json) -> Outcome:
        self.now_ms = max(self.now_ms, tick["now"])
        revoked = {event.get("token") for event in written["events"] if event.get("reason") == "revoked"}
        fired: list[tuple[int, str, Json]] = []
        for subject, held in self.resources.items():
            event = self._fire(subject, held, tick["now"], revoked)
            if event is not None:
                fired.append(event)
        fired.sort(key=lambda item: item[:2])
        events = [{**event, "n": n, "subject": subject} for n, (_, subject, event) in enumerate(fired)]
        return Outcome("tick", events=events, is_ordered=not revoked)

    def _fire(self, subject: str, held: Resource, now_ms: int, revoked: set[int]) -> tuple[int, str, Json] | None:
        holding = held.holding
        if held.reserved_for and held.reserved_until_ms <= self.now_ms:
            held.reserved_for, held.reserved_until_ms = "", 0
        if held.locked_until_ms and held.locked_until_ms <= self.now_ms:
            held.locked_until_ms = 0
        if holding is None:
            return None
        is_overdue = self.now_ms > holding.due_ms + DRAINED_WITHIN_MS
        if holding.due_ms and (holding.token in revoked or is_overdue):
            held.holding = None
            return 0, subject, _ended(holding, "revoked") | {"to": self._to(holding.agent)}
        if holding.until_ms > self.now_ms:
            return None
        held.holding = None
        delay_ms = self.registry.value(f"terms/{subject.partition('/')[0]}", self.control)["lock_delay_ms"]
        held.locked_until_ms = now_ms + delay_ms if delay_ms else 0
        return holding.until_ms, subject, _ended(holding, "expired") | {"to": self._to(holding.agent)}


def _ended(holding: Holding, reason: str) -> Json:
    return {
        "kind": "ended",
        "agent": holding.agent,
        "token": holding.token,
        "reason": reason,
        "cause": ... if reason == "revoked" else "",
    }


def _own_id(record: Record) -> str:
    source = record.last("bus-src") or ""
    topic, _, offset = source.split("/")
    return f"{topic.removeprefix('bus.in.')}.{offset}"
