"""The envelope's rules, header by header: what passes to the last character, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.decision.reasons import GateReason
from bus.core.log.records import Headers, Record
from bus.core.message.envelope import BadEnvelope, Envelope, forwarded_envelope, read_envelope, readable, time_ms

IN_ORDER = {
    "ce_specversion": b"1.0",
    "ce_id": b"c-1",
    "ce_source": b"spiffe://acme/agent/sales-1",
    "ce_type": b"leads.email.send.v1",
    "ce_time": b"2026-11-21T10:00:00Z",
    "content-type": b"application/json",
}
GOOD = [
    ("ce_id", "!"),
    ("ce_id", "~" * 64),
    ("ce_source", "spiffe://a/person/A"),
    ("ce_source", "spiffe://" + "a" * 255 + "/agent/" + "Z" * 128),
    ("ce_source", "spiffe://0.a-b/agent/._-9"),
    ("ce_type", "a.b.c.v1"),
    ("ce_type", "a-1.b_2.c.v10"),
    ("ce_time", "2024-02-29T23:59:59.999999999Z"),
    ("ce_time", "0001-01-01T00:00:00Z"),
    ("ce_time", "2026-11-21T10:00:00.1Z"),
    ("content-type", "application/avro"),
    ("ce_subject", "lead/L-1"),
    ("ce_subject", "lead/" + "A" * 128),
    ("ce_subject", "deal/a.b_c:d-e"),
    ("ce_bustoken", "0"),
    ("ce_bustoken", "9" * 16),
    ("ce_expirytime", "2026-11-21T10:00:00Z"),
    ("ce_correlationid", "anything at all"),
    ("ce_causationid", ""),
    ("ce_busconfidence", "x"),
    ("ce_busdelegation", "x"),
    ("ce_dataschema", "x"),
    ("ce_bussignature", "x"),
    ("ce_sequence", "x"),
    ("traceparent", "x"),
    ("CE_ID", "x"),
    ("Content-Type", "x"),
    ("bus", "x"),
]
BAD = [
    ("ce_specversion", "1"),
    ("ce_specversion", "1.0 "),
    ("ce_id", ""),
    ("ce_id", "a b"),
    ("ce_id", "ä"),
    ("ce_id", "a\n"),
    ("ce_id", "a" * 65),
    ("ce_source", "spiffe://ACME/agent/a"),
    ("ce_source", "spiffe:///agent/a"),
    ("ce_source", "spiffe://a/robot/a"),
    ("ce_source", "spiffe://a/agent/"),
    ("ce_source", "spiffe://a/agent/a/b"),
    ("ce_source", "spiffe://a/agent/a\n"),
    ("ce_source", "spiffe://" + "a" * 256 + "/agent/a"),
    ("ce_source", "spiffe://a/agent/" + "a" * 129),
    ("ce_type", "a.b.v1"),
    ("ce_type", "a.b.c.d.v1"),
    ("ce_type", "a.b.c.v0"),
    ("ce_type", "a.b.c.v01"),
    ("ce_type", "a.b.c"),
    ("ce_type", "A.b.c.v1"),
    ("ce_type", "1.b.c.v1"),
    ("ce_time", "2026-11-21T10:00:60Z"),
    ("ce_time", "2026-11-21T24:00:00Z"),
    ("ce_time", "2026-02-29T10:00:00Z"),
    ("ce_time", "0000-01-01T00:00:00Z"),
    ("ce_time", "2026-11-21T10:00:00"),
    ("ce_time", "2026-11-21T10:00:00+00:00"),
    ("ce_time", "2026-11-21t10:00:00z"),
    ("ce_time", "2026-11-21T10:00:00.Z"),
    ("ce_time", "2026-11-21T10:00:00.1234567890Z"),
    ("ce_time", "٢٠٢٦-11-21T10:00:00Z"),
    ("content-type", "application/json;charset=utf-8"),
    ("content-type", "Application/JSON"),
    ("ce_expirytime", "soon"),
    ("ce_new", "x"),
    ("ce_", "x"),
]
MISMATCHED = [
    ("ce_subject", "lead"),
    ("ce_subject", "lead/"),
    ("ce_subject", "/L-1"),
    ("ce_subject", "lead/a/b"),
    ("ce_subject", "lead/a b"),
    ("ce_subject", "lead/" + "A" * 129),
    ("ce_bustoken", ""),
    ("ce_bustoken", "00"),
    ("ce_bustoken", "-1"),
    ("ce_bustoken", "1.0"),
    ("ce_bustoken", "1" * 17),
]


def _read(headers: Headers, value: bytes | None = b"{}") -> Envelope | BadEnvelope:
    return read_envelope(Record("bus.in.sales", 0, 0, 0, None, value, headers))


def _with(name: str, value: bytes | None) -> Headers:
    return tuple({**IN_ORDER, name: value}.items())


def _paths(found: Envelope | BadEnvelope) -> list[str]:
    assert isinstance(found, BadEnvelope)
    return [violation.path for violation in found.violations]


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_a_header_by_its_rule_passes(name: str, text: str) -> None:
    """A value at the edge of its rule is accepted, and so is a header we have no rule for."""
    found = _read(_with(name, text.encode()))
    assert isinstance(found, Envelope)
    assert not found.subject_violations


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_header_against_its_rule_is_named(name: str, text: str) -> None:
    """A value that breaks its rule is `bad_envelope`, and the path names the header."""
    found = _read(_with(name, text.encode()))
    assert isinstance(found, BadEnvelope)
    assert (found.reason, _paths(found)) == (GateReason.BAD_ENVELOPE, [f"/headers/{name}"])


@pytest.mark.parametrize(("name", "text"), MISMATCHED)
def test_subject_and_token_are_judged_later(name: str, text: str) -> None:
    """A subject or token against its rule is no envelope error: it is kept for `subject_mismatch`."""
    found = _read(_with(name, text.encode()))
    assert isinstance(found, Envelope)
    assert [violation.path for violation in found.subject_violations] == [f"/headers/{name}"]
    assert (found.subject, found.token) == ("", None)


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_required_header_is_missed(name: str) -> None:
    """Every required header that is missing is named."""
    assert _paths(_read(tuple((key, value) for key, value in IN_ORDER.items() if key != name))) == [f"/headers/{name}"]


@pytest.mark.parametrize("name", IN_ORDER)
@pytest.mark.parametrize("value", [None, b"\xff"])
def test_a_header_that_is_no_text_is_named(name: str, value: bytes | None) -> None:
    """A required header that is null, or not UTF-8, breaks its rule."""
    assert _paths(_read(_with(name, value))) == [f"/headers/{name}"]


@pytest.mark.parametrize("name", [*IN_ORDER, "x-team", "bus-key", "CE_ID"])
def test_a_doubled_header_is_named(name: str) -> None:
    """Two headers of one name are `bad_envelope`, whatever the name."""
    found = _read((*_with(name, IN_ORDER.get(name, b"1")), (name, b"2")))
    assert isinstance(found, BadEnvelope)
    assert (found.reason, set(_paths(found))) == (GateReason.BAD_ENVELOPE, {f"/headers/{name}"})


@pytest.mark.parametrize("name", ["bus-key", "bus-", "bus-anything", "__connect.errors", "__connect.errors.topic"])
def test_a_header_of_the_bus_is_reserved(name: str) -> None:
    """A sender may not use the bus's own names."""
    found = _read(_with(name, b"1"))
    assert isinstance(found, BadEnvelope)
    assert (found.reason, _paths(found)) == (GateReason.RESERVED_HEADER, [f"/headers/{name}"])


def test_header_names_the_client_cannot_read_are_refused() -> None:
    """A record whose header names are no text is `bad_envelope`, for nothing of it is known."""
    found = read_envelope(Record("bus.in.sales", 0, 0, 0, None, b"{}", (), has_unreadable_headers=True))
    assert isinstance(found, BadEnvelope)
    assert found.reason == "bad_envelope"


def test_everything_wrong_is_told_at_once() -> None:
    """All violations of an envelope come together, in order, and a twenty-first only says that there are more."""
    headers = tuple((f"ce_{n:02}", b"1") for n in range(30))
    found = _read(headers)
    assert isinstance(found, BadEnvelope)
    assert len(found.violations) == 21
    assert found.violations[20].keyword == "more"
    assert list(found.violations[:20]) == sorted(found.violations[:20])


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-11-21T10:00:00.1Z", 1_795_255_200_100),
        ("2026-11-21T10:00:00.123999999Z", 1_795_255_200_123),
        ("2026-11-21T10:00:00.000999Z", 1_795_255_200_000),
    ],
)
def test_times_are_cut_to_milliseconds(text: str, ms: int) -> None:
    """A time is cut, never rounded, to milliseconds since 1970."""
    assert time_ms(text) == ms


def test_a_row_names_only_what_can_be_read() -> None:
    """Source and id stand in a row if they are there once and well-formed, else they are empty."""
    headers = (("ce_id", b"a"), ("ce_id", b"a"), ("ce_source", b"nobody"), ("ce_type", b"a.b.c.v1"))
    assert [readable(headers, name) for name in ("ce_id", "ce_source", "ce_type", "ce_subject")] == [
        "",
        "",
        "a.b.c.v1",
        "",
    ]


HEADER_NAMES = st.one_of(
    st.sampled_from([*IN_ORDER, "ce_subject", "ce_bustoken", "ce_expirytime", "ce_x", "bus-key", "x"]),
    st.text(max_size=8),
)
HEADER_VALUES = st.one_of(st.none(), st.binary(max_size=40), st.sampled_from(list(IN_ORDER.values())))
HOSTILE = st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=70).map(tuple)


@given(HOSTILE, st.one_of(st.none(), st.binary(max_size=20)))
def test_no_headers_break_the_reader(headers: Headers, value: bytes | None) -> None:
    """Whatever the headers are, the reader gives an envelope or a reason with violations."""
    found = _read(headers, value)
    if isinstance(found, BadEnvelope):
        assert found.reason in (GateReason.TOO_LARGE, GateReason.BAD_ENVELOPE, GateReason.RESERVED_HEADER)
        assert found.violations
    else:
        assert forwarded_envelope(headers) == found


@given(st.dictionaries(st.sampled_from([name for name, _ in GOOD]), st.sampled_from([t for _, t in GOOD]), max_size=4))
def test_what_passes_is_read_the_same_behind_the_gate(more: dict[str, str]) -> None:
    """The arbiter reads the very envelope the gate read, our headers behind it notwithstanding."""
    headers = tuple({**IN_ORDER, **{name: text.encode() for name, text in more.items()}}.items())
    found = _read(headers)
    if isinstance(found, Envelope):
        assert forwarded_envelope((*headers, ("bus-src", b"bus.in.sales/0/1"), ("bus-at", b"1"))) == found


@given(st.text(max_size=40))
def test_no_text_breaks_the_clock_reader(text: str) -> None:
    """Any text is a time in milliseconds or none."""
    assert time_ms(text) is None or text.endswith("Z")
