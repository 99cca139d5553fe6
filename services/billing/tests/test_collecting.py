"""Which open invoices a run collects, what is planned for them, and what may go back of what was paid (SPEC BIL)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from boss.billing.v1 import decline_service_pb2_grpc as decline_grpc
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, agreement_id, due, ref, unit_id
from decline_calls import change
from till import Till

from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.changes import AddSource, ChangeSource, add_source, change_source
from boss_billing.funding.rules import source_id
from boss_billing.invoices.commands import CreateInvoice, create_invoice
from boss_billing.invoices.rules import Kind, NewLine
from boss_billing.rebills.store import paid_days
from boss_billing.refunds.commands import CreateReturn, create_return
from boss_billing.refunds.rules import Destination, ReturnLine
from boss_billing.runs.commands import cancel_run
from boss_billing.suspensions import store as suspensions
from boss_kit.errors import FailedPrecondition
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto

PLANNED = DAY + timedelta(days=7)


def declined(club: Club, code: str = "D03") -> None:
    """Let M1's charge be declined; a soft decline plans an attempt a week later."""
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = code
    club.play(DAY)
    club.due.charges = []


def suspend(club: Club, start: date, end: date | None, **changes: object) -> None:
    """Let agreements have told of a suspension of M1's agreement."""
    row = {
        "enterprise_id": ENTERPRISE_ID, "business_unit_id": unit_id(), "id": uuid4(), "account_id": ref("M1").id,
        "agreement_id": agreement_id("M1"), "start_date": start, "end_date": end, "stop_billing": True,
    }  # fmt: skip
    with club.engine.begin() as connection:
        suspensions.start(connection, [row | changes])


@pytest.mark.parametrize(
    ("start", "end", "is_collected"),
    [(-1, 0, True), (-1, 1, False), (0, None, False), (0, 1, False), (1, None, True)],
)
def test_sus_4_a_run_collects_nothing_from_the_first_day_of_a_suspension_to_the_last(
    club: Club, till: Till, start: int, end: int | None, is_collected: bool
) -> None:
    declined(club)
    last = PLANNED + timedelta(days=end) if end is not None else None
    suspend(club, PLANNED + timedelta(days=start), last)
    club.play(PLANNED)
    assert club.one("SELECT count(*) FROM attempt") == (2 if is_collected else 1)


@pytest.mark.parametrize(
    "other",
    [{"stop_billing": False}, {"agreement_id": UUID(int=9)}, {"account_id": UUID(int=9)}],
    ids=["that stops nothing", "of another agreement", "of another account"],
)
def test_sus_4_only_a_suspension_of_the_invoices_agreement_that_stops_billing_keeps_it_from_being_collected(
    club: Club, till: Till, other: dict[str, object]
) -> None:
    declined(club)
    suspend(club, DAY, None, **other)
    club.play(PLANNED)
    assert club.one("SELECT count(*) FROM attempt") == 2


def test_bil_6_a_renewed_card_moves_no_attempt_that_is_planned(club: Club, till: Till) -> None:
    declined(club)
    with till.tx() as tx:
        change_source(tx, ChangeSource(ref("M1"), source_id(ref("M1").id), {"expiry_year": 2033}))
    assert club.one("SELECT next_attempt_date FROM invoice") == PLANNED


def test_bil_6_an_invoice_of_several_shares_waits_for_the_latest_day_of_their_declines(club: Club, till: Till) -> None:
    card = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
    flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": 40}
    with till.tx() as tx:
        add_source(tx, AddSource(ref("M1"), {**card, **flags}))
        tx.connection.execute(
            sa.text(
                "INSERT INTO rebill_schedule (enterprise_id, level_id, tender, after_days, is_smart, paydays) "
                "VALUES (:id, :id, 'MC', '{3,3}', false, '{1}')"
            ),
            {"id": ENTERPRISE_ID},
        )
    club.script["tok_b", 2] = "D03"
    declined(club)
    assert sorted(row[0] for row in club.rows("SELECT next_attempt_date FROM payment")) == [
        DAY + timedelta(days=3),
        PLANNED,
    ]
    assert club.one("SELECT next_attempt_date FROM invoice") == PLANNED


def test_bil_5_a_decline_fee_is_collected_with_the_next_attempt_at_what_was_declined(
    club: Club, till: Till, server: Any
) -> None:
    change(server.stub(decline_grpc.DeclineServiceStub), "D03", decline_fee=money_to_proto(Money(500, "USD")))
    declined(club)
    fee = club.one("SELECT due_date, next_attempt_date FROM invoice WHERE kind = 'fee'")
    assert tuple(fee) == (PLANNED, PLANNED)
    club.play(PLANNED - timedelta(days=1))
    assert club.one("SELECT count(*) FROM attempt") == 1
    club.script.clear()
    club.play(PLANNED)
    assert club.rows("SELECT kind, balance_minor FROM invoice ORDER BY kind") == [("billed", 0), ("fee", 0)]


def test_bil_4_planned_attempts_of_units_that_ask_nobody_ahead_are_asked_about_by_no_other_unit(club: Club) -> None:
    club.add_account("M1")
    club.add_account("X1", business_unit=AUSTIN)
    club.due.charges = [due("M1"), due("X1")]
    club.due.unit_of = {due("X1").account_id: unit_id(AUSTIN)}
    club.script |= {("tok_M1", 1): "D03", ("tok_X1", 1): "D03"}
    club.play(DAY)
    club.due.charges = []
    club.settings(card_updater=True, updater_days_before=7)
    club.ask("card-updater")
    assert club.rows("SELECT account_id FROM card_inquiry") == [(ref("M1").id,)]


# What may go back


def sold(till: Till, agreement: UUID, amount_minor: int) -> UUID:
    """Sell something for an agreement of M1."""
    line = NewLine("Tour pack", "Retail", "10 tours", amount_minor)
    with till.tx() as tx:
        return create_invoice(tx, CreateInvoice(ref("M1"), agreement, Kind.SALE, None, [line], {"USD"})).id


def gives_back(
    till: Till, amount_minor: int, agreement: UUID | None = None, to: Destination = Destination.ACCOUNT_CREDIT
) -> None:
    """Take items back."""
    lines = [ReturnLine("Tour pack", "Retail", "10 tours", amount_minor, 0)]
    source = source_id(ref("M1").id) if to is Destination.FUNDING_SOURCE else None
    with till.tx() as tx:
        create_return(tx, CreateReturn(ref("M1"), agreement, lines, {"USD"}, to, source, "unused"))


GOLD, SILVER = agreement_id("M1"), UUID(int=5)


def test_bil_11_no_more_comes_back_than_was_invoiced_for_the_agreement(club: Club, till: Till) -> None:
    sold(till, GOLD, 1000)
    sold(till, SILVER, 5000)
    with pytest.raises(FailedPrecondition, match=r"not returned yet, 10\.00 USD"):
        gives_back(till, 1001, GOLD)
    gives_back(till, 400, GOLD)
    with pytest.raises(FailedPrecondition, match=r"not returned yet, 6\.00 USD"):
        gives_back(till, 601, GOLD)
    gives_back(till, 5000, SILVER)
    club.assert_books()


def test_bil_11_a_debit_and_an_opening_balance_were_never_sold_and_come_back_by_no_return(club: Club) -> None:
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    till = Till(club)
    till.debit("M1", 700)
    with pytest.raises(FailedPrecondition, match=r"not returned yet, 0\.00 USD"):
        gives_back(till, 100)


def test_bil_11_no_more_goes_back_in_money_than_was_paid_for_the_agreement(club: Club, till: Till) -> None:
    gold, silver = sold(till, GOLD, 1000), sold(till, SILVER, 5000)
    till.pay("M1", 600, gold)
    till.pay("M1", 5000, silver)
    with pytest.raises(FailedPrecondition, match=r"paid for this agreement and not paid back yet, 6\.00 USD"):
        gives_back(till, 601, GOLD, Destination.CASH)
    gives_back(till, 600, GOLD, Destination.CASH)
    with pytest.raises(FailedPrecondition, match=r"not paid back yet, 0\.00 USD"):
        gives_back(till, 1, GOLD, Destination.CASH)
    club.assert_books()


def test_bil_11_what_credit_paid_of_an_agreement_may_go_back_in_money_too(club: Club, till: Till) -> None:
    till.pay("M1", 600)
    sold(till, GOLD, 1000)
    with pytest.raises(FailedPrecondition, match=r"paid for this agreement and not paid back yet, 6\.00 USD"):
        gives_back(till, 601, GOLD, Destination.CASH)
    gives_back(till, 600, GOLD, Destination.CASH)
    club.assert_books()


def test_bil_11_what_was_charged_back_was_not_paid_for_its_agreement(club: Club, till: Till) -> None:
    till.take_back("M1", till.collected(), 3000)
    till.pay("M1", 1000)
    with pytest.raises(FailedPrecondition, match=r"paid for this agreement and not paid back yet, 15\.00 USD"):
        gives_back(till, 1501, GOLD, Destination.CASH)
    gives_back(till, 1000, GOLD, Destination.CASH)
    club.assert_books()


def test_bil_11_what_was_to_go_back_and_did_not_may_go_back_once_more(club: Club, till: Till) -> None:
    till.collected()
    gives_back(till, 1000, GOLD, Destination.FUNDING_SOURCE)
    sold(till, GOLD, 2000)
    till.answer(club.one("SELECT id FROM refund"), "E04")
    with pytest.raises(FailedPrecondition, match=r"paid for this agreement and not paid back yet, 35\.00 USD"):
        gives_back(till, 3501, GOLD, Destination.FUNDING_SOURCE)
    gives_back(till, 3500, GOLD, Destination.FUNDING_SOURCE)
    club.assert_books()


def test_bil_11_a_chargeback_of_one_source_lowers_what_may_go_back_to_it_and_to_no_other(
    club: Club, till: Till
) -> None:
    card = till.collected()
    till.pay("M1", 2000)
    till.take_back("M1", card, 3000, ReturnKind.CHARGEBACK)
    till.credit("M1", 9000)
    with pytest.raises(FailedPrecondition, match=r"paid at the desk and not paid back yet, 20\.00 USD"):
        till.refund("M1", 2001, Destination.CASH)
    with pytest.raises(FailedPrecondition, match=r"not paid back yet, 5\.00 USD"):
        till.refund("M1", 501, Destination.FUNDING_SOURCE)
    till.refund("M1", 2000, Destination.CASH)
    till.refund("M1", 500, Destination.FUNDING_SOURCE)
    club.assert_books()


def test_spec_0_a_share_that_was_won_back_is_asked_of_nobody_again(club: Club, till: Till) -> None:
    card = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
    flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": 40}
    with till.tx() as tx:
        add_source(tx, AddSource(ref("M1"), {**card, **flags}))
    club.script["tok_M1", 1] = "D03"
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.play(DAY)
    club.due.charges = []
    paid = club.one("SELECT id FROM payment WHERE state = 'approved'")
    till.take_back("M1", paid, 4000)
    till.take_back("M1", paid, 4000, ReturnKind.REVERSAL, "r2")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": PLANNED})
    club.play(PLANNED)
    again = club.rows("SELECT tender, amount_minor FROM payment WHERE payment_date > :day", day=DAY)
    assert [tuple(row) for row in again] == [("VISA", 6000)]
    club.assert_books()


# What a run leaves to the next, and to other runs


@pytest.mark.parametrize("code", ["D14", "E02"])
def test_bil_5_what_was_never_tried_is_tried_from_the_next_day_on(club: Club, till: Till, code: str) -> None:
    declined(club, code)
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=1)


def test_bil_1_a_cancelled_run_takes_back_no_payment_of_another_run(club: Club, till: Till) -> None:
    club.due.charges = [due("M1")]
    club.bill(unit=DENVER)
    with club.engine.begin() as connection:
        # As before its batches are cut.
        connection.execute(sa.text("UPDATE attempt SET state = 'created', batch_id = NULL"))
        connection.execute(sa.text("UPDATE payment SET state = 'created'"))
    run = club.start_run(unit=AUSTIN)
    with till.tx() as tx:
        cancel_run(tx, run.id)
    club.do_tasks()
    assert club.one("SELECT attempt.state, payment.state FROM attempt JOIN payment ON payment.id = payment_id") == (
        "created",
        "created",
    )


def test_bil_6_the_last_payments_of_a_source_tell_its_habit_not_the_first(club: Club, till: Till) -> None:
    days = [DAY + timedelta(days=offset) for offset in (0, 1, 2)]
    for cycle, day in enumerate(days):
        club.due.charges = [due("M1", day, cycle)]
        club.play(day)
    mine = source_id(ref("M1").id)
    with till.tx() as tx:
        assert paid_days(tx.connection, ENTERPRISE_ID, [mine], DAY - timedelta(days=9), 2) == {mine: days[:0:-1]}
