"""Says what somebody wrote, field by field, as people read it: times by the clock, amounts with their thousands."""

import json
import re
import time
from collections.abc import Mapping

from bus.audit.plain import shown
from bus.cli.explain_text import until_text
from bus.cli.words import clock
from bus.core.policy.contracts import JsonObject

# Of a claim: what names it, and does not speak for or against it.
NAMES = frozenset(
    {*("candidate", "decision", "claim", "agent", "dropped", "type", "token", "until"), *("became", "refused_as")}
)
# Where the whole of it stands, which the trail leads to as well.
PLACES = frozenset({"src", "hash", "size", "excerpt", "excerpt_base64", "content_type", "missing"})
TIME_KEYS = ("_at", "_until", "at", "until", "by", "due", "deadline")
TIME = re.compile(r"\b1[0-9]{12}\b")
TEN_YEARS_MS = 10 * 365 * 86_400_000
# Fields with these endings are amounts, which the bus has in the smallest unit: 240,000,000, not 240000000.
AMOUNT_KEYS = ("cost", "amount", "price", "total", "budget", "_cents", "_minor")
LONG_NUMBER = re.compile(r"(?<![\w.-])[0-9]{5,}(?![\w.-])")


def told(one: JsonObject) -> dict[str, str]:
    """What a claim or an action says; what its excerpt is too long to show whole is shown as it came."""
    excerpt = str(one.get("excerpt") or "")
    hidden = NAMES | PLACES
    fields = {name: value for name, value in one.items() if name not in hidden and value not in (None, "", [], {})}
    if one.get("missing"):
        fields["said"] = str(one["missing"])
    elif one.get("excerpt_base64"):
        fields["said"] = f"{one.get('content_type')} of {one.get('size')} bytes, which only its schema can read"
    try:
        said = json.loads(excerpt) if excerpt else {}
    except ValueError:
        said = {"said": excerpt}
    fields |= said if isinstance(said, dict) else {"said": said}
    return {name: value_text(name, value) for name, value in fields.items()}


def value_text(name: str, value: object) -> str:
    """A value of the field of that name."""
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith(TIME_KEYS) and TIME.fullmatch(str(value)):
            return clock(value)
        return f"{value:,}" if name.endswith(AMOUNT_KEYS) else str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(value_text("", one) for one in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key} {value_text(str(key), one)}" for key, one in value.items())
    return shown(value)


def cost_text(value: object) -> str:
    """What waiting costs: a time with how far it is, an amount with its thousands."""
    is_time = isinstance(value, int) and TIME.fullmatch(str(value)) and timed(str(value)) != str(value)
    if is_time and isinstance(value, int):
        return f"{clock(value)} ({until_text(value)})"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else shown(value)


def timed(text: str) -> str:
    """The text with its epoch times as the clock on this wall shows them."""
    now_ms = int(time.time() * 1000)

    def told_time(found: re.Match[str]) -> str:
        at = int(found[0])
        return clock(at) if abs(at - now_ms) < TEN_YEARS_MS else found[0]

    return TIME.sub(told_time, text)


def why_text(reason: str, detail: str) -> str:
    """The sentence on why a case came up; of a cost, with its thousands and what they count."""
    if reason != "over_limit":
        return detail
    grouped = LONG_NUMBER.sub(lambda found: f"{int(found[0]):,}", detail)
    return f"{grouped}, in the smallest unit of its currency" if grouped != detail else detail
