"""Until when an agent may believe that it holds something: always a little shorter than the bus says.

The bus ends a lease by the broker's clock, an agent has only its own. So the belief is counted from a reading of the
agent's clock that was taken *before* the claim or renewal was handed to Kafka: at that moment the broker's clock stood
at or before ``at`` of the answer, therefore ``until - at`` later it stands at or before ``until``. Whatever delays the
message, the answer or the process makes the belief shorter, never longer. The local time of day decides nothing.
"""

# Brokers disagree by what genesis calls skew_ms (100), and no clock runs off by more than one in a hundred.
MARGIN_MS = 100
DRIFT = 100
# A lease of a moment must not be eaten up by the margin.
MARGIN_SHARE_MAX = 4

# The background renews after a third of the lease, and from then on each sixth until an answer comes: three tries fail
# before the belief ends.
RENEW_SHARE = 3
AGAIN_SHARE = 6


def belief_end_s(began_s: float, *, at_ms: int, until_ms: int) -> float:
    """When the belief ends, on the clock of ``began_s``; ``at_ms`` and ``until_ms`` are those of the answer."""
    lease_ms = max(0, until_ms - at_ms)
    margin_ms = min(-(-lease_ms // MARGIN_SHARE_MAX), MARGIN_MS + lease_ms // DRIFT)
    return began_s + (lease_ms - margin_ms) / 1000


def counted_from_s(began_s: float, *, asked_at_ms: int, at_ms: int) -> float:
    """A later reading than ``began_s``, at which the broker's clock stood at or before ``at_ms``.

    What a contest or a person decides is decided long after it was asked for: counted from the question, a belief would
    be over before it began. At ``began_s`` the broker's clock stood at or before ``asked_at_ms``, the ``at`` of the
    first answer.
    """
    later_ms = max(0, at_ms - asked_at_ms)
    return began_s + (later_ms - later_ms / DRIFT) / 1000


def renewal_due_s(began_s: float, *, at_ms: int, until_ms: int) -> float:
    """When to ask for more, on the same clock."""
    return began_s + max(0, until_ms - at_ms) / 1000 / RENEW_SHARE


def next_try_s(now_s: float, *, at_ms: int, until_ms: int) -> float:
    """When to ask again if that was not answered."""
    return now_s + max(0, until_ms - at_ms) / 1000 / AGAIN_SHARE
