"""One random script on a real bus: it says what fits what the bus has answered so far, as the generator would."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.acceptance.outgoing import now_ms
from tests.acceptance.wire import canonical, sha256, time_text
from tests.contests.cast import START_MS, ArbiterLog
from tests.contests.game import PAUSES_MS, Game, Maker
from tests.contests.generate import _begin, _step
from tests.contests.oracle.log import Json, Raw
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.oracle.subject import Subject
from tests.contests.play import Play
from tests.contests.random_terms import random_terms
from tests.contests.real_cast import EVERYBODY, RESOURCES, Troupe
from tests.contests.told import Names

Send = Callable[[str, tuple[tuple[str, bytes], ...], bytes], None]

STEPS = (15, 40)
# Mostly the next word fits the answer to the last one; now and then somebody speaks without waiting for it.
HASTE = 0.1
PATIENCE_MS = 20_000
# Terms come into force before the first word.
IN_FORCE_MS = 60_000
# Around a deadline: just before, just after, and so much after that its tick has been written.
NEAR_MS = (-60, -30, -5, 0, 5, 150)
SET = "bus.control.set.v1"


@dataclass(slots=True)
class RealLog(ArbiterLog):
    """What a script says, as a stock producer sends it to a lane."""

    scene: Scene | None = None

    def say(
        self,
        source: str,
        kind: str,
        body: Json,
        *,
        at_ms: int,  # noqa: ARG002 on a real bus the broker says when
        lane: str,
        subject: str = "",
        named: str = "",
        token: int | None = None,
        expires_ms: int | None = None,
        values: Json = None,
    ) -> Raw:
        """Send it now, in the names and times of the bus."""
        scene = self.scene
        assert scene is not None
        troupe = scene.troupe
        number = len(self.records)
        headers = {
            "ce_specversion": "1.0",
            "ce_id": scene.claim_id(named or f"m{number}"),
            "ce_source": troupe.id_of(source),
            "ce_type": troupe.type_of(kind, subject.partition("/")[0]),
            "ce_time": time_text(now_ms()),
            "content-type": "application/json",
        }
        headers |= {"ce_subject": scene.subjects[subject]} if subject else {}
        headers |= {} if token is None else {"ce_bustoken": str(token)}
        headers |= {} if expires_ms is None else {"ce_expirytime": time_text(scene.real_ms(expires_ms))}
        made = scene.domain_body(subject, values) if not kind.startswith("bus.") else scene.bus_body(kind, body)
        value = troupe.body(json.dumps(made), scene.gen, scene.p).encode()
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        scene.awaited.add(headers["ce_id"])
        scene.send(f"bus.in.{troupe.lane(lane)}", pairs, value)
        # A script finds what a lane said last by the lane's name in it.
        return self.append((*pairs, ("bus-from", lane.encode())), value, number)


@dataclass(slots=True)
class Scene:
    """One script under way on the bus."""

    seed: int
    troupe: Troupe
    gen: int
    p: int
    subjects: dict[str, str]
    send: Send
    registry: Registry
    base_ms: int = 0
    steps: int = 0
    given_up_ms: float = 0
    awaited: set[str] = field(default_factory=set)
    queue: deque[tuple[float, str]] = field(default_factory=deque)
    log: RealLog = field(default_factory=RealLog)
    random: Random = field(default_factory=Random)
    maker: Maker | None = None

    @property
    def is_over(self) -> bool:
        """Whether everything has been said."""
        return self.steps <= 0 and not self.queue

    def begin(self, oracle: Oracle) -> None:
        """Put back what the script before it changed, set terms, and let the first speak."""
        self.random, self.base_ms, self.log.scene = Random(self.seed), now_ms(), self
        play = Play(_nobody_decides, self.log, Names())
        self.maker = RealMaker(self.random, Game(oracle, play), scene=self)
        self._put_back()
        for resource in RESOURCES:
            words = f"ana sets terms {resource} {random_terms(self.random, resource)}"
            self.say(words)
        self.steps = self.random.randint(*STEPS)
        self.given_up_ms = now_ms() + IN_FORCE_MS

    def go_on(self, oracle: Oracle, at_ms: float) -> None:
        """Say what is due."""
        while self.queue and self.queue[0][0] <= at_ms:
            self.say(self.queue.popleft()[1])
        waits = self.awaited and at_ms < self.given_up_ms
        if self.queue or waits or self.is_over:
            return
        assert self.maker is not None
        self.awaited.clear()
        self.maker.game.oracle = self._seen(oracle)
        self.maker.now_ms = round((at_ms - self.base_ms) / self.troupe.speed)
        if not self.maker.lines:
            _begin(self.maker)
        _step(self.maker)
        self.steps -= 1
        self.given_up_ms = at_ms + (0 if self.random.random() < HASTE else PATIENCE_MS)

    def say(self, words: str) -> None:
        """One line of the script, now."""
        assert self.maker is not None
        said, play = words.split(), self.maker.game.play
        if said[0] == "alien":
            self.send(f"bus.arbiter/{self.p}", (("ce_type", b"leads.note.add.v1"),), b"{}")
        elif said[1:] == ["again"]:
            self._again(said[0])
        elif said[1:3] == ["suspends", "all"] or said[1:3] == ["resumes", "all"]:
            self._say_line(play, f"0 ana {said[1]} role {EVERYBODY}")
        else:
            self._say_line(play, f"0 {words}")

    def hear(self, raw: Raw, entry: Json) -> None:
        """The bus has decided on a record of this script's subjects, or of its steward."""
        self.awaited.discard(raw.last("ce_id") or "")
        assert self.maker is not None
        text = json.dumps(entry, default=lambda _: None)
        text = re.sub(rf'"{self.gen}\.{self.p}\.(\d+\.\d+)"', r'"1.0.\1"', text).replace(f'"s{self.seed}.', '"')
        for name, subject in self.subjects.items():
            text = text.replace(f'"{subject}"', f'"{name}"')
        ours = json.loads(text)
        ours["events"] = [event for event in ours["events"] if event.get("subject") in self.subjects]
        self.maker.game.play.names.learn(ours)

    # ---- from a script's words to the bus's ------------------------------------------------------------

    def claim_id(self, name: str) -> str:
        """A message id: unique for its sender, whichever script it plays in."""
        return f"s{self.seed}.{name}"

    def real_ms(self, script_ms: int) -> int:
        """A moment that the script names."""
        return self.base_ms + round((script_ms - START_MS) * self.troupe.speed)

    def domain_body(self, subject: str, values: Json) -> Json:
        """The body of a domain's message, with what its contract's pointers find."""
        body = {"id": self.subjects[subject].partition("/")[2]}
        body |= {"amount_cents": values["cost"]} if "cost" in values else {}
        return body | ({"value": values["fact"]["stage"]} if "fact" in values else {})

    def bus_body(self, kind: str, body: Json) -> Json:
        """The body of a message of the bus's own."""
        made = dict(body)
        if "until" in made:
            made["until"] = self.real_ms(made["until"])
        if "lease_ms" in made:
            made["lease_ms"] = self.troupe.scaled_ms(made["lease_ms"])
        if kind == "bus.resource.withdraw.v1":
            made["claim"] = self.claim_id(made["claim"])
        if "role" in made.get("select", {}):
            made["select"] = {"role": self.troupe.role(made["select"]["role"])}
        return self._control(made) if kind == SET else made

    def _control(self, body: Json) -> Json:
        kind, name, value = body["kind"], body["name"], body["value"]
        if kind == "terms":
            name, value = self.troupe.resource(name), value and self.troupe.terms(value)
        elif kind == "agent":
            name, value = self.troupe.agent_value(name, value["lane"], value["roles"])
        else:
            name, value = self.troupe.id_of(name), self.troupe.person_value(value)
        current = self.registry.values.get(f"{kind}/{name}")
        return {"kind": kind, "name": name, "value": value, "base": current and sha256(canonical(current))}

    def _say_line(self, play: Play, line: str) -> None:
        play._record(line.split())

    def _again(self, who: str) -> None:
        """Somebody's last message once more: the gate knows it, or it comes behind the gate's back."""
        said = [raw for raw in self.log.records if raw.last("bus-from") == who]
        if said:
            lane = self.troupe.lane("operators" if who == "ana" else who)
            self.send(f"bus.in.{lane}", said[-1].headers[:-1], said[-1].value)

    def _put_back(self) -> None:
        for kind, name, value in self.troupe.what_is_set():
            key = f"{kind}/{name}"
            if kind != "contract" and self.registry.values.get(key) != value:
                self._tell(SET, {"kind": kind, "name": name, "value": value}, key)
        for key, value in self.registry.values.items():
            mine = (f"suspended/agent/spiffe://{self.troupe.mark}/", f"suspended/role/{self.troupe.mark}-")
            if key.startswith(mine) and value:
                self._tell("bus.control.resume.v1", {"select": value["select"], "reason": "another script"}, "")

    def _tell(self, kind: str, body: Json, key: str) -> None:
        current = self.registry.values.get(key)
        body = body if not key else {**body, "base": current and sha256(canonical(current))}
        number = len(self.log.records)
        headers = {
            "ce_specversion": "1.0",
            "ce_id": self.claim_id(f"m{number}"),
            "ce_source": self.troupe.owner,
            "ce_type": kind,
            "ce_time": time_text(now_ms()),
            "content-type": "application/json",
        }
        self.awaited.add(headers["ce_id"])
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        self.send("bus.in.operators", pairs, json.dumps(body).encode())
        self.log.append((*pairs, ("bus-from", b"operators")), b"", number)

    def _seen(self, oracle: Oracle) -> Oracle:
        """What the oracle knows of this script's subjects, by the names they have in it."""
        known = {
            name: oracle.subjects[subject] for name, subject in self.subjects.items() if subject in oracle.subjects
        }
        return Oracle(oracle.registry, oracle.gen, oracle.partition, oracle.now, known)


@dataclass(slots=True)
class RealMaker(Maker):
    """Makes the next words by what is open, and says them when their time comes."""

    scene: Scene | None = None

    def say(self, words: str) -> None:
        """A little later; now and then about the very next deadline."""
        assert self.scene is not None
        at_ms = now_ms() + self.random.choice(PAUSES_MS) * self.scene.troupe.speed
        due = self.game.oracle.next_deadline()
        if due is not None and due > at_ms and self.random.random() < 0.2:
            at_ms = min(due + self.random.choice(NEAR_MS), at_ms + 60_000 * self.scene.troupe.speed)
        self._queue(at_ms, words)

    def say_at_once(self, words: str) -> None:
        """With what was said before it."""
        self._queue(0, words)

    def say_stalled(self, words: str) -> None:
        """As ever: no lane of a quiet bus lags behind."""
        self.say(words)

    def subject(self, name: str) -> Subject:
        """What the oracle knows of a subject."""
        return self.game.oracle.subjects.get(name, Subject(name))

    def _queue(self, at_ms: float, words: str) -> None:
        assert self.scene is not None
        queue = self.scene.queue
        queue.append((max(at_ms, queue[-1][0] if queue else 0), words))
        self.lines.append(f"0 {words}")


def _nobody_decides(raw: Raw) -> Json:
    raise AssertionError(f"a record of {raw.offset} is decided by the bus")
