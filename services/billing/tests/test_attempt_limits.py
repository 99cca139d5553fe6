"""The networks' limits inside a run: which attempts they count, and whom they stop (SPEC BIL-5)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from club import DAY, Club, due, ref
from decline_calls import set_limit

from boss_billing.funding.changes import AddSource, ChangeSource, add_source, change_source
from boss_billing.funding.rules import source_id

NEXT_DAY = DAY + timedelta(days=1)


def renew(club: Club, number: str = "M1", **card: Any) -> None:
    """Let staff enter new data of a card, so that what is open is tried from the next day on."""
    with club.units.begin(club.context()) as tx:
        change_source(tx, ChangeSource(ref(number), source_id(ref(number).id), card))


def declined_once(club: Club, code: str = "D05", **record: str) -> None:
    """Let the first attempt at M1's charge be declined, for good unless somebody renews the card."""
    club.add_account("M1", **record)
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = code
    club.play(DAY)
    club.due.charges = []


def attempted(club: Club) -> list[tuple[str, date]]:
    return [tuple(row) for row in club.rows("SELECT account_number, business_date FROM attempt ORDER BY 2, 1")]


def test_bil_5_a_run_makes_no_attempt_beyond_a_limit_and_says_from_when_on_it_may(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 30)
    declined_once(club)
    renew(club, expiry_year=2033)
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY)]
    allowed = DAY + timedelta(days=30)
    said = f"The card network allows no further attempt before {allowed}."
    assert club.rows("SELECT agreement_number, reason, description FROM skipped_charge") == [
        ("M1-1", "ATTEMPT_LIMIT", said)
    ]
    club.play(allowed - timedelta(days=1))
    assert attempted(club) == [("M1", DAY)]
    club.play(allowed)
    assert attempted(club) == [("M1", DAY), ("M1", allowed)]
    assert club.one("SELECT balance_minor FROM invoice") == 0


def test_bil_5_a_share_whose_card_is_at_its_limit_lets_its_whole_invoice_wait(club: Club, declines: Any) -> None:
    set_limit(declines, "MC", 1, 30)
    account = club.add_account("M1")
    with club.units.begin(club.context()) as tx:
        card = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": 40}
        add_source(tx, AddSource(account, {**card, **flags}))
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.play(DAY)
    club.due.charges = [due("M1", NEXT_DAY, cycle=2, amount_minor=10_000)]
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY)] * 2
    assert club.rows("SELECT balance_minor, next_attempt_date FROM invoice ORDER BY number") == [
        (0, None),
        (10_000, DAY + timedelta(days=30)),
    ]


def test_bil_5_a_run_counts_the_attempts_it_makes_itself(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 30)
    club.add_account("M1")
    locker = due("M1", charge_key="locker/1/recurring", agreement_id=UUID(int=7), agreement_number="B-M1")
    club.due.charges = [due("M1"), locker]
    club.play(DAY)
    assert attempted(club) == [("M1", DAY)]
    assert club.rows("SELECT balance_minor, next_attempt_date FROM invoice ORDER BY number") == [
        (0, None),
        (3500, DAY + timedelta(days=30)),
    ]


def test_bil_5_attempts_with_another_card_do_not_count(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 30)
    declined_once(club)
    renew(club, token="tok_new", last4="9999", expiry_year=2033)
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY), ("M1", NEXT_DAY)]


@pytest.mark.parametrize(("tender", "per"), [("VISA", "source"), ("ACH", "invoice")])
def test_bil_5_what_was_never_tried_does_not_count_for_its_card_nor_for_its_invoice(
    club: Club, declines: Any, tender: str, per: str
) -> None:
    set_limit(declines, tender, 1, 180, per)
    bank = {"exp_month": "", "exp_year": ""} if tender == "ACH" else {}
    declined_once(club, "D14", tender=tender, **bank)
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY), ("M1", NEXT_DAY)]
    assert club.one("SELECT balance_minor FROM invoice") == 0


def test_bil_5_another_accounts_attempts_do_not_count(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 30)
    set_limit(declines, "VISA", 1, 30, per="invoice")
    club.add_account("M2")
    declined_once(club)
    club.due.charges = [due("M2", NEXT_DAY)]
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY), ("M2", NEXT_DAY)]


def test_bil_5_a_planned_attempt_counts_all_attempts_of_its_card_whatever_they_were_for(
    club: Club, declines: Any
) -> None:
    set_limit(declines, "VISA", 2, 30)
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.play(DAY)
    club.due.charges = [due("M1", NEXT_DAY, cycle=2)]
    club.script["tok_M1", 1] = "D03"
    club.play(NEXT_DAY)
    assert club.rows("SELECT next_attempt_date FROM invoice WHERE balance_minor > 0") == [(DAY + timedelta(days=30),)]


def test_bil_5_another_enterprises_limits_stop_nobody_here(club: Club) -> None:
    other = UUID(int=2**128 - 1)
    with club.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO attempt_limit (enterprise_id, tender, per, attempts_max, window_days, note) "
            "VALUES (%s, 'VISA', 'source', 1, 30, ''), (%s, 'AMEX', 'source', 1, 30, '')",
            (other, other),
        )
    declined_once(club)
    renew(club, expiry_year=2033)
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY), ("M1", NEXT_DAY)]
