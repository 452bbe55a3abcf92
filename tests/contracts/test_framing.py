"""A body may name its schema as registries do; a schema named must be the contract's."""

import uuid

import pytest

from tests.contracts.examples import contract_of, judge_with, places, reason_of

GUID = "6f1d3c52-8a44-4a0e-9f43-0c2a5d1e7b90"
NAMED = b"\x01" + uuid.UUID(GUID).bytes
CONTRACT = contract_of({"type": "object"}, ids=(70001,), guids=(GUID.upper(),))


def framed(schema_id: int, body: bytes = b"{}") -> bytes:
    """A body in the registry's five-byte frame."""
    return b"\x00" + schema_id.to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"{}", (), ""),
        (framed(70001), (), ""),
        (framed(70002), (), "schema_mismatch"),
        (framed(70001, b""), (), "bad_payload"),
        (b"\x00\x00", (), "schema_mismatch"),
        (b"{}", (NAMED,), ""),
        (b"{}", (NAMED, NAMED), ""),
        (b"{}", (NAMED, b"\x01" + uuid.UUID(int=7).bytes), "schema_mismatch"),
        (b"{}", (NAMED[:-1],), "schema_mismatch"),
        (b"{}", (b"\x00" + NAMED[1:],), "schema_mismatch"),
        (b"{}", (b"",), "schema_mismatch"),
        (framed(70001), (NAMED,), "bad_payload"),
        (None, (NAMED,), "bad_payload"),
    ],
)
def test_a_schema_named_is_the_contracts(value: bytes | None, headers: tuple[bytes, ...], reason: str) -> None:
    """Headers first, and then the body is untouched; else the five bytes; an unknown id is a mismatch."""
    assert reason_of(judge_with(CONTRACT, value, schema_id_headers=headers)) == reason


@pytest.mark.parametrize(
    ("dataschema", "reason"),
    [
        ("", ""),
        ("https://acme.example/lead.json", ""),
        ("tests.thing.do.v1@3", ""),
        ("tests.thing.do.v1@1", ""),
        ("tests.thing.do.v1@4", "schema_mismatch"),
        ("tests.thing.do.v2@1", "schema_mismatch"),
        ("https://registry.example/schemas/ids/70001", ""),
        ("https://registry.example/schemas/ids/7/schema", "schema_mismatch"),
        (f"https://registry.example/schemas/guids/{GUID}", ""),
        (f"https://registry.example/schemas/guids/{uuid.UUID(int=7)}", "schema_mismatch"),
    ],
)
def test_a_dataschema_that_names_another_schema_is_a_mismatch(dataschema: str, reason: str) -> None:
    """Known forms are checked: revision, id, GUID; any other URI is the sender's own note."""
    assert reason_of(judge_with(CONTRACT, b"{}", dataschema=dataschema)) == reason


def test_the_content_type_is_the_contracts_format() -> None:
    """Avro sent to a JSON contract is a mismatch, before a byte of the body is read."""
    answer = judge_with(CONTRACT, b"\xff", content_type="application/avro")
    assert (reason_of(answer), places(answer)) == ("schema_mismatch", [("/headers/content-type", "format")])


def test_a_contract_without_ids_knows_no_frame() -> None:
    """Whoever frames for a contract that was never in a registry names a schema nobody knows."""
    assert reason_of(judge_with(contract_of({}), framed(1))) == "schema_mismatch"
