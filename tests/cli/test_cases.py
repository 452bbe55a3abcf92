"""A shift at the desk, typed: contests and reviews that end in cases on a running bus, and the word of a person."""

import json
import re
import signal
import subprocess
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.audit.conftest import Client
from tests.cli.conftest import COMMAND, DevRun, Ran, Terminal, in_this_process
from tests.cli.harbour import (
    AGENT,
    CLAIM,
    CLOSE,
    KIM,
    PATIENT,
    PERSON,
    VOTE,
    WITHIN_S,
    Contested,
    Json,
    await_case,
    shapes_fit,
)

DEAL = {
    "deal_id": "D-9",
    "customer": "Acme Ltd",
    "amount_cents": 240000000,
    "currency": "EUR",
    "discount_bp": 3800,
    "standard_terms": False,
    "deviations": ["a right to return unused seats"],
}


def test_a_case_is_listed_and_shown_with_what_a_person_decides_by(terminal: Terminal, contested: Contested) -> None:
    """Queue, state and time in the list; claims side by side and a ruling for each on the page."""
    subject = contested("B-1")
    (row,) = [row for row in terminal.json("cases", "ls", "--queue", "harbour") if row["subject"] == subject]
    assert (row["kind"], row["state"], row["queue"], row["tier"]) == ("claims", "ready", "harbour", 0)
    assert shapes_fit("cases ls", row)
    (file,) = terminal.json("cases", "show", "B-1", "--as", "kim")
    assert shapes_fit("cases show", file)
    page = terminal("cases", "show", row["case"], "--as", "kim").out
    assert set(re.findall(r"[12] (sales-1|support-1)", page)) == {"sales-1", "support-1"}  # two lanes: either is first
    reasoning = next(line for line in page.splitlines() if "reasoning" in line)
    assert reasoning.strip().startswith("≠")
    assert "perishables" in reasoning
    assert f"agentbus cases rule {row['case']} award 1 --reason" in page


@pytest.mark.parametrize("columns", [80, 140])
def test_no_line_of_a_case_wraps_at_a_terminal(terminal: Terminal, contested: Contested, columns: int) -> None:
    """Neither in the list nor on the page."""
    subject = contested(f"B-wide-{columns}")
    env = {**terminal.env, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    shown = [in_this_process("cases", *words, env=env, is_terminal=True) for words in (("ls",), ("show", subject))]
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for ran in shown for line in ran.out.splitlines()]
    assert [line for line in lines if len(line) > columns] == []


def test_an_award_gives_the_berth_to_whom_it_names(terminal: Terminal, contested: Contested) -> None:
    """By the agent's name; the bus answers, the holder is there, and the case is closed with the reason."""
    subject = contested("B-2")
    (answer,) = terminal.json("cases", "rule", subject, "award", "support-1", "--reason", "perishables", *KIM)
    assert shapes_fit("cases rule", answer)
    assert (answer["kind"], answer["ruling"], answer["person"]) == ("case_closed", "award", f"{PERSON}kim")
    (held,) = terminal.json("resources", "show", subject)
    assert held["holder"] == f"{AGENT}support-1"
    assert "closed" in terminal("cases", "show", subject).out.splitlines()[0]
    again = terminal("cases", "rule", subject, "award", "1", "--reason", "late", *KIM)
    assert (again.code, "is closed since" in again.complaint) == (6, True)


def test_a_case_is_reserved_and_given_back(terminal: Terminal, contested: Contested) -> None:
    """While kim has it nobody else may rule; kim's own ruling is not stale because of it."""
    subject = contested("B-3")
    (mine,) = terminal.json("cases", "reserve", subject, *KIM)
    assert shapes_fit("cases reserve", mine)
    assert (mine["state"], mine["person"], mine["rev"]) == ("reserved", f"{PERSON}kim", 2)
    _await_rev(terminal, subject, 2)
    assert subject in [row["subject"] for row in terminal.json("cases", "ls", "--mine", "--as", "kim")]
    (back,) = terminal.json("cases", "release", subject, *KIM)
    assert shapes_fit("cases release", back)
    _await_rev(terminal, subject, 3)
    assert terminal("cases", "rule", subject, "reject-all", "--reason", "nobody", *KIM).code == 0


def _await_rev(terminal: Terminal, subject: str, rev: int) -> None:
    """The case file follows its event within a moment; `ls` shows nothing, so that nothing counts as shown."""
    until_s = time.monotonic() + WITHIN_S
    while [row["rev"] for row in terminal.json("cases", "ls") if row["subject"] == subject] != [rev]:
        assert time.monotonic() < until_s, f"{subject} is not at rev {rev}"


@pytest.mark.parametrize(("person", "says"), [("lee", "kim may rule"), ("ben", "kim may rule"), ("nobody", "--as")])
def test_who_may_not_rule_is_told_who_may(
    terminal: Terminal, contested: Contested, person: str, says: str, request: pytest.FixtureRequest
) -> None:
    """The owner of a claimant, a person of another queue, and somebody nobody knows."""
    subject = contested(f"B-5-{request.node.callspec.id.partition('-')[0]}")
    rule = ("cases", "rule", subject, "award", "1", "--rev", "1", "--reason", "mine", "--as", person, *PATIENT)
    ran = terminal(*rule)
    assert ran.code == 7
    assert says in ran.err
    dry = terminal(*rule, "--dry-run")
    assert (dry.code, dry.out) == (7, "")
    assert f"{person} may not rule on {subject}" in dry.err


def test_who_may_not_rule_is_not_told_to_wait_for_a_reservation(terminal: Terminal, contested: Contested) -> None:
    """Kim has reserved it, and lee owns a claimant: waiting helps lee nothing."""
    subject = contested("B-11")
    assert terminal("cases", "reserve", subject, *KIM).code == 0
    rule = ("cases", "rule", subject, "award", "1", "--rev", "2", "--reason", "mine", "--as", "lee", *PATIENT)
    ran = terminal(*rule)
    assert ran.code == 7
    assert "kim may rule on it" in ran.complaint
    assert "wait" not in ran.complaint


@pytest.fixture(scope="module")
def deal(terminal: Terminal, client: Client, staff: tuple[str, ...]) -> Json:
    """A deal of two million that compliance vetoed; its case file."""
    assert staff
    stage = {"deal_id": "D-9", "stage": "negotiation"}
    client.answer("crm", client.send("crm", f"{AGENT}crm-1", "deals.deal.stage.v1", stage, "deal/D-9", ce_id="d-stage"))
    held = client.answer("sales", client.send("sales", f"{AGENT}sales-2", CLAIM, {}, "deal/D-9", ce_id="d-claim"))
    client.send("sales", f"{AGENT}sales-2", CLOSE, DEAL, "deal/D-9", ce_id="d-close", ce_bustoken=str(held["token"]))
    opened = client.answer("sales", "d-close", "contest_opened")
    for role, choice, reason in (("pricing", "approve", "ltv"), ("compliance", "reject", "regulatory.asc606")):
        ballot = {
            "contest": opened["decision"],
            "choice": choice,
            "reason": reason,
            "reasoning": f"{role} looked at it",
        }
        sent = client.send("support", f"{AGENT}{role}-1", VOTE, ballot, "deal/D-9", ce_id=f"d-{role}")
        assert client.answer("support", sent)["kind"] == "voted"
    return await_case(terminal, "deal/D-9")


def test_a_review_is_shown_with_the_action_the_ballots_and_the_veto(terminal: Terminal, deal: Json) -> None:
    """What is held, who said what and why, and what cannot be undone."""
    assert deal["kind"] == "approval"
    page = terminal("cases", "show", "D-9").out
    assert f"{CLOSE} of sales-2" in page
    assert "amount_cents" in page
    assert "240,000,000" in page
    assert "regulatory.asc606" in page
    assert "compliance looked at it" in page
    assert 'stage is "negotiation"' in page
    approve = next(line for line in page.splitlines() if line.startswith("  approve"))
    assert "cannot be undone" in approve


def test_a_ruling_that_the_case_does_not_know_is_one_sentence(terminal: Terminal, deal: Json) -> None:
    """Nothing is awarded where an action is approved or rejected."""
    ran = terminal("cases", "rule", deal["case"], "award", "1", "--reason", "x", *KIM)
    assert ran.code == 2
    assert "choose approve or reject" in ran.complaint


def test_a_rejected_action_is_ruled_out(terminal: Terminal, client: Client, deal: Json) -> None:
    """Its sender hears it, and keeps the deal."""
    terminal("cases", "show", "D-9", "--as", "kim")
    ran = terminal("cases", "rule", deal["case"], "reject", "--reason", "no right to return", *KIM)
    assert ran.code == 0, ran.err
    assert "is refused" in ran.out
    (held,) = terminal.json("resources", "show", "deal/D-9")
    assert held["holder"] == f"{AGENT}sales-2"
    refused = [line["event"] for line in held["decisions"] if line["event"]["kind"] == "action_refused"]
    assert [event["reason"] for event in refused] == ["ruled_out"]


def test_watch_writes_a_line_for_each_change(terminal: Terminal, contested: Contested) -> None:
    """First what waits, then the reservation; Ctrl-C ends it without a complaint."""
    subject = contested("B-7")
    watch = subprocess.Popen(
        [str(COMMAND), "cases", "watch", "--queue", "harbour", "--json"],
        env=terminal.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watch.stdout is not None
    try:
        while (row := json.loads(watch.stdout.readline()))["subject"] != subject:
            pass
        assert shapes_fit("cases watch", row)
        assert terminal("cases", "reserve", subject, *KIM).code == 0
        while (row := json.loads(watch.stdout.readline()))["subject"] != subject:
            pass
        assert (row["state"], row["person"]) == ("reserved", f"{PERSON}kim")
    finally:
        watch.send_signal(signal.SIGINT)
        _, told = watch.communicate(timeout=WITHIN_S)
    assert watch.returncode == 0
    assert "Traceback" not in told


def test_who_stops_waiting_is_told_that_the_ruling_stands(
    terminal: Terminal, dev: DevRun, contested: Contested
) -> None:
    """While no stage answers Ctrl-C ends the waiting, and not what was said."""
    subject, place = contested("B-9"), TopicPartition("bus.in.desk", 0)
    looking = Consumer({"bootstrap.servers": dev.ready["bootstrap"], "group.id": "bus-reader"})
    said = looking.get_watermark_offsets(place, timeout=30)[1]
    command = [str(COMMAND), "cases", "rule", subject, "reject-all", "--reason", "fog", *KIM]
    dev.processes["dev"].suspend()
    try:
        ruling = subprocess.Popen(command, env=terminal.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until_s = time.monotonic() + WITHIN_S
        while looking.get_watermark_offsets(place, timeout=30)[1] == said:
            assert time.monotonic() < until_s
        time.sleep(1)  # from the broker's having it to the command's knowing it
        ruling.send_signal(signal.SIGINT)
        out, told = ruling.communicate(timeout=WITHIN_S)
    finally:
        dev.processes["dev"].resume()
        looking.close()
    assert (ruling.returncode, out) == (130, "")
    assert "what was sent takes effect all the same" in told
    assert "Traceback" not in told
    until_s = time.monotonic() + WITHIN_S
    while "closed" not in terminal("cases", "show", subject).out.splitlines()[0]:
        assert time.monotonic() < until_s


def test_a_shell_completes_cases_by_id_and_subject(terminal: Terminal, contested: Contested) -> None:
    """Those that are open."""
    subject = contested("B-8")
    asked = {"_AGENTBUS_COMPLETE": "complete_bash", "COMP_WORDS": "agentbus cases show berth/B-8", "COMP_CWORD": "3"}
    ran: Ran = in_this_process(env={**terminal.env, **asked})
    assert ran.out.split() == [subject]


@pytest.mark.parametrize("verb", [["show"], ["reserve"], ["release"], ["rule", "approve", "--reason", "x"]], ids=str)
def test_a_case_that_is_none_is_one_sentence(terminal: Terminal, staff: tuple[str, ...], verb: list[str]) -> None:
    """With the code for what is not there."""
    assert staff
    person = [] if verb == ["show"] else [*KIM]
    ran = terminal("cases", verb[0], "berth/none", *verb[1:], *person)
    assert ran.code == 5
    assert "there is no case berth/none" in ran.complaint
