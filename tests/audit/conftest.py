"""What the tests of the audit share: one real bus with traffic of a stock client, checked and saved by the command."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from bus.core.policy.control import Genesis
from bus.dev.broker import start_broker
from bus.shell import cluster, kafka
from bus.shell.process import BusProcess
from bus.shell.settings import Settings
from tests.audit.handmade import ANA, EMAIL, SALES, SUPPORT

WAIT_S = 30.0
LANES = ("sales", "support")
LEADS = 12
LEASE_MS = 1_500
Result = dict[str, Any]  # JSON


@dataclass(frozen=True)
class Audited:
    """A bus that was checked while it ran: where it was saved, how the command ended and what it said."""

    folder: Path
    code: int
    result: Result

    @property
    def checks(self) -> list[Result]:
        return list(self.result["checks"])


@dataclass
class Client:
    """A stock client of the wire: sends as anybody, reads answers from one lane."""

    bootstrap: str
    count: int = 0

    def __post_init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})
        self._readers: dict[str, Consumer] = {}

    def send(self, lane: str, source: str, kind: str, body: object, subject: str = "", **more: str) -> str:
        """Send a message; its id."""
        self.count += 1
        headers = {"ce_specversion": "1.0", "ce_id": f"m-{self.count}", "ce_source": source, "ce_type": kind}
        headers |= {"ce_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        headers |= {"content-type": "application/json", **more}
        if subject:
            headers["ce_subject"] = subject
        self._producer.produce(f"bus.in.{lane}", value=json.dumps(body), headers=list(headers.items()))
        self._producer.flush(WAIT_S)
        return headers["ce_id"]

    def answer(self, lane: str, identifier: str, kind: str = "") -> Result:
        """The answer to one message (of one kind, if it is given)."""
        reader = self._readers.get(lane)
        if reader is None:
            reader = self._readers[lane] = kafka.reader({"bootstrap.servers": self.bootstrap})
        reader.assign([TopicPartition(f"bus.out.{lane}", 0, 0)])
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            for message in kafka.fetch(reader, 0.1):
                if message.error() is None:
                    value = dict(json.loads(message.value() or b"{}"))
                    if value["id"] == identifier and kind in ("", value["kind"]):
                        return value
        raise AssertionError(f"no answer to {identifier} on lane {lane}")

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()


def run_verify(*arguments: str) -> tuple[int, Result]:
    """Run `agentbus verify … --json`: its exit code, and what it says."""
    command = [sys.executable, "-m", "bus.cli", "verify", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout, f"verify said nothing: {done.stderr[-2000:]}"
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A real bus after some traffic, checked and saved while it ran."""
    with start_broker() as broker:
        settings = Settings(bootstrap=broker.bootstrap)
        config = settings.client_config()
        plans = [*cluster.bus_plan(4), cluster.governed_plan("leads", 3)]
        plans += [plan for lane in LANES for plan in cluster.lane_plan(lane)]
        cluster.create_topics(kafka.admin(config), plans, replication=1)
        cluster.write_genesis(config, Genesis(1, "acme", 4, (ANA,)))
        process = BusProcess(settings, ("gate", "arbiter", "publisher"))
        client = Client(broker.bootstrap)
        try:
            process.start()
            assert process.wait_ready(WAIT_S), "the bus did not become ready"
            _work(client)
            yield _checked(broker.bootstrap, tmp_path_factory.mktemp("audit"))
        finally:
            client.close()
            process.stop()


def _work(client: Client) -> None:
    """Set the bus up, then compete for leads, act, break rules, and let a lease end."""
    wanted: list[tuple[str, str, Any]] = [("lane", lane, {"principal": f"User:{lane}"}) for lane in LANES]
    wanted.append(("agent", SALES, {"lane": "sales", "roles": ["sales"], "owner": ANA}))
    wanted.append(("agent", SUPPORT, {"lane": "support", "roles": ["support"], "owner": ANA}))
    wanted.append(("terms", "lead", {"resource": "lead", "window_ms": 0, "lease_ms": LEASE_MS}))
    wanted.append(("contract", "leads.email.send.v1", EMAIL))
    for kind, name, value in wanted:
        body = {"kind": kind, "name": name, "value": value, "base": None}
        sent = client.send("operators", ANA, "bus.control.set.v1", body)
        assert client.answer("operators", sent)["kind"] == "control_set", name
    # A change is answered when it is in force; a lane's own gate hears of it a moment later.
    while (
        client.answer("sales", client.send("sales", SALES, "bus.resource.claim.v1", {}, "lead/first"))["kind"]
        != "granted"
    ):
        pass
    while (
        client.answer("support", client.send("support", SUPPORT, "bus.resource.claim.v1", {}, "lead/first"))["kind"]
        != "denied"
    ):
        pass
    for number in range(LEADS):
        subject = f"lead/L-{number}"
        claim = client.send("sales", SALES, "bus.resource.claim.v1", {}, subject)
        answered = client.answer("sales", claim)
        assert answered["kind"] == "granted", answered
        token = str(answered["token"])
        client.send("support", SUPPORT, "bus.resource.claim.v1", {}, subject)
        action = {"lead_id": f"L-{number}"}
        client.send("sales", SALES, "leads.email.send.v1", action, subject, ce_bustoken=token)
        client.send("sales", SALES, "leads.email.send.v1", {}, subject, ce_bustoken=token)
        client.send("support", SUPPORT, "leads.email.send.v1", action, subject, ce_bustoken="7")
        client.send("sales", SALES, "bus.resource.release.v1", {"token": int(token)}, subject, ce_id=f"again-{number}")
        client.send("sales", SALES, "bus.resource.release.v1", {"token": int(token)}, subject, ce_id=f"again-{number}")
        client.send("sales", SUPPORT, "bus.resource.claim.v1", {}, subject)
    client.answer("sales", "", "ended")  # the lease of lead/first, by a tick


def _checked(bootstrap: str, folder: Path) -> Audited:
    """Check until the bus is quiet; the last result, and what it rests on."""
    until_s = time.monotonic() + WAIT_S
    for attempt in range(1_000):
        saved = folder / f"export-{attempt}"
        code, result = run_verify("--bootstrap", bootstrap, "--save", str(saved))
        if not result["moving"] or time.monotonic() > until_s:
            return Audited(saved, code, result)
    raise AssertionError("the bus never became quiet")
