"""Measures what each callback of an event loop costs its thread, whatever else the machine is busy with."""

import asyncio
import time
from types import TracebackType
from typing import Any, Self


class LoopWatch:
    """Inside this block the longest time that one callback kept the loop's thread at work is measured.

    Time of the thread (CPU) and not of the wall: a machine that runs other things in between is nobody's fault here.
    What waits without working does not show in it: for that, look whether the loop goes on while nothing answers.
    """

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self.count = 0
        self._run: Any = None  # Any: the loop's own method

    def __enter__(self) -> Self:
        self._run = run = asyncio.Handle._run

        def measured(handle: asyncio.Handle) -> Any:  # Any: what the loop's own method returns
            began_s = time.thread_time()
            try:
                return run(handle)
            finally:
                self.count += 1
                self.longest_ms = max(self.longest_ms, (time.thread_time() - began_s) * 1_000)

        asyncio.Handle._run = measured  # type: ignore[method-assign, assignment]  # every callback of every loop goes through it
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]  # as it was
