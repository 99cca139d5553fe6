"""Every movement of money is a transfer, and balances are their sums (SPEC BIL-10, BIL-12)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, ENTERPRISE_ID, Club, due, ref
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from till import Till

from boss_billing import events
from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice
from boss_billing.funding.rules import UpdateOutcome
from boss_billing.ledger.queries import summary
from boss_billing.payments.commands import TakePayment, take_payment
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto

NUMBERS = ("M1", "M2")
CODES = ("A01", "D03", "D16", "D05", "D14", "E02", "D13")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("invoice"), st.sampled_from(NUMBERS), st.integers(0, 9000)),
        st.tuples(st.just("desk"), st.sampled_from(NUMBERS), st.integers(1, 12_000)),
        st.tuples(st.just("result"), st.sampled_from(NUMBERS), st.sampled_from(CODES)),
        st.tuples(st.just("days"), st.just(""), st.integers(1, 9)),
    ),
    min_size=1,
    max_size=8,
)


def pay(club: Club, number: str, amount_minor: int, currency: str = "USD") -> None:
    with club.units.begin(club.context()) as tx:
        take_payment(tx, TakePayment(ref(number), Money(amount_minor, currency), "CASH"))


def wipe(club: Club) -> None:
    """Make the database new: hypothesis plays many stories on one."""
    tables = (
        "account, funding_source, funding_source_change, invoice, invoice_line, payment, attempt, bill_run, "
        "bill_run_shard, skipped_charge, batch, batch_counter, card_inquiry, callback, sandbox_attempt, "
        "sandbox_inquiry, task, outbox"
    )
    with club.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE transfer DISABLE TRIGGER transfer_append_only"))
        connection.execute(sa.text(f"TRUNCATE transfer, {tables}"))
        connection.execute(sa.text("ALTER TABLE transfer ENABLE TRIGGER transfer_append_only"))


@given(steps)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bil_10_whatever_happens_balances_are_the_sums_of_transfers(
    club: Club, story: list[tuple[str, str, Any]]
) -> None:
    wipe(club)
    club.set_clock(DAY)
    club.settings(card_updater=True)
    club.script.clear()
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.add_account("M2")
    club.due.charges = []
    for cycle, (what, number, value) in enumerate(story, 1):
        if what == "invoice":
            club.due.charges.append(due(number, club.day, cycle, value))
        elif what == "desk":
            pay(club, number, value)
        elif what == "result":
            club.script.update({(f"tok_{number}", attempt): value for attempt in range(1, 30)})
        else:
            club.play(club.day + timedelta(days=value))
        club.assert_books()
    club.play(club.day + timedelta(days=1))
    club.assert_books()
    told = {event.key: event for event in club.facts(events.BALANCE_CHANGED)}
    for event in told.values():
        fact = events_pb.AccountBalanceChanged.FromString(event.data)
        owed = sum(item.balance.units * 100 + item.balance.nanos // 10**7 for item in fact.open_items)
        credit = club.one("SELECT credit_minor FROM account WHERE id = :id", id=event.key)
        assert fact.balance.units * 100 + fact.balance.nanos // 10**7 == owed - credit


def test_bil_12_a_payment_at_the_desk_pays_the_oldest_first_and_the_rest_is_credit(club: Club) -> None:
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.due.charges = [due("M1")]
    club.bill()
    pay(club, "M1", 3000)
    assert club.rows("SELECT balance_minor FROM invoice ORDER BY due_date") == [(0,), (2500,)]
    pay(club, "M1", 3000)
    assert club.one("SELECT credit_minor FROM account") == 500
    last = events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)
    assert (last.balance.units, len(last.open_items)) == (-5, 0)
    club.assert_books()


def test_bil_12_a_card_approved_after_the_desk_was_paid_becomes_credit(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.bill()
    pay(club, "M1", 3500)
    club.deliver()
    assert club.one("SELECT credit_minor FROM account") == 3500
    club.assert_books()


def test_bil_12_whatever_changes_a_balance_is_announced_at_once_with_all_that_is_owed(club: Club) -> None:
    club.settings(card_updater=True)
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D16"
    till = Till(club)

    def announced(change: Callable[[], object]) -> tuple[int, list[str], bool]:
        before = len(club.facts(events.BALANCE_CHANGED))
        change()
        facts = club.facts(events.BALANCE_CHANGED)
        assert len(facts) > before
        told = events_pb.AccountBalanceChanged.FromString(facts[-1].data)
        owed, credit = till.owed("M1")
        assert money_from_proto(told.balance).amount_minor == owed - credit
        declined = {one.invoice.rpartition("/")[2] for one in told.open_items if one.declined}
        assert declined == {
            str(row[0]) for row in club.rows("SELECT id FROM invoice WHERE is_declined AND balance_minor > 0")
        }
        return owed - credit, [one.due_date.month for one in told.open_items], told.attempt_in_flight

    # What was owed before is told along, and a decline that the card updater may cure is still in flight.
    assert announced(club.bill) == (5500, [11, 1], True)
    assert announced(club.deliver) == (5500, [11, 1], True)
    club.ask("card-updater")
    (asked,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
    no_change = replace(asked, outcome=UpdateOutcome.NO_CHANGE, token="", last4="", expiry_month=0, expiry_year=0)
    assert announced(lambda: club.report_updates(no_change)) == (5500, [11, 1], False)
    assert announced(lambda: till.pay("M1", 2500)) == (3000, [1], False)
    assert announced(lambda: till.credit("M1", 500)) == (2500, [1], False)
    assert announced(lambda: till.debit("M1", 100)) == (2600, [1, 1], False)
    paid = UUID(str(club.one("SELECT id FROM payment WHERE state = 'approved'")))
    assert announced(lambda: till.take_back("M1", paid, 2500)) == (5100, [11, 1, 1], False)
    assert announced(lambda: till.write_off("M1")) == (0, [], False)


def test_bil_12_each_version_of_a_balance_is_newer_and_told_once_per_transaction(club: Club) -> None:
    account = club.add_account("M1")
    club.due.charges = [due("M1")]
    club.bill()
    club.deliver()
    versions = [event.version for event in club.facts(events.BALANCE_CHANGED) if event.key == str(account.id)]
    assert versions == [1, 2, 3]


@pytest.mark.parametrize(("amount", "currency"), [(0, "USD"), (-100, "USD"), (100, "EUR")])
def test_bil_12_an_amount_not_above_zero_or_of_another_currency_is_refused(
    club: Club, amount: int, currency: str
) -> None:
    club.add_account("M1")
    with pytest.raises(InvalidArgument, match="amount"):
        pay(club, "M1", amount, currency)


def test_bil_12_a_payment_pays_no_invoice_of_another_account(club: Club) -> None:
    club.add_account("M1")
    club.add_account("M2", past_due_balance="20.00", oldest_due_date="2025-11-01")
    others = TakePayment(ref("M1"), Money(2000, "USD"), "CASH", club.one("SELECT id FROM invoice"))
    with pytest.raises(NotFound, match="on this account"), club.units.begin(club.context()) as tx:
        take_payment(tx, others)
    assert club.one("SELECT balance_minor FROM invoice") == 2000


def test_bil_12_a_payment_of_an_unknown_account_is_refused(club: Club) -> None:
    with pytest.raises(NotFound):
        pay(club, "M404", 100)


def test_bil_10_the_check_finds_a_balance_that_transfers_do_not_add_up_to(club: Club) -> None:
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.assert_books()
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET balance_minor = 1999"))
    problems = club.ledger().problems
    assert any("Account M1" in one for one in problems)
    assert any("Invoice M1-1" in one for one in problems)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("UPDATE account SET credit_minor = credit_minor + 1 WHERE number = 'M1'", "Account M1: transfers say it owes"),
        ("UPDATE invoice_line SET amount_minor = amount_minor + 1 WHERE description = 'Tour pack'", "lines 10.01 USD"),
        (
            (
                "UPDATE transfer SET amount_minor = amount_minor + CASE amount_minor WHEN 1000 THEN 1 ELSE -1 END "
                "WHERE source = 'invoice' AND credit = 'revenue'"
            ),
            "booked 10.01 USD",
        ),
        (
            (
                "UPDATE invoice SET balance_minor = balance_minor + CASE number WHEN 'M1-1' THEN 1 ELSE -1 END "
                "WHERE number IN ('M1-1', 'M1-2')"
            ),
            "yet its balance is 9.99 USD",
        ),
        (
            "UPDATE payment SET amount_minor = amount_minor + 1 WHERE state = 'approved'",
            "yet transfers moved 35.00 USD",
        ),
        ("UPDATE payment SET state = 'pending' WHERE state = 'approved'", "The account 'clearing' holds"),
        ("UPDATE transfer SET debit = 'shoebox' WHERE debit = 'clearing'", "'shoebox', which the chart of accounts"),
        ("UPDATE movement SET amount_minor = amount_minor + 1 WHERE kind = 'credit'", "(credit) of 1.01 USD"),
        ("UPDATE movement SET amount_minor = 3501 WHERE kind = 'chargeback'", "35.01 USD went back of it"),
        ("UPDATE deposit SET fee_minor = fee_minor + 1", "with fees of 0.91 USD, booked are 35.00 USD with 0.90 USD"),
    ],
)
def test_bil_10_the_check_finds_whatever_is_said_otherwise_than_it_was_booked(
    club: Club, broken: str, told: str
) -> None:
    live(club)
    club.assert_books()
    with club.engine.begin() as connection:
        # As somebody would do it who goes round the triggers that let nothing be edited.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        assert connection.execute(sa.text(broken)).rowcount > 0
    assert any(told in one for one in club.ledger().problems), club.ledger().problems


def live(club: Club) -> None:
    """Collect a charge, bank it, take it back, and owe two invoices."""
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.play(DAY)
    notice = DepositNotice(
        "d1", "standard", "S1", DAY, club.one("SELECT number FROM batch"), "", "VISA", 3500, 90, "USD"
    )
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [notice])
    till = Till(club)
    till.invoice("M1", 1000)
    till.invoice("M1", 200, 300)
    till.take_back("M1", club.one("SELECT id FROM payment"), 3500)
    till.credit("M1", 100)


def test_bil_10_the_check_counts_charges_that_were_billed_twice(club: Club) -> None:
    live(club)
    assert club.ledger().charges_billed_twice == 0
    with club.engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX invoice_line_charge"))
        connection.execute(
            sa.text(
                "INSERT INTO invoice_line SELECT enterprise_id, business_unit_id, invoice_id, 2, charge_key, "
                "description, item_category, item, 0, 0 FROM invoice_line WHERE charge_key IS NOT NULL"
            )
        )
    assert club.ledger().charges_billed_twice == 1


@pytest.mark.parametrize("broken", ["amount_minor = 0", "credit = debit, credit_detail = debit_detail"])
def test_bil_10_a_transfer_moves_more_than_nothing_from_one_account_of_the_books_to_another(
    club: Club, broken: str
) -> None:
    live(club)
    with pytest.raises(sa.exc.IntegrityError, match="check constraint"), club.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(f"UPDATE transfer SET {broken}"))


def test_bil_9_submitted_is_approved_plus_declined_plus_in_flight_and_a_retry_never_adds(club: Club) -> None:
    club.settings(card_updater=True)
    for number, code in (("M1", "A01"), ("M2", "D03"), ("M3", "D16"), ("M4", "D14")):
        club.add_account(number)
        club.script[f"tok_{number}", 1] = code
    club.due.charges = [due(number) for number in ("M1", "M2", "M3", "M4")]
    club.bill()
    club.deliver()
    pay(club, "M2", 3500)
    with club.units.read(club.context()) as tx:
        found = summary(tx, ref("M1").enterprise_id, None, DAY, DAY)
        later = summary(tx, ref("M1").enterprise_id, None, DAY + timedelta(days=1), None)
    counts = (found.invoiced, found.submitted, found.approved, found.declined, found.in_flight, found.point_of_sale)
    assert [one.count for one in counts] == [4, 3, 1, 1, 1, 1]
    assert found.invoiced.amount_minor == 14_000
    assert (later.invoiced.count, later.submitted.count, later.bill_runs, found.bill_runs) == (0, 0, 0, 1)
