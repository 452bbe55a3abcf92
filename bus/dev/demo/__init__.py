"""The demo: a small company of agents on a real Kafka, told from what really happens on its topics.

The agents (`crm`, `leads`, `logistics`, `procurement`, `support`) are examples as well: each is what an agent's author
would write with `bus.client`, and some of them misbehave on purpose.
"""
