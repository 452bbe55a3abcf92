"""A reader who follows a page from top to bottom: saves what it says to save, types what it says to type."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import Block, Command, PageError
from tests.docs.screens import is_as_shown
from tests.docs.shell import OwnTerminal, ScreenError, Shell

BOOTSTRAP = "AGENTBUS_BOOTSTRAP"


@dataclass(slots=True)
class Tally:
    """What was run of all pages, and what was not, and why."""

    pages: int = 0
    commands: int = 0
    snippets: int = 0
    not_run: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The summary at the end of a test run."""
        head = f"{self.pages} pages: {self.commands} commands and {self.snippets} snippets run"
        return [f"{head}, {len(self.not_run)} blocks not run", *(f"  not run: {one}" for one in self.not_run)]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a page is read: the environment, the addresses that stand for those a page names, what is running already.

    ``running`` has the screens of the commands that every page finds running, by the command as a page writes it.
    """

    environment: Mapping[str, str]
    addresses: Mapping[str, str]
    running: Mapping[str, str]


class Reader:
    """Follows the blocks of one page in a scratch folder."""

    def __init__(self, folder: Path, where: Surroundings, tally: Tally) -> None:
        self._folder = folder
        self._where = where
        self._tally = tally
        self._shell = Shell(folder, where.environment)
        self._terminals: list[OwnTerminal] = []
        self._missing: dict[str, str] = {}
        self._unused: dict[str, Block] = {}
        self._given: set[str] = set()

    def follow(self, blocks: list[Block]) -> None:
        """Do what the page says; raises an AssertionError that names the line where it is not so."""
        self._tally.pages += 1
        self._given = {block.gives for block in blocks}
        for block in blocks:
            if reason := self._why_not(block):
                if block.gives:
                    self._missing[block.gives] = reason
                self._tally.not_run.append(f"{block.spot} ({reason})")
                for command in block.commands:
                    self._note_use(command.text)
                continue
            self._do(block)
        if self._unused:
            names = ", ".join(f"{name} ({block.spot})" for name, block in self._unused.items())
            raise PageError(f"saved, but used by no command of the page: {names}")

    def close(self) -> None:
        """Close all terminals, the last one first."""
        for terminal in reversed(self._terminals):
            terminal.close()
        self._shell.close()

    def _why_not(self, block: Block) -> str:
        if block.not_run:
            return block.not_run
        for need in block.needs:
            if need in self._missing:
                return f"{need} is not here: {self._missing[need]}"
            if need not in self._given and shutil.which(need) is None:
                return f"there is no {need} here"
        return ""

    def _do(self, block: Block) -> None:
        if block.saved_as:
            self._save(block)
        elif block.language == "python":
            self._run(block, Command(block.line, f"python - <<'PY'\n{block.text}PY", ()))
            self._tally.snippets += 1
        for command in block.commands:
            self._tally.commands += 1
            if block.is_own_terminal:
                self._start(block, command)
            else:
                self._run(block, command)

    def _save(self, block: Block) -> None:
        path = self._folder / block.saved_as
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        self._tally.snippets += 1
        self._unused[block.saved_as] = block

    def _note_use(self, command: str) -> None:
        for name in list(self._unused):
            folders = [parent.as_posix() for parent in Path(name).parents if parent.as_posix() != "."]
            if any(word in command for word in (name, *folders)):
                del self._unused[name]

    def _run(self, block: Block, command: Command) -> None:
        self._note_use(command.text)
        try:
            code, screen = self._shell.run(self._here(command.text))
        except ScreenError as error:
            raise ScreenError(f"{block.page}:{command.line}: {command.text}\n{error}") from error
        if block.gives and code != 0:
            self._missing[block.gives] = (screen.strip().splitlines() or ["its command failed"])[-1]
            self._tally.not_run.append(f"{block.spot} ({command.text} failed)")
            return
        screen = self._as_on_page(screen)
        said = f"{block.page}:{command.line}: {command.text}\nexit code {code}, and shows:\n{screen}"
        if code != command.code:
            raise ScreenError(f"{said}\nbut the page says exit code {command.code}")
        if command.shown and not is_as_shown(command.shown, screen):
            raise ScreenError(f"{said}\nbut the page shows:\n" + "\n".join(command.shown))

    def _start(self, block: Block, command: Command) -> None:
        self._note_use(command.text)
        screen = self._where.running.get(command.text.partition("#")[0].strip())
        if screen is not None:
            screen = self._as_on_page(screen)
            if not is_as_shown(command.shown, screen, goes_on=True):
                shown = "\n".join(command.shown)
                raise ScreenError(f"{block.page}:{command.line}: {command.text}\nshows:\n{screen}\nnot:\n{shown}")
            return
        new = {name: value for name, value in self._where.environment.items() if name != BOOTSTRAP}  # nothing exported
        terminal = OwnTerminal(self._here(command.text), self._folder, new)
        self._terminals.append(terminal)
        try:
            terminal.await_screen([self._here(line) for line in command.shown])
        except ScreenError as error:
            raise ScreenError(f"{block.page}:{command.line}: {command.text}\n{error}") from error

    def _here(self, text: str) -> str:
        for on_page, here in self._where.addresses.items():
            text = text.replace(on_page, here)
        return text

    def _as_on_page(self, text: str) -> str:
        for on_page, here in self._where.addresses.items():
            text = text.replace(here, on_page)
        return text
