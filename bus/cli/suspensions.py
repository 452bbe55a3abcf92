"""`agentbus suspend` and `agentbus resume`: stop an agent, a role or everybody, and let them go on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.in_force import UNCHANGED, AsPerson, check_id, check_known, full_id, steward_of, tell
from bus.cli.words import selected

if TYPE_CHECKING:
    from bus.core.policy.contracts import JsonObject

SUSPEND_EXAMPLES = (
    "agentbus suspend --agent sales-1 --reason 'it loops'",
    "agentbus suspend --role sales --reason 'wrong price list'",
    "agentbus suspend --all --reason 'stop everything'",
)
RESUME_EXAMPLES = ("agentbus resume --agent sales-1 --reason 'repaired'",)

SUSPENDED = "suspended"

Agent = Annotated[str, typer.Option(metavar="ID", show_default=False, help="One agent.")]
Role = Annotated[str, typer.Option(metavar="NAME", show_default=False, help="Everybody with this role.")]
Everybody = Annotated[bool, typer.Option("--all", help="All agents.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the decision.")]


def _command(status: str, about: str) -> Callable[..., None]:
    """The two commands differ in what becomes of those who are chosen, and in nothing else."""

    def change(
        caller: Caller,
        reason: Reason,
        agent: Agent = "",
        role: Role = "",
        everybody: Everybody = False,
        person: AsPerson = "",
    ) -> None:
        _change(caller, person, status, reason, agent=agent, role=role, everybody=everybody)

    change.__doc__ = about
    return with_caller(change)


def _change(caller: Caller, person: str, status: str, reason: str, *, agent: str, role: str, everybody: bool) -> None:
    if [bool(agent), bool(role), everybody].count(True) != 1:
        raise CommandError(ExitCode.USAGE, "whom it is for is not clear", "say one of --agent ID, --role NAME, --all")
    from bus.core.policy.control import suspension_name

    if agent:
        check_id(agent, "agent")
    with steward_of(caller, person) as steward:
        select: JsonObject = {"all": True}
        registry = steward.registry
        if agent:
            select = {"agent": full_id(agent, "agent", registry.genesis.domain)}
            if status == SUSPENDED:
                check_known(f"agent {agent}", str(select["agent"]), list(registry.agents))
        elif role:
            select = {"role": role}
            if status == SUSPENDED:
                roles = {one for each in registry.agents.values() for one in each.roles}
                check_known(f"agent with role {role}", role, sorted(roles))
        if status == SUSPENDED and suspension_name(select) in registry.suspended:
            _tell_unchanged(caller, select)
            return
        answer = steward.suspend(select, reason) if status == SUSPENDED else steward.resume(select, reason)
        if caller.is_json:
            tell(caller, answer)
        else:
            caller.show(f"{status}: {selected(select)} (control {answer['control']})")


def _tell_unchanged(caller: Caller, select: "JsonObject") -> None:
    from bus.core.policy.control import suspension_name

    if caller.is_json:
        caller.show_json({"kind": UNCHANGED, "kind_of": "suspended", "name": suspension_name(select)})
    else:
        caller.show(f"unchanged: suspended already: {selected(select)}")


suspend = _command(
    SUSPENDED, "Stop agents at once. What they hold ends, what they send is refused; persons are never suspended."
)
resume = _command("active again", "Lift a suspension that was made with the very same choice.")
