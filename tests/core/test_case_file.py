"""A case file fits on its page whatever it is about, says what is not in it, and tells what a person has to know."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bus.core.contest.contest import CANDIDATES_MAX, Ballot, Candidate, Contest, Electorate, Move, Seat
from bus.core.contest.electorate import SEATS_MAX
from bus.core.decision.contest_events import CaseChanged, CaseClosed, CaseOpened
from bus.core.decision.entries import Entry
from bus.core.decision.events import Event
from bus.core.log.records import Record, canonical
from bus.core.message.excerpts import cut, offset_of
from bus.core.outputs.case_file import FILE_BYTES_MAX, case_file
from bus.core.outputs.edition import CaseEvent, Edition, offsets_of
from bus.core.outputs.witness import Situation
from bus.core.policy.contracts import Contract
from bus.core.policy.control import Agent, Genesis, Registry
from bus.core.policy.terms import TURNS_MAX, EscalateTerms, Terms, VoteTerms
from bus.core.state.cases import HELD_MAX, Case, HeldAction, Wait
from bus.core.state.resource import Fact, Holding, Resource

ANA = "spiffe://acme/person/ana"
START_MS = 1_795_255_200_000
CLOSE = Contract("deals.deal.close.v1", 2, "json", "{}", topic="deals", guard=True, irreversible=True)
TERMS = Terms("deal", 3, freeze_above_cost=1000, waiting_costs=("reply_by", "stage"), vote=VoteTerms(("a", "b")))
CASE = Case("1.0.900.1", "claims", "ladder", EscalateTerms("revenue"), START_MS, START_MS + 900_000)
HOLDING = Holding("spiffe://acme/agent/deal-1", "c-1", 256, START_MS + 60_000, 60_000, o=1)
# What is dearest to write: a character of four bytes is twelve in ASCII JSON, a quote is two, a control character six.
DEAR = json.dumps({"reasoning": '\U0001f9fe"\\\x01' * 900, "reply_by": 1_795_257_000_000}).encode()
Json = dict[str, Any]  # Any: JSON


def record(o: int, value: bytes = DEAR) -> Record:
    headers = {
        "ce_type": b"bus.resource.claim.v1",
        "content-type": b"application/json",
        "bus-src": b"bus.in.x/0/%d" % o,
    }
    return Record("bus.arbiter", 0, o, START_MS, None, value, tuple(headers.items()))


def registry_of(resource: Resource, **more: Any) -> Registry:  # Any: parts of a registry
    """Everybody who competes or acts is registered, and may."""
    contest, case = resource.contest, resource.case
    named = {one.agent for one in (*(contest.candidates if contest else ()), *(case.parties if case else ()))}
    named |= {one.agent for one in resource.held} | {HOLDING.agent}
    agents = {agent: Agent(agent, "sales", frozenset({"sales"})) for agent in named - {""}}
    parts = {"contract_revisions": {CLOSE.ref: CLOSE}, "agents": agents, **more}
    return Registry(Genesis(1, "acme", 1, (ANA,)), {}, **parts)


def _edition(
    resource: Resource,
    records: dict[int, Record],
    what: CaseEvent | None = None,
    registry: Registry | None = None,
) -> Edition:
    case = resource.case
    assert case is not None
    what = what or CaseOpened(case.id, case.over, case.why, "revenue", case.due)
    event = Event(1, "deal/D-1", (), what)
    situation = Situation(resource, registry or registry_of(resource))
    return Edition(Entry(900, "tick", (event,), now=START_MS), event, what, situation, records)


def file_of(
    resource: Resource,
    records: dict[int, Record] | None = None,
    what: CaseEvent | None = None,
    registry: Registry | None = None,
) -> Json:
    edition = _edition(resource, records or {}, what, registry)
    everything = {o: record(o) for o in offsets_of(edition)} if records is None else records
    value = case_file(replace(edition, records=everything))
    assert len(value) <= FILE_BYTES_MAX
    found: Json = json.loads(value)
    assert canonical(found) == value
    return found


def _crowd(agent: str, over: str = "claims", seat: str = "seat-{}") -> Resource:
    """Everything at its maximum: claims, ballots that rank them all, offers, held actions."""
    candidates = tuple(
        Candidate(f"1.0.{n}.0", agent.format(n), f"c-{n}", frozenset({"sales"}), o=n) for n in range(CANDIDATES_MAX)
    )
    ranking = tuple(one.id for one in candidates)
    seats = tuple(Seat(seat.format(n), (agent.format(200 + n),)) for n in range(SEATS_MAX))
    ballots = tuple(
        Ballot(one.name, one.agents[0], ranking, "fit", 9000, is_list=True, decision=f"1.0.{200 + n}.0")
        for n, one in enumerate(seats)
    )
    moves = tuple(Move(n, ranking[n], "offer", ranking[n], f"1.0.{300 + n}.0") for n in range(TURNS_MAX))
    contest = Contest(
        *("1.0.0.0", "claims", TERMS, Electorate(seats), START_MS, START_MS, START_MS, candidates),
        ballots=ballots,
        moves=moves,
        case="ladder",
    )
    held = tuple(
        HeldAction(f"1.0.{400 + n}.0", 400 + n, agent.format(1), 256, CLOSE.type, CLOSE.ref, START_MS, "a" * 64)
        for n in range(HELD_MAX)
    )
    return Resource(holding=HOLDING, contest=contest, case=CASE, held=held)


def test_the_maximum_of_everything_is_all_there() -> None:
    """64 claims, 64 ballots and 32 held actions are all in a file of 64 KiB; only what was said is cut."""
    file = file_of(_crowd("spiffe://acme/agent/deal-{}"))
    assert [len(file[name]) for name in ("claims", "ballots", "actions")] == [CANDIDATES_MAX, SEATS_MAX, HELD_MAX]
    assert len(file["rulings"]) == CANDIDATES_MAX + 1
    assert file["left_out"]


@pytest.mark.parametrize("letters", [60, 128])
def test_the_longest_names_still_fit(letters: int) -> None:
    """With names as long as they may be lists become shorter; every ruling can still be given, and the file says so."""
    domain = "d" * 255
    file = file_of(_crowd(f"spiffe://{domain}/agent/{'n' * (letters - 3)}{{:03}}", seat="s" * 60 + "{}"))
    assert [one.get("candidate") for one in file["rulings"]] == [*(f"1.0.{n}.0" for n in range(64)), None]
    assert any("of 64 ballots" in note for note in file["left_out"])


def test_one_claim_has_two_kibibytes() -> None:
    """Of a single long message 2 KiB are shown, with its whole size and its hash."""
    crowd = _crowd("spiffe://acme/agent/deal-{}")
    assert crowd.contest is not None
    one = replace(crowd, contest=replace(crowd.contest, candidates=crowd.contest.candidates[:1], ballots=(), moves=()))
    [claim] = file_of(replace(one, held=()))["claims"]
    assert 2000 < len(canonical(claim["excerpt"])) <= 2048 + 2
    assert (claim["size"], len(claim["hash"]), claim["src"]) == (len(DEAR), 64, "bus.in.x/0/0")


def test_a_serializers_frame_is_not_shown() -> None:
    """Of a body that a schema registry's serializer framed the JSON is shown, and its fields are found."""
    crowd = _crowd("spiffe://acme/agent/deal-{}")
    framed = {n: record(n, b"\0\0\0\0\x07" + b'{"reply_by":9}') for n in range(500)}
    file = file_of(replace(crowd, held=crowd.held[:1]), framed)
    assert (file["actions"][0]["excerpt"], file["actions"][0]["size"]) == ('{"reply_by":9}', 19)
    assert {"name": "reply_by", "value": 9, "of": HOLDING.agent} in file["waiting_costs"]


def test_bytes_that_are_gone_are_said_to_be() -> None:
    """What bus.arbiter no longer keeps is missing, by name; everything else is there."""
    file = file_of(_crowd("spiffe://acme/agent/deal-{}"), {n: record(n, b"{}") for n in range(1, 64)})
    assert [("missing" in one, one["candidate"]) for one in file["claims"][:2]] == [
        (True, "1.0.0.0"),
        (False, "1.0.1.0"),
    ]
    assert all("missing" in one and one["hash"] for one in file["actions"])


def test_waiting_costs_are_facts_or_what_was_said() -> None:
    """A name of the terms is looked up among the facts, else in the claims and actions."""
    crowd = _crowd("spiffe://acme/agent/deal-{}")
    file = file_of(replace(crowd, facts={"stage": Fact("negotiation", START_MS)}, held=crowd.held[:1]))
    assert {"name": "stage", "value": "negotiation"} in file["waiting_costs"]
    assert {"name": "reply_by", "value": 1_795_257_000_000, "of": HOLDING.agent} in file["waiting_costs"]
    assert file["facts"] == {"stage": "negotiation"}


def approval(**changes: Any) -> Resource:  # Any: fields of a held action
    action = HeldAction(
        *("1.0.899.0", 899, HOLDING.agent, HOLDING.token, CLOSE.type, CLOSE.ref, START_MS + 5, "a" * 64),
        cost=2400,
    )
    case = replace(CASE, over="approval", why="over_limit")
    return Resource(holding=HOLDING, case=case, held=(replace(action, **changes),))


def test_an_approval_says_what_it_will_do() -> None:
    """Approve says what goes out, and that it cannot be called back; reject says what is refused."""
    approve, reject = file_of(approval())["rulings"]
    thaw = "deal/D-1 thaws, deal-1 keeps it"
    assert approve["effects"] == ["deals.deal.close.v1 of deal-1 is admitted", thaw]
    assert (approve["irreversible"], reject["irreversible"]) == (True, False)
    assert reject["effects"] == ["deals.deal.close.v1 of deal-1 is refused (ruled_out)", thaw]


def test_an_approval_that_comes_to_nothing_says_so() -> None:
    """An action under a token that is not current any more would be refused whatever the person says."""
    approve = file_of(approval(token=255))["rulings"][0]
    assert (approve["effects"][0], approve["irreversible"]) == (
        "deals.deal.close.v1 of deal-1 is refused (fenced)",
        False,
    )


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({}, f"stays frozen; next tier at {START_MS + 900_000}"),
        ({"tier": 1, "due": START_MS}, f"stays frozen; overdue at {START_MS}"),
        ({"tier": 1, "due": None}, "stays frozen until somebody rules: it is overdue"),
        (
            {"tier": 1, "due": START_MS, "escalate": EscalateTerms("revenue", on_expiry="release")},
            f"the case ends at {START_MS}: nobody is awarded anything, deal/D-1 thaws, deal-1 loses it",
        ),
    ],
)
def test_it_says_what_happens_if_nobody_does_anything(case: Json, said: str) -> None:
    """Silence never approves: the file names the next tier, or what the terms say about the last one's end."""
    resource = Resource(holding=HOLDING, case=replace(CASE, over="wait", why="wait", **case))
    assert file_of(resource)["if_nothing"] == said


def test_a_wait_says_who_waited_for_whom_and_why() -> None:
    """The wait that passed is over, but its case still tells of it."""
    waited = Wait("1.0.7.0", HOLDING.agent, "supplier/S-1", START_MS)
    parties = (Candidate("1.0.900.3", HOLDING.agent, "c-1", o=1),)
    case = replace(CASE, over="wait", why="wait", waited=waited, parties=parties)
    file = file_of(Resource(holding=HOLDING, case=case), {7: record(7, b'{"reason":"no dock"}'), 1: record(1)})
    assert file["waited"] == {"agent": HOLDING.agent, "for": "supplier/S-1", "until": START_MS, "reason": "no dock"}
    assert "1.0.7.0" in file["trail"]


def test_a_reserved_case_says_who_has_it() -> None:
    """Others see who reserved it and until when."""
    changed = CaseChanged(CASE.id, 2, 2, "reserved", 0, CASE.due, person=ANA, reserved_until=START_MS + 9)
    case = replace(CASE, rev=2, file_n=2, person=ANA, reserved_until=START_MS + 9)
    file = file_of(Resource(holding=HOLDING, case=case), what=changed)
    assert (file["person"], file["reserved_until"], file["n"], file["state"]) == (ANA, START_MS + 9, 2, "reserved")


def test_a_closed_case_says_how_and_why() -> None:
    """The last edition has the ruling, the person and the reason in full words."""
    closed = CaseClosed(CASE.id, 3, 2, "closed", "reject_all", ANA, "h" * 64)
    file = file_of(Resource(holding=HOLDING, case=CASE), {900: record(900, b'{"reason":"nobody is ready"}')}, closed)
    assert (file["ruling"], file["person"], file["reason"], file["rulings"]) == (
        "reject_all",
        ANA,
        "nobody is ready",
        [],
    )


def test_like_cases_are_alike() -> None:
    """Cases between the same roles have one hash, whoever the agents are; another verdict makes another."""
    one, other = _crowd("spiffe://acme/agent/deal-{}"), _crowd("spiffe://acme/agent/other-{}")
    assert file_of(one)["alike"] == file_of(other)["alike"]
    assert one.contest is not None
    ballot = replace(one.contest.ballots[0], reason="regulatory.asc606")
    vetoed = replace(one, contest=replace(one.contest, ballots=(ballot, *one.contest.ballots[1:])))
    assert file_of(vetoed)["alike"] != file_of(one)["alike"]


@pytest.mark.parametrize("bytes_max", [0, 1, 6, 7, 50, 100_000])
@pytest.mark.parametrize("text", ["", "plain words", "\U0001f9fe" * 50, '"\\\x01' * 50])
def test_a_cut_is_measured_as_it_is_written(text: str, bytes_max: int) -> None:
    """What is left of a text takes no more bytes of canonical JSON than it was given."""
    found = cut(text, bytes_max)
    assert len(canonical(found)) - 2 <= bytes_max or not found
    assert text.startswith(found.removesuffix("…"))


def test_the_offset_of_a_decision_is_its_record() -> None:
    """A decision id names the record it is about."""
    assert (offset_of("1.7.198.2"), offset_of("")) == (198, -1)
