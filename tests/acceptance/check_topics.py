"""Checks of the topics: partitions, retention, largest message and timestamps are those of wire.md section 1."""

from __future__ import annotations

from collections.abc import Iterator

from tests.acceptance.evidence import Evidence
from tests.acceptance.setting import LANES
from tests.acceptance.topics import DAY_MS, LANE_TOPICS, MEBIBYTE, OWN_TOPICS_DAYS
from tests.acceptance.verdicts import Verdicts

PARTITIONS = {"bus.control": 1, "bus.escalations": 3, "bus.refused": 3, "bus.snapshots": 1, "bus.published": 1}
PER_PARTITION = ("bus.arbiter", "bus.journal", "bus.outcomes")
RESERVED_LANES = ("operators", "desk")


def check_topics(evidence: Evidence, verdicts: Verdicts) -> None:
    """The promises of section 1 about topics the bus itself made."""
    verdicts.check("the bus's topics have the partitions of the wire page", _partitions(evidence))
    verdicts.check("the bus's topics have the settings of the wire page", _settings(evidence))
    verdicts.check("records of one source stand in the partition of their key", _placed(evidence))


def _partitions(evidence: Evidence) -> Iterator[str]:
    expected: dict[str, int] = PARTITIONS | dict.fromkeys(PER_PARTITION, int(evidence.genesis["partitions"]))
    for lane in (*RESERVED_LANES, *LANES):
        expected.update({f"bus.{kind}.{lane}": 1 for kind in LANE_TOPICS})
    for name, count in expected.items():
        found = len(evidence.topics.get(name, []))
        if found != count:
            yield f"{name} has {found} partitions, expected {count}"


def _settings(evidence: Evidence) -> Iterator[str]:
    due: dict[str, dict[str, str]] = {name: _own(days) for name, days in OWN_TOPICS_DAYS.items()}
    for lane in RESERVED_LANES:
        for kind, lane_settings in LANE_TOPICS.items():
            own = {name: str(value) for name, value in lane_settings.items()}
            due[f"bus.{kind}.{lane}"] = _own(-1) | own
        due[f"bus.in.{lane}"]["retention.ms"] = "-1"
    due["bus.published"] = {"cleanup.policy": "compact"}
    for name in due.keys() & evidence.settings.keys():
        settings = evidence.settings[name]
        for setting, value in due[name].items():
            if settings.get(setting) != value:
                yield f"{name}: {setting} is {settings.get(setting)}, expected {value}"


def _own(days: int) -> dict[str, str]:
    retention_ms = -1 if days < 0 else days * DAY_MS
    return {
        "retention.ms": str(retention_ms),
        "max.message.bytes": str(2 * MEBIBYTE),
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
    }


def _placed(evidence: Evidence) -> Iterator[str]:
    for log in evidence.topics["bus.outcomes"]:
        for record in log:
            if (record.last("bus-from") or "").split(".")[-1] != str(record.partition):
                yield f"{record.src} is of {record.last('bus-from')}: not its journal's partition"
