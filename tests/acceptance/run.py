"""The black-box acceptance run: starts the bus as a stranger would, sends thousands of messages, checks every promise.

    .venv/bin/python tests/acceptance/run.py [--only NAME] [--messages 10000] [--seed N] [--keep]

Nothing of the bus is imported: a stock Kafka client and the wire page are all it knows.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.acceptance.scenarios import SCENARIOS, run_scenario
from tests.acceptance.verdicts import Verdicts

MESSAGES = 10_000


def main() -> int:
    """Run the scenarios and return the exit code."""
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(description="The acceptance run of the bus, from outside.")
    parser.add_argument("--only", action="append", choices=names, help="run this scenario alone (may be repeated)")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="messages of the plain scenario")
    parser.add_argument("--seed", type=int, default=1, help="seed of the agents' choices")
    parser.add_argument("--keep", action="store_true", help="keep the data folders")
    options = parser.parse_args()
    verdicts = Verdicts()
    for scenario in SCENARIOS:
        if options.only is None or scenario.name in options.only:
            run_scenario(scenario, verdicts, messages=options.messages, seed=options.seed, keep=options.keep)
    return verdicts.close()


if __name__ == "__main__":
    sys.exit(main())
