"""Reads the ACLs of a Kafka, and adds and removes them; whoever asks must be allowed to."""

import time
from collections.abc import Collection, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not exported by name, but public
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from bus.shell import kafka
from bus.shell.acl_compare import AclDifference, FoundAcl, compare
from bus.shell.acls import Grant, Holders, Operation, Pattern, Resource, table
from bus.shell.errors import BusError, NotPermittedError, RetryableError

CLUSTER_NAME = "kafka-cluster"  # Kafka's own name for the one cluster there is
AUTHORIZER = "authorizer.class.name"
SPREAD_S = 10.0  # brokers learn of a change from the controller, a moment after it was made
LOOK_S = 0.05
BATCH_MAX = 500  # ACLs in one question

# The client calls the cluster by what ACLs and settings share a number for.
_RESOURCES = {
    Resource.TOPIC: ResourceType.TOPIC,
    Resource.GROUP: ResourceType.GROUP,
    Resource.TRANSACTIONAL_ID: ResourceType.TRANSACTIONAL_ID,
    Resource.CLUSTER: ResourceType.BROKER,
}
# Any: no name stands for all of them, which the library's own annotations leave out.
_EVERYTHING: Any = (None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY)
_PATTERNS = {Pattern.LITERAL: ResourcePatternType.LITERAL, Pattern.PREFIXED: ResourcePatternType.PREFIXED}


class NoAuthorizerError(BusError):
    """This Kafka has no ACLs: everybody may do everything."""


def check_acls(config: kafka.ClientConfig, holders: Holders, *, ignored: Collection[str] = ()) -> AclDifference:
    """What the ACLs of the Kafka at ``config`` differ from the table; the principals in ``ignored`` are left alone.

    Raises `NoAuthorizerError`, `NotPermittedError` if whoever asks may not see ACLs, `RetryableError`.
    """
    return compare(table(holders), read_acls(config), holders.governed, ignored=ignored)


def read_acls(config: kafka.ClientConfig) -> tuple[FoundAcl, ...]:
    """All ACLs about topics, groups, transactions and the cluster; raises as `check_acls`."""
    client = kafka.admin(config)
    kafka.partition_counts(client, config["bootstrap.servers"])  # says it better if nobody answers
    _check_may_look(client)
    found = []
    for resource, kind in _RESOURCES.items():
        try:
            asked = client.describe_acls(AclBindingFilter(kind, *_EVERYTHING), request_timeout=kafka.CALL_TIMEOUT_S)
            found += [_found(binding, resource) for binding in asked.result()]
        except KafkaException as error:
            raise _error_of(error, "see", "seen") from error
    if not found:
        _check_authorizer(client)
    return tuple(sorted(found))


def _check_may_look(client: AdminClient) -> None:
    """The client library tells nobody that a question about ACLs was refused: it answers that there are none."""
    try:
        asked = client.describe_cluster(include_authorized_operations=True, request_timeout=kafka.CALL_TIMEOUT_S)
        operations = asked.result().authorized_operations or []
    except KafkaException as error:
        raise _error_of(error, "see", "seen") from error
    if AclOperation.DESCRIBE not in operations:
        raise _not_permitted("see")


def _check_authorizer(client: AdminClient) -> None:
    """Nor does it tell that there is nobody who would obey any."""
    try:
        controller = client.describe_cluster(request_timeout=kafka.CALL_TIMEOUT_S).result().controller
        broker = ConfigResource(ResourceType.BROKER, str(controller.id))
        (asked,) = client.describe_configs([broker], request_timeout=kafka.CALL_TIMEOUT_S).values()
        authorizer = asked.result()[AUTHORIZER].value
    except (KafkaException, KeyError):
        return  # whoever may not see the brokers' settings is told by the change itself, if he makes one
    if not authorizer:
        raise _no_authorizer()


def apply_acls(config: kafka.ClientConfig, add: Sequence[Grant], remove: Sequence[FoundAcl]) -> None:
    """Add, then remove, and wait until the broker that is asked has learnt of it; raises as `check_acls`."""
    client = kafka.admin(config)
    for batch in _batches(add):
        _finish(client.create_acls([_binding(FoundAcl(one)) for one in batch], request_timeout=kafka.CALL_TIMEOUT_S))
    for doomed in _batches(remove):
        filters = [_filter(one) for one in doomed]
        _finish(client.delete_acls(filters, request_timeout=kafka.CALL_TIMEOUT_S))
    until_s = time.monotonic() + SPREAD_S
    while not _has_learnt(read_acls(config), add, remove):
        if time.monotonic() > until_s:
            raise RetryableError("the change of ACLs has not reached the broker yet", "look again with `acls check`")
        time.sleep(LOOK_S)


def _has_learnt(found: Sequence[FoundAcl], added: Sequence[Grant], removed: Sequence[FoundAcl]) -> bool:
    there = set(found)
    return all(FoundAcl(one) in there for one in added) and not there.intersection(removed)


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:  # Any: grants or ACLs
    return [items[first : first + BATCH_MAX] for first in range(0, len(items), BATCH_MAX)]


def _finish(futures: Any) -> None:  # Any: the client library's own type
    for future in futures.values():
        try:
            future.result()
        except KafkaException as error:
            raise _error_of(error, "change", "changed") from error


def _error_of(error: KafkaException, verb: str, done: str) -> BusError:
    refusal: KafkaError = error.args[0]
    match refusal.code():
        case KafkaError.SECURITY_DISABLED:
            return _no_authorizer()
        case KafkaError.CLUSTER_AUTHORIZATION_FAILED:
            return _not_permitted(verb)
        case _:
            return RetryableError(f"the ACLs of this Kafka could not be {done} ({refusal.str()})")


def _no_authorizer() -> NoAuthorizerError:
    step = f"set {AUTHORIZER} on its brokers, or try the table on `agentbus dev --secure`"
    return NoAuthorizerError("this Kafka has no ACLs: everybody may do everything", step)


def _not_permitted(verb: str) -> NotPermittedError:
    step = "log in as one who may (Describe and Alter on the cluster), with --kafka-config"
    return NotPermittedError(f"this login may not {verb} ACLs", step)


def _found(binding: Any, resource: Resource) -> FoundAcl:  # Any: AclBinding, whose fields have no types
    pattern = Pattern.PREFIXED if binding.resource_pattern_type is ResourcePatternType.PREFIXED else Pattern.LITERAL
    words = {one.name: one for one in Operation}
    operation = words.get(binding.operation.name, Operation.OTHER)
    grant = Grant(binding.principal, resource, binding.name, pattern, operation)
    return FoundAcl(grant, binding.host, binding.permission_type is AclPermissionType.DENY)


def _fields(acl: FoundAcl) -> tuple[Any, ...]:  # Any: the client library's own kinds
    grant = acl.grant
    permission = AclPermissionType.DENY if acl.is_denial else AclPermissionType.ALLOW
    name = CLUSTER_NAME if grant.resource is Resource.CLUSTER else grant.name
    operation = AclOperation[grant.operation.name]
    kind, pattern = _RESOURCES[grant.resource], _PATTERNS[grant.pattern]
    return (kind, name, pattern, grant.principal, acl.host, operation, permission)


def _binding(acl: FoundAcl) -> AclBinding:
    return AclBinding(*_fields(acl))


def _filter(acl: FoundAcl) -> AclBindingFilter:
    return AclBindingFilter(*_fields(acl))
