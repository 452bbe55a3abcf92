"""The fault bench: agents send at a fixed rate through a real bus that is hurt in every way, and nothing may be wrong.

    python -m tests.faults.torture --minutes 2 --seed 1
    python -m tests.faults.torture --minutes 30 --rate 500 --seed 7 --json results.json
    python -m tests.faults.torture --minutes 5 --rate 100 --brokers 3 --only kill,broker-lost

A long run is done in bouts of five minutes, each on a bus of its own with a seed of its own, each checked as a whole.
Prints a line PASS or FAIL for each promise, and last `N passed, M failed`. Of a bout that failed, everything is kept.
Exit codes: 0 all passed, 1 something failed, 2 usage, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from bus.dev.errors import DevError
from tests.acceptance.topics import TestsStopError
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json
from tests.faults.bench import Bench
from tests.faults.blows import FAULTS, named
from tests.faults.bout import Bout, Order
from tests.faults.results import late, machine, summed, table, write

BOUT_S = 300.0  # what one check of everything holds in memory
RATE = 100
INTERRUPTED = 130  # as shells say it


def main() -> int:
    """Run the bouts and tell; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long the load lasts in all (2)")
    parser.add_argument("--rate", type=int, default=RATE, help=f"messages a second ({RATE})")
    parser.add_argument("--seed", type=int, default=1, help="of the first bout; the others follow it (1)")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="of three, one may be lost (1)")
    parser.add_argument("--only", default="", help="these faults alone, with commas between them")
    parser.add_argument(
        "--in-time", action="store_true", help="fail also if a stage is not back in time: needs a quiet machine"
    )
    parser.add_argument("--keep", action="store_true", help="keep what a bout leaves, also if it passed")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name]
    if unknown := set(names) - {fault.name for fault in FAULTS}:
        parser.error(f"there is no fault {min(unknown)}; there are {', '.join(fault.name for fault in FAULTS)}")
    faults = named(names, options.brokers)
    if not faults:
        parser.error(f"none of these faults is for {options.brokers} brokers")
    _listen_to_signals()
    verdicts, bouts, left_s, seed = Verdicts(), list[Json](), options.minutes * 60, options.seed
    while left_s > 0:
        order = Order(min(left_s, BOUT_S), options.rate, seed, options.brokers, tuple(faults))
        bouts += _run(order, verdicts, names, keep=options.keep)
        left_s, seed = left_s - BOUT_S, seed + 1
    return _close(verdicts, bouts, options)


def _run(order: Order, verdicts: Verdicts, names: list[str], *, keep: bool) -> list[Json]:
    """One bout from start to end; what it measured, nothing if it did not get there."""
    verdicts.scenario = f"seed {order.seed}"
    failed_before = verdicts.failed
    bench = Bench(Path(tempfile.mkdtemp(prefix="agentbus-torture-")), order.brokers, verdicts.say)
    bout = Bout(order, bench, verdicts)
    try:
        bout.go()
    except (TestsStopError, DevError) as error:
        verdicts.check("the bout runs to its end", [str(error)])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # what is being stopped is stopped to the end
        bout.end()
        verdicts.check("everything stops on Ctrl-C and leaves nothing running", bench.stop())
        has_failed = verdicts.failed > failed_before
        if has_failed or keep:
            verdicts.say(f"kept {bench.folder}")
        if has_failed:
            only = f" --only {','.join(names)}" if names else ""
            verdicts.say(
                f"again: python -m tests.faults.torture --seed {order.seed} --minutes {order.seconds / 60:g} "
                f"--rate {order.rate} --brokers {order.brokers}{only} --keep"
            )
        bench.forget(is_kept=keep or has_failed)
        _listen_to_signals()
    return [bout.report] if bout.report else []


def _listen_to_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _close(verdicts: Verdicts, bouts: list[Json], options: argparse.Namespace) -> int:
    verdicts.scenario = "all bouts"
    total, not_in_time = summed(bouts), list(late(bouts))
    if options.in_time:
        verdicts.check("killed stages are back in 5 s, taken over in 15 s, and stall nobody else", not_in_time)
    else:
        for sentence in not_in_time:
            verdicts.say(f"not in time: {sentence}")
    for line in table(total):
        print(line)
    if options.json is not None:
        asked = {"minutes": options.minutes, "rate": options.rate, "seed": options.seed, "brokers": options.brokers}
        counted = {"passed": verdicts.passed, "failed": verdicts.failed}
        told = {"asked": asked, "machine": machine(), **counted, "total": total, "bouts": bouts}
        write(options.json, json.dumps(told, indent=1) + "\n")
    return verdicts.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.stdout.write("stopped before the end; nothing is left running\n")
        sys.exit(INTERRUPTED)
