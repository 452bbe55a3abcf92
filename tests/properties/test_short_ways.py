"""The short way through a message in order ends where the long way ends: in one pass, or looked at piece by piece."""

import json
import string

from hypothesis import example, given
from hypothesis import strategies as st

from bus.core.decision.entries import Basis, Entry
from bus.core.decision.events import Denied, Event, event_to_json
from bus.core.gate import Row
from bus.core.log.records import Headers, Record, canonical
from bus.core.log.routing import MASK_32, MURMUR2_M, MURMUR2_SEED, murmur2
from bus.core.message import envelope as envelopes
from bus.core.message.envelope import HEADER_BYTES_MAX, VALUE_BYTES_MAX, read_envelope
from bus.shell.bodies import Readable, Unreadable, read_json
from tests.core.test_envelope import IN_ORDER

NAMES = st.sampled_from(
    [
        *IN_ORDER,
        *("ce_subject", "ce_bustoken", "ce_expirytime", "ce_dataschema", "ce_correlationid"),
        *("bus-key", "bus-src", "__value_schema_id", "__connect.errors.topic", "trace", "ce_strange", "n\u00e4me"),
    ]
)
VALUES = st.sampled_from(
    [None, b"", b"1.0", b"2", b"lead/L-1", b"lead/", b"\xff", b"2026-11-21T10:00:01Z", b"x" * 4000]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def _is_finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from([0, 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1]))
@example([("trace", b"x" * (HEADER_BYTES_MAX - 130))], 1)
def test_envelope_is_read_the_same_both_ways(more: list[tuple[str, bytes | None]], size: int) -> None:
    """Whatever headers a record has, looking closer at once finds the same envelope, or the same faults."""
    for headers in (tuple(more), (*IN_ORDER.items(), *more), tuple({**IN_ORDER, **dict(more)}.items())):
        record = _record(headers, b"x" * size)
        assert read_envelope(record) == envelopes._examined(record)


@given(st.text(max_size=70), st.text(max_size=70), st.lists(st.integers(0, 12), max_size=4))
def test_row_is_written_as_its_list(source: str, identifier: str, partitions: list[int]) -> None:
    """A row that writes itself has the bytes that an encoder would give it."""
    row = Row(7, "refused", "late", source, identifier, "0" * 64, 1_795_000_000_000, tuple(partitions))
    assert row.written() == canonical(row.to_json())


@given(st.text(max_size=70), st.text(max_size=70), st.sampled_from(["", "job@1", "n\u00e4me@1"]))
def test_entry_is_written_as_its_json(source: str, identifier: str, terms: str) -> None:
    """An entry that writes itself has the bytes that an encoder would give it, with a basis and without one."""
    basis = Basis(7, terms, "leads.note.add.v1@1", resolvers=1)
    event = Event(0, source, (("sales", source),), Denied(source, identifier, "held", 9))
    said = Entry(7, "applied", (event,), "late", "bus.in.sales/0/1", identifier, source, source, 9, "0" * 64, basis)
    tick = Entry(8, "tick", (event,), type="bus.clock.tick.v1", after=7, now=9, stalled=(source,))
    for entry in (said, tick):
        assert entry.written([event_to_json(event)]) == canonical(entry.to_json())


@given(BODIES.filter(_is_finite))
def test_canonical_form_is_that_of_json(value: object) -> None:
    """The encoder that is kept writes what ``json.dumps`` writes with the same settings."""
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    assert canonical(value) == expected.encode()


@given(BODIES, st.sampled_from(["", " ", "\n\t", "x", "}", "[]"]), st.sampled_from(["", " ", "\ufeff", "{"]))
def test_blanks_around_a_body_change_nothing(value: object, behind: str, before: str) -> None:
    """A body is read, or refused in the same words, as by a decoder that looks for blanks first."""
    body = f"{before}{json.dumps(value)}{behind}".encode()
    padded = read_json(b"\n" + body)
    bare = read_json(body)
    assert type(padded) is type(bare)
    if isinstance(bare, Readable) and isinstance(padded, Readable):
        assert bare == padded
    if isinstance(bare, Unreadable) and isinstance(padded, Unreadable):
        assert [one.keyword for one in bare.violations] == [one.keyword for one in padded.violations]


@given(st.binary(max_size=40) | st.text(string.ascii_letters + "/-", max_size=60).map(str.encode))
def test_murmur_is_that_of_java(data: bytes) -> None:
    """The hash that keys are spread by is, step by step, the one that Kafka's Java client computes."""
    assert murmur2(data) == _by_the_book(data)


def _record(headers: Headers, value: bytes) -> Record:
    return Record("bus.in.sales", 0, 0, 0, None, value, headers)


def _by_the_book(data: bytes) -> int:
    h = (MURMUR2_SEED ^ len(data)) & MASK_32
    for start in range(0, len(data) - len(data) % 4, 4):
        k = int.from_bytes(data[start : start + 4], "little")
        k = (k * MURMUR2_M) & MASK_32
        k ^= k >> 24
        k = (k * MURMUR2_M) & MASK_32
        h = (h * MURMUR2_M) & MASK_32
        h ^= k
    if rest := data[len(data) - len(data) % 4 :]:
        for place, byte in enumerate(rest):
            h ^= byte << (8 * place)
        h = (h * MURMUR2_M) & MASK_32
    h ^= h >> 13
    h = (h * MURMUR2_M) & MASK_32
    return h ^ (h >> 15)
