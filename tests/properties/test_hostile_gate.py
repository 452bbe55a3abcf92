"""Hostile bytes at the gate: whatever a sender writes, every record gets one row, and nothing breaks."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bus.core.decision.reasons import GateReason
from bus.core.log.records import Headers
from bus.shell.catalogue import built_in_contracts
from tests.rules.cast import ANA, CONTRACTS, MAIL, START_MS, agent, encoded, spoken
from tests.rules.gate_script import Gates

TYPES = sorted({*built_in_contracts(), *CONTRACTS})
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)
# Bodies that come near to what a contract wants: its field names with any values.
FIELDS = [
    *("token", "to", "reason", "lease_ms", "claim", "decision", "result", "select", "kind", "name", "value", "base"),
    *(
        "lead_id",
        "cost",
        "cost_cents",
        "words",
        "contest",
        "choice",
        "case",
        "rev",
        "ruling",
        "for",
        "until",
        "evidence",
    ),
]
NEAR = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
KINDS = st.sampled_from(["lane", "agent", "person", "contract", "terms"])
CONTRACT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("a.b.c.v1"),
        "key": st.text(max_size=4),
        "cost": st.text(max_size=4),
        "rules": st.lists(
            st.fixed_dictionaries(
                {"id": st.just("r"), "when": st.text(max_size=12), "do": st.just("refuse"), "say": st.just("no")}
            ),
            max_size=2,
        ),
        "resource": st.just("lead"),
        "guard": st.booleans(),
    },
)
CONTRACT_VALUE: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "contract": CONTRACT,
        "format": st.sampled_from(["json", "avro"]),
        "schema": st.one_of(st.text(max_size=20), JSON.map(json.dumps)),
    },
    optional={"ids": st.just([]), "guids": st.just([])},
)
CHANGES = st.fixed_dictionaries(
    {
        "kind": KINDS,
        "name": st.one_of(st.sampled_from(["sales", "lead", "a.b.c.v1", agent("x"), ANA]), st.text(max_size=6)),
        "value": st.one_of(st.none(), CONTRACT_VALUE, JSON),
        "base": st.one_of(st.none(), st.text(max_size=4)),
    }
)
BODIES = st.one_of(
    st.none(),
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    NEAR.map(lambda value: json.dumps(value).encode()),
    st.tuples(NEAR, st.integers(0, 40)).map(lambda pair: json.dumps(pair[0]).encode()[: pair[1]]),
    st.integers(1, 70).map(lambda depth: b"[" * depth + b"]" * depth),
    NEAR.map(lambda value: b"\x00\x00\x00\x00\x01" + json.dumps(value).encode()),
)
MORE = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "ce_subject",
                "ce_bustoken",
                "ce_expirytime",
                "ce_dataschema",
                "__value_schema_id",
                "__key_schema_id",
                "content-type",
            ]
        ),
        st.one_of(
            st.none(), st.binary(max_size=20), st.sampled_from([b"lead/L-1", b"5", b"application/avro", b"\x01" * 17])
        ),
    ),
    max_size=3,
)
VERDICTS = {"forwarded", "refused", "duplicate"}


def _headers(kind: str, source: str, more: list[tuple[str, bytes | None]]) -> Headers:
    mine = spoken(kind, source=source, identifier="x", at_ms=START_MS, subject="lead/L-1", token="5")
    replaced = {name for name, _ in more}
    return (*(pair for pair in encoded(mine) if pair[0] not in replaced), *more)


def _judge(lane: str, headers: Headers, value: bytes | None) -> str:
    judged = Gates().judge(lane, headers, value, START_MS)
    assert judged.row.verdict in VERDICTS
    assert (judged.row.verdict == "refused") == (judged.row.reason in list(GateReason))
    return judged.row.reason


@given(st.sampled_from(TYPES), BODIES, MORE)
def test_no_message_of_an_agent_breaks_the_gate(
    kind: str, value: bytes | None, more: list[tuple[str, bytes | None]]
) -> None:
    """Any bytes under any type get a row."""
    _judge("sales", _headers(kind, agent("sales"), more), value)


@given(st.sampled_from(TYPES), BODIES, MORE)
def test_no_message_of_a_person_breaks_the_gate(
    kind: str, value: bytes | None, more: list[tuple[str, bytes | None]]
) -> None:
    """Any bytes of somebody who may change control get a row."""
    _judge("operators", _headers(kind, ANA, more), value)


@given(CHANGES)
def test_no_change_breaks_the_gate(body: dict[str, Any]) -> None:
    """A change with any value, with contracts that do not compile and terms that mean nothing, gets a row."""
    headers = encoded(spoken("bus.control.set.v1", source=ANA, identifier="x", at_ms=START_MS))
    _judge("operators", headers, json.dumps(body).encode())


@given(st.lists(st.tuples(st.text(max_size=6), st.one_of(st.none(), st.binary(max_size=10))), max_size=5), BODIES)
def test_no_record_breaks_the_gate(headers: list[tuple[str, bytes | None]], value: bytes | None) -> None:
    """A record that is no message at all gets a row."""
    assert _judge("sales", tuple(headers), value) == "bad_envelope"


@given(st.binary(max_size=60))
def test_a_body_that_is_no_json_is_told_as_such(value: bytes) -> None:
    """Bytes are `bad_payload`, or they are JSON that a contract can judge, or framed by a schema that is not ours."""
    reason = _judge("sales", _headers(MAIL, agent("sales"), []), value)
    try:
        parsed = json.loads(value.decode()) if value else None
    except ValueError:
        assert reason == ("schema_mismatch" if value[:1] == b"\x00" else "bad_payload")
    else:
        assert reason in ("bad_payload", "schema_violation") or isinstance(parsed, dict)
