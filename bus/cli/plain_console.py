"""Prints on a terminal or into a pipe; a reader that goes away is the caller's affair, and no fault."""

from rich.console import Console


class PlainConsole(Console):
    """Rich's console, which would end the process with a code of its own."""

    def on_broken_pipe(self) -> None:
        """Tell the caller."""
        raise BrokenPipeError
