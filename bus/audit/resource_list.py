"""Lists resources as they stand now, by type and holder."""

from dataclasses import dataclass

from bus.audit.lookup import Lookup
from bus.audit.standing import Standing, resource_from_text


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which resources: "" for every type or holder."""

    type: str
    holder: str
    limit: int
    is_held_only: bool


def resources(lookup: Lookup, wanted: Wanted) -> tuple[list[Standing], int]:
    """The resources that fit, held ones first and of those the first to end; and how many there are in all."""
    where, given = _where(wanted)
    database = lookup.index.database
    (count,) = database.execute(f"SELECT count(*) FROM resources WHERE {where}", given).fetchone()
    listed = f"SELECT subject, body FROM resources WHERE {where} ORDER BY holder = '', until, subject LIMIT ?"
    found = database.execute(listed, (*given, wanted.limit)).fetchall()
    return [lookup.dated(subject, resource_from_text(body)) for subject, body in found], int(count)


def _where(wanted: Wanted) -> tuple[str, tuple[object, ...]]:
    # That a contest was there once is no reason to list it: nothing is known about it now.
    parts, given = ["json_remove(body, '$.last_contest') <> '{}'"], []
    if wanted.type:
        parts.append("subject >= ? AND subject < ?")
        given += [f"{wanted.type}/", f"{wanted.type}0"]  # "0" follows "/"
    if wanted.holder:
        parts.append("holder = ?")
        given.append(wanted.holder)
    if wanted.is_held_only:
        parts.append("holder <> ''")
    return " AND ".join(parts), tuple(given)
