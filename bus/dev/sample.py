"""A small world to try the bus in: lanes, agents, a person, and the contracts and terms that come as files.

It is set up as anybody would do it, by control messages on the operators' lane; what somebody has changed since is left
as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bus.core.log.topics import PERSON_LANES
from bus.shell import kafka
from bus.shell.catalogue import Catalogue, read_catalogue
from bus.shell.cluster import create_topics, governed_plan, lane_plan
from bus.shell.steward import Steward, Wanted

QUEUES = ("revenue", "procurement", "logistics")  # those of the sample terms: somebody may rule in each of them
GOVERNED_PARTITIONS = 3

# Who is there: lane -> agents -> roles.
AGENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "sales": {"sales-1": ("sales",), "sales-2": ("sales",)},
    "support": {"support-1": ("support",)},
    "crm": {"crm-1": ("crm",)},
    "procurement": {"procurement-1": ("procurement",)},
    "logistics": {"logistics-1": ("logistics",)},
}
STAGE_BODY = '{"lead_id":"L-1","stage":"qualified"}'
TRY_NEXT = (
    f"agentbus send leads.lead.stage.v1 --from crm-1 --subject lead/L-1 --body '{STAGE_BODY}'",
    "agentbus send bus.resource.claim.v1 --from sales-1 --subject lead/L-1",
    "agentbus tail --from-start",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What is there now. ``control`` is the number at which all of it is in force."""

    lanes: tuple[str, ...]
    agents: tuple[str, ...]
    control: int
    lanes_in_all: int
    try_next: tuple[str, ...] = TRY_NEXT

    def agents_by_lane(self) -> dict[str, tuple[str, ...]]:
        """The agents' short names by lane."""
        return {lane: tuple(agents) for lane, agents in AGENTS.items()}


def governed_topics(catalogue: Catalogue) -> tuple[str, ...]:
    """The governed topics that the contracts of the sample name."""
    return tuple(sorted({value["contract"].get("topic", "") for value in catalogue.contracts.values()} - {""}))


def load_sample(
    config: kafka.ClientConfig, operator: str, *, replication: int, steward_config: kafka.ClientConfig | None = None
) -> Sample:
    """Set up what was never set before; raises `BusError`, after which it may be done again.

    It asks anew each time what is there, so that what an earlier try set, however late, is not set twice.
    ``config`` is of somebody who may create topics, ``steward_config`` of the operators' lane if that is another login.
    """
    domain = operator.partition("/person/")[0]
    catalogue = read_catalogue()
    _create_topics(config, catalogue, replication=replication)
    steward = Steward(steward_config or config, operator)
    try:
        steward.open()
        before = steward.registry
        wanted = [one for one in _wanted(catalogue, domain, operator) if (one.kind, one.name) not in before.revs]
        answers = steward.set_all(wanted)
    finally:
        steward.close()
    agents = tuple(f"{domain}/agent/{name}" for group in AGENTS.values() for name in group)
    control = max([before.number, *(int(answer["control"]) for answer in answers)])
    return Sample(tuple(AGENTS), agents, control, len({*PERSON_LANES, *AGENTS, *before.lanes_ever}))


def _create_topics(config: kafka.ClientConfig, catalogue: Catalogue, *, replication: int) -> None:
    plans = [plan for lane in AGENTS for plan in lane_plan(lane)]
    plans += [governed_plan(topic, GOVERNED_PARTITIONS) for topic in governed_topics(catalogue)]
    admin = kafka.admin(config)
    there = kafka.partition_counts(admin)
    create_topics(admin, [plan for plan in plans if plan.name not in there], replication=replication)


def _wanted(catalogue: Catalogue, domain: str, operator: str) -> Iterator[Wanted]:
    """Everything there is to set, what others rest on first."""
    for lane in AGENTS:
        yield Wanted("lane", lane, {"principal": f"User:{lane}"})
    for lane, group in AGENTS.items():
        for name, roles in group.items():
            yield Wanted("agent", f"{domain}/agent/{name}", {"lane": lane, "roles": list(roles), "owner": operator})
    yield Wanted("person", f"{domain}/person/ben", {"roles": ["operator"], "queues": list(QUEUES), "owns": []})
    for resource, value in catalogue.terms.items():
        yield Wanted("terms", resource, value)
    for name, value in catalogue.contracts.items():
        yield Wanted("contract", name, value)
