"""What `agentbus doctor` looks at: what is read of a machine, a Kafka and a bus, and what is said of it."""
