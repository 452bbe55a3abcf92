"""What becomes of a message whose caller stops waiting: it may still take effect, or stands undecided in a contest.

undecided -- its caller waits again --> asked            undecided -- nobody ever will --> a claim is withdrawn
"""

import contextlib
from typing import TYPE_CHECKING

from bus.client.clock import elapsed_s
from bus.client.contest import Contest
from bus.client.errors import ClientError, Unanswered, Undecided
from bus.client.event import Event
from bus.client.message import CLAIM, withdrawal_of
from bus.client.pending import OnProgress, Request, WhenAnswered
from bus.core.log.topics import incoming

if TYPE_CHECKING:
    from bus.client.connection import Connection

WITHDRAW_S = 30.0  # how long the client keeps at withdrawing what nobody wants any more; then it stands


def why_no_answer(request: Request, lane: str, address: str) -> ClientError:
    """The error for a caller that has waited long enough; ``address`` is where Kafka is."""
    waited = f"{elapsed_s() - request.asked_s:.1f} s"
    return _undecided(request, waited) if request.is_undecided else _unanswered(request, waited, lane, address)


def wait_again(
    connection: "Connection",
    request: Request,
    timeout_s: float,
    when_answered: WhenAnswered | None = None,
    on_progress: OnProgress | None = None,
) -> bool:
    """Wait once more for what was left undecided; False if it is decided, or waited for, already."""
    with connection.lock:
        if connection.pending.left(request.key) is not request or not request.is_undecided:
            return False
        connection.pending.resume(request, elapsed_s() + timeout_s)
        request.when_answered, request.on_progress = when_answered, on_progress
        return True


def take_back(connection: "Connection", request: Request) -> None:
    """Nobody will ever wait for this claim: it is withdrawn from its contest, at once or when it has joined one."""

    def withdraw(event: Event | None = None) -> None:
        if event is None or event.kind == "joined":
            with contextlib.suppress(ClientError):  # if it cannot be said, a grant that comes is given back
                connection.submit(withdrawal_of(request.draft), WITHDRAW_S, is_waited_for=False)

    with connection.lock:
        if request.draft.type != CLAIM or request.is_unwanted:
            return
        request.is_unwanted = True
        if request.is_undecided:
            withdraw()
        else:
            connection.callbacks.start()
            request.on_progress = withdraw


def _undecided(request: Request, waited: str) -> Undecided:
    draft, held = request.draft, request.held
    contest = request.contest or Contest(draft.subject, case=held.text("case") if held else "")
    step = "Wait for it with decision_on(…), or do something else meanwhile: do not send it anew"
    if draft.type == CLAIM:
        step = "Claim it again to go on waiting for the same, or take the claim back with withdraw(…)"
    text = f"{draft.in_words} is undecided after {waited}, {contest.in_words}"
    return Undecided(text, step, identifier=draft.id, contest=contest)


def _unanswered(request: Request, waited: str, lane: str, address: str) -> Unanswered:
    src = f"{incoming(lane)}/0/{request.offsets[0]}" if request.offsets else ""
    text = f"no answer to {request.draft.in_words} (id {request.draft.id}) within {waited}"
    if request.has_passed and request.has_silent_type:
        step = (
            f"The gate has let it pass (it stands at {src}): do not send it anew; if its type has no topic and "
            'states no fact, nothing more is ever said about it: send it with until="forwarded"'
        )
    elif src:
        step = f"The message stands in the log at {src} and takes effect once the bus gets to it: do not send it anew"
    else:
        step = f"Kafka at {address} has not confirmed the message: it may still take effect, so look first"
    return Unanswered(text, step, identifier=request.draft.id, src=src)
