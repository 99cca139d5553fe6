"""From due to sent: local rules, release, hand-over, and crashes in between (SPEC NOT-4, NOT-5)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.events.notifications.v1 import notifications_events_pb2 as pb
from notification_facts import NOON, TODAY, Club
from notification_providers import Arm, Died, Provider

from boss_kit.errors import Transient
from boss_kit.schema import task
from boss_notifications.adapters.port import Certainty, Delivery, Fate
from boss_notifications.dispatch.process import Dispatch
from boss_notifications.intents.store import change

SENT, RESPONSE = pb.NotificationResult.OUTCOME_SENT, pb.NotificationResult.OUTCOME_RESPONSE
NOT_RELEASED, UNKNOWN = pb.NotificationResult.OUTCOME_NOT_RELEASED, pb.NotificationResult.OUTCOME_UNKNOWN
Clock = Callable[[datetime], None]


def dispatch(club: Club, *providers: Provider, arm: Arm | None = None, settle_after_s: float = 0) -> Dispatch:
    return Dispatch(club.units, providers, (arm or Arm()).release, settle_after_s=settle_after_s)


def test_a_due_email_is_composed_released_and_sent_once(club: Club) -> None:
    step_id = club.request("M1", "Email", club.add_template("Email"))
    provider, arm = Provider("Email", Certainty.QUERYABLE), Arm()
    run = dispatch(club, provider, arm=arm)
    run(club.task())
    run(club.task())
    assert arm.asked == [step_id]
    assert [(one.subject, one.body) for one in provider.messages] == [("Hello Chloé", "Chloé owes $12.00.")]
    assert [one.outcome for one in club.results()] == [SENT]
    row = club.notification(step_id)
    assert (row.state, row.times_sent, row.sent_date, row.sent_time) == ("sent", 1, TODAY, NOON)


def test_a_repeat_of_the_request_is_one_notification(club: Club) -> None:
    fact = club.requested("M1", "Email", club.add_template("Email"))
    for _ in range(3):
        club.feed("arm", fact, club.account_id("M1"))
    retry = club.requested("M1", "Email", fact.template, step_id=fact.step_id, attempt=1)
    club.feed("arm", retry, club.account_id("M1"))
    assert len(club.states()) == 2


def test_a_notification_of_a_later_day_waits_for_it(club: Club) -> None:
    club.request("M1", "Email", club.add_template("Email"), send_date=TODAY + timedelta(days=1))
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider)(club.task())
    assert not provider.messages
    dispatch(club, provider)(club.task(day=TODAY + timedelta(days=1)))
    assert len(provider.messages) == 1


def test_arm_5_a_withdrawn_step_never_goes_out(club: Club) -> None:
    step_id = club.request("M1", "Email", club.add_template("Email"))
    club.withdraw("M1", step_id)
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider)(club.task())
    assert not provider.messages
    assert club.notification(step_id).rule == "WITHDRAWN"
    assert not club.results()


def test_arm_5_a_step_withdrawn_during_its_release_never_goes_out(club: Club) -> None:
    step_id = club.request("M1", "Email", club.add_template("Email"))
    provider = Provider("Email", Certainty.QUERYABLE)

    class LateArm(Arm):
        def release(self, enterprise_id, step_ids):  # type: ignore[no-untyped-def]
            club.withdraw("M1", step_id)
            return {}

    dispatch(club, provider, arm=LateArm())(club.task())
    assert not provider.messages
    assert club.notification(step_id).state == "not_sent"


def test_arm_5_a_step_that_arm_refuses_is_not_sent_and_says_why(club: Club) -> None:
    template = club.add_template("Email")
    refused, released = club.request("M1", "Email", template), club.request("M2", "Email", template)
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider, arm=Arm({refused: "CYCLE_CLOSED"}))(club.task())
    assert len(provider.messages) == 1
    (result,) = club.results(refused)
    assert (result.outcome, result.response) == (NOT_RELEASED, "CYCLE_CLOSED")
    assert club.notification(refused).state == "not_sent"
    assert [one.outcome for one in club.results(released)] == [SENT]


@pytest.mark.parametrize(
    ("values", "response", "detail", "invalidates"),
    [
        ({"contact": "", "contact_value": ""}, "Blank Number", "Phone number field blank", False),
        ({"contact_value": "555"}, "Invalid Number", "Incorrect number of digits in phone number", True),
        (
            {"contact_value": "+1 303 555 0148 99999"},
            "Invalid Number",
            "Incorrect number of digits in phone number",
            True,
        ),
        ({"do_not_call": True}, "On Do Not Call List", "Phone number on account Do Not Call List", True),
    ],
)
def test_not_4_a_local_denial_of_a_call_shows_as_its_table_row(
    club: Club, values: dict[str, object], response: str, detail: str, invalidates: bool
) -> None:
    step_id = club.request("M1", "Phone", club.add_template("Phone"), **values)
    provider, arm = Provider("Phone", Certainty.IDEMPOTENT), Arm()
    dispatch(club, provider, arm=arm)(club.task())
    (result,) = club.results()
    assert not provider.messages
    assert not arm.asked
    assert (result.outcome, result.response, result.response_detail) == (RESPONSE, response, detail)
    assert result.rule.completed
    assert not result.rule.retry
    assert bool(club.invalidated()) == invalidates
    assert club.notification(step_id).state == "not_sent"


def test_not_4_the_do_not_call_list_counts_as_it_is_now(club: Club) -> None:
    club.add_member("M1")
    club.request("M1", "Phone", club.add_template("Phone"))
    club.add_member("M1", do_not_call=True, version=2)
    provider = Provider("Phone", Certainty.IDEMPOTENT)
    dispatch(club, provider)(club.task())
    assert [one.response for one in club.results()] == ["On Do Not Call List"]


def test_not_4_an_email_to_who_unsubscribed_shows_as_its_table_row(club: Club) -> None:
    club.add_member("M1")
    step_id = club.request("M1", "Email", club.add_template("Email"))
    club.add_member("M1", email_opt_out=True, version=2)
    provider, arm = Provider("Email", Certainty.QUERYABLE), Arm()
    dispatch(club, provider, arm=arm)(club.task())
    (result,) = club.results()
    assert not provider.messages
    assert not arm.asked
    assert (result.response, result.response_detail) == ("Dropped", "Unsubscribed Address")
    assert (result.rule.completed, result.rule.retry, result.rule.mark_invalid) == (True, False, True)
    assert result.rule.description == "Undeliverable - Unsubscribed Email Address"
    assert club.notification(step_id).rule == "UNSUBSCRIBED"


def test_not_4_who_subscribes_again_gets_email_again(club: Club) -> None:
    club.add_member("M1", email_opt_out=True)
    club.request("M1", "Email", club.add_template("Email"))
    club.add_member("M1", version=2)
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider)(club.task())
    assert len(provider.messages) == 1


def test_not_4_a_preferred_channel_is_a_wish_and_stops_no_step_of_another(club: Club) -> None:
    club.add_member("M1", preferred_channel="letter")
    club.request("M1", "Email", club.add_template("Email"))
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider)(club.task())
    assert len(provider.messages) == 1


@pytest.mark.parametrize("value", ["", "not an email", "a@b", "a@example.com\nBcc: b@example.com", "é@example.com"])
def test_not_4_an_email_without_a_possible_address_is_dropped_as_invalid(club: Club, value: str) -> None:
    club.request("M1", "Email", club.add_template("Email"), contact_value=value)
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider)(club.task())
    (result,) = club.results()
    assert (result.response, result.response_detail, result.rule.mark_invalid) == ("Dropped", "Invalid", True)
    assert not provider.messages


def test_a_letter_without_an_address_is_not_sent_and_invalidates_nothing(club: Club) -> None:
    club.request("M1", "Letter", club.add_template("Letter"), address_lines=[" "])
    dispatch(club, Provider("Letter", Certainty.IDEMPOTENT))(club.task())
    assert [(one.outcome, one.response) for one in club.results()] == [(NOT_RELEASED, "NO_POSTAL_ADDRESS")]
    assert not club.invalidated()


def test_not_4_a_number_is_called_once_a_day_whoever_shares_it(club: Club) -> None:
    template = club.add_template("Phone")
    for number in ("M2", "M1", "M3"):
        club.add_member(number)
    steps = {number: club.request(number, "Phone", template) for number in ("M2", "M1", "M3")}
    provider = Provider("Phone", Certainty.IDEMPOTENT)
    dispatch(club, provider)(club.task())
    assert provider.order == ["M1"], "the member's number decides who is first, not the order of arrival"
    for number in ("M2", "M3"):
        (result,) = club.results(steps[number])
        assert (result.response, result.rule.description) == (
            "Duplicate number",
            "No call made - Number was already called today",
        )


def test_not_4_a_call_that_arm_refused_doesnt_count_as_placed(club: Club) -> None:
    template = club.add_template("Phone")
    for number in ("M1", "M2"):
        club.add_member(number)
    first, second = club.request("M1", "Phone", template), club.request("M2", "Phone", template)
    provider = Provider("Phone", Certainty.IDEMPOTENT)
    dispatch(club, provider, arm=Arm({first: "PAID"}))(club.task())
    assert [one.outcome for one in club.results(second)] == [SENT]


def test_not_4_quiet_hours_hold_until_eight_in_the_members_zone(club: Club, clock: Clock) -> None:
    template = club.add_template("Email")
    denver = club.request("M1", "Email", template)
    berlin = club.request("M2", "Email", template, time_zone="Europe/Berlin")
    clock(datetime(2026, 3, 10, 5, 30, tzinfo=UTC))  # 23:30 in Denver, 6:30 in Berlin.
    provider = Provider("Email", Certainty.QUERYABLE)
    dispatch(club, provider)(club.task())
    assert not provider.messages
    assert club.notification(denver).hold_until == datetime(2026, 3, 10, 14, tzinfo=UTC)
    assert club.notification(berlin).hold_until == datetime(2026, 3, 10, 7, tzinfo=UTC)
    assert club.notification(denver).rule == "QUIET_HOURS"
    clock(datetime(2026, 3, 10, 7, tzinfo=UTC))
    dispatch(club, provider)(club.task())
    assert [message.intent.step_id for message in provider.messages] == [berlin]
    clock(datetime(2026, 3, 10, 14, tzinfo=UTC))
    dispatch(club, provider)(club.task())
    assert len(provider.messages) == 2


def test_quiet_hours_dont_hold_letters(club: Club, clock: Clock) -> None:
    club.request("M1", "Letter", club.add_template("Letter"))
    clock(datetime(2026, 3, 10, 5, 30, tzinfo=UTC))
    provider = Provider("Letter", Certainty.IDEMPOTENT)
    dispatch(club, provider)(club.task())
    assert len(provider.messages) == 1


def test_not_4_at_most_seven_calls_in_seven_days_per_account(club: Club, clock: Clock) -> None:
    template = club.add_template("Phone")
    provider = Provider("Phone", Certainty.IDEMPOTENT)
    outcomes = []
    for day in range(9):
        send_date = TODAY + timedelta(days=day)
        clock(NOON + timedelta(days=day))
        # Another number each day: the limit is per debt. Two calls on the first day.
        numbers = ["+13035550148", "+13035550149"] if day == 0 else [f"+130355501{50 + day}"]
        for number in numbers:
            step_id = club.request("M1", "Phone", template, contact_value=number, send_date=send_date)
            dispatch(club, provider)(club.task(day=send_date))
            (result,) = club.results(step_id)
            outcomes.append((day, result.outcome == SENT, result.response))
    denied = [(day, response) for day, sent, response in outcomes if not sent]
    # Days 0 to 5 hold seven calls; on day 7 those of day 0 are out of the window.
    assert denied == [(6, "CALL_ATTEMPTS_IN_WINDOW")]


def test_messages_go_out_in_the_members_order_whatever_the_arrival(club: Club) -> None:
    template = club.add_template("Email")
    for number in ("M3", "M1", "M2"):
        club.add_member(number)
        club.request(number, "Email", template)
    provider = Provider("Email", Certainty.QUERYABLE, batch_size=2)
    dispatch(club, provider)(club.task())
    assert provider.order == ["M1", "M2", "M3"]


def test_not_3_a_broken_promise_denies_that_one_notification_only(club: Club) -> None:
    template = club.add_template("Email")
    broken = club.request("M1", "Email", template, placeholders={"first_name": "Chloé"})
    lost = club.request("M2", "Email", f"{club.enterprise}/templates/{uuid4()}")
    whole = club.request("M3", "Email", template)
    dispatch(club, Provider("Email", Certainty.QUERYABLE))(club.task())
    assert club.notification(broken).rule == "PLACEHOLDER_MISSING"
    assert "balance" in club.notification(broken).reason
    assert club.notification(lost).rule == "TEMPLATE_MISSING"
    assert club.notification(whole).state == "sent"


def test_a_channel_whose_provider_is_away_keeps_no_other_waiting(club: Club) -> None:
    email = club.request("M1", "Email", club.add_template("Email"))
    letter = club.request("M1", "Letter", club.add_template("Letter"))

    class Away(Provider):
        def open(self):  # type: ignore[no-untyped-def]
            raise Transient("AWAY", "The mail server is away.")

    with pytest.raises(Transient):
        dispatch(club, Away("Email", Certainty.QUERYABLE), Provider("Letter", Certainty.IDEMPOTENT))(club.task())
    assert (club.notification(email).state, club.notification(letter).state) == ("requested", "sent")


def test_a_message_the_provider_defers_stops_nobody_behind_it(club: Club) -> None:
    template = club.add_template("Email")
    for number in ("M1", "M2"):
        club.add_member(number)
    deferred, sent = club.request("M1", "Email", template), club.request("M2", "Email", template)
    provider = Provider("Email", Certainty.QUERYABLE)
    provider.fates["M1"] = Delivery(uuid4(), Fate.DEFERRED, reason="450 greylisted")
    dispatch(club, provider)(club.task())
    row = club.notification(deferred)
    assert (row.state, row.rule, row.hold_until) == ("held", "PROVIDER_DEFERRED", NOON + timedelta(hours=1))
    assert club.notification(sent).state == "sent"


def test_a_message_the_provider_refuses_for_good_is_its_table_row(club: Club) -> None:
    club.add_member("M1")
    club.request("M1", "Email", club.add_template("Email"))
    provider = Provider("Email", Certainty.QUERYABLE)
    provider.fates["M1"] = Delivery(uuid4(), Fate.REFUSED, "Bounce", "", "550 no")
    dispatch(club, provider)(club.task())
    (result,) = club.results()
    assert (result.outcome, result.response, result.rule.retry) == (RESPONSE, "Bounce", True)


@pytest.mark.parametrize("dies_after", [1, 2, 3])
@pytest.mark.parametrize("channel", ["Email", "Phone"])
def test_not_5_after_a_crash_a_queryable_provider_is_asked_and_nothing_goes_twice(
    club: Club, channel: str, dies_after: int
) -> None:
    template = club.add_template(channel)
    for number in range(3):
        value = f"+1303555014{number}" if channel == "Phone" else f"m{number}@example.com"
        club.request(f"M{number}", channel, template, contact_value=value)
    provider = Provider(channel, Certainty.QUERYABLE, dies_after=dies_after)
    task_id = uuid4()
    with pytest.raises(Died):
        dispatch(club, provider)(club.task(task_id=task_id))
    assert club.states() == ["sending"] * 3
    dispatch(club, provider)(club.task(task_id=task_id))
    assert club.states() == ["sent"] * 3
    assert sorted(provider.taken.values()) == [1, 1, 1]
    assert [one.outcome for one in club.results()] == [SENT] * 3


def test_not_5_after_a_crash_an_idempotent_provider_gets_the_same_key_again(club: Club) -> None:
    template = club.add_template("Letter")
    for number in range(3):
        club.request(f"M{number}", "Letter", template)
    provider, arm = Provider("Letter", Certainty.IDEMPOTENT, dies_after=2), Arm()
    task_id = uuid4()
    with pytest.raises(Died):
        dispatch(club, provider, arm=arm)(club.task(task_id=task_id))
    dispatch(club, provider, arm=arm)(club.task(task_id=task_id))
    assert club.states() == ["sent"] * 3
    assert sorted(provider.handed_over.values()) == [1, 2, 2]
    assert set(provider.taken.values()) == {1}
    assert [one.outcome for one in club.results()] == [SENT] * 3
    assert len(arm.asked) == 6, "a repeat is released again: the exit may have come in between"


def test_arm_5_a_repeat_with_the_key_doesnt_go_out_after_the_exit(club: Club) -> None:
    step_id = club.request("M1", "Letter", club.add_template("Letter"))
    provider, arm = Provider("Letter", Certainty.IDEMPOTENT, dies_after=1), Arm()
    task_id = uuid4()
    with pytest.raises(Died):
        dispatch(club, provider, arm=arm)(club.task(task_id=task_id))
    arm.refused[step_id] = "CYCLE_CLOSED"
    dispatch(club, provider, arm=arm)(club.task(task_id=task_id))
    assert provider.handed_over.total() == 1
    assert club.notification(step_id).state == "unknown"


def test_not_5_after_a_crash_with_neither_the_notification_is_unknown_and_never_resent(club: Club) -> None:
    template = club.add_template("Email")
    first, second = club.request("M1", "Email", template), club.request("M2", "Email", template)
    for number in ("M1", "M2"):
        club.add_member(number)
    provider = Provider("Email", Certainty.NEITHER, batch_size=1, dies_after=1)
    task_id = uuid4()
    with pytest.raises(Died):
        dispatch(club, provider)(club.task(task_id=task_id))
    for day in (TODAY, TODAY + timedelta(days=1)):
        dispatch(club, provider)(club.task(day=day, task_id=task_id if day == TODAY else None))
    assert provider.handed_over.total() == 2
    assert (club.notification(first).state, club.notification(second).state) == ("unknown", "sent")
    assert [one.outcome for one in club.results(first)] == [UNKNOWN]


def test_not_5_a_lost_sender_that_may_still_be_at_work_is_waited_for(club: Club) -> None:
    club.request("M1", "Email", club.add_template("Email"))
    provider = Provider("Email", Certainty.QUERYABLE, dies_after=1)
    task_id = uuid4()
    with pytest.raises(Died):
        dispatch(club, provider)(club.task(task_id=task_id))
    with pytest.raises(Transient):
        dispatch(club, provider, settle_after_s=3600)(club.task(task_id=task_id))
    assert club.states() == ["sending"]


def test_not_5_what_another_pending_task_is_sending_is_left_alone(club: Club) -> None:
    step_id = club.request("M1", "Email", club.add_template("Email"))
    with club.units.begin(club.context()) as tx:
        tx.enqueue("dispatch", key="other", business_date=TODAY)
        other = tx.connection.scalar(sa.select(task.c.id).where(task.c.enterprise_id == club.enterprise_id))
        own = [club.notification(step_id).id]
        change(tx.connection, club.enterprise_id, own, state="sending", task_id=other, claim_time=sa.func.now())
    provider = Provider("Email", Certainty.NEITHER)
    dispatch(club, provider)(club.task())
    assert club.notification(step_id).state == "sending"
    with club.units.engine.begin() as connection:
        connection.execute(sa.update(task).where(task.c.id == other).values(state="failed"))
    dispatch(club, provider)(club.task())
    assert club.notification(step_id).state == "unknown"


def test_an_idle_dispatch_asks_nobody(club: Club) -> None:
    arm = Arm()
    dispatch(club, Provider("Email", Certainty.QUERYABLE), arm=arm)(club.task(day=date(2027, 1, 1)))
    assert not arm.asked
    assert not club.events()
