"""The comparison with the oracle sees what differs, and only what the documents decide."""

from tests.contests.compare import differences

ENTRY = {
    "o": 7,
    "verdict": "applied",
    "reason": "",
    "events": [{"n": 0, "kind": "refused", "to": [["a", "x"], ["b", "y"]], "reason": "late", "detail": ...}],
}


def _found(**changed: object) -> dict[str, object]:
    event = {
        "n": 0,
        "kind": "refused",
        "to": [["b", "y"], ["a", "x"]],
        "reason": "late",
        "detail": "too late",
        "new": 1,
    }
    return {**ENTRY, "events": [{**event, **changed}]}


def test_equal_entries_have_no_difference() -> None:
    """The order in `to`, a text for people and a field the oracle does not know make no difference."""
    assert differences(ENTRY, _found()) == []


def test_what_a_denial_wants_is_no_difference() -> None:
    """The oracle of contests does not say what a claim lacked; a bus that does says the same."""
    denied = {"n": 0, "kind": "denied", "to": [["a", "x"]], "reason": "stage", "retry_after": None}
    wants = {"fact": "stage", "values": ["won"], "is": "new"}
    assert differences({**ENTRY, "events": [denied]}, {**ENTRY, "events": [{**denied, "wants": wants}]}) == []


def test_another_value_is_a_difference() -> None:
    """A reason, a concerned agent, a verdict or a kind that is another is named."""
    assert differences(ENTRY, _found(reason="fenced")) == [
        "event 0 refused: reason: expected 'late', found 'fenced'",
    ]
    assert len(differences(ENTRY, _found(to=[["a", "x"]]))) == 1
    assert len(differences(ENTRY, _found(kind="denied"))) == 1
    assert len(differences(ENTRY, {**_found(), "verdict": "refused"})) == 1


def test_a_missing_event_is_a_difference() -> None:
    """An entry with fewer events differs."""
    assert differences(ENTRY, {**_found(), "events": []}) == ["events: expected refused, found "]
