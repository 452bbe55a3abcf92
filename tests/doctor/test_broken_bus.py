"""Each thing that can be wrong is made wrong on a real broker, and the doctor sees it and says what mends it."""

import json
import signal
import socket
import subprocess
import threading
import time

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from bus import ENGINE
from bus.shell import kafka
from tests.cli.conftest import COMMAND, in_this_process
from tests.doctor.conftest import Patient, Rows, chain, remedy, said

WAITING_S = 3.0  # by then it has sent and waits, or is still on the way there: either must end at once
TYPING_ERROR = "AGENTBUS_" + "BOOTSTRP"
TAKEOVER = {"kind": "takeover", "nonce": "n", "mark": 0}


def _alter(patient: Patient, kind: ResourceType, name: str, **settings: str) -> None:
    entries = [
        ConfigEntry(key.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for key, value in settings.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    client = kafka.admin(patient.config)  # kept until the answers are in
    for future in client.incremental_alter_configs([resource]).values():
        future.result()


def _break_topics(patient: Patient) -> None:
    """Bad settings, a topic that is gone, one with other partitions, and a journal without its beginning."""
    _alter(patient, ResourceType.TOPIC, "bus.outcomes", retention_ms="1000", message_timestamp_type="CreateTime")
    patient.write("bus.gate.desk", 0, *chain(TAKEOVER))
    client = kafka.admin(patient.config)
    for futures in (
        client.delete_topics(["bus.snapshots"]),
        client.create_partitions([NewPartitions("bus.refused", 4)]),
        client.delete_records([TopicPartition("bus.gate.desk", 0, 1)]),
    ):
        for future in futures.values():
            future.result()


def _break_journals(patient: Patient) -> None:
    """A changed byte; a newer engine, a stalled lane and a control number too high; owners that fight."""
    values = chain(TAKEOVER, TAKEOVER, TAKEOVER)
    values[1] = values[1].replace(b'"nonce":"n"', b'"nonce":"m"')
    patient.write("bus.journal", 0, *values)
    tick = {"o": 0, "type": "bus.clock.tick.v1", "verdict": "tick", "after": 0, "now": 1, "stalled": ["desk"]}
    change = {"o": 1, "verdict": "control", "basis": {"control": 9}, "events": []}
    segment = {"kind": "arbiter", "gen": 1, "p": 1, "from": 0, "to": 1, "entries": [tick, change], "engine": "9.9"}
    patient.write("bus.journal", 1, *chain(segment))
    values = chain(*[TAKEOVER] * 8)
    late = values[4].replace(b'"nonce":"n"', b'"nonce":"z"')  # a second owner's, with the number that is taken
    patient.write("bus.gate.operators", 0, *values[:6], late, *values[6:])


@pytest.fixture(scope="module")
def before(ill: Patient) -> Rows:
    """What is said of a bus on which nothing has happened yet, except that nobody runs it."""
    return ill.examined()


@pytest.fixture(scope="module")
def alone(ill: Patient) -> Rows:
    """The same of a Kafka that is meant to have one broker."""
    return ill.examined("--single-node")


@pytest.fixture(scope="module")
def after(ill: Patient, before: Rows, alone: Rows) -> Rows:
    """What is said when everything is broken at once."""
    assert before, "the bus is examined whole first"
    assert alone
    _break_topics(ill)
    _break_journals(ill)
    ill.write("bus.in.desk", 0, b"{}")
    return ill.examined()


def test_a_kafka_without_a_bus_is_told_how_to_become_one(bare_rows: Rows) -> None:
    """No genesis: wrong, with the command; Kafka itself is looked at all the same."""
    state, sentence = said(bare_rows, "genesis")
    assert (state, "no bus on this Kafka" in sentence) == ("wrong", True)
    assert "agentbus init" in remedy(bare_rows, "genesis")
    assert said(bare_rows, "version")[0] == "ok"


def test_one_copy_of_everything_is_wrong_outside_development(before: Rows) -> None:
    """A topic with one copy loses what was decided with its broker."""
    state, sentence = said(before, "copies")
    assert state == "wrong"
    assert "one copy, 3 wanted" in sentence


def test_one_copy_is_enough_where_one_broker_is_meant(alone: Rows) -> None:
    """With --single-node nothing is wrong but that no stage runs, so that a bus that runs ends with 0."""
    wrong = {(row["group"], row["check"]) for row in alone if row["state"] == "wrong"}
    assert wrong == {("stages", name) for name in ("gate", "arbiter", "publisher")}


def test_kafkas_own_topics_of_one_broker_have_the_copies_they_can_have(before: Rows) -> None:
    """A remedy that one broker cannot follow is never given."""
    assert said(before, "brokers")[0] == "ok"


def test_no_authorizer_is_noted(before: Rows) -> None:
    """Anybody can write as anybody: no fault of the bus, but to be known."""
    assert said(before, "acls")[0] == "note"


def test_stages_that_do_not_run_are_named_with_the_command_that_starts_them(before: Rows) -> None:
    """Each of the three."""
    assert [said(before, stage)[0] for stage in ("gate", "arbiter", "publisher")] == ["wrong"] * 3
    assert remedy(before, "gate") == "start one: agentbus run --stage gate"


@pytest.mark.parametrize("check", ["chain", "gate progress", "control", "clock", "version"])
def test_what_is_whole_is_ok(before: Rows, check: str) -> None:
    """Nothing is wrong with a bus on which nothing has happened, but that nobody runs it."""
    assert said(before, check)[0] == "ok"


@pytest.mark.parametrize("check", ["missing", "partitions", "history", "engine", "take-overs", "void", "stalled lanes"])
def test_what_is_no_matter_is_not_spoken_of(before: Rows, check: str) -> None:
    """These lines are there only when there is something to say."""
    assert check not in {row["check"] for row in before}


@pytest.mark.parametrize("setting", ["retention.ms=1000", "message.timestamp.type=CreateTime"])
def test_settings_of_a_topic_are_compared(after: Rows, setting: str) -> None:
    """History that goes too early, and senders that say when something came."""
    found = [row["sentence"] for row in after if row["check"] == "settings" and row["state"] == "wrong"]
    assert any(f"bus.outcomes: {setting}" in sentence for sentence in found)


def test_a_missing_topic_is_named(after: Rows) -> None:
    """Deleted by somebody: which one, and the command that makes it again."""
    assert "bus.snapshots is missing" in said(after, "missing")[1]
    assert remedy(after, "missing") == "agentbus topics apply"


def test_another_number_of_partitions_is_wrong(after: Rows) -> None:
    """No stage would start on it."""
    state, sentence = said(after, "partitions")
    assert (state, "bus.refused: 4 partitions, 3" in sentence) == ("wrong", True)


def test_a_lane_that_nobody_judges_stands_still(after: Rows) -> None:
    """A message is there and no gate takes it, also a moment later."""
    state, sentence = said(after, "gate progress")
    assert (state, "stands still: bus.in.desk by 1" in sentence) == ("wrong", True)


def test_a_changed_segment_breaks_the_chain(after: Rows) -> None:
    """One byte of one segment is another: what follows names a predecessor that is not there."""
    state, sentence = said(after, "chain")
    assert (state, "bus.journal/0 is no chain" in sentence) == ("wrong", True)
    assert "verify --only chain" in remedy(after, "chain")


def test_a_newer_engine_may_not_be_followed_by_this_one(after: Rows) -> None:
    """Which engine, and where."""
    assert said(after, "engine") == (
        "wrong",
        f"engine 9.9 wrote bus.journal/1, this is {ENGINE}: this version cannot go on with them",
    )


def test_a_lane_that_a_tick_left_out_is_noted(after: Rows) -> None:
    """Time went on without it."""
    state, sentence = said(after, "stalled lanes")
    assert (state, "lane desk was left out" in sentence) == ("note", True)


def test_a_change_in_a_journal_that_no_gate_has_numbered_is_wrong(after: Rows) -> None:
    """A journal knows change 9, bus.control ends before it, and so does the journal it would have come from."""
    state, sentence = said(after, "control")
    assert state == "wrong"
    assert "bus.control ends at 0, yet journals have more: bus.journal/1 at 9" in sentence
    assert "no gate has numbered" in sentence


def test_owners_that_fight_are_wrong(after: Rows) -> None:
    """More take-overs within two minutes than restarts explain."""
    state, sentence = said(after, "take-overs")
    assert (state, "bus.gate.operators 8 times" in sentence) == ("wrong", True)


def test_a_segment_that_lost_its_race_is_counted(after: Rows) -> None:
    """It is no fault, and the chain around it is whole."""
    state, sentence = said(after, "void")
    assert (state, "bus.gate.operators 1" in sentence) == ("note", True)


def test_a_journal_whose_beginning_is_gone_is_wrong(after: Rows) -> None:
    """No stage can restore from it."""
    state, sentence = said(after, "history")
    assert (state, "bus.gate.desk begins at offset 1" in sentence) == ("wrong", True)


def test_people_are_told_how_many_things_are_wrong(ill: Patient, after: Rows) -> None:
    """All of it in words, read from the beginning with --deep, and the exit code for findings."""
    ran = ill.ran("doctor", "--deep")
    assert ran.code == 3
    assert f"{sum(row['state'] == 'wrong' for row in after)} things are wrong" in ran.out
    assert "bus.journal/0 is no chain" in ran.out


def test_missing_grants_are_found_by_the_administrator(secured: tuple[Patient, Patient]) -> None:
    """With an authorizer and no ACLs nobody can work."""
    admin, _ = secured
    made = admin.ran("init", "--domain", "acme", "--steward", "spiffe://acme/person/ana", "--single-node")
    assert made.code == 0, made.err
    rows = admin.examined()
    assert said(rows, "acls")[0] == "wrong"
    assert "missing" in said(rows, "acls")[1]


def test_who_is_not_let_in_is_told_so(secured: tuple[Patient, Patient]) -> None:
    """Without a login: one line that says it, and no long wait for the rest."""
    _, stranger = secured
    rows = stranger.examined()
    assert said(rows, "reachable")[0] == "wrong"
    assert said(rows, "python")[0] == "ok"


def test_an_unreachable_kafka_leaves_the_machine_examined(env: dict[str, str]) -> None:
    """Nobody listens: said with the address, and what could not be looked at."""
    rows = Patient("127.0.0.1:1", env).examined()
    assert "nobody listens there" in said(rows, "reachable")[1]
    assert said(rows, "the rest")[0] == "unseen"
    assert said(rows, "python")[0] == "ok"


def test_what_is_no_kafka_is_told_apart(env: dict[str, str]) -> None:
    """A web server on the port: not silence, and not ten seconds of waiting."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        rows = Patient(f"127.0.0.1:{server.getsockname()[1]}", env).examined()
    assert "does not speak Kafka's protocol" in said(rows, "reachable")[1]


def test_a_variable_that_nobody_reads_is_wrong(env: dict[str, str]) -> None:
    """A typing error in the environment is found, and the right name offered."""
    ran = in_this_process("doctor", "--json", "--bootstrap", "127.0.0.1:1", env={**env, TYPING_ERROR: "kafka:9092"})
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert TYPING_ERROR in said(rows, "settings")[1]
    assert "AGENTBUS_BOOTSTRAP" in remedy(rows, "settings")
    assert ran.code == 3


def test_ctrl_c_ends_whatever_waits(ill: Patient) -> None:
    """A message on a bus that nobody runs has no answer: the wait ends at once, without a complaint."""
    command = [str(COMMAND), "send", "bus.resource.claim.v1", "--from", "a", "--lane", "desk", "--wait", "60"]
    process = subprocess.Popen(
        [*command, "--bootstrap", ill.bootstrap], env=ill.env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    time.sleep(WAITING_S)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
