"""Stages whose login is refused or too small: at the start they end with a sentence, later they go on asking."""

import threading
import time

import pytest
from structlog.testing import capture_logs

from bus.shell.gate_worker import GateWorker
from bus.shell.metrics import Metrics
from bus.shell.worker import TOLD_EVERY_S
from tests.cli.conftest import Ran, Terminal
from tests.secure.conftest import Secured

WAIT_S = 30.0


def _run(secured: Secured, at_home: Terminal, user: str, *more: str) -> Ran:
    login = ("--bootstrap", secured.bootstrap, "--kafka-config", secured.file(user))
    return at_home("run", "--single-node", *login, *more)


@pytest.mark.parametrize("stages", [(), ("--stage", "gate"), ("--stage", "arbiter"), ("--stage", "publisher")])
def test_stages_with_a_wrong_password_end_with_the_sentence(
    secured: Secured, at_home: Terminal, stages: tuple[str, ...]
) -> None:
    """Whichever stages are asked for, nothing hangs and nothing is left running."""
    ran = _run(secured, at_home, "agentbus", "-X", "sasl.password=wrong", *stages)
    assert ran.code == 7
    assert "does not let this client in" in ran.complaint
    assert "check user and password" in ran.complaint


@pytest.mark.parametrize("user", ["sales", "auditor"])
def test_stages_with_too_small_a_login_end_with_the_sentence(secured: Secured, at_home: Terminal, user: str) -> None:
    """One that may see nothing, and one that may read everything and write nothing."""
    ran = _run(secured, at_home, user)
    assert ran.code == 7
    assert "this login may not" in ran.complaint
    assert "agentbus acls check" in ran.complaint


def test_a_password_that_became_wrong_is_said_seldom_and_a_stop_still_ends_it(secured: Secured) -> None:
    """The stage keeps asking, is not ready, says why once and not at every try, and ends when it is told to."""
    config = {**secured.login("agentbus", **{"sasl.password": "wrong", "log.queue": "true"})}
    worker = GateWorker({name: str(value) for name, value in config.items()}, "", Metrics())
    stop = threading.Event()
    began_s = time.monotonic()
    with capture_logs() as told:
        thread = threading.Thread(target=worker.run, args=(stop,), daemon=True)
        thread.start()
        until_s = time.monotonic() + WAIT_S
        while worker._restart_after_s < 8 and time.monotonic() < until_s:
            time.sleep(0.05)
        stop.set()
        thread.join(WAIT_S)
    assert worker._restart_after_s >= 8, "it has not tried three times"
    assert not thread.is_alive()
    assert not worker.readiness.is_ready
    told = [one for one in told if secured.bootstrap in one["why"]]  # other tests have stages here
    assert {(one["event"], one["log_level"]) for one in told} == {("stage_refused", "error")}, told
    said = "\n".join(f"{one['stage']}: {one['why']}" for one in told)
    assert len(told) <= 1 + (time.monotonic() - began_s) / TOLD_EVERY_S, said
    assert "does not let this client in" in told[0]["why"]
