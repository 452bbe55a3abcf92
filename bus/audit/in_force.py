"""What was in force when, who set it, and in which segment of which journal a decision is proven."""

import json
import sqlite3

from bus.audit.decisions import Proof, Setting
from bus.audit.index import Index
from bus.core.log import topics


class InForce:
    """Answers from the index: changes of control, and segments."""

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def _database(self) -> sqlite3.Connection:
        return self._index.database

    def setting(self, kind: str, name: str, *, rev: int | None = None, up_to: int | None = None) -> Setting | None:
        """A change by its revision, or the last one up to a control number."""
        wanted = "kind = ? AND name = ?" + (" AND rev = ?" if rev is not None else " AND number <= ?")
        return self._setting(f"{wanted} ORDER BY number DESC", (kind, name, rev if rev is not None else up_to))

    def control_before(self, p: int, o: int) -> int:
        """The control number that was in force in a partition before that record."""
        wanted = "SELECT body FROM entries WHERE p = ? AND o < ? AND verdict NOT IN ('tick', 'repeat')"
        found = self._database.execute(f"{wanted} ORDER BY o DESC LIMIT 1", (p, o)).fetchone()
        return int(json.loads(found[0])["basis"]["control"]) if found else 0

    def control(self, number: int) -> Setting | None:
        """The change with that control number."""
        return self._setting("number = ?", (number,))

    def next_setting(self, kind: str, name: str, after: int) -> Setting | None:
        """The first change of that name after a control number."""
        return self._setting("kind = ? AND name = ? AND number > ? ORDER BY number", (kind, name, after))

    def _setting(self, where: str, given: tuple[object, ...]) -> Setting | None:
        wanted = "SELECT number, kind, name, rev, value, source, at, src FROM changes"
        found = self._database.execute(f"{wanted} WHERE {where} LIMIT 1", given).fetchone()
        if found is None:
            return None
        number, kind, name, rev, value, source, at, src = found
        origin = topics.lane_and_offset(src)
        decision = f"{origin[0]}.{origin[1]}" if origin else ""
        return Setting(number, kind, name, rev, json.loads(value), source, at, decision)

    def proof(self, topic: str, partition: int, offset: int) -> Proof | None:
        """The segment at that offset of a journal, and the one it names."""
        up_to = "topic = ? AND partition = ? AND offset <= ? ORDER BY offset DESC"
        wanted = f"SELECT offset, kind, seq, hash, prev FROM segments WHERE {up_to}"
        found = self._database.execute(wanted, (topic, partition, offset))
        here = found.fetchone()
        if here is None or here[1] == "void":
            return None
        void, kind, before = 0, "", None
        for at, one, *_ in found:
            if one != "void":
                before, kind = at, one
                break
            void += 1
        return Proof(topic, partition, offset, here[2], here[3], here[4], before, void, kind == "takeover")
