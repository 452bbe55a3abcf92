"""`agentbus send`: says one thing on the bus as an agent would, and tells what came of it."""

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import check_known, full_id, nearest, refusal_code, registry_of
from bus.cli.words import in_words, violation_lines
from bus.core.decision.reasons import GateReason
from bus.shell.errors import NotPermittedError

TOKEN_IN_BODY = ("bus.resource.renew.v1", "bus.resource.release.v1")

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject
    from bus.core.policy.control import Registry
    from bus.shell.lane_talk import LaneTalk, Sent

EXAMPLES = (
    "agentbus send bus.resource.claim.v1 --from sales-1 --subject lead/L-1",
    "agentbus send bus.resource.renew.v1 --from sales-1 --subject lead/L-1 \\\n      --token 17592186045184",
    "agentbus send leads.note.add.v1 --from sales-1 --body @note.json",
)

WAIT_S = 10.0
REFUSED_WITHIN_S = 3.0  # a gate that runs says no far sooner
LOOK_S = 0.2  # how often the gate is asked how far it is, for a message that has no answer
FAILED = ("refused", "denied", "action_refused")
UNDECIDED = {"contest_opened", "joined", "action_held"}  # others have a say, or claim it as well
ENVELOPE_ONLY = "bus."  # types of the bus itself always have an answer


@with_caller
def send(
    caller: Caller,
    message_type: Annotated[
        str, typer.Argument(metavar="TYPE", help="The message type, such as bus.resource.claim.v1.")
    ],
    *,
    sender: Annotated[
        str,
        typer.Option("--from", metavar="AGENT", help="Who says it: an id, or an agent's name in this bus's domain."),
    ],
    subject: Annotated[str, typer.Option(metavar="S", show_default=False, help="What it is about, as lead/L-1.")] = "",
    body: Annotated[str, typer.Option(metavar="JSON", help="The body; @FILE reads a file, - standard input.")] = "{}",
    token: Annotated[
        int | None, typer.Option(min=0, metavar="N", show_default=False, help="The fencing token of a guarded action.")
    ] = None,
    lane: Annotated[str, typer.Option(metavar="L", show_default="the sender's", help="The lane to send it on.")] = "",
    identifier: Annotated[
        str, typer.Option("--id", metavar="ID", show_default="a new one", help="Its id; the same again is a duplicate.")
    ] = "",
    expires_in_s: Annotated[
        float | None,
        typer.Option("--expires-in", min=0, metavar="SECONDS", show_default=False, help="It is void after that long."),
    ] = None,
    wait_s: Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait.")] = WAIT_S,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for an answer.")] = False,
) -> None:
    """Send one message and show what the bus answers.

    The exit code is 3 if it is refused or denied, 7 if the sender is not permitted, 6 if somebody was faster.
    """
    from bus.shell.lane_talk import LaneTalk, Saying

    value = _with_token(message_type, _body(body), token)
    if not re.fullmatch(r"[!-~]{0,64}", identifier):
        raise CommandError(ExitCode.USAGE, "--id is no message id", "use 1 to 64 visible ASCII characters")
    registry = registry_of(caller)
    source = _source(sender, registry)
    lane = lane or _lane(source, registry)
    check_known(f"lane {lane}", lane, list(registry.lanes))
    talk = LaneTalk(caller.settings(login=lane).client_config(), lane)
    try:
        talk.open()
        expires_ms = None if expires_in_s is None else int((time.time() + expires_in_s) * 1000)
        (sent,) = talk.send(
            [Saying(message_type, source, value, subject=subject, token=token, id=identifier, expires_ms=expires_ms)]
        )
        if no_wait:
            _tell_sent(caller, sent, "sent")
            return
        answers = _await(talk, sent, wait_s, has_answer=_has_answer(message_type, registry))
    finally:
        talk.close()
    if answers is None:
        _tell_sent(caller, sent, "sent, and not refused so far; this login may not see how far the gate is")
        return
    if not answers:
        _tell_sent(caller, sent, "accepted; a message of this type has no other answer")
    _tell(caller, answers, source, near=nearest(message_type, [*registry.contracts, *registry.built_in]))


def _body(given: str) -> bytes:
    """The bytes as they will be sent: whatever they are, the bus judges them."""
    if given == "-":
        return sys.stdin.buffer.read()
    if not given.startswith("@"):
        return given.encode()
    try:
        return Path(given[1:]).read_bytes()
    except OSError as error:
        step = "write --body @FILE with a file that is there"
        raise CommandError(ExitCode.NOT_FOUND, f"{given[1:]} cannot be read ({error.strerror})", step) from error


def _with_token(message_type: str, body: bytes, token: int | None) -> bytes:
    """Renewals and releases name their token in the body; whoever gives it with --token means the same."""
    if token is None or message_type not in TOKEN_IN_BODY:
        return body
    try:
        given = json.loads(body)
    except ValueError:
        return body
    return json.dumps({"token": token, **given}).encode() if isinstance(given, dict) else body


def _source(sender: str, registry: "Registry") -> str:
    """The full id; a short name is an agent's, else a person's."""
    domain = registry.genesis.domain
    agent, person = full_id(sender, "agent", domain), full_id(sender, "person", domain)
    return person if registry.is_registered(person) and not registry.is_registered(agent) else agent


def _lane(source: str, registry: "Registry") -> str:
    from bus.core.log.topics import OPERATORS_LANE

    if "/person/" in source:
        return OPERATORS_LANE
    if found := registry.lane_of(source):
        return found
    name = source.rpartition("/")[2]
    step = f"register it with `agentbus agents set {name} --lane … --role …`, or say --lane"
    raise CommandError(ExitCode.NOT_FOUND, f"{source} has no lane on this bus", step)


def _has_answer(message_type: str, registry: "Registry") -> bool:
    """A plain message without a topic passes in silence; everything else is answered."""
    contract = registry.contract(message_type)
    return contract is None or message_type.startswith(ENVELOPE_ONLY) or bool(contract.topic or contract.fact)


def _await(talk: "LaneTalk", sent: "Sent", wait_s: float, *, has_answer: bool) -> list["JsonObject"] | None:
    """The answers; None if none came and this login may not see whether the gate has judged the message."""
    if has_answer:
        return talk.hear(sent, wait_s)
    sent_s = time.monotonic()
    until_s = sent_s + wait_s
    try:
        while not talk.has_passed(sent):
            if time.monotonic() > until_s:
                return talk.hear(sent, 0)  # says that there is none
            time.sleep(LOOK_S)
    except NotPermittedError:
        while not talk.heard(sent) and time.monotonic() < min(until_s, sent_s + REFUSED_WITHIN_S):
            time.sleep(LOOK_S)
        return talk.heard(sent) or None
    return talk.heard(sent)


def _tell_sent(caller: Caller, sent: "Sent", text: str) -> None:
    if caller.is_json:
        caller.show_json({"id": sent.id, "src": f"bus.in.{sent.lane}/0/{sent.offset}", "sent": True})
    else:
        caller.show(f"{text}: {sent.id}")


def _tell(caller: Caller, answers: list["JsonObject"], source: str, *, near: str) -> None:
    for answer in answers:
        if caller.is_json:
            caller.show_json(answer)
            continue
        caller.show(in_words(answer))
        for line in violation_lines(answer):
            caller.show(f"  {line}")
    # A message may settle a contest: what others lose by it is no failure of its sender.
    failed = [answer for answer in answers if answer["kind"] in FAILED and answer.get("agent", source) == source]
    if {answer["kind"] for answer in answers} & UNDECIDED and not caller.is_json:
        caller.say(f"How it goes on: agentbus explain {answers[0]['decision']}")
    if failed and not caller.is_json:
        if near and failed[0]["reason"] == GateReason.UNKNOWN_CONTRACT:
            caller.say(f"Did you mean {near}?")
        caller.say(f"The whole story: agentbus explain {failed[0]['decision']}")
    if failed:
        raise typer.Exit(refusal_code(str(failed[0]["reason"])))
