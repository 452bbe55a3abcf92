"""A golden history: what one partition read and wrote, as a file, and the two stages that replay it without a Kafka."""

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus.core.log.journal import parse_segment
from bus.core.log.records import Record, canonical
from bus.core.policy.control import Genesis, Registry, genesis_from_json
from bus.shell.arbiter_stage import ArbiterStage
from bus.shell.catalogue import built_in_contracts
from bus.shell.control_log import ControlLog
from bus.shell.gate_stage import GateStage
from bus.shell.gather import Gatherer
from bus.shell.metrics import Metrics
from bus.shell.snapshots.records import Packing

FOLDER = Path(__file__).parent
SUFFIX = ".json.gz"
HASHES = FOLDER / "state_hashes.json"
ITEMS = {"gate": "rows", "arbiter": "entries"}


@dataclass(frozen=True, slots=True)
class History:
    """``stage`` is gate or arbiter, ``partition`` its lane or number; ``control`` is empty for an arbiter."""

    stage: str
    partition: str
    engine: str
    genesis: Genesis
    control: tuple[Record, ...]
    records: tuple[Record, ...]
    segments: tuple[bytes, ...]

    def fresh_stage(self) -> Any:  # Any: one of the two stages
        """A stage that knows nothing but what stood on ``bus.control``."""
        if self.stage == "gate":
            log = ControlLog({}, built_in_contracts())
            for record in self.control:
                log._take(record)
            return GateStage(self.partition, "id", log, Gatherer(self.partition, lambda _: True), Metrics())
        by_offset = {record.offset: record for record in self.records}
        registry = Registry(self.genesis, built_in_contracts())
        return ArbiterStage(
            int(self.partition), "id", registry, Metrics(), lambda offsets: {o: by_offset[o] for o in offsets}
        )

    def batches(self) -> Iterator[list[Record]]:
        """The records of each segment."""
        for value in self.segments:
            segment = _parsed(value)
            yield [record for record in self.records if segment["from"] <= record.offset <= segment["to"]]

    def decisions(self) -> list[bytes]:
        """All rows or entries of the segments, each as its bytes."""
        segments = [_parsed(value) for value in self.segments]
        return [canonical(item) for segment in segments for item in segment[ITEMS[self.stage]]]

    def folded(self) -> Any:  # Any: as above
        """A stage that has folded every segment."""
        stage = self.fresh_stage()
        for value in self.segments:
            stage.fold(_parsed(value), is_published=True)
        return stage


def state_hash(stage: Any) -> str:  # Any: as above
    """The hash a snapshot of it would have."""
    packing = Packing()
    for _ in packing.pack(stage.copy_state().lines()):
        pass
    return packing.state_hash


def judged_again(history: History) -> list[bytes]:
    """The rows or entries of a stage that judges the records anew, in the same batches."""
    stage, found = history.fresh_stage(), list[bytes]()
    for batch in history.batches():
        draft, count = stage.draft(batch, poison=None)
        assert draft is not None
        assert draft.items is not None
        assert count == len(batch)
        found += draft.items[1]
    return found


def names() -> list[str]:
    """All histories, by the names of their files."""
    return sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))


def read(name: str) -> History:
    """Read one."""
    found = json.loads(gzip.decompress((FOLDER / f"{name}{SUFFIX}").read_bytes()))
    return History(
        found["stage"],
        found["partition"],
        found["engine"],
        genesis_from_json(found["genesis"]),
        tuple(_record(one) for one in found["control"]),
        tuple(_record(one) for one in found["records"]),
        tuple(segment.encode() for segment in found["segments"]),
    )


def write(name: str, history: History) -> None:
    """Write one; raises FileExistsError: none is ever changed."""
    told = {
        "stage": history.stage,
        "partition": history.partition,
        "engine": history.engine,
        "genesis": history.genesis.to_json(),
        "control": [_told(one) for one in history.control],
        "records": [_told(one) for one in history.records],
        "segments": [segment.decode() for segment in history.segments],
    }
    with (FOLDER / f"{name}{SUFFIX}").open("xb") as file:
        file.write(gzip.compress(canonical(told), mtime=0))


def _parsed(value: bytes) -> dict[str, Any]:  # Any: JSON
    segment = parse_segment(value)
    assert segment is not None
    return segment


def _told(record: Record) -> list[object]:
    headers = [[name, _text(value)] for name, value in record.headers]
    return [
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        _text(record.key),
        _text(record.value),
        headers,
    ]


def _record(told: Sequence[Any]) -> Record:  # Any: JSON
    topic, partition, offset, timestamp_ms, key, value, headers = told
    pairs = tuple((name, _bytes(text)) for name, text in headers)
    return Record(topic, partition, offset, timestamp_ms, _bytes(key), _bytes(value), pairs)


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
