"""Faults of each rule of the bus that the lists of the simulator and of the contests do not have yet, by rule."""

from bus.core import arbiter, gate
from bus.core.contest import ballots, negotiation
from bus.core.log import journal
from bus.core.state import fold, gaps, image, resource
from bus.core.state.partition import PartitionState
from bus.core.steps import acts, claiming, deadlines, reviewing, ruling
from bus.shell import arbiter_stage, clock, owner, publisher, restore, suspicion
from bus.shell.snapshots import loading
from tests.sim.faults import Planted

NEW: dict[str, tuple[Planted, ...]] = {
    "chain": (
        Planted(
            "a segment counts whatever predecessor it names",
            journal.continues,
            ' or segment.get("prev") != tip.hash',
            "",
        ),
        Planted(
            "a segment counts whatever number it has",
            journal.continues,
            'segment.get("seq") != tip.seq + 1 or ',
            "",
        ),
        Planted(
            "a journal may begin a second time",
            journal.continues,
            'return (segment.get("kind") == "genesis") == (tip.seq == -1)',
            "return True",
        ),
        Planted(
            "a decision knows what stands behind it in the batch",
            arbiter_stage.ArbiterStage.draft,
            "first = self.state.next_offset",
            "first, self.state.now = self.state.next_offset, max(self.state.now, records[-1].timestamp_ms)",
        ),
    ),
    "take-over": (
        Planted(
            "the published mark moves on before the outputs are there",
            owner.Owner._retire,
            "self._flights[0].is_done",
            "self._flights[0].is_final",
        ),
        Planted(
            "a journal of a newer engine is folded as if it were ours",
            restore._check_engine,
            "if written > tuple(",
            "if () > tuple(",
        ),
    ),
    "forwarding": (
        Planted(
            "what was forwarded twice counts twice",
            arbiter.decide,
            "comes is Arrival.REPEAT or (comes is",
            "(comes is",
        ),
        Planted(
            "an id may be used for another message",
            gate._refusal,
            "return _id_reuse(basis), None",
            "return basis.later, None",
        ),
        Planted(
            "a gate lets through what was said long ago",
            gate._untimely,
            "skew_ms < -LATE_MS_MAX",
            "skew_ms < -2 * LATE_MS_MAX",
        ),
        Planted("the time of a lane falls", gate.arrival_ms, "max(append_ms, state.at_ms)", "append_ms"),
    ),
    "ticks": (
        Planted("the time of a partition falls", arbiter.evolve, "max(state.now, entry.now)", "entry.now"),
        Planted(
            "a lane is left out before it has stalled",
            clock.Clock._now,
            "> genesis.lane_stall_ms",
            "> 0",
        ),
        Planted("a tick says more than fits", deadlines.fire, "u.back_to(mark)", "pass"),
    ),
    "publishing": (
        Planted(
            "the publisher's mark is ahead of what it has released",
            publisher._Part.follow,
            "self.mark = None, False, offset + 1",
            "self.mark = None, False, offset + 2",
        ),
        Planted(
            "a governed topic is given other bytes than those that were admitted",
            publisher.Publisher._admit,
            "self._produce(what.topic, key, record.value,",
            "self._produce(what.topic, key, (record.value or b'') + b' ',",
        ),
    ),
    "fencing": (
        Planted(
            "whoever likes gives back what another holds",
            acts._release,
            "if failed := check_holder(u.resource, u.source, token, u.type, None):",
            "if failed := None:",
        ),
    ),
    "deadlines": (
        Planted(
            "what is renewed is no longer looked for",
            PartitionState.put,
            "self._calendar.note(subject, resource.next_deadline())",
            "self._calendar.note(subject, resource.next_deadline() if subject not in self.resources else None)",
        ),
        Planted(
            "what has expired is judged all the same",
            acts._stopped,
            "if expiry_ms is not None and u.moment.later >= expiry_ms:",
            "if expiry_ms == 0:",
        ),
        Planted(
            "a lock delay keeps nobody waiting",
            resource.closed_until,
            "[resource.cooling_until] if resource.cooling_until else []",
            "[]",
        ),
        Planted(
            "what is kept for one agent is for whoever comes first",
            resource.closed_until,
            "resource.handover.agent != agent",
            "resource.handover.agent == agent",
        ),
        Planted(
            "a wait never passes",
            resource.dues_of,
            "[Due(resource.wait.until, Ends.WAIT)] if resource.wait else []",
            "[]",
        ),
        Planted("a fact is known for ever", resource.missing_fact, "at < fact.until", "fact.until"),
    ),
    "guards": (
        Planted(
            "an action that only the holder may do is anybody's",
            acts._act,
            "elif contract.guard:",
            "elif contract.guard and contract.review is not None:",
        ),
        Planted(
            "an action over the limit goes at once",
            fold.is_over_limit,
            "cost > terms.freeze_above_cost",
            "cost > 2 * terms.freeze_above_cost",
        ),
        Planted(
            "an action overtakes one that is held",
            reviewing.guarded,
            " and not resource.held:",
            ":",
        ),
        Planted(
            "a claim is granted without the fact that it needs",
            claiming._denied,
            "if missing := missing_fact(resource, pinned, u.moment.at):",
            "if missing := None:",
        ),
    ),
    "negotiation": (
        Planted(
            "whoever likes answers an offer",
            negotiation.check_move,
            "if not is_on or not _party(contest, agent):",
            "if not is_on:",
        ),
        Planted(
            "an offer may be repeated",
            negotiation._wrong_offer,
            "if outcome in offered(contest) else",
            "if not outcome else",
        ),
        Planted(
            "whoever has offered is on turn again",
            negotiation._after,
            "(*order[place + 1 :], *order[: place + 1])",
            "(*order[place:], *order[:place])",
        ),
        Planted(
            "an answer after its turn counts",
            negotiation.check_move,
            "if is_on and at >= contest.deadline:",
            "if is_on and at >= contest.deadline + 60_000:",
        ),
    ),
    "vetoes": (
        Planted(
            "whoever has a seat has a veto",
            ballots.veto_by,
            "veto.role in roles and veto.covers",
            "veto.covers",
        ),
    ),
    "escalation": (
        Planted(
            "an agent may rule on a case",
            ruling._case_for,
            "if not message.envelope.is_person:",
            "if not u.source:",
        ),
        Planted(
            "a person rules on the case of its own agent",
            ruling._why_no_judge,
            "if registry.owns(person, one)",
            "if registry.owns(one, person)",
        ),
        Planted(
            "a case stays where nobody looks at it",
            deadlines._pass_tier,
            "if case.tier + 1 < len(escalate.tiers_ms):",
            "if False:",
        ),
        Planted(
            "somebody else rules on what one has reserved",
            ruling._is_anothers,
            'case.person not in ("", u.source) and',
            "False and",
        ),
    ),
    "suspension": (),
    "poison": (
        Planted(
            "a record that kills every stage is judged once more",
            suspicion.Suspicion.begin,
            ">= ACQUITTED_MAX",
            ">= 10 * ACQUITTED_MAX",
        ),
    ),
    "gaps": (
        Planted(
            "behind an accepted gap no lane can go on",
            gaps.fold_gap,
            "state.anchored = frozenset()",
            "pass",
        ),
        Planted(
            "a change that was lost in a gap is never in force",
            gaps.fold_gap,
            'for one in segment["changes"]:',
            'for one in segment["changes"][:0]:',
        ),
        Planted(
            "behind an accepted gap a lane may leave out what it likes",
            arbiter.evolve,
            "state.anchored = (state.anchored or frozenset()) | {lane}",
            "pass",
        ),
    ),
    "snapshots": (
        Planted(
            "who restores from a snapshot knows no deadlines",
            PartitionState.fill,
            "self._calendar.fill(due)",
            "self._calendar.fill([])",
        ),
        Planted(
            "a snapshot leaves out what the lanes said last",
            image.ImageReader.take,
            "self.state.last_of_lane[lane] = last",
            "pass",
        ),
        Planted(
            "a snapshot of which a part is missing is taken for whole",
            loading.Loading._finish,
            "if self._unpacking.state_hash != self.snapshot.state_hash:",
            "if False:",
        ),
        Planted(
            "a snapshot of another chain is taken for ours",
            restore.Restoration._check_chain,
            "if digest(value) != since.standing.prev:",
            "if False:",
        ),
    ),
}

# The rules of the faults that the simulator's and the contests' lists have.
OLDER = {
    "chain": ("a restore folds void segments", "a restore gives another lease"),
    "take-over": (
        *("an owner goes on where its append", "an append that failed", "outputs go out before"),
        *("a segment is done when", "a new owner does not send again", "a take-over counts before"),
        *("records are judged from where",),
    ),
    "forwarding": (
        *("an output that failed", "the arbiter judges what does not", "outputs do not name"),
        *("a gate forgets", "after a restore a gate", "after a restore an arbiter"),
    ),
    "ticks": ("a tick does not wait", "a tick takes the time"),
    "publishing": ("the publisher does not remember", "the publisher releases void", "the publisher does not leave"),
    "fencing": ("who holds nothing may", "a token is the one before", "a winner is given", "who is ahead in rank"),
    "deadlines": (
        *("who is late is in time", "who is in time is late", "a lease may become shorter"),
        *("a renewal is late by the last tick", "the lease clock runs on", "a thaw gives no time"),
        "a claim after the window",
    ),
    "guards": (
        *("a claim that is refused hears", "whose claim is denied for a role", "priority is read from the claim"),
        *("a tied priority", "who challenged in vain"),
    ),
    "votes": (
        *("a quorum is measured", "a tied vote", "a ballot is late by", "two ballots of one seat"),
        *("an agent's second ballot", "a suspended voter's ballot", "a held action is released although the vote"),
        "a ballot can be read",
    ),
    "negotiation": ("everybody reads which offer",),
    "vetoes": ("a veto stands for any", "a veto cannot be taken"),
    "escalation": (
        *("a held action is released although a person", "a ruling is taken whatever", "a case that nobody ruled"),
        *("a held action goes when its time", "a change of a frozen subject"),
    ),
    "suspension": ("a suspended agent keeps", "a suspended winner"),
}
