"""A whole bus on a secured Kafka: its stages are nobody special, commands log in, ACLs and topics are mended."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from bus.dev.client_files import client_file
from bus.dev.ports import free_ports
from tests.cli.conftest import DevRun, Terminal, agentbus, environment, start_dev
from tests.secure.conftest import Secured

EMAIL = '{"lead_id": "L-700", "to": "dana.ruiz@example.com", "subject": "Thursday", "text": "At ten?"}'
USERS = {"admin", "agentbus", "auditor", "operators", "desk", "sales", "support", "crm", "procurement", "logistics"}


def _log_in(secured: Secured, user: str) -> tuple[str, ...]:
    return ("--bootstrap", secured.bootstrap, "--kafka-config", secured.file(user))


def _with_password(secured: Secured, user: str, password: str) -> tuple[str, ...]:
    pairs = ("security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-256", f"sasl.username={user}")
    named = [word for pair in (*pairs, f"sasl.password={password}") for word in ("-X", pair)]
    return ("--bootstrap", secured.bootstrap, *named)


# ---- it runs ----------------------------------------------------------------------------------------------


def test_every_user_has_a_file_that_only_its_owner_can_read(secured: Secured) -> None:
    """The ready line names them all; neither they nor the broker's settings are open to others."""
    clients = {user: Path(path) for user, path in secured.run.ready["clients"].items()}
    assert set(clients) >= USERS
    secret = [*clients.values(), secured.data / "server.properties"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert stat.S_IMODE((secured.data / "clients").stat().st_mode) == 0o700
    assert len({path.read_text(encoding="utf-8") for path in clients.values()}) == len(clients)


def test_a_claim_is_granted_and_an_action_reaches_its_governed_topic(secured: Secured, at_home: Terminal) -> None:
    """Gate, arbiter and publisher do their work as a principal that has the table's grants and nothing more."""
    body = '{"lead_id": "L-700", "stage": "qualified"}'
    at_home.json("send", "leads.lead.stage.v1", "--from", "crm-1", "--subject", "lead/L-700", "--body", body)
    (granted,) = at_home.json("send", "bus.resource.claim.v1", "--from", "sales-1", "--subject", "lead/L-700")
    assert granted["kind"] == "granted"
    told = at_home(
        *("send", "leads.email.send.v1", "--from", "sales-1", "--subject", "lead/L-700", "--json"),
        *("--token", str(granted["token"]), "--body", EMAIL),
    )
    assert [row["kind"] for row in told.rows] == ["action_admitted"], told.out
    assert _first_decisions(secured, "leads", told.rows[0]["decision"])


def _first_decisions(secured: Secured, topic: str, decision: str) -> bool:
    """Does the record of that decision come out of the governed topic, to an agent of the lane?"""
    own = {"group.id": "bus.sales.reading", "auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    consumer = Consumer(secured.login("sales", **own))
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    try:
        for _ in range(100):
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                return ("bus-decision", decision.encode()) in (message.headers() or [])
    finally:
        consumer.close()
    return False


def test_the_stages_are_no_administrators(secured: Secured) -> None:
    """The processes that hold the stages log in as the stages' user."""
    publisher = secured.run.processes["publisher"]
    assert publisher.environ()["AGENTBUS_KAFKA_CONFIG"] == secured.file("agentbus")


def test_the_auditor_can_verify_everything(at_home: Terminal) -> None:
    """The command takes the auditor's login by itself, and that is enough for every check."""
    ran = at_home("verify", "--json")
    assert ran.code == 0, ran.err
    assert "logged in as auditor" in ran.err
    assert ran.rows[-1]["result"] == "ok"


# ---- who logs in as whom -------------------------------------------------------------------------------------


def test_commands_log_in_by_themselves_and_say_so(at_home: Terminal) -> None:
    """The administrator for what is in force, the lane's own user for what is said on it."""
    ran = at_home("send", "bus.resource.claim.v1", "--from", "support-1", "--subject", "lead/L-701")
    assert "logged in as admin" in ran.err
    assert "logged in as support" in ran.err


@pytest.mark.parametrize(("user", "password"), [("sales", "wrong"), ("nobody", "wrong")])
def test_a_login_that_is_refused_is_one_sentence(secured: Secured, at_home: Terminal, user: str, password: str) -> None:
    """A wrong password and an unknown user end with the code for what is not permitted, and how to say who one is."""
    ran = at_home("lanes", "ls", *_with_password(secured, user, password))
    assert ran.code == 7
    assert "does not let this client in" in ran.complaint
    assert "--kafka-config" in ran.complaint


def test_no_login_at_all_is_one_sentence(secured: Secured, tmp_path: Path) -> None:
    """Another machine, which knows no login, is told that one may be wanted."""
    ran = agentbus("lanes", "ls", "--bootstrap", secured.bootstrap, env=environment(tmp_path / "cache"))
    assert ran.code == 4
    assert "login" in ran.complaint


def test_a_lane_may_not_see_what_is_in_force(secured: Secured, at_home: Terminal) -> None:
    """It is told that this login may not, instead of that there is no bus."""
    ran = at_home("lanes", "ls", *_log_in(secured, "sales"))
    assert ran.code == 7
    assert "may not see bus.control" in ran.complaint


@pytest.mark.parametrize("verb", ["check", "apply"])
def test_nobody_but_the_administrator_is_shown_acls(secured: Secured, at_home: Terminal, verb: str) -> None:
    """Kafka's answer to anybody else looks like an empty list; it is not taken for one."""
    ran = at_home("acls", verb, *_log_in(secured, "operators"))
    assert ran.code == 7
    assert "may not see ACLs" in ran.complaint


# ---- ACLs ----------------------------------------------------------------------------------------------------


def test_the_acls_of_a_secured_bus_are_as_they_must_be(at_home: Terminal) -> None:
    """What `dev --secure` has applied is what `acls check` wants, and applying again changes nothing."""
    assert at_home("acls", "check").code == 0
    again = at_home("acls", "apply")
    assert again.code == 0
    assert "0 ACLs added, 0 ACLs removed" in again.err


@pytest.fixture
def spoilt(secured: Secured) -> Iterator[AclBinding]:
    """An ACL that lets an agent read the sealed ballots; taken back at the end."""
    place = (ResourceType.TOPIC, "bus.journal", ResourcePatternType.LITERAL)
    binding = AclBinding(*place, "User:sales", "*", AclOperation.READ, AclPermissionType.ALLOW)
    admin = AdminClient(secured.login("admin"))
    next(iter(admin.create_acls([binding]).values())).result(10)
    yield binding
    next(iter(admin.delete_acls([_filter_of(binding)]).values())).result(10)


def _filter_of(binding: AclBinding) -> AclBindingFilter:
    place = (binding.restype, binding.name, binding.resource_pattern_type)
    return AclBindingFilter(*place, binding.principal, binding.host, binding.operation, binding.permission_type)


def test_what_is_too_much_is_found_and_removed_only_when_asked(spoilt: AclBinding, at_home: Terminal) -> None:
    """An agent that may read the journal: check says so, apply leaves it, --remove-extra takes it away."""
    found = at_home("acls", "check", "--json")
    assert found.code == 3
    (row,) = found.rows
    assert (row["state"], row["principal"], row["name"]) == ("too_much", spoilt.principal, spoilt.name)
    assert at_home("acls", "apply").code == 0
    assert at_home("acls", "check").code == 3
    dry = at_home("acls", "apply", "--remove-extra", "--dry-run")
    assert "1 ACL removed; nothing was changed" in dry.err
    assert at_home("acls", "apply", "--remove-extra").code == 0
    assert at_home("acls", "check").code == 0


def test_a_new_lane_gets_its_acls_and_its_login(secured: Secured, at_home: Terminal) -> None:
    """A lane set while the bus runs: `acls apply` adds what is missing, and its user can speak at once."""
    assert at_home("lanes", "set", "harbour").code == 0
    assert at_home("agents", "set", "harbour-1", "--lane", "harbour", "--role", "sales").code == 0
    missing = at_home("acls", "check", "--json")
    assert missing.code == 3
    assert {row["principal"] for row in missing.rows} == {"User:harbour"}
    applied = at_home("acls", "apply", "--reads", "harbour=leads")
    assert applied.code == 0, applied.err
    assert Path(secured.file("harbour")).is_file()
    said = at_home("send", "bus.resource.claim.v1", "--from", "harbour-1", "--subject", "lead/L-702")
    assert "logged in as harbour" in said.err
    assert "L-702" in said.out


def test_a_lane_may_be_given_governed_topics_only(at_home: Terminal) -> None:
    """A journal is not for others to read, whoever types it."""
    ran = at_home("acls", "print", "--reads", "sales=bus.journal")
    assert ran.code == 2
    assert "bus.journal is not for others to read" in ran.err


# ---- topics --------------------------------------------------------------------------------------------------


def test_the_topics_of_a_new_bus_are_as_they_must_be(at_home: Terminal) -> None:
    """Nothing differs, and applying changes nothing."""
    assert at_home.json("topics", "plan") == []
    assert at_home.json("topics", "apply") == []


def test_a_wrong_setting_and_a_missing_topic_are_found_and_mended(secured: Secured, at_home: Terminal) -> None:
    """A shortened retention is set right and a lost topic made anew; other partitions are only told."""
    admin = AdminClient(secured.login("admin"))
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    wrong = ConfigResource(ResourceType.TOPIC, "bus.out.logistics", incremental_configs=[entry])
    next(iter(admin.incremental_alter_configs([wrong]).values())).result(10)
    admin.delete_topics(["bus.snapshots", "bus.escalations"])["bus.snapshots"].result(10)
    admin.create_topics([NewTopic("bus.escalations", 2, 1)])["bus.escalations"].result(10)

    plan = at_home("topics", "plan", "--json")
    assert plan.code == 3
    found = {(row["topic"], row["setting"]): row["mend"] for row in plan.rows}
    assert found["bus.out.logistics", "retention.ms"] == "alter"
    assert found["bus.snapshots", ""] == "create"
    assert found["bus.escalations", "partitions"] == "migrate"

    applied = at_home("topics", "apply", "--json")
    assert applied.code == 3  # the partitions are left
    assert {(row["topic"], row["setting"]) for row in applied.rows if not row["done"]} == {
        ("bus.escalations", "partitions")
    }
    admin.delete_topics(["bus.escalations"])["bus.escalations"].result(10)
    assert at_home("topics", "apply").code == 0
    assert at_home("topics", "plan").code == 0


def test_an_input_that_was_judged_is_never_made_anew(secured: Secured, at_home: Terminal) -> None:
    """The journal names the topic that is gone: an empty one of the same name would stop the lane for good."""
    assert at_home("lanes", "set", "gone").code == 0
    admin = AdminClient(secured.login("admin"))
    journal = TopicPartition("bus.gate.gone", 0)
    until_s = time.monotonic() + 60
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library's own
    while not admin.list_offsets({journal: latest})[journal].result(10).offset:
        assert time.monotonic() < until_s, "no gate has begun the journal of the new lane"
        time.sleep(0.1)
    admin.delete_topics(["bus.in.gone"])["bus.in.gone"].result(10)
    assert [row["mend"] for row in at_home("topics", "plan", "--json").rows] == ["lost"]
    applied = at_home("topics", "apply")
    assert applied.code == 3
    assert "cannot be made anew" in applied.err
    assert at_home("lanes", "rm", "gone").code == 0
    assert at_home("topics", "plan").code == 0


def test_a_journal_is_never_made_anew(secured: Secured, at_home: Terminal) -> None:
    """An empty one would let the gate judge its input again, under the numbers of decisions that were made."""
    assert at_home("lanes", "set", "blank").code == 0
    assert at_home("agents", "set", "blank-1", "--lane", "blank", "--role", "sales").code == 0
    said = at_home("send", "bus.resource.claim.v1", "--from", "blank-1", "--lane", "blank", "--subject", "lead/L-1")
    assert said.code in (0, 3), said.err
    admin = AdminClient(secured.login("admin"))
    admin.delete_topics(["bus.gate.blank"])["bus.gate.blank"].result(10)
    assert [(row["topic"], row["mend"]) for row in at_home("topics", "plan", "--json").rows] == [
        ("bus.gate.blank", "lost")
    ]
    assert "agentbus topics apply` mends none of it" in at_home("topics", "plan").err
    assert at_home("topics", "apply").code == 3
    again = at_home("lanes", "set", "blank")
    assert again.code == 6
    assert "bus.gate.blank" in again.err
    assert at_home("lanes", "rm", "blank").code == 0
    assert at_home("topics", "plan").code == 0


# ---- it is stopped, killed, and started again -------------------------------------------------------------------


def test_killed_and_started_again_it_knows_everybody(secure_cache: Path, tmp_path: Path) -> None:
    """After kill -9 the same folder is as secured as before, without being told to, with the same passwords."""
    env, data = environment(secure_cache), tmp_path / "data"
    first = _start("--secure", "--no-stages", data=data, env=env)
    before = {path.name: _password(path) for path in (data / "clients").iterdir()}
    os.kill(first.popen.pid, signal.SIGKILL)
    first.popen.wait()
    again = _start("--no-stages", data=data, env=env)
    told = "".join(again.told)
    after = {path.name: _password(path) for path in (data / "clients").iterdir()}
    here = ("--bootstrap", again.ready["bootstrap"])
    ran = agentbus("lanes", "ls", *here, "--kafka-config", str(client_file(data, "operators")), env=env)
    assert again.stop() == 0
    assert after == before
    assert ran.code == 0, ran.err
    assert "was secured before and stays so" in told
    assert again.told[-1] == "Stopped; nothing is left running.\n"


def _start(*options: str, data: Path, env: dict[str, str]) -> DevRun:
    (port,) = free_ports(1)
    return start_dev("--empty", *options, "--data", str(data), "--port", str(port), env=env)


def _password(path: Path) -> str:
    return next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("sasl.password="))


def test_a_kafka_without_acls_is_told_as_such(secure_cache: Path, tmp_path: Path) -> None:
    """On an open bus `acls check` says that everybody may do everything, and where to try the table."""
    env = environment(secure_cache)
    run = _start("--no-stages", data=tmp_path / "data", env=env)
    ran = agentbus("acls", "check", "--bootstrap", run.ready["bootstrap"], env=env)
    run.stop()
    assert ran.code == 3
    assert "this Kafka has no ACLs" in ran.complaint
    assert "agentbus dev --secure" in ran.complaint


def test_secure_is_for_a_kafka_of_our_own(at_home: Terminal) -> None:
    """Somebody else's Kafka is secured by its owner, and our own has logins of its own."""
    assert "--secure" in at_home("dev", "--secure", "--bootstrap", "127.0.0.1:1").complaint
    assert "--secure" in at_home("dev", "--secure", "-X", "security.protocol=SSL").complaint
