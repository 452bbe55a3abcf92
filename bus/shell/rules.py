"""Cross-field rules in CEL: compiled once, asked of every body, and bounded so that none can stall a lane.

What a rule sees:

- every top-level field the schema declares, by its name; one that is absent is ``null``
- ``body``, always the whole body: ``has(body.discount_bp)`` asks whether a field is there, a field called body is
  ``body.body``
- ``bus.at`` (epoch milliseconds), ``bus.subject``, ``bus.source``

``when`` true means that the message breaks the rule. A rule that cannot be evaluated (null compared with a number,
a missing field) counts as broken: what cannot be checked is not let through. Write
``discount_bp != null && discount_bp > 5000`` for an optional field.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cel

from bus.core.policy.contracts import MESSAGE_CHARACTERS_MAX, Rule, Violation
from bus.shell.bodies import shown

RULE_CHARACTERS_MAX = 1000  # a rule is read by people
OURS: Final = frozenset({"bus", "body"})
# Yes or no over a body needs no more; every one of these is linear in what it is given.
FUNCTIONS: Final = frozenset(
    {
        *("size", "contains", "startsWith", "endsWith", "matches", "has", "type", "dyn"),
        *("int", "uint", "double", "string", "bool", "timestamp", "duration"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    }
)
_TEXT = re.compile(r"""[rRbB]{0,2}("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_TRIPLE = re.compile(r"\"\"\"|'''")
_MACRO = re.compile(r"\.\s*(all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_][A-Za-z0-9_]*)\s*,")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of one body: the violations that refuse it, the ids of the shadow rules it would break."""

    violations: tuple[Violation, ...] = ()
    shadowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    rule: Rule
    program: cel.Program
    variables: tuple[str, ...]


class CompiledRules:
    """The rules of one contract."""

    def __init__(self, compiled: Sequence[_CompiledRule]) -> None:
        self._compiled = tuple(compiled)

    def judge(self, body: Any, *, at: int, subject: str, source: str) -> Judgement:  # Any: a JSON value
        """Ask every rule; ``at`` in epoch milliseconds."""
        if not self._compiled:
            return _NOTHING_BROKEN
        bus = {"at": at, "subject": subject, "source": source}
        violations, shadowed = [], []
        for compiled in self._compiled:
            broken = _broken(compiled, body, bus)
            if broken is not None and compiled.rule.do == "shadow":
                shadowed.append(compiled.rule.id)
            elif broken is not None:
                violations.append(broken)
        return Judgement(tuple(violations), tuple(shadowed))


def compile_rules(rules: Sequence[Rule], fields: Collection[str]) -> CompiledRules | list[Violation]:
    """Prepare the rules of a contract whose schema declares ``fields`` at the top; what is wrong, if they cannot be."""
    compiled, wrong = [], []
    ids = [rule.id for rule in rules]
    for index, rule in enumerate(rules):
        path = f"/contract/rules/{index}"
        if ids.index(rule.id) != index:
            wrong.append(_unfit(f"{path}/id", rule, f"the id {rule.id} is used twice", "choose another id"))
        made = _compile(rule, fields, f"{path}/when")
        if isinstance(made, Violation):
            wrong.append(made)
        else:
            compiled.append(made)
    return wrong or CompiledRules(compiled)


def _compile(rule: Rule, fields: Collection[str], path: str) -> _CompiledRule | Violation:
    if len(rule.when) > RULE_CHARACTERS_MAX:
        return _unfit(path, rule, f"longer than {RULE_CHARACTERS_MAX} characters", "split it into several rules")
    try:
        program = cel.compile(rule.when)
        references = program.references()
    except (ValueError, RuntimeError) as error:
        return _unfit(path, rule, f"not CEL: {_first_line(error)}", "write a CEL condition such as discount_bp > 5000")
    bare = _TEXT.sub("''", rule.when)
    if complaint := _unbounded(bare):
        return _unfit(path, rule, complaint, "ask one question of one list in each rule")
    called = [name for name in references["functions"] if name[0].isalpha() and name not in FUNCTIONS]
    if called:
        return _unfit(path, rule, f"no such function: {', '.join(called)}", f"use {', '.join(sorted(FUNCTIONS))}")
    bound = {found[2] for found in _MACRO.finditer(bare)}
    unknown = [name for name in references["variables"] if name not in {*fields, *bound, *OURS}]
    if unknown:
        hint = f"the body's fields are {', '.join(sorted(fields)) or 'none'}; others are reached by body.<name>"
        return _unfit(path, rule, f"unknown variable: {', '.join(unknown)}", hint)
    wanted = tuple(name for name in references["variables"] if name in fields or name in OURS)
    return _CompiledRule(rule, program, wanted)


def _unbounded(bare: str) -> str:
    """Why the time of this rule would not be linear in the body, "" if it is."""
    if _TRIPLE.search(bare):
        return "a text in triple quotes is not taken"
    end_of_outer = -1
    for found in _MACRO.finditer(bare):
        if found[1] == "map":
            return "map is not taken: a rule answers yes or no"
        if found.start() < end_of_outer:
            return f"{found[1]} inside another walk over a list"
        end_of_outer = _closing(bare, bare.index("(", found.start()))
    return ""


def _closing(text: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return len(text)


def _broken(compiled: _CompiledRule, body: Any, bus: Mapping[str, Any]) -> Violation | None:  # Any: JSON values
    rule = compiled.rule
    fields = body if isinstance(body, dict) else {}
    # Only what the rule names is handed over: converting a whole body costs more than evaluating the rule.
    seen = {name: fields.get(name) for name in compiled.variables}
    if "bus" in seen:
        seen["bus"] = bus
    if "body" in seen:
        seen["body"] = body
    try:
        answer = compiled.program.execute(seen)
    except Exception as error:  # noqa: BLE001  (the library raises many kinds; what cannot be checked is not let through)
        message = f"rule {rule.id} cannot be evaluated on this body ({type(error).__name__}): {rule.say}"
        return _violation(rule, message, "give every field the rule names a value of its kind")
    if answer is False:
        return None
    if answer is True:
        return _violation(rule, rule.say, f"rule: not ({rule.when})")
    return _violation(rule, f"rule {rule.id} says neither yes nor no: {rule.say}", "tell the contract's owner")


def _violation(rule: Rule, message: str, hint: str) -> Violation:
    return Violation("", "rule", rule.id, message[:MESSAGE_CHARACTERS_MAX], hint[:MESSAGE_CHARACTERS_MAX])


def _unfit(path: str, rule: Rule, message: str, hint: str) -> Violation:
    return Violation(path, "rule", rule.id, message[:MESSAGE_CHARACTERS_MAX], hint[:MESSAGE_CHARACTERS_MAX])


def _first_line(error: BaseException) -> str:
    text = str(error).partition("ERROR: ")[2] or str(error)
    return shown(text.splitlines()[0] if text else type(error).__name__, 120)


_NOTHING_BROKEN: Final = Judgement()
