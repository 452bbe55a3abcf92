"""Says what is wrong with a body, where, and what to do about it, in words an agent can act on.

Everything said comes from the schema. The sender's values are never repeated, for answers travel further than messages;
names of properties are, since a path has to lead there, escaped and cut.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema_rs import ValidationError

from bus.core.policy.contracts import MESSAGE_CHARACTERS_MAX, Violation
from bus.shell.bodies import shown
from bus.shell.subschemas import declared_properties

PATH_CHARACTERS_MAX = 512  # a path leads through the sender's property names, and they may be long
HINT_CHARACTERS_MAX = 400
NEAR_AMONG_MAX = 200  # property names that a wrong one is compared with: it takes time from everybody's messages
NEEDS_SHOWN_MAX = 3  # of the nearest form: enough to see which one is meant
_REQUIRED = ("required", "dependentRequired", "dependencies")
_NEEDED: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "pattern": "text matching {}",
    "const": "exactly {}",
}
_COUNTED: Final = {
    "minLength": "at least {} character",
    "maxLength": "at most {} character",
    "minItems": "at least {} item",
    "maxItems": "at most {} item",
    "additionalItems": "at most {} item",
    "minProperties": "at least {} property",
    "maxProperties": "at most {} property",
}
_SENTENCES: Final = {
    "uniqueItems": "items that all differ",
    "contains": "an item of the kind the schema asks for",
    "minContains": "more items of the kind the schema asks for",
    "maxContains": "fewer items of the kind the schema asks for",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that violates a schema, before anything is said about it; ``name`` is the property concerned."""

    path: str
    keyword: str
    error: ValidationError
    name: str = ""


def findings(error: ValidationError) -> Iterator[Finding]:
    """The places one error of the validator stands for: one for each property concerned."""
    kind = error.kind
    path, keyword = list(error.instance_path), _keyword(error)
    match kind.name:
        case "required":
            name = kind.as_dict()["property"]
            yield Finding(pointer_to([*path, name]), keyword, error, name)
        case "additionalProperties" | "unevaluatedProperties":
            for name in kind.as_dict()["unexpected"]:
                yield Finding(pointer_to([*path, name]), keyword, error, name)
        case "propertyNames":
            name = str(kind.as_dict()["error"].instance)
            yield Finding(pointer_to([*path, name]), keyword, error, name)
        case _:
            yield Finding(pointer_to(path), keyword, error)


def told(finding: Finding, schema: Any) -> Violation:  # Any: a schema
    """The violation in words."""
    error, keyword = finding.error, finding.keyword
    match error.kind.name:
        case "required":
            message, hint = _missing(finding, _enclosing(error, schema))
        case "additionalProperties" | "unevaluatedProperties":
            message, hint = "the schema knows no such property", _instead(finding, _enclosing(error, schema), schema)
        case "propertyNames":
            needed = _needed(error.kind.as_dict()["error"])
            message, hint = f"a property's name must {needed}", "rename the property"
        case "unevaluatedItems":
            message, hint = "there are more items than the schema knows", "leave the last ones out"
        case "anyOf" | "oneOf":
            message, hint = _choice(error.kind.as_dict().get("context", ()), keyword, schema)
        case "not" | "falseSchema":
            message, hint = "the schema excludes what stands here", "leave it out or change it"
        case _:
            message, hint = f"must {_needed(error)}", str(_enclosing(error, schema).get("description", ""))
    return Violation(finding.path, keyword, "", _cut(message, MESSAGE_CHARACTERS_MAX), _cut(hint, HINT_CHARACTERS_MAX))


def pointer_to(path: Iterable[str | int]) -> str:
    """The JSON pointer of a path (RFC 6901), cut if its names are long."""
    whole = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
    return whole if len(whole) <= PATH_CHARACTERS_MAX else f"{whole[: PATH_CHARACTERS_MAX - 1]}…"


def _keyword(error: ValidationError) -> str:
    name = error.kind.name
    last = error.schema_path[-1] if error.schema_path else name
    if name in ("required", "contains"):
        return str(last) if last in (*_REQUIRED, "minContains", "maxContains") else name
    return name


def _enclosing(error: ValidationError, schema: Any) -> Mapping[str, Any]:  # Any: schemas
    """The subschema whose keyword failed; nothing if its path leads nowhere (an embedded ``$id``)."""
    found = schema
    for step in list(error.schema_path)[:-1]:
        try:
            found = found[step]
        except (LookupError, TypeError):
            return {}
    return found if isinstance(found, dict) else {}


def _instead(finding: Finding, enclosing: Mapping[str, Any], schema: Any) -> str:  # Any: schemas
    """The property that was most likely meant, if there is one that is near and not there already."""
    there = finding.error.instance if isinstance(finding.error.instance, dict) else {}
    try:
        known = sorted({*declared_properties(enclosing, schema)} - there.keys())[:NEAR_AMONG_MAX]
    except LookupError:
        known = []
    near = difflib.get_close_matches(finding.name[:PATH_CHARACTERS_MAX], known, n=1)
    return f"did you mean {shown(near[0])}? If not, leave it out" if near else "leave it out"


def _missing(finding: Finding, enclosing: Mapping[str, Any]) -> tuple[str, str]:  # Any: a schema
    because = "is required" if finding.keyword == "required" else "is required when another property is there"
    wanted = enclosing.get("properties", {}).get(finding.name, {})
    kind = _kind(wanted) if isinstance(wanted, dict) else ""
    return f"{shown(finding.name)} {because}", f"add {finding.path}{kind}"


def _kind(wanted: Mapping[str, Any]) -> str:  # Any: a schema
    """What a property should be: its type or its values, and what it means."""
    named = ""
    if "enum" in wanted:
        named = f": one of {', '.join(_as_text(option) for option in wanted['enum'])}"
    elif "type" in wanted:
        types = wanted["type"] if isinstance(wanted["type"], list) else [wanted["type"]]
        named = f": {' or '.join(types)}"
    return f"{named} ({wanted['description']})" if "description" in wanted else named


def _needed(error: ValidationError) -> str:
    """What must be the case, as it follows "must"."""
    name, detail = error.kind.name, error.kind.as_dict()
    if name == "type":
        return f"be {' or '.join(_with_article(one) for one in sorted(detail['types']))}"
    if name == "enum":
        return f"be one of: {', '.join(_as_text(option) for option in detail['options'])}"
    keyword = _keyword(error)
    if keyword in _SENTENCES:
        return f"have {_SENTENCES[keyword]}"
    limit = next(iter(detail.values()), "")
    if name in _COUNTED:
        counted = _COUNTED[name].format(limit)
        return f"have {counted if limit == 1 else counted.removesuffix('y') + ('ies' if counted[-1] == 'y' else 's')}"
    if name in _NEEDED:
        return f"be {_NEEDED[name].format(limit if name == 'pattern' else _as_text(limit))}"
    return f"be in accordance with {name}"


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}" if name != "null" else name


def _choice(context: Sequence[Sequence[ValidationError]], keyword: str, schema: Any) -> tuple[str, str]:
    """Message and hint of a choice: of the forms there are, the one that is nearest."""
    if keyword == "oneOf" and any(not errors for errors in context):
        return "fits more than one form, and only one is allowed", "leave out what belongs to the other form"
    message = f"fits none of the {len(context)} forms allowed here"
    if not context:
        return message, "see the schema"
    nearest = min(range(len(context)), key=lambda index: _distance(context[index]))
    needs = [told(one, schema) for error in context[nearest][:NEEDS_SHOWN_MAX] for one in findings(error)]
    said = "; ".join(f"{one.path or 'the value'} {one.message}" for one in needs[:NEEDS_SHOWN_MAX])
    return message, f"form {nearest + 1} is nearest: {said}"


def _distance(errors: Sequence[ValidationError]) -> tuple[int, int]:
    """A form of another type is further away than one that lacks a few things."""
    is_other_type = any(error.kind.name in ("type", "const", "enum") for error in errors)
    return (int(is_other_type), len(errors))


def _as_text(value: Any) -> str:  # Any: a JSON value of the schema
    return json.dumps(value, ensure_ascii=True, default=str)


def _cut(text: str, characters_max: int) -> str:
    return text if len(text) <= characters_max else f"{text[: characters_max - 3]}..."
