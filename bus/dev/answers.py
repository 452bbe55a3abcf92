"""Asks a Kafka whether it is there, the way any client would."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

# One question; the asker repeats it.
ANSWER_TIMEOUT_S = 2.0
# That nobody answers yet is no news while a broker starts.
_SILENT = logging.getLogger(__name__)
_SILENT.disabled = True
_NO_LOGIN: Mapping[str, str] = {}


def answers(bootstrap: str, login: Mapping[str, str] = _NO_LOGIN) -> bool:
    """Whether the cluster at `bootstrap` names a controller and at least one broker to write to.

    `login` has the client settings of somebody it knows, if it asks who is there.
    """
    settings: dict[str, str | int | float | bool] = {
        **login,
        "bootstrap.servers": bootstrap,
        "socket.timeout.ms": int(ANSWER_TIMEOUT_S * 1000),
        "socket.connection.setup.timeout.ms": 2000,
        "log_level": 0,
    }
    admin = AdminClient(settings, logger=_SILENT)
    try:
        cluster = admin.describe_cluster(request_timeout=ANSWER_TIMEOUT_S).result(ANSWER_TIMEOUT_S)
    except (KafkaException, TimeoutError):
        return False
    return cluster.controller is not None and len(cluster.nodes) > 0
