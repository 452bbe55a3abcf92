"""Who holds what, folded from the public events as they are told: holder, token, and how long the lease still runs."""

from __future__ import annotations

from dataclasses import dataclass

from bus.dev.demo.watch import Json

HELD = ("granted", "confirmed", "renewed")


@dataclass(frozen=True, slots=True)
class Holding:
    """A resource: held (`agent`), kept for somebody after a hand-over (`kept_for`), or free. Times in epoch ms."""

    subject: str
    agent: str
    token: int
    from_ms: int
    until_ms: int
    kept_for: str = ""


class Holdings:
    """All resources that were ever held, by subject."""

    def __init__(self) -> None:
        self._by_subject: dict[str, Holding] = {}

    def apply(self, event: Json) -> None:
        """Take in an event of the arbiter; most of them change nothing here."""
        subject = str(event.get("subject", ""))
        if event["kind"] in HELD:
            at, until, token = int(event["at"]), int(event["until"]), int(event["token"])
            self._by_subject[subject] = Holding(subject, str(event["agent"]), token, at, until)
        elif event["kind"] == "ended":
            self._by_subject[subject] = _free(subject, event)

    def all(self) -> list[Holding]:
        """As they are now, by name."""
        return [self._by_subject[subject] for subject in sorted(self._by_subject)]


def _free(subject: str, event: Json) -> Holding:
    handover = event.get("handover")
    if not handover:
        return Holding(subject, "", int(event["token"]), int(event["at"]), int(event["at"]))
    until, kept_for = int(handover["until"]), str(handover["agent"])
    return Holding(subject, "", int(event["token"]), int(event["at"]), until, kept_for)
