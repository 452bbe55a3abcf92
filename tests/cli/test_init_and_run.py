"""Setting a Kafka up twice, setting it up otherwise, and running stages on it."""

import json
import signal
import subprocess
import urllib.request
from pathlib import Path

from tests.cli.conftest import COMMAND, STOP_S, DevRun, Terminal, agentbus, environment

ANA = "spiffe://acme/person/ana"
INIT = ("init", "--domain", "acme", "--steward", ANA, "--single-node")


def test_doing_it_again_changes_nothing(terminal: Terminal) -> None:
    """A second init with the same words says that it is already there."""
    ran = terminal(*INIT, "--partitions", "4")
    assert ran.code == 0
    assert ran.out.startswith("Already there")
    (told,) = terminal.json(*INIT, "--partitions", "4")
    assert told["was_there"] is True
    assert told["created"] == []
    assert told["genesis"]["partitions"] == 4


def test_another_bus_on_the_same_kafka_is_a_conflict(terminal: Terminal) -> None:
    """Another number of partitions or another domain: what differs is named, nothing is changed."""
    assert "partitions 4 and not 5" in terminal(*INIT, "--partitions", "5").complaint
    other = terminal("init", "--domain", "beta", "--steward", "spiffe://beta/person/ana", "--partitions", "4")
    assert other.code == 6
    assert "domain acme and not beta" in other.complaint


def test_a_kafka_that_does_not_answer_is_unreachable(nowhere: Terminal) -> None:
    """One sentence with the address's option in it, and the code a script can wait on."""
    ran = nowhere("lanes", "ls", "--bootstrap", "127.0.0.1:1")
    assert ran.code == 4
    assert "--bootstrap" in ran.complaint


def test_a_setting_of_ours_is_not_passed_through(nowhere: Terminal) -> None:
    """It is refused as a usage error before anything is asked of Kafka."""
    ran = nowhere("lanes", "ls", "-X", "group.id=mine")
    assert ran.code == 2
    assert "group.id is not passed through" in ran.complaint


def test_a_loss_is_accepted_by_the_name_of_its_partition(nowhere: Terminal) -> None:
    """A name that is none is a usage error before anything is asked of Kafka, and says what a name looks like."""
    ran = nowhere("run", "--accept-gap", "sales")
    assert ran.code == 2
    assert "gate/LANE or arbiter/NUMBER" in ran.complaint


def test_topics_with_one_copy_are_refused_in_production(dev: DevRun, tmp_path: Path) -> None:
    """Somebody else's machine, which does not know it for a development bus: run will not start on it."""
    elsewhere = environment(tmp_path / "cache")
    ran = agentbus("run", "--stage", "gate", "--bootstrap", dev.ready["bootstrap"], env=elsewhere)
    assert ran.code == 1
    assert "has 1 replica; " in ran.complaint
    assert "--single-node" in ran.complaint


def test_a_stage_tells_when_it_is_ready_and_stops_cleanly(dev: DevRun, tmp_path: Path) -> None:
    """The ready line is JSON, /readyz answers where it says, and SIGTERM ends it with code 0."""
    arguments = ["run", "--stage", "gate", "--json", "--single-node", "--log-format", "json"]
    process = subprocess.Popen(
        [str(COMMAND), *arguments, "--bootstrap", dev.ready["bootstrap"], "--instance", "second"],
        env=environment(tmp_path / "cache"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["ready"] is True
    assert ready["stages"] == ["gate"]
    assert ready["pid"] == process.pid
    with urllib.request.urlopen(f"{ready['http']}/readyz", timeout=10) as answer:
        assert json.loads(answer.read())["stages"][0]["stage"] == "gate"
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_S) == 0


def test_a_setting_in_the_environment_that_cannot_be_used_is_named(nowhere: Terminal) -> None:
    """AGENTBUS_LOG_LEVEL with a word it does not have: the sentence names the variable."""
    env = {**nowhere.env, "AGENTBUS_LOG_LEVEL": "loud"}
    ran = agentbus("run", "--bootstrap", "127.0.0.1:1", env=env)
    assert ran.code == 1
    assert "AGENTBUS_LOG_LEVEL" in ran.complaint
