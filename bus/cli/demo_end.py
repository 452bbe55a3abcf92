"""What is left of the demo: the evidence, a bus that still runs if somebody wants it, and three things to try."""

import contextlib
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bus.cli.caller import Caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.running import remove_state, running_buses, write_state
from bus.dev.demo.company import STEWARD
from bus.dev.demo.told import Ended, Try
from bus.dev.places import cache_folder

if TYPE_CHECKING:
    from bus.dev.demo.keys import Keys
    from bus.dev.demo.performance import Outcome
    from bus.dev.demo.told import Teller

LOOK_S = 0.05
OFFERED_MAX_S = 1_800.0  # a demo that somebody walked away from does not run for ever
KEPT_FOLDER = "last-demo"


class Ending:
    """Comes when the last act is over and everything still runs."""

    def __init__(
        self,
        caller: Caller,
        teller: "Teller",
        keys: "Keys",
        save: Path | None,
        *,
        is_kept: bool,
        is_offered: bool,
    ) -> None:
        self._caller = caller
        self._teller = teller
        self._keys = keys
        self._save = save
        self._is_kept = is_kept
        self._is_offered = is_offered
        self.has_failed = True

    def come(self, outcome: "Outcome") -> None:
        """Keep the evidence, tell how it went and what to try, and wait if the bus shall go on."""
        self.has_failed = bool(outcome.failed)
        evidence = self._keep(outcome.evidence)
        goes_on = self._is_kept or (self._is_offered and not outcome.failed)
        bus = _announce(outcome) if goes_on else None
        things = _on_a_running_bus(outcome, bus) if bus is not None else _on_the_evidence(outcome, evidence)
        kept = self._until() if goes_on else ""
        took_s, where = outcome.took_s, _shown(evidence) if evidence else ""
        self._teller.tell(Ended(outcome.checks, outcome.failed, took_s, where, kept, things))
        if goes_on:
            self._wait(outcome)

    def _until(self) -> str:
        how = "press Enter to end it" if self._is_offered else "Ctrl-C ends it"
        return f"Kafka, the bus and the agents are still running: {how}."

    def _wait(self, outcome: "Outcome") -> None:
        until_s = time.monotonic() + OFFERED_MAX_S
        try:
            while not self._keys.is_enter_pressed() and (self._is_kept or time.monotonic() < until_s):
                time.sleep(LOOK_S)
        except KeyboardInterrupt:
            pass  # that was the way to end it
        finally:
            with contextlib.suppress(OSError):  # a full disk must not keep anybody from stopping
                remove_state(outcome.data)
        self._caller.say("Stopped; nothing is left running.")

    def _keep(self, read: Path | None) -> Path | None:
        """Put the evidence where it stays."""
        if read is None:
            return None
        folder = self._save
        if folder is None:
            folder = cache_folder() / KEPT_FOLDER
            shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(read, folder)
        except OSError as error:
            text = f"what happened cannot be kept in {folder} ({error.strerror})"
            raise CommandError(ExitCode.CONFLICT, text, "name another folder with --save") from error
        return folder


def _announce(outcome: "Outcome") -> str:
    """Let commands find this bus by themselves, "" then; where another one runs they have to be told."""
    if running_buses():
        return f" --bootstrap {outcome.bootstrap}"
    write_state(outcome.data, operator=STEWARD)
    return ""


def _on_a_running_bus(outcome: "Outcome", bus: str) -> tuple[Try, ...]:
    agentbus = _typed()
    person = f" --as {STEWARD}" if bus else ""
    return (
        Try(f"{agentbus} explain {outcome.denied}{bus}", "why one of the two did not get the lead"),
        Try(
            f"{agentbus} suspend --agent sales-1 --reason 'as a test'{person}{bus}",
            f"stop sales-1, which holds {outcome.held}; crm-1 is waiting for just that",
        ),
        Try(f"{agentbus} resources show {outcome.held}{bus}", "who holds it now, under which token, and who did"),
    )


def _on_the_evidence(outcome: "Outcome", evidence: Path | None) -> tuple[Try, ...]:
    agentbus = _typed()
    if evidence is None or not outcome.denied:
        return (Try(f"{agentbus} doctor", "whether something here is in the way"),)
    folder = _shown(evidence)
    return (
        Try(
            f"{agentbus} explain {outcome.denied} --export {folder}",
            "why one of the two did not get the lead, without any Kafka",
        ),
        Try(f"{agentbus} verify {folder}", "check all of it again; change a byte in that folder, and again"),
        Try(f"{agentbus} resources show lead/L-1 --export {folder}", "who held the lead, and under which token"),
    )


def _shown(path: Path) -> str:
    """A path as one would type it."""
    with contextlib.suppress(ValueError, RuntimeError):
        if path.is_absolute():
            return f"~/{shlex.quote(str(path.relative_to(Path.home())))}"
    return shlex.quote(str(path))


def _typed() -> str:
    """How this command can be typed again: its name if the shell finds it, else its path from here."""
    if shutil.which("agentbus"):
        return "agentbus"
    typed = Path(sys.argv[0])
    return os.path.relpath(typed) if typed.name == "agentbus" else f"{os.path.relpath(sys.executable)} -m bus.cli"
