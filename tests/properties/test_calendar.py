"""The calendar of deadlines is a sorted list, whatever is noted, moved and taken out, over any number of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.core.state import calendar
from bus.core.state.calendar import Calendar

SUBJECTS = [f"s{n}" for n in range(40)]
notes = st.lists(st.tuples(st.sampled_from(SUBJECTS), st.none() | st.integers(0, 12)), max_size=120)


def _small() -> pytest.MonkeyPatch:
    patch = pytest.MonkeyPatch()
    patch.setattr(calendar, "PAGE_MAX", 4)
    return patch


@given(notes, notes, st.integers(0, 12))
def test_a_calendar_is_a_sorted_list(
    before: list[tuple[str, int | None]], then: list[tuple[str, int | None]], now: int
) -> None:
    """On pages of four, filled at once or entry by entry, it says what a plain sorted list says."""
    with _small().context():
        at = {subject: when for subject, when in before if when is not None}
        noted = Calendar()
        noted.fill([(when, subject) for subject, when in at.items()])
        for subject, when in then:
            noted.note(subject, when)
            at.pop(subject, None)
            if when is not None:
                at[subject] = when
            due = sorted((when, subject) for subject, when in at.items())
            assert noted.first() == (due[0][0] if due else None)
        due = sorted((when, subject) for subject, when in at.items())
        assert list(noted.until(now)) == [entry for entry in due if entry[0] <= now]
