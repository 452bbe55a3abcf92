"""Where a record goes and what came before it: partitions of keys, and the rule of the named predecessor."""

from enum import Enum
from functools import lru_cache
from struct import iter_unpack

MURMUR2_SEED = 0x9747B28C
MURMUR2_M = 0x5BD1E995
MASK_32 = 0xFFFFFFFF
IDS_REMEMBERED = 512  # the last of each lane, which the next one of its lane is compared with
KEYS_REMEMBERED = 4096  # subjects come in bursts: claimed, renewed, acted on, released


def murmur2(data: bytes) -> int:
    """MurmurHash2 as the Java client computes it (unsigned 32 bit). Source: Kafka's `Utils.murmur2`."""
    length = len(data)
    h = (MURMUR2_SEED ^ length) & MASK_32
    whole = length - length % 4
    for (word,) in iter_unpack("<I", data[:whole]):
        k = (word * MURMUR2_M) & MASK_32
        h = ((h * MURMUR2_M) ^ ((k ^ (k >> 24)) * MURMUR2_M)) & MASK_32
    if rest := data[whole:]:
        h = ((h ^ int.from_bytes(rest, "little")) * MURMUR2_M) & MASK_32
    h = ((h ^ (h >> 13)) * MURMUR2_M) & MASK_32
    return h ^ (h >> 15)


@lru_cache(maxsize=KEYS_REMEMBERED)
def partition_of(key: str | bytes, partitions: int) -> int:
    """The partition of a key the bus writes: ``murmur2(key) & 0x7fffffff mod partitions``."""
    data = key if isinstance(key, bytes) else key.encode()
    return (murmur2(data) & 0x7FFFFFFF) % partitions


class Arrival(Enum):
    """What an id is to a reader that keeps the last id per source and topic-partition."""

    NEXT = "next"
    REPEAT = "repeat"
    GAP = "gap"


@lru_cache(maxsize=IDS_REMEMBERED)
def id_order(identifier: str) -> tuple[int, ...]:
    """Ids of one source compare as numbers, field by field; a lane's id is ``<lane>.<offset>``."""
    return tuple([int(field) for field in identifier.split(".") if field.isascii() and field.isdigit()])


def arrival(*, last: str, identifier: str, prev: str) -> Arrival:
    """Judge a record by the id it carries, the predecessor it names and the ``last`` id seen ("" for none)."""
    if last and id_order(identifier) <= id_order(last):
        return Arrival.REPEAT
    return Arrival.NEXT if prev == last else Arrival.GAP
