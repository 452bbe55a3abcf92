"""A ruling speaks of what its person was shown: of nothing else, not even in a set, and of no revision but that."""

from tests.audit.conftest import Client
from tests.cli.conftest import Terminal
from tests.cli.harbour import KIM, PATIENT, PERSON, Contested, await_gone, listed, shapes_fit, two_claims


def test_a_case_that_changed_since_it_was_shown_is_not_ruled(
    terminal: Terminal, client: Client, contested: Contested
) -> None:
    """Somebody else reserved it meanwhile and gave it back: what, who and when is told, and nothing is decided."""
    subject = contested("B-4")
    (file,) = terminal.json("cases", "show", subject, "--as", "kim")
    body = {"case": file["case"], "rev": file["rev"]}
    client.answer("desk", client.send("desk", f"{PERSON}kim", "bus.case.reserve.v1", body, subject, ce_id="b4-reserve"))
    ran = terminal("cases", "rule", subject, "award", "1", "--reason", "first come", *KIM)
    assert ran.code == 6
    assert f"{subject} has changed since rev 1: it is at rev 2" in ran.err
    assert "kim: kim reserved it" in ran.err
    ahead = terminal("cases", "rule", subject, "award", "1", "--rev", "7", "--reason", "x", *KIM)
    assert (ahead.code, f"{subject} is not at rev 7: it is at rev 2" in ahead.complaint) == (6, True)
    stale = terminal("cases", "rule", subject, "award", "1", "--rev", "1", "--reason", "x", *KIM, "--json")
    (answer,) = stale.rows
    assert (stale.code, answer["reason"]) == (6, "stale_rev")
    assert [change["who"] for change in answer["changes"]] == [f"{PERSON}kim"]
    terminal("cases", "show", subject, "--as", "kim")
    assert terminal("cases", "rule", subject, "award", "1", "--reason", "first come", *KIM).code == 0


def test_who_was_shown_a_case_is_a_person_and_not_the_machine(terminal: Terminal, contested: Contested) -> None:
    """What kim has looked at, lee has not: without --rev a ruling of lee's speaks of nothing."""
    subject = contested("B-19")
    ran = terminal("cases", "rule", subject, "award", "1", "--reason", "x", "--as", "lee", *PATIENT)
    assert (ran.code, f"{subject} has not been shown to lee here" in ran.complaint) == (6, True)
    assert "--as lee" in ran.complaint


def test_a_number_means_whom_it_was_shown_for_even_if_they_have_left(
    terminal: Terminal, client: Client, contested: Contested
) -> None:
    """The second claimant withdraws: awarding it 2 is stale, and afterwards 1 is who it was."""
    subject = contested("B-10")
    (file,) = terminal.json("cases", "show", subject, "--as", "kim")
    gone, stays = file["claims"][1], file["claims"][0]["agent"].rpartition("/")[2]
    lane = gone["agent"].rpartition("/")[2].partition("-")[0]
    left = client.send(lane, gone["agent"], "bus.resource.withdraw.v1", {"claim": gone["claim"]}, subject, ce_id="b10")
    client.answer(lane, left)
    rule = ("cases", "rule", subject, "award")
    ran = terminal(*rule, "2", "--reason", "x", *KIM)
    assert (ran.code, f"{subject} has changed since rev 1" in ran.complaint) == (6, True)
    assert "competes no longer: withdrawn" in ran.err
    page = terminal("cases", "show", subject, "--as", "kim").out
    assert f"1 {stays}" in page
    assert "(out: withdrawn)" in page
    assert terminal(*rule, "2", "--reason", "x", *KIM).code == 6
    assert f"award 1 {stays}" in terminal(*rule, "1", "--reason", "x", *KIM).out


def test_alike_cases_are_ruled_one_by_one_with_one_reason_if_they_were_shown(
    terminal: Terminal, client: Client, contested: Contested
) -> None:
    """Every open one gets an answer of its own; one that was not shown is left alone, with what differs in it."""
    subjects = {contested(f"B-6-{number}") for number in range(3)}
    two_claims(client, "B-6-9", "a legal threat: read this first")
    rows = listed(terminal, {*subjects, "berth/B-6-9"})
    assert len({row["alike"] for row in rows}) == 1
    rule = ("cases", "rule", "B-6-0", "reject-all", "--alike", "--reason", "the harbour is closed", *KIM)
    dry = terminal(*rule, "--dry-run", "--json")
    assert dry.code == 6
    assert all(shapes_fit("cases rule", row) for row in dry.rows)
    assert {row["kind"] for row in dry.rows if row["subject"] in subjects} == {"would_rule"}
    (unseen,) = [row for row in dry.rows if row["subject"] == "berth/B-6-9"]
    assert (unseen["kind"], unseen["reason"]) == ("would_not_rule", "not_shown")
    assert "a legal threat: read this first" in unseen["differs"].values()
    ran = terminal(*rule)
    assert ran.code == 6, ran.err
    ruled = {line.split()[1] for line in ran.out.splitlines() if line.startswith("ruled: ")}
    assert (subjects <= ruled, "berth/B-6-9" in ruled) == (True, False)
    assert "berth/B-6-9 has not been shown to kim here" in ran.err
    assert "a legal threat: read this first" in ran.err
    await_gone(terminal, subjects)
    assert [row["state"] for row in listed(terminal, {"berth/B-6-9"})] == ["ready"]


def test_who_lists_what_is_alike_has_seen_each(terminal: Terminal, client: Client, staff: tuple[str, ...]) -> None:
    """The words of each stand there whole, and then one ruling is for all."""
    assert staff
    for number in range(2):
        two_claims(client, f"B-12-{number}", f"ship {number} is first")
    subjects = {"berth/B-12-0", "berth/B-12-1"}
    listed(terminal, subjects)
    rows = terminal.json("cases", "ls", "--alike", "B-12-0", "--as", "kim")
    assert {"ship 0 is first", "ship 1 is first"} <= {value for row in rows for value in row["differs"].values()}
    assert all(shapes_fit("cases ls", row) for row in rows)
    page = terminal("cases", "ls", "--alike", "B-12-0", "--as", "kim").out
    assert "ship 0 is first" in page
    assert "ship 1 is first" in page
    ran = terminal("cases", "rule", "B-12-0", "reject-all", "--alike", "--reason", "closed", *KIM)
    assert ran.code == 0, ran.err
    await_gone(terminal, subjects)
