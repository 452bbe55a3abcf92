"""`agentbus verify`: an outsider's check of a running bus, or of an export: nothing lost, doubled or changed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode

if TYPE_CHECKING:
    from bus.audit.evidence import Evidence
    from bus.audit.findings import Check
    from bus.audit.verify import Report

EXAMPLES = (
    "agentbus verify",
    "agentbus verify --only chain,fold",
    "agentbus verify --save audit-2026-11-21",
)
AUDITOR_LOGIN = "auditor"  # who checks a secured development bus
FINDINGS_SHOWN_MAX = 10  # per check; --json has more

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", show_default=False, help="An export to check. Without it: the running bus."),
]
Save = Annotated[
    Path | None,
    typer.Option("--save", metavar="DIR", show_default=False, help="Keep what was read in this new folder."),
]
Only = Annotated[
    str,
    typer.Option(
        "--only",
        metavar="CHECK,…",
        show_default=False,
        help="Some checks of: files, chain, fold, completeness, redecide, contests, outputs, governed, quiet.",
    ),
]


@with_caller
def verify(caller: Caller, folder: Folder = None, save: Save = None, only: Only = "") -> None:
    """Check the journals, the decisions and everything that went out; exit code 3 if anything is wrong.

    It only reads, and believes nothing: it folds the journals itself, joins them with what came in, judges every
    record again and compares what went out.
    """
    from bus.audit.export import save as save_export
    from bus.audit.verify import verify as run_checks

    names = _names(only)
    if save is not None and save.exists() and (not save.is_dir() or any(save.iterdir())):  # before all is read
        raise CommandError(ExitCode.CONFLICT, f"{save} is there already", "name a new folder: nothing is overwritten")
    with caller.working() as tell:
        evidence = _evidence(caller, folder, tell)
        if save is not None:
            save_export(evidence, save)
        report = run_checks(evidence, names, tell)
    if save is not None:
        caller.say(f"saved in {save}")
    if caller.is_json:
        caller.show_json(report.to_json())
    else:
        _show(caller, report)
    if report.found:
        raise typer.Exit(ExitCode.FINDINGS)


def _names(only: str) -> list[str]:
    from bus.audit.verify import TITLES

    names = [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if name not in TITLES:
            raise CommandError(ExitCode.USAGE, f"there is no check {name}", f"the checks are {', '.join(TITLES)}")
    return names


def _evidence(caller: Caller, folder: Path | None, tell: Callable[[str], None]) -> "Evidence":
    from bus.audit.collect import collect
    from bus.audit.export import load

    if folder is not None:
        if not folder.is_dir():
            step = "name a folder that `agentbus verify --save` wrote"
            raise CommandError(ExitCode.NOT_FOUND, f"there is no folder {folder}", step)
        return load(folder)
    return collect(caller.settings(login=AUDITOR_LOGIN).client_config(), tell)


def _show(caller: Caller, report: "Report") -> None:
    rows = [(check.name, check.title, _result(check), check.looked_at) for check in report.checks]
    caller.show_table(("check", "what must hold", "result", "looked at"), rows, optional=("what must hold",))
    for check in report.checks:
        _show_findings(caller, check)
    for check in report.checks:
        for why in check.not_checked:
            caller.show(f"not checked ({check.name}): {why}")
    _show_moving(caller, report)
    if report.found:
        only = f"1 finding in {report.source}"
        many = f"{report.found:,} findings in {report.source}: look at the first one first, others may follow from it"
        caller.show(only if report.found == 1 else many)
    else:
        left_out = sum(1 for check in report.checks if check.not_checked)
        checks = "1 check" if len(report.checks) == 1 else f"{len(report.checks)} checks"
        but = f", but {left_out} of {checks} could not be made in full, see above"
        caller.show(f"no findings in {report.source}{but if left_out else ''}")


def _result(check: "Check") -> str:
    if check.found:
        return f"{check.found:,} {'finding' if check.found == 1 else 'findings'}"
    return "still open" if check.moving else check.result


def _show_findings(caller: Caller, check: "Check") -> None:
    for finding in check.findings[:FINDINGS_SHOWN_MAX]:
        caller.show(f"{check.name}: {finding}")
    if check.found > FINDINGS_SHOWN_MAX:
        caller.show(f"{check.name}: and {check.found - FINDINGS_SHOWN_MAX:,} more")


def _show_moving(caller: Caller, report: "Report") -> None:
    if report.is_moving:
        caller.show("still moving, and no fault: the bus was at work, or a stage stands still")
    for check in report.checks:
        for what in check.moving:
            caller.show(f"still moving ({check.name}): {what}")
