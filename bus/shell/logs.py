"""Structured logs on stderr: events with fixed keys, as text for people or JSON for machines."""

import logging
import os
import sys
from typing import Literal

import structlog

EVENT_WIDTH = 18  # as long as the names of events get
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up(level: Literal["debug", "info", "warning", "error"], form: Literal["text", "json"]) -> None:
    """Send all events to stderr, at this level and above; at a terminal with this machine's time of day."""
    renderer: structlog.typing.Processor
    is_watched = form == "text" and sys.stderr.isatty()
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        colors = is_watched and not os.environ.get("NO_COLOR")
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors, pad_event_to=EVENT_WIDTH, sort_keys=False, pad_level=False
        )
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_watched else "iso", utc=not is_watched)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
