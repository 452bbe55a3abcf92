"""Checks of leases by the messages' own times: who renewed in time keeps its lease, however slow a gate was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.acceptance.evidence import Evidence
from tests.acceptance.verdicts import Verdicts
from tests.acceptance.wire import Json, Record

RENEW = "bus.resource.renew.v1"


@dataclass(slots=True)
class Lease:
    """What was last told of one token."""

    agent: str
    subject: str
    until_ms: int
    ended: str = ""
    without: tuple[str, ...] = ()  # the lanes that the tick which ended it named as stalled


def check_leases(evidence: Evidence, verdicts: Verdicts) -> None:
    """The promises about slow gates and idle lanes (independent of the arbiter's oracle)."""
    counts = {"renewed": 0, "expired": 0}
    verdicts.check("no renewal or action sent in time lost its lease", _lost(evidence, counts))
    verdicts.say(f"{counts['renewed']} renewals in time, {counts['expired']} leases ran out")
    quiet = [f"this run had no {name} lease at all" for name, count in counts.items() if not count]
    verdicts.check("leases were renewed and ran out in this run", quiet)


def _lost(evidence: Evidence, counts: dict[str, int]) -> Iterator[str]:
    for partition, log in enumerate(evidence.topics["bus.arbiter"]):
        leases: dict[int, Lease] = {}
        for entry in evidence.entries(partition):
            # The message is looked at before what the arbiter said of it changes the lease.
            row = evidence.row(entry.get("src", ""))
            if entry["verdict"] not in ("repeat", "tick", "control") and row is not None:
                is_guarded = row.contract is not None and row.contract.is_guarded
                token = row.body.get("token") if row.envelope.type == RENEW else row.envelope.token
                if row.envelope.type == RENEW or is_guarded:
                    yield from _in_time(log[entry["o"]], entry, leases.get(token or 0), counts)
            for event in entry["events"]:
                _fold(leases, event, counts, tuple(entry.get("stalled", ())))


def _in_time(record: Record, entry: Json, lease: Lease | None, counts: dict[str, int]) -> Iterator[str]:
    if lease is None or lease.agent != entry["source"] or lease.subject != entry["events"][0].get("subject"):
        return
    if entry["at"] >= lease.until_ms or lease.ended not in ("", "expired"):
        return
    # A lane whose gate stood still for longer than genesis allows is not waited for, and the tick says so.
    if lease.ended == "expired" and record.last("bus-from") in lease.without:
        return
    kind = entry["events"][0]["kind"]
    counts["renewed"] += kind == "renewed"
    if kind not in ("renewed", "action_admitted") and entry["reason"] not in ("suspended", "expired"):
        early_ms = lease.until_ms - entry["at"]
        yield f"{record.src} ({entry['type']} {entry['id']}) came {early_ms} ms before until, and was {entry['reason']}"


def _fold(leases: dict[int, Lease], event: Json, counts: dict[str, int], stalled: tuple[str, ...]) -> None:
    if event["kind"] == "granted":
        leases[event["token"]] = Lease(event["agent"], event["subject"], event["until"])
    elif event["kind"] == "renewed":
        leases[event["token"]].until_ms = event["until"]
    elif event["kind"] == "ended":
        leases[event["token"]].ended, leases[event["token"]].without = event["reason"], stalled
        counts["expired"] += event["reason"] == "expired"
