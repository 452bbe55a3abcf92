"""Remembers which revision of a case was last shown on this machine: a ruling speaks of what a person has seen."""

import contextlib
import json
from pathlib import Path

from bus.audit.case_files import CaseFile
from bus.shell.kafka import ClientConfig

FOLDER = "cases"  # in the cache; without it a ruling is on the revision that is read then, and says so
SHOWN_MAX = 5_000  # more cases than anybody looks at before ruling


class Shown:
    """Case id -> revision, in a file for each bus; what cannot be read or written is as if nothing had been shown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._revs: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            self._revs = {str(case): int(rev) for case, rev in found.items()}

    def rev(self, case: str) -> int:
        """The revision that was shown last, 0 if none was."""
        return self._revs.get(case, 0)

    def remember(self, *files: CaseFile) -> None:
        """These were shown."""
        self.keep({file.case: file.rev for file in files})

    def keep(self, revs: dict[str, int]) -> None:
        """Whoever was shown a case knows of its own act on it as well: that revision counts as shown."""
        from bus.dev.errors import DevError
        from bus.dev.places import write_whole

        for case, rev in revs.items():
            self._revs.pop(case, None)
            self._revs[case] = rev
        self._revs = dict(list(self._revs.items())[-SHOWN_MAX:])
        with contextlib.suppress(OSError, DevError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, self._revs)


def shown_on(config: ClientConfig) -> Shown:
    """What was shown of the bus at ``config``, which is told from others by its topic's id; raises `RetryableError`."""
    from bus.core.log.topics import ESCALATIONS
    from bus.dev.places import cache_folder
    from bus.shell.cluster import topic_ids

    identity = topic_ids(config, [ESCALATIONS]).get(ESCALATIONS, "none")
    safe = "".join(letter for letter in identity if letter.isalnum() or letter in "-_")
    return Shown(cache_folder() / FOLDER / f"{safe}.json")
