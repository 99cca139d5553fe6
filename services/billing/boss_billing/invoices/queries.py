"""Read invoices with their lines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices import store
from boss_billing.invoices.rules import Invoice
from boss_billing.payments.store import attempt, payment
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class InvoiceView:
    """An invoice as it is read."""

    invoice: Invoice
    lines: Sequence["sa.Row[Any]"]
    create_time: datetime
    attempts: Sequence["sa.Row[Any]"] = ()


@dataclass(frozen=True)
class InvoiceScope:
    """Whose invoices: an enterprise's, a unit's or an account's."""

    enterprise_id: UUID
    business_unit_id: UUID | None = None
    account_id: UUID | None = None
    agreement_id: UUID | None = None


def get_invoice(tx: Transaction, ref: AccountRef, invoice_id: UUID) -> InvoiceView:
    """Read an invoice. Raises NotFound."""
    query = sa.select(store.invoice).where(
        store.invoice.c.enterprise_id == ref.enterprise_id,
        store.invoice.c.id == invoice_id,
        store.invoice.c.account_id == ref.id,
        store.invoice.c.business_unit_id == ref.business_unit_id,
    )
    found = _views(tx, ref.enterprise_id, tx.connection.execute(query).all())
    if not found:
        raise NotFound(
            "INVOICE_NOT_FOUND",
            f"There is no invoice {invoice_id} on this account.",
            metadata={"invoice_id": str(invoice_id)},
        )
    return replace(found[0], attempts=_attempts(tx, ref, invoice_id))


def list_invoices(
    tx: Transaction, scope: InvoiceScope, page: Page, *, open_only: bool
) -> tuple[Sequence[InvoiceView], str]:
    """Read a page of invoices by number, and the next page's token."""
    table = store.invoice
    query = sa.select(table).where(table.c.enterprise_id == scope.enterprise_id)
    if scope.business_unit_id is not None:
        query = query.where(table.c.business_unit_id == scope.business_unit_id)
    if scope.account_id is not None:
        query = query.where(table.c.account_id == scope.account_id)
    if scope.agreement_id is not None:
        query = query.where(table.c.agreement_id == scope.agreement_id)
    if open_only:
        query = query.where(table.c.balance_minor > 0)
    if page.after:
        query = query.where(table.c.number > page.after[0])
    rows, token = page.cut(
        tx.connection.execute(query.order_by(table.c.number).limit(page.limit)).all(), lambda row: (row.number,)
    )
    return _views(tx, scope.enterprise_id, rows), token


def _attempts(tx: Transaction, ref: AccountRef, invoice_id: UUID) -> Sequence["sa.Row[Any]"]:
    """Read every attempt at an invoice, the first one first (SPEC BIL-5)."""
    query = sa.select(attempt).select_from(
        attempt.join(
            payment,
            sa.and_(payment.c.enterprise_id == attempt.c.enterprise_id, payment.c.id == attempt.c.payment_id),
        )
    )
    mine = (
        # By the payments, which an account's are found of: attempts have no index of accounts.
        payment.c.enterprise_id == ref.enterprise_id,
        payment.c.account_id == ref.id,
        payment.c.invoice_id == invoice_id,
    )
    order = (attempt.c.business_date, attempt.c.attempt_no, attempt.c.id)
    return tx.connection.execute(query.where(*mine).order_by(*order)).all()


def _views(tx: Transaction, enterprise_id: UUID, rows: Sequence["sa.Row[Any]"]) -> list[InvoiceView]:
    line = store.invoice_line
    lines: dict[UUID, list[Any]] = {}
    if rows:
        query = sa.select(line).where(
            line.c.enterprise_id == enterprise_id, line.c.invoice_id.in_([row.id for row in rows])
        )
        for one in tx.connection.execute(query.order_by(line.c.invoice_id, line.c.line_no)):
            lines.setdefault(one.invoice_id, []).append(one)
    return [InvoiceView(store.read(enterprise_id, row), lines.get(row.id, []), row.create_time) for row in rows]
