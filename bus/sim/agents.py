"""The agents of a run: they claim, renew, act and give back, compete, sit in judgement, wait, and get things wrong."""

from typing import Any

from bus.sim import company
from bus.sim.actor import Actor
from bus.sim.control import agent_id
from bus.sim.world import World

RESOURCE = "bus.resource"
CHOICES = ("approve", "approve", "reject", "abstain", "yes", "no")
REASONS = ("fine", "bad.tone", "regulatory.asc606")


class Agent(Actor):
    """One agent, who remembers what it holds and what is asked of it."""

    def __init__(self, world: World, name: str, lane: str, *, mean_s: float) -> None:
        super().__init__(world, agent_id(name), lane, mean_s=mean_s)
        self._held: dict[str, int] = {}
        self._lost: list[tuple[str, int]] = []
        self._claims: dict[str, str] = {}
        self._seats: dict[str, dict[str, Any]] = {}  # Any: JSON
        self._turns: dict[str, dict[str, Any]] = {}
        self._done: list[str] = []
        self._waits: list[tuple[str, str]] = []

    def hear(self, event: dict[str, Any]) -> None:  # Any: JSON
        """What changes what it may do."""
        subject, is_own = event.get("subject", ""), event.get("agent") == self.source
        match event["kind"]:
            case "granted" | "confirmed" | "renewed" if is_own:
                self._held[subject] = event["token"]
            case "ended" if is_own:
                self._lost.append((subject, self._held.pop(subject, event["token"])))
            case "contest_opened" | "rung":
                if event["kind"] == "contest_opened" or event.get("rung") == "vote":
                    self._seats[event.get("contest", event["decision"])] = event
            case "settled":
                self._seats.pop(event["contest"], None)
                self._turns.pop(event["contest"], None)
            case "turn":
                self._turns[event["contest"]] = event
            case "action_admitted" if is_own:
                self._done.append(event["decision"])
            case "waiting" if is_own:
                self._waits.append((subject, event["wait"] if "wait" in event else event["decision"]))
            case _:
                pass

    def act(self) -> None:
        """What is asked of it mostly comes first."""
        if self._turns and self.chance.random() < 0.8:
            return self._answer()
        if self._seats and self.chance.random() < 0.7:
            return self._vote()
        draw = self.chance.random()
        if draw < 0.34:
            return self._claim()
        if draw < 0.74 and self._held:
            return self._use()
        if draw < 0.80 and self._lost:
            return self._believe()
        if draw < 0.86:
            return self._blunder()
        return self._chat()

    # ---- claims and what is held ------------------------------------------------------------------------

    def _claim(self) -> None:
        subject = self.chance.choice(company.SUBJECTS)
        body = {"lease_ms": self.chance.choice((1, 500, 5000))} if self.chance.random() < 0.15 else {}
        self._claims[subject] = self.say(f"{RESOURCE}.claim.v1", body, subject=subject)
        if self.chance.random() < 0.1:
            self.say(f"{RESOURCE}.withdraw.v1", {"claim": self._claims[subject]}, subject=subject)

    def _use(self) -> None:
        subject = self.chance.choice(sorted(self._held))
        token, draw = self._held[subject], self.chance.random()
        if draw < 0.3:
            self.say(f"{RESOURCE}.renew.v1", {"token": token}, subject=subject)
        elif draw < 0.75:
            self._do(subject, token)
        elif draw < 0.85:
            others = [agent_id(name) for name in ("sales-1", "sales-2", "support-1", "legal-1")]
            whom = self.chance.choice([one for one in others if one != self.source])
            body = {"for": whom, "until": int(self.world.timeline.wall_ms()) + 8000, "reason": "asked"}
            self.say("bus.agent.wait.v1", body, subject=subject)
        else:
            body = {"token": token}
            if self.chance.random() < 0.4:
                body["to"] = agent_id(self.chance.choice(("sales-1", "support-1", "legal-1")))
            self.say(f"{RESOURCE}.release.v1", body, subject=subject)

    def _do(self, subject: str, token: int) -> None:
        kind = subject.partition("/")[0]
        if kind == "deal":
            cost = self.chance.choice((1, 100, 2000))
            self.say(company.CLOSE, {"cost": cost}, subject=subject, token=token)
        elif self.chance.random() < 0.4:
            self.say(company.CALL, {}, subject=subject, token=token)
        else:
            self.say(company.MAIL, {"to": "ada", "words": self.chance.choice((1, 99))}, subject=subject, token=token)

    def _believe(self) -> None:
        """Act as if it held what it has lost: it must be fenced."""
        subject, token = self.chance.choice(self._lost[-5:])
        kind = self.chance.choice(("renew", "release", "act"))
        if kind == "act":
            self._do(subject, token)
        else:
            self.say(f"{RESOURCE}.{kind}.v1", {"token": token}, subject=subject)

    # ---- what is asked of it ----------------------------------------------------------------------------

    def _vote(self) -> None:
        contest, event = self.chance.choice(sorted(self._seats.items()))
        if self.chance.random() < 0.6:
            self._seats.pop(contest)
        choices = [*CHOICES, *(one for one in event.get("candidates", ()) if isinstance(one, str))]
        choices += [one["id"] for one in event.get("candidates", ()) if isinstance(one, dict) and "id" in one]
        body = {
            "contest": contest,
            "choice": self.chance.choice(choices),
            "reason": self.chance.choice(REASONS),
        }
        self.say("bus.contest.vote.v1", body, subject=event.get("subject", ""))

    def _answer(self) -> None:
        contest, event = self.chance.choice(sorted(self._turns.items()))
        self._turns.pop(contest)
        body: dict[str, Any] = {"contest": contest, "turn": event["turn"]}  # Any: JSON
        if event.get("standing") and self.chance.random() < 0.5:
            self.say("bus.contest.accept.v1", body, subject=event["subject"])
        elif self.chance.random() < 0.85:
            outcome = f"award:{self.source}" if self.chance.random() < 0.7 else "nobody"
            self.say("bus.contest.offer.v1", {**body, "outcome": outcome}, subject=event["subject"])
        else:
            self.say("bus.contest.quit.v1", body, subject=event["subject"])

    # ---- everything else --------------------------------------------------------------------------------

    def _chat(self) -> None:
        draw = self.chance.random()
        lead = self.chance.choice(company.SUBJECTS[:2])
        if draw < 0.3:
            self.say(company.STAGE, {"stage": self.chance.choice(("won", "lost"))}, subject=lead)
        elif draw < 0.5:
            self.say(company.NOTE, {"text": "hello"})
        elif draw < 0.6:
            self.say(company.PING, {})
        elif draw < 0.75:
            body = {"question": "which", "options": ["yes", "no"]}
            self.say("bus.contest.ask.v1", body, subject=lead)
        elif draw < 0.9 and self._done:
            body = {"decision": self.chance.choice(self._done[-5:]), "result": "done"}
            self.say("bus.action.report.v1", body, subject=lead)
        elif self._waits:
            subject, wait = self._waits.pop()
            self.say("bus.agent.resume.v1", {"wait": wait}, subject=subject)

    def _blunder(self) -> None:
        """Something nobody should say."""
        lead, draw = self.chance.choice(company.SUBJECTS), self.chance.random()
        if draw < 0.2:
            self.say(f"{RESOURCE}.renew.v1", {"token": self.chance.randrange(2**50)}, subject=lead)
        elif draw < 0.4:
            self.say(company.MAIL, {"to": "ada", "words": 101}, subject=company.SUBJECTS[0], token=1)
        elif draw < 0.5:
            self.say(f"{RESOURCE}.claim.v1", {"unknown": True}, subject=lead)
        elif draw < 0.6:
            self.say(f"{RESOURCE}.revoke.v1", {"reason": "mine"}, subject=lead)
        elif draw < 0.7:
            self.say(
                "bus.case.rule.v1", {"case": "1.0.0.0", "rev": 1, "ruling": "approve", "reason": "x"}, subject=lead
            )
        elif draw < 0.8 and self._count > 1:
            self.say(company.NOTE, {"text": "another"}, identifier=f"{self.name}-{self._count - 1}")
        else:
            self._noise()

    def _noise(self) -> None:
        headers: tuple[tuple[str, bytes | None], ...] = (("ce_id", b"x"), ("bus-from", b"sales"), ("ce_type", None))
        self.send(headers[: self.chance.randrange(4)], self.chance.randbytes(self.chance.randrange(40)))
