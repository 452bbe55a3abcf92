"""The table in other tools' words: every grant is there once, as those tools read it."""

import shlex

import yaml

from bus.shell.acl_formats import kafka_acls_commands, strimzi_cannot, strimzi_users
from bus.shell.acls import Holders, Reader, table

HOLDERS = Holders({"sales": "User:sales", "desk": "User:CN=desk"}, ("leads",), (Reader("User:sales", ("leads",)),))
ALLOWANCES = table(HOLDERS)
GRANTS = {
    (grant.principal, grant.resource.value, grant.name, grant.pattern.value, grant.operation.value.replace("-", ""))
    for allowance in ALLOWANCES
    for grant in allowance.grants
}


def _option(words: list[str], name: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == name]


def test_kafka_acls_commands_say_every_grant_once() -> None:
    """Read back as a shell would, they are the table."""
    found = []
    for line in kafka_acls_commands(ALLOWANCES, "kafka:9092"):
        if line.startswith("#"):
            continue
        words = shlex.split(line)
        assert words[:2] == ["kafka-acls.sh", "--bootstrap-server"]
        (principal,), (pattern,) = _option(words, "--allow-principal"), _option(words, "--resource-pattern-type")
        resource, name = next(
            (kind, _option(words, f"--{kind}")[0])
            for kind in ("topic", "group", "transactional-id")
            if f"--{kind}" in words
        )
        found += [(principal, resource, name, pattern, one.lower()) for one in _option(words, "--operation")]
    assert len(found) == len(GRANTS)
    assert set(found) == GRANTS


def test_strimzi_users_say_every_grant_once() -> None:
    """Read back as YAML, they are the table; by certificate for a principal that is one, else by SCRAM."""
    users = list(yaml.safe_load_all(strimzi_users(ALLOWANCES, "kafka")))
    found = []
    for user, allowance in zip(users, ALLOWANCES, strict=True):
        assert (user["apiVersion"], user["kind"]) == ("kafka.strimzi.io/v1", "KafkaUser")
        assert user["metadata"]["labels"] == {"strimzi.io/cluster": "kafka"}
        assert user["metadata"]["name"] == allowance.principal.removeprefix("User:").removeprefix("CN=")
        for acl in user["spec"]["authorization"]["acls"]:
            kind = acl["resource"]["type"].replace("transactionalId", "transactional-id")
            pattern = acl["resource"]["patternType"].replace("prefix", "prefixed")
            place = (allowance.principal, kind, acl["resource"]["name"], pattern)
            found += [(*place, operation.lower()) for operation in acl["operations"]]
    assert len(found) == len(GRANTS)
    assert set(found) == GRANTS
    logins = {user["metadata"]["name"]: user["spec"]["authentication"]["type"] for user in users}
    assert (logins["desk"], logins["sales"]) == ("tls", "scram-sha-512")


def test_a_principal_that_kubernetes_cannot_name_is_told() -> None:
    """Its KafkaUser would be another principal."""
    assert strimzi_cannot(table(Holders({"sales": "User:Sales Team"}))) == ["User:Sales Team"]
    assert strimzi_cannot(ALLOWANCES) == []
