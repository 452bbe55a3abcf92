"""The pieces of a snapshot: whatever the lines are, parts fit into a record, and reading them gives the lines again."""

import random
import zlib

import pytest

from bus.core.log.records import Record, digest
from bus.shell.snapshots.records import (
    PART_BYTES,
    Packing,
    Part,
    Snapshot,
    Standing,
    Unpacking,
    part_headers,
    read_record,
    snapshot_value,
)

RECORD_BYTES_MAX = 2 * 1024 * 1024
STANDING = Standing("gate", "sales", 1, "id", 41, 40, "ff", 9)


def _lines(seed: int) -> list[bytes]:
    """Many short lines and some that are longer than a part, of bytes that no compression makes smaller."""
    chance = random.Random(seed)
    sizes = [chance.randrange(300) for _ in range(8_000)] + [PART_BYTES * 2 + 17, PART_BYTES - 1, PART_BYTES]
    chance.shuffle(sizes)
    return [chance.randbytes(size).replace(b"\n", b" ") for size in sizes]


@pytest.mark.parametrize("seed", range(3))
def test_lines_come_back_from_parts_that_fit(seed: int) -> None:
    """No part is larger than a record may be, and the hash is that of all lines, each with its end."""
    lines, packing, unpacking = _lines(seed), Packing(), Unpacking()
    parts = [value for value in packing.pack(lines) if value is not None]
    assert len(parts) > 3
    assert max(map(len, parts)) < RECORD_BYTES_MAX * 0.9
    assert [line for value in parts for line in unpacking.unpack(value)] == lines
    assert unpacking.state_hash == packing.state_hash == digest(b"".join(line + b"\n" for line in lines))


@pytest.mark.parametrize("value", [b"", b"no part", zlib.compress(b"x" * (PART_BYTES + 1))])
def test_what_is_no_part_is_refused(value: bytes) -> None:
    """Bytes of anybody, and a part that unpacks to more than a part has, are not read."""
    with pytest.raises(ValueError, match="part"):
        Unpacking().unpack(value)


def test_a_closing_record_says_where_everything_is() -> None:
    """It comes back as it was written, with the place and time that Kafka gave it; a part is none."""
    closed = Snapshot("x", "1.0", STANDING, "aa", 17, (Part(3, "bb"), Part(5, "cc")))
    record = Record("bus.snapshots", 0, 6, 77, None, snapshot_value(closed), ())
    assert read_record(record) == Snapshot("x", "1.0", STANDING, "aa", 17, closed.parts, place=6, time_ms=77)
    assert read_record(Record("bus.snapshots", 0, 7, 77, None, b"[]", part_headers("x", 0))) is None
    assert read_record(Record("bus.snapshots", 0, 8, 77, None, b"{}", ())) is None
