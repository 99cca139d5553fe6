"""What comes of a step (SPEC ARM-6, ARM-7, ARM-9)."""

from typing import Any

import pytest
from arm_facts import DAY, RULES, Club, account, contact_name, contacts, day_of, item, on
from boss.events.arm.v1 import arm_events_pb2 as arm


@pytest.fixture
def step(club: Club, ready: Any) -> str:
    """Give an email of day 0 that went out."""
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    ready.billing.past_due[account("S1")] = 3500
    ready.release(asked.step_id)
    club.sent(asked.step_id, "S1")
    step_id: str = asked.step_id
    return step_id


def email_row(api: Any) -> Any:
    return next((row for row in api.history("S1") if row.type == "Email"), None)


def test_arm_6_what_went_out_is_counted_once_an_attempt(club: Club, ready: Any, step: str) -> None:
    club.sent(step, "S1")
    summary = ready.summary("S1")
    assert (summary.emails_sent, summary.phone_calls_made, summary.letters_sent) == (1, 0, 0)
    club.result(step, "S1", "bounce")
    club.go(1)
    assert [(fact.step_id, fact.attempt) for fact in club.run()] == [(step, 1)]
    club.sent(step, "S1", attempt=1)
    assert ready.summary("S1").emails_sent == 2


def test_arm_9_a_result_that_is_shown_completes_the_activity(club: Club, ready: Any, step: str) -> None:
    club.go(2)
    club.result(step, "S1", "delivered")
    row = email_row(ready)
    assert (row.result, day_of(row.result_date)) == ("Email was delivered", on(2))
    club.go(3)
    assert [fact.step_id for fact in club.run() if fact.step_id == step] == []


def test_arm_9_include_without_show_keeps_the_row_open_and_displays_no_result(
    club: Club, ready: Any, step: str
) -> None:
    club.result(step, "S1", "bounce")
    row = email_row(ready)
    assert (row.result, row.HasField("result_date")) == ("", False)


def test_arm_9_not_included_is_in_the_delivery_log_only(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1", "header")
    assert email_row(ready) is None
    assert club.count("delivery_log WHERE description = 'Error - Please contact Motionsoft (1001)'") == 1
    club.go(1)
    assert [fact.attempt for fact in club.run()] == [1]
    club.sent(step, "S1", attempt=1)
    club.result(step, "S1", "delivered", attempt=1)
    assert email_row(ready).result == "Email was delivered"


def test_arm_9_retry_is_tried_again_at_the_next_daily_run_at_most_three_times(
    club: Club, ready: Any, step: str
) -> None:
    attempts = []
    for days in range(1, 7):
        club.result(step, "S1", "bounce", attempt=len(attempts))
        assert [fact for fact in club.run() if fact.step_id == step] == [], "the same day is not the next run"
        club.go(days)
        attempts += [fact.attempt for fact in club.run() if fact.step_id == step]
    assert attempts == [1, 2, 3]
    assert email_row(ready).result == ""


def test_arm_9_the_retry_limit_is_the_units(club: Club, ready: Any, step: str) -> None:
    ready.settings(retry_limit=1)
    attempts = []
    for days in range(1, 5):
        club.result(step, "S1", "bounce", attempt=len(attempts))
        club.go(days)
        attempts += [fact.attempt for fact in club.run() if fact.step_id == step]
    assert attempts == [1]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (["delivered", "opened", "clicked", "spam"], "Member marked email as spam"),
        (["spam", "clicked", "opened", "delivered"], "Member marked email as spam"),
        (["opened", "delivered"], "Email was opened by member"),
        (["delivered", "bounce"], ""),
        (["bounce", "delivered"], ""),
        (["invalid", "opened"], "Undeliverable - Invalid Email Address"),
        (["opened", "invalid"], "Undeliverable - Invalid Email Address"),
    ],
    ids=" then ".join,
)
def test_arm_9_one_result_per_activity_by_rank(club: Club, ready: Any, step: str, told: list[str], shown: str) -> None:
    for rule in told:
        club.result(step, "S1", rule)
    assert email_row(ready).result == shown


def test_arm_9_a_bounce_stands_unless_a_retry_succeeds(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1", "bounce")
    club.go(1)
    club.run()
    club.sent(step, "S1", attempt=1)
    club.result(step, "S1", "opened", attempt=1)
    club.result(step, "S1", "bounce", attempt=0)
    assert email_row(ready).result == "Email was opened by member"
    club.go(2)
    assert [fact for fact in club.run() if fact.step_id == step] == []


def test_arm_9_silence_is_a_result_after_seven_days(club: Club, ready: Any, step: str) -> None:
    club.go(6)
    club.run()
    assert email_row(ready).result == ""
    club.go(7)
    club.run()
    silent = next(row for row in ready.history("S1") if row.activity == "Email of day 0")
    assert (silent.result, day_of(silent.result_date)) == ("We never received a response", on(7))
    assert (silent.days_in_arm, silent.past_due_balance.units) == (7, 35)
    club.go(8)
    club.result(step, "S1", "opened")
    late = next(row for row in ready.history("S1") if row.activity == "Email of day 0")
    assert (late.result, day_of(late.result_date)) == ("Email was opened by member", on(8))


def test_arm_9_silence_is_told_after_the_exit_too_and_the_days_are_the_units(club: Club, ready: Any, step: str) -> None:
    ready.settings(no_response_days=3)
    club.go(2)
    club.pays("S1")
    club.go(3)
    club.run()
    row = email_row(ready)
    assert (row.result, row.days_in_arm) == ("We never received a response", 2)


def test_arm_9_a_bounce_is_not_silence(club: Club, ready: Any, step: str) -> None:
    ready.settings(retry_limit=1)
    club.result(step, "S1", "bounce")
    club.go(1)
    club.run()
    club.sent(step, "S1", attempt=1)
    club.go(20)
    club.run()
    assert next(row for row in ready.history("S1") if row.activity == "Email of day 0").result == ""


def test_arm_9_a_letter_gets_letter_sent_only(club: Club, ready: Any, step: str) -> None:
    club.go(14)
    letter = next(fact for fact in club.run() if fact.channel == "Letter")
    club.sent(letter.step_id, "S1")
    club.result(letter.step_id, "S1", "letter")
    row = next(row for row in ready.history("S1") if row.type == "Letter")
    assert (row.result, day_of(row.result_date), row.contact_info) == ("Letter Sent", on(14), "1 Main St")
    club.go(30)
    club.run()
    assert next(row for row in ready.history("S1") if row.type == "Letter").result == "Letter Sent"
    assert ready.summary("S1").letters_sent == 1


def test_arm_9_mark_invalid_skips_the_channel_at_once_and_shows_in_the_summary(
    club: Club, ready: Any, step: str
) -> None:
    club.result(step, "S1", "invalid")
    assert list(ready.summary("S1").invalid_contacts) == ["Email (email)"]
    club.go(7)
    assert [fact.channel for fact in club.run()] == ["Phone"]
    assert any(row.activity == "Skipped: Email of day 7 (the email contact is invalid)" for row in ready.history("S1"))


def test_arm_9_clearing_the_flag_resumes_the_channel_from_the_next_step(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1", "invalid")
    club.member("S1")
    assert list(ready.summary("S1").invalid_contacts) == ["Email (email)"], "agreements hasn't heard of it yet"
    club.member("S1", ways=contacts("S1", email={"invalid": True}))
    club.member("S1")
    assert list(ready.summary("S1").invalid_contacts) == []
    club.go(7)
    assert "Email" in [fact.channel for fact in club.run()]


def test_arm_9_a_new_address_is_not_the_one_that_was_marked(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1", "invalid")
    club.member("S1", ways=contacts("S1", email={"value": "new@example.com"}))
    club.go(7)
    assert "new@example.com" in [fact.contact_value for fact in club.run()]


def test_arm_9_a_row_that_also_says_retry_still_gets_its_own_retry(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1", "spam content")
    assert list(ready.summary("S1").invalid_contacts) == ["Email (email)"]
    club.go(1)
    assert [(fact.step_id, fact.attempt, fact.contact_value) for fact in club.run()] == [(step, 1, "s1@example.com")]
    club.go(7)
    assert [fact.channel for fact in club.run()] == ["Phone"]


def test_arm_9_an_address_is_never_marked(club: Club, ready: Any, step: str) -> None:
    club.go(14)
    letter = next(fact for fact in club.run() if fact.channel == "Letter")
    club.result(letter.step_id, "S1", "invalid")
    assert list(ready.summary("S1").invalid_contacts) == []


def test_arm_6_invalid_contacts_of_every_kind_show_in_the_summary(club: Club, ready: Any) -> None:
    flags = {"invalid": True}
    club.member("S1", ways=contacts("S1", email=flags, cell=flags, address=flags))
    club.owes("S1", item("S1", DAY, 3500, declined=True))
    assert list(ready.summary("S1").invalid_contacts) == ["Email (email)", "Phone (cell)", "Address (address)"]


def test_arm_9_an_unmatched_response_is_kept_and_marks_nothing(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1")
    assert club.count("delivery_log WHERE NOT matched AND outcome = 'response'") == 1
    assert email_row(ready).result == ""
    assert list(ready.summary("S1").invalid_contacts) == []


def test_arm_9_a_blank_number_closes_calls_until_there_is_a_number(club: Club, ready: Any) -> None:
    ready.schedule([("Phone", 0, 0), ("Phone", 1, 0), ("Phone", 2, 0)])
    club.member("S1", ways=contacts("S1")[:1])
    club.declines("S1")
    (call,) = club.run()
    club.result(call.step_id, "S1", "blank")
    club.go(1)
    assert club.run() == []
    club.member("S1")
    club.go(2)
    assert [fact.contact for fact in club.run()] == [contact_name("S1", "cell")]


def test_not_5_an_unknown_outcome_is_never_sent_again(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    club.result(asked.step_id, "S1", outcome="UNKNOWN")
    assert club.count("step WHERE state = 'unknown'") == 1
    club.go(2)
    assert club.run() == []


def test_arm_9_the_result_of_a_step_nobody_asked_for_is_kept(club: Club, ready: Any, step: str) -> None:
    fact = club.step(step)
    assert fact.step_id == step
    club.result(step, "S2", "opened")
    assert club.count("delivery_log") == 2


def test_arm_9_a_retry_ends_with_its_cycle(club: Club, ready: Any, step: str) -> None:
    club.result(step, "S1", "bounce")
    club.pays("S1")
    assert club.facts(arm.NotificationWithdrawn) == []
    assert email_row(ready) is not None
    club.go(1)
    assert club.run() == []


def test_the_short_names_of_the_tests_are_rows_of_the_response_table() -> None:
    assert all(len(row) == 9 for row in RULES.values())
