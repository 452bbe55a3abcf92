"""What `agentbus --help` shows: the commands in groups, in the order in which somebody new needs them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typer.core import TyperGroup

from bus.cli.json_shapes import SHAPES

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

LINE_MAX = 62  # with the longest name before it, a line of 80 columns

# Which command stands under which heading; what is not named here stands under the last one.
GROUPS = {
    "Try it": ("demo", "dev"),
    "Speak and listen": ("send", "tail"),
    "Decide": ("cases",),
    "Look into it": ("resources", "explain", "verify", "doctor"),
    "Say what is in force": ("lanes", "agents", "persons", "contracts", "terms", "suspend", "resume"),
    "Set it up and run it": ("init", "topics", "acls", "run"),
    "Test it": ("simulate",),
    "More": ("completion",),
}


class FirstScreen(TyperGroup):
    """The command itself: its subcommands by group, a line for each."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the groups."""
        there = [name for name in self.list_commands(ctx) if not self.commands[name].hidden]
        named = {name for names in GROUPS.values() for name in names}
        last = list(GROUPS)[-1]
        width = max(map(len, there))
        for heading, names in GROUPS.items():
            shown = [name for name in names if name in there]
            shown += [name for name in there if name not in named] if heading == last else []
            if shown:
                with formatter.section(heading):
                    formatter.write_dl([(f"{name:<{width}}", self._short(name)) for name in shown])

    def _short(self, name: str) -> str:
        """One sentence; of a noun, with its verbs."""
        return first_sentence(self.commands[name].short_help or self.commands[name].help or "")


class Verbs(TyperGroup):
    """A noun: its verbs, a line for each."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, first_sentence(self.commands[name].help or "")) for name in self.list_commands(ctx)]
            )


def first_sentence(text: str) -> str:
    """As much of the first sentence as a line of a list has room for."""
    sentence = text.strip().partition("\n")[0].partition(". ")[0].rstrip(".").partition("; ")[0]
    if len(sentence) > LINE_MAX:
        sentence = sentence.partition(": ")[0]
    while len(sentence) > LINE_MAX and ", " in sentence:
        sentence = sentence.rpartition(", ")[0]
    return sentence


def epilog_of(command: str, example: str | Sequence[str]) -> str:
    """What stands below the options: what --json writes, and examples to copy."""
    examples = [example] if isinstance(example, str) else list(example)
    shown = "Example:  " + examples[0] if len(examples) == 1 else "Examples:\n" + "\n".join(f"  {e}" for e in examples)
    shape = SHAPES.get(command, "")
    return (f"With --json: {shape}\n\n" if shape else "") + f"\b\n{shown}"
