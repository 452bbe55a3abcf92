------------------------------ MODULE Forward ------------------------------
(* From a stage to its reader: each record names the one before it from the same source.

   What is modelled is the sending half of `bus/shell/owner.py` (`_own`, `_publish`, `_retire`, `_commit`), the links of
   `bus.core.answers.Predecessors`, and the reader's rule of `bus.core.routing.arrival`, as the arbiter applies it to
   what gates forward (`bus.core.arbiter.decide`); readers of answers follow the same rule (docs/wire.md).

   What is sent are the outputs of final segments: their order is the source's journal, which module Chain is about, so
   here they are the numbers 1..Records. Owners may send at the same time, of which all but the newest are zombies. The
   client may lose a record in the middle and go on behind the hole. The reader is a stage itself: it may begin anew at
   any moment, from its own journal. *)
EXTENDS Naturals, Sequences

CONSTANTS
    Records,        \* what the source has to send to this topic-partition
    SessionsMax,    \* how many owners of the source there are, one after the other or at once
    Rules

AllRules == {"repeat", "gap", "prev_folded", "again_in_order", "stop_on_loss", "mark", "mark_in_order", "last_journaled"}
ASSUME Rules \subseteq AllRules

VARIABLES
    net,            \* session -> records on their way, in order
    owners,         \* session -> what it knows: next to send, which are acknowledged, which were lost
    committed,      \* the published mark: every record up to it is there
    reader          \* all it took, the last one as it knows it, and what it has met

vars == <<net, owners, committed, reader>>

Sessions == 1..SessionsMax
Range(s) == {s[i] : i \in 1..Len(s)}
Max(S) == CHOOSE x \in S : \A y \in S : y <= x

\* An owner before it begins, and after it has stopped. A process that was killed is one that takes no step any more.
Absent == [is |-> "absent", from |-> 0, sent |-> 0, there |-> {}, lost |-> {}]
Stopped == [Absent EXCEPT !.is = "stopped"]

Init ==
    /\ net = [s \in Sessions |-> <<>>]
    /\ owners = [s \in Sessions |-> Absent]
    /\ committed = 0
    /\ reader = [last |-> 0, taken |-> <<>>, isAnchored |-> TRUE, met |-> {}]

---------------------------------------------------------------------------
(* The reader. *)

\* bus.core.routing.arrival, and decide/evolve of bus.core.arbiter, which fold `last_of_lane` from the reader's journal.
Arrival(r, record) ==
    IF ~r.isAnchored THEN "next"
    ELSE IF record.n <= r.last THEN (IF "repeat" \in Rules THEN "repeat" ELSE "next")
    ELSE IF record.prev = r.last THEN "next"
    ELSE IF "gap" \in Rules THEN "gap" ELSE "next"
Taken(r, record) ==
    LET arrival == Arrival(r, record) IN
    IF arrival # "next" THEN [r EXCEPT !.met = @ \cup {arrival}]
    ELSE [r EXCEPT !.last = record.n, !.taken = Append(@, record.n), !.isAnchored = TRUE]

\* It goes on where its journal ends, with the last one it took. What the rule "last_journaled" forbids: a reader that
\* keeps it in memory alone takes the first record it sees for the beginning.
BeginAnew ==
    /\ reader' = IF "last_journaled" \in Rules THEN reader ELSE [reader EXCEPT !.last = 0, !.isAnchored = FALSE]
    /\ UNCHANGED <<net, owners, committed>>

---------------------------------------------------------------------------
(* The source. *)

\* Owner._own: it begins behind the mark, and sends again what may not have been sent, in order.
Begin(s) ==
    /\ owners[s] = Absent
    /\ s > 1 => owners[s - 1] # Absent
    /\ owners' = [owners EXCEPT ![s] = [Absent EXCEPT !.is = "up", !.from = committed, !.sent = committed]]
    /\ UNCHANGED <<net, committed, reader>>

\* Predecessors.link: the one before is known from the fold of the journal (`Stage.fold`, `mark_published`), not from
\* what this owner happens to have sent.
Record(s, n) == [n |-> n, prev |-> IF "prev_folded" \notin Rules /\ n = owners[s].from + 1 THEN 0 ELSE n - 1]

\* Owner._publish: outputs go out in order, without waiting for one another.
Send(s) ==
    /\ owners[s].is = "up"
    /\ owners[s].sent < Records
    /\ net' = [net EXCEPT ![s] = Append(@, Record(s, owners[s].sent + 1))]
    /\ owners' = [owners EXCEPT ![s].sent = @ + 1]
    /\ UNCHANGED <<committed, reader>>

\* The broker appends what comes first from a session, dead or alive, and reports it; the reader takes it or not. When
\* it does changes nothing: it goes by the record and by what it took before.
Land(s) ==
    /\ net[s] # <<>>
    /\ reader' = Taken(reader, Head(net[s]))
    /\ net' = [net EXCEPT ![s] = Tail(@)]
    /\ owners' = [owners EXCEPT ![s].there = IF owners[s].is = "up" THEN @ \cup {Head(net[s]).n} ELSE @]
    /\ UNCHANGED committed

\* A record is lost, and the client delivers those behind it; the owner hears of it later, or never.
Lose(s) ==
    /\ net[s] # <<>>
    /\ net' = [net EXCEPT ![s] = Tail(@)]
    /\ owners' = [owners EXCEPT ![s].lost = IF owners[s].is = "up" THEN @ \cup {Head(net[s]).n} ELSE @]
    /\ UNCHANGED <<committed, reader>>

\* on_delivery in Owner._produce: one failed output stops the session, because only sending again in order closes a
\* gap. What the two rules forbid: to count it like one that was acknowledged; to send it alone again, behind those
\* that came after it.
Hear(s) ==
    \E n \in owners[s].lost :
        /\ owners[s].is = "up"
        /\ owners' = [owners EXCEPT ![s] =
             IF "stop_on_loss" \notin Rules THEN [@ EXCEPT !.lost = @ \ {n}, !.there = @ \cup {n}]
             ELSE IF "again_in_order" \notin Rules THEN [@ EXCEPT !.lost = @ \ {n}]
             ELSE Stopped]
        /\ net' = IF "again_in_order" \in Rules THEN net
                  ELSE [net EXCEPT ![s] = Append(@, [n |-> n, prev |-> n - 1])]
        /\ UNCHANGED <<committed, reader>>

\* Owner._retire and _commit: the mark is the end of what is acknowledged without a hole, counted from where this owner
\* began. It may be older than another owner's; when it is made, and whether, is left open.
RECURSIVE Contiguous(_, _)
Contiguous(n, there) == IF n + 1 \in there THEN Contiguous(n + 1, there) ELSE n
Mark(s) ==
    LET me == owners[s] IN
    IF "mark" \notin Rules THEN me.sent
    ELSE IF "mark_in_order" \notin Rules THEN Max({me.from} \cup me.there)
    ELSE Contiguous(me.from, me.there)
Commit(s) ==
    /\ owners[s].is = "up"
    /\ committed # Mark(s)
    /\ committed' = Mark(s)
    /\ UNCHANGED <<net, owners, reader>>

Next ==
    \/ \E s \in Sessions : Begin(s) \/ Send(s) \/ Land(s) \/ Lose(s) \/ Hear(s) \/ Commit(s)
    \/ BeginAnew

Spec == Init /\ [][Next]_vars

---------------------------------------------------------------------------
\* What the reader took is 1, 2, 3 …: nothing twice, nothing out of order, nothing left out.
TakenOnceInOrder == \A i \in 1..Len(reader.taken) : reader.taken[i] = i

\* What the mark says is there, the reader has taken: nobody will send it again.
NothingIsLost == committed <= Len(reader.taken)

---------------------------------------------------------------------------
(* What must be reachable: each of these is false somewhere. *)
NothingIsEverRepeated == "repeat" \notin reader.met
NoHoleIsEverSeen == "gap" \notin reader.met
NobodyEverFinishes == committed < Records
============================================================================
