"""Whatever mixture of payments, results, retries and deposits there is, the four reports agree (SPEC BIL-9)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from billing_month import Month, Paid
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boss_billing.deposits.rules import spread
from boss_billing.reconciliation import queries as batches
from boss_billing.reports import queries, store
from boss_billing.reports.rules import GROUPINGS_DEFAULT, NONE, Grouping, ReportFilter

WANTED = ReportFilter(ENTERPRISE_ID, (), DAY - timedelta(days=40), DAY + timedelta(days=40))
TENDERS = ("VISA", "MC", "AMEX", "ACH")
STATES = ("approved", "finally_declined", "not_attempted", "pending", "declined")

lines = st.lists(
    st.tuples(st.sampled_from(("Membership", "Rental")), st.sampled_from(("Gold", "Locker")), st.integers(0, 9999)),
    min_size=1,
    max_size=4,
).filter(lambda found: sum(line[2] for line in found) > 0)


@st.composite
def payments(draw: Any) -> Paid:
    state = draw(st.sampled_from(STATES))
    retried = state in ("approved", "finally_declined", "pending") and draw(st.booleans())
    unit, batch = draw(st.sampled_from([(DENVER, 1), (DENVER, 2), (AUSTIN, 3)]))
    retry = {"approved": "approved", "finally_declined": "declined", "pending": "pending"}[state] if retried else ""
    return Paid(
        draw(st.integers(1, 20000)),
        kind=draw(st.sampled_from(("New", "On Account", "Past Due"))),
        tender=draw(st.sampled_from(TENDERS)),
        state=state,
        original="declined" if retried else "",
        retry=retry,
        lines=draw(lines),
        unit=unit,
        batch=batch,
        day=DAY + timedelta(days=batch),
    )


deposits = st.lists(
    st.tuples(
        st.sampled_from((1, 2, 3, 99)), st.sampled_from((*TENDERS, "")), st.integers(-3000, 20000).filter(bool),
        st.integers(0, 40),
    ),
    max_size=8,
)  # fmt: skip


@pytest.fixture
def month(club: Club) -> Month:
    club.set_clock(DAY + timedelta(days=60))
    return Month(club)


def wipe(month: Month) -> None:
    tables = "payment, attempt, invoice, invoice_line, account, batch, deposit, report_day, report_batch, report_mark"
    with month.club.engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {tables}"))
    month.batches.clear()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paid=st.lists(payments(), max_size=8), came=deposits, rolled=st.integers(0, 8), chosen=st.permutations(Grouping))
def test_bil_9_the_reports_agree_and_explain_every_cent(
    month: Month, paid: list[Paid], came: list[tuple[int, str, int, int]], rolled: int, chosen: list[Grouping]
) -> None:
    wipe(month)
    month.pay(*paid[:rolled])
    month.roll_up()
    month.pay(*paid[rolled:])
    for batch, tender, amount, days in came:
        month.deposit(batch, tender, amount, deposit_date=DAY + timedelta(days=days))
    with month.club.units.read(month.club.context()) as tx:
        submitted = queries.submitted_report(tx, WANTED, GROUPINGS_DEFAULT)
        otherwise = queries.submitted_report(tx, WANTED, chosen[:3])
        results = queries.results_report(tx, WANTED, GROUPINGS_DEFAULT)
        reconciled = batches.reconciliation(tx, WANTED)
    everything = sum(one.amount_minor for one in paid)
    total = submitted.totals[0].measure if submitted.totals else None
    assert (total.total.amount_minor if total else 0) == everything
    if total is not None and results.totals:
        final = results.totals[0].measure
        assert total.total == final.approved + final.declined + final.not_attempted + final.not_final
        assert total == otherwise.totals[0].measure
        assert total.invoiced.amount_minor == sum(line[2] for one in paid for line in one.lines)
        of_batches = [one.batch for one in reconciled if one.batch is not None]
        for mine, theirs in (
            ("submitted", final.submitted),
            ("approved", final.approved),
            ("declined", final.declined),
        ):
            assert sum((getattr(batch, mine) for batch in of_batches), NONE) == theirs
        assert sum((batch.not_final for batch in of_batches), NONE) == final.not_final
        for level in (1, 2, 3):
            per_level = [line.measure.total for line in submitted.lines if line.level == level]
            assert sum(per_level, NONE) == total.total
        tenders = [line.measure.submitted for line in results.tender_totals]
        assert sum(tenders, NONE) == final.submitted
    # Every cent of every deposit is for what was approved, or named in a difference.
    for one in reconciled:
        differing = sum(difference.amount_minor for difference in one.differences)
        assert one.deposited_minor == one.approved_minor - one.awaited_minor + differing
    assert sum(one.deposited_minor for one in reconciled) == sum(amount for _, _, amount, _ in came)


def rollup(month: Month) -> tuple[list[Any], list[Any]]:
    days = f"SELECT {store.DAY_COLUMNS} FROM report_day ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9"
    of_batches = f"SELECT {store.BATCH_COLUMNS} FROM report_batch ORDER BY 3, 7, 8"
    return list(month.club.rows(days)), list(month.club.rows(of_batches))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paid=st.lists(payments(), min_size=1, max_size=6), changes=st.lists(st.sampled_from(STATES), max_size=4))
def test_bil_9_a_rollup_is_what_a_recomputation_gives(month: Month, paid: list[Paid], changes: list[str]) -> None:
    wipe(month)
    ids = month.pay(*paid)
    month.roll_up()
    for payment_id, state in zip(ids, changes, strict=False):
        with month.club.engine.begin() as connection:
            values = {"id": payment_id, "state": state}
            connection.execute(sa.text("UPDATE payment SET state = :state WHERE id = :id"), values)
            if state in ("approved", "pending"):
                connection.execute(sa.text("UPDATE attempt SET state = :state WHERE payment_id = :id"), values)
    month.roll_up()
    kept = rollup(month)
    with month.club.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE report_day, report_batch"))
        connection.execute(
            sa.text(
                """
                INSERT INTO report_mark (enterprise_id, business_unit_id, day)
                    SELECT enterprise_id, business_unit_id, payment_date FROM payment
                    UNION SELECT enterprise_id, business_unit_id, invoice_date FROM invoice;
                INSERT INTO report_mark (enterprise_id, business_unit_id, batch_id)
                    SELECT enterprise_id, business_unit_id, id FROM batch
                """
            )
        )
    month.roll_up()
    assert rollup(month) == kept
    assert sum(row.amount_minor for row in kept[0] if row.kind != "Invoiced") == sum(one.amount_minor for one in paid)


def test_bil_9_a_rollup_never_hides_what_is_written_beside_it(month: Month) -> None:
    month.pay(Paid(1000))
    with month.club.engine.begin() as slow:
        slow.execute(sa.text("UPDATE payment SET amount_minor = 1500"))
        slow.execute(sa.text("UPDATE attempt SET amount_minor = 1500"))
        # The mark of a change that isn't committed is nobody's to delete.
        month.roll_up()
    with month.club.units.read(month.club.context()) as tx:
        (total,) = queries.submitted_report(tx, WANTED, ()).totals
        (batch,) = batches.list_batches(tx, WANTED)
    assert (total.measure.total.amount_minor, batch.submitted.amount_minor) == (1500, 1500)


@given(amount=st.integers(1, 10**6), weights=st.lists(st.integers(0, 10**5), min_size=1, max_size=6))
def test_bil_9_the_remainder_of_a_spread_payment_is_on_the_last_line(amount: int, weights: list[int]) -> None:
    parts = spread(amount, weights)
    assert sum(parts) == amount
    if sum(weights):
        exact = [amount * weight / sum(weights) for weight in weights]
        assert all(0 <= line - part < 1.001 for part, line in zip(parts[:-1], exact, strict=False))
        assert parts[-1] >= int(exact[-1])


def test_bil_9_payments_of_one_line_and_of_several_come_to_one_row_of_the_rollup(month: Month) -> None:
    gold = ("Membership", "Gold", 1000)
    month.pay(Paid(1000, lines=[gold]), Paid(1500, lines=[gold, ("Fees", "Late", 500)]))
    month.roll_up()
    days, _ = rollup(month)
    told = [(row.item, row.payments, row.amount_minor) for row in days if row.kind != "Invoiced"]
    assert sorted(told) == [("Gold", 2, 2000), ("Late", 0, 500)]


def test_bil_9_what_is_rolled_up_and_what_is_not_read_the_same_by_every_grouping(month: Month) -> None:
    gold, locker, towel = ("Membership", "Gold", 1000), ("Rental", "Locker", 333), ("Rental", "Towel", 334)
    month.pay(
        Paid(1000, lines=[gold]),
        Paid(1001, lines=[gold, locker], tender="ACH"),
        Paid(1667, lines=[gold, locker, towel], state="pending"),
        Paid(500, lines=[("Membership", "Gold", 700), ("Rental", "Locker", -700), ("Rental", "Towel", 0)], unit=AUSTIN),
        Paid(700, lines=[("Membership", "Gold", 0), ("Rental", "Locker", 0)], kind="Past Due", unit=AUSTIN),
    )
    asked: list[tuple[Grouping, ...]] = [(), GROUPINGS_DEFAULT, *((one,) for one in Grouping)]
    rentals = replace(WANTED, item_categories=("Rental",))

    def told() -> list[Any]:
        with month.club.units.read(month.club.context()) as tx:
            return [
                (queries.submitted_report(tx, wanted, groupings), queries.results_report(tx, wanted, groupings))
                for groupings in asked
                for wanted in (WANTED, rentals)
            ]

    live = told()
    month.roll_up()
    assert month.club.one("SELECT count(*) FROM report_mark") == 0
    assert told() == live
    assert live[0][0].totals[0].measure.total.amount_minor == 1000 + 1001 + 1667 + 500 + 700


def test_bil_9_many_payments_read_the_same_as_few(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    month.pay(Paid(1001, lines=[("Membership", "Gold", 1000), ("Rental", "Locker", 333)]), Paid(500))
    with month.club.units.read(month.club.context()) as tx:
        few = queries.submitted_report(tx, WANTED, GROUPINGS_DEFAULT)
    monkeypatch.setattr(store, "_MANY", sa.text("SELECT true"))
    with month.club.units.read(month.club.context()) as tx:
        assert queries.submitted_report(tx, WANTED, GROUPINGS_DEFAULT) == few
        assert tx.connection.scalar(sa.text("SHOW enable_nestloop")) == "off"


def test_bil_9_the_new_invoice_of_a_returned_payment_is_not_invoiced_twice(month: Month) -> None:
    month.pay(Paid(1000))
    month.invoice(400)
    with month.club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET kind = 'returned payment' WHERE total_minor = 400"))
    for _ in ("live", "rolled up"):
        with month.club.units.read(month.club.context()) as tx:
            (total,) = queries.submitted_report(tx, WANTED, ()).totals
        assert total.measure.invoiced.amount_minor == 1000
        month.roll_up()
