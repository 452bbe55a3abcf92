"""Story 13, in contests: an agent is suspended that competes, acts under review, and holds what is frozen."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.stories.client import Json, Sender
from tests.stories.world import World

SUSPEND = "bus.control.suspend.v1"
RESUME = "bus.control.resume.v1"
CLAIM = "bus.resource.claim.v1"
WINDOW_MS = 4_000


@dataclass(frozen=True, slots=True)
class Yard:
    """An agent that will be suspended, and one that goes on."""

    world: World
    looper: Sender
    colleague: Sender
    judge: Sender
    person: Sender

    def status(self, kind: str) -> Json:
        """The operator's word on the agent."""
        answer = self.world.steward.ask(kind, {"select": {"agent": self.looper.source}, "reason": "runs in a loop"})
        self.world.control = int(answer["control"])
        return answer


@pytest.fixture(scope="module")
def yard(world: World) -> Yard:
    """Tools to compete for, and orders that are reviewed."""
    escalate = {"queue": "yard", "tiers_ms": [600_000], "reserve_ms": 60_000, "on_expiry": "stay_frozen"}
    tool = {"resource": "tool", "window_ms": WINDOW_MS, "lease_ms": 600_000, "ladder": ["first_come", "human"]}
    world.set("terms", "tool", tool | {"escalate": escalate})
    veto = [{"role": "yard-judge", "reasons": ["stop.*"], "then": "human"}]
    crane = {"resource": "crane", "lease_ms": 600_000, "ladder": ["vote", "human"], "veto": veto}
    vote = {"seats": ["yard-judge"], "ballot_ms": 60_000}
    world.set("terms", "crane", crane | {"vote": vote, "escalate": escalate})
    world.set("contract", LIFT, CONTRACT)
    looper, colleague = world.hire("yard-c", ("looper-c", "yard"), ("colleague-c", "yard"))
    (judge,) = world.hire("judge-c", ("judge-c", "yard-judge"))
    person = world.enrol("yuri", "yard")
    world.await_in_force("yard-c")
    return Yard(world, looper, colleague, judge, person)


LIFT = "yard.crane.lift.v1"
CONTRACT: Json = {
    "contract": {
        "type": LIFT,
        "topic": "logistics",
        "resource": "crane",
        "key": "/crane",
        "guard": True,
        "review": {"seats": ["yard-judge"], "ballot_ms": 60_000},
        "compatibility": "NONE",
    },
    "format": "json",
    "schema": '{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["crane"],'
    '"properties":{"crane":{"type":"string"}},"additionalProperties":false}',
    "ids": [],
    "guids": [],
}


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the agent had begun when it was suspended: claims, an action under review, a frozen subject."""

    yard: Yard
    held: dict[str, Json]
    case: str


@pytest.fixture(scope="module")
def stopped(yard: Yard) -> Iterator[Stopped]:
    """It competes for a tool, has a lift under review, and another for which a person was called."""
    held = {}
    for crane in ("C-1", "C-2"):
        token = int(yard.looper.claim(f"crane/{crane}")["token"])
        held[crane] = yard.looper.ask(LIFT, {"crane": crane}, subject=f"crane/{crane}", token=token)
    contest = yard.judge.hear_about("contest_opened", "crane/C-2")
    yard.judge.vote(contest, "reject", "stop.wind")
    case = str(yard.looper.hear_about("frozen", "crane/C-2")["case"])
    for who in (yard.looper, yard.colleague):
        who.say(CLAIM, {}, subject="tool/T-1")
        who.hear_about("joined", "tool/T-1")
    yard.status(SUSPEND)
    yield Stopped(yard, held, case)
    yard.status(RESUME)


def test_its_claim_is_void_and_the_others_go_on(stopped: Stopped) -> None:
    """It claimed first, and first come wins here; but its claim is denied, and the colleague gets the tool."""
    denied = stopped.yard.looper.hear_about("denied", "tool/T-1")
    granted = stopped.yard.colleague.hear_about("granted", "tool/T-1")
    assert denied["reason"] == "suspended"
    assert (granted["agent"], granted["by"]) == (stopped.yard.colleague.source, "uncontested")


def test_what_it_had_under_review_is_refused(stopped: Stopped) -> None:
    """The review ends without a winner, the held lift never goes, and the crane is free for others."""
    refused = stopped.yard.looper.hear_about("action_refused", "crane/C-1")
    settled = stopped.yard.looper.hear_about("settled", "crane/C-1")
    claimed = stopped.yard.colleague.claim("crane/C-1")
    assert (refused["reason"], refused["held"]) == ("suspended", stopped.held["C-1"]["decision"])
    assert settled["winner"] == "none"
    assert claimed["kind"] == "granted"


def test_a_freeze_outlives_its_holder(stopped: Stopped) -> None:
    """Suspension beats the freeze: the holding ends, yet the crane stays frozen and the case has a new revision."""
    ended = stopped.yard.looper.hear_about("ended", "crane/C-2")
    denied = stopped.yard.colleague.claim("crane/C-2")
    file = stopped.yard.world.case_file(stopped.case, lambda one: one["rev"] > 1)
    assert ended["reason"] == "revoked"
    assert denied["reason"] == "frozen"
    assert file.get("holder") is None


def test_nothing_of_it_was_lifted(stopped: Stopped) -> None:
    """Neither crane moved: no lift is on the topic, whatever becomes of the case."""
    lifts = [one for one in stopped.yard.world.topic("logistics").all() if one.header("ce_type") == LIFT]
    assert lifts == []
