"""What a ruling does is what the case file said it would: for every ruling of the scripts, and of random contests."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from bus.core.log.journal import parse_segment
from bus.core.log.topics import ESCALATIONS
from tests.contests.against_core import lines_of_seed
from tests.shell.test_case_files_go_out import SCRIPTS, Run, named, run_of

SEEDS = range(30)
Json = dict[str, Any]  # Any: JSON
HELD = re.compile(r"(\S+) of (\S+) is (admitted|refused)(?: \((\w+)\))?( before \d+.*)?")
DENIED = re.compile(r"(\d+) (?:other )?claims? (?:is|are) denied \((\w+)\)")


def _entries(run: Run) -> list[Json]:
    return [entry for value in run.segments for entry in (parse_segment(value) or {})["entries"]]


def _rulings(run: Run) -> list[tuple[Json, Json]]:
    """The entry of each ruling with what the newest file before it said; none where control has changed since."""
    files = {one.id: json.loads(one.value or b"{}") for one in run.sent if one.topic == ESCALATIONS}
    known: dict[str, tuple[Json, int]] = {}
    found, changes = [], 0
    for entry in _entries(run):
        changes += entry["verdict"] == "control"
        for event in entry["events"]:
            if event.get("ruling") and known[event["case"]][1] == changes:
                before = known[event["case"]][0]["rulings"]
                asked = (event["ruling"], event.get("candidate"))
                found.append((entry, next(one for one in before if (one["ruling"], one.get("candidate")) == asked)))
            if event["kind"].startswith("case_"):
                decision = next(name for name in files if name.endswith(f".{entry['o']}.{event['n']}"))
                known[event["case"]] = (files[decision], changes)
    return found


def _short(agent: str) -> str:
    return agent.rpartition("/")[2]


def _said(effects: list[str], at: int) -> Counter[str]:
    """Who gets it, who loses it, what becomes of what is held and of the claims, as the file says it."""
    said: Counter[str] = Counter()
    for effect in effects:
        if held := HELD.fullmatch(effect):
            late = held[5] is not None and at >= int(held[5].split()[1].rstrip(","))
            said[f"{held[2]} {'refused expired' if late else f'{held[3]} {held[4]}' if held[4] else held[3]}"] += 1
        elif denied := DENIED.fullmatch(effect):
            said[f"denied {denied[2]}"] += int(denied[1])
        elif " goes to " in effect:
            said[f"granted {effect.rpartition(' ')[2]}"] += 1
        elif effect.endswith(" loses it (ruled)"):
            said[f"ended {effect.partition(' ')[0]}"] += 1
        elif effect.endswith("refused (fenced)"):
            said["refused fenced"] += int(effect.partition(" ")[0])
    return said


def _done(entry: Json, said: Counter[str]) -> Counter[str]:
    """The same of what happened; what is only looked at next is nothing the ruling has done."""
    done: Counter[str] = Counter()
    is_next = not any(" admitted" in one or " refused" in one or one == "refused fenced" for one in said)
    for event in entry["events"]:
        match event["kind"]:
            case "granted":
                done[f"granted {_short(event['agent'])}"] += 1
            case "ended":
                done[f"ended {_short(event['agent'])}"] += 1
            case "denied":
                done[f"denied {event['reason']}"] += 1
            case "action_refused" if not is_next:
                whose = "" if "refused fenced" in said else f"{_short(event['agent'])} "
                done[f"{whose}refused {event['reason']}"] += 1
            case "action_admitted" if not is_next:
                done[f"{_short(event['agent'])} admitted"] += 1
    return done


def _hold(run: Run) -> int:
    found = _rulings(run)
    for entry, ruling in found:
        said = _said(ruling["effects"], entry["at"])
        assert _done(entry, said) == said, (ruling, entry["events"])
    return len(found)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_ruling_of_a_script_does_what_its_file_said(script: Any) -> None:  # Any: a script
    """Who gets the subject, who loses it, what is admitted and what is refused."""
    _hold(named(script.name))


def test_rulings_of_random_contests_do_what_their_files_said() -> None:
    """The same for contests nobody thought of, and there are enough of them to mean something."""
    assert sum(_hold(run_of(*lines_of_seed(seed))) for seed in SEEDS) > 10
