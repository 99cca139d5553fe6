"""Payments that a bank or a cardholder takes back, and those that are won (SPEC BIL-11, ARM-4)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, ENTERPRISE_ID, Club, due, ref
from till import Till

from boss_billing import events
from boss_billing.chargebacks.rules import ReturnKind, ReturnNotice, ReturnOutcome
from boss_billing.funding.changes import AddSource, add_source
from boss_billing.rebills.commands import LevelAndTender, update_schedule
from boss_billing.rebills.rules import RebillSchedule
from boss_billing.runs.rules import Scope, ScopeKind
from boss_kit.money import Money


def test_bil_11_a_chargeback_reopens_the_invoice_past_due_and_nobody_collects_it(club: Club, till: Till) -> None:
    payment_id = till.collected()
    taken = till.take_back("M1", payment_id, 3500)
    assert taken.outcome is ReturnOutcome.TAKEN
    row = club.one("SELECT balance_minor, is_declined, next_attempt_date FROM invoice")
    assert (tuple(row), till.booked("clearing")) == ((3500, True, None), 0)
    assert club.one("SELECT state FROM payment") == "approved"
    assert club.facts(events.PAYMENT_DECLINED) == []
    last = events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)
    assert last.open_items[0].declined
    club.assert_books()


def test_bil_11_a_chargeback_that_is_won_pays_the_invoice_again(club: Club, till: Till) -> None:
    payment_id = till.collected()
    till.take_back("M1", payment_id, 3500)
    reversal = ReturnNotice("r2", ReturnKind.REVERSAL, payment_id, ref("M1"), Money(3500, "USD"), "", "", "r1")
    assert till.notify(reversal)[0].outcome is ReturnOutcome.TAKEN
    assert (till.owed("M1"), till.booked("clearing")) == ((0, 0), 3500)
    assert till.notify(replace(reversal, return_key="r3"))[0].outcome is ReturnOutcome.REFUSED
    club.assert_books()


def test_bil_11_what_was_paid_meanwhile_becomes_credit_when_a_chargeback_is_won(club: Club, till: Till) -> None:
    payment_id = till.collected()
    till.take_back("M1", payment_id, 3500)
    till.pay("M1", 3500)
    till.take_back("M1", payment_id, 3500, ReturnKind.REVERSAL, "r2")
    assert till.owed("M1") == (0, 3500)
    club.assert_books()


def test_bil_8_a_chargeback_is_taken_once_and_never_above_what_was_paid(club: Club, till: Till) -> None:
    payment_id = till.collected()
    assert till.take_back("M1", payment_id, 3501).outcome is ReturnOutcome.REFUSED
    till.take_back("M1", payment_id, 2000)
    assert till.take_back("M1", payment_id, 2000).outcome is ReturnOutcome.REPEATED
    assert till.take_back("M1", payment_id, 2001, key="r2").outcome is ReturnOutcome.REFUSED
    assert till.take_back("M1", payment_id, 1000).outcome is ReturnOutcome.REFUSED
    assert till.take_back("M1", UUID(int=9), 1, key="r3").outcome is ReturnOutcome.REFUSED
    assert till.owed("M1") == (2000, 0)
    club.assert_books()


@pytest.mark.parametrize("primary", [True, False])
def test_bil_7_arm_4_a_bank_return_counts_as_a_decline_when_it_arrives_and_is_told_once(
    club: Club, primary: bool
) -> None:
    club.add_account("M1", tender="ACH", exp_month="", exp_year="", primary_source="yes" if primary else "no")
    till = Till(club)
    payment_id = till.collected()
    club.set_clock(DAY + timedelta(days=3))
    till.take_back("M1", payment_id, 3500, ReturnKind.RETURN, code="D03")
    (fact,) = [events_pb.PaymentDeclined.FromString(one.data) for one in club.facts(events.PAYMENT_DECLINED)]
    assert (fact.primary, fact.code, fact.arm_entry, fact.tender) == (primary, "D03", True, "ACH")
    planned = club.one("SELECT is_declined, declines, next_attempt_date FROM invoice")
    assert tuple(planned) == (True, 1, DAY + timedelta(days=10))
    till.take_back("M1", payment_id, 3500, ReturnKind.REVERSAL, "r2")
    till.take_back("M1", payment_id, 3500, ReturnKind.RETURN, "r3")
    assert len(club.facts(events.PAYMENT_DECLINED)) == 1
    club.assert_books()


def test_bil_6_a_bank_return_follows_the_schedule_its_unit_inherits(club: Club) -> None:
    club.add_account("M1", tender="ACH", exp_month="", exp_year="")
    till = Till(club)
    with till.tx() as tx:
        level = Scope(ScopeKind.ENTERPRISE, ENTERPRISE_ID, ENTERPRISE_ID)
        update_schedule(tx, LevelAndTender(level, "ACH"), RebillSchedule((11,)))
    till.take_back("M1", till.collected(), 3500, ReturnKind.RETURN, code="D03")
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=11)


def test_bil_5_a_bank_return_that_ends_the_account_invalidates_the_source(club: Club) -> None:
    club.add_account("M1", tender="ACH", exp_month="", exp_year="")
    till = Till(club)
    code = club.rows("SELECT code FROM decline_code WHERE invalidate_after = 1 ORDER BY code")[0][0]
    till.take_back("M1", till.collected(), 3500, ReturnKind.RETURN, code=code)
    assert club.one("SELECT is_valid FROM funding_source") is False
    told = events_pb.FundingSourceChanged.FromString(club.facts(events.SOURCE_CHANGED)[-1].data)
    assert (told.reason, told.previous.valid, told.current.valid) == ("declined", True, False)


def test_bil_5_a_bank_return_is_charged_the_fee_of_its_code_on_a_new_invoice(club: Club) -> None:
    club.add_account("M1", tender="ACH", exp_month="", exp_year="")
    till = Till(club)
    payment_id = till.collected()
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE decline_code SET fee_minor = 2500 WHERE code = 'D03'"))
    till.take_back("M1", payment_id, 3500, ReturnKind.RETURN, code="D03")
    kinds = [tuple(row) for row in club.rows("SELECT kind, balance_minor FROM invoice ORDER BY number")]
    assert kinds == [("billed", 3500), ("fee", 2500)]
    assert club.one("SELECT principal_invoice_id IS NOT NULL FROM invoice_line WHERE amount_minor = 2500")
    club.assert_books()


def test_spec_0_a_returned_share_is_asked_of_its_own_source_again(club: Club) -> None:
    account = club.add_account("M1")
    till = Till(club)
    with till.tx() as tx:
        card = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": 40}
        add_source(tx, AddSource(account, {**card, **flags}))
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.play(DAY)
    club.due.charges = []
    payments = {row.tender: (row.id, row.amount_minor) for row in club.rows("SELECT * FROM payment")}
    assert {tender: amount for tender, (_, amount) in payments.items()} == {"VISA": 6000, "MC": 4000}
    till.take_back("M1", payments["MC"][0], 4000, ReturnKind.RETURN, code="D03")
    club.play(DAY + timedelta(days=7))
    again = club.rows("SELECT tender, amount_minor FROM payment WHERE payment_date > :day", day=DAY)
    assert [tuple(row) for row in again] == [("MC", 4000)]
    club.assert_books()


def test_bil_11_a_returned_check_whose_credit_is_spent_is_owed_on_a_new_invoice(club: Club, till: Till) -> None:
    payment_id = till.pay("M1", 5000, tender="CHECK")
    till.invoice("M1", 3000)
    till.take_back("M1", payment_id, 5000, ReturnKind.RETURN)
    kinds = club.rows("SELECT kind, balance_minor, is_declined FROM invoice ORDER BY balance_minor")
    assert [tuple(row) for row in kinds] == [("sale", 0, False), ("returned payment", 3000, True)]
    assert (till.owed("M1"), till.booked("cash")) == ((3000, 0), 0)
    club.assert_books()


def test_bil_11_what_is_taken_back_of_several_invoices_names_the_one_its_payment_was_for(
    club: Club, till: Till
) -> None:
    first, second = till.invoice("M1", 1000), till.invoice("M1", 2000)
    payment_id = till.pay("M1", 3000, first.id, tender="CHECK")
    till.take_back("M1", payment_id, 3000, ReturnKind.RETURN)
    till.take_back("M1", payment_id, 3000, ReturnKind.REVERSAL, "r2")
    till.take_back("M1", payment_id, 500, ReturnKind.RETURN, "r3")
    named = [row.invoice_id for row in club.rows("SELECT invoice_id FROM movement ORDER BY id")]
    assert named == [first.id, first.id, second.id]
    other = till.invoice("M1", 700)
    till.take_back("M1", till.pay("M1", 1200, tender="CHECK"), 1200, ReturnKind.CHARGEBACK, "r4")
    assert club.rows("SELECT invoice_id FROM movement ORDER BY id")[-1].invoice_id is None
    assert (till.balance(second.id), till.balance(other.id)) == (500, 700)
    club.assert_books()


def test_bil_11_what_a_chargeback_takes_of_spent_credit_is_not_called_a_returned_payment(
    club: Club, till: Till
) -> None:
    payment_id = till.pay("M1", 5000, tender="CARD")
    till.invoice("M1", 3000)
    till.take_back("M1", payment_id, 5000)
    line = club.rows("SELECT * FROM invoice_line ORDER BY amount_minor")[-1]
    assert (line.description, line.item_category) == ("Chargeback", "Chargebacks")
    club.assert_books()
