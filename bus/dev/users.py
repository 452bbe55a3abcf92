"""Makes the users of a secured development broker known to it, with the passwords in their client files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from bus.dev.answers import answers
from bus.dev.client_files import settings_of, write_clients
from bus.dev.errors import DevError

if TYPE_CHECKING:
    from bus.dev.broker import LocalBroker

# The least that Kafka takes: passwords of 18 random bytes need no slow hash.
SCRAM_ITERATIONS = 4096
CALL_TIMEOUT_S = 30.0
LOOK_S = 0.05


def make_users(broker: LocalBroker, users: Sequence[str]) -> None:
    """Give each of these users a client file and a login that works now; raises DevError."""
    passwords = write_clients(broker.data, users, bootstrap=broker.bootstrap)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0, **broker.admin_settings})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, SCRAM_ITERATIONS)
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, info, passwords[user].encode()) for user in users
    ]
    try:
        for future in admin.alter_user_scram_credentials(wanted, request_timeout=CALL_TIMEOUT_S).values():
            future.result()
    except KafkaException as error:
        step = f"try again; the broker's log is {broker.log_file}"
        raise DevError(f"Kafka does not take its users ({error.args[0].str()})", step) from error
    _await_logins(broker, users)


def _await_logins(broker: LocalBroker, users: Sequence[str]) -> None:
    """The controller has them; the broker learns of them a moment later, in the order in which they were made."""
    until_s = time.monotonic() + CALL_TIMEOUT_S
    for user in users:
        while not answers(broker.bootstrap, settings_of(broker.data, user)):
            if time.monotonic() > until_s:
                raise DevError(f"the new user {user} cannot log in", f"look into {broker.log_file}")
            time.sleep(LOOK_S)
