"""Everything a stranger can read after a run, and what the tests' oracle says the gates should have written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.acceptance.chain import Segment, fold_segments
from tests.acceptance.control_oracle import Registry
from tests.acceptance.gate_oracle import GateOracle, Row
from tests.acceptance.setting import GOVERNED
from tests.acceptance.topics import Cluster, Log, TestsStopError
from tests.acceptance.wire import Json


@dataclass(slots=True)
class Evidence:
    """All records of all topics, the valid chains, and the oracle's rows by lane."""

    topics: dict[str, Log]
    genesis: Json
    registry: Registry
    gate: dict[str, list[Segment]] = field(default_factory=dict)
    journal: list[list[Segment]] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    topic_ids: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def gen(self) -> int:
        """The generation."""
        return int(self.genesis["gen"])

    @property
    def lanes(self) -> list[str]:
        """All lanes that have topics."""
        return sorted(name.removeprefix("bus.in.") for name in self.topics if name.startswith("bus.in."))

    def row(self, src: str) -> Row | None:
        """The oracle's row for coordinates like `bus.in.sales/0/512`."""
        topic, _, offset = src.rpartition("/")
        rows = self.rows.get(topic.removeprefix("bus.in.").removesuffix("/0"), [])
        # bus.in.* is written without transactions: its offsets have no holes.
        return rows[int(offset)] if offset.isdigit() and int(offset) < len(rows) else None

    def written_rows(self, lane: str) -> dict[int, list[Json]]:
        """The rows of the valid chain of a lane, by offset."""
        held: dict[int, list[Json]] = {}
        for segment in self.gate[lane]:
            for row in segment.content.get("rows", []):
                held.setdefault(row[0], []).append(row)
        return held

    def entries(self, partition: int) -> list[Json]:
        """The entries of the valid chain of a partition, in order."""
        return [entry for segment in self.journal[partition] for entry in segment.content.get("entries", [])]


def gather(cluster: Cluster) -> Evidence:
    """Read every topic of the bus and the governed ones, fold the chains, and let the oracle judge every message."""
    transactional = {*GOVERNED, "bus.published"}
    plain = [name for name in cluster.partitions() if name.startswith("bus.") and name not in transactional]
    topics = cluster.read_all(plain, isolation="read_uncommitted")
    topics |= cluster.read_all(transactional, isolation="read_committed")
    evidence = judged(topics)
    evidence.topic_ids = cluster.topic_ids(list(topics))
    evidence.settings = cluster.settings(topics)
    return evidence


def judged(topics: dict[str, Log]) -> Evidence:
    """Fold the chains found in these topics and let the oracle judge every message in them."""
    genesis = _genesis(topics)
    evidence = Evidence(topics, genesis, Registry(tuple(genesis["stewards"])))
    for lane in evidence.lanes:
        evidence.gate[lane] = fold_segments(topics.get(f"bus.gate.{lane}", [[]])[0])
    evidence.journal = [fold_segments(log) for log in topics["bus.journal"]]
    _judge(evidence)
    return evidence


def _genesis(topics: dict[str, Log]) -> Json:
    control = topics.get("bus.control", [[]])[0]
    if not control or control[0].key != b"genesis":
        raise TestsStopError("bus.control does not begin with a record of key genesis: agentbus init has not run")
    return json.loads(control[0].value or b"{}")


def _judge(evidence: Evidence) -> None:
    # Control is what the gate of operators accepted, so that lane is judged first.
    for lane in sorted(evidence.lanes, key=lambda name: name != "operators"):
        oracle = GateOracle(lane, evidence.registry, evidence.genesis["partitions"])
        in_force = _controls(evidence.gate[lane])
        rows, control = [], 0
        for record in evidence.topics[f"bus.in.{lane}"][0]:
            control = in_force.get(record.offset, control)
            rows.append(oracle.judge(record, evidence.registry.last if lane == "operators" else control))
        evidence.rows[lane] = rows


def _controls(segments: list[Segment]) -> dict[int, int]:
    """The control number under which each offset was judged, as the lane's segments say."""
    return {
        offset: segment.content["control"]
        for segment in segments
        if segment.covers
        for offset in range(segment.content["from"], segment.content["to"] + 1)
    }
