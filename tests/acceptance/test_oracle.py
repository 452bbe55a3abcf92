"""The acceptance run's own oracle, checked against published vectors and hand-made bytes: who checks must be right."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.acceptance.arbiter_oracle import ArbiterOracle
from tests.acceptance.chain import fold_segments
from tests.acceptance.control_oracle import Registry
from tests.acceptance.envelope_oracle import is_too_large, wrong_headers
from tests.acceptance.gate_oracle import GateOracle
from tests.acceptance.json_oracle import BadPayloadError, parse_body, violations
from tests.acceptance.predecessor import Reader
from tests.acceptance.wire import Headers, Json, Record, canonical, message_hash, murmur2, time_ms, time_text, token

AT = 1_795_255_330_000
AGENT = "spiffe://acme/agent/sales-1"
OTHER = "spiffe://acme/agent/support-1"
CONTROL_BODY = "bus.control.set.v1"


def control(registry: Registry, kind: str, name: str, value: Json) -> None:
    """Put something in force."""
    registry.accept({"kind": kind, "name": name, "value": value, "base": None}, CONTROL_BODY)


@pytest.fixture
def registry() -> Registry:
    """Two agents on one lane and terms of a lead."""
    registry = Registry(("spiffe://acme/person/ana",))
    for agent in (AGENT, OTHER):
        control(registry, "agent", agent, {"lane": "sales", "roles": ["sales"], "owner": "x"})
    terms = {"lease_ms": 5000, "lock_delay_ms": 0, "handover_ms": 1000, "when": {}, "claimants": ["sales"]}
    control(registry, "terms", "lead", terms)
    return registry


def headers(message_id: str, message_type: str, source: str = AGENT, **more: str) -> Headers:
    """A well-formed envelope."""
    named = {
        "ce_specversion": "1.0",
        "ce_id": message_id,
        "ce_source": source,
        "ce_type": message_type,
        "ce_time": time_text(AT),
        "content-type": "application/json",
        **more,
    }
    return tuple((name, value.encode()) for name, value in named.items())


def message(offset: int, message_headers: Headers, value: bytes | None = b"{}", append_ms: int = AT) -> Record:
    """A record of bus.in.sales."""
    return Record("bus.in.sales", 0, offset, append_ms, None, message_headers, value)


def forwarded(offset: int, record: Record, previous: str) -> Record:
    """The record as the gate passes it on."""
    ours = {
        "bus-src": record.src,
        "bus-at": str(record.append_ms),
        "bus-from": "sales",
        "bus-prev": previous,
        "bus-control": "3",
        "bus-contract": f"{record.last('ce_type')}@1",
    }
    added = tuple((name, value.encode()) for name, value in ours.items())
    return Record("bus.arbiter", 0, offset, record.append_ms + 1, b"lead/L-1", record.headers + added, record.value)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("foobar", -790332482), ("a-little-bit-long-string", -985981536), ("21", -973932308)],
)
def test_murmur2_is_the_java_clients(key: str, expected: int) -> None:
    """Keys hash as Kafka's own Java client hashes them, by the vectors of its unit test."""
    assert murmur2(key.encode()) == expected


def test_message_hash_reads_the_first_of_a_doubled_header_and_absent_as_empty() -> None:
    """The message hash is SHA-256 of four header lines and the value."""
    doubled = (("ce_type", b"a.b.c.v1"), ("ce_type", b"other"), ("content-type", b"application/json"))
    by_hand = hashlib.sha256(b"a.b.c.v1\n\n\napplication/json\n{}").hexdigest()
    assert message_hash(doubled, b"{}") == by_hand


def test_token_of_the_wire_page() -> None:
    """The fencing token of decision 1.p.8841.0 is 2**44 + 8841 * 2**8."""
    assert token(1, 8841, 0) == 2**44 + 8841 * 2**8


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "x"])
def test_unreal_times_have_no_moment(text: str) -> None:
    """A date that does not exist, second 60, or a time without Z is no ce_time."""
    assert time_ms(text) is None


def test_times_are_truncated_to_milliseconds() -> None:
    """Nine digits of a second count three."""
    assert time_ms("1970-01-01T00:00:01.123999999Z") == 1123


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b'{"a":1,"a":2}', b'{"a":9007199254740992}', b"[" * 33 + b"]" * 33, b"NaN", b"{", b"null x"]
)
def test_bad_payloads(body: bytes) -> None:
    """Empty, not UTF-8, a doubled key, an integer of 2**53, depth 33 and no JSON are bad payload."""
    with pytest.raises(BadPayloadError):
        parse_body(body)


def test_deepest_and_largest_allowed() -> None:
    """Depth 32 and 2**53 - 1 pass."""
    assert parse_body(b"[" * 32 + b"9007199254740991" + b"]" * 32)


def test_violations_end_in_the_property_and_are_sorted() -> None:
    """Each missing or foreign property is a violation of its own."""
    schema = {"type": "object", "required": ["b", "a"], "properties": {"c": {"type": "integer"}}}
    found = violations(schema | {"additionalProperties": False}, {"c": "x", "d": 1})
    told = [(violation.path, violation.keyword) for violation in found]
    assert told == [("/a", "required"), ("/b", "required"), ("/c", "type"), ("/d", "additionalProperties")]


def test_doubled_foreign_header_is_wrong() -> None:
    """Two headers of one name, any name, are a bad envelope."""
    assert wrong_headers(message(0, (*headers("a", "a.b.c.v1"), ("x", b"1"), ("x", b"1")))) == {"x"}


def test_sixty_five_headers_are_too_large() -> None:
    """64 headers pass, 65 do not."""
    many = headers("a", "a.b.c.v1") + tuple((f"h{n}", b"") for n in range(58))
    assert (is_too_large(message(0, many)), is_too_large(message(0, (*many, ("h99", b""))))) == (False, True)


def test_repetition_reuse_and_two_subjects(registry: Registry) -> None:
    """The same message again is a duplicate of the first; the same id and body on another subject is a reused id."""
    gate = GateOracle("sales", registry, 4)
    first = headers("c-1", "bus.resource.claim.v1", ce_subject="lead/L-1")
    other = headers("c-1", "bus.resource.claim.v1", ce_subject="lead/L-2")
    rows = [gate.judge(message(n, given), 3) for n, given in enumerate([first, first, other])]
    assert [(row.reason, row.first) for row in rows] == [("", ""), ("duplicate", "sales.0"), ("id_reuse", "sales.0")]


@pytest.mark.parametrize(("late_ms", "reason"), [(300_000, ""), (300_001, "stale"), (-30_000, ""), (-30_001, "stale")])
def test_staleness_is_inclusive(registry: Registry, late_ms: int, reason: str) -> None:
    """Exactly 300 s old and exactly 30 s early pass."""
    given = message(0, headers("c-1", "bus.resource.claim.v1", ce_subject="lead/L-1"), append_ms=AT + late_ms)
    assert GateOracle("sales", registry, 4).judge(given, 3).reason == reason


def test_one_holder_and_the_late_renewal(registry: Registry) -> None:
    """First claim granted, second held, renewal at until is late though no tick fired."""
    oracle = ArbiterOracle(0, 1, registry, control=3)
    claim = headers("c-1", "bus.resource.claim.v1", ce_subject="lead/L-1")
    second = headers("c-2", "bus.resource.claim.v1", OTHER, ce_subject="lead/L-1")
    renew = headers("r-1", "bus.resource.renew.v1", ce_subject="lead/L-1")
    body = canonical({"token": token(1, 0, 0)})
    records = [
        forwarded(0, message(0, claim), ""),
        forwarded(1, message(1, second), "sales.0"),
        forwarded(2, message(2, renew, body, AT + 4999), "sales.1"),
        forwarded(3, message(3, renew, body, AT + 9999), "sales.2"),
        forwarded(3, message(3, renew, body, AT + 9999), "sales.2"),
    ]
    outcomes = [oracle.step(record, {"events": []}) for record in records]
    told = [(one.verdict, [(event["kind"], event.get("reason")) for event in one.events]) for one in outcomes]
    assert told == [
        ("applied", [("granted", None)]),
        ("applied", [("denied", "held")]),
        ("applied", [("renewed", None)]),
        ("refused", [("refused", "late")]),
        ("repeat", []),
    ]


def test_void_segments_are_left_out() -> None:
    """Of two appends that name the same predecessor the first counts."""
    genesis = canonical({"kind": "genesis", "seq": 0, "prev": "", "v": 1})
    good = canonical({"kind": "gate", "seq": 1, "prev": hashlib.sha256(genesis).hexdigest(), "from": 0, "to": 3})
    rival = canonical({"kind": "gate", "seq": 1, "prev": hashlib.sha256(genesis).hexdigest(), "from": 0, "to": 4})
    log = [Record("bus.gate.a", 0, n, AT, None, (), value) for n, value in enumerate([genesis, good, rival])]
    assert [json.loads(segment.record.value or b"")["seq"] for segment in fold_segments(log)] == [0, 1]


def test_reader_ignores_repeats_and_gaps() -> None:
    """By the rule of the predecessor a repeat and what stands behind a hole are not read, and what is sent again is."""
    reader = Reader()
    sent = [("1.0.1.0", ""), ("1.0.1.0", ""), ("1.0.9.0", "1.0.5.0"), ("1.0.5.0", "1.0.1.0"), ("1.0.9.0", "1.0.5.0")]
    read = [own for own, previous in sent if reader.accepts("1.0", own, previous)]
    assert read == ["1.0.1.0", "1.0.5.0", "1.0.9.0"]
