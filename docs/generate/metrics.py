"""The page of metrics, from the registry that a process serves."""

from typing import Any

from bus.shell.metrics import Metrics
from docs.generate import tables

INTRODUCTION = """
At `/metrics` of every process, for Prometheus. No id of a message, claim or agent is ever a label.
"""


def page() -> str:
    """The text of docs/reference/metrics.md."""
    rows = [_row(collector) for collector in Metrics().registry._collector_to_names]  # what it serves: no public way
    return tables.page("Metrics", INTRODUCTION, tables.table(("Metric", "Kind", "Labels", "What it says"), rows))


def _row(collector: Any) -> tuple[str, ...]:  # Any: the class that says its labels is private
    (metric,) = collector.describe() if not collector._labelnames else collector.collect()
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = ", ".join(collector._labelnames) or "–"
    return f"`{name}`", metric.type, labels, metric.documentation
