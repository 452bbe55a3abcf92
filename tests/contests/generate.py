"""Makes a random contest from a seed: terms, who takes part, and a script of what everybody says.

The same seed gives the same script for ever (only `random.Random`, whose sequence Python keeps). While it is made it
is played against the oracle, so that most words fit what is open and some do not. The words name contests, candidates,
turns and tokens by what was answered, so that the script can be played against anything that decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.contests.cast import CONTRACTS
from tests.contests.game import Maker, new_game
from tests.contests.oracle.bargain import outcomes, party_of
from tests.contests.oracle.subject import Contest
from tests.contests.random_terms import CLAIMANTS, STAGES, VOTERS, random_terms
from tests.contests.told import short

SUBJECTS = ("lead/L-1", "deal/D-1")
LAGS_MS = (0, 0, 0, 150, 2_500)
# After the last word there is silence for so long; every contest of these terms has ended by then.
SILENCE_S = 1_500
# One more than the queue of held actions takes.
FLOOD = 33
REASONS = ("fit", "fit", "fit", "bad.match")


@dataclass(frozen=True, slots=True)
class Generated:
    """One random script: what is given, its lines (without outcomes) in order of the log, how late its ticks are."""

    seed: int
    given: tuple[str, ...]
    lines: tuple[str, ...]
    lag_ms: int


def generate(seed: int) -> Generated:
    """The script of a seed."""
    random = Random(seed)
    given = tuple(f"terms {resource} {random_terms(random, resource)}" for resource in ("lead", "deal"))
    lag_ms = random.choice(LAGS_MS)
    maker = Maker(random, new_game(given, lag_ms=lag_ms))
    _begin(maker)
    for _ in range(random.randint(15, 60)):
        _step(maker)
    maker.lines.append(f"{maker.now_ms / 1000 + SILENCE_S:.3f} tick")
    return Generated(seed, given, tuple(maker.lines), lag_ms)


def _begin(maker: Maker) -> None:
    """Some agents share a role, some have several; mostly the stage of the lead is known."""
    random = maker.random
    if random.random() < 0.4:
        maker.say(f"ana sets agent a-1 roles={random.choice(('quality', 'crm', 'triage,compliance'))}")
    if random.random() < 0.2:
        maker.say("ana sets agent support roles=support,triage")
    if random.random() < 0.2:
        maker.say("ana sets agent risk roles=risk,compliance")
    if random.random() < 0.5:
        _state(maker, "lead/L-1")


def _step(maker: Maker) -> None:
    random = maker.random
    name = random.choices(SUBJECTS, (3, 1))[0]
    r = maker.subject(name)
    if maker.game.oracle.registry.values.get("suspended/all") and random.random() < 0.5:
        maker.say("ana resumes all")
    elif random.random() < 0.25:
        ways = (_claim, _vote, _bargain, _holder, _withdraw, _person, _control, _ask, _again, _wait, _state, _report)
        random.choices(ways, (8, 10, 8, 10, 6, 8, 14, 6, 6, 3, 4, 6))[0](maker, name)
    elif r.case is not None:
        random.choices((_rule, _claim, _holder, _withdraw, _vote), (6, 1, 2, 1, 1))[0](maker, name)
    elif r.contest is not None and r.contest.phase == "window":
        random.choices((_join, _claim, _vote, _withdraw), (8, 1, 1, 1))[0](maker, name)
    elif r.contest is not None and r.contest.phase == "negotiate":
        _move(maker, name, r.contest)
    elif r.contest is not None and r.contest.phase == "vote":
        random.choices((_ballot, _holder), (6, 1))[0](maker, name)
    elif r.holding is not None:
        random.choices((_act, _claim, _wait, _goes_on), (8, 4, 1, 6 if r.wait else 0))[0](maker, name)
    else:
        random.choices((_claim, _ask), (9, 1))[0](maker, name)


def _ballot(maker: Maker, name: str) -> None:
    """Somebody with a seat says something that can be counted; some say what cannot, some have no seat."""
    contest, random = maker.subject(name).contest, maker.random
    seated = [agents for _, agents in contest.seats if agents] if contest is not None else []
    if contest is None or not seated or random.random() < 0.1:
        _vote(maker, name)
        return
    who = short(random.choice(random.choice(seated)))
    known = [maker.game.play.names.outcome(choice) for choice in contest.choices()]
    # Most have the same favourite, else hardly a ballot would have a result.
    choices = [*known[:1] * 4, *known, "abstain"] + (["reject"] if random.random() < 0.3 else [])
    choice = random.choice(choices)
    vetoers = [short(agent) for agents in contest.vetoers.values() for agent in agents]
    if vetoers and random.random() < 0.2:
        reason = random.choice(("bad.match", "bad.match", "style"))
        maker.say(f"{random.choice(vetoers)} votes {name} reject because {reason}")
        return
    if random.random() < 0.1:
        who, choice = random.choice((*VOTERS, *CLAIMANTS)), random.choice(known or ["abstain"])
    elif contest.method in ("approval", "schulze") and len(known) > 1 and contest.over == "claims":
        choice = ">".join(random.sample(known, random.randint(1 if contest.method == "approval" else 2, len(known))))
    words = f"{who} votes {name} {choice} because {random.choice(REASONS)}"
    random.choice((maker.say, maker.say_at_once))(words)


def _move(maker: Maker, name: str, contest: Contest) -> None:
    """Whose turn it is offers or accepts; now and then it quits, or stays silent like the dead."""
    random = maker.random
    party = short(party_of(contest).agent)
    fresh = [maker.game.play.names.outcome(one) for one in outcomes(contest) if one not in contest.used]
    verbs = ["offers", "offers"] if fresh else []
    verbs += ["accepts"] * 5 if contest.standing else []
    verb = random.choice([*verbs, *verbs, "quits"]) if random.random() < 0.9 else "is silent"
    if verb == "is silent":
        random.choice((_holder, _bargain, _withdraw))(maker, name)
        return
    if random.random() < 0.06:
        verb = "accepts"
    maker.say(f"{party} {verb} {name}{' ' + random.choice(fresh) if verb == 'offers' else ''} turn now")


def _act(maker: Maker, name: str) -> None:
    """The holder does what a holder does; once in a while all at once."""
    holding, random = maker.subject(name).holding, maker.random
    verb = random.choice(("renews", "renews", "mails", "closes", "closes", "discounts", "issues", "releases"))
    assert holding is not None
    who = short(holding.agent)
    if random.random() < 0.006:
        for _ in range(FLOOD):
            maker.say_at_once(f"{who} issues {name} with @{name} as a{len(maker.lines) + 1}")
        return
    maker.say(f"{who} {verb} {name} with @{name}{_options(maker, verb, 9_000)}")


def _options(maker: Maker, verb: str, expires_ms: int) -> str:
    """What such a verb may have behind it."""
    random = maker.random
    words = f" cost {random.choice((10, 1000, 1001))}" if verb in ("closes", "discounts") else ""
    words += f" as a{len(maker.lines) + 1}" if verb in CONTRACTS else ""
    if verb in CONTRACTS and random.random() < 0.2:
        words += f" expires {(maker.now_ms + expires_ms) / 1000:.3f}"
    if verb == "releases" and random.random() < 0.5:
        words += f" to {random.choice(CLAIMANTS)}"
    return words


def _rule(maker: Maker, name: str) -> None:
    """A person who may does what fits the case; some rulings name what cannot be ruled."""
    r, random = maker.subject(name), maker.random
    assert r.case is not None
    contest = r.contest
    if contest is not None and contest.over == "question":
        known = list(contest.options)
    else:
        parties = contest.candidates if contest is not None else r.case.parties
        known = [maker.game.play.names.outcome(one.id) for one in parties if one.is_live or random.random() < 0.3]
    rulings = [*(f"award {one}" for one in known), "reject_all", *(["award c0"] if random.random() < 0.1 else [])]
    ruling = random.choice(("approve", "reject") if r.case.kind == "approval" else rulings)
    acts = [f"rules {name} {ruling}", f"rules {name} {ruling}", f"reserves {name}"]
    words = random.choice([*acts, f"frees {name}"] if r.case.person or random.random() < 0.1 else acts)
    stale = " rev 1" if random.random() < 0.15 else ""
    maker.say(f"{random.choice(('bob', 'bob', 'kim'))} {words}{stale}")


def _claim(maker: Maker, subject: str) -> None:
    _claims(maker, subject, maker.random.choice(CLAIMANTS))


def _join(maker: Maker, subject: str) -> None:
    """Somebody claims who has not yet, if there is anybody."""
    contest = maker.subject(subject).contest
    has_claimed = [short(one.agent) for one in contest.candidates] if contest is not None else []
    others = [one for one in CLAIMANTS if one not in has_claimed]
    _claims(maker, subject, maker.random.choice(others or CLAIMANTS))


def _claims(maker: Maker, subject: str, who: str) -> None:
    random, name = maker.random, f"c{len(maker.lines) + 1}"
    maker.claims.setdefault(subject, []).append((who, name))
    wish = random.choice(("", "", " for 3", " for 9000")) + (" because wanted" if random.random() < 0.1 else "")
    late = f" expires {(maker.now_ms + random.choice((1, 9_000))) / 1000:.3f}" if random.random() < 0.05 else ""
    words = f"{who} claims {subject}{wish}{late} as {name}"
    random.choices((maker.say, maker.say_at_once, maker.say_stalled), (12, 7, 1))[0](words)


def _choice(maker: Maker, subject: str) -> str:
    names = [name for _, name in maker.claims.get(subject, [])][-4:]
    options = [*names, *names, "approve", "approve", "reject", "abstain", "yes", "no"]
    if maker.random.random() < 0.25 and len(names) > 1:
        return ">".join(maker.random.sample(names, maker.random.randint(2, len(names))))
    return maker.random.choice(options)


def _vote(maker: Maker, subject: str) -> None:
    random = maker.random
    who = random.choice((*VOTERS, *VOTERS, *CLAIMANTS))
    words = f"{who} votes {subject} {_choice(maker, subject)} because {random.choice(('fit', 'fit', 'bad.match'))}"
    if random.random() < 0.1:
        maker.say_stalled(words)
    else:
        maker.say(words)


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
    """Who claimed acts as if it held; the one who does holds on now and then."""
    claims, holding, random = maker.claims.get(subject, []), maker.subject(subject).holding, maker.random
    if not claims:
        return
    who = random.choice(claims)[0] if holding is None or random.random() < 0.5 else short(holding.agent)
    verb = random.choice(("renews", "mails", "calls", "closes", "closes", "discounts", "issues", "releases"))
    maker.say(f"{who} {verb} {subject} with @{subject}{_options(maker, verb, 15_000)}")


def _withdraw(maker: Maker, subject: str) -> None:
    claims = maker.claims.get(subject, [])
    if claims:
        who, name = maker.random.choice(claims[-3:])
        maker.say(f"{who} withdraws {subject} claim {name}")


def _person(maker: Maker, subject: str) -> None:
    """Anybody tries what only some persons may."""
    who = maker.random.choice(("bob", "bob", "kim", "eve", "joe", "sales"))
    claims = [name for _, name in maker.claims.get(subject, [])][-3:] or ["c0"]
    ruling = maker.random.choice(("approve", "reject", "reject_all", f"award {maker.random.choice(claims)}"))
    rev = maker.random.choice(("", "", "", " rev 1"))
    words = maker.random.choice((f"rules {subject} {ruling}", f"rules {subject} {ruling}", f"reserves {subject}"))
    maker.say(f"{who} {words}{rev}")


def _control(maker: Maker, subject: str) -> None:
    random = maker.random
    who = random.choice((*CLAIMANTS, *VOTERS))
    resource = subject.partition("/")[0]
    words = (
        f"ana suspends {who}",
        f"ana suspends {random.choice(CLAIMANTS)}",
        "ana suspends role sales",
        f"ana resumes {who}",
        "ana resumes role sales",
        random.choice(("ana suspends all", "ana resumes all", "ana resumes all")),
        f"ana revokes {subject}",
        f"ana sets agent {who} roles={random.choice(('nobody', who, 'sales', 'compliance'))}",
        f"ana sets person bob queues={random.choice(('desk', 'desk', 'elsewhere'))} roles=resolver",
        f"ana sets terms {resource} {random_terms(random, resource)}",
        f"ana sets terms {resource} {random_terms(random, resource)}",
    )
    maker.say(random.choice(words))


def _ask(maker: Maker, subject: str) -> None:
    words = f"{maker.random.choice(('triage', 'crm', 'risk'))} asks {subject} yes|no"
    if maker.random.random() < 0.2:
        maker.say_at_once(f"{words} until {maker.now_ms / 1000 + 3:.3f}")
    else:
        maker.say(words)


def _again(maker: Maker, subject: str) -> None:
    """Somebody's last record once more; or a record that no gate wrote."""
    said = [line.split()[1] for line in maker.lines if line.split()[1] in CLAIMANTS + VOTERS]
    if maker.random.random() < 0.1:
        maker.say("alien")
    elif said:
        maker.say(f"{maker.random.choice(said)} again")


def _wait(maker: Maker, subject: str) -> None:
    claims, holding, random = maker.claims.get(subject, []), maker.subject(subject).holding, maker.random
    if claims:
        who = short(holding.agent) if holding is not None and random.random() < 0.8 else random.choice(claims)[0]
        # Who waits for itself is not decided anywhere.
        whom = random.choice([one for one in ("support", "legal", "ship/T-1") if one != who])
        until = (maker.now_ms + random.choice((2_000, 15_000, 15_000, 90_000))) / 1000
        maker.say(f"{who} waits {subject} {whom} until {until:.3f}")


def _goes_on(maker: Maker, subject: str) -> None:
    waiting = maker.subject(subject).wait
    if waiting is not None:
        maker.say(f"{short(waiting.agent)} goes-on {subject}")


def _state(maker: Maker, subject: str) -> None:
    """A fact about the lead; the contract knows no other resource."""
    if subject.startswith("lead/"):
        maker.say(f"crm stages {subject} {maker.random.choice((*STAGES[:2], *STAGES))}")


def _report(maker: Maker, subject: str) -> None:
    """An executor tells how an admitted action went."""
    if admitted := len(maker.game.play.names.admitted):
        result = maker.random.choice(("done", "failed", "partial"))
        which = maker.random.choice((admitted, admitted, maker.random.randint(1, admitted)))
        maker.say(f"crm reports {subject} !{which} {result}")
