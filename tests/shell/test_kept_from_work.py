"""What keeps a stage from its work is told in our words: its double, an ACL that is gone, a topic that is gone."""

import time
from collections import deque

import pytest
from confluent_kafka import KafkaError, KafkaException
from structlog.testing import capture_logs

from bus.shell import kafka
from bus.shell.errors import FencedError
from bus.shell.gate_worker import GateWorker
from bus.shell.metrics import Metrics
from bus.shell.readiness import SETTLED_AFTER_S, Readiness

NOBODY = {"bootstrap.servers": "127.0.0.1:1"}


def _stage(**more: float | tuple[str, ...]) -> Readiness:
    return Readiness("gate", {"running": 2}, control=3, has_joined=True, round_s=time.monotonic(), **more)  # type: ignore[arg-type]


def test_a_double_is_named_with_its_remedy() -> None:
    """Kafka only says "fenced"; whoever started it twice must hear which name, and what to do."""
    worker = GateWorker(NOBODY, "bus-1", Metrics())
    error = KafkaError(KafkaError.FENCED_INSTANCE_ID, "Static consumer fenced by other consumer")
    with pytest.raises(FencedError) as told:
        worker._on_error(error, ("", 0))
    assert "instance name bus-1" in told.value.message
    assert "--instance" in told.value.next_step


def test_a_missing_acl_is_an_error_and_not_ready_and_said_once() -> None:
    """Kafka repeats it with every question."""
    worker = GateWorker(NOBODY, "", Metrics())
    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "not authorized")
    with capture_logs() as told:
        for _ in range(3):
            worker._on_error(error, ("bus.in.sales", 0))
    assert [(one["event"], one["log_level"]) for one in told] == [("stage_refused", "error")]
    assert "bus.in.sales" in told[0]["why"]
    assert "acls apply" in told[0]["next"]
    assert time.monotonic() - worker.readiness.refused_s < SETTLED_AFTER_S


@pytest.mark.parametrize(
    ("said", "is_refused"),
    [
        ("host:1/1: SASL authentication error: Authentication failed due to invalid credentials (after 9ms)", True),
        ("host:1/1: SaslAuthenticateRequest failed: Local: Broker transport failure (after 3ms)", False),
        ("host:1/1: SASL SCRAM-SHA-256 mechanism handshake failed: Local: Timed out: (after 30ms)", False),
    ],
)
def test_a_connection_that_broke_during_a_login_is_no_refusal(said: str, *, is_refused: bool) -> None:
    """Kafka's client has one name for both; only what a broker said is about user and password."""
    began_s = time.monotonic()
    kafka.no_stderr(KafkaError(KafkaError._AUTHENTICATION, said))
    assert (kafka.login_refusal(began_s) is not None) == is_refused


def test_while_kafka_is_away_one_question_in_passing_waits_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each partition asks for its topic in turn, in one thread: twelve must not wait a second each."""
    monkeypatch.setattr(kafka, "_unanswered_s", deque(maxlen=1))
    consumer = Silent()
    for p in range(12):
        kafka._learn(consumer, f"bus.in.lane-{p}")  # type: ignore[arg-type]  # all that is asked of a consumer here
    assert consumer.asked == 1


class Silent:
    """A client whose Kafka is away."""

    asked = 0

    def list_topics(self, topic: str, timeout: float) -> None:
        """No answer in time."""
        del topic, timeout
        self.asked += 1
        raise KafkaException(KafkaError(KafkaError._TRANSPORT, "away"))


@pytest.mark.parametrize(("ago_s", "is_ready"), [(0.0, False), (SETTLED_AFTER_S + 1, True)])
def test_what_was_refused_is_not_ready_for_a_while(ago_s: float, *, is_ready: bool) -> None:
    """The moments between two refusals are no health."""
    assert _stage(refused_s=time.monotonic() - ago_s).is_ready == is_ready


def test_a_lane_without_its_topic_is_not_ready_and_named() -> None:
    """Nobody else says that what is sent there has no way in."""
    stage = _stage(missing=("bus.in.sales",))
    assert not stage.is_ready
    assert stage.told()["missing"] == ["bus.in.sales"]


def test_the_metric_says_which_topic_is_gone_until_it_is_back() -> None:
    """One that came back is 0, not left at 1."""
    metrics = Metrics()

    def value() -> float | None:
        return metrics.registry.get_sample_value("agentbus_lane_topic_missing", {"topic": "bus.in.sales"})

    metrics.topics_missing(["bus.in.sales"], ["bus.in.sales"])
    gone = value()
    metrics.topics_missing(["bus.in.sales"], [])
    assert (gone, value()) == (1.0, 0.0)


def test_a_publisher_stands_at_no_control_number() -> None:
    """What a stage does not have is left out of /readyz."""
    assert "control" not in Readiness("publisher").told()


def test_a_refusal_that_is_long_ago_is_none_now() -> None:
    """A password put right is forgotten."""
    kafka.no_stderr(KafkaError(KafkaError._AUTHENTICATION, "x: SASL error: bad password (after 1ms in state AUTH)"))
    now_s = time.monotonic()
    told = kafka.login_refusal(now_s - 1, "kafka:9092")
    assert told is not None
    assert told.message == "Kafka at kafka:9092 does not let this client in (bad password)"
    assert kafka.login_refusal(now_s + 1) is None
