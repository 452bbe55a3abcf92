"""Holds a bus's entry against the oracle's: where the documents decide a thing, both must say the same."""

from __future__ import annotations

from tests.contests.oracle.log import Json


def differences(expected: Json, found: Json) -> list[str]:
    """What an entry says otherwise than the oracle; empty when nothing does.

    `...` in the oracle's entry is what the documents leave to the bus. Fields only the bus has are no difference
    (readers ignore what they do not know); `to` is compared as a set of (lane, agent).
    """
    wrong = [
        f"{name}: expected {expected[name]!r}, found {found.get(name)!r}"
        for name in ("o", "verdict", "reason")
        if expected[name] != found.get(name, "")
    ]
    kinds, found_kinds = _kinds(expected), _kinds(found)
    if kinds != found_kinds:
        return [*wrong, f"events: expected {' '.join(kinds)}, found {' '.join(found_kinds)}"]
    for mine, theirs in zip(expected["events"], found["events"], strict=True):
        wrong += [
            f"event {mine['n']} {mine['kind']}: {name}: expected {value!r}, found {theirs.get(name)!r}"
            for name, value in mine.items()
            if value is not ... and _plain(name, value) != _plain(name, theirs.get(name))
        ]
    return wrong


def _kinds(entry: Json) -> list[str]:
    return [event["kind"] for event in entry["events"]]


def _plain(name: str, value: Json) -> Json:
    return sorted(map(list, value)) if name == "to" and value is not None else value
