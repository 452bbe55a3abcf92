"""Loops as people write them today around the same messages: a schema library, Confluent's serializers, transactions.

Each is the bare loop and one thing more. Confluent's need a registry: the client's own ``mock://``, which answers from
memory, is what their tests use; a real one is asked once and remembered, so it costs no message anything.
"""

import json
from collections.abc import Callable
from multiprocessing.synchronize import Event
from typing import Any

import yaml
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from benchmarks.traffic import ADD_NOTE
from benchmarks.world import CONTRACTS, Places
from bus.shell import kafka

OUT, FRAMED, DEAD = "bare", "framed", "dead"
SUBJECT = "notes"
GROUP = "bench-transactions"
TRANSACTION_MS = "60000"
FOLDER = CONTRACTS.joinpath("jobs", ADD_NOTE.removeprefix("jobs.").removesuffix(".v1"), "v1")
Handle = Callable[[Producer, Message], None]
Config = dict[str, str]


def schema_text() -> str:
    """The schema of the contract that the gate uses."""
    return (FOLDER / "schema.json").read_text(encoding="utf-8")


def rule_text() -> str:
    """The contract's rule, turned round: Confluent's says what must hold, ours what must not."""
    contract = yaml.safe_load((FOLDER / "contract.yaml").read_text(encoding="utf-8"))
    condition = contract["rules"][0]["when"].replace("urgent", "message.urgent").replace("text", "message.text")
    return f"!({condition})"


def run_loop(name: str, config: Config, begin: Places, stop: Event, is_ready: Event) -> None:
    """Be the process of one of `LOOPS`: read, handle, write, until told to stop."""
    handle = LOOPS[name](config)
    consumer, producer = kafka.reader(config), kafka.producer(config)
    producer.list_topics(OUT, timeout=kafka.CALL_TIMEOUT_S)
    consumer.assign([TopicPartition(*place, offset) for place, offset in begin.items()])
    is_ready.set()
    while not stop.is_set():
        for message in kafka.fetch(consumer, kafka.BRIEF_S / 10):
            if message.error() is None:
                handle(producer, message)
        producer.poll(0)
    producer.flush(kafka.BRIEF_S)
    consumer.close()


def run_transactions(name: str, config: Config, begin: Places, stop: Event, is_ready: Event) -> None:
    """The bare loop in Kafka transactions: one a batch, with the offsets read, as the documentation shows it."""
    del name
    settings = {"group.id": GROUP, "enable.auto.commit": False, "isolation.level": "read_committed"}
    consumer = Consumer({**config, **settings, "fetch.wait.max.ms": 100})
    transactional = {"transactional.id": GROUP, "linger.ms": 0, "transaction.timeout.ms": TRANSACTION_MS}
    producer = Producer({**config, **transactional})
    producer.init_transactions(kafka.CALL_TIMEOUT_S)
    consumer.assign([TopicPartition(*place, offset) for place, offset in begin.items()])
    is_ready.set()
    while not stop.is_set():
        batch = [message for message in kafka.fetch(consumer, kafka.BRIEF_S / 10) if message.error() is None]
        if batch:
            producer.begin_transaction()
            for message in batch:
                copy(producer, message)
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
            producer.commit_transaction(kafka.CALL_TIMEOUT_S)
    consumer.close()


def copy(producer: Producer, message: Message) -> None:
    """Write what was read."""
    producer.produce(OUT, value=message.value(), headers=message.headers())


def bare(config: Config) -> Handle:
    """Nothing more."""
    del config
    return copy


def with_jsonschema(config: Config) -> Handle:
    """Every violation by the `jsonschema` package; what has one goes to a dead-letter topic."""
    from jsonschema import Draft202012Validator

    del config
    validator = Draft202012Validator(json.loads(schema_text()))

    def handle(producer: Producer, message: Message) -> None:
        found = [error.message for error in validator.iter_errors(json.loads(message.value() or b"null"))]
        if found:
            _dead(producer, message, "; ".join(found))
        else:
            copy(producer, message)

    return handle


def with_serializer(config: Config) -> Handle:
    """Confluent's JSONSerializer: schema and CEL rule before a message is written."""
    from confluent_kafka.schema_registry.json_schema import JSONSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

    made = {"auto.register.schemas": False, "use.latest.version": True, "subject.name.strategy": _subject}
    serialize = JSONSerializer(None, _registry(config), None, made)
    context = SerializationContext(FRAMED, MessageField.VALUE)

    def handle(producer: Producer, message: Message) -> None:
        try:
            value = serialize(json.loads(message.value() or b"null"), context)
        except SerializationError as error:
            _dead(producer, message, str(error))
        else:
            producer.produce(FRAMED, value=value, headers=message.headers())

    return handle


def with_deserializer(config: Config) -> Handle:
    """Confluent's JSONDeserializer: schema and CEL rule again, where a message is read."""
    from confluent_kafka.schema_registry.json_schema import JSONDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

    made = {"use.latest.version": True, "subject.name.strategy": _subject}
    deserialize = JSONDeserializer(None, None, _registry(config), made)
    context = SerializationContext(FRAMED, MessageField.VALUE)

    def handle(producer: Producer, message: Message) -> None:
        try:
            value = deserialize(message.value(), context)
        except SerializationError as error:
            _dead(producer, message, str(error))
        else:
            producer.produce(OUT, value=json.dumps(value).encode(), headers=message.headers())

    return handle


def _dead(producer: Producer, message: Message, reason: str) -> None:
    """What breaks the schema; what breaks the rule, the library's own action has written there."""
    if not reason.startswith("Rule failed"):
        producer.produce(DEAD, value=message.value(), headers=[("reason", reason.encode())])


def _subject(*_: object) -> str:
    return SUBJECT


def _registry(config: Config) -> Any:  # Any: the client library's own type
    """A registry in memory with the schema and its rule; what breaks the rule goes to a dead-letter topic."""
    from confluent_kafka.schema_registry import Rule, RuleKind, RuleMode, RuleSet, Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
    from confluent_kafka.schema_registry.rules.dlq.dlq_action import DlqAction

    CelExecutor.register()  # type: ignore[no-untyped-call]  # the library's own
    DlqAction.register({**config, "dlq.topic": DEAD, "log_level": 0})
    condition, both = RuleKind.CONDITION, RuleMode.WRITEREAD
    rule = Rule("reason", None, condition, both, "CEL", None, None, rule_text(), None, "DLQ,DLQ", False)
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    registry.register_schema(SUBJECT, Schema(schema_text(), "JSON", [], None, RuleSet(None, [rule])))
    return registry


LOOPS: dict[str, Callable[[Config], Handle]] = {
    "bare": bare,
    "jsonschema": with_jsonschema,
    "serializer": with_serializer,
    "deserializer": with_deserializer,
}
