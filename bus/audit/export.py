"""Keeps what an audit read in a folder and reads it back: a file of lines per partition, a manifest with their hashes.

    <folder>/manifest.json                what was read from where, the groups' marks, sha256 of every file
    <folder>/<topic>-<partition>.jsonl    a record a line: offset, timestamp, key, headers, value

Bytes are written as text where they are UTF-8, else as {"base64": "…"}; null stays null.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bus.audit.evidence import Evidence, Flaw, Log, Place
from bus.core.log.records import Record, canonical
from bus.shell.errors import BusError, ConflictError, NotInitialisedError

MANIFEST = "manifest.json"
FORM = "agentbus-export"


def save(evidence: Evidence, folder: Path) -> None:
    """Write the evidence into an empty or new folder; raises `ConflictError` if it is not empty, `BusError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConflictError(f"{folder} is not empty", "name a new folder: nothing is overwritten")
        files = [_save_log(folder, place, log) for place, log in evidence.logs.items()]
        marks = {group: {_text_of(place): at for place, at in own.items()} for group, own in evidence.marks.items()}
        manifest = {
            "v": 1,
            "kind": FORM,
            "source": evidence.source,
            "marks": marks,
            "topic_ids": dict(evidence.topic_ids),
            "partitions": dict(evidence.partitions),
            "files": files,
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True), encoding="utf-8")
    except OSError as error:
        raise BusError(f"cannot write {folder} ({error.strerror})", "name another folder, or make room") from error


def load(folder: Path) -> Evidence:
    """Read an export; raises `NotInitialisedError` if the folder holds none, `ConflictError` if another version's.

    What is wrong with its files becomes `Flaw`s.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["kind"] != FORM or manifest["v"] != 1:
            raise ConflictError(f"{folder} is an export of another version", "use the agentbus that wrote it")
        flaws: list[Flaw] = []
        logs = dict(_load_log(folder, described, flaws) for described in manifest["files"])
        marks = {group: {_place_of(text): at for text, at in own.items()} for group, own in manifest["marks"].items()}
        return Evidence(
            str(folder), logs, marks, manifest.get("topic_ids", {}), manifest.get("partitions", {}), tuple(flaws)
        )
    except OSError as error:
        text = f"{folder / MANIFEST} cannot be read ({error.strerror}): it was removed, or this is no export"
        raise NotInitialisedError(text, "name a folder that `agentbus verify --save` wrote") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        text = f"{folder / MANIFEST} is no manifest of an export"
        raise NotInitialisedError(text, "name a folder that `agentbus verify --save` wrote") from error


# ---- writing ------------------------------------------------------------------------------------------------


def _save_log(folder: Path, place: Place, log: Log) -> dict[str, Any]:  # Any: JSON
    name = f"{place[0]}-{place[1]}.jsonl"
    hasher = hashlib.sha256()
    with (folder / name).open("wb") as file:
        for record in log.records:
            line = _line(record)
            hasher.update(line)
            file.write(line)
    described = {"file": name, "topic": place[0], "partition": place[1], "first": log.first, "end": log.end}
    return {**described, "records": len(log.records), "sha256": hasher.hexdigest()}


def _line(record: Record) -> bytes:
    headers = None if record.has_unreadable_headers else [[name, _shown(value)] for name, value in record.headers]
    line = {
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "key": _shown(record.key),
        "headers": headers,
        "value": _shown(record.value),
    }
    return canonical(line) + b"\n"


def _shown(content: bytes | None) -> str | dict[str, str] | None:
    if content is None:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


# ---- reading ------------------------------------------------------------------------------------------------


def _load_log(folder: Path, described: dict[str, Any], flaws: list[Flaw]) -> tuple[Place, Log]:  # Any: JSON
    place = (str(described["topic"]), int(described["partition"]))
    path = folder / Path(described["file"]).name
    content = path.read_bytes() if path.exists() else b""
    if not path.exists():
        flaws.append(Flaw(place, f"file {path.name} is missing"))
    elif hashlib.sha256(content).hexdigest() != described["sha256"]:
        flaws.append(Flaw(place, f"file {path.name} was changed after the export: its sha256 is not the manifest's"))
    records = tuple(_records(place, content.splitlines(), flaws))
    return place, Log(int(described["first"]), int(described["end"]), records)


def _records(place: Place, lines: Iterable[bytes], flaws: list[Flaw]) -> Iterable[Record]:
    for number, line in enumerate(lines, start=1):
        try:
            yield _record(place, json.loads(line))
        except (ValueError, KeyError, TypeError, binascii.Error):
            flaws.append(Flaw(place, f"line {number} is no record any more"))


def _record(place: Place, given: dict[str, Any]) -> Record:  # Any: JSON
    headers = given["headers"]
    return Record(
        topic=place[0],
        partition=place[1],
        offset=given["offset"],
        timestamp_ms=given["timestamp"],
        key=_bytes(given["key"]),
        value=_bytes(given["value"]),
        headers=tuple((name, _bytes(value)) for name, value in headers or ()),
        has_unreadable_headers=headers is None,
    )


def _bytes(shown: str | dict[str, str] | None) -> bytes | None:
    if shown is None:
        return None
    return shown.encode() if isinstance(shown, str) else base64.b64decode(shown["base64"], validate=True)


def _text_of(place: Place) -> str:
    return f"{place[0]}/{place[1]}"


def _place_of(text: str) -> Place:
    topic, _, partition = text.rpartition("/")
    return topic, int(partition)
