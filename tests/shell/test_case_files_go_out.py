"""What goes out with contests and cases, for every script of contests: sealed, bounded, hashed, the same once more."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bus.core.case_file import FILE_BYTES_MAX
from bus.core.control import Registry
from bus.core.journal import Tip, parse_segment, seal
from bus.core.records import Output, Record, digest
from bus.core.topics import ESCALATIONS, OUTCOMES
from bus.shell.arbiter_stage import ArbiterStage
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

    def stage(self) -> ArbiterStage:
        """A stage that knows nothing yet."""
        registry = Registry(GENESIS, built_in_contracts())
        return ArbiterStage(PARTITION, "id", registry, METRICS, lambda offsets: {o: self.records[o] for o in offsets})

    def judge(self) -> None:
        """Judge all records, a few at a time."""
        stage, tip, rest = self.stage(), Tip(), list(self.records)
        while rest:
            draft, count = stage.draft(rest[:7], poison=None)
            assert draft is not None
            value, tip = seal(tip, draft.body, draft.items)
            self.segments.append(value)
            self.sent += draft.outputs
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


def _run_script(script: Script) -> Run:
    return _run(script.given, [what for what, _ in script.lines])


def _named(name: str) -> Run:
    return _run_script(next(script for script in SCRIPTS if script.name == name))


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
    _hold(_run_script(script))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_case_of_a_random_contest_has_its_file(seed: int) -> None:
    """The same holds for contests nobody thought of."""
    _hold(_run(*lines_of_seed(seed)))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_is_sealed_stays_in_the_journal(script: Script) -> None:
    """Everybody hears of an event what the documents let everybody hear, and a lane what it may."""
    run, stated = _run_script(script), {"decision", "id", "src", "at"}
    events = run.events()
    for decision, body in run.bodies(OUTCOMES):
        assert {name: value for name, value in body.items() if name not in stated} == public(events[decision])
    for decision, body in run.bodies("bus.out."):
        added = stated | ({"record", "excerpts"} - events[decision].keys())
        lane = body["to"][0][0]
        assert {name: value for name, value in body.items() if name not in added} == for_lanes(events[decision])[lane]
