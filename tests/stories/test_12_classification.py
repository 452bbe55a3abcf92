"""Story 12: five agents are asked what a document is; one is suspended in mid-ballot, one answers too late."""

from dataclasses import dataclass
from functools import partial

import pytest

from tests.stories.client import Json, Record, Sender
from tests.stories.world import World

ASK = "bus.contest.ask.v1"
SUSPEND = "bus.control.suspend.v1"
RESUME = "bus.control.resume.v1"
BALLOT_MS = 6_000
OPTIONS = ["invoice", "contract", "letter"]


@dataclass(frozen=True, slots=True)
class Registry:
    """The mail room that asks, the five that classify."""

    world: World
    intake: Sender
    classifiers: tuple[Sender, ...]

    def asks(self, document: str) -> Json:
        """The mail room asks what a document is."""
        body = {"question": "What is it?", "options": OPTIONS}
        return self.intake.ask(ASK, body, subject=f"document/{document}")

    def suspend(self, who: Sender) -> None:
        """An operator stops one of them; in force in every partition when this returns."""
        self._status(SUSPEND, who)

    def resume(self, who: Sender) -> None:
        """The operator lets it go on."""
        self._status(RESUME, who)

    def _status(self, kind: str, who: Sender) -> None:
        body = {"select": {"agent": who.source}, "reason": "contradicts itself"}
        answer = self.world.steward.ask(kind, body)
        self.world.control = int(answer["control"])
        outcomes = self.world.topic("bus.outcomes")
        for partition in outcomes.partitions:
            said = partial(_says, partition, str(answer["src"]))
            outcomes.find(said, f"the change is in force in partition {partition}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, with what came of it."""

    registry: Registry
    contest: Json
    settled: Json
    late: Json


@pytest.fixture(scope="module")
def registry(world: World) -> Registry:
    """Five seats, a majority, and a quorum of half of them."""
    classifiers = world.hire("classifiers", *((f"classifier-{n}", "classifier") for n in range(1, 6)))
    (intake,) = world.hire("intake", ("intake-1", "intake"))
    vote = {
        "seats": [one.source for one in classifiers],
        "method": "majority",
        "quorum_bp": 5_000,
        "ballot_ms": BALLOT_MS,
    }
    escalate = {"queue": "documents", "tiers_ms": [600_000], "reserve_ms": 60_000, "on_expiry": "stay_frozen"}
    terms = {"resource": "document", "ask": ["intake"], "ladder": ["vote", "human"], "vote": vote, "escalate": escalate}
    world.set("terms", "document", terms)
    for lane in ("classifiers", "intake"):
        world.await_in_force(lane)
    return Registry(world, intake, classifiers)


@pytest.fixture(scope="module")
def asked(registry: Registry) -> Asked:
    """Two say invoice, one says contract and is suspended, one says letter, one is late."""
    contest = registry.asks("DOC-1")
    first, second, suspended, fourth, tardy = registry.classifiers
    first.vote(contest, "invoice", "layout", confidence=8_000)
    suspended.vote(contest, "contract", "wording")
    registry.suspend(suspended)
    second.vote(contest, "invoice", "amounts")
    fourth.vote(contest, "letter", "style")
    settled = registry.intake.hear_about("settled", "document/DOC-1")
    late = tardy.vote(contest, "contract", "wording")
    registry.resume(suspended)
    return Asked(registry, contest, settled, late)


def test_the_majority_is_enforced(asked: Asked) -> None:
    """Two of the three valid ballots say invoice, and so it is one."""
    settled = asked.settled
    assert (settled["winner"], settled["by"]) == ("invoice", "vote")
    assert {name: count for name, count in settled["tally"].items() if count} == {"invoice": 2, "letter": 1}


def test_it_is_published_with_its_ballots(asked: Asked) -> None:
    """Everybody may read the outcome and who said what, now that the vote is closed."""
    decision = asked.settled["decision"]
    outcome = asked.registry.world.topic("bus.outcomes").find(
        lambda record: record.json["decision"] == decision, "the outcome of the vote is public"
    )
    told = {(ballot["agent"].rpartition("/")[2], ballot["choice"]) for ballot in outcome.json["ballots"]}
    assert told == {("classifier-1", "invoice"), ("classifier-2", "invoice"), ("classifier-4", "letter")}


def test_the_suspended_one_is_void(asked: Asked) -> None:
    """The ballot of the one that was suspended before the close is not among those that counted."""
    agents = {ballot["agent"] for ballot in asked.settled["ballots"]}
    assert asked.registry.classifiers[2].source not in agents


def test_who_answers_after_the_close_is_late(asked: Asked) -> None:
    """The fifth is told that it is late; nothing of the outcome changes."""
    assert (asked.late["kind"], asked.late["reason"]) == ("refused", "late")


def test_ballots_were_secret_until_then(asked: Asked) -> None:
    """Before the close the world heard who voted, and not what."""
    subject = asked.contest["subject"]
    voted = asked.registry.world.topic("bus.outcomes").all(
        lambda record: record.json["kind"] == "voted" and record.json["subject"] == subject
    )
    assert len(voted) == 4
    assert not [record for record in voted if "choice" in record.json]


def test_the_quorum_is_that_of_all_seats(registry: Registry) -> None:
    """With a void ballot and two silent seats, two of five are too few (of four they were enough): a person decides."""
    contest = registry.asks("DOC-2")
    first, second, suspended = registry.classifiers[:3]
    suspended.vote(contest, "contract", "wording")
    registry.suspend(suspended)
    for who in (first, second):
        who.vote(contest, "invoice", "layout")
    opened = registry.world.topic("bus.outcomes").find(
        lambda record: record.json["kind"] in ("case_opened", "settled") and record.json["subject"] == "document/DOC-2",
        "the vote ends",
    )
    registry.resume(suspended)
    assert opened.json["kind"] == "case_opened"


def _says(partition: int, src: str, record: Record) -> bool:
    return record.partition == partition and bool(record.json["src"] == src)
