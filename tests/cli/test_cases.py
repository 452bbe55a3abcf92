"""A shift at the desk, typed: contests and reviews that end in cases on a running bus, and the word of a person."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer, TopicPartition

from bus.cli.json_shapes import OBJECTS
from tests.audit.conftest import Client
from tests.cli.berths import BERTH, DEAL, WITHIN_S, Json, await_case
from tests.cli.conftest import COMMAND, DevRun, Ran, Terminal, in_this_process

AGENT, PERSON = "spiffe://acme/agent/", "spiffe://acme/person/"
CLAIM, VOTE, CLOSE = "bus.resource.claim.v1", "bus.contest.vote.v1", "deals.deal.close.v1"
SPECIALISTS = ("pricing", "compliance", "risk")
PATIENT = ("--wait", "45")
KIM = ("--as", "kim", *PATIENT)
Contested = Callable[[str], str]


@pytest.fixture(scope="module")
def client(dev: DevRun) -> Iterator[Client]:
    """A stock client."""
    opened = Client(dev.ready["bootstrap"])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def staff(terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Who works here: kim rules on both queues, lee on one but owns an agent; and the specialists who vote."""
    path: Path = tmp_path_factory.mktemp("terms") / "berth.yaml"
    path.write_text(yaml.safe_dump(BERTH), encoding="utf-8")
    terminal.json("persons", "set", "kim", "--role", "operator", "--queue", "harbour", "--queue", "revenue")
    terminal.json("persons", "set", "lee", "--role", "operator", "--queue", "harbour", "--owns", "sales-1")
    for role in SPECIALISTS:
        terminal.json("agents", "set", f"{role}-1", "--lane", "support", "--role", role)
    terminal.json("terms", "set", str(path))
    return ("kim", "lee")


@pytest.fixture(scope="module")
def contested(terminal: Terminal, client: Client, staff: tuple[str, ...]) -> Contested:
    """Lets two agents claim a berth at once, and returns it when a person has to decide."""
    assert staff

    def contest(name: str) -> str:
        subject = f"berth/{name}"
        said = {"reasoning": "our ship is in the roads since yesterday"}
        client.send("sales", f"{AGENT}sales-1", CLAIM, said, subject, ce_id=f"{name}-1")
        client.send("support", f"{AGENT}support-1", CLAIM, {"reasoning": "perishables"}, subject, ce_id=f"{name}-2")
        await_case(terminal, subject)
        return subject

    return contest


def _shapes_fit(command: str, row: Json) -> bool:
    return any(row.keys() == shape.keys or (shape.is_open and row.keys() > shape.keys) for shape in OBJECTS[command])


def test_a_case_is_listed_and_shown_with_what_a_person_decides_by(terminal: Terminal, contested: Contested) -> None:
    """Queue, state and time in the list; claims side by side and a ruling for each on the page."""
    subject = contested("B-1")
    (row,) = [row for row in terminal.json("cases", "ls", "--queue", "harbour") if row["subject"] == subject]
    assert (row["kind"], row["state"], row["queue"], row["tier"]) == ("claims", "ready", "harbour", 0)
    assert _shapes_fit("cases ls", row)
    (file,) = terminal.json("cases", "show", "B-1", "--as", "kim")
    assert _shapes_fit("cases show", file)
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
    assert _shapes_fit("cases rule", answer)
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
    assert _shapes_fit("cases reserve", mine)
    assert (mine["state"], mine["person"], mine["rev"]) == ("reserved", f"{PERSON}kim", 2)
    _await_rev(terminal, subject, 2)
    assert subject in [row["subject"] for row in terminal.json("cases", "ls", "--mine", "--as", "kim")]
    (back,) = terminal.json("cases", "release", subject, *KIM)
    assert _shapes_fit("cases release", back)
    _await_rev(terminal, subject, 3)
    assert terminal("cases", "rule", subject, "reject-all", "--reason", "nobody", *KIM).code == 0


def _await_rev(terminal: Terminal, subject: str, rev: int) -> None:
    """The case file follows its event within a moment; `ls` shows nothing, so that nothing counts as shown."""
    until_s = time.monotonic() + WITHIN_S
    while [row["rev"] for row in terminal.json("cases", "ls") if row["subject"] == subject] != [rev]:
        assert time.monotonic() < until_s, f"{subject} is not at rev {rev}"


def test_a_case_that_changed_since_it_was_shown_is_not_ruled(
    terminal: Terminal, client: Client, contested: Contested
) -> None:
    """Somebody else reserved it meanwhile and gave it back: what, who and when is told, and nothing is decided."""
    subject = contested("B-4")
    (file,) = terminal.json("cases", "show", subject, "--as", "kim")
    body = {"case": file["case"], "rev": file["rev"]}
    client.answer("desk", client.send("desk", f"{PERSON}kim", "bus.case.reserve.v1", body, subject, ce_id="b4-reserve"))
    ran = terminal("cases", "rule", subject, "award", "1", "--reason", "first come", *KIM)
    assert ran.code == 6
    assert f"{subject} has changed since rev 1: it is at rev 2" in ran.err
    assert "kim: kim reserved it" in ran.err
    ahead = terminal("cases", "rule", subject, "award", "1", "--rev", "7", "--reason", "x", *KIM)
    assert (ahead.code, f"{subject} is not at rev 7: it is at rev 2" in ahead.complaint) == (6, True)
    stale = terminal("cases", "rule", subject, "award", "1", "--rev", "1", "--reason", "x", *KIM, "--json")
    (answer,) = stale.rows
    assert (stale.code, answer["reason"]) == (6, "stale_rev")
    assert [change["who"] for change in answer["changes"]] == [f"{PERSON}kim"]
    terminal("cases", "show", subject, "--as", "kim")
    assert terminal("cases", "rule", subject, "award", "1", "--reason", "first come", *KIM).code == 0


def test_who_was_shown_a_case_is_a_person_and_not_the_machine(terminal: Terminal, contested: Contested) -> None:
    """What kim has looked at, lee has not: without --rev a ruling of lee's speaks of nothing."""
    subject = contested("B-9")
    ran = terminal("cases", "rule", subject, "award", "1", "--reason", "x", "--as", "lee", *PATIENT)
    assert (ran.code, f"{subject} has not been shown to lee here" in ran.complaint) == (6, True)
    assert "--as lee" in ran.complaint


def test_a_number_means_whom_it_was_shown_for_even_if_they_have_left(
    terminal: Terminal, client: Client, contested: Contested
) -> None:
    """The second claimant withdraws: awarding it 2 is stale, and afterwards 1 is who it was."""
    subject = contested("B-10")
    (file,) = terminal.json("cases", "show", subject, "--as", "kim")
    gone, stays = file["claims"][1], file["claims"][0]["agent"].rpartition("/")[2]
    lane = gone["agent"].rpartition("/")[2].partition("-")[0]
    left = client.send(lane, gone["agent"], "bus.resource.withdraw.v1", {"claim": gone["claim"]}, subject, ce_id="b10")
    client.answer(lane, left)
    rule = ("cases", "rule", subject, "award")
    ran = terminal(*rule, "2", "--reason", "x", *KIM)
    assert (ran.code, f"{subject} has changed since rev 1" in ran.complaint) == (6, True)
    assert "competes no longer: withdrawn" in ran.err
    page = terminal("cases", "show", subject, "--as", "kim").out
    assert f"1 {stays}" in page
    assert "(out: withdrawn)" in page
    assert terminal(*rule, "2", "--reason", "x", *KIM).code == 6
    assert f"award 1 {stays}" in terminal(*rule, "1", "--reason", "x", *KIM).out


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


def test_alike_cases_are_ruled_one_by_one_with_one_reason_if_they_were_shown(
    terminal: Terminal, client: Client, contested: Contested
) -> None:
    """Every open one gets an answer of its own; one that was not shown is left alone, with what differs in it."""
    subjects = {contested(f"B-6-{number}") for number in range(3)}
    _say(client, "B-6-9", "a legal threat: read this first")
    listed = _listed(terminal, {*subjects, "berth/B-6-9"})
    assert len({row["alike"] for row in listed}) == 1
    rule = ("cases", "rule", "B-6-0", "reject-all", "--alike", "--reason", "the harbour is closed", *KIM)
    dry = terminal(*rule, "--dry-run", "--json")
    assert dry.code == 6
    assert all(_shapes_fit("cases rule", row) for row in dry.rows)
    assert {row["kind"] for row in dry.rows if row["subject"] in subjects} == {"would_rule"}
    (unseen,) = [row for row in dry.rows if row["subject"] == "berth/B-6-9"]
    assert (unseen["kind"], unseen["reason"]) == ("would_not_rule", "not_shown")
    assert "a legal threat: read this first" in unseen["differs"].values()
    ran = terminal(*rule)
    assert ran.code == 6, ran.err
    ruled = {line.split()[1] for line in ran.out.splitlines() if line.startswith("ruled: ")}
    assert (subjects <= ruled, "berth/B-6-9" in ruled) == (True, False)
    assert "berth/B-6-9 has not been shown to kim here" in ran.err
    assert "a legal threat: read this first" in ran.err
    _await_gone(terminal, subjects)
    assert [row["state"] for row in _listed(terminal, {"berth/B-6-9"})] == ["ready"]


def test_who_lists_what_is_alike_has_seen_each_of_them(terminal: Terminal, client: Client, staff: Any) -> None:
    """The words of each stand there whole, and then one ruling is for all."""
    assert staff
    for number in range(2):
        _say(client, f"B-12-{number}", f"ship {number} is first")
    subjects = {"berth/B-12-0", "berth/B-12-1"}
    _listed(terminal, subjects)
    rows = terminal.json("cases", "ls", "--alike", "B-12-0", "--as", "kim")
    assert {"ship 0 is first", "ship 1 is first"} <= {value for row in rows for value in row["differs"].values()}
    assert all(_shapes_fit("cases ls", row) for row in rows)
    page = terminal("cases", "ls", "--alike", "B-12-0", "--as", "kim").out
    assert "ship 0 is first" in page
    assert "ship 1 is first" in page
    ran = terminal("cases", "rule", "B-12-0", "reject-all", "--alike", "--reason", "closed", *KIM)
    assert ran.code == 0, ran.err
    _await_gone(terminal, subjects)


def _say(client: Client, name: str, reasoning: str) -> None:
    """Two claims on a berth, by the same two agents as always; nobody is shown the case."""
    for lane, agent, said in (("sales", "sales-1", reasoning), ("support", "support-1", "perishables")):
        body = {"reasoning": said}
        client.send(lane, f"{AGENT}{agent}", CLAIM, body, f"berth/{name}", ce_id=f"{name}-{lane}")


def _listed(terminal: Terminal, subjects: set[str]) -> list[Json]:
    """The lines of these cases, once all of them are open."""
    until_s = time.monotonic() + WITHIN_S
    rows: list[Json] = []
    while not subjects <= {row["subject"] for row in rows}:
        assert time.monotonic() < until_s, f"not all of {subjects} are open"
        rows = terminal.json("cases", "ls", "--queue", "harbour")
    return [row for row in rows if row["subject"] in subjects]


def _await_gone(terminal: Terminal, subjects: set[str]) -> None:
    until_s = time.monotonic() + WITHIN_S
    while subjects & {row["subject"] for row in terminal.json("cases", "ls")}:
        assert time.monotonic() < until_s


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
        assert _shapes_fit("cases watch", row)
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
