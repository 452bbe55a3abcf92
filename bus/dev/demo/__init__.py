"""The demo: a small company of agents on a real Kafka, told from what really happens on its topics.

The agents (`crm`, `leads`, `logistics`, `procurement`, `support`) are examples as well: they use a stock Kafka client,
through `talk`, and nothing of the bus.
"""
