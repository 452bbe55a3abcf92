"""Frozen dataclasses that cost what plain ones cost: mypy forbids every change to them, the interpreter does not ask.

Python freezes a dataclass by a detour for each field of each object that is made, six times the price of a plain one,
and a judgement makes two dozen objects. Write ``@dataclass(frozen=True, slots=True)`` and `replace` as ever, but import
them from here; to the type checker they are those of the standard library.
"""

from typing import TYPE_CHECKING

__all__ = ["dataclass", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:
    import dataclasses
    from functools import cache
    from operator import attrgetter

    def dataclass(*, frozen=False, slots=False, order=False):
        """The decorator: what is frozen has a hash, since nobody changes it."""
        return dataclasses.dataclass(slots=slots, order=order, unsafe_hash=frozen)

    def replace(before, **changes):
        """A copy with some fields changed."""
        after = _copier(before.__class__)(before)
        for name, value in changes.items():
            setattr(after, name, value)
        return after

    @cache  # one entry for each class
    def _copier(kind):
        fields = dataclasses.fields(kind)
        if len(fields) < 2 or any(one.kw_only for one in fields):
            return dataclasses.replace
        values = attrgetter(*(one.name for one in fields))
        return lambda before: kind(*values(before))
