"""What every benchmark says and how: progress on stderr, figures as JSON or a table, the machine in plain words."""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import psutil

from bus import ENGINE
from bus.dev.errors import DevError
from bus.shell import logs
from bus.shell.errors import BusError


class StalledError(Exception):
    """What was waited for did not come; the sentence says what and how far it got."""


Json = dict[str, Any]  # Any: JSON


def machine() -> Json:
    """On what it was measured."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "engine": ENGINE,
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "load_before": round(os.getloadavg()[0], 2),
    }


def say(text: str) -> None:
    """Progress, for the person who waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
    sys.stderr.flush()


def run(doc: str | None, measure: Callable[[argparse.Namespace], Json], table: Callable[[Json], Iterable[str]]) -> None:
    """The command line of a benchmark that has no options of its own but ``--full`` and ``--json``."""
    run_with(parser(doc), measure, table)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A command line with the two options that all have."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--full", action="store_true", help="the sizes of the issue, not the quick ones")
    made.add_argument("--json", action="store_true", help="one object on stdout")
    return made


def run_with(
    arguments: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Json],
    table: Callable[[Json], Iterable[str]],
) -> None:
    """Measure and print; Ctrl-C ends everything that was started."""
    options = arguments.parse_args()
    logs.set_up("error", "text")
    before, began_s = machine(), time.monotonic()
    try:
        figures = measure(options)
    except KeyboardInterrupt:
        sys.exit(130)
    except StalledError as error:
        sys.exit(f"{error}: is the machine busy, or is the bus at fault? Try again with a smaller size.")
    except (BusError, DevError) as error:
        sys.exit(f"{error}: nothing was measured; try again.")
    figures = {
        "machine": before,
        "size": "full" if options.full else "quick",
        "seconds": round(time.monotonic() - began_s),
        **figures,
    }
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in table(figures)))


def spread(values: Sequence[float], digits: int = 2) -> Json:
    """The median of some runs, the lowest and the highest."""
    return {
        "median": round(statistics.median(values), digits),
        "low": round(min(values), digits),
        "high": round(max(values), digits),
    }
