"""The persons of a run: they rule on cases, revoke, suspend and resume, and change what is in force in mid-traffic."""

import json
from typing import Any

from bus.core.log.records import canonical
from bus.core.log.topics import CONTROL, DESK_LANE, ESCALATION_PARTITIONS, ESCALATIONS, OPERATORS_LANE
from bus.core.policy.contracts import JsonObject
from bus.sim import company
from bus.sim.actor import Actor
from bus.sim.control import STEWARD, agent_id, person_id
from bus.sim.world import World

RULINGS = ("award", "reject_all", "approve", "reject")
RESUMES_IN_S = (1.0, 15.0)


class Desk(Actor):
    """Somebody at the desk: reads the case files, reserves some cases, rules on them, or does not come to it."""

    def __init__(self, world: World, name: str, *, mean_s: float) -> None:
        super().__init__(world, person_id(name), DESK_LANE, mean_s=mean_s)
        self._read = [world.broker.end((ESCALATIONS, p)) for p in range(ESCALATION_PARTITIONS)]
        self._files: dict[str, dict[str, Any]] = {}  # Any: JSON

    def hear(self, event: dict[str, Any]) -> None:  # Any: JSON
        """It goes by the files."""

    def act(self) -> None:
        """Look at a case."""
        for p in range(ESCALATION_PARTITIONS):
            found, self._read[p] = self.world.broker.read((ESCALATIONS, p), self._read[p], 100, is_committed=False)
            for message in found:
                file = json.loads(message.record.value or b"{}")
                if "case" in file:
                    self._files[file["case"]] = file
        waiting = sorted(case for case, file in self._files.items() if file["state"] in ("ready", "reserved"))
        if not waiting or self.chance.random() < 0.3:
            return
        file = self._files[self.chance.choice(waiting)]
        self._decide(file, {"case": file["case"], "rev": file["rev"]})

    def _decide(self, file: dict[str, Any], about: JsonObject) -> None:  # Any: JSON
        draw, subject = self.chance.random(), file.get("subject", "")
        if draw < 0.2:
            self.say("bus.case.reserve.v1", about, subject=subject)
            return
        if draw < 0.25:
            self.say("bus.case.release.v1", about, subject=subject)
            return
        offered = [one["ruling"] for one in file.get("rulings", ())] or list(RULINGS)
        ruling = self.chance.choice(offered if self.chance.random() < 0.9 else RULINGS)
        body: dict[str, Any] = {**about, "ruling": ruling, "reason": "as seen"}  # Any: JSON
        claims = [one.get("decision") or one.get("id") for one in file.get("claims", ())]
        if ruling == "award" and claims:
            body["candidate"] = self.chance.choice(claims) or ""
        self.say("bus.case.rule.v1", body, subject=subject)


class Steward(Actor):
    """The steward and operator: changes terms and agents, suspends and resumes, revokes."""

    def __init__(self, world: World, *, mean_s: float) -> None:
        super().__init__(world, STEWARD, OPERATORS_LANE, mean_s=mean_s)
        self._values: dict[str, JsonObject | None] = {f"terms/{name}": value for name, value in company.TERMS.items()}
        self._read = 0
        self._lifts: list[JsonObject] = []

    def hear(self, event: dict[str, Any]) -> None:  # Any: JSON
        """It goes by what is in force."""

    def settle(self) -> None:
        """Lift every suspension: a world where nobody may speak shows little."""
        for select in self._lifts:
            self.say("bus.control.resume.v1", {"select": select, "reason": "over"})
        self._lifts.clear()

    def act(self) -> None:
        """One change, now and then a wrong one."""
        self._catch_up()
        draw = self.chance.random()
        if draw < 0.35:
            self._terms()
        elif draw < 0.6:
            self._suspend()
        elif draw < 0.8:
            subject = self.chance.choice(company.SUBJECTS)
            self.say("bus.resource.revoke.v1", {"reason": "no longer"}, subject=subject)
        else:
            self._agent()

    def _catch_up(self) -> None:
        found, self._read = self.world.broker.read((CONTROL, 0), self._read, 10_000, is_committed=False)
        for message in found:
            key = (message.record.key or b"").decode()
            self._values[key] = json.loads(message.record.value) if message.record.value else None

    def _set(self, kind: str, name: str, value: JsonObject | None) -> None:
        current = self._values.get(f"{kind}/{name}")
        base = None if current is None else _hash(current)
        if self.chance.random() < 0.1:
            base = "0" * 64
        self.say("bus.control.set.v1", {"kind": kind, "name": name, "value": value, "base": base})

    def _terms(self) -> None:
        name = self.chance.choice(sorted(company.TERMS))
        value = dict(company.TERMS[name])
        value["lease_ms"] = self.chance.choice((3000, 8000, 20000))
        value["on_held"] = self.chance.choice(("deny", "preempt_if_higher", "contest"))
        value["window_ms"] = self.chance.choice((0, 500, 2000))
        self._set("terms", name, None if self.chance.random() < 0.05 else value)

    def _agent(self) -> None:
        name = self.chance.choice(("sales-2", "legal-2"))
        lane = name.partition("-")[0]
        roles = self.chance.choice(([lane], [lane, "backup"], ["backup"]))
        gone = self.chance.random() < 0.1
        self._set("agent", agent_id(name), None if gone else {"lane": lane, "roles": roles, "owner": STEWARD})

    def _suspend(self) -> None:
        if self._lifts and self.chance.random() < 0.3:
            self.say("bus.control.resume.v1", {"select": self._lifts.pop(), "reason": "enough"})
            return
        select: JsonObject = self.chance.choice(
            ({"agent": agent_id("sales-1")}, {"agent": agent_id("support-1")}, {"role": "legal"}, {"all": True})
        )
        self.say("bus.control.suspend.v1", {"select": select, "reason": "to see"})
        self._lifts.append(select)

        def lift() -> None:
            if select in self._lifts:
                self._lifts.remove(select)
                self.say("bus.control.resume.v1", {"select": select, "reason": "over"})

        self.world.timeline.after(self.chance.uniform(*RESUMES_IN_S), lift)


def _hash(value: JsonObject) -> str:
    from hashlib import sha256

    return sha256(canonical(value)).hexdigest()
