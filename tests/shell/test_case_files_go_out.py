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

    def sent_again(self, first: int = 0) -> list[Output]:
        """What a new owner sends that does not know whether any of it was sent; ``first`` is the oldest record kept."""
        registry = Registry(GENESIS, built_in_contracts())
        kept = {record.offset: record for record in self.records[first:]}
        stage = ArbiterStage(
            *(PARTITION, "id", registry, METRICS), lambda offsets: {o: kept[o] for o in offsets if o in kept}
        )
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


def run_of(given: Sequence[str], lines: Sequence[str]) -> Run:
    play = Play(Oracle(OracleRegistry((ANA,))).step)
    play.begin(given)
    for line in lines:
        play.line(line)
    run = Run([record_of(raw) for raw in play.log.records])
    run.judge()
    return run


@cache
def named(name: str) -> Run:
    script = next(script for script in SCRIPTS if script.name == name)
    return run_of(script.given, [what for what, _ in script.lines])


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
    _hold(named(script.name))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_case_of_a_random_contest_has_its_file(seed: int) -> None:
    """The same holds for contests nobody thought of."""
    _hold(run_of(*lines_of_seed(seed)))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_is_sealed_stays_in_the_journal(script: Script) -> None:
    """Everybody hears of an event what the documents let everybody hear, and a lane what it may."""
    run, stated = named(script.name), {"decision", "id", "src", "at"}
    events = run.events()
    for decision, body in run.bodies(OUTCOMES):
        assert {name: value for name, value in body.items() if name not in stated} == public(events[decision])
    for decision, body in run.bodies("bus.out."):
        added = stated | ({"record", "excerpts", "outcomes", "ruled_by", "ruling_reason"} - events[decision].keys())
        added |= {"seats"} if body["kind"] == "rung" else set()
        lane = body["to"][0][0]
        assert {name: value for name, value in body.items() if name not in added} == for_lanes(events[decision])[lane]


def test_the_seats_of_a_review_get_the_record_they_judge() -> None:
    """The seats' lanes have the held action's own bytes with the opening; the lane of who acted does not."""
    run = named("review-by-vote")
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
    run = run_of(given, claims)
    heard = [body for _, body in run.bodies("bus.out.") if body["kind"] == "rung"]
    assert {body["to"][0][0] for body in heard} == {"sales", "legal", "crm"}
    assert all("excerpts" not in body for _, body in run.bodies(OUTCOMES))
    for body in heard:
        first, second = body["excerpts"]
        assert (first["claim"], first["agent"], second["reasoning"]) == ("c1", "spiffe://acme/agent/sales", "")
        assert first["reasoning"] == "\u00e4" * 256


def test_a_file_that_cannot_be_drawn_again_says_so() -> None:
    """After the retention of what it quotes it has other bytes, and names the hash of the file it stands for."""
    run = named("case-award")
    events, quoted = run.events(), len(run.records) - 2
    again = {one.id: one.value or b"" for one in run.sent_again(first=quoted) if one.topic == ESCALATIONS}
    assert again
    differing = {decision for decision, file in again.items() if digest(file) != events[decision]["file_hash"]}
    assert differing
    for decision, file in again.items():
        said = json.loads(file).get("redrawn_of", "")
        assert said == (events[decision]["file_hash"] if decision in differing else "")


def test_a_persons_ruling_is_nobodys_claim() -> None:
    """Who was given a subject by a ruling on a wait has claimed nothing: a later case quotes no words of its own."""
    lines = (
        "1 routing claims ship/T-1 as c1",
        "2 routing waits ship/T-1 procurement until 500",
        "500 tick",
        "501 bob rules ship/T-1 award procurement",
        "502 procurement waits ship/T-1 supplier/S-1 until 600",
        "600 tick",
    )
    run = run_of(("terms ship lease=2000 wait=1000",), lines)
    first, _, second = (body for _, body in run.bodies(ESCALATIONS))
    assert first["claims"][0]["excerpt"] == "{}"
    (claim,) = second["claims"]
    assert claim.keys() == {"candidate", "agent", "claim", "roles"}


def test_who_has_a_say_on_a_rung_hears_what_it_may_say() -> None:
    """A vote lists the seats, a negotiation what may be offered."""
    claims = ("1 sales claims lead/L-1 as c1", "2 legal claims lead/L-1 as c2", "11 tick")
    vote = run_of(("terms lead window=10 ladder=vote,deny seats=crm ballot=20",), claims)
    heard = [body for _, body in vote.bodies("bus.out.") if body["kind"] == "rung"]
    assert [body["seats"] for body in heard] == [[["crm", ["spiffe://acme/agent/crm"]]]] * 3
    deal = run_of(("terms lead window=10 ladder=negotiate,deny outcomes=sales,legal,nobody",), claims)
    heard = [body for _, body in deal.bodies("bus.out.") if body["kind"] == "rung"]
    assert [body["outcomes"] for body in heard] == [["sales", "legal", "nobody"]] * 2


DEAL = ("terms supplier lease=60 veto=compliance:x.*:human",)
TO_A_CASE = (
    "1 sales claims supplier/S-1 as c1",
    "2 sales issues supplier/S-1 with #1 as a1",
    "3 compliance votes supplier/S-1 reject because x.y",
)


@pytest.mark.parametrize(("ruling", "kind"), [("approve", "action_admitted"), ("reject", "action_refused")])
def test_whom_a_ruling_concerns_hears_who_ruled_and_why(ruling: str, kind: str) -> None:
    """Every answer that follows from it names the person and quotes the reason, up to 512 bytes of it."""
    run = run_of(DEAL, (*TO_A_CASE, f"4 bob rules supplier/S-1 {ruling} because {'ä' * 300}"))
    heard = [body for _, body in run.bodies("bus.out.sales") if "ruled_by" in body]
    assert {body["kind"] for body in heard} == {"settled", "unfrozen", kind}
    assert {(body["ruled_by"], body["ruling_reason"]) for body in heard} == {("spiffe://acme/person/bob", "ä" * 256)}


def test_the_public_hears_nothing_of_a_reason() -> None:
    """The text is for those it concerns: it stands on no public topic and in no journal."""
    run = run_of(DEAL, (*TO_A_CASE, "4 bob rules supplier/S-1 approve because sesame"))
    assert "sesame" in str(run.bodies("bus.out."))
    assert "sesame" not in str(run.bodies(OUTCOMES))
    assert all(b"sesame" not in segment for segment in run.segments)


def test_what_is_looked_at_after_a_ruling_on_claims_is_not_its_ruling() -> None:
    """A winner and a loser hear the reason; an action that goes out behind it was not what the person judged."""
    run = named("case-of-a-challenge")
    ruled = {event["kind"] for _, event in run.bodies("bus.out.") if "ruled_by" in event}
    assert ruled == {"case_closed", "settled", "unfrozen", "confirmed", "ended", "granted", "denied", "action_refused"}
    assert "action_admitted" in {event["kind"] for _, event in run.bodies("bus.out.")}


def _closed(run: Run) -> Json:
    files: list[Json] = [_body(one) for one in run.sent if one.topic == ESCALATIONS]
    return files[-1]


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (("4 bob rules supplier/S-1 approve",), ["ruled", "admitted", ""]),
        (("4 sales releases supplier/S-1 with #1", "5 bob rules supplier/S-1 approve"), ["ruled", "refused", "fenced"]),
        (("4 bob rules supplier/S-1 reject",), ["ruled", "refused", "ruled_out"]),
        (("604803 tick",), ["hold_expired"]),
    ],
)
def test_a_closed_case_says_what_became_of_what_was_held(last: Sequence[str], ended: list[str]) -> None:
    """An approval that came too late is told as what it was: the action was not done."""
    file = _closed(run_of(DEAL, (*TO_A_CASE, *last)))
    became = [text for one in file["actions"] for text in (one["became"], one.get("refused_as", ""))]
    assert [file["ended"], *became] == ended


def test_a_closed_case_says_that_nobody_ruled_in_time() -> None:
    """The terms end such a case, and its candidates were there to the end."""
    run = named("case-expiry-deny")
    assert [_closed(run)["ended"], _closed(run)["state"]] == ["nobody_ruled", "obsolete"]
    assert _closed(named("case-obsolete"))["ended"] == "nothing_left"


def test_a_closed_case_leads_to_what_closed_it() -> None:
    """The ruling is the last decision of the trail."""
    run = run_of(DEAL, (*TO_A_CASE, "4 bob rules supplier/S-1 approve"))
    closed = next(decision for decision, event in run.events().items() if event["kind"] == "case_closed")
    assert _closed(run)["trail"][-1] == closed


def test_a_case_whose_actions_can_no_longer_be_done_says_so() -> None:
    """The holder gave it back: the new revision says that no held action can be done, before anybody rules on it."""
    run = run_of(DEAL, (*TO_A_CASE, "4 sales releases supplier/S-1 with #1"))
    first, second = (_body(one) for one in run.sent if one.topic == ESCALATIONS)
    assert (first.get("moot"), second["moot"], second["rev"]) == (None, "fenced", first["rev"] + 1)


def test_a_segment_of_many_cases_stays_small() -> None:
    """A burst of escalations is cut into segments, none with more to send than fits; each case still has its file."""
    given = ("terms lead window=10 ladder=human",)
    said = "x" * 4000
    claims = [f"1 {who} claims lead/L-{n} as c{n} because {said}" for n in range(400) for who in ("sales", "legal")]
    run = run_of(given, [*claims, *(f"{second} tick" for second in range(11, 18))])
    files = [one for one in run.sent if one.topic == ESCALATIONS]
    assert len(files) == 400
    assert max(run.file_bytes) < OUTPUT_BYTES_MAX + 85 * FILE_BYTES_MAX
    assert all(file["claims"][0]["excerpt"].startswith('{"reasoning"') for file in map(_body, files))


def _body(output: Output) -> Json:
    body: Json = json.loads(output.value or b"{}")
    return body
