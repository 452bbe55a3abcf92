"""`agentbus dev` from its first line to the last process it stops, killed and started again."""

import os
import signal
import socket
import urllib.request
from pathlib import Path

from tests.cli.conftest import DevRun, Terminal, agentbus, environment, has_ended, start_dev


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


def test_a_taken_port_is_one_sentence(cache: Path) -> None:
    """The port is named, and nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = agentbus("dev", "--empty", "--port", str(port), env=environment(cache))
    assert ran.code == 1
    assert str(port) in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err


def test_killed_and_started_again_it_says_what_was_left_and_keeps_the_data(cache: Path, tmp_path: Path) -> None:
    """Kill -9 leaves a broker; the next start ends it, says so, and goes on with all that was set; Ctrl-C ends all."""
    env = environment(cache)
    data = tmp_path / "data"
    first = start_dev("--empty", "--data", str(data), env=env)
    here = Terminal({**env, "AGENTBUS_BOOTSTRAP": first.ready["bootstrap"]})
    assert here("lanes", "set", "harbour").code == 0
    os.kill(first.popen.pid, signal.SIGKILL)
    first.popen.wait()
    broker, publisher = (first.processes[name] for name in ("broker", "publisher"))
    assert has_ended(publisher)
    assert broker.is_running()

    second = start_dev("--empty", "--data", str(data), env=env)
    assert has_ended(broker)
    assert any(f"ended the Kafka broker (pid {broker.pid})" in line for line in second.told)
    lanes = {row["lane"] for row in here.json("lanes", "ls", "--bootstrap", second.ready["bootstrap"])}
    assert "harbour" in lanes
    assert second.stop() == 0
    assert all(has_ended(process) for process in second.processes.values())
    assert second.told[-1] == "Stopped; nothing is left running.\n"


def test_if_kafka_dies_it_says_so_and_ends(cache: Path, tmp_path: Path) -> None:
    """A dead broker ends the run with one sentence and the code for an unreachable Kafka; SIGTERM is not needed."""
    run = start_dev("--empty", "--no-stages", "--data", str(tmp_path / "data"), env=environment(cache))
    assert set(run.ready["pids"]) == {"dev", "broker"}
    assert run.ready["http"] is None
    os.kill(run.ready["pids"]["broker"], signal.SIGKILL)
    assert run.popen.wait(30) == 4
    assert "ended by itself" in run.told[-1]
