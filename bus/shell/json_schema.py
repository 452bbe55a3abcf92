"""Compiles a JSON Schema once and finds everything in a body that violates it.

Drafts 4 to 2020-12 by ``$schema`` (2020-12 if it names none). Patterns run in linear time, so look-around and
back-references are refused when a schema is registered. ``format``, ``contentEncoding`` and ``contentMediaType`` are
annotations. A schema is complete in itself: nothing is ever fetched.
"""

from typing import Any, Final

import jsonschema_rs
from jsonschema import FormatChecker
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for

from bus.core.policy.contracts import MESSAGE_CHARACTERS_MAX, VIOLATIONS_MAX, Violation
from bus.shell.advice import findings, pointer_to, told
from bus.shell.bodies import Unreadable, read_json, shown
from bus.shell.subschemas import PARTS_MAX, Schema, declared_properties, foreign_references, judging, parts

SCHEMA_DEPTH_MAX = 64  # a schema nests about twice as deep as the bodies it describes
REGEX_BYTES_MAX = 1 << 20  # one compiled pattern: `[a-z]{1,1000}` passes, `\w{100000}` does not
DRAFTS: Final = frozenset(
    {
        *(f"http://json-schema.org/draft-{n:02}/schema" for n in (4, 6, 7)),
        *(f"https://json-schema.org/draft/{name}/schema" for name in ("2019-09", "2020-12")),
    }
)
# Patterns are the compiler's business: the reference would judge them as Python's, and refuse \p{L}.
_NO_FORMATS = FormatChecker(formats=())
_DEFAULT_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class JsonSchema:
    """A schema in force; ``fields`` are the properties it declares at the top."""

    def __init__(
        self, schema: Schema, validator: jsonschema_rs.Validator, fields: frozenset[str], *, is_closed: bool
    ) -> None:
        self._schema = schema
        self._validator = validator
        self.fields = fields
        self.is_closed = is_closed

    def violations(self, value: Any) -> list[Violation]:  # Any: a JSON value
        """What in ``value`` violates the schema, sorted; of more than can be told, one more than can be told."""
        if self._validator.is_valid(value):
            return []
        # Sorted before a word is said: a hostile body has thousands of violations, and twenty are told.
        found = [finding for error in self._validator.iter_errors(value) for finding in findings(error)]
        found.sort(key=lambda finding: (finding.path, finding.keyword))
        return [told(finding, self._schema) for finding in found[: VIOLATIONS_MAX + 1]]


def compile_json_schema(text: str) -> JsonSchema | list[Violation]:
    """Prepare a schema; what is wrong with it, if it cannot be used (paths begin with ``/schema``)."""
    read = read_json(text.encode("utf-8", "replace"), depth_max=SCHEMA_DEPTH_MAX)
    if isinstance(read, Unreadable):
        return [_unfit("", one.keyword, one.message, one.hint) for one in read.violations]
    schema = read.value
    wrong = _wrong_draft(schema) or _against_meta_schema(schema) or _references_abroad(schema)
    if wrong:
        return wrong
    try:
        if parts(schema, schema) > PARTS_MAX:
            return [_unfit("", "$ref", f"written out it has more than {PARTS_MAX} parts", "say it more loosely")]
        fields = frozenset(declared_properties(schema, schema))
        validator = jsonschema_rs.validator_for(
            judging(schema),
            offline=True,
            validate_formats=False,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=REGEX_BYTES_MAX, dfa_size_limit=REGEX_BYTES_MAX),
        )
    except RecursionError:
        return [_unfit("", "$ref", "it is nested too deeply", "say it more simply")]
    except LookupError as error:
        return [_unfit("", "$ref", str(error.args[0]), "define it under $defs and write #/$defs/<name>")]
    except jsonschema_rs.ValidationError as error:
        return [_uncompilable(error)]
    except ValueError as error:
        return [_unfit("", "schema", shown(str(error), 120), "see json-schema.org")]
    is_closed = isinstance(schema, dict) and schema.get("additionalProperties") is False
    return JsonSchema(schema, validator, fields, is_closed=is_closed)


def _wrong_draft(schema: Schema) -> list[Violation]:
    if not isinstance(schema, dict | bool):
        return [_unfit("", "type", "a schema is an object", 'begin with {"type": "object"}')]
    draft = schema.get("$schema", _DEFAULT_DRAFT) if isinstance(schema, dict) else _DEFAULT_DRAFT
    if isinstance(draft, str) and draft.removesuffix("#") in DRAFTS:
        return []
    return [_unfit("/$schema", "$schema", "not a known draft", f"use {_DEFAULT_DRAFT}")]


def _against_meta_schema(schema: Schema) -> list[Violation]:
    """Ask the reference implementation: its account of a broken schema is the one people know."""
    reference: Any = validator_for(schema, default=validator_for({"$schema": _DEFAULT_DRAFT}))
    try:
        reference.check_schema(schema, format_checker=_NO_FORMATS)
    except SchemaError as error:
        message = shown(error.message, 150).replace('\\"', "'")
        return [_unfit(pointer_to(error.absolute_path), str(error.validator), message, "see json-schema.org")]
    return []


def _references_abroad(schema: Schema) -> list[Violation]:
    message = "refers to something outside this schema, and nothing is ever fetched"
    hint = "copy what it points to under $defs and write #/$defs/<name>"
    return [_unfit(pointer_to(path), str(path[-1]), message, hint) for path in foreign_references(schema)]


def _uncompilable(error: jsonschema_rs.ValidationError) -> Violation:
    path = list(error.instance_path)
    if "pattern" in path[-1:] or "patternProperties" in path[-2:-1]:
        message = "this pattern cannot run in linear time, or is too large: no look-around, no back-references"
        return _unfit(pointer_to(path), "pattern", message, "say it without (?=, (?!, (?< and \\1")
    message = shown(error.message.splitlines()[0], 150) if error.message else "the schema cannot be compiled"
    return _unfit(pointer_to(path), "schema", message, "see json-schema.org")


def _unfit(path: str, keyword: str, message: str, hint: str) -> Violation:
    return Violation(f"/schema{path}", keyword, "", message[:MESSAGE_CHARACTERS_MAX], hint)
