"""Whom the card updater is asked about, and what a renewed card may be used for (SPEC BIL-4, BIL-7)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, ENTERPRISE_ID, Club, due, ref
from till import Till

from boss_billing import events
from boss_billing.accounts.queries import balances
from boss_billing.funding.changes import ChangeSource, change_source
from boss_billing.funding.rules import UpdateOutcome, source_id
from boss_billing.payments.rules import Label

NEXT_DAY = DAY + timedelta(days=1)
AHEAD = 6
LOCKER = {"charge_key": "locker/1/recurring", "agreement_id": UUID(int=7), "agreement_number": "B-M1"}


def change(club: Club, number: str = "M1", **changes: object) -> None:
    """Let staff change an account's card."""
    with club.units.begin(club.context()) as tx:
        change_source(tx, ChangeSource(ref(number), source_id(ref(number).id), changes))


def played(club: Club, code: str) -> None:
    """Let the first attempt at M1's charge come to a code in a unit that has the card updater."""
    club.settings(card_updater=True)
    club.add_account("M1", exp_year="2025")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = code
    club.bill()
    club.deliver()
    club.due.charges = []


def answered(club: Club, day: date = DAY) -> None:
    """Ask the card updater, and let it renew the card on a day."""
    club.ask("card-updater")
    club.set_clock(day)
    (found,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
    new = {"token": "tok_new", "last4": "9999", "expiry_month": 6, "expiry_year": 2029}
    club.report_updates(replace(found, outcome=UpdateOutcome.NEW_NUMBER, **new))
    club.do_tasks()


def declines(club: Club) -> list[str]:
    found = club.facts(events.PAYMENT_DECLINED)
    return [events_pb.PaymentDeclined.FromString(event.data).code for event in found]


# Renewed by staff


def test_bil_4_a_card_that_staff_renew_may_be_charged_again_though_its_holder_had_said_stop(club: Club) -> None:
    played(club, "D13")
    assert club.one("SELECT is_valid FROM funding_source") is False
    change(club, token="tok_new", last4="9999", expiry_month=6, expiry_year=2029)
    assert club.one("SELECT is_valid FROM funding_source") is True
    club.due.charges = [due("M1", NEXT_DAY, cycle=2)]
    club.play(NEXT_DAY)
    tried = club.rows("SELECT attempt.token, kind FROM attempt JOIN payment ON payment.id = payment_id ORDER BY 1, 2")
    assert tried == [("tok_M1", "New"), ("tok_new", "New"), ("tok_new", "Past Due")]
    assert club.rows("SELECT DISTINCT balance_minor FROM invoice") == [(0,)]


# Renewed by the updater


def said_stop(club: Club) -> None:
    """Let the holder's bank say stop to another payment of the card."""
    club.set_clock(NEXT_DAY)
    club.due.charges = [due("M1", NEXT_DAY, **LOCKER)]
    club.script["tok_M1", 1] = "D13"
    club.bill()
    club.deliver()
    club.due.charges = []


@pytest.mark.parametrize(
    "stop",
    [said_stop, lambda club: change(club, is_valid=False), lambda club: change(club, is_active=False)],
    ids=["the holder", "staff", "staff ended it"],
)
def test_bil_5_the_updater_never_lets_a_card_be_charged_that_somebody_stopped_meanwhile(
    club: Club, stop: Callable[[Club], None]
) -> None:
    played(club, "D16")
    stop(club)
    before = club.one("SELECT is_valid, is_active FROM funding_source")
    attempts = club.one("SELECT count(*) FROM attempt")
    answered(club, club.day)
    assert club.one("SELECT is_valid, is_active FROM funding_source") == before
    assert club.one("SELECT last4 FROM funding_source") == "9999"
    assert club.one("SELECT count(*) FROM attempt") == attempts
    assert "D16" in declines(club)
    assert club.one("SELECT count(*) FROM payment WHERE state = 'declined'") == 0
    club.assert_books()


def test_bil_4_a_recovered_payment_is_final_on_the_day_of_its_retrys_result(club: Club) -> None:
    played(club, "D16")
    assert club.one("SELECT state, final_date FROM payment") == ("declined", None)
    answered(club, NEXT_DAY)
    assert club.one("SELECT state, final_date FROM payment") == ("pending", None)
    club.set_clock(DAY + timedelta(days=2))
    club.deliver(Label.RETRY)
    paid = club.one("SELECT state, is_recovered, payment_date, final_date FROM payment")
    assert tuple(paid) == ("approved", True, DAY, DAY + timedelta(days=2))


def test_bil_4_a_payment_that_needed_no_retry_is_final_on_the_day_of_its_result_and_not_recovered(club: Club) -> None:
    played(club, "A01")
    assert tuple(club.one("SELECT state, is_recovered, final_date FROM payment")) == ("approved", False, DAY)


def test_bil_7_nothing_is_past_due_before_its_decline_is_final(club: Club) -> None:
    played(club, "D16")

    def told() -> list[bool]:
        balance = events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)
        return [one.declined for one in balance.open_items]

    def past_due() -> int:
        with club.units.read(club.context()) as tx:
            (found,) = balances(tx, ENTERPRISE_ID, [ref("M1")])
        return found.past_due_minor

    assert (declines(club), told(), past_due()) == ([], [False], 0)
    club.script["tok_new", 2] = "D03"
    answered(club)
    assert (declines(club), told(), past_due()) == ([], [False], 0)
    club.deliver(Label.RETRY)
    assert (declines(club), told(), past_due()) == (["D03"], [True], 3500)


def test_bil_7_a_retry_is_the_last_word_also_where_its_decline_could_be_cured_once_more(club: Club) -> None:
    played(club, "D16")
    club.script["tok_new", 2] = "D16"
    answered(club)
    club.deliver(Label.RETRY)
    assert declines(club) == ["D16"]
    assert club.one("SELECT state FROM payment") == "finally_declined"
    assert club.one("SELECT count(*) FROM card_inquiry") == 1


# Asked ahead


def asked(club: Club) -> list[tuple[str, date]]:
    """Give which cards the updater was asked about, and for which day."""
    rows = club.rows(
        "SELECT source.token, inquiry.bill_date FROM card_inquiry AS inquiry "
        "JOIN funding_source AS source ON source.id = funding_source_id ORDER BY 2, 1"
    )
    return [tuple(row) for row in rows]


def test_bil_4_a_unit_that_asks_about_no_card_ahead_costs_agreements_no_question(club: Club) -> None:
    club.settings(card_updater=True)
    club.add_account("M1")
    club.due.charges = [due("M1", DAY + timedelta(days=AHEAD))]
    club.ask("card-updater")
    assert (asked(club), club.due.streams) == ([], 0)


def test_bil_4_nobody_is_asked_ahead_about_what_is_no_card_or_may_not_be_charged(club: Club) -> None:
    club.settings(card_updater=True, updater_days_before=AHEAD)
    for number in ("M1", "M2", "M3", "M4"):
        club.add_account(number)
    change(club, "M2", is_valid=False)
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE funding_source SET tender = 'Manual' WHERE token = 'tok_M3'"))
        connection.execute(sa.text("UPDATE funding_source SET tender = 'ACH' WHERE token = 'tok_M4'"))
    day = DAY + timedelta(days=AHEAD)
    club.due.charges = [due(number, day) for number in ("M1", "M2", "M3", "M4")]
    club.ask("card-updater")
    assert asked(club) == [("tok_M1", day)]


def test_bil_4_a_card_is_asked_about_once_for_each_day_something_is_due_on(club: Club) -> None:
    club.settings(card_updater=True, updater_days_before=AHEAD)
    club.add_account("M1")
    first, second = DAY + timedelta(days=AHEAD), DAY + timedelta(days=AHEAD + 1)
    club.due.charges = [due("M1", first), due("M1", first, **LOCKER), due("M1", second, cycle=2)]
    for day in (DAY, NEXT_DAY, NEXT_DAY):
        club.ask("card-updater", day)
    assert asked(club) == [("tok_M1", first), ("tok_M1", second)]


def test_bil_4_nobody_is_asked_ahead_about_a_planned_attempt_at_what_is_paid_meanwhile(club: Club) -> None:
    played(club, "D03")
    club.settings(card_updater=True, updater_days_before=7)
    Till(club).pay("M1", 3500)
    with club.engine.begin() as connection:
        # As money at the desk leaves it: what is paid keeps its plan, and no run collects it.
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY + timedelta(days=7)})
    club.ask("card-updater")
    assert asked(club) == []


def test_bil_4_an_answer_that_came_stays_when_the_time_to_wait_for_one_is_over(club: Club) -> None:
    played(club, "D16")
    answered(club)
    club.set_clock(DAY + timedelta(days=11))
    club.ask("card-updater")
    assert club.one("SELECT state, outcome, answer_date FROM card_inquiry") == ("answered", "new number", DAY)
