"""Whatever the bytes of a body are, reading them ends soon, with a value or with a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.shell.bodies import DEPTH_MAX, INTEGER_MAX, Readable, Unreadable, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _keyword(body: bytes | None) -> str:
    read = read_json(body)
    return read.violations[0].keyword if isinstance(read, Unreadable) else ""


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" ", "json"),
        (b"hello", "json"),
        (b"{} {}", "json"),
        (b"{'a':1}", "json"),
        (b'{"a":1,}', "json"),
        (b"[01]", "json"),
        (b'"\n"', "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b'"\xff"', "encoding"),
        (b'"\xed\xa0\x80"', "encoding"),
        (b'"\\ud800"', "encoding"),
        (b'{"\\udc00":1}', "encoding"),
        (b'{"a":1,"a":1}', "duplicate"),
        (b'{"a":1,"\\u0061":2}', "duplicate"),
        (b'[[{"b":{"a":1,"a":1}}]]', "duplicate"),
        (b"9007199254740992", "integer"),
        (b"-9007199254740992", "integer"),
        (b"[" + b"1" * 65_000 + b"]", "integer"),
        (b"NaN", "number"),
        (b"[-Infinity]", "number"),
        (b"1e400", "number"),
        (b"[" * 33 + b"]" * 33, "depth"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "depth"),
        (b"[" * 60_000, "depth"),
        (b'[{"a":' * 10_000, "depth"),
        (b'"\\' * 32_000, "json"),
    ],
)
def test_a_body_out_of_bounds_is_unreadable(body: bytes | None, keyword: str) -> None:
    """Every bound of the wire has its own answer, and none ends in an exception."""
    assert _keyword(body) == keyword


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"9007199254740991", 2**53 - 1),
        (b"-9007199254740991", 1 - 2**53),
        (b"9007199254740992.0", 2.0**53),
        (b"1e300", 1e300),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b' {"a" : [ ] }\n', {"a": []}),
        (b'["' + b"[" * 100 + b'"]', ["[" * 100]),
        (b'["\\"' + b"{" * 100 + b'"]', ['"' + "{" * 100]),
        (b"null", None),
    ],
)
def test_a_body_within_bounds_is_read(body: bytes, value: object) -> None:
    """What is just inside the bounds is read as it is."""
    assert read_json(body) == Readable(value)


def test_the_deepest_body_allowed_is_read() -> None:
    """Thirty-two levels are fine: a scalar is level 0, an empty object level 1."""
    assert isinstance(read_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX), Readable)
    assert isinstance(read_json(b'{"a":' * (DEPTH_MAX - 1) + b"{}" + b"}" * (DEPTH_MAX - 1)), Readable)


@given(VALUES)
def test_what_json_can_say_is_read_back(value: object) -> None:
    """A body written by any JSON writer reads as the same value, escaped or not."""
    for is_ascii in (True, False):
        assert read_json(json.dumps(value, ensure_ascii=is_ascii).encode()) == Readable(value)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0d8-1eE.Ntrufalse ', max_size=80).map(str.encode))
def test_any_bytes_get_an_answer(body: bytes) -> None:
    """Noise is either JSON for the standard library as well, or unreadable with a sentence."""
    read = read_json(body)
    if isinstance(read, Readable):
        assert json.loads(body) == read.value
    else:
        assert all(one.message and one.hint for one in read.violations)
