"""What a topic differs from what the bus needs, and who can mend it."""

import dataclasses

import pytest

from bus.core.policy.control import Genesis, Registry
from bus.shell.catalogue import built_in_contracts
from bus.shell.cluster import DAY_MS, MEBIBYTE, TopicPlan
from bus.shell.topic_check import FoundTopic, Mend, compare_governed, compare_topic, needed_topics

PLAN = TopicPlan("bus.out.sales", 1, 7 * DAY_MS)
SETTINGS = {
    **PLAN.settings(),
    "retention.bytes": "-1",
    "min.insync.replicas": "2",
}
AS_WANTED = FoundTopic(1, 3, SETTINGS)


def _with(**settings: str) -> FoundTopic:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    return dataclasses.replace(AS_WANTED, settings={**SETTINGS, **named})


def _differs(found: FoundTopic | None, plan: TopicPlan = PLAN) -> list[tuple[str, str, str, Mend]]:
    return [(one.setting, one.found, one.wanted, one.mend) for one in compare_topic(plan, found, replication=3)]


def test_a_topic_that_is_as_it_must_be_differs_in_nothing() -> None:
    """No setting is looked at that the bus does not care about."""
    assert _differs(AS_WANTED) == []


def test_a_missing_topic_is_one_difference() -> None:
    """It is to be created, and nothing more is said of it."""
    assert _differs(None) == [("", "missing", "1 partition", Mend.CREATE)]


@pytest.mark.parametrize(
    ("setting", "found", "wanted"),
    [
        ("cleanup.policy", "compact", "delete"),
        ("message.timestamp.type", "CreateTime", "LogAppendTime"),
        ("unclean.leader.election.enable", "true", "false"),
        ("max.message.bytes", "1048588", str(2 * MEBIBYTE)),
        ("min.insync.replicas", "1", "2"),
        ("retention.ms", str(DAY_MS), str(7 * DAY_MS)),
        ("retention.bytes", "1000000", "-1"),
    ],
)
def test_a_wrong_setting_is_altered(setting: str, found: str, wanted: str) -> None:
    """Each setting that a promise rests on is compared."""
    topic = dataclasses.replace(AS_WANTED, settings={**SETTINGS, setting: found})
    assert _differs(topic) == [(setting, found, wanted, Mend.ALTER)]


@pytest.mark.parametrize("kept", [str(8 * DAY_MS), "-1"])
def test_keeping_records_longer_is_the_operators_choice(kept: str) -> None:
    """Nothing of the bus is lost by it."""
    assert _differs(_with(retention_ms=kept)) == []


def test_a_topic_kept_for_ever_may_not_end() -> None:
    """A journal with any end to its retention is wrong."""
    journal = TopicPlan("bus.gate.sales", 1, -1)
    assert _differs(AS_WANTED, journal) == [("retention.ms", str(7 * DAY_MS), "-1", Mend.ALTER)]


def test_other_partitions_and_too_few_copies_are_for_a_person() -> None:
    """Neither can be changed without moving what is there."""
    found = dataclasses.replace(AS_WANTED, partitions=2, replicas=1)
    assert _differs(found) == [("partitions", "2", "1", Mend.MIGRATE), ("replicas", "1", "3", Mend.MIGRATE)]


def test_more_copies_are_no_difference() -> None:
    """Three where one is enough."""
    assert not list(compare_topic(PLAN, AS_WANTED, replication=1))


def test_a_governed_topic_is_its_owners() -> None:
    """Partitions, retention and compaction are not compared; what says when a record came, and how safe it is, is."""
    settings = {**SETTINGS, "cleanup.policy": "compact", "retention.ms": "1", "max.message.bytes": "9999999"}
    own = FoundTopic(17, 3, settings)
    assert not list(compare_governed("leads", own, 3))
    wrong = dataclasses.replace(own, settings={**settings, "message.timestamp.type": "CreateTime"})
    assert [one.setting for one in compare_governed("leads", wrong, 3)] == ["message.timestamp.type"]
    assert [one.mend for one in compare_governed("leads", None, 3)] == [Mend.CREATE]


def test_each_lane_in_force_needs_its_topics() -> None:
    """The plan follows the registry."""
    genesis = Genesis(gen=1, domain="acme", partitions=12, stewards=("spiffe://acme/person/ana",))
    registry = Registry(genesis, built_in_contracts())
    with_sales = dataclasses.replace(registry, lanes={**registry.lanes, "sales": "User:sales"})
    more = {plan.name for plan in needed_topics(with_sales)} - {plan.name for plan in needed_topics(registry)}
    assert more == {"bus.in.sales", "bus.out.sales", "bus.gate.sales"}
    assert {plan.partitions for plan in needed_topics(registry) if plan.name == "bus.journal"} == {12}


def test_no_more_copies_are_asked_to_be_in_sync_than_there_are() -> None:
    """A topic of one copy that waits for two takes nothing any more: the missing copies are what is told."""
    assert [one[0] for one in _differs(dataclasses.replace(_with(min_insync_replicas="1"), replicas=1))] == ["replicas"]
