"""Finds decisions in the index: by their id, by a message, by a subject, and what stands before and after each."""

import json
import sqlite3

from bus.audit.decisions import ArbiterDecision, GateDecision, Link, Words
from bus.audit.in_force import InForce
from bus.audit.index import Index
from bus.audit.standing import Standing, granted_at, resource_from_text
from bus.core.decision.entries import entry_from_json
from bus.core.decision.events import event_to_json
from bus.core.decision.reasons import NOT_REMEMBERED
from bus.core.gate import MEMORY_MS, Row
from bus.core.state.resource import Resource

LIKE_MAX = 1_000  # names compared with one that was mistyped
_REFUSED_ABOUT = (
    "FROM refusals CROSS JOIN rows ON rows.lane = rtrim(rtrim(decision, '0123456789'), '.')"
    " AND rows.offset = CAST(substr(decision, length(rtrim(decision, '0123456789')) + 1) AS INTEGER)"
    " WHERE subject = ? AND subject <> '' AND verdict = 'refused'"
)


class Lookup:
    """Answers questions from the index; nothing it says is read from anywhere else."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.in_force = InForce(index)
        self.gen = index.source.genesis.gen

    @property
    def _database(self) -> sqlite3.Connection:
        return self.index.database

    # ---- decisions ------------------------------------------------------------------------------------------

    def gate(self, lane: str, offset: int) -> GateDecision | None:
        """The gate's decision on that record of the lane."""
        wanted = "SELECT verdict, reason, source, id, at, control, journal_offset, body FROM rows"
        found = self._database.execute(f"{wanted} WHERE lane = ? AND offset = ?", (lane, offset)).fetchone()
        if found is None:
            return None
        verdict, reason, source, identifier, at, control, journal_offset, body = found
        message_hash, partitions = json.loads(body)
        row = Row(offset, verdict, reason, source, identifier, message_hash, at, tuple(partitions))
        return GateDecision(lane, row, control, journal_offset, self.words(f"{lane}.{offset}"))

    def arbiter(self, p: int, o: int, n: int | None) -> ArbiterDecision | None:
        """The arbiter's decision on that record; ``n`` None takes the first event, if there is one."""
        found = self._database.execute(
            "SELECT body, journal_offset FROM entries WHERE p = ? AND o = ?", (p, o)
        ).fetchone()
        if found is None:
            return None
        entry = entry_from_json(json.loads(found[0]))
        if n is not None and n >= len(entry.events):
            return None
        event = entry.events[n or 0] if entry.events else None
        return ArbiterDecision(self.gen, p, entry, event, found[1])

    def by_src(self, src: str) -> ArbiterDecision | None:
        """What the arbiter decided on a message when it first came; a change of control, in its first partition."""
        wanted = "SELECT p, o FROM entries WHERE src = ? AND verdict <> 'repeat' ORDER BY p, o LIMIT 1"
        found = self._database.execute(wanted, (src,)).fetchone()
        return self.arbiter(found[0], found[1], None) if found else None

    def in_every_partition(self, src: str) -> list[ArbiterDecision]:
        """What the arbiter decided on a change of control: every partition brings it into force by itself."""
        wanted = "SELECT p, o FROM entries WHERE src = ? AND verdict <> 'repeat' GROUP BY p ORDER BY p, o"
        found = [self.arbiter(p, o, None) for p, o in self._database.execute(wanted, (src,)).fetchall()]
        return [decision for decision in found if decision is not None]

    def of_message(self, identifier: str) -> list[GateDecision]:
        """Every row with that message id, in the order of time."""
        wanted = "SELECT lane, offset FROM rows WHERE id = ? ORDER BY at, lane, offset"
        places = self._database.execute(wanted, (identifier,)).fetchall()
        found = [self.gate(lane, offset) for lane, offset in places]
        return [decision for decision in found if decision is not None]

    def entries_of(self, identifier: str) -> list[ArbiterDecision]:
        """What the arbiter decided on messages with that id when they first came, in the order of time."""
        wanted = "SELECT p, o FROM entries WHERE id = ? AND verdict <> 'repeat' GROUP BY src ORDER BY at, p, o"
        found = [self.arbiter(p, o, None) for p, o in self._database.execute(wanted, (identifier,)).fetchall()]
        return [decision for decision in found if decision is not None]

    def first_of(self, again: GateDecision) -> GateDecision | None:
        """The row that a duplicate, or a reused id, has before it: the first one still remembered then."""
        row = again.row
        marks = ",".join("?" * len(NOT_REMEMBERED))
        same = "lane = ? AND source = ? AND id = ? AND offset < ? AND at >= ?"
        wanted = f"SELECT offset FROM rows WHERE {same} AND reason NOT IN ({marks}) ORDER BY offset LIMIT 1"
        given = (again.lane, row.source, row.id, row.offset, row.at - MEMORY_MS, *sorted(NOT_REMEMBERED))
        found = self._database.execute(wanted, given).fetchone()
        return self.gate(again.lane, found[0]) if found else None

    def words(self, decision: str) -> Words:
        """What its dead letter says."""
        wanted = "SELECT type, subject, contract, detail, violations FROM refusals WHERE decision = ?"
        found = self._database.execute(wanted, (decision,)).fetchone()
        if found is None:
            return Words()
        message_type, subject, contract, detail, violations = found
        return Words(message_type, subject, contract, detail, tuple(json.loads(violations)))

    # ---- how things stood -----------------------------------------------------------------------------------

    def standing(self, subject: str, before_o: int) -> Standing:
        """How a resource stood before the record at that offset of its partition."""
        wanted = "SELECT body FROM states WHERE subject = ? AND o < ? ORDER BY o DESC LIMIT 1"
        found = self._database.execute(wanted, (subject, before_o)).fetchone()
        return self.dated(subject, resource_from_text(found[0]) if found else Resource())

    def dated(self, subject: str, resource: Resource) -> Standing:
        """The resource with the time of its grant."""
        if resource.holding is None:
            return Standing(subject, resource)
        o, n = granted_at(resource.holding.token, self.gen)
        p = self._database.execute("SELECT p FROM resources WHERE subject = ?", (subject,)).fetchone()
        wanted = "SELECT at FROM events WHERE p = ? AND o = ? AND n = ?"
        found = self._database.execute(wanted, (p[0] if p else -1, o, n)).fetchone()
        return Standing(subject, resource, found[0] if found else 0)

    def now_at(self, p: int, o: int) -> int:
        """The latest time (ms) that ticks of a partition had stated, up to and with the record at that offset."""
        wanted = "SELECT coalesce(max(at), 0) FROM entries WHERE p = ? AND o <= ? AND verdict = 'tick'"
        return int(self._database.execute(wanted, (p, o)).fetchone()[0])

    # ---- what is linked -------------------------------------------------------------------------------------

    def link(self, p: int, o: int, n: int | None) -> Link:
        """A decision of the arbiter in short."""
        found = self.arbiter(p, o, n)
        assert found is not None, "the index names a decision that it does not have"
        if found.event is None:
            entry = found.entry
            about = {"kind": entry.verdict, "type": entry.type, "agent": entry.source, "reason": entry.reason}
            return Link(found.id, entry.time_ms, {name: text for name, text in about.items() if text})
        return Link(found.id, found.entry.time_ms, event_to_json(found.event))

    def gate_link(self, decision: GateDecision) -> Link:
        """A decision of a gate in short."""
        row, said = decision.row, decision.said
        about = {"kind": row.verdict, "agent": row.source, "reason": row.reason, "id": row.id}
        about |= {"type": said.type, "subject": said.subject, "detail": said.detail}
        if row.verdict == "duplicate" and (first := self.first_of(decision)):
            about["of"] = first.id
        return Link(decision.id, row.at, {name: text for name, text in about.items() if text})

    def linked(self, where: str, given: tuple[object, ...], *, limit: int, newest_first: bool = False) -> list[Link]:
        """Events that fit, in the order of the log."""
        order = "DESC" if newest_first else "ASC"
        wanted = f"SELECT p, o, n FROM events WHERE {where} ORDER BY p, o {order}, n {order} LIMIT ?"
        return [self.link(*found) for found in self._database.execute(wanted, (*given, limit)).fetchall()]

    def count(self, where: str, given: tuple[object, ...]) -> int:
        """How many events fit."""
        return int(self._database.execute(f"SELECT count(*) FROM events WHERE {where}", given).fetchone()[0])

    def beside(self, p: int, o: int) -> tuple[Link | None, Link | None]:
        """The decisions before and after it in its partition; ticks that ended nothing are passed over."""
        silent = "verdict = 'tick' AND NOT EXISTS (SELECT 1 FROM events WHERE p = entries.p AND o = entries.o)"
        kept = "SELECT o FROM entries WHERE p = ? AND o {} ? AND NOT (" + silent + ") ORDER BY o {} LIMIT 1"
        found = [
            self._database.execute(kept.format(sign, order), (p, o)).fetchone()
            for sign, order in (("<", "DESC"), (">", "ASC"))
        ]
        before, after = (self.link(p, one[0], None) if one else None for one in found)
        return before, after

    def beside_row(self, lane: str, offset: int) -> tuple[Link | None, Link | None]:
        """The same in a lane."""
        found = []
        for sign, order in (("<", "DESC"), (">", "ASC")):  # offsets have gaps: what was aborted has none
            wanted = f"SELECT offset FROM rows WHERE lane = ? AND offset {sign} ? ORDER BY offset {order} LIMIT 1"
            one = self._database.execute(wanted, (lane, offset)).fetchone()
            row = self.gate(lane, one[0]) if one else None
            found.append(self.gate_link(row) if row else None)
        return found[0], found[1]

    # ---- what there is --------------------------------------------------------------------------------------

    def present(self, subject: str) -> Standing:
        """How a resource stands now."""
        found = self._database.execute("SELECT body FROM resources WHERE subject = ?", (subject,)).fetchone()
        return self.dated(subject, resource_from_text(found[0]) if found else Resource())

    def has_subject(self, subject: str) -> bool:
        """Has anything been decided on it, or refused about it?"""
        return self.count_of(subject) > 0

    def count_of(self, subject: str) -> int:
        """How many decisions there are on it, and known refusals about it at the gates."""
        events = self._database.execute("SELECT count(*) FROM events WHERE subject = ?", (subject,)).fetchone()
        refused = self._database.execute(f"SELECT count(*) {_REFUSED_ABOUT}", (subject,)).fetchone()
        return int(events[0]) + int(refused[0])

    def refused_about(self, subject: str, limit: int) -> list[GateDecision]:
        """The last decisions of gates that refused a message about it, the newest last."""
        wanted = f"SELECT lane, offset {_REFUSED_ABOUT} ORDER BY at DESC, lane, offset DESC LIMIT ?"
        places = self._database.execute(wanted, (subject, limit)).fetchall()
        found = [self.gate(lane, offset) for lane, offset in reversed(places)]
        return [decision for decision in found if decision is not None]

    def subjects_like(self, subject: str) -> list[str]:
        """Subjects of the same type."""
        kind = subject.partition("/")[0]
        wanted = "SELECT subject FROM resources WHERE subject >= ? AND subject < ? LIMIT ?"
        found = self._database.execute(wanted, (f"{kind[:3]}", f"{kind[:3]}\x7f", LIKE_MAX)).fetchall()
        return [name for (name,) in found]

    def ids_like(self, identifier: str) -> list[str]:
        """Message ids that begin as this one does; the newest are near enough."""
        wanted = "SELECT DISTINCT id FROM rows WHERE id >= ? AND id < ? ORDER BY at DESC LIMIT ?"
        start = identifier[:3]
        return [name for (name,) in self._database.execute(wanted, (start, f"{start}\x7f", LIKE_MAX)).fetchall()]

    def lanes(self) -> list[str]:
        """Every lane that a gate has judged a record of."""
        return [name for (name,) in self._database.execute("SELECT DISTINCT lane FROM rows ORDER BY lane").fetchall()]

    def judged_up_to(self, lane: str) -> int:
        """The offset after the last record of a lane that its gate has judged."""
        (found,) = self._database.execute("SELECT max(offset) FROM rows WHERE lane = ?", (lane,)).fetchone()
        return 0 if found is None else int(found) + 1

    def decided_up_to(self, p: int) -> int:
        """The offset after the last record of a partition that the arbiter has decided on."""
        (found,) = self._database.execute("SELECT max(o) FROM entries WHERE p = ?", (p,)).fetchone()
        return 0 if found is None else int(found) + 1


def decision_at(lookup: Lookup, decision: str) -> ArbiterDecision | None:
    """A decision by its whole id."""
    parts = decision.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts) or int(parts[0]) != lookup.gen:
        return None
    return lookup.arbiter(int(parts[1]), int(parts[2]), int(parts[3]))
