------------------------------- MODULE Chain -------------------------------
(* Several owners on one journal: the chain, taking over, what is final, and what may be sent.

   What is modelled is `bus/shell/owner.py` with `bus/shell/restore.py` and `bus/core/journal.py`. A process that is
   stopped and wakes up again (a zombie), one that is killed, a time-out, a revoke and an error report are one thing
   here: an owner may take no step for as long as it likes, and may begin anew at any moment. What a dead session has
   sent may still land. An append may be lost although those behind it land, and a report may never come.

   `Rules` are the rules that hold; leaving one out is a mutant, and an invariant below must break. *)
EXTENDS Naturals, Sequences, TLC

CONSTANTS
    Owners,         \* processes that believe the partition to be theirs, all at once
    Inputs,         \* how many records there are to judge
    SessionsMax,    \* how often somebody takes over, all in all
    FlightsMax,     \* IN_FLIGHT_MAX of owner.py
    IsNew,          \* does the journal begin empty (no genesis yet)?
    Rules

AllRules == {"prev", "fold_to_end", "position", "exact_offset", "in_order", "begin_anew", "own_reports",
             "write_ahead", "as_journaled", "mark", "takeover"}
ASSUME Rules \subseteq AllRules

VARIABLES
    log,            \* the journal as Kafka has it, valid or void; offsets are its indexes
    net,            \* session -> appends on their way, in order
    reports,        \* owner -> delivery reports on their way
    sent,           \* the segments whose outputs stand on the output topics: their ids
    committed,      \* the published mark as the consumer group has it; see `Owner._commit`
    session,        \* the newest session number (here of all owners: it is the nonce as well)
    own             \* owner -> everything it knows; dropped as a whole in `Owner._begin`

vars == <<log, net, reports, sent, committed, session, own>>

---------------------------------------------------------------------------
(* Segments. The hash of a segment is its <<session, seq>>: what two sessions write differs by the nonce of their
   takeovers, which stands in everything that is chained behind it. Only a genesis is the same whoever writes it. *)

None == <<0, 0>>
GenesisId == <<0, 1>>
Id(s) == s.id
Tip(segments) == IF segments = <<>> THEN None ELSE segments[Len(segments)].id

\* bus.core.journal.continues: `seq` is the next one, `prev` the hash of the valid one before.
Continues(tip, s) == s.id[2] = tip[2] + 1 /\ ("prev" \in Rules => s.prev = tip)

\* The fold of the journal, as every reader makes it. What is valid stays so, so each record keeps what the fold said
\* of it when it came: `valid` is no field on the wire.
ValidOf(l, n) == SelectSeq([i \in 1..n |-> i], LAMBDA i : l[i].valid)

Range(s) == {s[i] : i \in 1..Len(s)}
Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

TipAt(l, n) == LET v == ValidOf(l, n) IN IF v = <<>> THEN None ELSE l[v[Len(v)]].id
Position(l, n) == Max({0} \cup {l[i].to : i \in Range(ValidOf(l, n))})    \* the last input judged

\* bus.shell.restore.Restoration: the larger one of the group's mark and what valid takeovers carry.
MarkAt(l, n) == Max({committed} \cup {l[i].mark : i \in Range(ValidOf(l, n))})

Genesis == [kind |-> "genesis", id |-> GenesisId, prev |-> None, from |-> 1, to |-> 0, mark |-> 0,
            valid |-> FALSE]
Takeover(s, tip, to, mark) ==
    [kind |-> "takeover", id |-> <<s, tip[2] + 1>>, prev |-> tip, from |-> to + 1, to |-> to, mark |-> mark,
     valid |-> FALSE]
Judged(s, tip, from, to) ==
    [kind |-> "judged", id |-> <<s, tip[2] + 1>>, prev |-> tip, from |-> from, to |-> to, mark |-> 0,
     valid |-> FALSE]

\* flight.Flight: a segment on its way, the offset it must get, and how far it is.
Flight(s, offset) ==
    [id |-> s.id, prev |-> s.prev, offset |-> offset, from |-> s.from, final |-> FALSE, there |-> s.kind # "judged"]

---------------------------------------------------------------------------
Nobody == [phase |-> "down", session |-> 0, tip |-> None, end |-> 1, to |-> 0, mark |-> 0, flights |-> <<>>, fold |-> 0]

Init ==
    /\ log = IF IsNew THEN <<>> ELSE <<[Genesis EXCEPT !.valid = TRUE]>>
    /\ net = [s \in 1..SessionsMax |-> <<>>]
    /\ reports = [o \in Owners |-> {}]
    /\ sent = {}
    /\ committed = 0
    /\ session = 0
    /\ own = [o \in Owners |-> Nobody]

\* Owner._own: the takeover is in place; what may not have been sent is sent again, as the journal has it.
Owned(me) ==
    LET again == SelectSeq(ValidOf(log, me.fold), LAMBDA i : log[i].kind = "judged" /\ i >= me.mark)
        id(i) == IF "as_journaled" \in Rules THEN log[i].id ELSE <<me.session, log[i].id[2]>>
        resent == [k \in 1..Len(again) |-> [Flight(log[again[k]], again[k]) EXCEPT !.id = id(again[k]), !.final = TRUE]]
    IN IF me.phase = "claiming" /\ \A f \in Range(me.flights) : f.final
       THEN [me EXCEPT !.phase = "running", !.flights = resent \o @]
       ELSE me

\* Owner.restart, _begin, _restore and _claim: drop everything, fold the journal to the end that the broker names, and
\* append a takeover there. What happens between the fold and the append is the same as an append that takes its time.
\* (Without the rule "takeover" an owner goes on at once.)
TakeOver(o) ==
    /\ session < SessionsMax
    /\ LET s == session + 1
           end == Len(log)
       IN \E fold \in (IF "fold_to_end" \in Rules THEN {end} ELSE 0..end) :
            LET tip == TipAt(log, fold)
                to == IF "position" \in Rules THEN Position(log, fold)
                      ELSE Max({0} \cup {log[i].to : i \in {j \in Range(ValidOf(log, fold)) : j < committed}})
                mark == MarkAt(log, fold)
                first == IF tip = None THEN <<Genesis>> ELSE <<>>
                second == Takeover(s, IF tip = None THEN GenesisId ELSE tip, to, mark)
                appended == IF "takeover" \in Rules THEN Append(first, second) ELSE first
            IN /\ net' = [net EXCEPT ![s] = appended]
               /\ own' = [own EXCEPT ![o] = Owned([phase |-> "claiming", session |-> s,
                            tip |-> IF appended = <<>> THEN tip ELSE appended[Len(appended)].id,
                            end |-> end + 1 + Len(appended), to |-> to, mark |-> mark, fold |-> fold,
                            flights |-> [i \in 1..Len(appended) |-> Flight(appended[i], end + i)]])]
    /\ session' = session + 1
    \* `session != self._session`: late reports are ignored.
    /\ reports' = IF "own_reports" \in Rules THEN [reports EXCEPT ![o] = {}] ELSE reports
    /\ UNCHANGED <<log, sent, committed>>

\* What the rule "begin_anew" forbids: after a time-out, take the appends for not written, go back to before the first
\* of them, look up where the journal ends, and judge again from there.
CarryOn(o) ==
    LET me == own[o]
        open == {i \in 1..Len(me.flights) : ~me.flights[i].final}
        first == me.flights[Min(open)]
    IN
    /\ "begin_anew" \notin Rules
    /\ session < SessionsMax
    /\ me.phase = "running"
    /\ open # {}
    /\ session' = session + 1
    /\ own' = [own EXCEPT ![o] = [me EXCEPT !.session = session + 1, !.end = Len(log) + 1, !.to = first.from - 1,
                    !.tip = first.prev, !.flights = SubSeq(@, 1, Min(open) - 1)]]
    /\ reports' = [reports EXCEPT ![o] = {}]
    /\ UNCHANGED <<log, net, sent, committed>>

\* The broker appends what comes first from a session, dead or alive.
Land(s) ==
    /\ net[s] # <<>>
    /\ log' = Append(log, [Head(net[s]) EXCEPT !.valid = Continues(TipAt(log, Len(log)), Head(net[s]))])
    /\ net' = [net EXCEPT ![s] = Tail(@)]
    /\ reports' = [o \in Owners |->
         IF own[o].session = s \/ "own_reports" \notin Rules
         THEN reports[o] \cup (IF own[o].session >= s
                               THEN {[id |-> Head(net[s]).id, offset |-> Len(log) + 1]} ELSE {})
         ELSE reports[o]]
    /\ UNCHANGED <<sent, committed, session, own>>

\* An append is lost, and the client goes on behind the hole. (A last one that is lost is one that never lands.)
Lose(s) ==
    /\ Len(net[s]) > 1
    /\ net' = [net EXCEPT ![s] = Tail(@)]
    /\ UNCHANGED <<log, reports, sent, committed, session, own>>

\* on_delivery in Owner._append: final is what was acknowledged at exactly the offset that was expected. Anything else
\* is trouble: the owner does nothing more before it takes over again.
Report(o) ==
    \E r \in reports[o] :
        /\ \A other \in reports[o] : r.offset <= other.offset      \* the client reports in order
        /\ LET me == own[o]
               mine(f) == IF "own_reports" \in Rules THEN f.id = r.id ELSE f.offset = r.offset
               fits(f) == mine(f) /\ ("exact_offset" \in Rules => f.offset = r.offset)
               told(f) == IF fits(f) THEN [f EXCEPT !.final = TRUE] ELSE f
               isTrouble == \E f \in Range(me.flights) : mine(f) /\ ~fits(f)
           IN /\ own' = [own EXCEPT ![o] = IF isTrouble THEN Nobody ELSE
                    Owned([me EXCEPT !.flights = [i \in 1..Len(me.flights) |-> told(me.flights[i])]])]
              /\ reports' = [reports EXCEPT ![o] = IF isTrouble THEN {} ELSE @ \ {r}]
        /\ UNCHANGED <<log, net, sent, committed, session>>

\* Owner._judge: the next records are judged into one segment, on a state that is speculative until it is final.
Judge(o) ==
    LET me == own[o] IN
    /\ me.phase = "running"
    /\ Len(me.flights) < FlightsMax
    /\ \E to \in (me.to + 1)..Inputs :
        LET s == Judged(me.session, me.tip, me.to + 1, to)
        IN /\ net' = [net EXCEPT ![me.session] = Append(@, s)]
           /\ own' = [own EXCEPT ![o] = [me EXCEPT !.tip = s.id, !.to = to, !.end = @ + 1,
                        !.flights = Append(@, Flight(s, me.end))]]
    /\ UNCHANGED <<log, reports, sent, committed, session>>

\* Owner._publish looks at the flights in order and stops at the first one that is not final.
MaySend(flights, i) ==
    /\ ~flights[i].there
    /\ "write_ahead" \in Rules => flights[i].final
    /\ ("write_ahead" \in Rules /\ "in_order" \in Rules) => \A j \in 1..i : flights[j].final

\* Owner._retire: the mark moves over what is done at the front, and over nothing else.
IsDone(f) == f.final /\ ("mark" \in Rules => f.there)
RECURSIVE Retired(_)
Retired(me) ==
    IF me.flights # <<>> /\ IsDone(Head(me.flights))
    THEN Retired([me EXCEPT !.mark = Head(me.flights).offset + 1, !.flights = Tail(@)])
    ELSE me

\* Owner._publish and _produce. An output that lands and is not acknowledged is one after which the owner does nothing.
Publish(o) ==
    LET me == own[o] IN
    /\ me.phase = "running"
    /\ \E i \in 1..Len(me.flights) :
        /\ MaySend(me.flights, i)
        /\ sent' = sent \cup {me.flights[i].id}
        /\ own' = [own EXCEPT ![o].flights[i].there = TRUE]
    /\ UNCHANGED <<log, net, reports, committed, session>>

\* Owner._retire and _commit: asynchronous, so it may be of an old owner, late, or never made.
Commit(o) ==
    LET me == Retired(own[o]) IN
    /\ own[o].phase = "running"
    /\ me # own[o]
    /\ own' = [own EXCEPT ![o] = me]
    /\ committed' = me.mark
    /\ UNCHANGED <<log, net, reports, sent, session>>

Next ==
    \/ \E o \in Owners : TakeOver(o) \/ CarryOn(o) \/ Report(o) \/ Judge(o) \/ Publish(o) \/ Commit(o)
    \/ \E s \in 1..SessionsMax : Land(s) \/ Lose(s)

Spec == Init /\ [][Next]_vars
Symmetry == Permutations(Owners)

---------------------------------------------------------------------------
Valid == ValidOf(log, Len(log))
ValidIds == {log[i].id : i \in Range(Valid)}
Decisions == SelectSeq(Valid, LAMBDA i : log[i].kind = "judged")

\* Every input stands in the valid chain at most once, in order, and none is left out.
JudgedOnceInOrder ==
    \A i \in 1..Len(Decisions) :
        log[Decisions[i]].from = IF i = 1 THEN 1 ELSE log[Decisions[i - 1]].to + 1

\* Nobody sends anything of a void segment: the raw outputs are a part of the valid chain.
NothingVoidIsSent == sent \subseteq ValidIds

\* What an owner takes for final stands in the valid chain, where the owner thinks.
FinalIsValid ==
    \A o \in Owners : LET f == own[o].flights IN
        \A i \in 1..Len(f) : (\A j \in 1..i : f[j].final) =>
            f[i].offset \in Range(Valid) /\ log[f[i].offset].id = f[i].id

\* Whatever stands below a mark has been sent: a mark that is too old is harmless, one that is too new is loss.
NothingIsLost ==
    \A m \in {committed} \cup {log[i].mark : i \in Range(Valid)} :
        \A i \in Range(Decisions) : i < m => log[i].id \in sent

\* One valid chain: each names the hash of the one before it.
OneChain == \A i \in 2..Len(Valid) : log[Valid[i]].prev = log[Valid[i - 1]].id

---------------------------------------------------------------------------
(* What must be reachable, or the invariants above would hold for want of anything to happen: each of these is false
   somewhere. *)
NothingIsEverVoid == Len(Valid) = Len(log)
NobodyEverFinishes == ~(Position(log, Len(log)) = Inputs /\ {log[i].id : i \in Range(Decisions)} = sent)
NeverTwoAtOnce == ~(\A o \in Owners : own[o].phase = "running")
NothingIsSentAgain == \A o \in Owners : \A f \in Range(own[o].flights) : ~f.there => f.id \notin sent
============================================================================
