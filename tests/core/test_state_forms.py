"""What a snapshot is made of is fixed: every field, its type and its default, and which types have a form at all."""

from collections.abc import Iterator
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from bus.core.policy.contracts import Contract
from bus.core.policy.control import Agent, Person
from bus.core.policy.terms import Terms
from bus.core.state.forms import fields_of, form_of
from bus.core.state.resource import Fact, Resource
from bus.shell.snapshots.records import FORMAT

FIXED = Path(__file__).with_name("state_forms.txt")


def _parts(kind: Any) -> Iterator[type]:  # Any: whatever a field may be annotated with
    if is_dataclass(kind) and isinstance(kind, type):
        yield kind
        for _, hint, _ in fields_of(kind):
            yield from _parts(hint)
    for inner in get_args(kind):
        yield from _parts(inner)


def _told(kind: type) -> str:
    fields = [
        f"    {name}: {str(hint).replace('typing.', '')}{'' if default is MISSING else f' = {default!r}'}"
        for name, hint, default in fields_of(kind)
    ]
    return "\n".join([kind.__name__, *fields])


def test_the_forms_of_a_snapshot_change_only_with_its_format() -> None:
    """A field or a default that changes would read an old snapshot as something else: raise FORMAT, write it down."""
    kinds = {kind for one in (Agent, Person, Contract, Terms, Resource) for kind in _parts(one)}
    told = [f"format {FORMAT}", *(_told(kind) for kind in sorted(kinds, key=lambda kind: kind.__name__))]
    assert FIXED.read_text() == "\n".join(told) + "\n", "raise FORMAT and write this anew"


def test_a_value_at_its_default_is_left_out_and_comes_back() -> None:
    """What stands at its default takes no space, and reading gives the same value again."""
    form = form_of(Resource)
    assert form.write is not None
    assert form.read is not None
    stated = Resource(facts={"stage": Fact(value=False, until=0)}, cooldowns={"b": 2, "a": 1})
    assert form.write(Resource()) == {}
    assert form.read(form.write(stated)) == stated


@pytest.mark.parametrize("kind", [float, set[str], dict[int, str], Agent | Person, Agent | int])
def test_a_type_that_could_come_back_as_another_has_no_form(kind: Any) -> None:  # Any: an annotation
    """What JSON cannot tell apart is refused when the program is written, not when a bus is restored."""
    with pytest.raises(TypeError, match="no form"):
        form_of(kind)
