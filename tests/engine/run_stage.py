"""A process with stages, to be killed by a test; its gate may be made to die of records that hold a pill."""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable

from bus.core.gate import GateBasis
from bus.core.log.records import Record
from bus.core.policy.control import Registry
from bus.shell import logs
from bus.shell.gate_stage import GateStage
from bus.shell.gate_worker import GateWorker
from bus.shell.gather import Gatherer
from bus.shell.process import BusProcess
from bus.shell.readiness import Place
from bus.shell.settings import Settings
from bus.shell.stage import Stage

PILL = os.environ.get("ENGINE_TEST_PILL", "").encode()
GROUP = os.environ.get("ENGINE_TEST_GROUP", "")
HOW = os.environ.get("ENGINE_TEST_DEATH", "kill")
ACCEPTED = frozenset(os.environ.get("ENGINE_TEST_ACCEPT", "").split())


class MortalGatherer(Gatherer):
    """The real one, but for one record that ends the process or raises, as a bug in native code would."""

    def gather(self, record: Record, at: int, registry: Registry, *, was_forwarded: bool = False) -> GateBasis:
        """Die of the pill, else do the real thing."""
        if PILL and PILL in (record.value or b""):
            if HOW == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if HOW == "hang":
                re.match("(a+)+$", "a" * 64 + "b")  # for ever, in native code that lets no other thread run
            raise MemoryError("a bug that one record meets")
        return super().gather(record, at, registry, was_forwarded=was_forwarded)


class MortalGateWorker(GateWorker):
    """The gate with the mortal gatherer."""

    def _make_stage(self, place: Place) -> Callable[[], Stage]:
        lane, topic_id = place[0].removeprefix("bus.in."), self._topic_ids[place[0]]
        gatherer = MortalGatherer(lane, self._topic_exists)
        return lambda: GateStage(lane, topic_id, self._control_log, gatherer, self._metrics)


def main() -> None:
    """Run until killed."""
    logs.set_up("info", "text")
    settings = Settings(bootstrap=sys.argv[1], instance=os.environ.get("ENGINE_TEST_NAME", ""))
    if GROUP:
        GateWorker.group = GROUP  # a gate that the group of the others knows nothing of
    process = BusProcess(settings, tuple(sys.argv[2:]), ACCEPTED)
    if PILL:
        mortal = MortalGateWorker(settings.client_config(), settings.instance, process.metrics)
        process._workers = [mortal if isinstance(w, GateWorker) else w for w in process._workers]
        process.readiness[:] = [worker.readiness for worker in process._workers]
    process.start()
    if os.environ.get("ENGINE_TEST_HTTP"):
        sys.stdout.write(f"http {process.http_port}\n")
        sys.stdout.flush()
    is_ready = process.wait_ready(30)
    sys.stdout.write("ready\n" if is_ready else "not ready\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
