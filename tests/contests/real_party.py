"""An agent that claims, and dies in the middle of its turn: a process of its own, to be killed by whoever started it.

    python -m tests.contests.real_party BOOTSTRAP LANE AGENT SUBJECT

It says `turn` on stdout when it is to make an offer, and then thinks for ever, as an agent does whose model hangs.
"""

from __future__ import annotations

import json
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from tests.acceptance.outgoing import now_ms
from tests.acceptance.wire import time_text


def main(bootstrap: str, lane: str, agent: str, subject: str) -> None:
    """Claim, wait for the turn, say so, and hang."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"claim-{subject.rpartition('/')[2]}",
        "ce_source": agent,
        "ce_type": "bus.resource.claim.v1",
        "ce_time": time_text(now_ms()),
        "ce_subject": subject,
        "content-type": "application/json",
    }
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 2})
    pairs: list[tuple[str, str | bytes | None]] = list(headers.items())
    producer.produce(f"bus.in.{lane}", value=b"{}", headers=pairs, partition=0)
    producer.flush()
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "party", "enable.auto.commit": False})
    consumer.assign([TopicPartition(f"bus.out.{lane}", 0, OFFSET_BEGINNING)])
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        event = json.loads(message.value() or b"{}")
        if event["kind"] == "turn" and event.get("subject") == subject and event["party"] == agent:
            print("turn", flush=True)
            break
    while True:
        time.sleep(1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
