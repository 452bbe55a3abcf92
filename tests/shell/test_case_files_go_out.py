"""What goes out with contests and cases, for every script of contests: sealed, bounded, hashed, the same once more."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bus.core.log.journal import Tip, parse_segment, seal
from bus.core.log.records import Output, Record, digest
from bus.core.log.topics import ESCALATIONS, OUTCOMES
from bus.core.outputs.case_file import FILE_BYTES_MAX
from bus.core.policy.control import Registry
from bus.shell.arbiter_stage import OUTPUT_BYTES_MAX, ArbiterStage
from bus.shell.catalogue import built_in_contracts
from bus.shell.metrics import Metrics
from tests.contests.against_core import lines_of_seed
from tests.contests.cast import ANA
from tests.contests.core import GENESIS, PARTITION, record_of
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry as OracleRegistry
from tests.contests.oracle.sending import for_lanes, public
from tests.contests.play import Play
from tests.rules.scripts_reader import Script, read_scripts

SCRIPTS = read_scripts(Path(__file__).parents[1] / "contests" / "scripts")
SEEDS = range(25)
METRICS = Metrics()
Json = dict[str, Any]  # Any: JSON


@dataclass
class Run:
    """The records of some lines, judged by a stage: its segments and what it sends."""

    records: list[Record]
    segments: list[bytes] = field(default_factory=list)
    sent: list[Output] = field(default_factory=list)
    file_bytes: list[int] = field(default_factory=list)  # of the case files of each segment

    def stage(self) -> ArbiterStage:
        """A stage that knows nothing yet."""
        registry = Registry(GENESIS, built_in_contracts())
        return ArbiterStage(PARTITION, "id", registry, METRICS, lambda offsets: {o: self.records[o] for o in offsets})

    def judge(self) -> None:
        """Judge all records, a few at a time."""
        stage, tip, rest = self.stage(), Tip(), list(self.records)
        while rest:
            draft, count = stage.draft(rest[:50], poison=None)
            assert draft is not None
            value, tip = seal(tip, draft.body, draft.items)
            self.segments.append(value)
            self.sent += draft.outputs
            files = (one.value or b"" for one in draft.outputs if one.topic == ESCALATIONS)
            self.file_bytes.append(sum(map(len, files)))
            del rest[:count]

    def sent_again(self) -> list[Output]:
        """What a new owner sends that does not know whether any of it was sent."""
        stage = self.stage()
        for value in self.segments:
            segment = parse_segment(value)
            assert segment is not None
            stage.fold(segment, is_published=False)
        drafts = stage.redraft({record.offset: record for record in self.records})
        return [output for draft in drafts for output in draft.outputs]

    def events(self) -> dict[str, Json]:
        """The journal's events by their decisions."""
        found: dict[str, Json] = {}
        for value in self.segments:
            for entry in (parse_segment(value) or {})["entries"]:
                for event in entry["events"]:
                    found[f"{GENESIS.gen}.{PARTITION}.{entry['o']}.{event['n']}"] = event
        return found

    def bodies(self, topic: str) -> list[tuple[str, Json]]:
        """Decision and body of everything sent to topics that begin so."""
        return [(one.id, json.loads(one.value or b"{}")) for one in self.sent if one.topic.startswith(topic)]


def _run(given: Sequence[str], lines: Sequence[str]) -> Run:
    play = Play(Oracle(OracleRegistry((ANA,))).step)
    play.begin(given)
    for line in lines:
        play.line(line)
    run = Run([record_of(raw) for raw in play.log.records])
    run.judge()
    return run


@cache
def _named(name: str) -> Run:
    script = next(script for script in SCRIPTS if script.name == name)
    return _run(script.given, [what for what, _ in script.lines])


def _hold(run: Run) -> None:
    events = run.events()
    files = {one.id: one for one in run.sent if one.topic == ESCALATIONS}
    assert files.keys() == {decision for decision, event in events.items() if event["kind"].startswith("case_")}
    for decision, output in files.items():
        event, value = events[decision], output.value or b""
        assert digest(value) == event["file_hash"]
        assert len(value) <= FILE_BYTES_MAX
        assert output.key == event["case"].encode()
        file = json.loads(value)
        told = [file[name] for name in ("case", "n", "rev", "state", "subject")]
        assert told == [*(event[name] for name in ("case", "file_n", "rev", "state")), event["subject"]]
    assert run.sent_again() == run.sent


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_case_of_a_script_has_its_file(script: Script) -> None:
    """One record for each event of a case, hashed in the journal, bounded, and the same from a new owner."""
    _hold(_named(script.name))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_case_of_a_random_contest_has_its_file(seed: int) -> None:
    """The same holds for contests nobody thought of."""
    _hold(_run(*lines_of_seed(seed)))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_is_sealed_stays_in_the_journal(script: Script) -> None:
    """Everybody hears of an event what the documents let everybody hear, and a lane what it may."""
    run, stated = _named(script.name), {"decision", "id", "src", "at"}
    events = run.events()
    for decision, body in run.bodies(OUTCOMES):
        assert {name: value for name, value in body.items() if name not in stated} == public(events[decision])
    for decision, body in run.bodies("bus.out."):
        added = stated | ({"record", "excerpts", "outcomes"} - events[decision].keys())
        added |= {"seats"} if body["kind"] == "rung" else set()
        lane = body["to"][0][0]
        assert {name: value for name, value in body.items() if name not in added} == for_lanes(events[decision])[lane]


def test_the_seats_of_a_review_get_the_record_they_judge() -> None:
    """The seats' lanes have the held action's own bytes with the opening; the lane of who acted does not."""
    run = _named("review-by-vote")
    opened = [body for _, body in run.bodies("bus.out.") if body["kind"] == "contest_opened"]
    with_record = {body["to"][0][0]: body["record"] for body in opened if "record" in body}
    assert with_record.keys() == {lane for body in opened for lane, who in body["to"] if _sits(body, who)}
    held = run.records[int(opened[0]["held"].split(".")[2])]
    headers = {name: (value or b"").decode() for name, value in held.headers}
    assert with_record["compliance"] == {
        "type": headers["ce_type"],
        "source": headers["ce_source"],
        "content_type": "application/json",
        "value_base64": base64.b64encode(held.value or b"").decode(),
    }


def _sits(opened: Json, agent: str) -> bool:
    return any(agent in agents for _, agents in opened["seats"])


def test_a_vote_over_claims_brings_their_reasoning() -> None:
    """Seats and parties read 512 bytes of what each claim said for itself; the public reads none of it."""
    given = ("terms lead window=10 ladder=vote,deny seats=crm ballot=20",)
    long = "\u00e4" * 400
    claims = (f"1 sales claims lead/L-1 as c1 because {long}", "2 legal claims lead/L-1 as c2", "11 tick")
    run = _run(given, claims)
    heard = [body for _, body in run.bodies("bus.out.") if body["kind"] == "rung"]
    assert {body["to"][0][0] for body in heard} == {"sales", "legal", "crm"}
    assert all("excerpts" not in body for _, body in run.bodies(OUTCOMES))
    for body in heard:
        first, second = body["excerpts"]
        assert (first["claim"], first["agent"], second["reasoning"]) == ("c1", "spiffe://acme/agent/sales", "")
        assert first["reasoning"] == "\u00e4" * 256


def test_who_has_a_say_on_a_rung_hears_what_it_may_say() -> None:
    """A vote lists the seats, a negotiation what may be offered."""
    claims = ("1 sales claims lead/L-1 as c1", "2 legal claims lead/L-1 as c2", "11 tick")
    vote = _run(("terms lead window=10 ladder=vote,deny seats=crm ballot=20",), claims)
    heard = [body for _, body in vote.bodies("bus.out.") if body["kind"] == "rung"]
    assert [body["seats"] for body in heard] == [[["crm", ["spiffe://acme/agent/crm"]]]] * 3
    deal = _run(("terms lead window=10 ladder=negotiate,deny outcomes=sales,legal,nobody",), claims)
    heard = [body for _, body in deal.bodies("bus.out.") if body["kind"] == "rung"]
    assert [body["outcomes"] for body in heard] == [["sales", "legal", "nobody"]] * 2


def test_a_segment_of_many_cases_stays_small() -> None:
    """A burst of escalations is cut into segments, none with more to send than fits; each case still has its file."""
    given = ("terms lead window=10 ladder=human",)
    said = "x" * 4000
    claims = [f"1 {who} claims lead/L-{n} as c{n} because {said}" for n in range(400) for who in ("sales", "legal")]
    run = _run(given, [*claims, *(f"{second} tick" for second in range(11, 18))])
    files = [one for one in run.sent if one.topic == ESCALATIONS]
    assert len(files) == 400
    assert max(run.file_bytes) < OUTPUT_BYTES_MAX + 85 * FILE_BYTES_MAX
    assert all(file["claims"][0]["excerpt"].startswith('{"reasoning"') for file in map(_body, files))


def _body(output: Output) -> Json:
    body: Json = json.loads(output.value or b"{}")
    return body
