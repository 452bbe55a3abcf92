"""What came of a decision is told whole: many renewals as one, actions one by one, what is left out by its number."""

import re
from datetime import datetime

import pytest

from bus.audit.aftermath import LINKS_MAX
from bus.audit.explain import Explaining
from bus.audit.explanation import Explanation
from bus.audit.lookup import Lookup
from bus.cli.explain_text import as_text
from bus.core.log.routing import partition_of
from tests.audit.eventful import CLAIM, CRM, RENEW, EventfulBus, eventful_bus
from tests.audit.explained import clock, explanations, index_of
from tests.audit.handmade import ANA, PARTITIONS, SALES
from tests.rules.cast import MAIL, SCORE, STAGE

BUSY = "lead/BUSY"
RENEWALS, ACTIONS = 9, LINKS_MAX + 2


def _work(bus: EventfulBus) -> None:
    bus.say("sales", SALES, CLAIM, id="busy-claim", subject=BUSY)
    for number in range(RENEWALS):
        bus.say("sales", SALES, RENEW, {"token": bus.token(BUSY)}, subject=BUSY, id=f"renew-{number}")
    for number in range(ACTIONS):
        mail = {"lead_id": "BUSY"}
        bus.say("sales", SALES, MAIL, mail, subject=BUSY, bustoken=bus.token(BUSY), id=f"mail-{number}")


def _hold_everywhere(bus: EventfulBus) -> None:
    """A holding in each partition, then a suspension of their holder."""
    found: dict[int, str] = {}
    for number in range(50):
        found.setdefault(partition_of(f"lead/P-{number}", PARTITIONS), f"lead/P-{number}")
    for subject in found.values():
        bus.say("sales", SALES, CLAIM, subject=subject)
    select = {"select": {"agent": SALES}, "reason": "it loops"}
    bus.say("operators", ANA, "bus.control.suspend.v1", select, id="stop-all")
    bus.wait_ms(200)


@pytest.fixture(scope="module")
def lookup() -> Lookup:
    """The eventful bus, then a busy holder, two facts in turn, and a suspension."""
    bus = eventful_bus()
    _work(bus)
    for value in ("open", "won"):
        bus.say("crm", CRM, STAGE, {"value": value}, subject="deal/D-9", id=f"stage-{value}")
        bus.say("crm", CRM, SCORE, {"value": 1}, subject="deal/D-9", id=f"score-{value}")
    _hold_everywhere(bus)
    return Lookup(index_of(bus.evidence()))


def _explained(lookup: Lookup, identifier: str) -> Explanation:
    (found,) = lookup.entries_of(identifier)[:1]
    return Explaining(lookup.index, lookup, clock).arbiter(found)


def test_many_renewals_are_one_and_actions_are_told(lookup: Lookup) -> None:
    """The last renewal with how many there were, the first actions, and the number of the others."""
    found = _explained(lookup, "busy-claim")
    told = [str(link.event["kind"]) for link in found.followed]
    assert told == ["renewed", *["action_admitted"] * LINKS_MAX, "ended"]
    assert (found.followed[0].times, found.followed_left_out) == (RENEWALS, ACTIONS - LINKS_MAX)
    assert found.followed[0].to_json()["times"] == RENEWALS
    lines = as_text(found, None)
    assert any(f"{RENEWALS} times renewed, last as 1." in line for line in lines)
    assert any(line.strip() == f"and {ACTIONS - LINKS_MAX} more" for line in lines)


def test_a_suspension_tells_what_it_ended_in_every_partition(lookup: Lookup) -> None:
    """Its entries stand in all partitions, and each of them ended something."""
    found = _explained(lookup, "stop-all")
    ended = [link for link in found.followed if link.event["kind"] == "ended"]
    assert {link.decision.split(".")[1] for link in ended} == {str(p) for p in range(PARTITIONS)}
    assert any(why.endswith(f"it is in {PARTITIONS} of {PARTITIONS}") for why in found.why)


def test_a_fact_is_followed_by_the_next_of_its_name(lookup: Lookup) -> None:
    """Not by another fact about the same subject."""
    found = _explained(lookup, "stage-open")
    assert [(link.event["name"], link.event["value"]) for link in found.followed] == [("stage", "won")]


def test_a_claim_denied_for_a_fact_is_followed_by_its_next_statement(lookup: Lookup) -> None:
    """What was missing came next, by whoever owns that fact; then the claim that got it."""
    denied = next(one for one in explanations().values() if one.event.get("wants", {}).get("is") == "lost")
    p, o, n = map(int, denied.decision.split(".")[1:])
    found = lookup.arbiter(p, o, n)
    assert found is not None
    followed = Explaining(lookup.index, lookup, clock).arbiter(found).followed
    told = [(link.event["kind"], link.event.get("name"), link.event.get("value")) for link in followed]
    assert told == [("fact", "stage", "won"), ("granted", None, None)]


def test_the_neighbours_in_a_lane_are_found_across_a_gap(lookup: Lookup) -> None:
    """Offsets have gaps where a transaction was aborted."""
    lookup.index.database.execute("DELETE FROM rows WHERE lane = 'sales' AND offset IN (4, 6)")
    before, after = lookup.beside_row("sales", 5)
    assert before is not None
    assert after is not None
    assert (before.decision, after.decision) == ("sales.3", "sales.7")


def test_when_it_was_said_has_its_date_and_zone(lookup: Lookup) -> None:
    """Whoever compares it with other clocks needs both."""
    found = _explained(lookup, "busy-claim")
    assert found.message is not None
    lines = [line for line in as_text(found, None) if line.startswith("said ")]
    written = re.search(r", at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d) \(", lines[0])
    assert written is not None
    assert datetime.fromisoformat(written[1]).timestamp() * 1000 == pytest.approx(found.message.at)
