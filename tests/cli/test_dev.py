"""`agentbus dev` from its first line to the last process it stops, killed and started again."""

import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import STOP_S, DevRun, Terminal, agentbus, environment, has_ended, start_dev


def test_one_json_line_tells_a_program_everything(dev: DevRun) -> None:
    """Where Kafka is, who may set things up, what runs, where it logs, and what is in the sample."""
    ready = dev.ready
    assert ready["operator"] == "spiffe://acme/person/ana"
    assert (ready["domain"], ready["gen"], ready["partitions"]) == ("acme", 1, 4)
    assert ready["pids"]["dev"] == dev.popen.pid
    assert all(process.is_running() for process in dev.processes.values())
    assert set(ready["pids"]) == {"dev", "broker", "publisher"}
    assert Path(ready["log"]).parent == Path(ready["data"])
    assert {"sales", "support", "crm"} <= set(ready["lanes"])
    assert "spiffe://acme/agent/sales-1" in ready["agents"]
    with urllib.request.urlopen(f"{ready['http']}/healthz", timeout=10) as answer:
        assert answer.status == 200


def test_other_commands_find_it_and_say_so(dev: DevRun, terminal: Terminal) -> None:
    """Nobody has to copy an address: the only development bus here is meant."""
    ran = terminal("lanes", "ls")
    assert ran.code == 0
    assert f"using the development bus at {dev.ready['bootstrap']}" in ran.err


def test_the_data_is_taken_by_one_run_at_a_time(dev: DevRun, cache: Path) -> None:
    """A second run on the same folder is told who has it."""
    ran = agentbus("dev", "--data", dev.ready["data"], env=environment(cache))
    assert ran.code == 1
    assert f"by pid {dev.popen.pid}" in ran.err.splitlines()[-1]


def test_a_kafka_on_which_a_bus_runs_gets_no_second_one(dev: DevRun, cache: Path) -> None:
    """Two publishers would fence each other for ever: it says so, with the line to use that bus, and ends."""
    bootstrap = dev.ready["bootstrap"]
    ran = agentbus("dev", "--bootstrap", bootstrap, env=environment(cache))
    assert ran.code == 6
    said = ran.err.splitlines()[-1]
    assert f"a bus runs on {bootstrap} already (dev" in said
    assert f"export AGENTBUS_BOOTSTRAP={bootstrap}" in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--brokers", "2"], "choose 1 or 3"),
        (["--brokers", "3", "--secure"], "--secure works with one broker, not with 3"),
    ],
)
def test_a_cluster_that_cannot_be_is_one_sentence(cache: Path, options: list[str], why: str) -> None:
    """It is said before anything is started."""
    ran = agentbus("dev", *options, env=environment(cache))
    assert ran.code == 2
    assert why in ran.err


def test_a_taken_port_is_one_sentence(cache: Path) -> None:
    """The port is named, and nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = agentbus("dev", "--empty", "--port", str(port), env=environment(cache))
    assert ran.code == 1
    assert str(port) in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


ELSEWHERE = "kafka.example:9092"


@dataclass(frozen=True, slots=True)
class Again:
    """A run that was killed, and the next one on the same data, without stages."""

    first: DevRun
    second: DevRun
    here: Terminal


@pytest.fixture(scope="module")
def again(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Again]:
    """Kill -9 takes the run and its stages, and leaves the broker to the next one."""
    env = environment(cache)
    data = str(tmp_path_factory.mktemp("again") / "data")
    first = start_dev("--empty", "--data", data, env=env)
    here = Terminal({**env, "AGENTBUS_BOOTSTRAP": first.ready["bootstrap"]})
    # What leads elsewhere, to a team's Kafka perhaps, is left alone.
    env = {**env, "AGENTBUS_BOOTSTRAP": ELSEWHERE, "AGENTBUS_KAFKA_CONFIG": "no-such.properties"}
    assert here("lanes", "set", "harbour").code == 0
    os.kill(first.popen.pid, signal.SIGKILL)
    first.popen.wait()
    assert has_ended(first.processes["publisher"])
    assert first.processes["broker"].is_running()
    second = start_dev("--empty", "--no-stages", "--data", data, env=env)
    yield Again(first, second, here)
    second.stop()


def test_killed_and_started_again_it_says_what_was_left_and_keeps_the_data(again: Again) -> None:
    """The broker that was left is ended, which is said; the next run goes on with all that was set."""
    broker = again.first.processes["broker"]
    assert has_ended(broker)
    assert any(f"ended the Kafka broker (pid {broker.pid})" in line for line in again.second.told)
    rows = again.here.json("lanes", "ls", "--bootstrap", again.second.ready["bootstrap"])
    assert "harbour" in {row["lane"] for row in rows}


def test_a_variable_that_names_a_kafka_is_no_kafka_for_dev(again: Again) -> None:
    """`dev` never takes its Kafka from the environment: it says where the variable points, and runs its own."""
    assert again.second.ready["pids"].get("broker")
    assert again.second.ready["bootstrap"] != ELSEWHERE
    told = "".join(again.second.told)
    assert f"AGENTBUS_BOOTSTRAP points to {ELSEWHERE}; this is a bus of its own" in told
    assert "AGENTBUS_KAFKA_CONFIG is for another Kafka, and not used" in told


def test_if_kafka_dies_it_says_so_and_ends(again: Again) -> None:
    """A dead broker ends the run with one sentence and the code for an unreachable Kafka; SIGTERM is not needed."""
    run = again.second
    assert set(run.ready["pids"]) == {"dev", "broker"}
    assert run.ready["http"] is None
    os.kill(run.ready["pids"]["broker"], signal.SIGKILL)
    assert run.popen.wait(STOP_S) == 4
    assert "ended by itself" in run.told[-1]
