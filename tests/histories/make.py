"""Makes the golden histories of an engine version that has none yet: `python -m tests.histories.make 1.0`."""

import json
import random
import sys
from pathlib import Path

from bus import ENGINE
from bus.core.log.records import Record, canonical
from bus.shell.snapshots.records import FORMAT
from tests.contests.against_core import lines_of_seed
from tests.contests.core import GENESIS, record_of
from tests.contests.test_restore import _records
from tests.histories.history import HASHES, History, read, state_hash, write
from tests.properties.stages import control_output, lane_records, run
from tests.rules.cast import changes, genesis
from tests.rules.scripts_reader import read_scripts

SCRIPTS = (
    "sanctions-approved",
    "case-award",
    "negotiate-three",
    "review-by-vote",
    "wait-passes",
    "suspended-in-mid-ballot",
)
CONTEST_SEEDS = (3, 11, 17, 29)
LANES = (("sales", 1), ("sales", 2), ("operators", 4))
LANE_RECORDS = 120


def main() -> None:
    """Write them all, and the hash of each state."""
    if sys.argv[1:] != [ENGINE]:
        sys.exit(f"This code is engine {ENGINE}: say so, if it has no histories yet.")
    made = {f"{ENGINE}-gate-{lane}-{seed}": _of_lane(lane, seed) for lane, seed in LANES}
    scripts = {script.name: script for script in read_scripts(Path("tests/contests/scripts"))}
    for name in SCRIPTS:
        script = scripts[name]
        made[f"{ENGINE}-arbiter-{name}"] = _of_contest(list(script.given), [what for what, _ in script.lines])
    for seed in CONTEST_SEEDS:
        given, lines = lines_of_seed(seed)
        made[f"{ENGINE}-arbiter-seed-{seed}"] = _of_contest(list(given), list(lines))
    hashes = json.loads(HASHES.read_text()) if HASHES.exists() else {}
    for name, history in made.items():
        write(name, history)
        hashes[name] = {str(FORMAT): state_hash(read(name).folded())}
    HASHES.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")


def _of_lane(lane: str, seed: int) -> History:
    control = [Record("bus.control", 0, 0, 0, b"genesis", canonical(genesis().to_json()), ())]
    for change in [] if lane == "operators" else changes():
        output = control_output(change)
        control.append(Record("bus.control", 0, len(control), 0, output.key, output.value, output.headers))
    records = tuple(lane_records(lane, seed, LANE_RECORDS))
    return _judged(History("gate", lane, ENGINE, genesis(), tuple(control), records, ()), seed)


def _of_contest(given: list[str], lines: list[str]) -> History:
    records, _ = _records(given, lines)
    return _judged(History("arbiter", "0", ENGINE, GENESIS, (), tuple(map(record_of, records)), ()), len(records))


def _judged(history: History, seed: int) -> History:
    chance = random.Random(seed)
    ran = run(history.fresh_stage(), history.records, [chance.randint(1, 9) for _ in history.records])
    named = (history.stage, history.partition, history.engine, history.genesis, history.control, history.records)
    return History(*named, tuple(ran.values))


if __name__ == "__main__":
    main()
