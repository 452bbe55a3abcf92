"""A bus in virtual time: the simulator that tries to break it, and LocalBus, on which agents are tested."""

from bus.sim.control import Control
from bus.sim.local_bus import LocalBus, sample

__all__ = ["Control", "LocalBus", "sample"]
