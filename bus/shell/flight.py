"""A segment of a journal on its way: from its append to the acknowledgement of the last of its outputs."""

from dataclasses import dataclass

from bus.shell.stage import Draft


@dataclass(slots=True, eq=False)
class Flight:
    """A segment under way: appended, then final, then its outputs sent and acknowledged."""

    offset: int
    started_s: float
    draft: Draft
    is_final: bool = False
    sent: int = 0
    acknowledged: int = 0
    is_again: bool = False  # sent by an owner before, perhaps: its time runs from its first output on

    @property
    def is_done(self) -> bool:
        """Is everything it brings about where it belongs?"""
        return self.is_final and self.acknowledged == len(self.draft.outputs) + len(self.draft.last)
