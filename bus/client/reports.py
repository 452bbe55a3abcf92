"""Tells the bus how actions went, several at a time and without waiting; what cannot be told now is told later."""

import concurrent.futures
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bus.client.clock import elapsed_s
from bus.client.errors import ClientError, Refused
from bus.client.message import REPORT
from bus.client.pending import Request
from bus.client.stores import Report
from bus.client.voice import Extras
from bus.core.decision.reasons import GateReason

if TYPE_CHECKING:
    from bus.client.sync_bus import Bus

REPORTS_AT_ONCE_MAX = 100  # what piles up while the bus is away is told in portions
ANSWER_S = 10.0  # then the report is told anew, under its id
AGAIN_S = 5.0  # before what was not taken is told anew
# These pass: a suspension ends, a clock is set. Any other refusal is for good, or says that the bus knows already.
PASSING = frozenset({GateReason.SUSPENDED, GateReason.STALE, GateReason.UNKNOWN_SENDER})

_log = logging.getLogger("agentbus.client")


class Reports:
    """The reports that are on their way. One thread uses it, the one that also asks the store."""

    def __init__(self, bus: "Bus") -> None:
        self._bus = bus
        self._underway: dict[str, Request] = {}
        self._told: list[str] = []
        self._not_before_s: dict[str, float] = {}

    @property
    def room(self) -> int:
        """How many more may be on their way."""
        return REPORTS_AT_ONCE_MAX - len(self._underway)

    @property
    def is_underway(self) -> bool:
        """Does any wait for its answer?"""
        return bool(self._underway)

    def tell(self, reports: Sequence[Report]) -> None:
        """Send those that are not on their way already; never waits for an answer."""
        for report in reports:
            is_underway = report.decision in self._underway or report.decision in self._told
            if is_underway or elapsed_s() < self._not_before_s.get(report.decision, 0.0):
                continue
            if not report.subject:
                self._told.append(report.decision)  # the bus keeps no account of what has no subject
            elif self.room:
                self._send(report)

    def told(self) -> list[str]:
        """The decisions of which the bus has heard since this was asked last, or never will."""
        for decision, request in tuple(self._underway.items()):
            if request.future.done():
                del self._underway[decision]
                self._on_answer(decision, request)
        told, self._told = self._told, []
        return told

    def wait(self, timeout_s: float) -> None:
        """Wait until everything that is on its way is answered, or the time is over."""
        concurrent.futures.wait([request.future for request in self._underway.values()], timeout_s)

    def _send(self, report: Report) -> None:
        body = {"decision": report.decision, "result": report.result}
        if report.detail:
            body["detail"] = report.detail
        voice = self._bus._voice
        draft = voice.draft(REPORT, body, report.subject, None, Extras(id=f"report-{report.decision}"))
        try:
            voice.open()
            self._underway[report.decision] = voice.connection.submit(draft, ANSWER_S, is_waited_for=False)
        except ClientError as error:
            self._later(report.decision, error)

    def _on_answer(self, decision: str, request: Request) -> None:
        try:
            self._bus._voice.verdict(request, request.future.result())
        except Refused as refused:
            if refused.reason in PASSING:
                self._later(decision, refused)
                return
            _log.warning("the report on %s is not taken: %s", decision, refused)
        except ClientError as error:
            self._later(decision, error)
            return
        self._not_before_s.pop(decision, None)
        self._told.append(decision)

    def _later(self, decision: str, error: ClientError) -> None:
        _log.warning("the report on %s waits: %s", decision, error)
        if len(self._not_before_s) > REPORTS_AT_ONCE_MAX:
            self._not_before_s.clear()
        self._not_before_s[decision] = elapsed_s() + AGAIN_S
