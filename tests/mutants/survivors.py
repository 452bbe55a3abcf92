"""Why a mutant that nothing kills may live: it decides the same, by the code around it. One sentence for each.

The key is the mutant's name (`tests.mutants.changes.Mutant.name`).
"""

WHY: dict[str, str] = {
    "bus/core/state/resource.py missing_fact: terms.when or {} -> terms.when": (
        "terms that are read always have conditions, if only none: the other side of the `or` is for terms made by hand"
    ),
    "bus/core/steps/deadlines.py fire: size > BYTES_PER_TICK_MAX -> size >= BYTES_PER_TICK_MAX": (
        "an entry of exactly the limit fits either way: what would not fit is far above it"
    ),
    "bus/core/state/resource.py _fenced_detail: holding.agent != agent and holding.token == token -> "
    "holding.token == token": "it is asked only when agent or token differ, so one that has the token is another agent",
}
