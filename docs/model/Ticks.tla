------------------------------- MODULE Ticks -------------------------------
(* Time at the arbiter: a tick never states a time that a message on its way has not reached.

   What is modelled is `bus/shell/clock.py` against one lane and its gate (`Owner._retire` and `_commit`, whose position
   it reads), with the reader's rule of module Forward for granted: the arbiter takes each message once and in order.
   A message is on time if and only if its append time is before a deadline; so no tick may state a time beyond it before
   the arbiter has it, however slow the gate is. Two clocks may write ticks at the same time (an old owner's and a new
   one's), each as slowly as it likes. Owners of the gate, dead or alive, may send again what was sent before. *)
EXTENDS Naturals, Sequences, TLC

CONSTANTS
    Messages,       \* how many the agents send
    TimeMax,        \* how long the model runs
    Apart,          \* how far ahead of one another the clocks of two brokers may be
    Unseen,         \* how long a record may have its append time before anybody can read it (it is being replicated)
    Clocks,         \* who writes ticks
    Rules

AllRules == {"skew_clocks", "skew_unseen", "unforwarded", "ask_after", "commit_there", "now_rises"}
ASSUME Rules \subseteq AllRules

\* `skew_ms` of genesis has to cover both.
Skew == (IF "skew_clocks" \in Rules THEN Apart ELSE 0) + (IF "skew_unseen" \in Rules THEN Unseen ELSE 0)

VARIABLES
    time,           \* the time of the broker that has bus.in.<lane>
    ahead,          \* by how much the clock of the broker that has bus.arbiter is ahead of it
    lane,           \* append times of the messages on bus.in.<lane>
    seen,           \* how many of them can be read
    under,          \* how many of them the gate has sent, or is sending: they are on their way
    forwarded,      \* how many stand on bus.arbiter, where the arbiter takes them at once
    committed,      \* the gate's position as the group has it
    newest,         \* append time of the newest record on bus.arbiter
    now,            \* the time the arbiter has been told
    clock,          \* clock -> where it is in writing a tick
    late            \* was a message taken whose time had been passed?

vars == <<time, ahead, lane, seen, under, forwarded, committed, newest, now, clock, late>>

Min(a, b) == IF a <= b THEN a ELSE b
Max(a, b) == IF a >= b THEN a ELSE b
Less(a, b) == IF a >= b THEN a - b ELSE 0

Idle == [does |-> "nothing", after |-> 0, position |-> 0, waiting |-> TimeMax]

Init ==
    /\ time = 1
    /\ ahead \in 0..Apart
    /\ lane = <<>>
    /\ seen = 0
    /\ under = 0
    /\ forwarded = 0
    /\ committed = 0
    /\ newest = 0
    /\ now = 0
    /\ clock = [c \in Clocks |-> Idle]
    /\ late = FALSE

Passes ==
    /\ time < TimeMax
    /\ seen < Len(lane) => time - lane[seen + 1] < Unseen
    /\ time' = time + 1
    /\ UNCHANGED <<ahead, lane, seen, under, forwarded, committed, newest, now, clock, late>>

---------------------------------------------------------------------------
(* The lane and its gate. *)

\* An agent sends; `at` is the append time, made monotonic (`bus.core.gate.arrival_ms`).
Arrives ==
    /\ Len(lane) < Messages
    /\ lane' = Append(lane, time)
    /\ UNCHANGED <<time, ahead, seen, under, forwarded, committed, newest, now, clock, late>>

\* All brokers have it that must: from here on the offset counts as an end, for the gate and for whoever asks.
IsSeen ==
    /\ seen < Len(lane)
    /\ seen' = seen + 1
    /\ UNCHANGED <<time, ahead, lane, under, forwarded, committed, newest, now, clock, late>>

\* The gate has judged a message and sends it.
Sends ==
    /\ under < seen
    /\ under' = under + 1
    /\ UNCHANGED <<time, ahead, lane, seen, forwarded, committed, newest, now, clock, late>>

\* It lands on bus.arbiter, and the arbiter judges it: late is what has an `at` before the time it was told.
Lands ==
    /\ forwarded < under
    /\ forwarded' = forwarded + 1
    /\ newest' = time + ahead
    /\ late' = (late \/ lane[forwarded + 1] < now)
    /\ UNCHANGED <<time, ahead, lane, seen, under, committed, now, clock>>

\* Owner._commit: the position of the input goes with the mark, over what is acknowledged; an old owner's is older.
Commits ==
    /\ committed' \in 0..(IF "commit_there" \in Rules THEN forwarded ELSE under)
    /\ committed' # committed
    /\ UNCHANGED <<time, ahead, lane, seen, under, forwarded, newest, now, clock, late>>

---------------------------------------------------------------------------
(* The clock: Clock._look. *)

\* The newest record that was judged, and when it was appended; the lanes are asked afterwards.
Begins(c) ==
    /\ clock[c].does = "nothing"
    /\ clock' = [clock EXCEPT ![c] = [Idle EXCEPT !.does = "asks", !.after = newest]]
    /\ UNCHANGED <<time, ahead, lane, seen, under, forwarded, committed, newest, now, late>>

\* Clock._first_unforwarded, its first question: how far the gate is.
AsksPosition(c) ==
    /\ clock[c].does = "asks"
    /\ clock' = [clock EXCEPT ![c].does = "asked", ![c].position = committed]
    /\ UNCHANGED <<time, ahead, lane, seen, under, forwarded, committed, newest, now, late>>

\* Its second: what stands behind that position, and since when.
AsksFirst(c) ==
    /\ clock[c].does = "asked"
    /\ LET position == clock[c].position
           waiting == IF position < seen THEN lane[position + 1] ELSE TimeMax
       IN clock' = [clock EXCEPT ![c].does = "knows",
            ![c].waiting = IF "unforwarded" \in Rules THEN waiting ELSE TimeMax,
            \* What the rule "ask_after" forbids: to go by a record that came after the lanes were asked.
            ![c].after = IF "ask_after" \in Rules THEN @ ELSE 0]
    /\ UNCHANGED <<time, ahead, lane, seen, under, forwarded, committed, newest, now, late>>

\* Clock._now and _write; the tick lands some time later, and the arbiter's time never falls (`decide`, a tick).
Ticks(c) ==
    /\ clock[c].does = "knows"
    /\ LET after == IF "ask_after" \in Rules THEN clock[c].after ELSE newest
           stated == Min(Less(after, Skew), clock[c].waiting)
       IN now' = IF "now_rises" \in Rules THEN Max(now, stated) ELSE stated
    /\ newest' = time + ahead
    /\ clock' = [clock EXCEPT ![c] = Idle]
    /\ UNCHANGED <<time, ahead, lane, seen, under, forwarded, committed, late>>

Next ==
    \/ Passes \/ Arrives \/ IsSeen \/ Sends \/ Lands \/ Commits
    \/ \E c \in Clocks : Begins(c) \/ AsksPosition(c) \/ AsksFirst(c) \/ Ticks(c)

Spec == Init /\ [][Next]_vars
Symmetry == Permutations(Clocks)

---------------------------------------------------------------------------
\* Nobody is late with a time before a deadline that a tick has fired.
NobodyIsLate == ~late

\* The arbiter's time never falls.
NowNeverFalls == [][now' >= now]_vars

---------------------------------------------------------------------------
(* What must be reachable: each of these is false somewhere. *)
TimeNeverPasses == now < 2
NothingWaitsBehindATick == \A c \in Clocks : clock[c].waiting = TimeMax
============================================================================
