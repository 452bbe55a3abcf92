"""What is contested on the development bus in the tests of cases, and how its case is waited for."""

import time
from typing import Any

from tests.cli.conftest import Terminal

BERTH = {
    "resource": "berth",
    "window_ms": 300,
    "claimants": ["sales", "support"],
    "ladder": ["human"],
    "escalate": {"queue": "harbour", "tiers_ms": [600000], "reserve_ms": 600000},
}
DEAL = {
    "deal_id": "D-9",
    "customer": "Acme Ltd",
    "amount_cents": 240000000,
    "currency": "EUR",
    "discount_bp": 3800,
    "standard_terms": False,
    "deviations": ["a right to return unused seats"],
}
WITHIN_S = 50.0  # a busy machine
Json = dict[str, Any]


def await_case(terminal: Terminal, subject: str) -> Json:
    """The file of its case, once there is one; kim has seen it then."""
    until_s = time.monotonic() + WITHIN_S
    while (ran := terminal("cases", "show", subject, "--json", "--as", "kim")).code == 5:
        assert time.monotonic() < until_s, f"no case of {subject}"
    assert ran.code == 0, ran.err
    return dict(ran.rows[0])
