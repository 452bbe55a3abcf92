"""Each question an operator asks has its metric, under the name that a scrape shows."""

import json
import urllib.error
import urllib.request

import pytest
from prometheus_client import generate_latest

from bus.shell.metrics import Metrics
from bus.shell.readiness import Readiness
from bus.shell.serve import HttpServer


def scrape(metrics: Metrics) -> str:
    """What Prometheus would read."""
    return generate_latest(metrics.registry).decode()


@pytest.mark.parametrize(
    ("method", "arguments", "line"),
    [
        (
            "decided",
            ("gate", "refused", "stale"),
            'agentbus_decisions_total{reason="stale",stage="gate",verdict="refused"} 1.0',
        ),
        ("happened", ("granted",), 'agentbus_events_total{kind="granted"} 1.0'),
        ("shadowed", ("a.b.c.v1",), 'agentbus_shadow_rules_total{type="a.b.c.v1"} 1.0'),
        ("published", ("bus.journal", 0.003), 'agentbus_publish_seconds_bucket{journal="bus.journal",le="0.005"} 1.0'),
        ("took_over", ("bus.journal", 2), 'agentbus_takeovers_total{journal="bus.journal"} 1.0'),
        ("took_over", ("bus.journal", 2), 'agentbus_void_segments_total{journal="bus.journal"} 2.0'),
        ("lost", ("bus.journal",), 'agentbus_ownership_lost_total{journal="bus.journal"} 1.0'),
        ("stopped", ("bus.journal", "x"), 'agentbus_partition_stopped{code="x",journal="bus.journal"} 1.0'),
        ("ticked", (("sales",),), "agentbus_ticks_total 1.0"),
        ("ticked", (("sales",),), 'agentbus_stalled_lanes_total{lane="sales"} 1.0'),
        ("publisher_ended", (), "agentbus_publisher_ends_total 1.0"),
        ("control", ("gate", 7), 'agentbus_control_number{stage="gate"} 7.0'),
        ("owned", ("gate", {"running": 3}), 'agentbus_partitions{phase="running",stage="gate"} 3.0'),
    ],
)
def test_what_is_noted_is_what_is_scraped(method: str, arguments: tuple[object, ...], line: str) -> None:
    """A note turns up under its documented name and labels."""
    metrics = Metrics()
    getattr(metrics, method)(*arguments)
    assert line in scrape(metrics).splitlines()


def test_publishing_is_a_histogram() -> None:
    """How long a segment takes from append to the last acknowledgement can be asked as a quantile."""
    assert "# TYPE agentbus_publish_seconds histogram" in scrape(Metrics()).splitlines()


def test_ready_is_told_only_when_every_stage_is() -> None:
    """/readyz answers 503 until each stage has joined, restored and is in force; the others answer at once."""
    stage = Readiness("gate")
    server = HttpServer("127.0.0.1", 0, Metrics(), [stage], lambda: True)
    server.start()
    address = f"http://127.0.0.1:{server.port}"
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/readyz")
        assert refused.value.code == 503
        stage.has_joined, stage.control, stage.phases = True, 4, {"running": 2}
        with urllib.request.urlopen(f"{address}/readyz") as answer:
            assert json.load(answer)["stages"][0] == {
                "stage": "gate",
                "ready": True,
                "partitions": {"running": 2},
                "control": 4,
            }
        with urllib.request.urlopen(f"{address}/healthz") as answer:
            assert json.load(answer) == {"alive": True}
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            assert b"agentbus_ticks_total" in answer.read()
    finally:
        server.stop()


def test_a_stage_that_restores_is_not_ready() -> None:
    """A partition that is still being restored keeps the whole process out of the balancer."""
    stage = Readiness("arbiter", phases={"running": 3, "restoring": 1}, control=2, has_joined=True)
    assert not stage.is_ready
