"""Says of terms how long a contest may take at worst, what in them cannot work, and what is unwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bus.audit.plain import lasting
from bus.cli.caller import Caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.sheet import ALARM, INDENT, MARK, QUIET, STRONG, Sheet, page_width, print_lines
from bus.core.contest.bound import Part, bound_parts
from bus.core.contest.contest import DENY, HUMAN, Resolver
from bus.core.contest.terms_checks import Finding, check_terms
from bus.core.decision.contest_events import Over
from bus.core.policy.contracts import JsonObject
from bus.core.policy.control import Registry
from bus.core.policy.terms import Terms

RESTART_BOUND_MS = 10_000  # what `agentbus init` writes into genesis; the bus that runs may have another
ERROR = "error"
_ON_A_BUS = "`agentbus terms check {}`, once they are set,"
ENDING = {HUMAN: "a person decides", DENY: "nobody wins"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: the parts of the bound by what is contested, and everything that is wrong."""

    terms: Terms
    bounds: Mapping[Over, tuple[Part, ...]]
    findings: tuple[Finding, ...]
    is_alone: bool = False  # not held against a bus

    @property
    def errors(self) -> list[Finding]:
        """Those that cannot work."""
        return [one for one in self.findings if one.severity == ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """Those that are unwise."""
        return [one for one in self.findings if one.severity != ERROR]

    def to_json(self) -> JsonObject:
        """As `agentbus terms check --json` writes it."""
        return {
            "resource": self.terms.resource,
            "works": not self.errors,
            "bound_ms": {over: sum(part.bound_ms for part in parts) for over, parts in self.bounds.items()},
            "parts": {over: [_part_json(part) for part in parts] for over, parts in self.bounds.items()},
            "findings": [
                {"severity": one.severity, "field": one.field, "sentence": one.sentence, "hint": one.hint}
                for one in self.findings
            ],
        }


def check(terms: Terms, registry: Registry | None = None) -> Checked:
    """Everything that can be said of the terms; with a registry also what is missing on that bus for them to work."""
    from resolvers import RESOLVERS

    genesis = registry.genesis if registry else None
    restart_bound_ms = genesis.restart_bound_ms if genesis else RESTART_BOUND_MS
    findings = check_terms(terms, restart_bound_ms=restart_bound_ms)
    findings += tuple(missing_for(terms, registry)) if registry else ()
    return Checked(terms, _bounds(terms, RESOLVERS), findings, is_alone=registry is None)


def show_check(caller: Caller, checked: Checked) -> None:
    """The bounds and the findings; raises `CommandError` (findings) if the terms cannot work."""
    if caller.is_json:
        caller.show_json(checked.to_json())
    else:
        print_lines(page_of(checked, page_width()).lines)
    refuse_impossible(checked)


def page_of(checked: Checked, width: int) -> Sheet:
    """The page: the bound part by part, then what is wrong."""
    sheet = Sheet(width)
    sheet.lines.append(((f"terms of {checked.terms.resource}", STRONG),))
    sheet.blank()
    sheet.wrapped(_longest(checked.bounds), indent=0)
    for over, parts in checked.bounds.items():
        total_ms = sum(part.bound_ms for part in parts)
        sheet.heading(f"A contest over {_over(over)}", f"{_lasting(total_ms)} at most")
        for part in parts:
            told = ENDING.get(part.name, _lasting(part.bound_ms))
            sheet.lines.append(((f"{' ' * INDENT}{part.name:<11} ", ""), (told, QUIET if not part.bound_ms else "")))
    if not checked.findings:
        sheet.heading("Nothing is wrong with them")
    if checked.is_alone:
        text = f"whether a bus has the persons and agents they name was not looked at: {_ON_A_BUS} says so"
        sheet.blank()
        sheet.wrapped(text.format(checked.terms.resource), indent=0, style=QUIET)
    for name, found, style in (("Cannot work", checked.errors, ALARM), ("Unwise", checked.warnings, MARK)):
        if found:
            sheet.heading(name)
        for one in found:
            sheet.wrapped(one.field, style=style)
            sheet.wrapped(f"{one.sentence}; {one.hint}", indent=INDENT + 2)
    return sheet


def finding_lines(found: Sequence[Finding]) -> list[str]:
    """Each in a line, for stderr."""
    return [f"{one.field}  {one.sentence}; {one.hint}" for one in found]


def refuse_impossible(checked: Checked) -> None:
    """Raise `CommandError` (findings) if the terms cannot work."""
    if count := len(checked.errors):
        some = "one thing" if count == 1 else f"{count} things"
        text = f"the terms of {checked.terms.resource} cannot work: {some} in them" + (" is" if count == 1 else " are")
        raise CommandError(ExitCode.FINDINGS, f"{text} impossible", "correct what is named above")


def _bounds(terms: Terms, resolvers: Mapping[str, Resolver]) -> dict[Over, tuple[Part, ...]]:
    """By what is contested; what these terms never bring to a contest is left out."""
    kinds: list[Over] = ["claims"] if terms.window_ms > 0 or terms.on_held == "contest" else []
    kinds += ["review"]  # a contract may ask for one on any resource
    kinds += ["question"] if terms.ask else []
    return {over: bound_parts(terms, over, resolvers) for over in kinds}


def _longest(bounds: Mapping[Over, tuple[Part, ...]]) -> str:
    longest_ms = max(sum(part.bound_ms for part in parts) for parts in bounds.values())
    told = f"Every contest is settled, or with a person, within {_lasting(longest_ms)}"
    first = "" if "claims" in bounds else " Claims need no contest: the first one in the log is granted."
    return f"{told}, plus what the broker and the lanes lag behind.{first}"


def _over(over: Over) -> str:
    return {"claims": "claims", "review": "an action under review", "question": "a question"}[over]


def _lasting(duration_ms: int) -> str:
    return lasting(duration_ms) if duration_ms else "at once"


def _part_json(part: Part) -> JsonObject:
    return {"part": part.name, "bound_ms": part.bound_ms}


def missing_for(terms: Terms, registry: Registry) -> Iterator[Finding]:
    """What the terms name and this bus does not have."""
    queue = terms.escalate.queue
    if queue and not any(queue in person.queues for person in registry.persons.values()):
        hint = f"`agentbus persons set NAME --role operator --queue {queue}`"
        yield Finding("warning", "/escalate/queue", f"no person has queue {queue}, so nobody can rule its cases", hint)
    roles = {role for agent in registry.agents.values() for role in agent.roles}
    for seat in terms.vote.seats:
        if seat not in roles and seat not in registry.agents:
            said = f"no agent of this bus is {seat} or has that role, so its seat never votes"
            yield Finding(
                "warning", "/vote/seats", said, "register one with `agentbus agents set`, or list another seat"
            )
    for role in terms.claimants or ():
        if role not in roles:
            said = f"no agent of this bus has role {role}"
            yield Finding("warning", "/claimants", said, "register one with `agentbus agents set`, or leave it out")
