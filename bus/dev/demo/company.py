"""The company of the demo: its lanes, agents, topics, contracts and terms, and how a steward sets them by messages."""

from __future__ import annotations

import time
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient

from bus.core.policy.control import Genesis
from bus.shell import cluster, kafka
from bus.shell.catalogue import read_catalogue
from bus.shell.errors import RetryableError
from bus.shell.steward import Steward, Wanted

DOMAIN = "acme"
STEWARD = f"spiffe://{DOMAIN}/person/ana"
PARTITIONS = 4  # of the arbiter; four chains are enough to see that each has its own
GOVERNED = ("customers", "deals", "leads", "logistics", "orders")
GOVERNED_PARTITIONS = 3
TRIES_MAX, TRY_AGAIN_S = 200, 0.05
PERSON = f"spiffe://{DOMAIN}/person/bob"  # rules on what the bus cannot settle
QUEUES = ["procurement", "revenue"]
CONTRACTS = (
    "customer.record.update.v1",
    "deals.deal.close.v1",
    "leads.email.send.v1",
    "leads.lead.stage.v1",
    "logistics.quote.offer.v1",
    "logistics.quote.request.v1",
)
# Long enough that nothing runs out while somebody reads or a machine is busy; whoever reads slowly sees renewals.
LEAD_TERMS = {"lease_ms": 60_000, "handover_ms": 30_000}
WINDOW_MS = 500
# Set in the middle of the demo: leads are no longer for whoever comes first.
WINDOW_TERMS = {"window_ms": WINDOW_MS, "ladder": ["priority", "human"]}
ORDER = "orders.po.issue.v1"
ORDER_REVIEW = {"seats": ["compliance"], "ballot_ms": 20_000}  # orders are looked at before they leave the house


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the demo: the module that is its code, its roles, and its team if that is not in its name."""

    name: str
    module: str
    roles: tuple[str, ...]
    team: str = ""

    @property
    def lane(self) -> str:
        """Each team has its own way in and out."""
        return self.team or self.name.rpartition("-")[0]

    @property
    def id(self) -> str:
        """As the bus knows it."""
        return f"spiffe://{DOMAIN}/agent/{self.name}"


AGENTS = (
    Agent("procurement-1", "procurement", ("procurement",)),
    Agent("logistics-1", "logistics", ("logistics",)),
    Agent("sales-1", "leads", ("sales",)),
    Agent("support-1", "support", ("support",)),
    Agent("crm-1", "crm", ("crm", "sales")),
    Agent("deals-1", "deals", ("sales",)),
    Agent("pricing-1", "seats", ("pricing",), "review"),
    Agent("compliance-1", "seats", ("compliance",), "review"),
    Agent("risk-1", "seats", ("risk",), "review"),
)
LANES = tuple(dict.fromkeys(agent.lane for agent in AGENTS))


def make_topics(config: kafka.ClientConfig) -> None:
    """The topics of the bus, of the lanes, and the governed ones of their owners; raises `BusError`."""
    plans = cluster.bus_plan(PARTITIONS)
    plans += [plan for lane in LANES for plan in cluster.lane_plan(lane)]
    plans += [cluster.governed_plan(topic, GOVERNED_PARTITIONS) for topic in GOVERNED]
    admin = kafka.admin(config)
    cluster.create_topics(admin, plans, replication=1)
    _await_leaders(admin, [(plan.name, partition) for plan in plans for partition in range(plan.partitions)])


def _await_leaders(admin: AdminClient, places: list[tuple[str, int]]) -> None:
    """A topic that was made a moment ago may still look for its leader; whoever comes then is turned away."""
    for tries_left in reversed(range(TRIES_MAX)):
        try:
            if len(kafka.next_offsets(admin, places)) == len(places):
                return
        except RetryableError:
            if not tries_left:
                raise
        time.sleep(TRY_AGAIN_S)


def make_genesis(config: kafka.ClientConfig) -> None:
    """Control number 0, as `agentbus init` writes it; raises `BusError`."""
    cluster.write_genesis(config, Genesis(1, DOMAIN, PARTITIONS, (STEWARD,)))


def register(steward: Steward) -> int:
    """Set all that must be in force before the first agent speaks; the number of the last change. Raises `BusError`."""
    catalogue = read_catalogue()
    wanted = [Wanted("lane", lane, {"principal": f"User:{lane}"}) for lane in LANES]
    wanted += [Wanted("contract", name, catalogue.contracts[name]) for name in CONTRACTS]
    order = catalogue.contracts[ORDER]
    wanted += [Wanted("contract", ORDER, {**order, "contract": {**order["contract"], "review": ORDER_REVIEW}})]
    wanted += [Wanted("terms", "lead", {**catalogue.terms["lead"], **LEAD_TERMS})]
    wanted += [Wanted("terms", "supplier", catalogue.terms["supplier"])]
    # Whoever sells may take any deal here: how far it has come is another story.
    deal = {name: value for name, value in catalogue.terms["deal"].items() if name != "when"}
    wanted += [Wanted("terms", "deal", deal)]
    wanted += [Wanted("person", PERSON, {"roles": ["resolver"], "queues": QUEUES, "owns": []})]
    wanted += [
        Wanted("agent", agent.id, {"lane": agent.lane, "roles": list(agent.roles), "owner": STEWARD})
        for agent in AGENTS
    ]
    return int(steward.set_all(wanted)[-1]["control"])


def lead_terms() -> Wanted:
    """The terms by which a lead is for whoever claims it first."""
    return Wanted("terms", "lead", {**read_catalogue().terms["lead"], **LEAD_TERMS})


def windowed_lead_terms() -> Wanted:
    """The terms by which several may claim a lead, and the one whose role stands first gets it."""
    return Wanted("terms", "lead", {**read_catalogue().terms["lead"], **LEAD_TERMS, **WINDOW_TERMS})
