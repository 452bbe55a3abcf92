"""Makes a random contest from a seed: terms, who takes part, and a script of what everybody says.

The same seed gives the same script for ever (only `random.Random`, whose sequence Python keeps). While it is made it
is played against the oracle, so that most words fit what is open and some do not. The words name contests, candidates,
turns and tokens by what was answered, so that the script can be played against anything that decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.contests.cast import ANA, CONTRACTS, START_MS
from tests.contests.oracle.log import Json
from tests.contests.oracle.partition import Oracle
from tests.contests.oracle.registry import Registry
from tests.contests.oracle.subject import Contest, Subject
from tests.contests.play import Play
from tests.contests.terms_words import milliseconds
from tests.contests.told import short

CLAIMANTS = ("sales", "sales-2", "support", "legal", "deal-1")
VOTERS = ("triage", "crm", "quality", "pricing", "compliance", "risk", "a-1", "a-2")
METHODS = ("plurality", "majority", "majority", "supermajority", "weighted", "approval", "schulze")
LADDERS = ("priority", "first_come", "vote", "negotiate", "negotiate")
SUBJECTS = ("lead/L-1", "deal/D-1")
# How long nobody speaks between two lines: mostly shorter than any ballot, now and then longer than most.
PAUSES_MS = (0, 1, 200, 700, 1500, 5000)
# After the last word there is silence for so long; every contest of these terms has ended by then.
SILENCE_S = 1_000


@dataclass(frozen=True, slots=True)
class Generated:
    """One random script: what is given, and its lines (without outcomes) in order of the log."""

    seed: int
    given: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(slots=True)
class Game:
    """A script being played: a tick stands at every deadline, as the owner of a partition writes them."""

    oracle: Oracle
    play: Play
    timed: list[tuple[int, Json]] = field(default_factory=list)

    def line(self, line: str) -> None:
        """Play one line, and before it the ticks that are due; remember to what time the log had come."""
        line_ms = START_MS + milliseconds(line.split(maxsplit=1)[0])
        while (due := self.oracle.next_deadline()) is not None and due <= line_ms:
            self.play.line(f"{(max(due, self.oracle.now) - START_MS) / 1000:.3f} tick")
            self.timed.append((self.oracle.now, self.play.entries[-1]))
        self.play.line(line)
        self.timed.append((max(line_ms, self.oracle.now), self.play.entries[-1]))


def new_game(given: tuple[str, ...]) -> Game:
    """A game in which what is given is in force."""
    oracle = Oracle(Registry((ANA,)))
    game = Game(oracle, Play(oracle.step))
    game.play.begin(given)
    return game


@dataclass(slots=True)
class Maker:
    """A script under way; `now_ms` only grows, so no message is older than a tick before it."""

    random: Random
    game: Game
    now_ms: int = 1_000
    claims: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        """One more line, a little later; now and then at the very next deadline, or a millisecond beside it."""
        due = self.game.oracle.next_deadline()
        pause = self.random.choice(PAUSES_MS)
        if due is not None and self.random.random() < 0.15:
            near = due - START_MS + self.random.choice((-1, 0, 1))
            pause = max(0, min(near - self.now_ms, 60_000))
        self.now_ms += pause
        self.lines.append(f"{self.now_ms / 1000:.3f} {words}")
        self.game.line(self.lines[-1])

    def subject(self, name: str) -> Subject:
        """What the oracle knows of a subject."""
        return self.game.oracle.subjects.get(name, Subject(name))


def generate(seed: int) -> Generated:
    """The script of a seed."""
    random = Random(seed)
    given = tuple(f"terms {subject.partition('/')[0]} {_terms(random)}" for subject in SUBJECTS)
    maker = Maker(random, new_game(given))
    _some_share_a_role(maker)
    for _ in range(random.randint(15, 50)):
        _step(maker)
    maker.lines.append(f"{maker.now_ms / 1000 + SILENCE_S:.3f} tick")
    return Generated(seed, given, tuple(maker.lines))


def _some_share_a_role(maker: Maker) -> None:
    if maker.random.random() < 0.3:
        maker.say("ana sets agent a-1 roles=quality")
    if maker.random.random() < 0.2:
        maker.say("ana sets agent support roles=support,triage")


def _terms(random: Random) -> str:
    ladder = [*dict.fromkeys(random.sample(LADDERS, random.randint(0, 3))), random.choice(("human", "human", "deny"))]
    seats = random.sample(VOTERS, random.randint(1, 5))
    words = [
        f"window={random.choice((0, 2, 5, 10))}",
        f"lease={random.choice((5, 20, 60, 300))}",
        f"held={random.choice(('deny', 'preempt', 'contest', 'contest'))}",
        f"cooldown={random.choice((0, 10))}",
        f"lock={random.choice((0, 0, 3))}",
        f"handover={random.choice((5, 30))}",
        f"priority={','.join(random.sample(CLAIMANTS, random.randint(1, 4)))}",
        f"ladder={','.join(ladder)}",
        f"seats={','.join(seats)}",
        f"method={random.choice(METHODS)}",
        f"threshold={random.choice((5000, 6667, 7500))}",
        f"quorum={random.choice((1, 5000, 6000, 10000))}",
        f"ballot={random.choice((4, 8, 20))}",
        f"turn={random.choice((5, 10, 30))}",
        f"turns={random.choice((2, 4, 9))}",
        f"hold={random.choice((30, 400))}",
        f"tiers={random.choice(('30', '20/40', '900/1800'))}",
        f"reserve={random.choice((10, 60))}",
        "ask=triage,crm limit=1000 wait=20",
    ]
    words += [f"weights={seats[0]}:{random.randint(1, 4)}"] if random.random() < 0.4 else []
    words += [f"claimants={','.join(random.sample(CLAIMANTS, 3))}"] if random.random() < 0.4 else []
    words += ["claimants-vote=yes"] if random.random() < 0.2 else []
    then = random.choice(("human", "deny"))
    words += [f"veto={random.choice(seats)}:bad.*:{then}"] if random.random() < 0.4 else []
    return " ".join(words)


def _step(maker: Maker) -> None:
    random = maker.random
    name = random.choices(SUBJECTS, (3, 1))[0]
    r = maker.subject(name)
    if random.random() < 0.25:
        kinds = (_claim, _vote, _bargain, _holder, _withdraw, _person, _control, _ask, _again, _wait)
        random.choices(kinds, (10, 10, 8, 10, 6, 8, 14, 6, 6, 6))[0](maker, name)
    elif r.case is not None:
        random.choices((_rule, _claim, _holder, _withdraw, _vote), (6, 1, 2, 1, 1))[0](maker, name)
    elif r.contest is not None and r.contest.phase == "negotiate":
        _move(maker, name, r.contest)
    elif r.contest is not None and r.contest.phase == "vote":
        random.choices((_ballot, _holder), (5, 1))[0](maker, name)
    elif r.holding is not None:
        random.choices((_act, _claim, _wait), (4, 2, 1))[0](maker, name)
    else:
        random.choices((_claim, _ask), (9, 1))[0](maker, name)


def _ballot(maker: Maker, name: str) -> None:
    """Somebody with a seat says something that can be counted."""
    contest, random = maker.subject(name).contest, maker.random
    seated = [agents for _, agents in contest.seats if agents] if contest is not None else []
    if contest is None or not seated:
        _vote(maker, name)
        return
    who = short(random.choice(random.choice(seated)))
    known = [maker.game.play.names.outcome(choice) for choice in contest.choices()]
    choices = [*known, *known, "abstain"] + (["reject"] if random.random() < 0.3 else [])
    choice = random.choice(choices)
    vetoes = [veto["role"] for veto in contest.terms.get("veto", [])]
    if vetoes and random.random() < 0.2:
        maker.say(f"{vetoes[0]} votes {name} reject because bad.match")
        return
    if contest.method in ("approval", "schulze") and len(known) > 1 and contest.over == "claims":
        choice = ">".join(random.sample(known, random.randint(1 if contest.method == "approval" else 2, len(known))))
    maker.say(f"{who} votes {name} {choice} because {random.choice(('fit', 'fit', 'fit', 'bad.match'))}")


def _move(maker: Maker, name: str, contest: Contest) -> None:
    """Whose turn it is offers or accepts; now and then it quits, or stays silent like the dead."""
    random = maker.random
    party = short(contest.parties[(contest.turn - 1) % len(contest.parties)].agent)
    fresh = [maker.game.play.names.outcome(c) for c in contest.choices() if c not in contest.used]
    verbs = ["offers", "offers"] if fresh else []
    verbs += ["accepts", "accepts", "accepts"] if contest.standing else []
    verb = random.choice([*verbs, "quits"]) if random.random() < 0.9 else "is silent"
    if verb == "is silent":
        _holder(maker, name)
    else:
        maker.say(f"{party} {verb} {name}{' ' + random.choice(fresh) if verb == 'offers' else ''} turn now")


def _act(maker: Maker, name: str) -> None:
    """The holder does what a holder does."""
    holding, random = maker.subject(name).holding, maker.random
    verb = random.choice(("renews", "renews", "mails", "closes", "closes", "discounts", "issues", "releases"))
    assert holding is not None
    cost = f" cost {random.choice((10, 1000, 1001))}" if verb in ("closes", "discounts") else ""
    named = f" as a{len(maker.lines) + 1}" if verb in CONTRACTS else ""
    late = f" expires {(maker.now_ms + 9_000) / 1000:.3f}" if named and random.random() < 0.2 else ""
    to = f" to {random.choice(CLAIMANTS)}" if verb == "releases" and random.random() < 0.5 else ""
    maker.say(f"{short(holding.agent)} {verb} {name} with @{name}{cost}{named}{late}{to}")


def _rule(maker: Maker, name: str) -> None:
    """A person who may does what fits the case."""
    r, random = maker.subject(name), maker.random
    assert r.case is not None
    parties = r.contest.live() if r.contest is not None else r.case.parties
    known = [maker.game.play.names.outcome(x.id) for x in parties]
    rulings = [f"award {one}" for one in known] + ["reject_all"]
    ruling = random.choice(("approve", "reject") if r.case.kind == "approval" else rulings)
    words = random.choice((f"rules {name} {ruling}", f"rules {name} {ruling}", f"reserves {name}", f"frees {name}"))
    stale = " rev 1" if random.random() < 0.15 else ""
    maker.say(f"{random.choice(('bob', 'bob', 'kim'))} {words}{stale}")


def _claim(maker: Maker, subject: str) -> None:
    who = maker.random.choice(CLAIMANTS)
    name = f"c{len(maker.lines) + 1}"
    maker.claims.setdefault(subject, []).append((who, name))
    wish = maker.random.choice(("", "", " for 3", " for 9000"))
    maker.say(f"{who} claims {subject}{wish} as {name}")


def _choice(maker: Maker, subject: str) -> str:
    names = [name for _, name in maker.claims.get(subject, [])][-4:]
    options = [*names, *names, "approve", "approve", "reject", "abstain", "yes", "no"]
    if maker.random.random() < 0.25 and len(names) > 1:
        return ">".join(maker.random.sample(names, maker.random.randint(2, len(names))))
    return maker.random.choice(options)


def _vote(maker: Maker, subject: str) -> None:
    who = maker.random.choice((*VOTERS, *VOTERS, *CLAIMANTS))
    reason = maker.random.choice(("fit", "fit", "bad.match"))
    maker.say(f"{who} votes {subject} {_choice(maker, subject)} because {reason}")


def _bargain(maker: Maker, subject: str) -> None:
    claims = maker.claims.get(subject, [])[-3:]
    if not claims:
        return
    who = maker.random.choice(claims)[0]
    turn = maker.random.choice(("now", "now", "now", "1", "2"))
    verb = maker.random.choice(("offers", "offers", "accepts", "accepts", "quits"))
    outcome = f" {maker.random.choice(claims)[1]}" if verb == "offers" else ""
    maker.say(f"{who} {verb} {subject}{outcome} turn {turn}")


def _holder(maker: Maker, subject: str) -> None:
    claims = maker.claims.get(subject, [])
    if not claims:
        return
    who = maker.random.choice(claims)[0]
    verb = maker.random.choice(("renews", "mails", "closes", "closes", "discounts", "issues", "releases"))
    words = f"{who} {verb} {subject} with @{subject}"
    if verb in ("closes", "discounts"):
        words += f" cost {maker.random.choice((10, 1000, 1001))}"
    if verb in CONTRACTS:
        words += f" as a{len(maker.lines) + 1}"
        words += f" expires {(maker.now_ms + 15_000) / 1000:.3f}" if maker.random.random() < 0.2 else ""
    if verb == "releases" and maker.random.random() < 0.5:
        words += f" to {maker.random.choice(CLAIMANTS)}"
    maker.say(words)


def _withdraw(maker: Maker, subject: str) -> None:
    claims = maker.claims.get(subject, [])
    if claims:
        who, name = maker.random.choice(claims[-3:])
        maker.say(f"{who} withdraws {subject} claim {name}")


def _person(maker: Maker, subject: str) -> None:
    who = maker.random.choice(("bob", "bob", "kim", "eve", "joe", "sales"))
    claims = [name for _, name in maker.claims.get(subject, [])][-3:] or ["c0"]
    ruling = maker.random.choice(("approve", "reject", "reject_all", f"award {maker.random.choice(claims)}"))
    rev = maker.random.choice(("", "", "", " rev 1"))
    words = maker.random.choice((f"rules {subject} {ruling}", f"rules {subject} {ruling}", f"reserves {subject}"))
    if words.startswith("rules") and "award" in words and ">" in words:
        return
    maker.say(f"{who} {words}{rev}")


def _control(maker: Maker, subject: str) -> None:
    random = maker.random
    who = random.choice((*CLAIMANTS, *VOTERS))
    resource = subject.partition("/")[0]
    maker.say(
        random.choice(
            (
                f"ana suspends {who}",
                f"ana suspends {random.choice(CLAIMANTS)}",
                "ana suspends role sales",
                f"ana resumes {who}",
                "ana resumes role sales",
                f"ana revokes {subject}",
                f"ana sets agent {who} roles={random.choice(('nobody', who))}",
                f"ana sets terms {resource} {_terms(random)}",
            )
        )
    )


def _ask(maker: Maker, subject: str) -> None:
    maker.say(f"{maker.random.choice(('triage', 'crm', 'risk'))} asks {subject} yes|no")


def _again(maker: Maker, subject: str) -> None:
    said = [line.split()[1] for line in maker.lines if line.split()[1] in CLAIMANTS + VOTERS]
    if said:
        maker.say(f"{maker.random.choice(said)} again")


def _wait(maker: Maker, subject: str) -> None:
    claims = maker.claims.get(subject, [])
    if claims:
        until = (maker.now_ms + maker.random.choice((2_000, 15_000, 90_000))) / 1000
        maker.say(f"{maker.random.choice(claims)[0]} waits {subject} support until {until:.3f}")
