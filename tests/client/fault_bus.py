"""A bus for the fault run: its stages and its Kafka can be killed with -9 and come back on the same data and port."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from bus.dev.broker import LocalBroker, start_broker
from bus.dev.ports import free_ports

AGENTBUS = str(Path(sys.executable).with_name("agentbus"))
DOMAIN = "acme"
STEWARD = f"spiffe://{DOMAIN}/person/ana"
PARTITIONS = "4"
READY_S = 60.0
STOP_S = 30.0


class FaultBus:
    """Named steps: ``start``; then the kills in any order; ``stop``, which leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broker: LocalBroker | None = None
        self._stages: subprocess.Popen[str] | None = None

    @property
    def broker(self) -> LocalBroker:
        """The Kafka, once it was started."""
        assert self._broker is not None, "start() comes first"
        return self._broker

    @property
    def bootstrap(self) -> str:
        """Where it is, all the time."""
        return self.broker.bootstrap

    def start(self) -> None:
        """Kafka, genesis, stages."""
        (port,) = free_ports(1)
        self._broker = start_broker(self._folder / "kafka", port)
        init = ["init", "--domain", DOMAIN, "--steward", STEWARD, "--partitions", PARTITIONS, "--single-node"]
        self._agentbus(*init)
        self.start_stages()

    def start_stages(self) -> None:
        """All three stages in one process, under one name, ready when this returns."""
        log = (self._folder / "stages.log").open("a")
        command = [AGENTBUS, "run", "--single-node", "--instance", "faults", "--json", "--bootstrap", self.bootstrap]
        with log:
            self._stages = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        assert self._stages.stdout is not None
        watchdog = threading.Timer(READY_S, self._stages.kill)
        watchdog.start()
        line = self._stages.stdout.readline()
        watchdog.cancel()
        if not line.startswith("{"):
            raise RuntimeError(f"agentbus run did not get ready; its log is {log.name}")
        json.loads(line)

    def kill_stages(self) -> None:
        """Kill -9 to every process of the stages."""
        assert self._stages is not None
        os.killpg(self._stages.pid, signal.SIGKILL)
        self._stages.wait(STOP_S)

    def kill_broker(self) -> None:
        """Kill -9 to Kafka."""
        os.kill(self.broker.pid, signal.SIGKILL)
        while self.broker.is_alive():
            pass

    def start_broker(self) -> None:
        """Kafka again, on the same data and port."""
        self.broker.start_until_ready()

    def verify(self) -> str:
        """What `agentbus verify` complains of, "" if it finds nothing."""
        ran = self._agentbus("verify", is_checked=False)
        return "" if ran.returncode == 0 else f"exit {ran.returncode}: {' '.join(ran.stdout.split())[-300:]}"

    def stop(self) -> None:
        """End everything."""
        if self._stages is not None and self._stages.poll() is None:
            self._stages.send_signal(signal.SIGINT)
            try:
                self._stages.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill_stages()
        if self._broker is not None:
            self._broker.stop()

    def _agentbus(self, *arguments: str, is_checked: bool = True) -> subprocess.CompletedProcess[str]:
        command = [AGENTBUS, *arguments, "--bootstrap", self.bootstrap]
        return subprocess.run(command, capture_output=True, text=True, timeout=READY_S * 3, check=is_checked)
