"""The chain of a journal: what continues it, what is void, and that the first of two writers wins."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.log.journal import Tip, advance, continues, parse_segment, seal
from bus.core.log.records import canonical, digest


def _folded(log: list[bytes]) -> tuple[Tip, list[bytes]]:
    """The tip and the valid segments of a log."""
    tip, valid = Tip(), []
    for value in log:
        segment = parse_segment(value)
        if segment is not None and continues(tip, segment):
            tip = advance(tip, value)
            valid.append(value)
    return tip, valid


def _chain(length: int) -> list[bytes]:
    tip, log = Tip(), []
    for n in range(length):
        value, tip = seal(tip, {"kind": "genesis" if n == 0 else "gate", "n": n})
        log.append(value)
    return log


def test_a_segment_names_its_predecessor_by_its_bytes() -> None:
    """`seq` counts from 0 and `prev` is the hash of the stored bytes before, "" for the first."""
    first, second = map(json.loads, _chain(2))
    assert (first["v"], first["seq"], first["prev"]) == (1, 0, "")
    assert (second["seq"], second["prev"]) == (1, digest(_chain(1)[0]))


def test_of_two_writers_the_first_append_wins() -> None:
    """A segment of another writer at the same place is void, and so is what builds on it."""
    log = _chain(3)
    tip, _ = _folded(log)
    mine, after_mine = seal(tip, {"kind": "gate", "who": "mine"})
    other, after_other = seal(tip, {"kind": "gate", "who": "other"})
    on_other, _ = seal(after_other, {"kind": "gate", "who": "on other"})
    assert _folded([*log, mine, other, on_other]) == (after_mine, [*log, mine])


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 2},
        {"seq": 4},
        {"seq": "3"},
        {"prev": ""},
        {"prev": "0" * 64},
        {"v": 2},
        {"kind": "genesis"},
    ],
)
def test_what_does_not_continue_is_void(change: dict[str, Any]) -> None:
    """A wrong number, a wrong predecessor, another version or a second genesis is ignored."""
    log = _chain(3)
    tip, _ = _folded(log)
    value, _ = seal(tip, {"kind": "gate"})
    assert _folded([*log, canonical({**json.loads(value), **change})])[1] == log


@pytest.mark.parametrize("name", ["v", "seq", "prev"])
def test_a_segment_without_its_place_is_void(name: str) -> None:
    """A segment that lacks version, number or predecessor is ignored."""
    log = _chain(2)
    value, _ = seal(_folded(log)[0], {"kind": "gate"})
    lacking = {key: item for key, item in json.loads(value).items() if key != name}
    assert _folded([*log, canonical(lacking)])[1] == log


def test_a_chain_begins_with_a_genesis() -> None:
    """A first segment that is no genesis is void."""
    value, _ = seal(Tip(), {"kind": "gate"})
    assert _folded([value]) == (Tip(), [])


def test_a_repeated_segment_is_void() -> None:
    """The same bytes once more do not continue the chain."""
    log = _chain(3)
    assert _folded([*log, log[-1], log[0]])[1] == log


@given(st.lists(st.one_of(st.integers(0, 9), st.binary(max_size=30)), max_size=30))
def test_void_segments_change_nothing(noise: list[int | bytes]) -> None:
    """Whatever is thrown between the segments of a chain, the valid ones stay the same."""
    log = _chain(10)
    mixed: list[bytes] = []
    for n, value in enumerate(log):
        mixed.append(value)
        mixed += [log[item] if isinstance(item, int) else item for item in noise[n::10] if item != n + 1]
    assert _folded(mixed)[1] == log


@given(st.integers(0, 10))
def test_a_prefix_of_the_log_is_a_prefix_of_the_chain(cut: int) -> None:
    """What a reader folded once stays valid for ever."""
    log = _chain(10)
    assert _folded(log)[1][:cut] == _folded(log[:cut])[1]


@given(st.lists(st.dictionaries(st.text(max_size=4), st.integers(), max_size=3), max_size=4))
def test_items_are_stored_as_if_they_were_encoded_with_the_rest(items: list[dict[str, int]]) -> None:
    """A list handed over in pieces gives the same canonical bytes as the whole."""
    body = {"kind": "gate", "zone": 'a "rows":[] b', "a": 1}
    value, tip = seal(Tip(), body, ("rows", [canonical(item) for item in items]))
    assert value == canonical({"v": 1, **body, "seq": 0, "prev": "", "rows": items})
    assert tip == Tip(0, digest(value))
