"""Makes the users of a secured development broker known to it, with the passwords in their client files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from bus.dev.answers import answers
from bus.dev.client_files import ADMIN, settings_of, write_clients
from bus.dev.errors import DevError
from bus.dev.server_files import LOG_FILE

# The least that Kafka takes: passwords of 18 random bytes need no slow hash.
SCRAM_ITERATIONS = 4096
CALL_TIMEOUT_S = 30.0
LOOK_S = 0.05


def make_users(data: Path, bootstrap: str, users: Sequence[str]) -> None:
    """Give each of these users a client file in ``data`` and a login that works now; raises DevError."""
    passwords = write_clients(data, users, bootstrap=bootstrap)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, **settings_of(data, ADMIN)})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, SCRAM_ITERATIONS)
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, info, passwords[user].encode()) for user in users
    ]
    try:
        for future in admin.alter_user_scram_credentials(wanted, request_timeout=CALL_TIMEOUT_S).values():
            future.result()
    except KafkaException as error:
        step = f"try again; the broker's log is {data / LOG_FILE}"
        raise DevError(f"Kafka does not take its users ({error.args[0].str()})", step) from error
    _await_logins(data, bootstrap, users)


def _await_logins(data: Path, bootstrap: str, users: Sequence[str]) -> None:
    """The controller has them; the broker learns of them a moment later."""
    until_s = time.monotonic() + CALL_TIMEOUT_S
    for user in users:
        while not answers(bootstrap, settings_of(data, user)):
            if time.monotonic() > until_s:
                raise DevError(f"the new user {user} cannot log in", f"look into {data / LOG_FILE}")
            time.sleep(LOOK_S)
