"""Where Kafka is and who speaks comes from the arguments, else from the environment; what can never work is said."""

import copy
import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.client import Bus, ClientError, Closed, Misuse
from bus.client.kafka_links import BOOTSTRAP, kafka_settings
from tests.shell.dev_buses_made import make_buses

AGENT = "spiffe://acme/agent/sales-1"
NAMES = ("AGENTBUS_BOOTSTRAP", "AGENTBUS_KAFKA_CONFIG", "AGENTBUS_AGENT", "AGENTBUS_LANE")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that says nothing, on a machine where no bus runs."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGENTBUS_CACHE", str(tmp_path / "cache"))


def test_nothing_said_is_the_kafka_of_this_machine() -> None:
    """Without arguments and environment it is 127.0.0.1:9092."""
    assert kafka_settings("", None) == {"bootstrap.servers": BOOTSTRAP}


def test_the_only_development_bus_here_is_meant(tmp_path: Path) -> None:
    """As for the commands: nobody has to copy an address while one runs."""
    with make_buses(tmp_path, 19092):
        assert kafka_settings("", None) == {"bootstrap.servers": "127.0.0.1:19092"}


def test_several_development_buses_are_no_guess(tmp_path: Path) -> None:
    """The client refuses to guess as the commands do, with the line that settles it for both."""
    with make_buses(tmp_path, 9092, 19092), pytest.raises(Misuse) as raised:
        Bus(agent=AGENT, lane="sales")
    assert "(127.0.0.1:19092, 127.0.0.1:9092)" in raised.value.message
    assert "export AGENTBUS_BOOTSTRAP=127.0.0.1:19092" in raised.value.next_step


def test_who_says_where_needs_no_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several buses here the variable settles it for programs."""
    monkeypatch.setenv("AGENTBUS_BOOTSTRAP", "127.0.0.1:9092")
    with make_buses(tmp_path, 9092, 19092):
        assert kafka_settings("", None)["bootstrap.servers"] == "127.0.0.1:9092"


def test_the_environment_counts_and_arguments_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of properties and AGENTBUS_BOOTSTRAP are used, and what the code says stands above them."""
    file = tmp_path / "kafka.properties"
    file.write_text("# login\nsasl.username = ada\nsecurity.protocol=SASL_SSL\n", encoding="utf-8")
    monkeypatch.setenv("AGENTBUS_BOOTSTRAP", "one:1")
    monkeypatch.setenv("AGENTBUS_KAFKA_CONFIG", str(file))
    assert kafka_settings("", None)["bootstrap.servers"] == "one:1"
    found = kafka_settings("two:2", {"sasl.username": "ben"})
    wanted = {"bootstrap.servers": "two:2", "sasl.username": "ben", "security.protocol": "SASL_SSL"}
    assert found == wanted


def test_a_file_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong AGENTBUS_KAFKA_CONFIG is one sentence."""
    monkeypatch.setenv("AGENTBUS_KAFKA_CONFIG", "no-such-file")
    with pytest.raises(Misuse, match="no-such-file"):
        Bus(agent=AGENT, lane="sales")


def test_the_agent_and_its_lane_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """AGENTBUS_AGENT and AGENTBUS_LANE say who speaks."""
    monkeypatch.setenv("AGENTBUS_AGENT", AGENT)
    monkeypatch.setenv("AGENTBUS_LANE", "sales")
    bus = Bus()
    assert (bus.agent, bus.lane) == (AGENT, "sales")


def _closed() -> Bus:
    bus = Bus(agent=AGENT, lane="sales")
    bus.close()
    return bus


def _in_a_child(bus: Bus) -> str:
    """What a forked child hears when it uses its parent's bus."""
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            bus.send("leads.note.add.v1", {})
            said = "nothing"
        except ClientError as error:
            said = str(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as told:
        return told.read()


@pytest.mark.parametrize(
    ("misuse", "kind", "said"),
    [
        (lambda: Bus(lane="sales"), Misuse, "agent="),
        (lambda: Bus(agent="sales-1", lane="sales"), Misuse, "spiffe"),
        (lambda: Bus(agent=AGENT), Misuse, "lane="),
        (lambda: Bus(agent=AGENT, lane="Sales"), Misuse, "lane="),
        (lambda: pickle.dumps(Bus(agent=AGENT, lane="sales")), Misuse, "pickled"),
        (lambda: copy.copy(Bus(agent=AGENT, lane="sales")), Misuse, "copied"),
        (lambda: _closed().claim("lead/L-1"), Closed, "closed"),
        (lambda: _closed().as_agent(AGENT), Closed, "closed"),
    ],
)
def test_what_can_never_work_is_a_sentence(misuse: Callable[[], object], kind: type[ClientError], said: str) -> None:
    """Wrong names, pickling, and use after the end raise at once, and say what to do instead."""
    with pytest.raises(kind, match=said) as caught:
        misuse()
    assert caught.value.advice


def test_an_agent_that_cannot_be_leaves_no_share_behind() -> None:
    """Whoever asks for a wrong agent on a shared connection does not keep it open."""
    bus = Bus(agent=AGENT, lane="sales")
    with pytest.raises(Misuse):
        bus.as_agent("sales-2")
    bus.close()
    with pytest.raises(Closed):
        bus._shared.connection.open()


def test_closing_twice_is_nothing() -> None:
    """Whoever closes a bus that is closed is no error: a `with` block and an exit hook may both do it."""
    _closed().close()


def test_a_forked_child_is_told_to_make_its_own() -> None:
    """A connection does not survive a fork, and the child hears so instead of waiting for ever."""
    assert "another process" in _in_a_child(Bus(agent=AGENT, lane="sales"))


@pytest.mark.parametrize("group", ["mailer", "bus.support.mailer", "bus.sales.", "bus-gate"])
def test_a_group_of_nobody_is_said_at_once(group: str) -> None:
    """Groups belong to lanes; what a bus with logins would refuse is refused everywhere, with one that may be."""
    with pytest.raises(Misuse, match=r"begin with bus\.sales\.") as raised:
        Bus(agent=AGENT, lane="sales").subscribe("leads", group=group)
    assert 'group="bus.sales.' in raised.value.next_step


def test_the_bus_keeps_its_own_topics_to_itself() -> None:
    """Agents read governed topics and public events: the journals are no place to listen."""
    with pytest.raises(Misuse, match=r"bus\.arbiter is the bus's own"):
        Bus(agent=AGENT, lane="sales").subscribe("bus.arbiter", group="bus.sales.spy")


def test_a_forked_child_may_end_while_its_parent_reads() -> None:
    """Closing what is the parent's touches nothing, so the child does not wait for the parent's reader."""
    bus = Bus(agent=AGENT, lane="sales")
    subscription = bus.subscribe("leads", group="bus.sales.mailer")
    with subscription._reading:  # as a thread that reads holds it
        if (pid := os.fork()) == 0:
            signal.alarm(20)  # kills a child that hangs
            bus.close()
            subscription.close()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
    assert status == 0
