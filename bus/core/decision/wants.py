"""What a claim that failed lacked, as its denial says it: the fact that was another one, or the roles that may claim.

Field ``wants`` of ``denied``: ``{"fact", "values", "is"?, "more"?}`` for reason ``stage``, ``{"roles", "more"?}`` for
``not_allowed``. It has names and values of the terms and of stated facts, never a text for people.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeGuard

from bus.core.frozen import dataclass

FactValue = str | int | bool

WANTED_MAX = 16  # values or roles in one denial: who wants all 64 reads the terms
SHOWN_MAX = 5  # of them in a sentence
CHARACTERS_SHOWN_MAX = 64  # of one value in a sentence


@dataclass(frozen=True, slots=True)
class WantedFact:
    """The fact has to have one of the values; ``is_`` is the one it has, None if it is not known.

    ``more``: the terms list further values, which did not fit.
    """

    fact: str
    values: tuple[FactValue, ...]
    is_: FactValue | None = None
    more: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class WantedRoles:
    """Only these roles may claim; ``more``: the terms list further ones, which did not fit."""

    roles: tuple[str, ...]
    more: bool = field(default=False, kw_only=True)


Wants = WantedFact | WantedRoles


def wanted_fact(fact: str, values: Sequence[FactValue], known: FactValue | None) -> WantedFact:
    """The fact that is missing, with at most `WANTED_MAX` of the values it may have."""
    return WantedFact(fact, tuple(values[:WANTED_MAX]), known, more=len(values) > WANTED_MAX)


def wanted_roles(claimants: Sequence[str]) -> WantedRoles:
    """The roles that may claim, at most `WANTED_MAX` of them."""
    return WantedRoles(tuple(claimants[:WANTED_MAX]), more=len(claimants) > WANTED_MAX)


def wants_to_json(wants: Wants) -> dict[str, Any]:  # Any: JSON
    """As journals and answers have it; absent fields are left out."""
    out: dict[str, Any] = {}
    if isinstance(wants, WantedFact):
        out |= {"fact": wants.fact, "values": list(wants.values)}
        if wants.is_ is not None:
            out["is"] = wants.is_
    else:
        out["roles"] = list(wants.roles)
    return {**out, "more": True} if wants.more else out


def wants_from_json(value: object) -> Wants | None:
    """Read the field; None if it is absent, or has a form that this engine does not know."""
    if not isinstance(value, Mapping):
        return None
    more, known = value.get("more") is True, value.get("is")
    fact, values, roles = value.get("fact"), value.get("values"), value.get("roles")
    if isinstance(fact, str) and _is_list(values) and all(map(_is_fact_value, values)):
        return WantedFact(fact, tuple(values), known if _is_fact_value(known) else None, more=more)
    if _is_list(roles) and all(isinstance(role, str) for role in roles):
        return WantedRoles(tuple(roles), more=more)
    return None


def wants_in_words(wants: Wants) -> str:
    """What is wanted and how it is, as one sentence that may follow a colon, without its full stop."""
    if isinstance(wants, WantedFact):
        one_of = "one of " if len(wants.values) > 1 or wants.more else ""
        is_so = "not known" if wants.is_ is None else value_in_words(wants.is_)
        return f"the fact {wants.fact} must be {one_of}{values_in_words(wants)}; it is {is_so}"
    return f"{'only ' if wants.roles else ''}{roles_in_words(wants, 'and')} may claim it"


def values_in_words(wants: WantedFact) -> str:
    """The values it may have: ``"new" or "won"``."""
    return _listed([value_in_words(value) for value in wants.values], "or", has_more=wants.more)


def roles_in_words(wants: WantedRoles, joint: str) -> str:
    """The roles that may claim: ``roles sales and support``; ``joint`` is the last word between them."""
    if not wants.roles:
        return "no role"
    is_one = joint == "or" or (len(wants.roles) == 1 and not wants.more)
    return f"{'role' if is_one else 'roles'} {_listed(wants.roles, joint, has_more=wants.more)}"


def value_in_words(value: FactValue) -> str:
    """A value as its owner wrote it, in JSON: the text "1" is not the number 1. What is too long is shortened."""
    text = json.dumps(value, ensure_ascii=False)
    shown = text if len(text) <= CHARACTERS_SHOWN_MAX else f"{text[:CHARACTERS_SHOWN_MAX]}…"
    # A stranger chose it: nothing that a terminal would obey.
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in shown)


def _listed(names: Iterable[str], joint: str, *, has_more: bool) -> str:
    given = list(names)
    shown = given[:SHOWN_MAX]
    if has_more or len(shown) < len(given):
        return f"{', '.join(shown)} {joint} others"
    return f"{', '.join(shown[:-1])} {joint} {shown[-1]}" if len(shown) > 1 else "".join(shown)


def _is_list(value: object) -> TypeGuard[list[Any]]:  # Any: JSON
    return isinstance(value, list)


def _is_fact_value(value: object) -> TypeGuard[FactValue]:
    return isinstance(value, str | int)  # true and false are numbers of Python
