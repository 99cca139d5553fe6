"""Read payments."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.accounts.store import account
from boss_billing.batches.store import batch
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.payments.rules import Label
from boss_billing.payments.store import attempt, payment
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_ORIGINAL = sa.and_(
    attempt.c.enterprise_id == payment.c.enterprise_id,
    attempt.c.payment_id == payment.c.id,
    attempt.c.label == Label.ORIGINAL.value,
)
_BATCH = sa.and_(batch.c.enterprise_id == attempt.c.enterprise_id, batch.c.id == attempt.c.batch_id)
_ACCOUNT = sa.and_(account.c.enterprise_id == payment.c.enterprise_id, account.c.id == payment.c.account_id)
_SELECT = sa.select(
    payment, account.c.number.label("account_number"), batch.c.number.label("batch_number")
).select_from(payment.join(account, _ACCOUNT).outerjoin(attempt, _ORIGINAL).outerjoin(batch, _BATCH))


def get_payment(tx: Transaction, ref: AccountRef, payment_id: UUID) -> "sa.Row[Any]":
    """Read a payment. Raises NotFound."""
    row = tx.connection.execute(
        _SELECT.where(
            payment.c.enterprise_id == ref.enterprise_id,
            payment.c.id == payment_id,
            payment.c.account_id == ref.id,
            payment.c.business_unit_id == ref.business_unit_id,
        )
    ).one_or_none()
    if row is None:
        text = f"There is no payment {payment_id} on this account."
        raise NotFound("PAYMENT_NOT_FOUND", text, metadata={"payment_id": str(payment_id)})
    return row


def list_payments(tx: Transaction, scope: InvoiceScope, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of payments by day and id, and the next page's token."""
    query = _SELECT.where(payment.c.enterprise_id == scope.enterprise_id)
    if scope.business_unit_id is not None:
        query = query.where(payment.c.business_unit_id == scope.business_unit_id)
    if scope.account_id is not None:
        query = query.where(payment.c.account_id == scope.account_id)
    if page.after:
        day, last = page.after
        query = query.where(
            sa.tuple_(payment.c.payment_date, payment.c.id)
            > sa.tuple_(sa.cast(sa.literal(str(day)), sa.Date), sa.cast(sa.literal(str(last)), payment.c.id.type))
        )
    query = query.order_by(payment.c.payment_date, payment.c.id).limit(page.limit)
    return page.cut(tx.connection.execute(query).all(), lambda row: (row.payment_date, row.id))
