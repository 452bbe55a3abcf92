"""Looks at who may do what: does Kafka ask at all, and do its ACLs say what the bus demands?"""

from collections.abc import Iterator, Sequence

from bus.cli.checkup.lines import Line, counted, note, ok, some, wrong
from bus.shell import kafka
from bus.shell.acl_admin import NoAuthorizerError, check_acls
from bus.shell.acl_compare import AclDifference, FoundAcl
from bus.shell.acls import Grant, Holders

ADD = "`agentbus acls check` shows all, `agentbus acls apply` adds what is missing"
REMOVE = "`agentbus acls check` shows all, `agentbus acls apply --remove-extra` removes what the bus does not know"


def acl_lines(
    config: kafka.ClientConfig, holders: Holders, *, has_authorizer: bool | None, is_development: bool
) -> Iterator[Line]:
    """Compare the ACLs with the table of the bus; ``has_authorizer`` None: not known. Raises `BusError`."""
    if has_authorizer is False:  # such a broker answers as one that has an authorizer and no ACL
        yield open_line(is_development=is_development)
        return
    try:
        found = check_acls(config, holders)
    except NoAuthorizerError:
        yield open_line(is_development=is_development)
        return
    yield from difference_lines(found)


def open_line(*, is_development: bool) -> Line:
    """What a Kafka without an authorizer means."""
    text = "this Kafka has no authorizer: anybody who reaches it can write as anybody"
    if is_development:
        return ok("acls", f"{text}; a development bus may (`agentbus dev --secure` has one)")
    return note("acls", text, "set authorizer.class.name on the brokers, then `agentbus acls apply`")


def difference_lines(found: AclDifference) -> Iterator[Line]:
    """A line for each way in which the ACLs differ."""
    if found.missing:
        text = f"{counted(len(found.missing), 'grant')} missing: {some(map(_grant, found.missing))}"
        yield wrong("acls", text, ADD)
    if found.denied:
        text = f"{counted(len(found.denied), 'denial')} in the way of what the bus needs: {_acls(found.denied)}"
        yield wrong("acls", text, REMOVE)
    if found.extra:
        text = f"{counted(len(found.extra), 'grant')} more than the bus allows: {_acls(found.extra)}"
        yield wrong("acls", text, REMOVE)
    if found.is_none:
        yield ok("acls", f"{counted(found.granted, 'grant')}, as the bus demands, and none more")


def _acls(found: Sequence[FoundAcl]) -> str:
    return some(_grant(one.grant) for one in found)


def _grant(grant: Grant) -> str:
    name = grant.name + ("*" if grant.pattern.value == "prefixed" else "")
    return f"{grant.principal} {grant.operation} {grant.resource} {name}"
