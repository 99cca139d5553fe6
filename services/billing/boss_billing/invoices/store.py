"""Tables and SQL of invoices and their lines."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.accounts.rules import AccountRef, OpenItem
from boss_billing.invoices.rules import BilledCharge, DueCharge, Invoice, Kind, NewLine
from boss_kit.database import copy_rows, rows_of

TABLES = sa.MetaData()

invoice = sa.Table(
    "invoice",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("agreement_id", PG_UUID),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("invoice_date", sa.Date, nullable=False),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("total_minor", sa.BigInteger, nullable=False),
    sa.Column("balance_minor", sa.BigInteger, nullable=False),
    sa.Column("is_declined", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failed_attempts", sa.Integer, nullable=False),
    sa.Column("declines", sa.Integer, nullable=False),
    sa.Column("next_attempt_date", sa.Date),
    sa.Column("bill_run_id", PG_UUID),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

invoice_line = sa.Table(
    "invoice_line",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("invoice_id", PG_UUID, primary_key=True),
    sa.Column("line_no", sa.SmallInteger, primary_key=True),
    sa.Column("charge_key", sa.Text),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("item_category", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("tax_minor", sa.BigInteger, nullable=False),
    sa.Column("period_start_date", sa.Date),
    sa.Column("period_end_date", sa.Date),
    sa.Column("principal_invoice_id", PG_UUID),
)

_COLUMNS = [column.name for column in invoice.columns]
_LINE_COLUMNS = [column.name for column in invoice_line.columns]

_BILLED = sa.text(
    """
    SELECT charge_key, invoice_id, amount_minor, tax_minor FROM invoice_line
    WHERE enterprise_id = :enterprise_id AND charge_key = ANY(:charge_keys)
    """
)

_OPEN_ITEMS = sa.text(
    """
    SELECT account_id, id, number, due_date, balance_minor, total_minor, is_declined, agreement_id FROM invoice
    WHERE enterprise_id = :enterprise_id AND account_id = ANY(:account_ids) AND balance_minor > 0
    ORDER BY account_id, due_date, length(number), number
    """
)

_SELECT = """
    SELECT business_unit_id, account_id, id, agreement_id, number, kind, description, invoice_date, due_date, currency,
           total_minor, balance_minor, is_declined, attempts, failed_attempts, declines, next_attempt_date, bill_run_id
    FROM invoice
"""

_FIND = sa.text(f"{_SELECT} WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)")

_OPEN_OF_ACCOUNT = sa.text(
    f"""
    {_SELECT} WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND balance_minor > 0
    ORDER BY due_date, length(number), number
    """
)

_SAVE = sa.text(
    """
    UPDATE invoice
    SET balance_minor = new.balance_minor, is_declined = new.is_declined, attempts = new.attempts,
        failed_attempts = new.failed_attempts, declines = new.declines, next_attempt_date = new.next_attempt_date
    FROM unnest(CAST(:ids AS uuid[]), CAST(:balances AS bigint[]), CAST(:declined AS boolean[]),
                CAST(:attempts AS int[]), CAST(:failed AS int[]), CAST(:declines AS int[]), CAST(:next_dates AS date[]))
        AS new (id, balance_minor, is_declined, attempts, failed_attempts, declines, next_attempt_date)
    WHERE invoice.enterprise_id = :enterprise_id AND invoice.id = new.id
    """
)

_PLAN_AGAIN = sa.text(
    """
    UPDATE invoice SET next_attempt_date = :day
    WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND balance_minor > 0
      AND next_attempt_date IS NULL
      AND NOT EXISTS (
          SELECT FROM payment
          WHERE payment.enterprise_id = invoice.enterprise_id AND payment.account_id = invoice.account_id
            AND payment.invoice_id = invoice.id AND payment.state IN ('created', 'pending', 'unknown', 'declined')
      )
    """
)


def billed_charges(
    connection: sa.Connection, enterprise_id: UUID, charge_keys: Sequence[str]
) -> Mapping[str, BilledCharge]:
    """Read which charges are on an invoice already."""
    rows = rows_of(connection, _BILLED, {"enterprise_id": enterprise_id, "charge_keys": list(charge_keys)})
    return {row[0]: BilledCharge(row[1], row[2], row[3]) for row in rows}


def add(connection: sa.Connection, invoices: Iterable[Invoice], correlation: str, now: datetime) -> None:
    """Add invoices."""
    copy_rows(connection, invoice, _COLUMNS, (_row(one, correlation, now) for one in invoices))


def add_lines(connection: sa.Connection, lines: Iterable[tuple[Invoice, int, DueCharge]]) -> None:
    """Add the lines of billed charges: invoice, line number, charge."""
    copy_rows(
        connection,
        invoice_line,
        _LINE_COLUMNS,
        (
            (
                of.account.enterprise_id,
                of.account.business_unit_id,
                of.id,
                line_no,
                charge.charge_key,
                charge.description,
                charge.item_category,
                charge.item,
                charge.amount_minor,
                charge.tax_minor,
                charge.period_start_date,
                charge.period_end_date,
                None,
            )
            for of, line_no, charge in lines
        ),
    )


def add_opening_lines(connection: sa.Connection, invoices: Iterable[Invoice], description: str) -> None:
    """Add the one line of opening balances."""
    rows = [
        (
            one.account.enterprise_id,
            one.account.business_unit_id,
            one.id,
            1,
            None,
            description,
            description,
            description,
            one.total_minor,
            0,
            None,
            None,
            None,
        )
        for one in invoices
    ]
    copy_rows(connection, invoice_line, _LINE_COLUMNS, rows)


def add_new_lines(connection: sa.Connection, lines: Iterable[tuple[Invoice, int, NewLine]]) -> None:
    """Add the lines of invoices made outside a run: invoice, line number, line."""
    copy_rows(
        connection,
        invoice_line,
        _LINE_COLUMNS,
        (
            (
                of.account.enterprise_id,
                of.account.business_unit_id,
                of.id,
                line_no,
                line.charge_key or None,
                line.description,
                line.item_category,
                line.item,
                line.amount_minor,
                line.tax_minor,
                line.period_start_date,
                line.period_end_date,
                line.principal_invoice_id,
            )
            for of, line_no, line in lines
        ),
    )


def open_items(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID]
) -> Mapping[UUID, list[OpenItem]]:
    """Read what accounts owe, oldest first."""
    found: dict[UUID, list[OpenItem]] = {}
    for row in rows_of(connection, _OPEN_ITEMS, {"enterprise_id": enterprise_id, "account_ids": list(account_ids)}):
        found.setdefault(row[0], []).append(OpenItem(*row[1:]))
    return found


def find(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> dict[UUID, Invoice]:
    """Read invoices by id."""
    if not ids:
        return {}
    rows = connection.execute(_FIND, {"enterprise_id": enterprise_id, "ids": list(ids)}).all()
    return {row.id: read(enterprise_id, row) for row in rows}


def open_of(connection: sa.Connection, ref: AccountRef) -> list[Invoice]:
    """Read the open invoices of an account, oldest first."""
    rows = connection.execute(_OPEN_OF_ACCOUNT, {"enterprise_id": ref.enterprise_id, "account_id": ref.id})
    return [read(ref.enterprise_id, row) for row in rows]


def save(connection: sa.Connection, enterprise_id: UUID, invoices: Sequence[Invoice]) -> None:
    """Write what changed of invoices."""
    if not invoices:
        return
    connection.execute(
        _SAVE,
        {
            "enterprise_id": enterprise_id,
            "ids": [one.id for one in invoices],
            "balances": [one.balance_minor for one in invoices],
            "declined": [one.is_declined for one in invoices],
            "attempts": [one.attempts for one in invoices],
            "failed": [one.failed_attempts for one in invoices],
            "declines": [one.declines for one in invoices],
            "next_dates": [one.next_attempt_date for one in invoices],
        },
    )


def planned_attempts(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, first: date, last: date
) -> Sequence[tuple[UUID, date]]:
    """Read which accounts of a unit have an attempt at an open invoice planned in some days, and on which."""
    table = invoice.c
    query = sa.select(table.account_id, table.next_attempt_date).where(
        table.enterprise_id == enterprise_id,
        table.business_unit_id == unit_id,
        table.balance_minor > 0,
        table.next_attempt_date.between(first, last),
    )
    return [(row[0], row[1]) for row in connection.execute(query.distinct())]


def plan_again(connection: sa.Connection, ref: AccountRef, day: date) -> None:
    """Plan an attempt at the open invoices of an account that have none: its source was renewed."""
    connection.execute(_PLAN_AGAIN, {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "day": day})


def read(enterprise_id: UUID, row: "sa.Row[Any]") -> Invoice:
    """Make an invoice of a row of its table."""
    ref = AccountRef(enterprise_id, row.business_unit_id, row.account_id)
    return Invoice(
        row.id,
        ref,
        row.agreement_id,
        row.number,
        Kind(row.kind),
        row.description,
        row.invoice_date,
        row.due_date,
        row.currency,
        row.total_minor,
        row.balance_minor,
        row.is_declined,
        row.attempts,
        row.failed_attempts,
        row.declines,
        row.next_attempt_date,
        row.bill_run_id,
    )


def _row(one: Invoice, correlation: str, now: datetime) -> tuple[object, ...]:
    account = one.account
    return (
        account.enterprise_id,
        account.business_unit_id,
        one.id,
        account.id,
        one.agreement_id,
        one.number,
        one.kind,
        one.description,
        one.invoice_date,
        one.due_date,
        one.currency,
        one.total_minor,
        one.balance_minor,
        one.is_declined,
        one.attempts,
        one.failed_attempts,
        one.declines,
        one.next_attempt_date,
        one.bill_run_id,
        correlation,
        now,
    )
