"""What the doctor says of values that no development broker can have: old versions, wrong clocks, several brokers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bus.cli.checkup import access, clocks, cluster, journals, machine, stages, topics
from bus.cli.checkup.chain_watch import ChainWatch
from bus.cli.checkup.lines import Checkup, Line, State, duration, not_looked, ok, some, unseen
from bus.core.log.records import Record
from bus.shell.acl_compare import AclDifference, FoundAcl
from bus.shell.acls import Grant, Operation, Pattern, Resource
from bus.shell.errors import NotPermittedError, RetryableError
from bus.shell.reach import KafkaVersion
from bus.shell.topic_check import Mend, TopicDifference, TopicReport
from tests.doctor.conftest import chain
from tests.tidy.promises import in_code

MINUTE_MS = 60_000
GRANT = Grant("User:sales", Resource.TOPIC, "bus.in.sales", Pattern.LITERAL, Operation.WRITE)
LANE = ("bus.in.sales", 0)


def _states(lines: Iterable[Line]) -> list[str]:
    return [line.state.value for line in lines]


def _only(lines: Iterable[Line]) -> Line:
    (line,) = lines
    return line


def _all_have_a_remedy(lines: Iterable[Line]) -> bool:
    return all(line.remedy for line in lines if line.state is State.WRONG)


@pytest.mark.parametrize(
    ("version", "is_free_threaded", "has_lock", "state"),
    [
        ((3, 10), False, True, "wrong"),
        ((3, 11), False, True, "ok"),
        ((3, 14), False, True, "ok"),
        ((3, 15), False, True, "wrong"),
        ((3, 14), True, False, "note"),
        ((3, 14), True, True, "ok"),
    ],
)
def test_pythons(version: tuple[int, int], *, is_free_threaded: bool, has_lock: bool, state: str) -> None:
    """Those the bus is tested with are ok, a free-threaded one without its lock is noted."""
    assert _states(machine.python(version, is_free_threaded=is_free_threaded, has_lock=has_lock)) == [state]


def test_every_variable_that_is_read_is_known() -> None:
    """The doctor's list is the code's: a new setting is never called a typing error."""
    assert set(machine.known_variables()) == set(in_code("settings"))


@pytest.mark.parametrize(("free_mib", "state"), [(100, "wrong"), (500, "note"), (5_000, "ok")])
def test_room_on_a_disk(free_mib: int, state: str) -> None:
    """Too little to start is wrong, little is noted."""
    assert machine.disk("the cache", Path("/var/cache"), free_mib * machine.MIB).state == state


@pytest.mark.parametrize(
    ("version", "state"),
    [("", "wrong"), ("3.3", "note"), ("3.9", "note"), ("4.0", "ok"), ("4.3", "ok"), ("4.3 or newer", "ok")],
)
def test_versions_of_kafka(version: str, state: str) -> None:
    """Older than what is needed is wrong, than what is tested a note."""
    assert cluster.version_line(version).state == state


def test_brokers_of_two_versions_and_old_features() -> None:
    """An upgrade that was not finished is seen in both."""
    told = {"a:1": KafkaVersion("4.3", "4.0"), "b:1": KafkaVersion("4.1", "4.0")}
    checks = [line.check for line in cluster.version_lines(told) if line.state is State.NOTE]
    assert checks == ["version", "features"]


def _cluster(
    settings: Mapping[str, str], controller: int | None = 1, *, brokers: int = 3, kept: Mapping[str, int] = {}
) -> cluster.Cluster:
    named = {name.replace("_", "."): value for name, value in settings.items()}
    told = tuple(cluster.Broker(n, f"b{n}:1", {"log.dirs": "/var", **named}) for n in range(1, brokers + 1))
    return cluster.Cluster("c", controller, told, kept=kept)


@pytest.mark.parametrize(
    "settings",
    [
        {"auto_create_topics_enable": "true"},
        {"unclean_leader_election_enable": "true"},
        {"offsets_topic_replication_factor": "1"},
        {"transaction_state_log_replication_factor": "1"},
    ],
    ids=str,
)
def test_settings_of_brokers(settings: dict[str, str]) -> None:
    """Each endangers something of its own, and has its remedy."""
    line = _only(cluster.broker_lines(_cluster(settings)))
    assert line.state is State.WRONG
    assert line.remedy


def test_a_broker_with_which_no_stage_can_join() -> None:
    """Each such broker is named."""
    lines = list(cluster.broker_lines(_cluster({"group_min_session_timeout_ms": "10000"}, brokers=2)))
    assert _states(lines) == ["wrong", "wrong"]


KEPT = "__consumer_offsets"
MADE_WITH_ONE = {"offsets_topic_replication_factor": "1", "transaction_state_log_replication_factor": "1"}


@pytest.mark.parametrize(
    ("brokers", "there", "wanted", "state"),
    [(3, 1, 3, "wrong"), (3, 2, 3, "wrong"), (3, 3, 3, "ok"), (2, 2, 3, "ok"), (1, 1, 3, "ok"), (3, 1, 1, "ok")],
)
def test_copies_of_what_the_stages_have_done(brokers: int, there: int, wanted: int, state: str) -> None:
    """The topic's own copies count, not what it would be made with; as many as there are brokers for."""
    kept = {KEPT: there, "__transaction_state": there}
    found = _cluster(MADE_WITH_ONE, brokers=brokers, kept=kept)
    assert set(_states(cluster.broker_lines(found, copies=wanted))) == {state}


@pytest.mark.parametrize(("brokers", "set_to", "remedy"), [(3, 1, "=3 "), (1, 3, "=1 "), (2, 3, "=2 ")])
def test_what_kafkas_own_topics_will_be_made_with(brokers: int, set_to: int, remedy: str) -> None:
    """Too few copies are wrong, and more than there are brokers, with which the topic can never be made."""
    found = _cluster({"offsets_topic_replication_factor": str(set_to)}, brokers=brokers)
    line = _only(cluster.broker_lines(found))
    assert line.state is State.WRONG
    assert f"offsets.topic.replication.factor{remedy}" in line.remedy


@pytest.mark.parametrize(
    ("in_step", "brokers", "wanted", "state"), [(1, 3, 3, "wrong"), (2, 3, 3, "ok"), (1, 1, 3, "ok")]
)
def test_a_second_copy_has_what_transactions_have_done(in_step: int, brokers: int, wanted: int, state: str) -> None:
    """Else what was released could be released again; a single broker has no second copy."""
    found = _cluster({}, brokers=brokers, kept={KEPT: brokers, "__transaction_state": brokers})
    assert set(_states(cluster.broker_lines(replace(found, in_step=in_step), copies=wanted))) == {state}


def test_what_a_second_copy_of_transactions_will_have() -> None:
    """As long as the topic is not made the brokers' setting counts."""
    line = _only(cluster.broker_lines(_cluster({"transaction_state_log_min_isr": "1"})))
    assert (line.state, "transaction.state.log.min.isr=2" in line.remedy) == (State.WRONG, True)


def test_brokers_on_one_machine_are_noted() -> None:
    """Three copies that one power cut takes are one; where one copy is enough nothing is said."""
    apart = _cluster({})
    together = replace(apart, brokers=tuple(replace(one, address=f"b:{one.number}") for one in apart.brokers))
    assert _states(cluster.broker_lines(together)) == ["ok", "note"]
    assert _states(cluster.broker_lines(together, copies=1)) == ["ok"]


def test_a_broker_on_its_own_as_it_must_be_is_ok() -> None:
    """One copy is all there can be."""
    assert _states(cluster.broker_lines(_cluster(MADE_WITH_ONE, brokers=1))) == ["ok"]


def test_a_cluster_without_a_controller() -> None:
    """Nothing can be made, no leader moves."""
    assert _states(cluster.cluster_lines(_cluster({}, controller=None))) == ["wrong"]


def test_settings_that_are_not_told_are_said_to_be_so() -> None:
    """Not looked at, and who may ask."""
    untold = cluster.Cluster("c", 1, (cluster.Broker(1, "a:1", {}),), "cluster authorization failed")
    assert _states(cluster.broker_lines(untold)) == ["unseen"]


@pytest.mark.parametrize(
    ("ahead_ms", "state"),
    [
        (0, "ok"),
        (900, "ok"),
        (2_000, "note"),
        (-2_000, "note"),
        (25_000, "note"),
        (-25_000, "wrong"),
        (250_000, "wrong"),
    ],
)
def test_the_clock_of_this_machine(ahead_ms: int, state: str) -> None:
    """So far behind or ahead that messages are stale is wrong; the broker ahead of it means that it is behind."""
    assert _states(clocks.clock_lines([clocks.Reading(1, ahead_ms, 2)], 100)) == [state]


@pytest.mark.parametrize(("apart_ms", "state"), [(50, "ok"), (104, "ok"), (150, "wrong")])
def test_the_clocks_of_the_brokers(apart_ms: int, state: str) -> None:
    """Wrong only beyond what genesis allows and what the reading leaves open."""
    readings = [clocks.Reading(1, 0, 2), clocks.Reading(2, apart_ms, 2)]
    (line,) = [line for line in clocks.clock_lines(readings, 100) if line.check == "brokers' clocks"]
    assert line.state == state


@pytest.mark.parametrize(("copies", "told"), [(1, []), (3, ["note"])])
def test_what_followers_lag_behind_counts_as_skew(copies: int, told: list[str]) -> None:
    """Where records have copies, skew_ms must cover more than the brokers' clocks, and that is said."""
    assert _states(clocks.lag_lines(copies, 100)) == told


def test_work_that_nobody_owns() -> None:
    """A member is there, and one lane is nobody's."""
    stage = stages.Stage("gate", "bus-gate", (LANE, ("bus.in.crm", 0)))
    line = _only(stages.stage_lines(stage, stages.Group(False, ("bus-1 at h",), frozenset({LANE}))))
    assert (line.state, "nobody owns bus.in.crm" in line.sentence) == (State.WRONG, True)


def test_a_group_that_shares_its_work_out_anew() -> None:
    """It is looked at again in a moment, and called nothing worse."""
    stage = stages.Stage("gate", "bus-gate", (LANE,))
    assert _states(stages.stage_lines(stage, stages.Group(True, ("a",), frozenset()))) == ["note"]


@pytest.mark.parametrize(("first", "second", "state"), [(9, 9, "ok"), (5, 7, "note"), (5, 5, "wrong")])
def test_behind_and_on_the_way_or_standing_still(first: int, second: int, state: str) -> None:
    """Two looks tell the one from the other."""
    before, after = ([stages.Lag(stages.GATE, LANE, at, 9)] for at in (first, second))
    assert _states(stages.lag_lines(before, after)) == [state]


@pytest.mark.parametrize(
    "difference",
    [
        AclDifference((GRANT,), (), (), (), 9),
        AclDifference((), (FoundAcl(GRANT),), (), (), 9),
        AclDifference((), (), (FoundAcl(GRANT, is_denial=True),), (), 9),
    ],
    ids=["missing", "extra", "denied"],
)
def test_acls_that_differ(difference: AclDifference) -> None:
    """Missing, too many and denied: each wrong, each with what to do, and naming the grant."""
    line = _only(access.difference_lines(difference))
    assert line.state is State.WRONG
    assert "User:sales write topic bus.in.sales" in line.sentence
    takes_away = bool(difference.extra or difference.denied)
    assert ("acls apply --remove-extra" in line.remedy) is takes_away  # without it nothing is ever taken away
    assert "agentbus acls apply" in line.remedy


def test_acls_as_they_must_be() -> None:
    """Counted, and ok."""
    assert _states(access.difference_lines(AclDifference((), (), (), (), 9))) == ["ok"]


def test_a_governed_topic_that_is_missing() -> None:
    """Told apart from the bus's own: its owner decides on its partitions."""
    missing = TopicDifference("leads", "", "missing", "its owner's choice", Mend.CREATE)
    line = _only(topics.difference_lines(TopicReport(("leads",), (missing,)), copies=3))
    assert (line.check, line.state) == ("governed", State.WRONG)
    assert "--governed-partitions" in line.remedy


def test_the_same_fault_of_many_topics_is_one_line() -> None:
    """With the first few named and the rest counted."""
    alike = [TopicDifference(f"bus.out.l{n}", "retention.ms", "1", "604800000", Mend.ALTER) for n in range(9)]
    line = _only(topics.difference_lines(TopicReport((), tuple(alike)), copies=3))
    assert "and 4 more: retention.ms=1, so that history goes too early" in line.sentence


def test_partitions_without_a_leader_or_with_a_late_copy() -> None:
    """The one cannot be written at all, the other only less safely."""
    assert _states(topics.alive_lines(["bus.journal/1"], ["bus.control/0"])) == ["wrong", "note"]


def test_what_may_not_be_looked_at_is_said_to_be_so() -> None:
    """Too few permissions are no fault, and no good health either: the line says that it was not looked at."""
    for error in (
        NotPermittedError("no"),
        NotPermittedError("this login may not see it"),
        RetryableError("x: Group authorization failed"),
    ):
        line = not_looked("acls", error)
        assert line.state is State.UNSEEN
        assert line.sentence.count("this login may not") == 1


def test_groups_that_are_not_looked_at_are_counted_apart() -> None:
    """What keeps one from looking at several groups counts for each of them, and is no note."""
    checkup = Checkup(lambda line: None)
    checkup.look("Kafka", "genesis", lambda: [not_looked("genesis", NotPermittedError("no"))])
    rest = unseen("the rest", "it takes the genesis", skipped=("topics", "clocks"))
    checkup.look("Kafka", "the rest", lambda: [rest])
    checkup.look("this machine", "python", lambda: [ok("python", "Python 3.12")])
    assert checkup.unseen_groups == ["Kafka", "topics", "clocks"]
    assert (checkup.wrong, checkup.notes, checkup.needs_admin) == (0, 0, True)


def _watched(values: list[bytes], *, first: int = 0, is_from_start: bool = True) -> ChainWatch:
    watch = ChainWatch(first, is_from_start=is_from_start)
    for number, value in enumerate(values[first:], start=first):
        watch.take(Record("bus.journal", 0, number, 0, None, value, ()))
    return watch


TAKEOVERS = chain(*[{"kind": "takeover", "nonce": str(n), "mark": 0} for n in range(6)])


def test_a_tail_is_a_chain_though_its_beginning_is_not_read() -> None:
    """What stands before it is left open, and nothing more is needed."""
    watch = _watched(TAKEOVERS, first=3, is_from_start=False)
    watch.close(len(TAKEOVERS), None)
    assert (watch.breaks, watch.segments, watch.needs_more) == ([], 4, False)


def test_a_tail_with_a_changed_segment_asks_for_the_whole() -> None:
    """It cannot tell a lost race from a forgery; the whole journal can."""
    changed = [*TAKEOVERS[:4], TAKEOVERS[4].replace(b'"nonce":"3"', b'"nonce":"9"'), *TAKEOVERS[5:]]
    assert _watched(changed, first=2, is_from_start=False).needs_more
    whole = _watched(changed)
    whole.close(len(changed), None)
    assert whole.breaks


@pytest.mark.parametrize("mark", [8, 99])
def test_a_mark_beyond_the_chain_means_that_its_end_was_cut(mark: int) -> None:
    """The owner had sent what is no longer there."""
    watch = _watched(TAKEOVERS)
    watch.close(len(TAKEOVERS), mark)
    assert watch.breaks


def test_how_far_control_is_known_to_have_been_sent() -> None:
    """By the segments below the mark; None if those that were read are all above it."""
    rows: list[dict[str, object]] = [
        {"kind": "gate", "control": number, "rows": [], "from": number, "to": number} for number in (3, 3, 4, 5)
    ]
    values = chain(*rows)
    for mark, sent in ((0, None), (3, 3), (4, 4), (5, 5)):
        watch = _watched(values)
        watch.close(len(values), mark)
        assert (watch.control, watch.control_sent) == (5, sent)


def test_a_hole_in_a_journal_is_a_break() -> None:
    """Records that are missing in the middle were taken away."""
    watch = ChainWatch(0, is_from_start=True)
    for number in (0, 1, 3):
        watch.take(Record("bus.journal", 0, number, 0, None, TAKEOVERS[number], ()))
    assert any("offsets 2 to 2 are missing" in sentence for sentence in watch.breaks)


def _journal(watch: ChainWatch) -> journals.JournalSeen:
    return journals.JournalSeen(("bus.journal", 0), 0, watch.next_offset, watch)


def test_an_older_engine_is_no_fault() -> None:
    """What it wrote is replayed by this one."""
    watch = ChainWatch(1, is_from_start=True, engines={"0.9"})
    line = _only(journals.engine_lines([_journal(watch)], "1.0"))
    assert line.state is State.OK


def test_take_overs_long_ago_are_calm() -> None:
    """Only the last hour counts."""
    watch = ChainWatch(1, is_from_start=True, took_over_at=[n * MINUTE_MS for n in range(20)])
    assert _only(journals.churn_lines([_journal(watch)], 300 * MINUTE_MS)).state is State.OK
    assert _only(journals.churn_lines([_journal(watch)], 20 * MINUTE_MS)).state is State.NOTE


def test_a_fight_is_wrong_while_it_lasts_and_a_note_after_it() -> None:
    """Two processes of one name take a journal from one another every few seconds; two minutes later it is history."""
    watch = ChainWatch(1, is_from_start=True, took_over_at=[n * 15_000 for n in range(8)])
    line = _only(journals.churn_lines([_journal(watch)], 120_000))
    assert line.state is State.WRONG
    assert "--instance" in line.remedy
    assert _only(journals.churn_lines([_journal(watch)], 120_000 + 2 * MINUTE_MS)).state is State.NOTE


def test_words() -> None:
    """Many names end in a count, spans of time are said as people say them."""
    assert some(range(7)) == "0, 1, 2, 3, 4 and 2 more"
    assert [duration(seconds) for seconds in (40, 600, 7_200 * 2, 86_400 * 5)] == ["40 s", "10 min", "4 h", "5 days"]
