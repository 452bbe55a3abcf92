"""How an agent of the demo is started and told what to do: its bus by the command line, a task a line on stdin.

This is the demo's own; a real agent gets its work from its model, its users or its topics.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

from bus.client import Bus

Json = dict[str, Any]  # Any: JSON


def my_bus() -> Bus:
    """The bus as the agent that the command line names sees it: BOOTSTRAP AGENT LANE."""
    bootstrap, agent, lane = sys.argv[1:]
    return Bus(bootstrap=bootstrap, agent=agent, lane=lane)


def work(obey: Callable[[Json], object], *listening: Callable[[], object]) -> None:
    """Listen in the background and obey every task until standard input ends."""
    for listen in listening:
        threading.Thread(target=listen, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        obey(json.loads(line))
