"""Random terms for a resource type, in the words of a script."""

from __future__ import annotations

from random import Random

CLAIMANTS = ("sales", "sales-2", "support", "legal", "deal-1")
CLAIMING_ROLES = ("sales", "support", "legal", "deal-1")
VOTERS = ("triage", "crm", "quality", "pricing", "compliance", "risk", "a-1", "a-2")
METHODS = ("plurality", "majority", "majority", "supermajority", "weighted", "approval", "schulze")
RUNGS = ("priority", "first_come", "vote", "vote", "negotiate", "negotiate")
STAGES = ("qualified", "won", "lost")


def random_terms(random: Random, resource: str) -> str:
    """Terms in which every contest ends within a few hundred seconds."""
    ladder = [*dict.fromkeys(random.sample(RUNGS, random.randint(0, 3))), random.choice(("human", "human", "deny"))]
    seats = random.sample(VOTERS, random.randint(1, 5))
    named = [f"agent:{seat}" if seat.startswith("a-") and random.random() < 0.5 else seat for seat in seats]
    words = [
        f"window={random.choice((0, 5, 10, 20))}",
        f"lease={random.choice((5, 20, 60, 300))}",
        f"held={random.choice(('deny', 'preempt', 'contest', 'contest', 'contest'))}",
        f"cooldown={random.choice((0, 10))}",
        f"lock={random.choice((0, 0, 3))}",
        f"handover={random.choice((5, 30))}",
        f"priority={','.join(random.sample(CLAIMING_ROLES, random.randint(1, 4)))}",
        f"ladder={','.join(ladder)}",
        f"seats={','.join(named)}",
        f"method={random.choice(METHODS)}",
        f"threshold={random.choice((5000, 6667, 7500))}",
        f"quorum={random.choice((1, 5000, 6000, 10000))}",
        f"ballot={random.choice((4, 20, 30))}",
        f"turn={random.choice((5, 30, 60))}",
        f"turns={random.choice((2, 4, 9))}",
        f"hold={random.choice((30, 400))}",
        f"tiers={random.choice(('30', '20/40', '900/1800'))}",
        f"expiry={random.choice(('stay_frozen', 'stay_frozen', 'deny', 'release'))}",
        f"reserve={random.choice((10, 60))}",
        "ask=triage,crm limit=1000 wait=20",
    ]
    words += [f"weights={seats[0]}:{random.randint(1, 4)}"] if random.random() < 0.4 else []
    words += [f"claimants={','.join(random.sample(CLAIMING_ROLES, 3))}"] if random.random() < 0.25 else []
    words += [f"outcomes={','.join(random.sample(CLAIMING_ROLES, 3))},nobody"] if random.random() < 0.15 else []
    words += ["claimants-vote=yes"] if random.random() < 0.2 else []
    words += [_veto(random, seats)] if random.random() < 0.5 else []
    words += [_veto(random, seats)] if random.random() < 0.2 else []
    if resource == "lead" and random.random() < 0.2:
        words += [f"stage={'|'.join(random.sample(STAGES, 2))}", f"ttl={random.choice((20, 300))}"]
    return " ".join(words)


def _veto(random: Random, seats: list[str]) -> str:
    """A veto of somebody who votes, or of somebody who has no seat of its own."""
    role = random.choice((*seats, *VOTERS, *CLAIMING_ROLES))
    return f"veto={role}:bad.*:{random.choice(('human', 'deny'))}"
