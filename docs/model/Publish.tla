------------------------------ MODULE Publish ------------------------------
(* The publisher of one slot: what the arbiter admitted, on governed topics, in Kafka transactions.

   What is modelled is `bus/shell/publisher.py` and, of `bus/shell/slots.py`, that a process ends on any trouble and
   another one begins, also while the old one is still there (after a slow commit the same one begins anew, with a new
   producer: what counts is the epoch). The journal is given: some of its segments are void, and
   the valid ones hold one admitted action each. Readers are strangers: they read `read_committed` and know nothing.

   Of Kafka is modelled: the coordinator, that a new producer with the same transactional id raises the epoch and ends
   what was open; that a transaction's outcome shows on each partition by itself, some time after it was decided; that
   a committed reader sees no further than the first record whose outcome does not show yet; and that the client asks a
   second time for the end of a transaction if the answer is slow, so that the second request may arrive during the next
   transaction and end that one (clients before KIP-890 part 2). *)
EXTENDS Naturals, Sequences

CONSTANTS
    Journal,        \* sequence of BOOLEAN: which segments are valid
    ProcessesMax,   \* processes that publish this slot, one after the other or at once
    Rules

AllRules == {"one_id", "id_first", "to_the_end", "marks_committed", "mark_inside", "valid_only",
             "leave_if_slow", "leave_on_error", "read_committed"}
ASSUME Rules \subseteq AllRules

VARIABLES
    epoch,          \* of the transactional id, at the coordinator
    state,          \* of its transaction: "none", "open", or "decided" until the outcome shows everywhere
    txs,            \* all transactions there were: whose, and "open", "commit" or "abort", as the coordinator decided
    governed,       \* the governed topic: records [segment, tx]
    published,      \* bus.published: records [mark, tx]; tx 0 is another slot's, and so is its mark
    shown,          \* which outcomes show: pairs <<"governed" or "published", tx>>
    other,          \* the other slot's transaction: "no", "open", "done"
    requests,       \* requests to end a transaction on their way: epochs
    processes       \* what each process knows

vars == <<epoch, state, txs, governed, published, shown, other, requests, processes>>

Ps == 1..ProcessesMax
Range(s) == {s[i] : i \in 1..Len(s)}
Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Id(p) == IF "one_id" \in Rules THEN 1 ELSE p      \* bus-publisher-<gen>-<slot>, or one for each process
Ids == {Id(p) : p \in Ps}

Absent == [does |-> "begins", epoch |-> 0, mark |-> 0, next |-> 0, tx |-> 0, slow |-> FALSE]
Gone == [Absent EXCEPT !.does = "gone"]

Init ==
    /\ epoch = [i \in Ids |-> 0]
    /\ state = [i \in Ids |-> "none"]
    /\ txs = <<>>
    /\ governed = <<>>
    /\ published = <<>>
    /\ shown = {}
    /\ other = "no"
    /\ requests = {}
    /\ processes = [p \in Ps |-> Absent]

---------------------------------------------------------------------------
(* What committed readers see. *)

Shows(topic, record) ==
    IF record.tx = 0 THEN other = "done" ELSE <<topic, record.tx>> \in shown
Ends(topic, log) ==     \* the last stable offset: up to the first record whose outcome does not show
    LET open == {n \in 1..Len(log) : ~Shows(topic, log[n])} IN IF open = {} THEN Len(log) ELSE Min(open) - 1
Committed(topic, log) ==
    SelectSeq(SubSeq(log, 1, Ends(topic, log)), LAMBDA r : r.tx # 0 /\ txs[r.tx].is = "commit")

\* What a reader of the governed topic has seen. The rule "read_committed" is the reader's.
Seen ==
    LET records == IF "read_committed" \in Rules THEN Committed("governed", governed) ELSE governed
    IN [i \in 1..Len(records) |-> records[i].segment]

MarkIn(records) == Max({0} \cup {r.mark : r \in {x \in Range(records) : x.tx # 0}})

---------------------------------------------------------------------------
(* The start of a process: Publisher.run and _resume. *)

OpenOf(i) == {t \in 1..Len(txs) : txs[t].is = "open" /\ txs[t].id = i}
Comes(p) == p > 1 => processes[p - 1].does # "begins"       \* one after the other; the older may still be there

\* init_transactions, of which the first half: the epoch rises, so that older producers are fenced, and what was open is
\* aborted; the second: when no transaction is open or on its way, the producer gets its epoch.
Fence(p) ==
    /\ processes[p].does = (IF "id_first" \in Rules THEN "begins" ELSE "inits")
    /\ Comes(p)
    /\ state[Id(p)] = "open"
    /\ epoch' = [epoch EXCEPT ![Id(p)] = @ + 1]
    /\ state' = [state EXCEPT ![Id(p)] = "decided"]
    /\ txs' = [txs EXCEPT ![Max(OpenOf(Id(p)))].is = "abort"]
    /\ UNCHANGED <<governed, published, shown, other, requests, processes>>
InitTransactions(p) ==
    /\ processes[p].does = (IF "id_first" \in Rules THEN "begins" ELSE "inits")
    /\ Comes(p)
    /\ state[Id(p)] = "none"
    /\ epoch' = [epoch EXCEPT ![Id(p)] = @ + 1]
    /\ processes' = [processes EXCEPT ![p].does = IF "id_first" \in Rules THEN "reads" ELSE "idle",
                                      ![p].epoch = epoch[Id(p)] + 1]
    /\ UNCHANGED <<state, txs, governed, published, shown, other, requests>>

\* Publisher._read_parts: the last committed mark. The end of the log is asked for first, and a transaction of another
\* slot that is still open ends what a committed reader sees: it waits until it has come to that end.
ReadMark(p) ==
    /\ processes[p].does = (IF "id_first" \in Rules THEN "reads" ELSE "begins")
    /\ Comes(p)
    /\ "to_the_end" \in Rules => Ends("published", published) = Len(published)
    /\ LET records == IF "marks_committed" \in Rules THEN Committed("published", published) ELSE published
       IN processes' = [processes EXCEPT ![p].mark = MarkIn(records), ![p].next = MarkIn(records),
                            ![p].does = IF "id_first" \in Rules THEN "idle" ELSE "inits"]
    /\ UNCHANGED <<epoch, state, txs, governed, published, shown, other, requests>>

---------------------------------------------------------------------------
(* A transaction: Publisher._publish, _release and _produce. *)

IsFenced(p) == processes[p].epoch # epoch[Id(p)]

\* begin_transaction; the first record opens it at the coordinator. Where nothing is complete there is no transaction.
Begin(p) ==
    /\ processes[p].does = "idle"
    /\ processes[p].mark < Len(Journal)
    /\ ~IsFenced(p)
    /\ state[Id(p)] = "none"
    /\ state' = [state EXCEPT ![Id(p)] = "open"]
    /\ txs' = Append(txs, [id |-> Id(p), is |-> "open"])
    /\ processes' = [processes EXCEPT ![p].does = "writes", ![p].tx = Len(txs) + 1]
    /\ UNCHANGED <<epoch, governed, published, shown, other, requests>>

\* The broker refuses what belongs to no open transaction, or comes from a producer that is fenced: the process is at its
\* end, whether it hears of it or takes no step any more.
CanWrite(p) == ~IsFenced(p) /\ txs[processes[p].tx].is = "open"

\* One segment: its action is written; a void segment is only passed (`_follow`).
Write(p) ==
    LET me == processes[p]
        segment == me.next + 1
    IN
    /\ me.does = "writes"
    /\ me.next < Len(Journal)
    /\ CanWrite(p)
    /\ governed' = IF Journal[segment] \/ "valid_only" \notin Rules
                   THEN Append(governed, [segment |-> segment, tx |-> me.tx]) ELSE governed
    /\ processes' = [processes EXCEPT ![p].next = segment]
    /\ UNCHANGED <<epoch, state, txs, published, shown, other, requests>>

\* The mark goes into the same transaction, behind all it covers.
WriteMark(p) ==
    LET me == processes[p] IN
    /\ me.does = "writes"
    /\ me.next > me.mark
    /\ CanWrite(p)
    /\ published' = IF "mark_inside" \in Rules THEN Append(published, [mark |-> me.next, tx |-> me.tx]) ELSE published
    /\ processes' = [processes EXCEPT ![p].does = "commits"]
    /\ UNCHANGED <<epoch, state, txs, governed, shown, other, requests>>

\* commit_transaction: the client asks; it may ask again when the answer is slow, and then two requests are on their way.
Ask(p) ==
    LET me == processes[p] IN
    /\ me.does = "commits"
    /\ \E again \in BOOLEAN :
        /\ requests' = requests \cup {[id |-> Id(p), epoch |-> me.epoch, nth |-> 1, tx |-> me.tx]}
                                \cup (IF again THEN {[id |-> Id(p), epoch |-> me.epoch, nth |-> 2, tx |-> me.tx]} ELSE {})
        /\ processes' = [processes EXCEPT ![p].does = "waits", ![p].slow = again]
    /\ UNCHANGED <<epoch, state, txs, governed, published, shown, other>>

\* The coordinator gets a request with the current epoch: it ends whatever is open, and it cannot know better.
End ==
    \E r \in requests :
        /\ requests' = requests \ {r}
        /\ IF r.epoch = epoch[r.id] /\ state[r.id] = "open"
           THEN /\ txs' = [txs EXCEPT ![Max(OpenOf(r.id))].is = "commit"]
                /\ state' = [state EXCEPT ![r.id] = "decided"]
           ELSE UNCHANGED <<txs, state>>
        /\ UNCHANGED <<epoch, governed, published, shown, other, processes>>

\* The outcome is written to each partition by itself.
Show ==
    \E tx \in 1..Len(txs), topic \in {"governed", "published"} :
        /\ txs[tx].is # "open"
        /\ <<topic, tx>> \notin shown
        /\ shown' = shown \cup {<<topic, tx>>}
        /\ state' = IF {<<"governed", tx>>, <<"published", tx>>} \subseteq shown'
                    THEN [state EXCEPT ![txs[tx].id] = "none"] ELSE state
        /\ UNCHANGED <<epoch, txs, governed, published, other, requests, processes>>

\* The answer: done. What the rule "mark_inside" forbids is to write the mark now, in a transaction of its own.
Answered(p) ==
    LET me == processes[p] IN
    /\ me.does = "waits"
    /\ txs[me.tx].is = "commit" /\ state[Id(p)] = "none" /\ ~IsFenced(p)
    /\ processes' = [processes EXCEPT ![p] =
         IF me.slow /\ "leave_if_slow" \in Rules THEN Gone
         ELSE [me EXCEPT !.does = IF "mark_inside" \in Rules THEN "idle" ELSE "marks", !.mark = me.next, !.slow = FALSE]]
    /\ UNCHANGED <<epoch, state, txs, governed, published, shown, other, requests>>

\* No answer in time: nobody knows whether it is done. The process leaves. What the rule "leave_on_error" forbids is to
\* take it for not done, and to publish the same again.
TimesOut(p) ==
    LET me == processes[p] IN
    /\ me.does = "waits"
    /\ processes' = [processes EXCEPT ![p] =
         IF "leave_on_error" \in Rules THEN Gone ELSE [me EXCEPT !.does = "idle", !.next = me.mark, !.slow = FALSE]]
    /\ UNCHANGED <<epoch, state, txs, governed, published, shown, other, requests>>

MarkAfterwards(p) ==
    /\ processes[p].does = "marks"
    /\ published' = Append(published, [mark |-> processes[p].mark, tx |-> processes[p].tx])
    /\ processes' = [processes EXCEPT ![p].does = "idle"]
    /\ UNCHANGED <<epoch, state, txs, governed, shown, other, requests>>

\* Another slot writes its mark, in a transaction that takes its time.
OtherBegins ==
    /\ other = "no"
    /\ other' = "open"
    /\ published' = Append(published, [mark |-> 0, tx |-> 0])
    /\ UNCHANGED <<epoch, state, txs, governed, shown, requests, processes>>
OtherEnds ==
    /\ other = "open"
    /\ other' = "done"
    /\ UNCHANGED <<epoch, state, txs, governed, published, shown, requests, processes>>

Next ==
    \/ \E p \in Ps : \/ Fence(p) \/ InitTransactions(p) \/ ReadMark(p) \/ Begin(p) \/ Write(p) \/ WriteMark(p) \/ Ask(p)
                     \/ Answered(p) \/ TimesOut(p) \/ MarkAfterwards(p)
    \/ End \/ Show \/ OtherBegins \/ OtherEnds

Spec == Init /\ [][Next]_vars

---------------------------------------------------------------------------
JournalGiven == <<TRUE, FALSE, TRUE>>      \* see Publish.cfg
Admitted == SelectSeq([i \in 1..Len(Journal) |-> i], LAMBDA i : Journal[i])

\* A reader sees each admitted action once, in order, and nothing else.
SeenOnceInOrder == Len(Seen) <= Len(Admitted) /\ \A i \in 1..Len(Seen) : Seen[i] = Admitted[i]

\* What a committed mark covers is there: nobody will publish it again.
NothingIsLost ==
    LET mark == MarkIn(SelectSeq(published, LAMBDA r : r.tx # 0 /\ txs[r.tx].is = "commit"))
        there == {r.segment : r \in {x \in Range(governed) : txs[x.tx].is = "commit"}}
    IN {i \in Range(Admitted) : i <= mark} \subseteq there

\* What a reader saw never disappears.
SeenForEver == [][Len(Seen') >= Len(Seen) /\ SubSeq(Seen', 1, Len(Seen)) = Seen]_<<governed, txs, shown>>

---------------------------------------------------------------------------
(* What must be reachable: each of these is false somewhere. *)
NobodyIsFenced == \A p \in Ps : processes[p].does \in {"writes", "commits"} => ~IsFenced(p)
NothingIsAborted == \A i \in 1..Len(txs) : txs[i].is # "abort"
NobodyEverFinishes == Seen # Admitted
============================================================================
