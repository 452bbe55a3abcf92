"""Computes every vector of the published page, so that page and bus cannot disagree."""

import re
from pathlib import Path

import pytest

from bus.core.log.records import Headers, Record
from bus.core.log.routing import murmur2, partition_of
from bus.core.message.envelope import message_hash
from bus.core.policy.control import Genesis, Registry
from bus.core.state.partition import PartitionState

PAGE = (Path(__file__).parents[2] / "docs/vectors.md").read_text(encoding="utf-8")
TABLES = [
    [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in table.strip().splitlines()]
    for table in re.findall(r"(?:^\|.*\n)+", PAGE + "\n", re.MULTILINE)
]
KEYS, PARTS, TOKENS = (table[2:] for table in TABLES)
HASHED = dict(PARTS)


@pytest.mark.parametrize(("key", "hashed", "of_4", "of_12"), KEYS)
def test_a_key_goes_where_the_page_says(key: str, hashed: str, of_4: str, of_12: str) -> None:
    """murmur2 of a key, and its partition, are those of the Java client."""
    assert murmur2(key.encode()) == int(hashed) % 2**32
    assert (partition_of(key, 4), partition_of(key.encode(), 12)) == (int(of_4), int(of_12))


def test_the_page_has_the_three_vectors_everybody_knows() -> None:
    """The keys are those of Kafka's own tests, with the numbers found there."""
    known = {"foobar": -790332482, "a-little-bit-long-string": -985981536, "21": -973932308}
    assert {key: int(hashed) for key, hashed, *_ in KEYS} == known


def _headers(*names: str) -> Headers:
    return tuple((name, HASHED[name].encode()) for name in names)


def _hash(headers: Headers) -> str:
    return message_hash(Record("bus.in.sales", 0, 0, 0, None, HASHED["value"].encode(), headers))


def test_a_message_has_the_hash_of_the_page() -> None:
    """Type, subject, token, content type and value make the hash; the order of headers does not."""
    assert _hash(_headers("content-type", "ce_bustoken", "ce_subject", "ce_type")) == HASHED["hash"]


def test_an_absent_header_is_empty_in_the_hash() -> None:
    """Without a token the second hash of the page comes out."""
    [without] = re.findall(r"without `ce_bustoken`: `([0-9a-f]{64})`", PAGE)
    assert _hash(_headers("ce_type", "ce_subject", "content-type")) == without


def test_of_a_doubled_header_the_first_counts_in_the_hash() -> None:
    """A second header of one name does not change the hash, and neither does any other header."""
    headers = _headers("ce_type", "ce_subject", "ce_bustoken", "content-type")
    assert _hash((*headers, ("ce_subject", b"lead/other"), ("ce_id", b"x"))) == HASHED["hash"]


@pytest.mark.parametrize(("gen", "o", "n", "token"), TOKENS)
def test_a_token_is_the_number_of_the_page(gen: str, o: str, n: str, token: str) -> None:
    """A fencing token is one integer, and the largest is the largest a double can count to."""
    genesis = Genesis(int(gen), "acme", 4, ())
    state = PartitionState(int(gen), 3, Registry(genesis, {}))
    assert state.token(int(o), int(n)) == int(token) < 2**53
