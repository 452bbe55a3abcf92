"""A deal is vetoed, waits for a person through a restart of everything, and goes out as the bytes that were sent."""

import base64
import json

from bus.core.log.records import digest
from bus.shell import cluster, kafka
from tests.engine.conftest import Answer, World, header, until

TOPIC = "pacts"
SIGN = "pacts.pact.sign.v1"
BOB = "spiffe://acme/person/bob"
SIGNED = b'{ "signed" :  true,\n "by":"\\u00e4lteste" }'  # as nobody's serializer would write it
STAGES = ("gate", "arbiter", "publisher")


def _set_up(world: World) -> tuple[str, str]:
    """A holder and a seat, a guarded action that the seat reviews, terms with a veto, and a person."""
    cluster.create_topics(kafka.admin(world.config), [cluster.governed_plan(TOPIC, 1)], replication=1)
    holder, seat = world.lane("pact"), world.lane("court")
    contract = {"type": SIGN, "topic": TOPIC, "resource": "pact", "guard": True, "irreversible": True}
    contract["review"] = {"seats": ["court"], "ballot_ms": 60_000}
    world.set("contract", SIGN, {"contract": contract, "format": "json", "schema": '{"type":"object"}'})
    veto = {"role": "court", "reasons": ["regulatory.*"], "then": "human"}
    world.set("terms", "pact", {"resource": "pact", "veto": [veto], "escalate": {"queue": "revenue"}})
    world.set("person", BOB, {"roles": ["resolver"], "queues": ["revenue"]})
    return holder, seat


def _files(world: World, case: str) -> list[tuple[str, Answer]]:
    """The hash of each edition of a case's file, and the file."""
    found = [message for p in range(3) for message in world.read("bus.escalations", p)]
    return [(digest(one.value()), json.loads(one.value())) for one in found if one.key() == case.encode()]


def _edition(world: World, case: str, n: int) -> tuple[str, Answer]:
    return until(
        lambda: next((one for one in _files(world, case) if one[1]["n"] == n), None),
        f"no edition {n} of case {case} on bus.escalations",
    )


def _heard(world: World, lane: str, kind: str) -> Answer:
    return until(
        lambda: next((one for one in world.answers(lane) if one["kind"] == kind), None),
        f"no {kind} on bus.out.{lane}",
    )


def _ask(world: World, kind: str, case: str, rev: int, **more: str) -> Answer:
    """What the person hears of what it does with the case."""
    body = {"case": case, "rev": rev, **more}
    return world.answer("desk", world.send("desk", kind, body, source=BOB, subject="pact/P-1"))


def test_a_held_action_goes_out_as_it_came(world: World) -> None:
    """Review, veto, case, restart, approval: the governed topic gets the exact bytes, and the files say all of it."""
    world.started(*STAGES)
    holder, seat = _set_up(world)
    claim = world.send("pact", "bus.resource.claim.v1", {}, source=holder, subject="pact/P-1")
    token = world.answer("pact", claim)["token"]
    world.send("pact", SIGN, SIGNED, source=holder, subject="pact/P-1", bustoken=str(token))

    opened = _heard(world, "court", "contest_opened")
    assert base64.b64decode(opened["record"]["value_base64"]) == SIGNED
    assert opened["record"]["source"] == holder
    assert "record" not in _heard(world, "pact", "contest_opened")

    ballot = {"contest": opened["decision"], "choice": "reject", "reason": "regulatory.asc606", "reasoning": "too soon"}
    world.send("court", "bus.contest.vote.v1", ballot, source=seat, subject="pact/P-1")
    case = _heard(world, "court", "case_opened")
    file_hash, file = _edition(world, case["case"], 1)
    assert file_hash == case["file_hash"]
    assert file["why"] == {"reason": "veto", "detail": "court vetoed it: regulatory.asc606"}
    assert [(one["veto"], one["reasoning"]) for one in file["ballots"]] == [(True, "too soon")]
    assert file["actions"][0]["excerpt"].encode() == SIGNED

    world.stop_all()
    world.started(*STAGES)
    reserved = _ask(world, "bus.case.reserve.v1", case["case"], 1)
    file_hash, again = _edition(world, case["case"], 2)
    assert (file_hash, again["person"]) == (reserved["file_hash"], BOB)
    assert [again[name] for name in ("actions", "ballots")] == [file[name] for name in ("actions", "ballots")]

    closed = _ask(world, "bus.case.rule.v1", case["case"], 2, ruling="approve", reason="The rule does not apply.")
    assert (closed["kind"], closed["ruling"]) == ("case_closed", "approve")
    assert _edition(world, case["case"], 3)[1]["reason"] == "The rule does not apply."
    [published] = until(
        lambda: world.read(TOPIC, isolation="read_committed") or None, "nothing was published to the governed topic"
    )
    assert published.value() == SIGNED
    assert header(published, "bus-token") == str(token).encode()
    admitted = _heard(world, "pact", "action_admitted")
    assert header(published, "bus-decision") == admitted["decision"].encode()
    assert admitted["o"] < int(admitted["decision"].split(".")[2])
