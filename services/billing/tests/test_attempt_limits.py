"""The networks' limits inside a run: which attempts they count, and whom they stop (SPEC BIL-5)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from boss.billing.v1 import decline_service_pb2 as decline_pb
from club import DAY, ENTERPRISE_ID, Club, due, ref, unit_id
from decline_calls import PARENT, delete_limit, set_limit

from boss_billing.funding.changes import AddSource, ChangeSource, add_source, change_source
from boss_billing.funding.rules import source_id
from boss_billing.runs.previews import preview_due
from boss_kit.errors import NotFound

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


def share(club: Club, percent: int, number: str = "M1", **card: Any) -> None:
    """Let another source of the account pay a part of each invoice."""
    whole = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
    flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": percent}
    with club.units.begin(club.context()) as tx:
        add_source(tx, AddSource(ref(number), {**whole, **flags, **card}))


def asked(club: Club) -> list[tuple[str, date, int]]:
    query = "SELECT token, business_date, amount_minor FROM attempt ORDER BY business_date, attempt_no"
    return [tuple(row) for row in club.rows(query)]


def open_invoices(club: Club) -> list[tuple[int, date | None]]:
    query = "SELECT balance_minor, next_attempt_date FROM invoice WHERE balance_minor > 0 ORDER BY number"
    return [tuple(row) for row in club.rows(query)]


def shared_twice(club: Club) -> None:
    """Bill 100.00 on a day and the next, of which a VISA card pays 60 percent and an MC card the rest."""
    club.add_account("M1")
    share(club, 40)
    for cycle, day in enumerate((DAY, NEXT_DAY), 1):
        club.due.charges = [due("M1", day, cycle=cycle, amount_minor=10_000)]
        club.play(day)
    club.due.charges = []


def test_bil_5_a_share_whose_card_is_at_its_limit_waits_alone_and_is_asked_for_once_it_may(
    club: Club, declines: Any
) -> None:
    set_limit(declines, "MC", 1, 30)
    shared_twice(club)
    allowed = DAY + timedelta(days=30)
    first = [("tok_M1", DAY, 6000), ("tok_b", DAY, 4000), ("tok_M1", NEXT_DAY, 6000)]
    assert (asked(club), open_invoices(club)) == (first, [(4000, allowed)])
    said = f"40.00 USD of it waits as a share: the card network allows no further attempt before {allowed}."
    assert club.rows("SELECT agreement_number, reason, description FROM skipped_charge") == [
        ("M1-2", "ATTEMPT_LIMIT", said)
    ]
    club.play(allowed - timedelta(days=1))
    assert asked(club) == first
    club.play(allowed)
    assert (asked(club), open_invoices(club)) == ([*first, ("tok_b", allowed, 4000)], [])
    club.assert_books()


def test_bil_5_a_share_that_waits_for_its_limit_goes_with_the_one_that_was_declined_meanwhile(
    club: Club, declines: Any
) -> None:
    set_limit(declines, "MC", 1, 30)
    club.add_account("M1")
    share(club, 40)
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.play(DAY)
    club.script["tok_M1", 1] = "D03"
    club.due.charges = [due("M1", NEXT_DAY, cycle=2, amount_minor=10_000)]
    club.play(NEXT_DAY)
    club.due.charges = []
    allowed = DAY + timedelta(days=30)
    assert open_invoices(club) == [(10_000, allowed)]
    club.play(allowed)
    assert asked(club)[3:] == [("tok_M1", allowed, 6000), ("tok_b", allowed, 4000)]
    assert open_invoices(club) == []
    club.assert_books()


def test_bil_5_a_share_that_is_not_tried_again_is_not_asked_for_with_another_one_until_its_card_is_renewed(
    club: Club,
) -> None:
    club.add_account("M1")
    share(club, 40)
    club.script.update({("tok_M1", 1): "D04", ("tok_b", 2): "D03"})
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.play(DAY)
    club.due.charges = []
    ((_, again),) = open_invoices(club)
    assert again is not None
    club.play(again)
    assert (asked(club)[2:], open_invoices(club)) == ([("tok_b", again, 4000)], [(6000, None)])
    ((reason, said),) = club.rows("SELECT reason, description FROM skipped_charge")
    assert (reason, said) == ("NO_VALID_SOURCE", "60.00 USD of it is the share of a source that may not be charged.")
    renew(club, expiry_year=2033)
    club.play(again + timedelta(days=1))
    assert (asked(club)[3:], open_invoices(club)) == ([("tok_M1", again + timedelta(days=1), 6000)], [])
    club.assert_books()


def test_bil_5_shares_of_one_card_are_asked_for_at_once_so_that_no_limit_holds_one_of_them_for_ever(
    club: Club, declines: Any
) -> None:
    set_limit(declines, "VISA", 1, 30)
    club.add_account("M1", token="tok_family")
    share(club, 25, tender="VISA", token="tok_family", last4="4242", expiry_month=12, expiry_year=2030)
    share(club, 25)
    club.script["tok_b", 2] = "D03"
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.play(DAY)
    assert asked(club) == [("tok_family", DAY, 7500), ("tok_b", DAY, 2500)]
    ((_, again),) = open_invoices(club)
    assert again is not None
    club.due.charges = []
    club.play(again)
    # What the card has paid for both shares is not asked for again with the one that was declined.
    assert (asked(club)[2:], open_invoices(club)) == ([("tok_b", again, 2500)], [])
    club.assert_books()


def test_bil_5_an_attempt_for_a_missed_day_counts_on_the_day_it_is_made(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 1)
    club.add_account("M1")
    club.set_clock(NEXT_DAY)
    for cycle, day in enumerate((DAY, NEXT_DAY), 1):
        club.due.charges = [due("M1", day, cycle=cycle)]
        club.bill(day)
        club.deliver()
    assert attempted(club) == [("M1", NEXT_DAY)]
    assert open_invoices(club) == [(3500, NEXT_DAY + timedelta(days=1))]
    # The payment stays one of the day it bills, by which runs and their reports know it.
    assert club.one("SELECT payment_date FROM payment") == DAY


def test_bil_5_a_preview_of_a_missed_day_counts_what_was_tried_today(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 1)
    club.add_account("M1")
    club.set_clock(NEXT_DAY)
    club.due.charges = [due("M1", NEXT_DAY)]
    club.bill(NEXT_DAY)
    club.due.charges = [due("M1", DAY, cycle=2)]
    with club.units.read(club.context()) as tx:
        page = club.due.look(ENTERPRISE_ID, unit_id(), DAY, 10, "")
        (planned,) = preview_due(tx, ENTERPRISE_ID, DAY, page)
    assert [one.not_paid.reason for one in planned.invoices if one.not_paid] == ["ATTEMPT_LIMIT"]


def test_bil_5_a_limit_that_is_taken_away_stops_nobody_and_that_for_all_holds_again(club: Club, declines: Any) -> None:
    def listed() -> list[tuple[str, int, int, str]]:
        found = declines.ListAttemptLimits(decline_pb.ListAttemptLimitsRequest(parent=PARENT), timeout=5)
        return [
            (one.per, one.attempts_max, one.window_days, one.defined_at)
            for one in found.attempt_limits
            if one.tender == "VISA"
        ]

    for_all = listed()
    assert for_all == [("source", 20, 30, "")]
    set_limit(declines, "VISA", 1, 7)
    set_limit(declines, "VISA", 5, 30)
    assert listed() == [("source", 1, 7, PARENT), ("source", 5, 30, PARENT)]
    delete_limit(declines, "VISA", 7)
    delete_limit(declines, "VISA", 30)
    assert listed() == for_all
    declined_once(club)
    renew(club, expiry_year=2033)
    club.play(NEXT_DAY)
    assert attempted(club) == [("M1", DAY), ("M1", NEXT_DAY)]
    with pytest.raises(NotFound, match="has no limit of its own for VISA per source in 30 days; list those it has"):
        delete_limit(declines, "VISA", 30)


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
