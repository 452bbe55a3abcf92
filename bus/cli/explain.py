"""`agentbus explain`: why the bus decided as it did, in plain words: who, what, under which rules, what came of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.caller import Caller, terminal_width, with_caller
from bus.cli.failures import CommandError, ExitCode
from bus.cli.remembered import COUNT_MAX, Export, lookup_of
from bus.cli.words import exact_clock, in_words, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.audit.asked import Answer, Choice
    from bus.audit.contest_told import ContestTold
    from bus.audit.decisions import ArbiterDecision, GateDecision
    from bus.audit.explanation import Explanation
    from bus.audit.lookup import Lookup
    from bus.audit.story import Story

EXAMPLES = (
    "agentbus explain 1.2.17.0",
    "agentbus explain lead/L-1 --limit 50",
    "agentbus explain m-75 --from sales-1 --export audit-2026-11",
)

STORY_MAX = 20  # the last decisions on a subject that are shown, unless more are asked for


@with_caller
def explain(
    caller: Caller,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A decision, contest or case (1.2.17.0; of a gate sales.512), a message id, or a subject (lead/L-1).",
        ),
    ],
    sender: Annotated[
        str, typer.Option("--from", metavar="AGENT", show_default=False, help="Whose message of that id is meant.")
    ] = "",
    limit: Annotated[
        int,
        typer.Option(
            min=1, max=COUNT_MAX, metavar="N", help="Of a subject: how many decisions to show, the last ones."
        ),
    ] = STORY_MAX,
    is_id: Annotated[
        bool, typer.Option("--id", help="WHAT is the id of a message, whatever else it looks like.")
    ] = False,
    is_subject: Annotated[bool, typer.Option("--subject", help="WHAT is a subject.")] = False,
    export: Export = None,
) -> None:
    """Explain a decision, what became of a message, or the story of a subject, a contest or a case.

    It reads the journals, and believes nothing that does not stand in their chains. The exit code is 5 if it is not
    there.
    """
    from bus.audit.asked import Choice, Missing, Subject, find, find_message, find_subject, what_else

    if is_subject and (is_id or sender):
        raise CommandError(
            ExitCode.USAGE, "a subject has no sender and no id", "leave --subject out, or --id and --from"
        )
    asked = what.strip()
    with lookup_of(caller, export) as lookup:

        def look() -> "Answer":
            if is_subject:
                return find_subject(lookup, asked)
            return find_message(lookup, asked, sender) if is_id else find(lookup, asked, sender)

        answer = look()
        notes = what_else(lookup, asked, answer)
        if not isinstance(answer, Missing):
            for note in notes:
                caller.say(f"note: {note}")
        match answer:
            case Missing() as missing:
                step = notes[0] if notes and not sender else missing.step
                raise CommandError(ExitCode.NOT_FOUND, missing.sentence, step)
            case Choice() as choice:
                raise _ambiguous(caller, choice)
            case Subject() as subject:
                _tell_story(caller, lookup, subject.name, limit)
            case found:
                _show(caller, _explained(caller, lookup, found, look))


def _explained(
    caller: Caller, lookup: "Lookup", found: "ArbiterDecision | GateDecision", look: "Callable[[], Answer]"
) -> "Explanation":
    """The explanation; if the journal does not say what was remembered of it, after it was read anew."""
    from bus.audit.explain import Explaining
    from bus.shell.lane_talk import wire_time

    explaining = Explaining(lookup.index, lookup, wire_time if caller.is_json else exact_clock)
    explained = explaining.of(found)
    if all(proof.kept != "changed" for proof in explained.proof):
        return explained
    caller.say("what this machine remembered is not what the journals say: reading all of them anew")
    lookup.index.read_anew(caller.say)
    again = look()
    if not isinstance(again, type(found)):
        raise CommandError(ExitCode.NOT_FOUND, f"the journals have no decision {found.id}", "ask for what they have")
    return explaining.of(again)


def _show(caller: Caller, explained: "Explanation") -> None:
    from bus.cli.explain_text import as_text, print_page

    if caller.is_json:
        caller.show_json(explained.to_json())
        return
    print_page(as_text(explained, terminal_width()), has_labels=True)


def _tell_story(caller: Caller, lookup: "Lookup", subject: str, limit: int) -> None:
    from bus.audit.story import story_of
    from bus.cli.explain_text import contest_lines, print_page, story_lines

    story = story_of(lookup, subject, limit)
    contests = _last_contest(caller, lookup, story)
    if caller.is_json:
        about = {"standing": story.now.to_json(), "left_out": story.left_out}
        caller.show_json(
            {**about, "contests": [*story.contests], "contest": contests[0].to_json() if contests else None}
        )
        for link in story.told:
            caller.show_json(link.to_json())
        return
    print_page(story_lines(story, terminal_width(), contests), has_labels=False)
    for told in contests:
        print_page(["", *contest_lines(told, terminal_width())], has_labels=True)


def _last_contest(caller: Caller, lookup: "Lookup", story: "Story") -> "list[ContestTold]":
    """The contest on the subject that opened last, if there was one: what people ask about first."""
    from bus.audit.explain import Explaining
    from bus.shell.lane_talk import wire_time

    explaining = Explaining(lookup.index, lookup, wire_time if caller.is_json else exact_clock)
    told = explaining.contest(story.contests[-1]) if story.contests else None
    if len(story.contests) > 1:
        ids = ", ".join(story.contests[:-1])
        caller.say(f"earlier contests and cases on {story.now.subject}: {ids}; `agentbus explain` tells each of them")
    return [told] if told else []


def _ambiguous(caller: Caller, choice: "Choice") -> CommandError:
    """Several senders used the id: say what each of them sent."""
    for link in choice.of:
        caller.say(f"  {link.decision}  {exact_clock(link.at)}  {in_words(link.event)}")
    senders = [name_of(source) for source in choice.senders]
    step = f"say whose with --from, such as --from {senders[0]}, or name the decision"
    return CommandError(ExitCode.USAGE, f"{len(senders)} senders have used the id {choice.id}", step)
