"""Random traffic on one partition of the bus's own topic: plausible acts, late ones, wrong ones, and garbage."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st

from bus.core.log.records import Record
from tests.rules.arbiter_script import World

AGENTS = ("sales", "support", "legal")
SUBJECTS = ("lead/A", "lead/A", "lead/B", "deal/C")
TERMS = (
    "lease=20",
    "lease=20 lock=5 handover=10",
    "lease=30 handover=20",
    "lease=15 handover=5 limit=9",
    "lease=10 handover=7 stage=won claimants=sales,legal",
    "lease=60 handover=30 limit=10 ttl=40 ask=triage,sales wait=15",
    "lease=40 handover=9 ask=sales,legal wait=60",
    "none",
)
GIVEN = "terms lead lease=20 lock=5 handover=10 ask=support wait=30"
# Steps of time in seconds: mostly small against a lease, sometimes beyond it, sometimes back (lanes differ).
STEPS_S = (0, 0, 0.001, 1, 1, 3, 9, 21, -2, -15)
ACTS = (
    *("claims", "claims", "claims", "renews", "renews", "releases", "hands over", "mails", "mails", "closes", "calls"),
    *("revokes", "stages", "scores", "notes", "pings", "reports", "withdraws", "rules", "reserves"),
    *("calls", "votes", "votes", "votes", "waits", "waits", "goes-on", "asks"),
    *("tick", "tick", "tick", "again", "alien", "forged", "suspends", "suspends", "terms", "agent", "lane"),
)


@dataclass(frozen=True, slots=True)
class Move:
    """One step of the traffic; ``pick`` chooses among what the act leaves open."""

    act: str
    agent: int
    subject: int
    step: int
    pick: int


# A play takes some 20 ms, and every test plays its own: all of them together are to take well below a minute.
PLAYS = settings(max_examples=25)
MOVE = st.builds(
    Move,
    act=st.sampled_from(ACTS),
    agent=st.integers(0, len(AGENTS) - 1),
    subject=st.integers(0, len(SUBJECTS) - 1),
    step=st.integers(0, len(STEPS_S) - 1),
    pick=st.integers(0, 9),
)
# Long ones find what takes many steps to come about, short ones are what a mistake is shrunk to.
MOVES = st.one_of(st.lists(MOVE, min_size=50, max_size=90), st.lists(MOVE, max_size=20))


def played(moves: list[Move]) -> World:
    """The world after the moves: its log has the records, its entries the decisions."""
    world = World()
    world.given(GIVEN)
    now_s = 0.0
    for move in moves:
        now_s = max(0.0, now_s + STEPS_S[move.step])
        if move.act == "forged":
            world.judge(_forged(world, move))
        else:
            world.play(f"{now_s:.3f} {_words(world, move)}")
    return world


def _words(world: World, move: Move) -> str:  # noqa: C901, PLR0912 one line per act
    who, subject, pick = AGENTS[move.agent], SUBJECTS[move.subject], move.pick
    other = AGENTS[(move.agent + pick) % len(AGENTS)]
    until = f" expires {pick * 4}" if pick == 9 else ""
    match move.act:
        case "claims":
            return f"{who} claims {subject}" + (f" for {pick * 3}" if pick in (1, 9) else "") + until
        case "renews" | "releases" | "mails" | "calls":
            return f"{who} {move.act} {subject} with {_token(world, subject, pick)}{until}"
        case "closes":
            return f"{who} closes {subject} with {_token(world, subject, pick)} cost {pick * 2}"
        case "hands over":
            return f"{who} releases {subject} with {_token(world, subject, pick)} to {other}"
        case "revokes":
            return f"ana revokes {subject}"
        case "stages":
            return f"crm stages {subject} {('won', 'lost')[pick % 2]}"
        case "scores":
            return f"crm scores {subject} {pick}"
        case "reports":
            named = f"!{pick + 1}" if pick < len(world.decisions) else "1.0.0.0"
            return f"crm reports {subject} {named} {('done', 'partial')[pick % 2]}"
        case "withdraws":
            return f"{who} withdraws {subject} claim c1"
        case "waits":
            # Who waits for itself is not in the specification.
            whom = AGENTS[(move.agent + 1 + pick % 2) % len(AGENTS)]
            return f"{who} waits {subject} {whom} until {pick * 6}"
        case "asks":
            return f"{who} asks {subject} yes|no"
        case "votes":
            # Those who sit: legal in reviews, by its contract, triage in questions.
            voter = ("legal", "triage", who)[pick % 3]
            return f"{voter} votes {subject} {('approve', 'yes', 'reject', 'abstain')[pick % 4]}"
        case "rules" | "reserves" if pick < 8:
            return f"ana {move.act} {subject}"
        case "tick" | "alien":
            return move.act
        case "again":
            spoke = any(("bus-from", who.encode()) in record.headers for record in world.log.records)
            return f"{who} again" if spoke else "alien"
        case "suspends":
            return f"ana {_suspension(world, other, pick)}"
        case "terms":
            return f"ana sets terms lead {TERMS[pick % len(TERMS)]}"
        case "agent":
            return f"ana sets agent {who} {('roles=' + other, 'roles=' + who, 'none')[pick % 3]}"
        case "lane":
            return f"ana sets lane {who} none"
        case _:
            lost = "lost-then " if pick == 0 else ""
            return f"{who} {lost}{move.act} {subject}"


def _suspension(world: World, other: str, pick: int) -> str:
    """Mostly lift what is suspended, for a world where nobody may speak shows little."""
    suspended = sorted(world.state.registry.suspended)
    if suspended and pick < 8:
        return "resumes " + suspended[0].replace("role/", "role ").rpartition("/")[2]
    return "suspends " + (other, "all", "role sales", "role legal")[pick % 4]


def _token(world: World, subject: str, pick: int) -> int:
    """Mostly the current token, sometimes an old one, sometimes none that ever was."""
    if pick < 7 and (current := world.state.resource(subject).token):
        return current
    return world.tokens[pick % len(world.tokens)] if world.tokens and pick < 9 else pick


def _forged(world: World, move: Move) -> Record:
    """A record nobody of ours wrote: bytes, or an earlier record with something missing or torn off."""
    log, records = world.log, world.log.records
    if not records or move.pick < 3:
        return log.append(b"\xff" * move.pick, (("bus-from", b"sales"), ("x", None)), 0)
    found = records[move.pick % len(records)]
    if move.pick < 6:
        return log.append(found.value, found.headers[move.pick :], 0)
    return log.append((found.value or b"")[: move.pick], found.headers, 0)
