"""Takes the schema registry's mark off a body, and checks that the schema it names belongs to the contract.

A schema can be named in a header (``0x01`` and a 16-byte GUID; the body is untouched), or by five bytes before the body
(``0x00`` and a 4-byte id). Headers are looked at first, and then the body is not framed. What counts as framed:

    format json   a body that begins with 0x00: no JSON does
    format avro   a body of five bytes or more that begins with 0x00, if the contract has ids. Stock serializers frame
                  every body, so whoever sends bare Avro under such a contract names the schema in a header.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from bus.core.policy.contracts import Contract, Violation

FRAME_BYTES = 5
GUID_HEADER_BYTES = 17
_MAGIC_ID, _MAGIC_GUID = 0, 1
_TYPE_AND_REVISION = re.compile(r"([a-z][a-z0-9_.-]*\.v[1-9][0-9]*)@([1-9][0-9]{0,8})")
_REGISTRY_URL = re.compile(r".*/schemas/(?:ids/([0-9]{1,10})|guids/([0-9A-Fa-f-]{36}))(?:/schema)?/?")
_CONTENT_TYPES = {"json": "application/json", "avro": "application/avro"}


def misnamed_schema(
    contract: Contract, *, content_type: str, dataschema: str, schema_id_headers: Sequence[bytes]
) -> list[Violation]:
    """What the headers say of the schema that does not fit the contract."""
    expected = _CONTENT_TYPES[contract.format]
    if content_type == expected and not dataschema and not schema_id_headers:
        return []
    wrong = []
    if content_type != expected:
        wrong.append(
            Violation("/headers/content-type", "format", "", f"{contract.ref} is {expected}", f"send {expected}")
        )
    ours = {guid.lower() for guid in contract.guids}
    strange = [header for header in schema_id_headers if _guid(header) not in ours]
    wrong += [_foreign("/headers/__value_schema_id", "GUID", contract) for _ in strange]
    if not _is_dataschema_ours(contract, dataschema):
        wrong.append(_foreign("/headers/ce_dataschema", "schema", contract))
    return wrong


def unframed(contract: Contract, body: bytes | None, *, is_named_in_header: bool) -> bytes | Violation | None:
    """The body without the registry's five bytes; a Violation if the id in them is not the contract's."""
    if not body or body[0] != _MAGIC_ID or is_named_in_header:
        return body
    if contract.format == "avro" and (not contract.ids or len(body) < FRAME_BYTES):
        return body
    if len(body) < FRAME_BYTES or int.from_bytes(body[1:FRAME_BYTES], "big") not in contract.ids:
        return _foreign("", "id", contract)
    return body[FRAME_BYTES:]


def _guid(header: bytes) -> str:
    if len(header) != GUID_HEADER_BYTES or header[0] != _MAGIC_GUID:
        return ""
    return str(UUID(bytes=header[1:]))


def _is_dataschema_ours(contract: Contract, dataschema: str) -> bool:
    """Judge what names a schema in a form we know; an older revision was ours, any other URI is the sender's note."""
    if found := _TYPE_AND_REVISION.fullmatch(dataschema):
        return found[1] == contract.type and int(found[2]) <= contract.revision
    if found := _REGISTRY_URL.fullmatch(dataschema):
        known = {guid.lower() for guid in contract.guids}
        return int(found[1]) in contract.ids if found[1] else found[2].lower() in known
    return True


def _foreign(path: str, what: str, contract: Contract) -> Violation:
    return Violation(
        path,
        "schema",
        "",
        f"this schema {what} does not belong to {contract.ref}",
        f"serialize with the schema of {contract.ref}, or send plain {_CONTENT_TYPES[contract.format]}",
    )
