"""Everything that moves money beside a run (SPEC BIL-11), and what the books say of it (SPEC BIL-10)."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, ENTERPRISE_ID, Club, due, ref, unit_id
from till import Till

from boss_billing import events
from boss_billing.adapters.port import NoAnswerError
from boss_billing.adjustments.commands import CreateCredit, create_credit
from boss_billing.chargebacks.commands import (
    CreateChargeback,
    ReverseChargeback,
    create_chargeback,
    reverse_chargeback,
)
from boss_billing.chargebacks.rules import ReturnKind, ReturnOutcome
from boss_billing.funding.rules import source_id
from boss_billing.movements.commands import set_limit
from boss_billing.movements.rules import tax_part
from boss_billing.refunds.commands import CreateRefund, create_refund
from boss_billing.refunds.process import RefundProcesses
from boss_billing.refunds.rules import Destination, RefundAnswer, SubmittedRefund
from boss_kit.context import Actor
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound, Transient
from boss_kit.money import Money

# Partial payments, account credit


def test_bil_11_a_partial_payment_leaves_the_rest_open(club: Club, till: Till) -> None:
    invoice = till.invoice("M1", 10_000)
    till.pay("M1", 4000)
    assert (till.balance(invoice.id), till.owed("M1")) == (6000, (6000, 0))
    club.assert_books()


def test_bil_11_account_credit_pays_for_the_next_invoices_until_it_is_spent(club: Club, till: Till) -> None:
    till.pay("M1", 5000)
    first, second = till.invoice("M1", 3000), till.invoice("M1", 3000)
    assert (first.balance_minor, second.balance_minor, till.owed("M1")) == (0, 1000, (1000, 0))
    club.assert_books()


# Credits, debits, taxes


def test_bil_11_a_credit_lowers_the_named_invoice_and_gives_tax_back_in_proportion(club: Club, till: Till) -> None:
    invoice = till.invoice("M1", 10_000, 800)
    till.credit("M1", 5400, invoice.id)
    assert (till.balance(invoice.id), till.booked("tax"), till.booked("adjustments")) == (5400, -400, 5000)
    till.credit("M1", 5400, invoice.id)
    assert (till.booked("tax"), till.booked("adjustments")) == (0, 10_000)
    club.assert_books()


def test_bil_11_credits_of_odd_parts_return_all_of_the_tax_in_the_end_and_no_more() -> None:
    given = tax = 0
    for part in (333, 333, 334, 80):
        share = tax_part(part, 1080, 80, given, tax)
        given, tax = given + part, tax + share
    assert (given, tax) == (1080, 80)


def test_bil_11_a_credit_without_an_invoice_lowers_the_oldest_and_stays_as_credit(club: Club, till: Till) -> None:
    till.invoice("M1", 1000)
    till.credit("M1", 1500)
    assert till.owed("M1") == (0, 500)
    club.assert_books()


def test_bil_11_a_credit_above_what_the_invoice_owes_is_refused(till: Till) -> None:
    invoice = till.invoice("M1", 1000)
    with pytest.raises(FailedPrecondition, match="at most that"):
        till.credit("M1", 1001, invoice.id)


def test_bil_11_a_debit_is_a_new_invoice_and_never_on_an_old_one(club: Club, till: Till) -> None:
    invoice = till.invoice("M1", 1000)
    movement = till.debit("M1", 700)
    assert till.balance(invoice.id) == 1000
    assert club.one("SELECT kind, balance_minor FROM invoice WHERE id = :id", id=movement.invoice_id) == ("debit", 700)
    club.assert_books()


# Write-off


def test_bil_11_a_write_off_is_a_coupon_equal_to_the_balance(club: Club, till: Till) -> None:
    till.invoice("M1", 1000, 80)
    till.invoice("M1", 500)
    movement = till.write_off("M1")
    assert (movement.amount_minor, till.owed("M1"), till.booked("write_off")) == (1580, (0, 0), 1580)
    last = events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)
    assert list(last.open_items) == []
    with pytest.raises(FailedPrecondition, match="nothing to write off"):
        till.write_off("M1")
    club.assert_books()


def test_bil_11_only_the_named_invoices_are_written_off(club: Club, till: Till) -> None:
    one, other = till.invoice("M1", 1000), till.invoice("M1", 500)
    till.write_off("M1", one.id)
    assert (till.balance(one.id), till.balance(other.id)) == (0, 500)
    club.assert_books()


def test_bil_11_a_write_off_that_is_taken_back_lets_its_invoices_be_owed_as_they_were(club: Club, till: Till) -> None:
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D03"
    club.play(DAY)
    till.invoice("M1", 1000, 80)
    before = club.rows("SELECT id, balance_minor, is_declined, declines, next_attempt_date FROM invoice ORDER BY id")
    written = till.write_off("M1")
    taken_back = till.write_on("M1", written.id)
    assert (taken_back.amount_minor, taken_back.origin_id) == (4580, written.id)
    assert (till.owed("M1"), till.booked("write_off")) == ((4580, 0), 0)
    after = club.rows("SELECT id, balance_minor, is_declined, declines, next_attempt_date FROM invoice ORDER BY id")
    assert after == before
    last = events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)
    assert [(one.balance.units, one.declined) for one in last.open_items] == [(35, True), (10, False)]
    club.assert_books()


def test_bil_12_a_payment_after_a_write_off_is_credit_that_pays_when_it_is_taken_back(club: Club, till: Till) -> None:
    invoice = till.invoice("M1", 1000)
    written = till.write_off("M1")
    till.pay("M1", 400)
    assert till.owed("M1") == (0, 400)
    till.write_on("M1", written.id)
    assert (till.balance(invoice.id), till.owed("M1")) == (600, (600, 0))
    club.assert_books()


def test_bil_11_only_a_write_off_is_taken_back_and_only_once(club: Club, till: Till) -> None:
    till.invoice("M1", 1000)
    credited = till.credit("M1", 300)
    with pytest.raises(FailedPrecondition, match="This movement is a credit; only a write-off"):
        till.write_on("M1", credited.id)
    written = till.write_off("M1")
    with pytest.raises(NotFound, match="no movement"):
        till.write_on("M1", UUID(int=9))
    taken_back = till.write_on("M1", written.id)
    with pytest.raises(FailedPrecondition, match="taken back already") as refused:
        till.write_on("M1", written.id)
    assert refused.value.metadata["reversal"] == f"{ref('M1').name}/movements/{taken_back.id}"
    with pytest.raises(FailedPrecondition, match="is a write-off reversal"):
        till.write_on("M1", taken_back.id)
    assert till.owed("M1") == (700, 0)
    again = till.write_off("M1")
    till.write_on("M1", again.id)
    assert till.owed("M1") == (700, 0)
    club.assert_books()


# Fees


def test_bil_11_a_fee_survives_the_payment_of_its_principal_unless_waived_by_name(club: Club, till: Till) -> None:
    principal = till.invoice("M1", 5000)
    fee = till.fee("M1", 1000, 80)
    till.pay("M1", 5000, principal.id)
    assert (till.balance(principal.id), till.balance(fee.id)) == (0, 1080)
    with pytest.raises(FailedPrecondition, match="is no fee"):
        till.waive("M1", principal.id)
    till.waive("M1", fee.id, 540)
    assert (till.balance(fee.id), till.booked("tax")) == (540, -40)
    till.waive("M1", fee.id)
    assert (till.balance(fee.id), till.booked("tax")) == (0, 0)
    with pytest.raises(FailedPrecondition, match="paid or waived"):
        till.waive("M1", fee.id)
    club.assert_books()


# Refunds


def test_bil_11_a_refund_goes_back_to_the_source_it_came_from_and_never_above_it(club: Club, till: Till) -> None:
    till.collected()
    till.credit("M1", 9000)
    with pytest.raises(FailedPrecondition, match="more than was paid with VISA ending in 4242"):
        till.refund("M1", 3501, Destination.FUNDING_SOURCE)
    with pytest.raises(FailedPrecondition, match="more than was paid at the desk"):
        till.refund("M1", 1, Destination.CASH)
    refund_id = till.refund("M1", 3500, Destination.FUNDING_SOURCE)
    assert (till.booked("refunds_in_transit"), till.owed("M1")) == (-3500, (0, 5500))
    club.assert_books()
    till.answer(refund_id, "A02")
    assert (till.booked("refunds_in_transit"), till.booked("clearing")) == (0, 0)
    with pytest.raises(FailedPrecondition, match=r"not paid back yet, 0\.00 USD"):
        till.refund("M1", 1, Destination.FUNDING_SOURCE)
    club.assert_books()


def test_bil_11_what_a_chargeback_took_goes_back_by_no_refund_until_it_is_won(club: Club, till: Till) -> None:
    payment_id = till.collected()
    till.take_back("M1", payment_id, 3000)
    till.credit("M1", 9000)
    with pytest.raises(FailedPrecondition, match=r"not paid back yet, 5\.00 USD"):
        till.refund("M1", 501, Destination.FUNDING_SOURCE)
    till.take_back("M1", payment_id, 3000, ReturnKind.REVERSAL, "r2")
    till.refund("M1", 3500, Destination.FUNDING_SOURCE)
    club.assert_books()


def test_bil_11_a_refund_goes_to_the_accounts_own_card_or_out_of_the_till_and_nowhere_else(
    club: Club, till: Till
) -> None:
    club.add_account("M2")
    till.collected()
    till.credit("M1", 3500)

    def refund(to: Destination, source: UUID | None) -> None:
        with till.tx() as tx:
            create_refund(tx, CreateRefund(ref("M1"), Money(100, "USD"), to, source, "asked for"))

    mine, others = source_id(ref("M1").id), source_id(ref("M2").id)
    with pytest.raises(NotFound, match="no funding source"):
        refund(Destination.FUNDING_SOURCE, others)
    with pytest.raises(InvalidArgument, match="is needed"):
        refund(Destination.FUNDING_SOURCE, None)
    with pytest.raises(InvalidArgument, match="must be empty for a refund in cash"):
        refund(Destination.CASH, mine)
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE funding_source SET tender = 'Manual' WHERE id = :id"), {"id": mine})
    with pytest.raises(FailedPrecondition, match="Statement billing has no card"):
        refund(Destination.FUNDING_SOURCE, mine)
    assert club.one("SELECT count(*) FROM refund") == 0


def test_bil_11_a_refund_of_more_than_the_credit_is_refused(till: Till) -> None:
    till.pay("M1", 1000)
    with pytest.raises(FailedPrecondition, match="more than the account's credit"):
        till.refund("M1", 1001)


def test_bil_11_a_declined_refund_is_credit_again_and_may_be_asked_for_once_more(club: Club, till: Till) -> None:
    till.collected()
    till.credit("M1", 3500)
    refund_id = till.refund("M1", 3500, Destination.FUNDING_SOURCE)
    till.answer(refund_id, "E04")
    till.answer(refund_id, "A02")
    assert (till.owed("M1"), till.booked("refunds_in_transit"), till.booked("clearing")) == ((0, 3500), 0, 3500)
    assert till.refund("M1", 3500, Destination.FUNDING_SOURCE) != refund_id
    club.assert_books()


class Silent:
    """A processor that says nothing at first."""

    may_repeat = True

    def __init__(self) -> None:
        self.keys: list[str] = []

    def refund(self, refund: SubmittedRefund) -> RefundAnswer:
        self.keys.append(refund.key)
        if len(self.keys) == 1:
            raise NoAnswerError("the line went dead")
        return RefundAnswer("A02", transaction_id="t1")


def test_bil_8_a_refund_without_an_answer_is_unknown_and_asked_again_with_its_key(club: Club, till: Till) -> None:
    till.collected()
    till.returned("M1", 3500, to=Destination.FUNDING_SOURCE)
    refund_id = club.one("SELECT id FROM refund")
    processor = Silent()
    processes = RefundProcesses(club.units, processor)
    task: Any = type("Task", (), {"args": {"refund": str(refund_id)}, "context": club.context(DAY)})
    with pytest.raises(Transient):
        processes.send(task)
    assert club.one("SELECT state FROM refund") == "unknown"
    club.assert_books()
    processes.send(task)
    processes.send(task)
    assert club.one("SELECT state, transaction_id FROM refund") == ("approved", "t1")
    assert processor.keys == [str(refund_id)] * 2
    club.assert_books()


def test_bil_11_a_return_above_what_was_invoiced_is_refused(till: Till) -> None:
    till.invoice("M1", 1000, 80)
    till.returned("M1", 500, 40)
    with pytest.raises(FailedPrecondition, match="more than was invoiced"):
        till.returned("M1", 541)


# The second approver


def test_bil_11_above_the_limit_a_second_person_must_approve(club: Club, till: Till) -> None:
    with till.tx() as tx:
        set_limit(tx, ENTERPRISE_ID, None, Money(10_000, "USD"))
        set_limit(tx, ENTERPRISE_ID, unit_id(), Money(5000, "USD"))
    till.credit("M1", 5000)
    with pytest.raises(FailedPrecondition, match=r"above 50\.00 USD.*second person's approval"):
        till.credit("M1", 5001)
    approved = replace(club.context(), actor=Actor("anna", approver=Actor("boris")))
    with club.units.begin(approved) as tx:
        create_credit(tx, CreateCredit(ref("M1"), Money(5001, "USD"), None, "goodwill"))
    assert club.rows("SELECT entered_by, approved_by FROM movement ORDER BY amount_minor") == [
        ("SYS", ""),
        ("anna", "boris"),
    ]
    with till.tx() as tx:
        set_limit(tx, ENTERPRISE_ID, unit_id(), None)
    till.credit("M1", 10_000)
    with pytest.raises(FailedPrecondition, match=r"above 100\.00 USD"):
        till.credit("M1", 10_001)


def test_bil_11_above_the_limit_what_staff_say_was_taken_back_or_won_needs_a_second_person_and_no_processor_does(
    club: Club, till: Till
) -> None:
    payment_id = till.collected()
    with till.tx() as tx:
        set_limit(tx, ENTERPRISE_ID, None, Money(1000, "USD"))
    amount = Money(1001, "USD")
    entered = CreateChargeback(ref("M1"), payment_id, ReturnKind.CHARGEBACK, amount, "", "disputed")
    with pytest.raises(FailedPrecondition, match="second person's approval"), till.tx() as tx:
        create_chargeback(tx, entered)
    assert till.take_back("M1", payment_id, 2000).outcome is ReturnOutcome.TAKEN
    approved = replace(club.context(), actor=Actor("anna", approver=Actor("boris")))
    with club.units.begin(approved) as tx:
        movement_id = create_chargeback(tx, entered)
    won = ReverseChargeback(ref("M1"), movement_id, None, "won")
    with pytest.raises(FailedPrecondition, match="second person's approval"), till.tx() as tx:
        reverse_chargeback(tx, won)
    with club.units.begin(approved) as tx:
        reverse_chargeback(tx, won)
    assert till.owed("M1") == (2000, 0)
    club.assert_books()


# Bad input and the books


@pytest.mark.parametrize("amount", [0, -1, 10**14])
def test_an_amount_that_cannot_be_is_refused(till: Till, amount: int) -> None:
    for move in (till.credit, till.debit, till.refund):
        with pytest.raises(InvalidArgument):
            move("M1", amount)


def test_an_invoice_or_account_that_is_not_there_is_named(till: Till) -> None:
    with pytest.raises(NotFound):
        till.credit("M1", 1, UUID(int=9))
    with pytest.raises(NotFound):
        till.write_off("M404")


@pytest.mark.parametrize("table", ["transfer", "movement", "chargeback"])
def test_bil_10_nothing_is_edited_or_deleted(club: Club, till: Till, table: str) -> None:
    till.take_back("M1", till.collected(), 3500)
    for statement in (f"UPDATE {table} SET amount_minor = 1", f"DELETE FROM {table}"):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), club.engine.begin() as connection:
            connection.execute(sa.text(statement))


def test_bil_10_the_check_finds_money_that_no_document_explains(club: Club, till: Till) -> None:
    till.pay("M1", 1000)
    with club.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO transfer (enterprise_id, business_unit_id, account_id, debit, debit_detail, credit, "
                "credit_detail, amount_minor, currency, business_date, source, create_time) "
                "SELECT enterprise_id, business_unit_id, account_id, 'revenue', '', 'cash', 'CASH', 700, currency, "
                "business_date, 'refund', create_time FROM transfer"
            )
        )
    problems = club.ledger().problems
    assert any("without a document" in one for one in problems)
    assert any("'cash' holds 3.00 USD, documents explain 10.00 USD" in one for one in problems)


def test_bil_10_the_check_finds_a_refund_whose_state_the_books_do_not_know(club: Club, till: Till) -> None:
    till.collected()
    till.returned("M1", 3500, to=Destination.FUNDING_SOURCE)
    club.assert_books()
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE refund SET state = 'approved'"))
    problems = club.ledger().problems
    assert any("(refund) of 35.00 USD" in one for one in problems)
    assert any("'refunds_in_transit'" in one for one in problems)
