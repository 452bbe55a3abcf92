"""The demo, run as anybody runs it: it says what happened, what it offers to try works, and it leaves no process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.stories.demo_run import Json, Performance, Typed, in_a_pipe, on_a_terminal, typed

COLUMNS_MAX = 100
SERIES = 40
ALTERNATE_SCREEN, BACK_AGAIN = "\x1b[?1049h", "\x1b[?1049l"


@dataclass(slots=True)
class Kept:
    """A performance whose bus went on until everything it offers had been typed."""

    tries: list[Typed] = field(default_factory=list)
    performance: Performance = field(default_factory=lambda: Performance(-1, [], "", []))

    def type_all(self, end: Json) -> None:
        """Type what the last line offers, in its order."""
        self.tries = [typed(one["command"]) for one in end["things_to_try"]]


@dataclass(frozen=True, slots=True)
class Told:
    """A performance told as a story, its evidence and its picture, and what it offered, typed after its end."""

    performance: Performance
    picture: Path
    tries: list[Typed]


@pytest.fixture(scope="module")
def kept() -> Kept:
    """The whole demo for a program; the bus goes on until what it offers has been typed."""
    kept = Kept()
    kept.performance = in_a_pipe("--json", "--keep", at_the_end=kept.type_all)
    return kept


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The whole demo as a story in a pipe; what it offers is typed when everything has ended."""
    folder = tmp_path_factory.mktemp("demo")
    performance = in_a_pipe("--save", str(folder / "evidence"), "--save-picture", str(folder / "demo.svg"))
    after = performance.lines[performance.lines.index("Three things to try") :]
    commands = [line.strip() for line in after if line.startswith("  ") and not line.startswith("   ")]
    return Told(performance, folder / "demo.svg", [typed(command) for command in commands])


@pytest.fixture(scope="module")
def interrupted() -> Performance:
    """The demo on a terminal, for a person who presses Ctrl-C when the arbiter has just been killed."""
    return on_a_terminal("--pace", "fast", interrupt_at="kill -9 ")


def test_the_demo_succeeds(kept: Kept) -> None:
    """Everything it checked on what it read was so, and it ends with exit code 0."""
    wrong = [check["sentence"] for check in kept.performance.objects("check") if not check["is_so"]]
    assert (kept.performance.exit_code, wrong) == (0, []), kept.performance.stderr[-500:]


def test_the_demo_leaves_no_process(kept: Kept, told: Told) -> None:
    """Kafka, the stages and the agents have all ended, whether the bus was kept for a while or not."""
    assert (kept.performance.left_over, told.performance.left_over) == ([], [])


@pytest.mark.parametrize(
    ("agent", "message_type", "reason"),
    [
        ("procurement-1", "logistics.quote.request.v1", "schema_violation"),
        ("procurement-1", "logistics.quote.request.v1", "rule_violation"),
        ("crm-1", "bus.resource.claim.v1", "cooling"),
        ("support-1", "customer.record.update.v1", "not_allowed"),
        ("support-1", "bus.control.resume.v1", "suspended"),
    ],
)
def test_the_demo_shows_its_stories(kept: Kept, agent: str, message_type: str, reason: str) -> None:
    """Each refusal the stories are about was really answered to that agent."""
    shown = [
        exchange["answer"]["reason"]
        for exchange in kept.performance.objects("exchange")
        if (exchange["agent"], exchange["type"]) == (agent, message_type) and "reason" in exchange["answer"]
    ]
    assert reason in shown


def test_the_arbiter_is_killed_while_messages_wait(kept: Kept) -> None:
    """A count taken after the kill shows messages that are sent and not judged; the last one shows all of them."""
    during, after = kept.performance.objects("count")
    assert during["judged"] < during["sent"]
    assert [after[name] for name in ("sent", "judged", "answered", "arrived")] == [SERIES] * 4


def test_the_killed_process_is_shown_as_killed(kept: Kept) -> None:
    """Of the two arbiters there were, one was killed and one lives."""
    states = kept.performance.objects("processes")[-1]["processes"]
    assert sorted(one["state"] for one in states if one["name"] == "arbiter") == ["alive", "killed"]


def test_the_journal_grows_link_by_link(kept: Kept) -> None:
    """Every segment that was told names the hash of the one told before it in its chain."""
    last: dict[str, str] = {}
    for segment in kept.performance.objects("segment"):
        before = last.setdefault(segment["chain"], segment["prev"])
        assert (segment["prev"], segment["is_linked"]) == (before, True)
        last[segment["chain"]] = segment["hash"]
    assert len(last) > 1


def test_what_is_to_be_tried_works_while_the_bus_is_kept(kept: Kept) -> None:
    """Each of the three commands, typed as shown, succeeds and says what the line below it promises."""
    assert [one.exit_code for one in kept.tries] == [0, 0, 0], kept.tries
    explained, suspended, shown = (one.output for one in kept.tries)
    assert "denied" in explained
    assert "suspended: agent sales-1" in suspended
    assert "held by crm-1" in shown


def test_what_is_to_be_tried_works_after_the_end(told: Told) -> None:
    """Each of the three commands on what was kept, typed as shown with Kafka long gone, succeeds."""
    assert [one.exit_code for one in told.tries] == [0, 0, 0], told.tries
    explained, verified, shown = (one.output for one in told.tries)
    assert "denied" in explained
    assert "no findings" in verified
    assert "lead/L-1" in shown


def test_the_story_is_readable_at_100_columns(told: Told) -> None:
    """No line but a command is wider than 100 columns, and without colour the words say it all."""
    text = "\n".join(told.performance.lines)
    story = text.partition("Three things to try")[0]
    assert max(map(len, story.splitlines())) <= COLUMNS_MAX
    assert "\x1b" not in text
    assert "✗ refused" in text
    assert "✓ granted" in text


def test_the_picture_stands_alone(told: Told) -> None:
    """The picture shows the killed process, and needs no file and no host beside it."""
    picture = told.picture.read_text(encoding="utf-8")
    assert "killed" in picture
    assert "url(http" not in picture


def test_ctrl_c_ends_the_demo_cleanly(interrupted: Performance) -> None:
    """A Ctrl-C in the middle ends every process, with the code shells use for it and no traceback."""
    text = "\n".join(interrupted.lines)
    assert (interrupted.exit_code, interrupted.left_over) == (130, []), text[-1000:]
    assert "Traceback" not in text


def test_ctrl_c_gives_the_terminal_back(interrupted: Performance) -> None:
    """The split screen was there, and what stood on the terminal before it is back."""
    text = "\n".join(interrupted.lines)
    assert 0 <= text.find(ALTERNATE_SCREEN) < text.rfind(BACK_AGAIN)
    assert "nothing is left running" in text[text.rfind(BACK_AGAIN) :]
