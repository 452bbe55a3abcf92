"""Explanations on a secured bus: whoever may not read the journals is told so, whatever this machine remembers."""

from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.secure.conftest import Secured

ASKED = (("explain", "m-1"), ("resources", "ls"), ("agents", "show", "sales-1"))


@pytest.fixture(scope="module")
def remembered(secured: Secured, at_home: Terminal) -> list[str]:
    """The files of this machine once the auditor and the administrator have asked."""
    for user in ("auditor", "admin"):
        ran = at_home("agents", "show", "sales-1", "--kafka-config", secured.file(user))
        assert ran.code == 0, ran.err
    return [file.name for file in (Path(at_home.env["AGENTBUS_CACHE"]) / "index").glob("*.sqlite")]


def test_each_login_has_a_file_of_its_own(remembered: list[str]) -> None:
    """Of the same bus."""
    assert len(remembered) >= 2
    assert len({name.partition("-")[0] for name in remembered}) == 1


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_a_lane_is_not_told_what_kafka_hides_from_it(
    secured: Secured, at_home: Terminal, remembered: list[str], asked: tuple[str, ...]
) -> None:
    """Not from the file of a stronger login either; and it is not sent to make a bus that is there."""
    ran = at_home(*asked, "--kafka-config", secured.file("sales"))
    assert (ran.code, ran.out) == (7, "")
    assert "this login may not see bus.control" in ran.complaint
    assert "init" not in ran.complaint


def test_what_enforces_the_lanes_is_told_as_far_as_it_is_known(
    secured: Secured, at_home: Terminal, remembered: list[str]
) -> None:
    """The administrator may look whether Kafka checks who writes."""
    decided = at_home.json("agents", "show", "sales-1", "--kafka-config", secured.file("admin"))[0]["set"]["decision"]
    (found,) = at_home.json("explain", decided, "--kafka-config", secured.file("admin"))
    assert found["who"]["has_authorizer"] is True
    (found,) = at_home.json("explain", decided, "--kafka-config", secured.file("auditor"))
    assert found["who"]["has_authorizer"] in (True, None)
