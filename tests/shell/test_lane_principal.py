"""Which Kafka principals a lane may have: one, named as Kafka names them, and nobody else's."""

from pathlib import Path

import pytest

from bus.cli.dev_bus import can_log_in
from bus.core.message.arrivals import ControlWish
from bus.core.policy.control import Genesis, Registry
from bus.dev.client_files import client_file
from bus.dev.errors import DevError
from bus.shell.acls import Holders, shared
from bus.shell.control_checks import check_change

REGISTRY = Registry(Genesis(gen=1, domain="acme", partitions=4, slots=1, stewards=("spiffe://acme/person/ana",)), {})


def _wrong(principal: str) -> list[str]:
    wish = ControlWish(kind="lane", name="sales", value={"principal": principal}, base=None)
    return [violation.path for violation in check_change(wish, REGISTRY, lambda topic: True)]


@pytest.mark.parametrize("principal", ["User:sales", "User:CN=sales,OU=agents,C=AT", "Group:sales team", "User:a*"])
def test_one_principal_is_taken(principal: str) -> None:
    """Certificates' names have commas, equals signs and spaces."""
    assert _wrong(principal) == []


@pytest.mark.parametrize("principal", ["sales", "User:", "User:*", ":sales", "User:a\nb", "Us er:a"])
def test_nobody_and_everybody_are_refused(principal: str) -> None:
    """With everybody's principal the lane would be open to all; without a type Kafka takes none of the ACLs."""
    assert _wrong(principal) == ["/value/principal"]


def test_an_agents_lane_shares_its_principal_with_no_stage_and_not_with_the_auditor() -> None:
    """People's lanes may: whoever operates the bus may audit it as well."""
    lanes = {"agentbus": "User:agentbus", "auditor": "User:auditor", "desk": "User:auditor", "sales": "User:sales"}
    assert shared(Holders(lanes)) == (("agentbus", "User:agentbus"), ("auditor", "User:auditor"))


@pytest.mark.parametrize(
    "principal", ["User:../../x", "User:admin", "User:agentbus", "User:auditor", "Group:a", "User:"]
)
def test_a_development_bus_makes_no_login_for_it(principal: str) -> None:
    """It is no file's name, somebody else's, or of a kind that does not log in."""
    assert not can_log_in(principal)


def test_a_user_whose_name_is_a_way_to_another_folder_has_no_file(tmp_path: Path) -> None:
    """No password is ever written outside the folder of the clients."""
    with pytest.raises(DevError, match="cannot be a user"):
        client_file(tmp_path, "../../x")
