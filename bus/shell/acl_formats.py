"""Writes the table of ACLs in the words of other tools: kafka-acls commands, and KafkaUser resources of Strimzi."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

import yaml

from bus.shell.acls import Allowance, Grant, Pattern, Resource

STRIMZI_API = "kafka.strimzi.io/v1"
STRIMZI_NAME_MAX = 253
_STRIMZI_RESOURCES = {
    Resource.TOPIC: "topic",
    Resource.GROUP: "group",
    Resource.TRANSACTIONAL_ID: "transactionalId",
    Resource.CLUSTER: "cluster",
}
_STRIMZI_PATTERNS = {Pattern.LITERAL: "literal", Pattern.PREFIXED: "prefix"}
Place = tuple[Resource, str, Pattern]


def kafka_acls_commands(allowances: Sequence[Allowance], bootstrap: str) -> list[str]:
    """Shell commands, one for each principal and resource, with a comment before each principal."""
    start = ["kafka-acls.sh", "--bootstrap-server", bootstrap, "--command-config", "admin.properties", "--add"]
    lines = []
    for allowance in allowances:
        lines.append(f"# {allowance.principal}: {'; '.join(allowance.roles)}")
        for (resource, name, pattern), grants in by_place(allowance.grants).items():
            what = ["--cluster"] if resource is Resource.CLUSTER else [f"--{resource.value}", name]
            words = [*start, "--allow-principal", allowance.principal]
            for grant in grants:
                words += ["--operation", _title(grant)]
            words += [*what, "--resource-pattern-type", pattern.value]
            lines.append(shlex.join(words))
    return lines


def strimzi_users(allowances: Sequence[Allowance], cluster: str) -> str:
    """One KafkaUser for each principal, as YAML documents; Strimzi makes its ACLs exactly these.

    `User:CN=<name>` becomes a user that logs in by certificate, any other by SCRAM-SHA-512.
    """
    documents = [_strimzi_user(allowance, cluster) for allowance in allowances]
    return yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)


def strimzi_cannot(allowances: Sequence[Allowance]) -> list[str]:
    """The principals that no KafkaUser can have, because Kubernetes takes only small letters, digits, "-" and "."."""
    names = {allowance.principal: allowance.principal.partition(":")[2] for allowance in allowances}
    return [principal for principal, name in names.items() if name.removeprefix("CN=") != _strimzi_name(name)]


def by_place(grants: Sequence[Grant]) -> dict[Place, list[Grant]]:
    """The grants of one principal by what they are about, in order."""
    found: dict[Place, list[Grant]] = {}
    for grant in grants:
        found.setdefault((grant.resource, grant.name, grant.pattern), []).append(grant)
    return found


def _strimzi_user(allowance: Allowance, cluster: str) -> dict[str, Any]:  # Any: YAML
    name = allowance.principal.partition(":")[2]
    is_certificate = name.startswith("CN=")
    return {
        "apiVersion": STRIMZI_API,
        "kind": "KafkaUser",
        "metadata": {"name": _strimzi_name(name), "labels": {"strimzi.io/cluster": cluster}},
        "spec": {
            "authentication": {"type": "tls" if is_certificate else "scram-sha-512"},
            "authorization": {
                "type": "simple",
                "acls": [_strimzi_acl(place, grants) for place, grants in by_place(allowance.grants).items()],
            },
        },
    }


def _strimzi_acl(place: Place, grants: Sequence[Grant]) -> dict[str, Any]:  # Any: YAML
    resource, name, pattern = place
    what = {"type": _STRIMZI_RESOURCES[resource], "name": name, "patternType": _STRIMZI_PATTERNS[pattern]}
    return {"resource": what, "operations": [_title(grant) for grant in grants], "host": "*"}


def _strimzi_name(name: str) -> str:
    name = name.partition(",")[0].removeprefix("CN=").lower()
    return re.sub(r"[^a-z0-9.-]+", "-", name).strip("-.")[:STRIMZI_NAME_MAX]


def _title(grant: Grant) -> str:
    """`describe-configs` as other tools write it: `DescribeConfigs`."""
    return "".join(word.capitalize() for word in grant.operation.value.split("-"))
