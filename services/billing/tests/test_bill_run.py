"""From what is due to what is submitted (SPEC BIL-1, BIL-2, BIL-3)."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from boss.events.billing.v1 import billing_events_pb2 as pb
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, due, record, unit_id

from boss_billing import events
from boss_billing.batches import rules as batch_rules
from boss_billing.batches.rules import PAYMENTS_AT_ONCE
from boss_billing.invoices.rules import SkippedAgreement
from boss_billing.payments.commands import TakePayment, take_payment
from boss_billing.runs import pages
from boss_billing.runs.queries import get_run, list_skipped
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.paging import open_page


def test_bil_1_a_due_charge_becomes_an_invoice_a_payment_and_a_submitted_batch(club: Club) -> None:
    account = club.add_account("M1")
    club.due.charges = [due("M1")]
    run = club.bill()
    assert club.one("SELECT number, total_minor, balance_minor FROM invoice") == ("M1-1", 3500, 3500)
    assert club.one("SELECT kind, state, amount_minor FROM payment") == ("New", "pending", 3500)
    assert club.one("SELECT number, label, state FROM batch") == (1, "Original", "submitted")
    assert club.one("SELECT state FROM bill_run WHERE id = :id", id=run.id) == "submitted"
    club.assert_books()
    (billed,) = club.facts(events.CHARGE_BILLED)
    assert pb.ChargeBilled.FromString(billed.data).charge_key == due("M1").charge_key
    assert billed.key == str(account.id)
    balance = pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)
    assert (balance.balance.units, balance.attempt_in_flight, len(balance.open_items)) == (35, True, 1)


def test_bil_1_the_same_run_again_bills_nothing_twice(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    first = club.bill()
    assert club.bill().id == first.id
    assert club.one("SELECT count(*) FROM invoice") == 1


def test_bil_1_a_run_of_another_scope_meets_billed_charges_as_no_ops(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.bill()
    club.bill(unit=DENVER)
    assert club.one("SELECT count(*) FROM invoice") == 1
    assert club.one("SELECT count(*) FROM attempt") == 1
    assert len(club.facts(events.CHARGE_REFUSED)) == 0


def test_bil_1_a_billed_charge_with_another_amount_is_refused_and_listed_not_billed(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.bill()
    club.due.charges = [due("M1", amount_minor=9900)]
    run = club.bill(unit=DENVER)
    assert club.one("SELECT sum(total_minor) FROM invoice") == 3500
    assert len(club.facts(events.CHARGE_REFUSED)) == 1
    with club.units.read(club.context()) as tx:
        rows, _ = list_skipped(tx, ENTERPRISE_ID, run.id, open_page(10, ""))
    assert [(row.agreement_number, row.reason) for row in rows] == [("A-M1", "OTHER_AMOUNT")]


def test_bil_1_of_a_charge_that_comes_twice_in_a_page_the_first_is_billed_and_another_amount_is_refused(
    club: Club,
) -> None:
    club.add_account("M1")
    club.due.page_size = 10
    club.due.charges = [due("M1"), due("M1"), due("M1", amount_minor=9900)]
    club.bill()
    assert club.rows("SELECT total_minor FROM invoice") == [(3500,)]
    assert club.rows("SELECT agreement_number, reason FROM skipped_charge") == [("A-M1", "OTHER_AMOUNT")]
    club.assert_books()


def test_bil_1_one_invoice_holds_all_charges_of_an_agreement_and_due_date(club: Club) -> None:
    club.add_account("M1")
    club.due.page_size = 10
    other = due("M1", charge_key="line/1/fee", amount_minor=500, tax_minor=40, item_category="Fee")
    club.due.charges = [due("M1"), other, due("M1", DAY - timedelta(days=31), cycle=0)]
    club.bill()
    totals = club.rows("SELECT number, total_minor, due_date FROM invoice ORDER BY number")
    assert totals == [("M1-1", 3500, DAY - timedelta(days=31)), ("M1-2", 4040, DAY)]
    revenue = "SELECT credit, credit_detail, sum(amount_minor) FROM transfer GROUP BY 1, 2 ORDER BY 1, 2"
    assert club.rows(revenue) == [("revenue", "Fee", 500), ("revenue", "Membership", 7000), ("tax", "", 40)]
    club.assert_books()


def test_bil_1_every_skipped_agreement_is_listed_with_its_reason(club: Club) -> None:
    club.add_account("M1")
    club.add_account("OLD", past_due_balance="20.00", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
        connection.execute(sa.text("UPDATE funding_source SET is_valid = false WHERE token = 'tok_OLD'"))
    club.due.charges = [due("M1")]
    club.due.skipped = [SkippedAgreement(unit_id(), "A-M9", "SUSPENDED", "It is suspended until 2026-02-01.")]
    run = club.bill()
    with club.units.read(club.context()) as tx:
        rows, _ = list_skipped(tx, ENTERPRISE_ID, run.id, open_page(10, ""))
        assert get_run(tx, ENTERPRISE_ID, run.id).skipped == 2
    # An older invoice nobody could be charged for is named by its number.
    found = [(row.agreement_number, row.reason) for row in rows]
    assert found == [("A-M9", "SUSPENDED"), ("OLD-1", "NO_VALID_SOURCE")]


def test_bil_1_a_unit_with_nothing_due_costs_one_call_and_no_stream(club: Club) -> None:
    club.bill()
    assert sorted(one for one, _ in club.due.closed) == sorted([unit_id(DENVER), unit_id(AUSTIN)])
    assert club.due.streams == 0
    assert club.one("SELECT state FROM bill_run") == "submitted"


def test_bil_1_a_charge_of_an_unknown_account_is_refused_and_the_others_go(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1"), due("M2")]
    club.bill()
    (refused,) = club.facts(events.CHARGE_REFUSED)
    assert pb.ChargeRefused.FromString(refused.data).charge_key == due("M2").charge_key
    assert club.one("SELECT count(*) FROM invoice") == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"amount_minor": -1}, "NEGATIVE_AMOUNT"),
        ({"tax_minor": -1}, "NEGATIVE_AMOUNT"),
        ({"currency": "EUR"}, "OTHER_CURRENCY"),
    ],
)
def test_bil_1_a_charge_that_can_not_be_billed_is_answered_and_listed_and_the_others_go(
    club: Club, wrong: dict[str, Any], reason: str
) -> None:
    club.add_account("M1")
    club.add_account("M2")
    club.due.charges = [due("M1"), due("M2", **wrong)]
    club.bill()
    (refused,) = club.facts(events.CHARGE_REFUSED)
    assert pb.ChargeRefused.FromString(refused.data).charge_key == due("M2").charge_key
    assert club.rows("SELECT agreement_number, reason FROM skipped_charge") == [("A-M2", reason)]
    assert club.rows("SELECT number FROM invoice") == [("M1-1",)]
    club.assert_books()


def test_bil_3_a_batch_holds_at_most_1000_payments_of_one_unit_by_account_number(club: Club) -> None:
    numbers = [f"M{number:04d}" for number in range(1001)]
    for start in range(0, len(numbers), 500):
        club.add(*(record(number) for number in numbers[start : start + 500]))
    club.add_account("X1", business_unit=AUSTIN)
    club.due.page_size = PAYMENTS_AT_ONCE - 1
    club.due.charges = [due(number) for number in [*numbers, "X1"]]
    club.due.unit_of = {due("X1").account_id: unit_id(AUSTIN)}
    club.bill()
    sizes = """
        SELECT batch.number, batch.business_unit_id, count(*), min(account.number), max(account.number)
        FROM batch JOIN attempt ON attempt.batch_id = batch.id JOIN account ON account.id = attempt.account_id
        GROUP BY 1, 2 ORDER BY 1
    """
    assert club.rows(sizes) == [
        (1, unit_id(AUSTIN), 1, "X1", "X1"),
        (2, unit_id(DENVER), 1000, "M0000", "M0999"),
        (3, unit_id(DENVER), 1, "M1000", "M1000"),
    ]


def test_bil_3_full_pages_are_batches_of_their_own_and_what_is_left_is_cut_at_the_end(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_rules, "PAYMENTS_AT_ONCE", 2)
    monkeypatch.setattr(batch_rules, "PAYMENTS_PER_BATCH", 3)
    numbers = [f"M{number}" for number in range(6)]
    for number in numbers:
        club.add_account(number)
    club.due.page_size = 5
    club.due.charges = [due(number) for number in numbers]
    club.bill()
    batches = club.rows("""
        SELECT min(account_number), count(*), count(DISTINCT batch.business_unit_id), min(batch.state),
               array_agg(DISTINCT attempt.state || payment.state)
        FROM batch JOIN attempt ON attempt.batch_id = batch.id JOIN payment ON payment.id = attempt.payment_id
        GROUP BY batch.number ORDER BY batch.number
    """)
    assert sorted(row[1] for row in batches) == [1, 2, 3]
    assert [row[0] for row in batches] == sorted(row[0] for row in batches)
    assert {tuple(row[2:4]) for row in batches} == {(1, "submitted")}
    assert all(row[4] == ["pendingpending"] for row in batches)
    assert len(club.facts(events.PAYMENT_SUBMITTED)) == len(numbers)
    assert club.one("SELECT count(*) FROM planned_batch") == 0


def test_bil_3_a_page_of_several_units_fills_batches_of_one_unit_each(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_rules, "PAYMENTS_AT_ONCE", 2)
    for number, unit in (("M1", DENVER), ("M2", DENVER), ("X1", AUSTIN), ("X2", AUSTIN)):
        club.add_account(number, business_unit=unit)
        club.due.charges.append(due(number))
        club.due.unit_of[due(number).account_id] = unit_id(unit)
    club.bill()
    batches = club.rows("""
        SELECT batch.business_unit_id, array_agg(DISTINCT attempt.business_unit_id),
               array_agg(account_number ORDER BY account_number)
        FROM batch JOIN attempt ON attempt.batch_id = batch.id GROUP BY batch.number, 1 ORDER BY batch.number
    """)
    denver, austin = unit_id(DENVER), unit_id(AUSTIN)
    assert batches == [(austin, [austin], ["X1", "X2"]), (denver, [denver], ["M1", "M2"])]


@pytest.mark.parametrize(("payments", "sizes"), [(0, []), (249, []), (250, [250]), (1000, [1000]), (2001, [667] * 3)])
def test_bil_3_a_page_spreads_its_payments_evenly_and_never_over_1000_a_batch(payments: int, sizes: list[int]) -> None:
    parts = list(batch_rules.spread(payments))
    assert [part.stop - part.start for part in parts] == sizes
    assert [place for part in parts for place in range(payments)[part]] == list(range(sum(sizes)))


def test_bil_1_a_run_of_a_day_to_come_is_refused(club: Club) -> None:
    with pytest.raises(InvalidArgument, match="bill_date"):
        club.start_run(DAY + timedelta(days=1))


def test_bil_1_a_run_of_an_unknown_unit_is_refused(club: Club) -> None:
    with pytest.raises(NotFound):
        club.start_run(unit="Nowhere Club")


def test_bil_12_credit_pays_for_a_new_invoice_before_the_card_is_asked(club: Club) -> None:
    account = club.add_account("M1")
    with club.units.begin(club.context()) as tx:
        take_payment(tx, TakePayment(account, Money(1000, "USD"), "CASH"))
    club.due.charges = [due("M1")]
    club.bill()
    assert club.one("SELECT amount_minor FROM payment WHERE kind = 'New'") == 2500
    assert club.one("SELECT credit_minor FROM account") == 0
    club.assert_books()


@pytest.mark.parametrize("found_at_once", [3, 4, 100])
def test_bil_2_older_invoices_are_collected_page_by_page_each_once(
    club: Club, found_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "COLLECT_PAGE", 2)
    monkeypatch.setattr(pages, "FOUND_AT_ONCE", found_at_once)
    for number in range(7):
        club.add_account(f"M{number}", past_due_balance="20.00", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
    club.bill()
    assert club.one("SELECT state, collected_payments FROM bill_run") == ("submitted", 7)
    assert club.one("SELECT currency, amount_minor FROM bill_run_collected") == ("USD", 7 * 2000)
    assert club.one("SELECT count(*), count(DISTINCT invoice_id) FROM attempt WHERE state = 'pending'") == (7, 7)
    assert club.one("SELECT count(*) FROM batch") == 1
    club.assert_books()
