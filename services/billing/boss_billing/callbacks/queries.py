"""Read callbacks that don't fit what we know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.callbacks.rules import OPEN, CallbackState
from boss_billing.callbacks.store import callback
from boss_billing.payments.rules import Payment
from boss_billing.payments.store import attempt, payment
from boss_kit.money import Money
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True, slots=True)
class OpenCallback:
    """A callback nobody has resolved, beside what we know of the payment it names."""

    callback_id: str
    kind: str
    state: CallbackState
    reason: str
    create_time: datetime
    attempt_id: str
    payment: str
    reported: Money | None
    submitted: Money | None
    code: str
    message: str
    refund_id: str = ""


def list_unmatched(
    tx: Transaction, enterprise_id: UUID, page: Page, states: Sequence[CallbackState] = OPEN
) -> tuple[Sequence[OpenCallback], str]:
    """Read a page of unmatched callbacks and exceptions, oldest first."""
    key = (callback.c.create_time, callback.c.kind, callback.c.callback_id)
    about = (attempt.c.enterprise_id == callback.c.enterprise_id) & (attempt.c.id == callback.c.subject_id)
    paid = (payment.c.enterprise_id == attempt.c.enterprise_id) & (payment.c.id == attempt.c.payment_id)
    query = (
        sa.select(
            callback,
            payment.c.business_unit_id,
            payment.c.account_id,
            payment.c.id.label("payment_id"),
            payment.c.kind.label("payment_kind"),
            attempt.c.amount_minor,
            attempt.c.currency,
        )
        .outerjoin(attempt, about)
        .outerjoin(payment, paid)
        .where(callback.c.enterprise_id == enterprise_id, callback.c.state.in_([one.value for one in states]))
    )
    if page.after:
        time, kind, callback_id = page.after
        after = sa.tuple_(
            sa.cast(sa.literal(str(time)), sa.DateTime(timezone=True)), sa.literal(kind), sa.literal(callback_id)
        )
        query = query.where(sa.tuple_(*key) > after)
    rows = tx.connection.execute(query.order_by(*key).limit(page.limit)).all()
    found, token = page.cut(rows, lambda row: (row.create_time, row.kind, row.callback_id))
    return [_open(enterprise_id, row) for row in found], token


def _open(enterprise_id: UUID, row: "sa.Row[Any]") -> OpenCallback:
    body, name = row.body, ""
    if row.payment_id is not None:
        ref = AccountRef(enterprise_id, row.business_unit_id, row.account_id)
        name = Payment(row.payment_id, ref, row.payment_kind, row.amount_minor, row.currency).name
    return OpenCallback(
        row.callback_id,
        row.kind,
        CallbackState(row.state),
        row.reason,
        row.create_time,
        body.get("attempt_id", ""),
        name,
        Money(**body["amount"]) if body.get("amount") else None,
        Money(row.amount_minor, row.currency) if name else None,
        body.get("code", ""),
        body.get("message", ""),
        body.get("refund_id", ""),
    )
