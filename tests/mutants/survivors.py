"""Why a mutant that nothing kills may live: it decides the same, by the code around it. One sentence for each.

The key is the mutant's name (`tests.mutants.changes.Mutant.name`).
"""

WHY: dict[str, str] = {}
