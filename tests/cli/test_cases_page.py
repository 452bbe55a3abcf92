"""A case on a page: everything a person decides by is there, differences stand out, and nothing is wider than asked."""

import json
from collections.abc import Sequence

import pytest

from bus.audit.case_files import choices
from bus.audit.case_shelf import Shelf
from bus.cli.cases_list import Filter, groups, row_of
from bus.cli.cases_page import page_of
from bus.cli.cases_watch import elsewhere, news_text, table_of
from bus.cli.cases_word import Word, chosen, word_on
from bus.cli.failures import CommandError, ExitCode
from bus.cli.sheet import text_of, wrap
from bus.cli.words import clock, dated_clock, zone
from tests.audit.handmade_cases import AGENT, NOW_MS, PERSON, Body, deal, file_of, held, lead, record_of

WIDTHS = (80, 140)


def _page(body: Body, width: int = 80, *, alike: Sequence[Body] = ()) -> str:
    like = [file_of(one) for one in alike]
    return "\n".join(text_of(line) for line in page_of(file_of(body), alike=like, width=width).lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("body", [deal(), lead(), deal(subject=f"deal/{'D' * 120}")], ids=["deal", "lead", "long"])
def test_no_line_is_wider_than_the_page(body: Body, width: int) -> None:
    """At the usual narrow terminal and at a wide one."""
    like = [file_of(deal(case=f"1.7.9.{number}", subject=f"deal/D-{number}")) for number in range(3)]
    lines = page_of(file_of(body), alike=like, width=width).lines[1:]  # the first has the subject, whatever its length
    assert [text_of(line) for line in lines if len(text_of(line)) > width] == []


EVIL = "\x1b]0;t\x07\x1b[2K\u202eevorppa\n<b>"  # a terminal would obey it, or show it backwards


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("state", ["ready", "closed"])
def test_what_somebody_chose_does_a_terminal_no_harm(state: str, width: int) -> None:
    """Neither what a message says nor what it calls it: names of fields are a sender's as well, however long."""
    said = json.dumps({EVIL: EVIL, "n" * 300: "long", "parts": {EVIL: [EVIL]}})
    claims = [{"candidate": f"1.2.{n}.0", "agent": f"{AGENT}a-{n}", "claim": EVIL, "excerpt": said} for n in range(2)]
    ballot = {"seat": EVIL, "agent": f"{AGENT}q", "choice": EVIL, "reason": EVIL, "reasoning": EVIL}
    body = deal(
        state=state,
        person=f"{PERSON}kim",
        ruling=EVIL,
        reason=EVIL,
        queue=EVIL,
        question=EVIL,
        actions=[{**held("1.7.190.0"), "excerpt": said}] * 5,
        claims=claims,
        ballots=[ballot],
        facts={EVIL: EVIL},
        waiting_costs=[{"name": EVIL, "value": EVIL}],
        why={"detail": EVIL},
        rulings=[{"ruling": "approve", "effects": [EVIL]}],
        trail=[EVIL],
        left_out=[EVIL],
    )
    file = file_of(body)
    lines = [text_of(line) for line in page_of(file, alike=[file_of({**body, "facts": {EVIL: 1}})], width=width).lines]
    assert [line for line in [*lines, news_text(file), *table_of([file], width)] if not line.isprintable()] == []
    assert [line for line in lines if len(line) > width] == []


def test_a_page_says_whose_clock_it_shows() -> None:
    """A person elsewhere reads the same page."""
    assert f"  times       of this machine, {zone()}" in _page(deal())
    assert zone() == "UTC" or zone().startswith(("UTC+", "UTC-"))
    assert news_text(file_of(deal()))[:25] == dated_clock(NOW_MS)


def test_claims_stand_side_by_side_with_their_differences_marked() -> None:
    """What differs has a mark, what is the same is told once."""
    page = _page(lead(), 140)
    assert "1 sales-west" in page
    row = next(line for line in page.splitlines() if "reasoning" in line)
    assert row.strip().startswith("≠")
    assert "We spoke" in row
    assert "Open incident" in row
    assert "= lease_ms 60000" in page


def test_claims_that_have_no_room_beside_the_others_stand_below() -> None:
    """Nothing is lost on a narrow terminal."""
    page = _page(lead(), 80)
    assert all(name in page for name in ("1 sales-west", "2 support-1", "3 partner-3"))


def test_a_claim_that_says_something_else_than_the_bus_knows_is_marked() -> None:
    """One says the stage is new; the bus knows that it is qualified."""
    assert '! the bus knows that stage is "qualified"' in _page(lead())


def test_no_claimant_can_take_anothers_number() -> None:
    """A sender chooses its claim's id and may call it 2: what two candidates answer to chooses neither."""
    claims = [
        {"candidate": f"1.2.{n}.0", "agent": f"{AGENT}a-{n}", "claim": name, "roles": ["sales"]}
        for n, name in ((1, "2"), (2, "c-2"), (3, "c-2"))
    ]
    rulings = [{"ruling": "award", "candidate": one["candidate"], "effects": []} for one in claims]
    file = file_of(lead(claims=claims, rulings=rulings))
    for given in ("2", "c-2"):
        with pytest.raises(CommandError, match=r"may be award \d a-\d \(1\.2\.\d\.0\) or award") as refused:
            chosen(file, Word("award", given, "x"))
        assert refused.value.exit_code == ExitCode.USAGE
    assert [chosen(file, Word("award", given, "x")).agent[-3:] for given in ("1", "3", "1.2.2.0", "a-2")] == [
        *("a-1", "a-3", "a-2", "a-2"),
    ]


def test_options_are_chosen_by_their_names_though_they_are_numbers() -> None:
    """A question may be answered by 5, 4 or 1: award 1 is the option 1, and not the first one."""
    rulings: list[Body] = [{"ruling": "award", "candidate": one, "effects": []} for one in ("5", "4", "1")]
    body = lead(kind="question", claims=[], rulings=rulings)
    assert chosen(file_of(body), Word("award", "1", "x")).candidate == "1"
    page = _page(body)
    assert "  award 5\n  award 4\n  award 1\n" in page
    assert "award 5 --reason" in page


@pytest.mark.parametrize("width", WIDTHS)
def test_a_crowd_of_claims_and_rankings_stays_on_the_page(width: int) -> None:
    """64 claims, a ballot that ranks them all, and what each of them says that waiting costs."""
    ids = [f"1.2.{number}.0" for number in range(64)]
    said = json.dumps({"reply_by": NOW_MS})
    claims = [{"candidate": one, "agent": f"{AGENT}sales-{one}", "claim": one, "excerpt": said} for one in ids]
    body = lead(
        claims=claims,
        rulings=[{"ruling": "award", "candidate": one, "effects": []} for one in ids],
        ballots=[{"seat": "triage", "agent": f"{AGENT}{'t' * 128}", "choice": ids, "reason": "r" * 64}],
        waiting_costs=[{"name": "reply_by", "value": NOW_MS, "of": f"{AGENT}sales-{one}"} for one in ids],
        left_out=["excerpts are cut to 64 bytes"],
    )
    page = _page(body, width)
    assert max(map(len, page.splitlines())) <= width
    assert "64 sales-1.2.63.0" in page
    assert "and 60 more" in page
    assert "and 61 more say" in " ".join(page.split())
    assert "left out    excerpts are cut to 64 bytes" in page


def test_the_holder_among_the_claims_is_marked() -> None:
    """Who challenges whom is seen at once."""
    assert "1 sales-west, holds it" in _page(lead(holder={"agent": f"{AGENT}sales-west", "token": 7}))


def test_a_wait_names_both_and_why() -> None:
    """Who waited for whom, until when."""
    waited = {"agent": f"{AGENT}routing-1", "for": f"{AGENT}procurement-1", "until": NOW_MS, "reason": "a crane"}
    assert "routing-1 waited for procurement-1 until " in _page(lead(kind="wait", waited=waited))


def test_an_award_of_a_question_is_an_option() -> None:
    """The question, who asks, and the options by name."""
    rulings: list[Body] = [
        {"ruling": "award", "candidate": option, "effects": []} for option in ("invoice", "contract")
    ]
    body = deal(kind="question", actions=[], question="What is it?", asked_by=f"{AGENT}crm-1", rulings=rulings)
    page = _page(body)
    assert "What is it? (crm-1 asks)" in page
    assert "  award contract" in page


def test_a_held_action_is_told_field_by_field() -> None:
    """As its sender wrote it."""
    page = _page(deal())
    assert "deals.deal.close.v1 of deal-1  1.7.190.0" in page
    assert "price_cents    240,000,000" in page


def test_what_is_cut_off_in_the_file_is_shown_as_it_came() -> None:
    """An excerpt that is no JSON any more is still read by people."""
    assert 'said  {"price_cents": 24' in _page(deal(actions=[{**held("1.7.190.0"), "excerpt": '{"price_cents": 24'}]))


def test_ballots_are_told_with_their_reasons_and_reasoning() -> None:
    """Who sits, what they chose, why, and how sure they are."""
    page = _page(deal())
    assert "compliance  reject   regulatory.asc606, 91 % sure  (compliance-1)" in page
    assert "“A right to return" in page


def test_each_ruling_says_what_it_does_and_what_cannot_be_undone() -> None:
    """Only the approval leaves the bus."""
    lines = _page(deal()).splitlines()
    approve = next(line for line in lines if line.strip().startswith("approve"))
    reject = next(line for line in lines if line.strip() == "reject")
    assert "cannot be undone" in approve
    assert lines[lines.index(reject) + 1].strip() == "· deals.deal.close.v1 of deal-1 is refused (ruled_out)"


def test_one_ruling_on_several_held_actions_is_said_to_be_for_all_of_them() -> None:
    """There is no picking among them."""
    assert "2, in this order; one ruling is for all of them" in _page(deal(actions=[held("1.7.1.0"), held("1.7.2.0")]))


def test_seats_that_did_not_vote_are_named_and_ballots_counted() -> None:
    """Who was asked and said nothing is seen as well as who voted."""
    page = _page(deal(silent_seats=["risk"]))
    assert "1 for approve, 1 for reject, 1 silent" in page
    assert "  risk        did not vote" in page
    assert "nobody voted" in _page(deal(ballots=[], silent_seats=["risk", "legal"]))


def test_a_cost_is_told_with_its_thousands() -> None:
    """And with what it counts."""
    page = _page(deal(why={"reason": "over_limit", "detail": "cost 240000000 > 100000000"}))
    assert "cost 240,000,000 > 100,000,000, in the smallest unit of its currency" in " ".join(page.split())


def test_a_claimant_that_is_out_keeps_its_number() -> None:
    """Whoever typed `award 2` before it left does not mean the next one."""
    claims = [{**claim, "dropped": "withdrawn"} if n == 0 else claim for n, claim in enumerate(lead()["claims"])]
    left = lead(claims=claims, rulings=lead()["rulings"][1:])
    assert [one.label for one in choices(file_of(left))] == ["award 2 support-1", "award 3 partner-3", "reject_all"]
    assert "1 sales-west (out: withdrawn)" in _page(left, 140)
    with pytest.raises(CommandError) as refused:
        chosen(file_of(left), Word("award", "1", "theirs"))
    assert (refused.value.exit_code, refused.value.message) == (6, "1 sales-west is out of lead/L-1: withdrawn")


def test_times_in_the_files_sentences_are_told_by_the_clock() -> None:
    """No epoch times for people."""
    page = _page(deal())
    assert "if nobody   stays frozen; next tier at " in page
    assert str(NOW_MS + 900_000) not in page


def test_a_closed_case_tells_how_it_ended_and_offers_no_ruling() -> None:
    """By whom, how and why."""
    page = _page(deal(state="closed", ruling="reject", person=f"{PERSON}ben", reason="not our terms"))
    assert "by ben, reject: not our terms" in page
    assert "To rule" not in page


def test_what_a_sender_wrote_does_a_terminal_no_harm() -> None:
    """Escape sequences are shown, not obeyed."""
    page = _page(deal(ballots=[{"seat": "s", "agent": f"{AGENT}x", "choice": "reject", "reasoning": "\x1b[2J"}]))
    assert "\x1b" not in page
    assert "\\u001b[2J" in page


def test_a_word_longer_than_the_line_is_broken() -> None:
    """And nothing of it is lost."""
    assert wrap("ab " + "x" * 25, 10) == ["ab", "x" * 10, "x" * 10, "x" * 5]


def test_alike_cases_share_a_line_until_somebody_takes_one() -> None:
    """The first to be due stands for them."""
    files = [file_of(deal(case=f"1.1.{number}.0")) for number in range(12)]
    files.append(file_of(deal(case="1.1.90.0", state="reserved", person=f"{PERSON}ben")))
    found = groups(files)
    assert [(group.first.case, group.count) for group in found] == [("1.1.0.0", 12), ("1.1.90.0", 1)]
    assert row_of(found[0])[-1] == "× 12"
    assert "ben has it" in row_of(found[1])


def test_a_line_of_cases_that_say_different_things_has_a_mark() -> None:
    """So that nobody takes them for the same."""
    dear = {**held("1.1.2.0"), "excerpt": json.dumps({"deal_id": "D-9", "price_cents": 990_000_000})}
    (found,) = groups([file_of(deal()), file_of(deal(case="1.1.3.0", actions=[dear]))])
    assert row_of(found)[-1] == "× 2 ≠"


def test_kind_and_queue_outlast_other_columns_at_80_characters() -> None:
    """Claims and questions are told apart, and so are queues."""
    lines = table_of([file_of(deal(state="reserved", person=f"{PERSON}ben")), file_of(lead())], 80)
    assert lines[0].split()[2:4] == ["KIND", "QUEUE"]
    assert "TIER" in table_of([file_of(lead())], 140)[0].split()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_table_keeps_what_a_person_needs_on_a_narrow_terminal(width: int) -> None:
    """Case, subject and due time are whole, and no line is too wide."""
    lines = table_of([file_of(deal()), file_of(lead(overdue=True))], width)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:2] == ["CASE", "SUBJECT"]
    assert "1.7.198.2  deal/D-9" in lines[1]
    assert "overdue" in lines[2]


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        (Filter(), True),
        (Filter(queue="revenue"), True),
        (Filter(queue="other"), False),
        (Filter(state="ready"), True),
        (Filter(state="overdue"), False),
        (Filter(state="closed"), False),
        (Filter(state="all"), True),
        (Filter(person=f"{PERSON}ben"), False),
        (Filter(alike="ab" * 32), True),
        (Filter(alike="cd" * 32), False),
    ],
    ids=repr,
)
def test_a_view_has_the_cases_it_says(chosen: Filter, *, taken: bool) -> None:
    """By queue, state, person and likeness."""
    assert chosen.takes(file_of(deal())) is taken


def _word_on(body: Body, candidate: str) -> str:
    """Whom a word on the lead names on another case that is alike."""
    roles = {"sales-west": ["sales"], "support-1": ["support"], "partner-3": ["partner"]}
    claims = [{**claim, "roles": roles[claim["agent"].rpartition("/")[2]]} for claim in lead()["claims"]]
    word = Word("award", candidate, "theirs")
    return word_on(file_of(body), word, chosen(file_of(lead(claims=claims)), word)).candidate


def _other(*roles: str) -> Body:
    """A case that is alike, with claims of these roles in this order."""
    claims = [
        {"candidate": f"1.9.{n}.0", "agent": f"{AGENT}{role}-{n}", "roles": [role]} for n, role in enumerate(roles)
    ]
    rulings = [{"ruling": "award", "candidate": one["candidate"], "effects": []} for one in claims]
    return lead(case="1.9.9.1", claims=claims, rulings=rulings)


def test_alike_cases_are_awarded_by_the_part_and_not_by_the_number() -> None:
    """The first one here is sales; there it came last."""
    assert _word_on(_other("partner", "support", "sales"), "1") == "1.9.2.0"


def test_an_alike_case_with_two_of_that_part_is_left_to_the_person() -> None:
    """Nobody is awarded by chance."""
    with pytest.raises(CommandError) as refused:
        _word_on(_other("sales", "support", "sales"), "sales-west")
    assert refused.value.exit_code == 2
    assert "2 of the candidates" in refused.value.message


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("nobody_ruled", "nobody ruled in time"),
        ("hold_expired", "nobody ruled for as long as the terms keep a held action"),
        ("nothing_left", "nothing was left to rule on"),
    ],
)
def test_a_case_that_ended_without_a_ruling_says_why(ended: str, words: str) -> None:
    """Candidates that nobody chose among in time are not called gone."""
    assert words in _page(lead(state="obsolete", ended=ended, rulings=[]), 140)


def test_what_was_approved_and_not_done_stands_out() -> None:
    """Beside the action the page says whether it was done."""
    closed = deal(state="closed", ruling="approve", person=f"{PERSON}pia", reason="known", rulings=[])
    action = closed["actions"][0]
    page = _page({**closed, "actions": [{**action, "became": "refused", "refused_as": "fenced"}]})
    assert "it was NOT done (fenced)" in page
    assert "it was done: the bus let it go" in _page({**closed, "actions": [{**action, "became": "admitted"}]})


def test_a_claim_that_was_withdrawn_stays_so_after_the_close() -> None:
    """The page of a closed case says who was out of it."""
    closed = lead(state="closed", ruling="reject_all", person=f"{PERSON}pia", reason="no", rulings=[])
    claims = [{**closed["claims"][0], "dropped": "withdrawn"}, *closed["claims"][1:]]
    assert "(out: withdrawn)" in _page({**closed, "claims": claims}, 140)


def test_a_case_whose_actions_are_void_says_so_before_the_rulings() -> None:
    """Nobody thinks about an action that can no longer be done."""
    assert "none of them can be done any more" in _page(deal(moot="fenced"))
    assert "any more" not in _page(deal())


def test_a_wait_is_told_with_short_names_and_the_clock() -> None:
    """The sentence at the top of the page has no id and no thirteen digits."""
    detail = f"sales-1 waited for {AGENT}support-1 until {NOW_MS}"
    top = _page(lead(why={"reason": "wait", "detail": detail}), 140).splitlines()[1]
    assert top == f"sales-1 waited for support-1 until {clock(NOW_MS)}"


def test_a_queue_that_is_mistyped_is_no_quiet_day() -> None:
    """Watching nothing, one hears what waits elsewhere, and in which queue."""
    shelf = Shelf()
    assert elsewhere(shelf, Filter(queue="revenu")) == "nothing waits for a person in queue revenu"
    shelf.put(file_of(deal()), record_of(deal()))
    said = elsewhere(shelf, Filter(queue="revenu"))
    assert said == f"nothing waits in this view; 1 open case is in others, of queue {deal()['queue']}"
