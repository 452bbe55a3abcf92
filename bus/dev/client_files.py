"""The users of a secured development broker: a password each, in a properties file that only its owner can read.

    <data>/clients/admin.properties    whoever runs the bus: may do everything
    <data>/clients/<user>.properties   bus.shell.acls says what they may do

The files are the memory: a restart finds the passwords in them.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from bus.dev.errors import DevError, disk_error

CLIENTS_FOLDER = "clients"
ADMIN = "admin"
# The administrator is known to the broker by its own settings, so that Kafka needs nobody to let it in.
ADMIN_MECHANISM = "PLAIN"
MECHANISM = "SCRAM-SHA-256"
PASSWORD_BYTES = 18
# A user's name is a file's name as well.
USER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700

_CLIENT_FILE = """\
# {user} on the development bus in {data}; rewritten at every start.
# A Java client takes the same lines, and instead of the last two:
#   sasl.jaas.config={login_module} required username="{user}" password="{password}";
bootstrap.servers={bootstrap}
security.protocol=SASL_PLAINTEXT
sasl.mechanism={mechanism}
sasl.username={user}
sasl.password={password}
"""
_LOGIN_MODULES = {
    ADMIN_MECHANISM: "org.apache.kafka.common.security.plain.PlainLoginModule",
    MECHANISM: "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def client_file(data: Path, user: str) -> Path:
    """Where the client properties of a user are; raises DevError if there can be no such user."""
    if not USER_NAME.fullmatch(user):
        raise DevError(f"{user!r} cannot be a user of a development bus", "use letters, digits, dots and dashes")
    return data / CLIENTS_FOLDER / f"{user}.properties"


def user_files(data: Path) -> list[Path]:
    """The client properties of all users, by name."""
    return sorted((data / CLIENTS_FOLDER).glob("*.properties"))


def settings_of(data: Path, user: str) -> dict[str, str]:
    """The client settings of a user, without the address; empty if there is no such user."""
    settings = _read(client_file(data, user))
    settings.pop("bootstrap.servers", None)
    return settings


def write_clients(data: Path, users: Sequence[str], *, bootstrap: str) -> dict[str, str]:
    """Write the properties of these users, with the password they had or a new one; the passwords by user.

    Raises DevError.
    """
    folder = data / CLIENTS_FOLDER
    passwords = {}
    try:
        folder.mkdir(mode=OWNER_ONLY_FOLDER, exist_ok=True)
        for user in users:
            path = client_file(data, user)
            passwords[user] = _read(path).get("sasl.password") or secrets.token_hex(PASSWORD_BYTES)
            mechanism = ADMIN_MECHANISM if user == ADMIN else MECHANISM
            text = _CLIENT_FILE.format(
                user=user,
                data=data,
                bootstrap=bootstrap,
                mechanism=mechanism,
                login_module=_LOGIN_MODULES[mechanism],
                password=passwords[user],
            )
            write_secret(path, text)
    except OSError as error:
        raise disk_error(error, folder) from error
    return passwords


def write_secret(path: Path, text: str) -> None:
    """Replace a file, readable by its owner alone from its first byte on; raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=OWNER_ONLY, exist_ok=False)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
