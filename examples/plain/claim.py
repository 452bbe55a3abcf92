"""Claims a lead and writes to it, with nothing but a Kafka client: python claim.py sales-1 sales lead/L-20."""

import json
import os
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

agent, lane, subject = sys.argv[1:4]
kafka = {"bootstrap.servers": os.environ.get("AGENTBUS_BOOTSTRAP", "127.0.0.1:9092")}
sender, answers = Producer(kafka), Consumer({**kafka, "group.id": agent, "enable.auto.commit": False})
out = TopicPartition(f"bus.out.{lane}", 0)
out.offset = answers.get_watermark_offsets(out)[1]  # what comes from now on
answers.assign([out])
last = {}  # the id that each source sent last


def is_next(headers):
    source, prev = headers["bus-from"], headers["bus-prev"]
    if last.get(source, prev) != prev:
        return False  # a repeat, or a gap that the bus will fill: it sends again, in order
    last[source] = headers["bus-decision"]
    return True


def ask(type, body, **more):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    id, source = f"{agent}-{time.time_ns()}", f"spiffe://acme/agent/{agent}"
    headers = {"ce_specversion": "1.0", "ce_id": id, "ce_source": source, "ce_type": type, "ce_subject": subject}
    headers |= {"ce_time": now, "content-type": "application/json", **more}
    sender.produce(f"bus.in.{lane}", json.dumps(body), headers=headers)
    sender.flush()
    while (record := answers.poll(10)) is not None:
        answer = json.loads(record.value()) if is_next(dict(record.headers())) else {}
        if answer.get("id") == id:
            return answer
    sys.exit("no answer within 10 s")


answer = ask("bus.resource.claim.v1", {})
if answer["kind"] in ("granted", "confirmed"):
    mail = {"lead_id": subject.split("/")[1], "to": "anna@example.org", "subject": "Hello", "text": "Shall we talk?"}
    answer = ask("leads.email.send.v1", mail, ce_bustoken=str(answer["token"]))
print(agent, answer["kind"], answer.get("reason", ""), answer.get("detail", ""))
