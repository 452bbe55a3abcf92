"""Explains one decision: finds all that belongs to it in the index, and puts it together."""

from dataclasses import dataclass

from bus.audit.aftermath import what_followed, what_followed_row
from bus.audit.contest_story import contest_of, told_contest
from bus.audit.contest_told import ContestTold
from bus.audit.decisions import ArbiterDecision, GateDecision, Link, Proof, Setting
from bus.audit.explanation import Around, Explanation, Rests, Who
from bus.audit.index import Index
from bus.audit.lookup import Lookup
from bus.audit.original import Message, Released, Said, find_released, read_message
from bus.audit.plain import Clock, listed
from bus.audit.recheck import rechecked
from bus.audit.situation import Situation
from bus.audit.speaker import speaker, the_bus
from bus.audit.why_arbiter import why_arbiter
from bus.audit.why_gate import GateSituation, why_gate
from bus.core.decision.events import ActionAdmitted, event_to_json
from bus.core.decision.reasons import GateReason
from bus.core.log import topics
from bus.core.policy.control import Registry

UNDECIDED = "what becomes of it: the arbiter has not decided on it yet"
AGAIN_MAX = 5  # copies of one message that are named; more of the same tell nothing


@dataclass(frozen=True, slots=True)
class Explaining:
    """What an explanation is made from; ``clock`` writes the times in its sentences."""

    index: Index
    lookup: Lookup
    clock: Clock

    def of(self, found: ArbiterDecision | GateDecision) -> Explanation:
        """Explain a decision of either stage."""
        return self.arbiter(found) if isinstance(found, ArbiterDecision) else self.gate(found)

    def arbiter(self, found: ArbiterDecision) -> Explanation:
        """Explain a decision of the arbiter."""
        entry, lookup = found.entry, self.lookup
        registry = self.index.registry(entry.basis.control if entry.basis else self._control_before(found))
        origin = topics.lane_and_offset(entry.src)
        gate = lookup.gate(*origin) if origin else None
        before, after = lookup.standing(found.subject, entry.o), lookup.standing(found.subject, entry.o + 1)
        followed = what_followed(lookup, found)
        event = event_to_json(found.event) if found.event else {"kind": entry.verdict, "to": []}
        return Explanation(
            decision=found.id,
            stage="arbiter",
            at=entry.time_ms,
            verdict=entry.verdict,
            reason=str(event.get("reason", entry.reason)),
            event=event,
            subject=found.subject,
            who=self._who(registry, entry.source, gate, origin[0] if origin else ""),
            message=self._message(found, gate),
            rests_on=self._rests_on(found, registry),
            why=why_arbiter(Situation(found, lookup, registry, before, after, self.clock)),
            before=before if found.subject else None,
            after=after if found.subject else None,
            followed=[*self._beside_it(found), *followed.links],
            followed_left_out=followed.left_out,
            released=self._released(found),
            around=self._around(found),
            proof=self._proof(*([gate] if gate else []), found),
            again=self._again(gate),
            notes=self.index.notes(),
            contest=self._contest(found),
        )

    def gate(self, found: GateDecision) -> Explanation:
        """Explain a decision of a gate."""
        lookup, row = self.lookup, found.row
        registry = self.index.registry(found.control)
        first = lookup.first_of(found) if row.reason in (GateReason.DUPLICATE, GateReason.ID_REUSE) else None
        src = topics.coordinates(topics.incoming(found.lane), 0, row.offset)
        said = Said(src, row.id, row.source, row.at, row.hash, found.said.type, found.said.subject)
        decided = lookup.by_src(src)
        forwarded = ((topics.ARBITER, decided.p), decided.entry.o) if decided else None
        message = read_message(self.index.source, said, forwarded)
        contract = found.said.contract or (decided.entry.basis.contract if decided and decided.entry.basis else "")
        before, after = lookup.beside_row(found.lane, row.offset)
        followed = what_followed_row(lookup, found)
        return Explanation(
            decision=found.id,
            stage="gate",
            at=row.at,
            verdict=row.verdict,
            reason=row.reason,
            event={**lookup.gate_link(found).event, **_read(message)},
            subject=message.subject,
            who=speaker(lookup, registry, row.source, found.lane, row.reason),
            message=message,
            rests_on=[*self._contract(contract), *self._control(found.control)],
            why=why_gate(GateSituation(found, lookup, registry, first, self.clock)),
            violations=found.said.violations,
            followed=[*([lookup.gate_link(first)] if first else []), *followed.links],
            followed_left_out=followed.left_out,
            around=[Around(f"lane {found.lane}", before, after)],
            proof=self._proof(found),
            again=self._again(found) if row.verdict == "forwarded" else [],
            notes=[*([] if decided else self._undecided(found)), *self.index.notes()],
        )

    def contest(self, identifier: str) -> ContestTold | None:
        """Tell a whole contest, or a case that no contest came before; None if there is no such id."""
        return told_contest(self.lookup, identifier, self.clock)

    # ---- the parts ------------------------------------------------------------------------------------------

    def _undecided(self, found: GateDecision) -> list[str]:
        """Of a forwarded message without a decision: is there none yet, or can it not be known?"""
        places = [(topics.JOURNAL, p) for p in found.row.partitions]
        unknown = [note for note in map(self.index.note_on, places) if note]
        if found.row.verdict != "forwarded":
            return []
        return [f"what becomes of it ({listed(unknown)})"] if unknown else [UNDECIDED]

    def _contest(self, found: ArbiterDecision) -> ContestTold | None:
        """The contest or case that it is a part of."""
        identifier = contest_of(self.lookup, found)
        return self.contest(identifier) if identifier else None

    def _beside_it(self, found: ArbiterDecision) -> list[Link]:
        """The other events of the same message, such as the release of a fact to its topic."""
        if found.event is None or found.entry.verdict == "tick":
            return []
        others = [event.n for event in found.entry.events if event.n != found.event.n]
        return [self.lookup.link(found.p, found.entry.o, n) for n in others]

    def _who(self, registry: Registry, source: str, gate: GateDecision | None, lane: str) -> Who:
        if not source and gate is not None:
            source = gate.row.source
        return speaker(self.lookup, registry, source, lane, "") if lane else the_bus()

    def _message(self, found: ArbiterDecision, gate: GateDecision | None) -> Message | None:
        entry = found.entry
        if not entry.src:
            return None
        row = gate.row if gate else None
        at, message_hash = entry.at or (row.at if row else 0), entry.hash or (row.hash if row else "")
        identifier, source = entry.id or (row.id if row else ""), entry.source or (row.source if row else "")
        said = Said(entry.src, identifier, source, at, message_hash, entry.type, found.subject)
        return read_message(self.index.source, said, ((topics.ARBITER, found.p), entry.o))

    def _rests_on(self, found: ArbiterDecision, registry: Registry) -> list[Rests]:
        basis = found.entry.basis
        if basis is None:
            terms = registry.terms.get(found.subject.partition("/")[0])
            return [*self._terms(terms.ref if terms else ""), *self._control(registry.number)]
        return [*self._terms(basis.terms), *self._contract(basis.contract), *self._control(basis.control)]

    def _terms(self, ref: str) -> list[Rests]:
        return [Rests("terms", ref, self._set("terms", ref))] if ref else []

    def _contract(self, ref: str) -> list[Rests]:
        return [Rests("contract", ref, self._set("contract", ref))] if ref else []

    def _control(self, number: int) -> list[Rests]:
        return [Rests("control", str(number), self.lookup.in_force.control(number))]

    def _set(self, kind: str, ref: str) -> Setting | None:
        name, _, revision = ref.rpartition("@")
        return self.lookup.in_force.setting(kind, name, rev=int(revision)) if revision.isdigit() else None

    def _control_before(self, found: ArbiterDecision) -> int:
        """The control number in force for a tick or a repeat: that of the last entry that names one."""
        return self.lookup.in_force.control_before(found.p, found.entry.o)

    def _released(self, found: ArbiterDecision) -> Released | None:
        what = found.event.what if found.event else None
        if not isinstance(what, ActionAdmitted) or not what.topic:
            return None
        key = found.subject or found.entry.source
        return find_released(self.index.source, what.topic, key, found.id, found.entry.time_ms)

    def _around(self, found: ArbiterDecision) -> list[Around]:
        o, n, p = found.entry.o, found.event.n if found.event else 0, found.p
        around = []
        if found.subject:
            before = self.lookup.linked(
                "subject = ? AND (o < ? OR (o = ? AND n < ?))", (found.subject, o, o, n), limit=1, newest_first=True
            )
            after = self.lookup.linked(
                "subject = ? AND (o > ? OR (o = ? AND n > ?))", (found.subject, o, o, n), limit=1
            )
            around.append(Around(found.subject, before[0] if before else None, after[0] if after else None))
        return [*around, Around(f"partition {p}", *self.lookup.beside(p, o))]

    def _proof(self, *decisions: ArbiterDecision | GateDecision) -> list[Proof]:
        found = []
        for one in decisions:
            proof = self.lookup.in_force.proof(*one.journal, one.journal_offset)
            found += [rechecked(self.index.source, proof, one)] if proof else []
        return found

    def _again(self, gate: GateDecision | None) -> list[Link]:
        """The same message, when its sender sent it again; whoever else used its name and id did not."""
        if gate is None or not gate.has_known_sender:
            return []
        copies = [
            one
            for one in self.lookup.of_message(gate.row.id)
            if one.id != gate.id
            and one.has_known_sender
            and (one.row.source, one.row.hash) == (gate.row.source, gate.row.hash)
        ]
        return [self.lookup.gate_link(one) for one in copies[:AGAIN_MAX]]


def _read(message: Message) -> dict[str, str]:
    """What only the bytes of a message tell its gate's decision: type and subject."""
    return {name: text for name, text in (("type", message.type), ("subject", message.subject)) if text}
