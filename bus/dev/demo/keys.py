"""Sees whether somebody at the terminal has pressed Enter, without waiting for it and without showing what is typed."""

from __future__ import annotations

import os
import select
import sys
import termios
from types import TracebackType
from typing import Any, Self

READ_BYTES = 1024
ENTER = (b"\n", b"\r")


class Keys:
    """The keyboard while a `with` block lasts; Ctrl-C works as ever."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None  # Any: termios's own

    def __enter__(self) -> Self:
        """Take the keyboard, if there is one."""
        if sys.stdin.isatty():
            self._before = termios.tcgetattr(sys.stdin)
            quiet = termios.tcgetattr(sys.stdin)
            quiet[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Give it back as it was."""
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
            self._before = None

    @property
    def is_there(self) -> bool:
        """Is there a keyboard, and so perhaps a person?"""
        return self._before is not None

    def is_enter_pressed(self) -> bool:
        """Has Enter been pressed since the last question? Never true without a keyboard."""
        typed = self.typed()
        return any(enter in typed for enter in ENTER)

    def typed(self) -> bytes:
        """What was typed since the last question; nothing without a keyboard."""
        if self._before is None or not select.select([sys.stdin], [], [], 0)[0]:
            return b""
        return os.read(sys.stdin.fileno(), READ_BYTES)
