"""What was once written is folded to the same state and decided the same, for ever."""

import json

import pytest

from bus import ENGINE
from bus.shell.snapshots.records import FORMAT
from tests.histories.history import FOLDER, HASHES, SUFFIX, judged_again, names, read, state_hash

BYTES_MAX = 300 * 1024
EVENTS = {"granted", "denied", "ended", "contest_opened", "voted", "offered", "settled", "case_opened", "case_closed"}
HASHED = json.loads(HASHES.read_text())


@pytest.mark.parametrize("name", names())
def test_a_history_is_folded_to_the_state_it_always_had(name: str) -> None:
    """The journal of an older engine restores to what it restored to then."""
    assert str(FORMAT) in HASHED[name], "a new format: add its hash for every history, and leave the others"
    assert state_hash(read(name).folded()) == HASHED[name][str(FORMAT)]


@pytest.mark.parametrize("name", [name for name in names() if name.startswith(f"{ENGINE}-")])
def test_a_history_is_decided_as_it_always_was(name: str) -> None:
    """The same engine decides the same records byte for byte as it did when the history was written."""
    history = read(name)
    assert judged_again(history) == history.decisions()


def test_the_histories_of_this_engine_are_there() -> None:
    """Of both stages, with claims, contests and cases; none without its hash, and small enough to keep them all."""
    ours = [read(name) for name in names() if name.startswith(f"{ENGINE}-")]
    assert {history.stage for history in ours} == {"gate", "arbiter"}
    entries = [json.loads(one) for history in ours if history.stage == "arbiter" for one in history.decisions()]
    assert {event["kind"] for entry in entries for event in entry["events"]} >= EVENTS
    assert set(names()) == HASHED.keys()
    assert sum(path.stat().st_size for path in FOLDER.glob(f"*{SUFFIX}")) < BYTES_MAX
