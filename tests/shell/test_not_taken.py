"""What a sender reads whose message the broker did not take: whether this login may not, or it can try again."""

import pytest
from confluent_kafka import KafkaError

from bus.cli.failures import ExitCode, sentence_of
from bus.shell.lane_talk import _not_taken


@pytest.mark.parametrize(
    ("code", "text", "exit_code"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "this login may not write to bus.in.sales; log in", 7),
        (KafkaError._MSG_TIMED_OUT, "bus.in.sales did not take the message (Local: Message timed out)", 4),
    ],
)
def test_who_may_not_write_is_told_so(code: int, text: str, exit_code: int) -> None:
    """A right that is missing is no trouble of the network."""
    said, found = sentence_of(_not_taken("bus.in.sales", [KafkaError(code)]))
    assert said.startswith(text)
    assert found == ExitCode(exit_code)
