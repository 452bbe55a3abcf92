"""`agentbus explain` on a running bus: what became of a message, a decision, a subject, as text and as JSON."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from bus.shell import kafka
from tests.audit.conftest import Client
from tests.cli.conftest import DevRun, Ran, Terminal

CLAIM = "bus.resource.claim.v1"
EMAIL = Path(__file__).parents[2] / "schemas/leads/email.send/v1/examples/valid/invitation.json"
LEAD = "lead/E-1"


@pytest.fixture(scope="module")
def said(terminal: Terminal, dev: DevRun) -> Iterator[dict[str, Any]]:
    """A stock client's lead: qualified, claimed, claimed in vain, acted upon; the answers by what was sent."""
    client = Client(dev.ready["bootstrap"])
    try:
        yield _work(client)
    finally:
        client.close()


def _work(client: Client) -> dict[str, Any]:
    def ask(lane: str, name: str, kind: str, body: object, subject: str, **more: str) -> Any:  # Any: JSON
        client.send(lane, f"spiffe://acme/agent/{name}", kind, body, subject, **more)
        return client.answer(lane, more["ce_id"])

    answers: dict[str, Any] = {"bootstrap": client.bootstrap}
    for lead in ("E-1", "L-1"):
        fact = {"lead_id": lead, "stage": "qualified"}
        answers[f"fact-{lead}"] = ask("crm", "crm-1", "leads.lead.stage.v1", fact, f"lead/{lead}", ce_id=f"fact-{lead}")
    answers["claim"] = ask("sales", "sales-1", CLAIM, {}, LEAD, ce_id="explain-claim")
    answers["vain"] = ask("support", "support-1", CLAIM, {}, LEAD, ce_id="explain-vain")
    for lane in ("sales", "support"):
        answers[f"shared-{lane}"] = ask(lane, f"{lane}-1", CLAIM, {}, LEAD, ce_id="explain-shared")
    held = ask("sales", "sales-1", CLAIM, {}, "lead/L-1", ce_id="explain-held")
    token = {"ce_bustoken": str(held["token"])}
    email = json.loads(EMAIL.read_text(encoding="utf-8"))
    kind = "leads.email.send.v1"
    answers["email"] = ask("sales", "sales-1", kind, email, "lead/L-1", ce_id="explain-email", **token)
    answers["named"] = ask("support", "support-1", CLAIM, {}, "lead/E-2", ce_id=LEAD)
    answers["empty"] = ask("sales", "sales-1", kind, {}, "lead/L-1", ce_id="explain-empty", **token)
    return answers


def test_a_denied_claim_is_explained_with_the_holder(terminal: Terminal, said: dict[str, Any]) -> None:
    """The words name who held it, under which token and until when, as the answers said."""
    granted, denied = said["claim"], said["vain"]
    ran = terminal("explain", "explain-vain")
    assert ran.code == 0
    assert ran.out.startswith(f"{denied['decision']}  denied: support-1 does not get {LEAD} (held)")
    assert f"sales-1 held {LEAD} under token {granted['token']} until " in ran.out
    assert "lane support belongs to the Kafka principal User:support; whether Kafka " in ran.out
    assert "nobody is checked on this Kafka now" in ran.out


def test_json_has_what_the_answer_had(terminal: Terminal, said: dict[str, Any]) -> None:
    """One object, with the event as it was answered and the proof."""
    granted = said["claim"]
    (found,) = terminal.json("explain", granted["decision"])
    assert found["event"]["token"] == granted["token"]
    assert (found["message"]["id"], found["message"]["kept"]) == ("explain-claim", "there")
    assert [proof["topic"] for proof in found["proof"]] == ["bus.gate.sales", "bus.journal"]
    assert (found["before"]["holder"], found["after"]["token"]) == (None, granted["token"])


def test_a_refusal_of_the_gate_shows_every_violation(terminal: Terminal, said: dict[str, Any]) -> None:
    """By the decision the answer names."""
    (found,) = terminal.json("explain", said["empty"]["decision"])
    assert (found["stage"], found["reason"]) == ("gate", "schema_violation")
    assert found["violations"] == said["empty"]["violations"]


def test_a_subject_is_told_newest_last(terminal: Terminal, said: dict[str, Any]) -> None:
    """The story ends with what happened last, and --limit takes its end."""
    standing, *story = terminal.json("explain", LEAD)
    assert (standing["standing"]["holder"], standing["left_out"]) == (said["claim"]["agent"], 0)
    assert [line["event"]["kind"] for line in story[:3]] == ["fact", "granted", "denied"]
    told = terminal("explain", LEAD, "--limit", "2").out.splitlines()
    assert told[1].endswith("earlier decisions are not shown (--limit)")
    assert [line.split()[1] for line in told[2:]] == [line["decision"] for line in story[-2:]]


def test_an_id_of_two_senders_has_to_be_chosen(terminal: Terminal, said: dict[str, Any]) -> None:
    """Both are listed, with how to say which is meant."""
    ran = terminal("explain", "explain-shared")
    assert ran.code == 2
    assert "2 senders have used the id explain-shared" in ran.complaint
    chosen = terminal.json("explain", "explain-shared", "--from", "support-1")
    assert chosen[0]["who"]["id"].endswith("support-1")


def test_what_is_not_there_ends_with_five(terminal: Terminal, said: dict[str, Any]) -> None:
    """In one sentence that names the nearest thing."""
    ran = terminal("explain", "explain-vein")
    assert ran.code == 5
    assert "perhaps explain-vain is meant" in ran.complaint


def test_an_export_explains_the_same_without_kafka(
    terminal: Terminal, nowhere: Terminal, said: dict[str, Any], tmp_path: Path
) -> None:
    """An auditor with a folder and no Kafka reads what the running bus says."""
    folder = str(tmp_path / "export")
    assert terminal("verify", "--only", "chain", "--save", folder).code == 0
    decision = said["vain"]["decision"]
    (live,), (kept,) = terminal.json("explain", decision), nowhere.json("explain", decision, "--export", folder)
    for moving in ("followed", "around"):
        live.pop(moving), kept.pop(moving)
    assert (live["who"].pop("has_authorizer"), kept["who"].pop("has_authorizer")) == (False, None)
    assert kept == live
    assert nowhere("explain", decision, "--export", str(tmp_path / "no")).code == 5


def test_an_id_does_not_stand_in_for_a_subject(terminal: Terminal, said: dict[str, Any]) -> None:
    """A message may have a subject's name as its id: the subject is told all the same, and the message if asked for."""
    (shown,) = terminal.json("resources", "show", LEAD)
    assert shown["holder"] == said["claim"]["agent"]
    ran = terminal("explain", LEAD)
    assert ran.out.startswith(f"{LEAD}  held by sales-1")
    assert f"`agentbus explain {LEAD} --id` explains it" in ran.err
    (found,) = terminal.json("explain", LEAD, "--id")
    assert (found["message"]["id"], found["decision"]) == (LEAD, said["named"]["decision"])


def test_a_changed_file_is_noticed_and_the_journals_are_read_anew(terminal: Terminal, said: dict[str, Any]) -> None:
    """What this machine remembers can be changed by whoever may write here: the journals decide."""
    decision = said["claim"]["decision"]
    assert terminal("explain", decision).code == 0
    (path,) = (Path(terminal.env["AGENTBUS_CACHE"]) / "index").glob("*.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE entries SET body = replace(body, 'sales-1', 'mallory-1')")
    ran = terminal("explain", decision)
    assert "what this machine remembered is not what the journals say: reading all of them anew" in ran.err
    assert ran.out.startswith(f"{decision}  granted: sales-1 holds {LEAD}")
    assert "reading all" not in terminal("explain", decision).err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("explain", LEAD, "--subject", "--id"), 2),
        (("explain", LEAD, "--limit", "99999999999999999999"), 2),
        (("resources", "ls", "--limit", "99999999999999999999"), 2),
        (("resources", "show", "R-1"), 2),
        (("explain", "m-1", "--export", "."), 5),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    nowhere: Terminal, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    """Without a look at any Kafka."""
    ran = nowhere(*(str(tmp_path) if part == "." else part for part in arguments))
    assert ran.code == code
    assert ran.complaint


def test_many_at_once_read_the_same(terminal: Terminal, said: dict[str, Any]) -> None:
    """Commands that run at the same moment share what is remembered and do not disturb each other."""
    index = Path(terminal.env["AGENTBUS_CACHE"]) / "index"
    for file in index.glob("*.sqlite"):
        file.unlink()
    found: list[Ran] = []
    threads = [
        threading.Thread(target=lambda: found.append(terminal("explain", "explain-claim", "--json"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ran.code for ran in found] == [0, 0]
    assert len({ran.rows[0]["decision"] for ran in found}) == 1


def test_an_admitted_action_leads_to_its_record(terminal: Terminal, said: dict[str, Any]) -> None:
    """Topic, partition and offset are those where a reader of the governed topic finds it."""
    decision = said["email"]["decision"]
    (found,) = terminal.json("explain", decision)
    place = found["released"]
    reader = kafka.reader({"bootstrap.servers": said["bootstrap"]}, isolation="read_committed")
    reader.assign([TopicPartition(place["topic"], place["partition"], place["offset"])])
    message = reader.poll(30)
    reader.close()
    assert message is not None
    assert ("bus-decision", decision.encode()) in (message.headers() or [])
