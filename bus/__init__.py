"""agentbus: the layer between AI agents on Kafka that validates, decides who owns what, and proves it."""

__version__ = "0.1.0"
ENGINE = "1.0"
