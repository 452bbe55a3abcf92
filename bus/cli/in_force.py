"""What is in force and how a command changes it: read from the control log, set by a message of a person."""

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import ADMIN_LOGIN, Caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.words import in_words, name_of, violation_lines

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject
    from bus.core.policy.control import Registry
    from bus.shell.steward import Steward, Wanted

NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
UNCHANGED = "unchanged"  # what is told of a value that was in force already
NOT_PERMITTED = frozenset({"not_allowed", "not_a_person", "unknown_sender", "wrong_lane", "suspended"})
CONFLICT = frozenset({"stale_base", "id_reuse"})


def _checked_base(given: str) -> str:
    if given and not re.fullmatch(r"[0-9a-f]{64}", given):
        raise typer.BadParameter("a base is a hash of 64 hexadecimal digits, as `value_hash` of an answer has it")
    return given


AsPerson = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="AGENTBUS_PERSON",
        metavar="PERSON",
        show_default=False,
        help="Who you are, a person's id or name. Unset: the operator of the development bus.",
    ),
]
Base = Annotated[
    str,
    typer.Option(
        metavar="HASH",
        show_default=False,
        callback=_checked_base,
        help="Change it only if the value in force has this hash. Unset: the one in force now.",
    ),
]


def registry_of(caller: Caller, *, login: str = ADMIN_LOGIN) -> "Registry":
    """Everything in force now; ``login`` as in `Caller.settings`. Raises `BusError`."""
    from bus.shell.catalogue import built_in_contracts
    from bus.shell.control_log import ControlLog

    control_log = ControlLog(caller.settings(login=login).client_config(), built_in_contracts())
    try:
        control_log.open()
        return control_log.registry
    finally:
        control_log.close()


def value_of(caller: Caller, kind: str, name: str) -> "JsonObject | None":
    """The value in force as it was set, None if there is none; raises `BusError`."""
    from bus.core.log.topics import CONTROL
    from bus.shell.control_log import change_of
    from bus.shell.follow import Reading

    reading = Reading(caller.settings().client_config())
    try:
        reading.open([CONTROL], tail=None)
        changes = [change_of(record) for record in reading.catch_up()]
    finally:
        reading.close()
    found = {change.number: change for change in changes if change and (change.kind, change.name) == (kind, name)}
    return found[max(found)].value if found else None


@contextlib.contextmanager
def steward_of(caller: Caller, person: str) -> Iterator["Steward"]:
    """The operators' lane, spoken on as that person; a refusal is told with everything that is wrong."""
    from bus.shell.steward import RefusedError, Steward

    check_person(caller, person)
    steward = Steward(caller.settings().client_config(), "")
    try:
        steward.open()
        steward.person = person_id(caller, person, steward.registry.genesis.domain)
        yield steward
    except RefusedError as error:
        raise refusal(caller, error.answer) from error
    finally:
        steward.close()


def put_as(caller: Caller, steward: "Steward", wanted: "Wanted") -> bool:
    """Put one value in force and say what came of it; False if it was so already, which is said and is no fault."""
    from bus.core.log.records import canonical, digest

    check_steward(steward)
    there = steward.registry.hashes.get((wanted.kind, wanted.name))
    value_hash = None if wanted.value is None else digest(canonical(wanted.value))
    if there == value_hash and wanted.base in ("", there):
        tell(caller, {"kind": UNCHANGED, "kind_of": wanted.kind, "name": wanted.name, "value": wanted.value})
        return False
    tell(caller, steward.set(wanted))
    return True


def warn_of_facts(caller: Caller, steward: "Steward", resources: Iterable[str]) -> None:
    """Say which terms in force of these resource types wait for what no contract in force can state."""
    from bus.cli.fact_warnings import fact_warnings

    steward.catch_up()
    registry = steward.registry
    for resource in sorted({*resources} & registry.terms.keys()):
        for sentence in fact_warnings(registry.terms[resource], registry.contracts.values()):
            caller.say(f"warning: {sentence}")


def check_steward(steward: "Steward") -> None:
    """Raise `CommandError` (not permitted) before anything is made for nothing."""
    if "steward" not in steward.registry.roles(steward.person):
        step = "ask a steward, or say who you are with --as"
        raise CommandError(ExitCode.NOT_PERMITTED, f"{name_of(steward.person)} is no steward", step)


def remove(caller: Caller, person: str, kind: str, name: str, base: str) -> None:
    """Take one value out of force and say so; raises `CommandError` if nothing ever was under that name."""
    from bus.shell.steward import Wanted

    if kind in ("agent", "person"):
        check_id(name, kind)
    with steward_of(caller, person) as steward:
        if kind in ("agent", "person"):
            name = full_id(name, kind, steward.registry.genesis.domain)
        if (kind, name) not in steward.registry.revs:
            check_known(f"{kind} {name_of(name)}", name, [n for k, n in steward.registry.hashes if k == kind])
        put_as(caller, steward, Wanted(kind, name, None, base))


def check_known(what: str, name: str, known: Sequence[str]) -> None:
    """Raise `CommandError` if the name is none of the known ones; a near one is offered."""
    if name in known:
        return
    near = nearest(name, known)
    step = f"did you mean {name_of(near)}?" if near else "look at what there is with `ls`"
    raise CommandError(ExitCode.NOT_FOUND, f"there is no {what}", step)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was most likely meant, "" if none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), "")


def tell(caller: Caller, answer: "JsonObject") -> None:
    """What came into force, or was already."""
    if caller.is_json:
        caller.show_json(answer)
    elif answer["kind"] == UNCHANGED:
        how = "is not set" if answer["value"] is None else "is so"
        caller.show(f"unchanged: {answer['kind_of']} {name_of(answer['name'])} {how} already")
    else:
        caller.show(in_words(answer))


def refusal(caller: Caller, answer: "JsonObject") -> CommandError:
    """Show all that is wrong; the error with the code that goes with the reason."""
    if caller.is_json:
        caller.show_json(answer)
    for line in violation_lines(answer):
        caller.say(f"  {line}")
    reason, detail = str(answer.get("reason", "")), str(answer.get("detail", ""))
    step = {
        "not_allowed": "ask somebody with that role, or say who you are with --as",
        "unknown_sender": "say who you are with --as, or have a steward register you",
        "stale_base": "look at what is in force now, then decide again",
    }.get(reason, "correct it and send it again")
    return CommandError(refusal_code(reason), f"refused as {reason}" + (f" ({detail})" if detail else ""), step)


def refusal_code(reason: str) -> ExitCode:
    """The exit code for a reason (docs/reference/reasons.md)."""
    if reason in NOT_PERMITTED:
        return ExitCode.NOT_PERMITTED
    return ExitCode.CONFLICT if reason in CONFLICT else ExitCode.FINDINGS


def check_person(caller: Caller, given: str) -> None:
    """Raise `CommandError` (usage) if nobody is named, or not by a person's name: before anything is asked of Kafka."""
    if given:
        check_id(given, "person")
    elif caller.running() is None:
        raise CommandError(ExitCode.USAGE, "nobody is named who says this", "say who you are with --as PERSON")


def check_id(given: str, kind: str) -> None:
    """Raise `CommandError` (usage) if this is neither a name nor an id of such a one."""
    if not NAME.fullmatch(given) and not re.fullmatch(rf"spiffe://[a-z0-9.-]{{1,255}}/{kind}/{NAME.pattern}", given):
        step = f"use a name of letters, digits, dots and dashes, or spiffe://DOMAIN/{kind}/NAME"
        raise CommandError(ExitCode.USAGE, f"{given!r} is no {kind}'s name", step)


def person_id(caller: Caller, given: str, domain: str) -> str:
    """The id of the person who speaks: as given, or the operator of the development bus; raises `CommandError`."""
    if given:
        return full_id(given, "person", domain)
    running = caller.running()
    if running is None:
        raise CommandError(ExitCode.USAGE, "nobody is named who says this", "say who you are with --as PERSON")
    return running.operator


def full_id(given: str, kind: str, domain: str) -> str:
    """`sales-1` as `spiffe://acme/agent/sales-1`; a full id stays as it is. Raises `CommandError`."""
    if "://" in given:
        return given
    if not NAME.fullmatch(given):
        step = f"use a name of letters, digits, dots and dashes, or spiffe://{domain}/{kind}/NAME"
        raise CommandError(ExitCode.USAGE, f"{given!r} is no {kind}'s name", step)
    return f"spiffe://{domain}/{kind}/{given}"


def show_rows(
    caller: Caller,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    nothing: str,
    optional: Sequence[str] = (),
) -> None:
    """A table for people, an object a line for programs; ``optional`` columns go first on a narrow terminal."""
    if caller.is_json:
        for row in rows:
            caller.show_json(dict(zip(columns, row, strict=True)))
        return
    if not rows:
        caller.say(nothing)
        return
    cells = [[_cell(cell) for cell in row] for row in rows]
    spoken, dropped = ([name.replace("_", " ") for name in names] for names in (columns, optional))
    caller.show_table(spoken, cells, optional=dropped)


def _cell(value: object) -> str:
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "yes" if value else "–"
        case list():
            return ", ".join(name_of(str(item)) if "://" in str(item) else str(item) for item in value)
        case str() if "/spiffe://" in value:
            return f"{value.partition('/')[0]} {name_of(value)}"
        case _:
            return str(value)
