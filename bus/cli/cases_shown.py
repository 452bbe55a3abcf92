"""Remembers which revision of a case a person was last shown on this machine: a ruling speaks of what they have seen.

By person, for several may work at one machine, and what one has looked at the other has not.
"""

import contextlib
import hashlib
import json
from pathlib import Path

from bus.audit.case_files import CaseFile
from bus.shell.kafka import ClientConfig

FOLDER = "cases"  # in the cache; without it a person names the revision they have seen
SHOWN_MAX = 5_000  # more cases than anybody looks at before ruling


class Shown:
    """Case id -> revision, of one person on one bus; what cannot be read or written is as if it had not been shown.

    Without a path it is nobody's, and remembers nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._revs: dict[str, int] = {}
        if path is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            self._revs = {str(case): int(rev) for case, rev in found.items()}

    def rev(self, case: str) -> int:
        """The revision that was shown last, 0 if none was."""
        return self._revs.get(case, 0)

    def has_seen(self, file: CaseFile) -> bool:
        """Was it shown as it is now?"""
        return self.rev(file.case) == file.rev

    def remember(self, *files: CaseFile) -> None:
        """These were shown."""
        self.keep({file.case: file.rev for file in files})

    def keep(self, revs: dict[str, int]) -> None:
        """Whoever was shown a case knows of its own act on it as well: that revision counts as shown."""
        from bus.dev.errors import DevError
        from bus.dev.places import write_whole

        if self._path is None:
            return
        for case, rev in revs.items():
            self._revs.pop(case, None)
            self._revs[case] = rev
        self._revs = dict(list(self._revs.items())[-SHOWN_MAX:])
        with contextlib.suppress(OSError, DevError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, self._revs)


def shown_on(config: ClientConfig, person: str) -> Shown:
    """What this person ("" for nobody in particular) was shown of the bus at ``config``; raises `RetryableError`.

    The bus is told from others by its topic's id, the person by the short name, which is one person's on a bus.
    """
    from bus.core.log.topics import ESCALATIONS
    from bus.dev.places import cache_folder
    from bus.shell.cluster import topic_ids

    if not person:
        return Shown(None)
    identity = topic_ids(config, [ESCALATIONS]).get(ESCALATIONS, "none")
    safe = "".join(letter for letter in identity if letter.isalnum() or letter in "-_")
    name = hashlib.sha256(person.rpartition("/")[2].encode()).hexdigest()[:16]  # no two names are one file's
    return Shown(cache_folder() / FOLDER / f"{safe}-{name}.json")
