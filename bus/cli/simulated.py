"""Hands the logs of a simulated world to the auditor's checks, as if they had been read from a Kafka."""

from typing import TYPE_CHECKING

from bus.core.log import topics

if TYPE_CHECKING:
    from bus.audit.evidence import Evidence
    from bus.audit.verify import Report
    from bus.sim.checkers.reading import Violation
    from bus.sim.run import Run
    from bus.sim.world import World


def evidence_of(world: "World", source: str) -> "Evidence":
    """Everything the checks may look at; only what is committed of what is written in transactions."""
    from bus.audit.evidence import ARBITER_PUBLISHED, GATE_GROUP, GATE_PUBLISHED, Evidence, Log

    broker, logs = world.broker, {}
    for place in sorted(broker.partitions):
        is_committed = not place[0].startswith("bus.") or place[0] == topics.PUBLISHED
        records = tuple(broker.records(place, is_committed=is_committed))
        logs[place] = Log(0, broker.end(place, is_committed=is_committed), records)
    groups = (GATE_GROUP, GATE_PUBLISHED, ARBITER_PUBLISHED)
    marks = {
        group: {(topic, p): at for (name, topic, p), at in broker.committed.items() if name == group}
        for group in groups
    }
    ids = {topic: broker.topic_id(topic) for topic in broker.counts}
    return Evidence(source, logs, marks, ids, dict(broker.counts))


def audited(run: "Run") -> "Report":
    """What the auditor finds in the logs that a run has left."""
    from bus.audit.verify import verify

    return verify(evidence_of(run.world, f"seed {run.seed}"), (), lambda _: None)


# Which invariant each check of the auditor stands for.
INVARIANT_OF = {
    "files": "I12",
    "chain": "I2",
    "fold": "I1",
    "completeness": "I4",
    "redecide": "I8",
    "contests": "I7",
    "outputs": "I12",
    "governed": "I11",
    "quiet": "I11",
}


def audit_violations(run: "Run") -> "list[Violation]":
    """The auditor's findings as violations; what is still moving at the end never comes to rest."""
    from bus.sim.checkers.reading import Violation

    found = []
    for check in audited(run).checks:
        name = INVARIANT_OF[check.name]
        found += [Violation(name, f"the auditor's check {check.name} finds {one}") for one in check.findings]
        found += [Violation("I11", f"the auditor's check {check.name} sees {one} still moving") for one in check.moving]
    return found
