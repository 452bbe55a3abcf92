"""Avro bodies: read to the last byte as JSON values, and no schema whose short bodies read for ever."""

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.policy.contracts import Contract, FactSource, Rule
from bus.shell.validation import Accepted, ContractError, compile_contract
from tests.contracts.examples import contract_of, judge_with, reason_of, violations_of

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "amount", "type": ["null", "long"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "weight", "type": "double"},
        {"name": "seal", "type": "bytes"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "DONE"]}},
        {"name": "tags", "type": {"type": "map", "values": {"type": "array", "items": "int"}}},
    ],
}
ORDER = {"id": "o", "amount": 5, "at": 7, "weight": 1.5, "seal": b"\xff", "state": "DONE", "tags": {"a": [1]}}
ANY = st.fixed_dictionaries(
    {
        "id": st.text(max_size=9),
        "amount": st.none() | st.integers(1 - 2**53, 2**53 - 1),
        "at": st.integers(0, 2**53 - 1),
        "weight": st.floats(allow_nan=False, allow_infinity=False),
        "seal": st.just(b"\xff"),
        "state": st.sampled_from(["NEW", "DONE"]),
        "tags": st.dictionaries(st.text(max_size=3), st.lists(st.integers(-9, 9), max_size=3), max_size=3),
    }
)


def written(record: dict[str, Any], schema: Any = None) -> bytes:  # Any: an Avro record and schema
    """The record as stock writers write it; logical types as the integers they are."""
    plain = json.loads(json.dumps(schema or SCHEMA).replace('"logicalType"', '"was"'))
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(plain), record)
    return stream.getvalue()


def avro(schema: object = SCHEMA, **parts: Any) -> Contract:  # Any: fields of a contract
    """An Avro contract."""
    return contract_of(schema, format="avro", **parts)


def _judge(value: bytes, contract: Contract, *headers: bytes) -> Any:  # Any: either answer
    return judge_with(contract, value, content_type="application/avro", schema_id_headers=headers)


@given(ANY)
def test_a_record_is_read_as_json(record: dict[str, Any]) -> None:
    """Everything is a JSON value: bytes as base64, a timestamp as its milliseconds, an enum as its symbol."""
    assert _judge(written(record), avro()) == Accepted(record | {"seal": "/w=="})


@given(ANY, st.integers(0, 300))
def test_a_cut_record_is_bad(record: dict[str, Any], length: int) -> None:
    """No prefix of a record is a record, and none raises."""
    whole = written(record)
    assert reason_of(_judge(whole[: min(length, len(whole) - 1)], avro())) == "bad_payload"


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(body: bytes) -> None:
    """Noise is a record or bad, and never an exception."""
    assert reason_of(_judge(body, avro())) in ("", "bad_payload")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        written(ORDER) + b"\x00",
        written(ORDER | {"weight": float("nan")}),
        written(ORDER | {"weight": float("-inf")}),
        written(ORDER | {"amount": 2**53}),
        written(ORDER | {"at": -(2**53)}),
    ],
)
def test_the_bounds_are_those_of_json(body: bytes) -> None:
    """Empty, followed by more, infinite, or beyond 2**53 - 1: bad, as a JSON body would be."""
    assert reason_of(_judge(body, avro())) == "bad_payload"


def test_rules_and_pointers_work_on_avro() -> None:
    """A rule sees the fields of the record."""
    big = avro(rules=(Rule("big", "amount != null && amount > 5", "refuse", "too big"),), key="/id")
    assert reason_of(_judge(written(ORDER), big)) == ""
    assert [one.rule for one in violations_of(_judge(written(ORDER | {"amount": 6}), big))] == ["big"]


def test_a_frame_is_taken_off_where_the_contract_has_ids() -> None:
    """With ids a leading zero byte is a frame; named in a header, or without ids, it belongs to the record."""
    empty_first = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "s", "type": "string"}, {"name": "n", "type": "long"}],
    }
    bare = written({"s": "", "n": 2**40}, empty_first)
    frame = b"\x00" + (9).to_bytes(4, "big")
    with_ids = avro(empty_first, ids=(9,), guids=("00000000-0000-0000-0000-000000000007",))
    assert bare[0] == 0
    assert reason_of(_judge(frame + bare, with_ids)) == ""
    assert reason_of(_judge(bare, with_ids)) == "schema_mismatch"
    assert reason_of(_judge(bare, with_ids, b"\x01" + (7).to_bytes(16, "big"))) == ""
    assert reason_of(_judge(bare, avro(empty_first))) == ""


NODE = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
INHERITED = {
    "type": "record",
    "name": "q.N",
    "fields": [
        {"name": "a", "type": {"type": "record", "name": "I", "fields": [{"name": "b", "type": ["null", "q.I"]}]}}
    ],
}


def _doubling(levels: int) -> dict[str, Any]:  # Any: an Avro schema
    inner: Any = "null"
    for level in range(levels):
        first = {"name": "a", "type": inner}
        second = {"name": "b", "type": inner["name"] if isinstance(inner, dict) else inner}
        inner = {"type": "record", "name": f"R{level}", "fields": [first, second]}
    return dict(inner)


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        (NODE, "contains itself"),
        (INHERITED, "contains itself"),
        ({"type": "array", "items": "null"}, "take no bytes"),
        ({"type": "array", "items": {"type": "record", "name": "E", "fields": []}}, "take no bytes"),
        ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}, "take no bytes"),
        (_doubling(16), "more than 10000 parts"),
        ({"type": "nope"}, "not an Avro schema"),
        ({"type": "record", "name": "R", "fields": [{"name": "a", "type": "Elsewhere"}]}, "not an Avro schema"),
        (3, "not an Avro schema"),
        ("{", "not JSON"),
    ],
)
def test_a_schema_without_bounds_is_refused(schema: object, part: str) -> None:
    """What a short body could make a reader recurse or loop on never comes into force."""
    with pytest.raises(ContractError, match=part):
        compile_contract(avro(schema))


def test_a_pointer_leads_to_a_field_of_the_record() -> None:
    """A fact taken from a field the record lacks is refused when the contract is registered."""
    with pytest.raises(ContractError, match="does not have"):
        compile_contract(avro(fact=FactSource("stage", "/stage", "crm")))
