"""Which models of the protocols are checked, within which bounds, and which of their rules are left out in turn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs/model"
_RULES = re.compile(r"^(\s*Rules = \{)([^}]*)(\})", re.MULTILINE)
_CHECKED = re.compile(r"^(?:INVARIANTS?|PROPERTY|PROPERTIES)\n(?:^ .*\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Model:
    """One module within one set of bounds.

    ``spare`` are rules that are there for another reason than safety: without them nothing may break.
    ``inside`` are invariants that speak of what only the bus itself sees: a mutant must break one of the others.
    ``witnesses`` are false somewhere: else nothing would happen in the model, and its invariants would mean little.
    """

    module: str
    bounds: str
    spare: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    has_mutants: bool = True

    @property
    def config(self) -> str:
        """What TLC is asked to check, as it is committed."""
        return (FOLDER / f"{self.bounds}.cfg").read_text(encoding="utf-8")

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that hold in the model."""
        return tuple(re.findall(r'"(\w+)"', _found(_RULES, self.config)[2]))

    def without(self, rule: str) -> str:
        """The configuration of the mutant that leaves a rule out; it must break what can be seen from outside."""
        kept = ", ".join(f'"{other}"' for other in self.rules if other != rule)
        config = _RULES.sub(lambda found: found[1] + kept + found[3], self.config)
        return "".join(line for line in config.splitlines(keepends=True) if line.strip() not in self.inside)

    def seeking(self, witness: str) -> str:
        """The configuration that looks for a state in which the witness is false."""
        _found(_CHECKED, self.config)
        return _CHECKED.sub("", self.config) + f"INVARIANT {witness}\n"


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.search(text)
    assert match is not None, f"a configuration without {pattern.pattern}"
    return match


MODELS = (
    Model(
        "Chain",
        "Chain",
        spare=("takeover",),
        inside=("FinalIsValid", "OneChain"),
        witnesses=("NothingIsEverVoid", "NobodyEverFinishes", "NeverTwoAtOnce", "NothingIsSentAgain"),
    ),
    Model("Chain", "ChainNew", witnesses=("NothingIsEverVoid", "NobodyEverFinishes"), has_mutants=False),
    Model("Forward", "Forward", witnesses=("NothingIsEverRepeated", "NoHoleIsEverSeen", "NobodyEverFinishes")),
    Model("Ticks", "Ticks", witnesses=("TimeNeverPasses", "NothingWaitsBehindATick")),
    Model("Ticks", "TicksOne", has_mutants=False),
    Model("Publish", "Publish", witnesses=("NobodyIsFenced", "NothingIsAborted", "NobodyEverFinishes")),
)
