"""Everything one agent holds on one connection, and what the bus says about it, asked or not.

Only the connection's thread takes in what the bus says, in the order of the lane. An `ended` counts whoever asked for
it: what another task, thread or process of the same agent gave back is over for all of them.
"""

from collections import OrderedDict

from bus.client.connection import Connection
from bus.client.contest import HUMAN, Contest
from bus.client.errors import ClientError, Misuse, Undecided
from bus.client.event import Event
from bus.client.giving_up import take_back
from bus.client.holding import ENDED_BY_ANSWER, Holding
from bus.client.pending import Key, Request

HOLDINGS_MAX = 10_000  # renewed by one thread, three times in each lease
# Leases that are over and may still be confirmed to a claim that was on its way: more than can be on their way at once.
OVER_MAX = 10_000


class Holdings:
    """The holdings of one agent by subject. Called with the connection's lock held, unless it says otherwise."""

    def __init__(self, connection: Connection, agent: str) -> None:
        self._connection = connection
        self._agent = agent
        self._held: dict[str, Holding] = {}
        self._taken: dict[Key, Holding] = {}  # granted to claims whose callers have not looked yet
        self._over: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._is_closed = False

    def close(self) -> None:
        """Give everything back that nobody else uses, without waiting. Takes the lock."""
        with self._connection.lock:
            self._is_closed = True
            if not self._connection.is_listened_for(self._agent):  # another bus of the same agent may wait again
                for request in self._connection.pending.undecided(self._agent):
                    take_back(self._connection, request)
            held = [*self._held.values()]
            for holding in held:  # the bus first: whoever is told may be slow
                if holding.is_held and not self._connection.is_used(self._agent, holding.subject, holding.token):
                    holding.send_release()
            for holding in held:
                holding.lose("closed", "its bus was closed")

    def check_room(self) -> None:
        """May one more be claimed? Raises `Misuse`."""
        if len(self._held) >= HOLDINGS_MAX:
            raise Misuse(f"{HOLDINGS_MAX} leases are held at once", "release some of them")

    def hear(self, event: Event) -> None:
        """The bus says that something has ended."""
        if event.kind == "ended" and event.token is not None:
            holding = self._held.get(event.subject)
            if holding is not None and holding.token == event.token:
                holding.lose(event.reason, _why_it_ended(event))
            self._note_over(event.subject, event.token)

    def notice(self, event: Event) -> None:
        """The bus says, for the first time, that a person decides on something, or has decided."""
        if event.kind in ("frozen", "unfrozen") and (holding := self._held.get(event.subject)):
            holding.on_freeze(event)

    def on_claim(self, request: Request) -> None:
        """The bus has answered a claim: what it grants is held from here on, before the caller hears of it."""
        event = request.events[-1]
        if event.kind not in ("granted", "confirmed") or (request.is_left and event.agent != self._agent):
            return
        assert event.token is not None
        assert event.until_ms is not None
        is_over = event.kind == "confirmed" and event.at_ms >= event.until_ms
        if is_over and event.lease_ms is None and event.subject not in self._held:
            return  # frozen by an older bus: how much it will have when the clock goes on is not known here
        holding = self._known(event, request) or Holding(self._connection, self._agent, event, request, self._forget)
        if self._is_closed or (event.subject, event.token) in self._over:
            # It was confirmed before the bus had heard that it is given back: say so again, and believe nothing.
            holding.send_release()
            holding.lose("released", "it was given back while the claim was on its way")
        else:
            self._held[event.subject] = holding
        if not request.is_left:
            holding.uses += 1
            holding.start()
            self._taken[request.key] = holding

    def on_act(self, request: Request) -> None:
        """The bus has answered something that was said under a token."""
        event, draft = request.events[-1], request.draft
        holding = self._held.get(draft.subject)
        if event.kind == "refused" and event.reason in ENDED_BY_ANSWER and holding and holding.token == draft.token:
            holding.lose(event.reason, event.detail)

    def taken(self, request: Request) -> Holding:
        """The holding that was granted to a claim; raises `Undecided` if it is frozen. Takes the lock."""
        with self._connection.lock:
            if request.key in self._taken:
                return self._taken.pop(request.key)
        subject = request.draft.subject
        text = f"{subject} is this agent's, and frozen: a person decides about it, and its lease clock stands still"
        contest = request.contest or Contest(subject, rung=HUMAN)
        raise Undecided(text, "Claim it again once that is decided", identifier=request.draft.id, contest=contest)

    def abandon(self, request: Request) -> None:
        """Nobody waits for this claim any more; if it was granted before that, it is one use less. Takes the lock."""
        with self._connection.lock:
            if self._connection.give_up(request) is not None:
                take_back(self._connection, request)
            elif holding := self._taken.pop(request.key, None):
                self.drop(holding)

    def drop(self, holding: Holding) -> None:
        """One use less; what nobody uses any more is given back without waiting. Takes the lock."""
        with self._connection.lock:
            holding.uses -= 1
            self.settle(holding.subject)

    def leave(self, holding: Holding) -> bool:
        """One use less; True if that was the last one, which ends it: the bus is to be told. Takes the lock.

        Raises `LeaseLost` if it was lost before.
        """
        with self._connection.lock:
            holding.uses -= 1
            if holding.uses > 0:
                return False
            holding.check()
            return self._let_go(holding)

    def settle(self, subject: str) -> None:
        """Give back what nobody uses, unless a claim is on its way that will be told the same lease."""
        holding = self._held.get(subject)
        if holding is None or holding.uses > 0 or self._connection.pending.is_claimed(self._agent, subject):
            return
        if self._let_go(holding):
            holding.send_release()

    def holds(self, subject: str, token: int) -> bool:
        """Does somebody use this lease?"""
        holding = self._held.get(subject)
        return holding is not None and holding.token == token and holding.uses > 0

    def cut_off(self, error: ClientError) -> None:
        """Nothing can be renewed or heard any more."""
        for holding in [*self._held.values()]:
            holding.lose("unanswered", error.message)

    def _known(self, event: Event, request: Request) -> Holding | None:
        """What is held of the subject already, if it is still the same lease."""
        if (holding := self._held.get(event.subject)) is not None and holding.token == event.token:
            holding.prolong(event, request)  # which may find that the belief is over
        if (holding := self._held.get(event.subject)) is not None and holding.token != event.token:
            holding.lose("superseded", f"it was granted anew under token {event.token}")
        return self._held.get(event.subject)

    def _let_go(self, holding: Holding) -> bool:
        """Believe in it no more; False if another bus of the same agent goes on with the same lease."""
        if self._connection.is_used(self._agent, holding.subject, holding.token):
            del self._held[holding.subject]  # not forgotten as over: it may be confirmed here once more
            holding.release()
            return False
        holding.release()
        return True

    def _forget(self, holding: Holding) -> None:
        if self._held.get(holding.subject) is holding:
            del self._held[holding.subject]
            self._note_over(holding.subject, holding.token)

    def _note_over(self, subject: str, token: int) -> None:
        self._over[subject, token] = None
        if len(self._over) > OVER_MAX:
            self._over.popitem(last=False)


def _why_it_ended(event: Event) -> str:
    match event.reason:
        case "expired":
            return "it expired before a renewal arrived"
        case "revoked":
            return "an operator ended it"
        case "released":
            return "this agent released it elsewhere"
        case "superseded":
            return "another agent took it over, by its priority or by a contest"
        case "ruled":
            said = f": {event.ruling_in_words}" if event.ruled_by else ""
            return f"a person gave it to another agent{said}"
        case _:
            return f"it is {event.reason}"
