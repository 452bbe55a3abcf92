"""The demo, run as anybody runs it: it ends by itself, says what happened, and leaves no process behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

Json = dict[str, Any]  # Any: JSON

# Warm it takes less than 20 s; a first start fetches Kafka's jars, and other tests may run beside it.
ENDS_WITHIN_S = 240.0
COLUMNS_MAX = 100
MARK = "DEMO_UNDER_TEST"  # inherited by everything the demo starts, and so it is found again
AGENTBUS = str(Path(sys.executable).with_name("agentbus"))


@dataclass(frozen=True, slots=True)
class Performance:
    """One run of the demo, and what was left of it."""

    exit_code: int
    lines: list[str]
    stderr: str
    left_over: list[str]

    def objects(self, kind: str) -> list[Json]:
        """What it said as JSON, of one kind."""
        return [said for said in map(json.loads, self.lines) if said["demo"] == kind]


def run_demo(*options: str, interrupt_at: str = "\0") -> Performance:
    """Run `agentbus demo`; with a Ctrl-C as soon as a line has these words."""
    mark = uuid.uuid4().hex
    said: list[str] = []
    with tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen(
            [AGENTBUS, "demo", *options],
            env={**os.environ, MARK: mark, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        watchdog = threading.Timer(ENDS_WITHIN_S, process.kill)
        watchdog.start()
        try:
            for line in process.stdout or []:
                said.append(line.rstrip("\n"))
                if interrupt_at in line:
                    process.send_signal(signal.SIGINT)
            process.wait(ENDS_WITHIN_S)
        finally:
            watchdog.cancel()
            left_over = end_left_over(mark)
        stderr.seek(0)
        return Performance(process.returncode, said, stderr.read(), left_over)


def end_left_over(mark: str) -> list[str]:
    """The command lines of processes that the demo started and did not end; they are ended here."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
                process.kill()
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Performance, Path]:
    """The whole demo for a program, with its evidence kept."""
    evidence = tmp_path_factory.mktemp("demo") / "evidence"
    return run_demo("--json", "--save", str(evidence)), evidence


@pytest.fixture(scope="module")
def interrupted() -> Performance:
    """The demo for a person who presses Ctrl-C in the middle of it."""
    return run_demo(interrupt_at="hands lead/L-1 over")


def test_the_demo_succeeds(demo: tuple[Performance, Path]) -> None:
    """It ends by itself with exit code 0, and everything it checked on what it read was so."""
    performance, _ = demo
    wrong = [check["sentence"] for check in performance.objects("check") if not check["is_so"]]
    assert (performance.exit_code, wrong) == (0, []), performance.stderr[-500:]


def test_the_demo_leaves_no_process(demo: tuple[Performance, Path]) -> None:
    """Kafka, the stages and the agents have all ended."""
    assert demo[0].left_over == []


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
def test_the_demo_shows_its_stories(demo: tuple[Performance, Path], agent: str, message_type: str, reason: str) -> None:
    """Each refusal the stories are about was really answered to that agent."""
    shown = [
        exchange["answer"]["reason"]
        for exchange in demo[0].objects("exchange")
        if (exchange["agent"], exchange["type"]) == (agent, message_type) and "reason" in exchange["answer"]
    ]
    assert reason in shown


def test_what_the_demo_kept_can_be_checked_again(demo: tuple[Performance, Path]) -> None:
    """The evidence it kept passes `agentbus verify`, with Kafka long gone."""
    checked = subprocess.run(
        [AGENTBUS, "verify", str(demo[1])], capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_ctrl_c_ends_the_demo_cleanly(interrupted: Performance) -> None:
    """A Ctrl-C in the middle ends every process, with the code shells use for it and no traceback."""
    assert (interrupted.exit_code, interrupted.left_over) == (130, []), interrupted.stderr[-500:]
    assert "Traceback" not in interrupted.stderr


def test_the_demo_is_readable_at_100_columns(interrupted: Performance) -> None:
    """No line is wider than 100 columns, and without colour the words say it all."""
    text = "\n".join(interrupted.lines)
    assert max(len(line.rstrip()) for line in interrupted.lines) <= COLUMNS_MAX
    assert "\x1b" not in text
    assert "✗ refused" in text
    assert "✓ granted" in text
