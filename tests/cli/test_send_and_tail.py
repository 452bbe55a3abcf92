"""What an agent says and what it hears, in words and as JSON, and what everybody can watch."""

import json
import signal
import subprocess
from pathlib import Path

from tests.cli.conftest import COMMAND, Terminal

ROOT = Path(__file__).parents[2]
EMAIL = "@" + str(ROOT / "schemas/leads/email.send/v1/examples/valid/invitation.json")
CLAIM, RELEASE = "bus.resource.claim.v1", "bus.resource.release.v1"


def _state(terminal: Terminal, lead: str, stage: str = "qualified") -> None:
    body = json.dumps({"lead_id": lead, "stage": stage})
    said = terminal("send", "leads.lead.stage.v1", "--from", "crm-1", "--subject", f"lead/{lead}", "--body", body)
    assert f'stage of lead/{lead} is "{stage}"' in said.out


def test_a_lead_is_claimed_held_and_given_back(terminal: Terminal) -> None:
    """The first gets it with a token, the second hears until when to wait, the holder gives it back."""
    _state(terminal, "T-1")
    (granted,) = terminal.json("send", CLAIM, "--from", "sales-1", "--subject", "lead/T-1")
    assert granted["kind"] == "granted"
    denied = terminal("send", CLAIM, "--from", "support-1", "--subject", "lead/T-1")
    assert denied.code == 3
    assert denied.out.startswith("denied: support-1 does not get lead/T-1 (held); try again after ")
    body = json.dumps({"token": granted["token"]})
    given = terminal("send", RELEASE, "--from", "sales-1", "--subject", "lead/T-1", "--body", body)
    assert given.code == 0
    assert given.out == "ended: sales-1 gave lead/T-1 back\n"


def test_the_holder_acts_with_its_token_and_nobody_else_does(terminal: Terminal) -> None:
    """A guarded action goes out under the current token; with another one it is fenced."""
    _state(terminal, "L-1")
    (granted,) = terminal.json("send", CLAIM, "--from", "sales-1", "--subject", "lead/L-1")
    action = ("send", "leads.email.send.v1", "--subject", "lead/L-1", "--body", EMAIL)
    fenced = terminal(*action, "--from", "support-1", "--token", "5")
    assert fenced.code == 3
    assert "(fenced)" in fenced.out
    stolen = terminal(*action, "--from", "support-1", "--token", str(granted["token"]))
    assert f"token {granted['token']} is another agent's, who holds it; stop acting on it" in stolen.out
    sent = terminal(*action, "--from", "sales-1", "--token", str(granted["token"]))
    assert sent.code == 0
    assert "went out to topic leads" in sent.out
    watched = terminal("tail", "leads", "--from-start", "--count", "1", "--json")
    assert watched.rows[0]["value"] == json.loads(Path(EMAIL[1:]).read_text(encoding="utf-8"))


def test_a_refusal_shows_every_violation(terminal: Terminal) -> None:
    """An empty email lacks four things, and all of them are shown with what to do."""
    ran = terminal("send", "leads.email.send.v1", "--from", "sales-1", "--subject", "lead/L-1", "--token", "1")
    assert ran.code == 3
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == ["/lead_id", "/subject", "/text", "/to"]


def test_a_type_that_is_nearly_registered_is_offered(terminal: Terminal) -> None:
    """Nobody knows the contract, and one is spelled nearly so."""
    ran = terminal("send", "leads.email.sent.v1", "--from", "sales-1", "--subject", "lead/L-1")
    assert ran.code == 3
    assert "Did you mean leads.email.send.v1?" in ran.err


def test_a_lane_that_is_nearly_there_is_offered(terminal: Terminal) -> None:
    """A typo of a lane is told at once, and not as a topic that is missing."""
    ran = terminal("send", "leads.note.add.v1", "--from", "sales-1", "--lane", "slaes")
    assert (ran.code, ran.complaint) == (5, "there is no lane slaes; did you mean sales?")


def test_a_subject_of_another_body_is_said_in_both_places(terminal: Terminal) -> None:
    """The body's id is another than the subject's: which resource, where in the body, and what to do."""
    ran = terminal(
        *("send", "leads.lead.stage.v1", "--from", "crm-1", "--subject", "lead/L-1"),
        *("--body", '{"lead_id":"L-2","stage":"qualified"}'),
    )
    assert "names another lead than /lead_id of the body; name the same lead in both" in ran.out


def test_a_sender_without_the_role_is_not_permitted(terminal: Terminal) -> None:
    """The code tells a script that another try will not help."""
    ran = terminal(
        "send", "leads.email.send.v1", "--from", "crm-1", "--subject", "lead/L-1", "--token", "1", "--body", EMAIL
    )
    assert ran.code == 7
    assert "(not_allowed)" in ran.out


def test_an_unknown_agent_has_no_lane(terminal: Terminal) -> None:
    """Who is not registered is told how to be."""
    ran = terminal("send", CLAIM, "--from", "ghost", "--subject", "lead/L-1")
    assert ran.code == 5
    assert "agentbus agents set ghost" in ran.complaint


def test_an_agent_on_another_lane_is_refused(terminal: Terminal) -> None:
    """The lane belongs to somebody: the bus says so, whatever the sender claims to be."""
    ran = terminal("send", CLAIM, "--from", "sales-1", "--subject", "lead/L-1", "--lane", "support")
    assert ran.code == 7
    assert "(wrong_lane)" in ran.out


def test_the_same_id_again_is_a_duplicate(terminal: Terminal) -> None:
    """The second time nothing happens, and the first decision is named."""
    note = "@" + str(ROOT / "schemas/leads/note.add/v1/examples/valid/preference.json")
    said = [
        terminal("send", "leads.note.add.v1", "--from", "sales-1", "--id", "note-1", "--body", note) for _ in range(2)
    ]
    assert said[0].out.startswith("admitted: ")
    assert said[1].out.startswith("duplicate: ")
    assert said[1].code == 0


def test_a_message_that_has_expired_is_refused(terminal: Terminal) -> None:
    """With --expires-in 0 it is void when it arrives."""
    ran = terminal("send", CLAIM, "--from", "sales-1", "--subject", "lead/L-1", "--expires-in", "0")
    assert ran.code == 3
    assert "(expired)" in ran.out


def test_a_message_without_an_answer_is_told_apart(terminal: Terminal, tmp_path: Path) -> None:
    """A plain type without a topic has no event: once the gate has passed it, that is said."""
    folder = tmp_path / "chat" / "line.say" / "v1"
    folder.mkdir(parents=True)
    (folder / "contract.yaml").write_text("type: chat.line.say.v1\nowner: spiffe://acme/person/ana\n", encoding="utf-8")
    (folder / "schema.json").write_text('{"type": "object"}', encoding="utf-8")
    assert terminal("contracts", "apply", str(tmp_path)).code == 0
    ran = terminal("send", "chat.line.say.v1", "--from", "sales-1", "--id", "hello-1", "--body", "-", stdin="{}")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("accepted; ")
    broken = terminal("send", "chat.line.say.v1", "--from", "sales-1", "--body", "[]")
    assert broken.code == 3


def test_who_does_not_wait_is_told_the_id(terminal: Terminal) -> None:
    """With --no-wait the place of the message is all there is."""
    (sent,) = terminal.json("send", CLAIM, "--from", "sales-2", "--subject", "lead/T-9", "--no-wait", "--id", "claim-9")
    assert sent["id"] == "claim-9"
    assert sent["src"].startswith("bus.in.sales/0/")


def test_a_suspended_agent_is_stopped_and_goes_on_again(terminal: Terminal) -> None:
    """Suspended it is refused, others are not; it is shown in the list; resumed it claims again."""
    _state(terminal, "T-2")
    claim = ("send", CLAIM, "--subject", "lead/T-2", "--from")
    assert terminal("suspend", "--agent", "sales-2", "--reason", "it loops").out.startswith("suspended: agent sales-2")
    stopped = terminal(*claim, "sales-2")
    assert stopped.code == 7
    assert "(suspended)" in stopped.out
    assert "agent sales-2" in terminal("agents", "ls").out
    assert "active again" in terminal("resume", "--agent", "sales-2", "--reason", "repaired").out
    assert terminal("resume", "--agent", "sales-2", "--reason", "repaired").code == 6
    assert terminal(*claim, "sales-2").out.startswith("granted: sales-2 holds lead/T-2")


def test_tail_tells_the_story_in_lines(terminal: Terminal) -> None:
    """Public events and refusals by default; a change of control is told once, not once a partition."""
    _state(terminal, "T-3")
    terminal("send", CLAIM, "--from", "sales-1", "--subject", "lead/T-3")
    shown = terminal("tail", "--no-follow").out.splitlines()
    assert sum("control 1: lane sales is set" in line for line in shown) == 1
    lines = terminal("tail", "sales", "--from-start", "--count", "2").out.splitlines()
    assert all(line[8:14] == "  out." for line in lines)


def test_tail_shows_journals_and_ticks(terminal: Terminal) -> None:
    """The journals are read as segments, each with what it decided."""
    shown = terminal("tail", "bus.journal", "bus.gate.sales", "--from-start", "--count", "30").out
    assert "segment 0 (genesis)" in shown
    assert "journal/0" in shown


def test_tail_may_end_where_the_topic_does(terminal: Terminal) -> None:
    """Who set what, when: everything on the control log, and then it is over."""
    ran = terminal("tail", "bus.control", "--no-follow")
    assert ran.code == 0
    assert any("control 1: lane sales is set" in line for line in ran.out.splitlines())


def test_tail_of_nothing_is_not_found(terminal: Terminal) -> None:
    """Neither a topic nor a lane: told in one sentence."""
    ran = terminal("tail", "atlantis")
    assert ran.code == 5
    assert "atlantis" in ran.complaint


def test_tail_ends_with_ctrl_c(terminal: Terminal) -> None:
    """Ctrl-C is the usual way out: no complaint, code 0."""
    tail = subprocess.Popen(
        [str(COMMAND), "tail", "--from-start"],
        env=terminal.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tail.stdout is not None
    assert "control 1" in tail.stdout.readline()
    tail.send_signal(signal.SIGINT)
    _, err = tail.communicate(timeout=20)
    assert tail.returncode == 0
    assert "Traceback" not in err
