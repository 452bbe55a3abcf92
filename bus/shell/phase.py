"""Where the ownership of a partition stands; the drawing is in `bus.shell.owner`."""

from enum import Enum


class Phase(Enum):
    """Where the ownership of a partition stands."""

    RESTORING = "restoring"
    CLAIMING = "claiming"
    RUNNING = "running"
    STOPPED = "stopped"
