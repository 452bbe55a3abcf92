"""Every way in which a message of these tests is wrong on purpose, by the reason the gate must give for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from tests.acceptance.outgoing import VARIANT_HEADER, Author, Outgoing, now_ms
from tests.acceptance.setting import EMAIL, JOT, LANES, NOTE, NOTE_SCHEMA_ID, QUOTE, STAGE
from tests.acceptance.wire import Json, canonical, time_text

Way = Callable[[Author], Outgoing]
CLAIM, RENEW, REVOKE, SET = (
    "bus.resource.claim.v1",
    "bus.resource.renew.v1",
    "bus.resource.revoke.v1",
    "bus.control.set.v1",
)
SUBJECT = "lead/L-1"
GOOD_NOTE = {"text": "hello", "tags": ["a"], "to": "you"}


def note(author: Author, **more: Json) -> Outgoing:
    """A note in order."""
    return author.message(NOTE, GOOD_NOTE | more)


def claim(author: Author) -> Outgoing:
    """A claim in order."""
    return author.message(CLAIM, {}, subject=SUBJECT)


def email(author: Author, **more: Json) -> Outgoing:
    """A guarded action in order, though its token is nobody's."""
    body = {"lead_id": "L-1", "text": "dear lead", "discount_bp": 0} | more
    return author.message(EMAIL, body, subject=SUBJECT, token=1)


def quote(author: Author, **more: Json) -> Outgoing:
    """A quote request in order."""
    soon = now_ms() + 3_600_000
    body = {"order": "PO-1", "window_start_ms": soon, "window_end_ms": soon + 1000, "cost_centre": "c"}
    return author.message(QUOTE, body | more)


def _header(name: str, value: str | bytes | None) -> Way:
    return lambda author: note(author).having(name, value)


def _without(name: str) -> Way:
    return lambda author: note(author).lacking(name)


def _twice(name: str, value: str) -> Way:
    return lambda author: note(author).having(name, value).doubling(name, value)


def _body(value: bytes | None) -> Way:
    return lambda author: note(author).saying(value)


def _json(text: str) -> Way:
    return _body(f'{{"text":"t","tags":[],"to":"you","any":{text}}}'.encode())


def _many_headers(author: Author) -> Outgoing:
    message = note(author)
    for n in range(65):
        message = message.having(f"x-{n}", "v")
    return message


def _moved(author: Author) -> Outgoing:
    message = note(author)
    others = [lane for lane in LANES if lane != author.lane]
    return Outgoing(others[len(message.value or b"") % len(others)], message.headers, message.value)


def _timed(name: str, away_ms: int, vary_ms: int = 0) -> Way:
    def way(author: Author) -> Outgoing:
        spread = author.count * 37 % (2 * vary_ms + 1) - vary_ms
        return note(author).having(name, time_text(now_ms() + away_ms + spread))

    return way


def _framed(schema_id: int, body: bytes = b'{"text":"t","tags":[],"to":"you"}') -> Way:
    return _body(b"\x00" + schema_id.to_bytes(4, "big") + body)


def _lead(subject: str, lead_id: Json) -> Way:
    return lambda author: email(author, lead_id=lead_id).having("ce_subject", subject)


def _wide_note(author: Author) -> Outgoing:
    return note(author).saying(canonical(GOOD_NOTE | {f"extra_{n:02d}": n for n in range(25)}))


# The reason the gate must give, and the ways to earn it.
WAYS: dict[str, dict[str, Way]] = {
    "too_large": {
        "value 65537": lambda author: note(author, any="x" * 65_537),
        "65 headers": _many_headers,
        "8193 bytes of headers": _header("x-long", "x" * 8_193),
    },
    "bad_envelope": {
        "no specversion": _without("ce_specversion"),
        "specversion 0.3": _header("ce_specversion", "0.3"),
        "no id": _without("ce_id"),
        "empty id": _header("ce_id", ""),
        "null id": _header("ce_id", None),
        "blank in id": _header("ce_id", "a b"),
        "id of 65": _header("ce_id", "i" * 65),
        "id with newline": _header("ce_id", "abc\n"),
        "id not ascii": _header("ce_id", "schön"),
        "no source": _without("ce_source"),
        "source a url": _header("ce_source", "https://acme/agent/x"),
        "source a robot": _header("ce_source", "spiffe://acme/robot/x"),
        "source upper domain": _header("ce_source", "spiffe://ACME/agent/x"),
        "source bytes": _header("ce_source", b"spiffe://acme/agent/\xff"),
        "two sources": lambda author: note(author).doubling("ce_source", author.source),
        "no type": _without("ce_type"),
        "type without version": _header("ce_type", "accept.note.post"),
        "type v0": _header("ce_type", "accept.note.post.v0"),
        "type with 4 names": _header("ce_type", "accept.note.post.more.v1"),
        "no time": _without("ce_time"),
        "time of no day": _header("ce_time", "2026-02-30T10:00:00Z"),
        "time second 60": _header("ce_time", "2026-01-01T23:59:60Z"),
        "time with offset": _header("ce_time", "2026-01-01T00:00:00+00:00"),
        "time ten digits": _header("ce_time", "2026-01-01T00:00:00.1234567890Z"),
        "time 24 h": _header("ce_time", "2026-01-01T24:00:00Z"),
        "no content type": _without("content-type"),
        "content type charset": _header("content-type", "application/json; charset=utf-8"),
        "expiry of no form": _header("ce_expirytime", "tomorrow"),
        "foreign ce header": _header("ce_color", "red"),
        "two subjects": lambda author: claim(author).doubling("ce_subject", "lead/L-2"),
        "two tokens": lambda author: email(author).doubling("ce_bustoken", "2"),
        "two ids": lambda author: note(author).doubling("ce_id", "other"),
        "two foreign headers": _twice("x-foreign", "1"),
        "two reserved headers": _twice("bus-token", "1"),
        "several wrong": lambda author: note(author).having("ce_specversion", "2").lacking("ce_time"),
    },
    "reserved_header": {
        "bus-decision": _header("bus-decision", "1.0.0.0"),
        "bus-anything": _header("bus-", ""),
        "connect error": _header("__connect.errors.topic", "x"),
    },
    "unknown_sender": {
        "nobody": _header("ce_source", "spiffe://acme.example/agent/nobody"),
        "no person": _header("ce_source", "spiffe://acme.example/person/nobody"),
    },
    "wrong_lane": {"another lane": _moved},
    "stale": {
        "301 s old": _timed("ce_time", -301_000),
        "35 s early": _timed("ce_time", 35_000),
        "ten years old": _header("ce_time", "2016-01-01T00:00:00Z"),
    },
    "expired": {
        "expired before": _timed("ce_expirytime", -1_000),
        "long expired": _timed("ce_expirytime", -90_000_000),
    },
    "unknown_contract": {
        "no such type": _header("ce_type", "accept.note.shred.v1"),
        "no such version": _header("ce_type", "accept.note.post.v2"),
        "a tick": _header("ce_type", "bus.clock.tick.v1"),
    },
    "schema_mismatch": {
        "avro said": _header("content-type", "application/avro"),
        "frame of nobody": _framed(NOTE_SCHEMA_ID + 1),
        "guid of nobody": _header("__value_schema_id", b"\x01" + uuid.UUID(int=7).bytes),
    },
    "bad_payload": {
        "empty": _body(b""),
        "null value": _body(None),
        "doubled key": _body(b'{"text":"a","text":"b","tags":[],"to":"you"}'),
        "doubled key escaped": _body(b'{"text":"a","te\\u0078t":"b","tags":[],"to":"you"}'),
        "doubled key deep": _json('[{"a":1,"a":1}]'),
        "depth 33": _json("[" * 32 + "]" * 32),
        "not utf-8": _body(b'{"text":"\xff\xfe","tags":[],"to":"you"}'),
        "2**53": _json("9007199254740992"),
        "-(2**53)": _json("-9007199254740992"),
        "no json": _body(b"hello"),
        "two values": _body(b"{} {}"),
        "NaN": _json("NaN"),
        "framed empty": _framed(NOTE_SCHEMA_ID, b""),
    },
    "schema_violation": {
        "three missing": _body(b"{}"),
        "several": _body(b'{"tags":["A","b",3,"d"],"to":"y","amount_cents":1,"more":0}'),
        "more than twenty": _wide_note,
        "not an object": _body(b"[]"),
        "claim with more": lambda author: claim(author).saying(b'{"lease":1}'),
        "renew without token": lambda author: author.message(RENEW, {}, subject=SUBJECT),
        "renew with text": lambda author: author.message(RENEW, {"token": "1"}, subject=SUBJECT),
        "float for integer": lambda author: author.message(JOT, {}).saying(b'{"n":1.5}'),
    },
    "rule_violation": {
        "discount": lambda author: email(author, discount_bp=9000),
        "window in the past": lambda author: quote(author, window_start_ms=1),
        "window backwards": lambda author: quote(author, window_end_ms=5),
        "both": lambda author: quote(author, window_start_ms=9, window_end_ms=5),
    },
    "subject_mismatch": {
        "claim of nothing": lambda author: author.message(CLAIM, {}),
        "subject without slash": lambda author: claim(author).having("ce_subject", "lead"),
        "subject without id": lambda author: claim(author).having("ce_subject", "lead/"),
        "subject blank": lambda author: claim(author).having("ce_subject", "lead/L 1"),
        "subject long": lambda author: claim(author).having("ce_subject", "lead/" + "x" * 129),
        "subject null": lambda author: claim(author).having("ce_subject", None),
        "note with bad subject": _header("ce_subject", "nothing"),
        "note with bad token": _header("ce_bustoken", "-1"),
        "foreign resource": _lead("deal/L-1", "L-1"),
        "other key": _lead(SUBJECT, "L-2"),
        "integer key other": _lead("lead/1001", 1002),
        "float key": _lead("lead/1001", 1001.0),
        "no token": lambda author: email(author).lacking("ce_bustoken"),
        "token 01": lambda author: email(author).having("ce_bustoken", "01"),
        "token of 17 digits": lambda author: email(author).having("ce_bustoken", "1" * 17),
    },
    "not_allowed": {
        "agent revokes": lambda author: author.message(REVOKE, {"reason": "mine"}, subject=SUBJECT),
        "agent sets control": lambda author: author.message(
            SET, {"kind": "agent", "name": author.source, "value": None, "base": None}
        ),
        "agent suspends": lambda author: author.message(
            "bus.control.suspend.v1", {"select": {"all": True}, "reason": "x"}
        ),
    },
}
# In order at the gate though they look odd, or decided by the broker's clock: the oracle says which.
EDGES: dict[str, Way] = {
    "300 s old, nearly": _timed("ce_time", -300_000, 60),
    "30 s early, nearly": _timed("ce_time", 30_000, 60),
    "expires just now": _timed("ce_expirytime", 5, 10),
    "expires soon": _timed("ce_expirytime", 60_000),
    "64 headers": lambda author: _fill(note(author), 64),
    "65536 bytes": lambda author: note(author).saying(_exactly(65_536)),
    "2**53 - 1": _json("9007199254740991"),
    "depth 32": _json("[" * 31 + "]" * 31),
    "large float": _json("9007199254740993.0"),
    "framed": _framed(NOTE_SCHEMA_ID),
    "foreign header null": _header("x-nothing", None),
    "upper case CE_ID": _header("CE_ID", "x"),
    "recorded headers": lambda author: note(author).having("ce_correlationid", "c").having("traceparent", "00-0"),
    "note about a lead": _header("ce_subject", SUBJECT),
    "nine digits": lambda author: note(author).having("ce_time", time_text(now_ms())[:-4] + "123456789Z"),
    "own key": lambda author: author.message(NOTE, GOOD_NOTE, key=b"mine\x00\xff"),
    "not ascii text": lambda author: note(author, text="größer ☃ \U0001f600"),
    "spaced json": _body(b'\n{ "to" : "you",\t"tags":[ ],"text":"\\u00e9" } '),
    "unknown resource": lambda author: author.message(CLAIM, {}, subject="ghost/G-1"),
    "stage by nobody allowed": lambda author: author.message(
        STAGE, {"lead_id": "L-1", "stage": "hot"}, subject=SUBJECT
    ),
    "integer key": _lead("lead/1001", 1001),
    "text key": _lead("lead/1001", "1001"),
}


def _fill(message: Outgoing, count: int) -> Outgoing:
    # One place is left for the header that names the variant.
    for n in range(count - 1 - len(message.headers)):
        message = message.having(f"x-{n}", "v")
    return message


def _exactly(size: int) -> bytes:
    head, tail = b'{"tags":[],"to":"you","any":"', b'","text":""}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def broken_messages() -> list[tuple[str, str, Way]]:
    """All ways as (reason, variant, way), the reasons mixed so that a short run still meets all of them."""
    queues = [[(reason, name, way) for name, way in ways.items()] for reason, ways in WAYS.items()]
    queues.append([("", name, way) for name, way in EDGES.items()])
    mixed = []
    for round_ in range(max(len(queue) for queue in queues)):
        mixed += [queue[round_] for queue in queues if round_ < len(queue)]
    return mixed


def named(message: Outgoing, variant: str) -> Outgoing:
    """The message with the header that names its variant."""
    return message.having(VARIANT_HEADER, variant)


EXPECTED = {name: reason for reason, ways in WAYS.items() for name in ways}
