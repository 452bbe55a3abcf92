"""What the mutation runs found, as it is committed: `results.json`, which the page docs/mutants.md is made from."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


def read() -> dict[str, Any]:  # Any: JSON
    """Everything that is known: ``faults`` by name, and the generated ``mutants``."""
    if not RESULTS.exists():
        return {"faults": {}, "mutants": {}}
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return found


def write(results: dict[str, Any]) -> None:  # Any: as above
    """Keep it."""
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
