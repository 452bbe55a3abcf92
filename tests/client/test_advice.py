"""Every no comes with a sentence to act on, with all violations, and as the exception one would catch."""

import pytest

from bus.client import ClientError, Denied, Fenced, Invalid, Late, NotAllowed, Refusal, Refused, Stale, Suspended
from bus.client.advice import advice_on, in_words
from bus.client.errors import VIOLATIONS_SHOWN_MAX, refusal_of
from bus.client.event import event_of
from bus.core.decision.reasons import ArbiterReason, GateReason
from bus.core.decision.wants import WantedFact, WantedRoles
from bus.core.policy.contracts import JsonObject

REASONS = sorted({reason.value for reason in (*GateReason, *ArbiterReason)})
UNHEARD_OF = advice_on("a_reason_of_a_later_engine")


def _refusal(kind: str, reason: str, **more: object) -> Refusal:
    body: JsonObject = {"kind": kind, "reason": reason, "subject": "lead/L-1", "decision": "1.0.7.0", **more}
    return refusal_of(event_of(body), "the claim on lead/L-1", now_ms=1_000)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_advice_of_its_own(reason: str) -> None:
    """No reason of the bus is answered with the words for one nobody knows."""
    assert advice_on(reason) != UNHEARD_OF
    assert advice_on(reason)[0].isupper()
    assert not advice_on(reason).endswith(".")


def test_advice_differs_from_reason_to_reason() -> None:
    """What to do about one reason is not what to do about another."""
    assert len({advice_on(reason) for reason in REASONS}) == len(REASONS)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("kind", ["refused", "denied"])
def test_every_no_is_one_line_with_its_reason_and_advice(kind: str, reason: str) -> None:
    """Printed, an exception is one line that names what, why and what now."""
    no = _refusal(kind, reason, detail="because of this")
    assert str(no) == f"the claim on lead/L-1 was {kind} as {reason}: because of this. {no.advice}."
    assert no.advice == advice_on(reason)
    assert isinstance(no, Denied if kind == "denied" else Refused)
    assert isinstance(no, ClientError)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("fenced", Fenced),
        ("late", Late),
        ("stale", Stale),
        ("suspended", Suspended),
        ("not_allowed", NotAllowed),
        ("unknown_sender", NotAllowed),
        ("schema_violation", Invalid),
        ("subject_mismatch", Invalid),
        ("held", Refused),
    ],
)
def test_a_refusal_is_the_exception_one_would_catch(reason: str, kind: type[Refused]) -> None:
    """What an agent treats differently has a class of its own."""
    assert type(_refusal("refused", reason)) is kind


def test_all_violations_are_kept_and_a_few_are_told() -> None:
    """The sentence names the first places and how many more there are; the exception has them all."""
    found = [{"path": f"/{n}", "keyword": "type", "rule": "", "message": "must be", "hint": "mend"} for n in range(9)]
    no = _refusal("refused", "schema_violation", violations=found)
    assert [violation.path for violation in no.violations] == [f"/{n}" for n in range(9)]
    assert f"and {9 - VIOLATIONS_SHOWN_MAX} more" in str(no)
    assert "/0: must be (mend)" in str(no)


def test_a_claim_without_its_fact_is_told_the_fact_its_values_and_who_has_to_state_it() -> None:
    """An agent that can only read knows what to wait for, and one that can do more has the fact in its hands."""
    no = _refusal("denied", "stage", retry_after=None, wants={"fact": "stage", "values": ["won"], "is": "new"})
    assert isinstance(no, Denied)
    assert no.wants == WantedFact("stage", ("won",), "new")
    assert str(no) == (
        "the claim on lead/L-1 was denied as stage. Wait until whoever owns the fact stage has stated it as "
        '"won" (it is "new"), then claim again.'
    )


def test_a_claim_without_the_role_is_told_the_roles() -> None:
    """It says which roles would do, not that there are some."""
    no = _refusal("denied", "not_allowed", wants={"roles": ["sales", "crm"]})
    assert isinstance(no, Denied)
    assert no.wants == WantedRoles(("sales", "crm"))
    assert no.advice == "Leave this to an agent with role sales or crm, or ask a steward for that role"


@pytest.mark.parametrize("wants", [None, 7, {"fact": "stage"}, {"licence": "B"}])
def test_what_a_denial_wants_in_another_form_is_not_told(wants: object) -> None:
    """Without the field, or with one of a later engine, the advice is that of the reason alone."""
    no = _refusal("denied", "stage", wants=wants)
    assert isinstance(no, Denied)
    assert no.wants is None
    assert no.advice == advice_on("stage")


@pytest.mark.parametrize(("retry_after", "told_ms"), [(4_000, 3_000), (500, 0), (None, None)])
def test_retry_after_is_a_duration_by_the_brokers_clock(retry_after: int | None, told_ms: int | None) -> None:
    """What the bus says as a time is told as how long from now; what it cannot know stays unknown."""
    no = _refusal("denied", "held", retry_after=retry_after)
    assert no.retry_after_ms == told_ms
    assert ("try again" in no.advice) == (told_ms is not None)


def test_fenced_names_the_token_that_counts() -> None:
    """Who is fenced hears which token is current, 0 for none."""
    no = _refusal("refused", "fenced", current=77, token=5)
    assert isinstance(no, Fenced)
    assert no.current == 77


@pytest.mark.parametrize(("ms", "said"), [(0, "now"), (-5, "now"), (1_500, "in 1.5 s"), (600_000, "in 10 min")])
def test_durations_are_said_as_people_say_them(ms: int, said: str) -> None:
    """Nobody is told to wait for 600000 ms."""
    assert in_words(ms) == said
