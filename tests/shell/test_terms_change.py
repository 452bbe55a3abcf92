"""Terms that cannot work are refused when they are set, with the reason and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from bus.core.message.arrivals import ControlWish
from bus.core.policy.contracts import Violation
from bus.core.policy.control import Genesis, Registry
from bus.shell.control_checks import check_change

REGISTRY = Registry(Genesis(gen=1, domain="acme", partitions=4, slots=1, stewards=("spiffe://acme/person/ana",)), {})
SPECIFICATION = Path(__file__).parents[1] / "contracts" / "specification_terms.json"


def _wrong(changes: dict[str, Any]) -> list[Violation]:
    value = json.loads(SPECIFICATION.read_text(encoding="utf-8")) | changes
    wish = ControlWish(kind="terms", name="lead", value=value, base=None)
    return list(check_change(wish, REGISTRY, lambda topic: True))


def test_the_terms_of_the_specification_may_come_into_force() -> None:
    """The example that everybody copies is possible."""
    assert _wrong({}) == []


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"escalate": {}}, "/value/escalate/queue", "no person may rule them"),
        ({"ladder": ["priority", "human", "vote", "deny"]}, "/value/ladder", "human ends a contest"),
        ({"vote": {}}, "/value/vote/seats", "no vote has a result"),
        (
            {"escalate": {"queue": "revenue", "hold_ms": 2_592_000_000}},
            "/value/escalate/hold_ms",
            "bus.arbiter keeps them for",
        ),
    ],
)
def test_what_cannot_work_is_named(changes: dict[str, Any], path: str, said: str) -> None:
    """An impossible field is pointed at, with a sentence why and a hint what to set."""
    assert [(one.path, one.rule, said in one.message, bool(one.hint)) for one in _wrong(changes)] == [
        (path, "impossible", True, True)
    ]


def test_what_is_only_unwise_may_come_into_force() -> None:
    """A short lease is the steward's own business."""
    assert _wrong({"lease_ms": 1}) == []


def test_terms_without_contests_need_no_queue() -> None:
    """Nothing of theirs is ever a case, so the ladder they did not choose asks for nothing."""
    value = {"resource": "lead", "lease_ms": 60_000}
    wish = ControlWish(kind="terms", name="lead", value=value, base=None)
    assert check_change(wish, REGISTRY, lambda topic: True) == ()
