"""The journal of a script of contests as an auditor reads it: the real core decides on what the script says."""

import json
from functools import cache

from bus import ENGINE
from bus.audit.evidence import Evidence, Log
from bus.audit.explain import Explaining
from bus.audit.explanation import Explanation
from bus.audit.lookup import Lookup
from bus.core.log import topics
from bus.core.log.journal import Tip, seal
from bus.core.log.records import Record, canonical
from tests.audit.explained import clock, index_of
from tests.contests.cast import START_MS
from tests.contests.core import GENESIS, Core, record_of
from tests.contests.play import Play
from tests.contests.test_scripts import SCRIPTS
from tests.rules.scripts_reader import Script

BY_NAME = {script.name: script for script in SCRIPTS}


def evidence_of(script: Script) -> Evidence:
    """Genesis, the records and the journal of one partition, in which the script was played."""
    core = Core()
    play = Play(lambda raw: {"reason": "", **core.decide(raw)})
    play.run(script)
    bodies = [
        {"kind": "genesis", "engine": ENGINE, "gen": 1, "p": 0, "topic_id": "id"},
        {"kind": "takeover", "engine": ENGINE, "nonce": "00", "mark": 0},
    ]
    for o, entry in enumerate(core.journal):
        body = {"kind": "arbiter", "engine": ENGINE, "gen": 1, "p": 0, "from": o, "to": o}
        bodies.append({**body, "entries": [json.loads(entry)]})
    tip, journal = Tip(), []
    for offset, body in enumerate(bodies):
        value, tip = seal(tip, body)
        journal.append(Record(topics.JOURNAL, 0, offset, START_MS, b"", value, ()))
    genesis = canonical(GENESIS.to_json())
    records = {
        (topics.CONTROL, 0): [Record(topics.CONTROL, 0, 0, START_MS, b"genesis", genesis, ())],
        (topics.ARBITER, 0): [record_of(raw) for raw in play.log.records],
        (topics.JOURNAL, 0): journal,
    }
    return Evidence(script.name, {place: Log(0, len(log), tuple(log)) for place, log in records.items()})


@cache
def script_lookup(name: str) -> Lookup:
    """Questions to the index of the script of that name."""
    return Lookup(index_of(evidence_of(BY_NAME[name])))


@cache
def script_explanations(name: str) -> dict[str, Explanation]:
    """Every decision of a script with an event on a subject, explained."""
    lookup = script_lookup(name)
    explaining = Explaining(lookup.index, lookup, clock)
    wanted = "SELECT p, o, n FROM events WHERE subject <> '' ORDER BY o, n"
    found = {}
    for p, o, n in lookup.index.database.execute(wanted).fetchall():
        decision = lookup.arbiter(p, o, n)
        assert decision is not None
        found[decision.id] = explaining.arbiter(decision)
    return found
