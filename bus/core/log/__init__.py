"""How it stands on Kafka: records in and out, the bus's topics, keys and predecessors, and the chain of a journal."""
