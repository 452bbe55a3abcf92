"""A store says what is to be done with an action: once, never under an old token, and again if it was cut short."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus.client import MemoryStore, SqliteStore, Store
from bus.client.stores import MEMORY_KEPT_MAX, Begun, Report

LEAD = "lead/L-1"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store."""
    if request.param == "memory":
        yield MemoryStore()
        return
    made = SqliteStore(tmp_path / "done.db")
    yield made
    made.close()


def test_what_is_finished_is_not_done_again(store: Store) -> None:
    """A decision goes once; until it is finished it may have to be done again."""
    assert store.begin("1.0.1.0", LEAD, 7) is Begun.GO
    assert store.begin("1.0.1.0", LEAD, 7) is Begun.AGAIN
    store.finish("1.0.1.0", "done", "")
    assert store.begin("1.0.1.0", LEAD, 7) is Begun.DONE


def test_a_lower_token_is_stale(store: Store) -> None:
    """Once a higher token has begun, lower ones on the same subject are left out, and finished as failed."""
    assert store.begin("1.0.2.0", LEAD, 9) is Begun.GO
    assert store.begin("1.0.1.0", LEAD, 7) is Begun.STALE
    assert store.begin("1.0.1.0", LEAD, 7) is Begun.DONE
    assert store.begin("1.0.3.0", LEAD, 9) is Begun.GO
    assert store.begin("1.0.1.1", "lead/L-2", 7) is Begun.GO
    (report,) = store.unreported(9)
    assert (report.decision, report.result) == ("1.0.1.0", "failed")
    assert "9" in report.detail


def test_a_retry_may_be_stale_by_now(store: Store) -> None:
    """What was begun under a token that has been overtaken meanwhile is not done again."""
    store.begin("1.0.1.0", LEAD, 7)
    store.begin("1.0.2.0", LEAD, 9)
    assert store.begin("1.0.1.0", LEAD, 7) is Begun.STALE


def test_what_needs_no_token_is_never_stale(store: Store) -> None:
    """A plain message has no token, and raises none."""
    assert store.begin("1.0.2.0", LEAD, 9) is Begun.GO
    assert store.begin("1.0.3.0", LEAD, None) is Begun.GO
    assert store.begin("1.0.4.0", LEAD, 9) is Begun.GO


def test_reports_wait_until_they_are_told(store: Store) -> None:
    """Every result is told once, in the order in which the actions began."""
    for number, result in enumerate(("done", "failed"), start=1):
        store.begin(f"1.0.{number}.0", LEAD, number)
        store.finish(f"1.0.{number}.0", "done" if result == "done" else "failed", result)
    store.begin("1.0.3.0", LEAD, 3)
    wanted = [Report("1.0.1.0", LEAD, "done", "done"), Report("1.0.2.0", LEAD, "failed", "failed")]
    assert store.unreported(9) == wanted
    assert store.unreported(1) == wanted[:1]
    store.reported("1.0.1.0")
    assert store.unreported(9) == wanted[1:]


def test_memory_is_bounded() -> None:
    """A store in memory forgets the oldest."""
    store = MemoryStore()
    for number in range(MEMORY_KEPT_MAX + 1):
        store.begin(f"1.0.{number}.0", f"lead/{number}", 1)
    assert store.begin("1.0.0.0", "lead/0", 1) is Begun.GO
    assert store.begin(f"1.0.{MEMORY_KEPT_MAX}.0", f"lead/{MEMORY_KEPT_MAX}", 1) is Begun.AGAIN


def test_a_file_remembers_over_a_restart(tmp_path: Path) -> None:
    """Opened again, the store knows what was done, what was begun, and the highest token."""
    first = SqliteStore(tmp_path / "done.db")
    first.begin("1.0.1.0", LEAD, 7)
    first.finish("1.0.1.0", "done", "")
    first.begin("1.0.2.0", LEAD, 9)
    first.close()
    again = SqliteStore(tmp_path / "done.db")
    assert again.begin("1.0.1.0", LEAD, 7) is Begun.DONE
    assert again.begin("1.0.2.0", LEAD, 9) is Begun.AGAIN
    assert again.begin("1.0.3.0", LEAD, 8) is Begun.STALE
    again.close()


def _begin_many(path: str, results: Callable[[list[str]], None]) -> None:
    store = SqliteStore(path)
    results([store.begin(f"1.0.{number}.0", LEAD, 7).value for number in range(100)])
    store.close()


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    """Two executors that begin the same hundred actions at once: each goes to one of them."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    path = str(tmp_path / "done.db")
    SqliteStore(path).close()
    processes = [context.Process(target=_begin_many, args=(path, queue.put)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [queue.get(), queue.get()]
    for process in processes:
        process.join()
    assert all(sorted(pair) == ["again", "go"] for pair in zip(*found, strict=True))


def test_a_store_that_cannot_be_is_said(tmp_path: Path) -> None:
    """No folder, no store: one sentence."""
    with pytest.raises(OSError, match="cannot be used as a store"):
        SqliteStore(tmp_path / "no" / "folder.db")
