"""Read returns and refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.ledger.rules import Source
from boss_billing.movements import store as movements
from boss_billing.movements.rules import Movement
from boss_billing.refunds import store
from boss_billing.refunds.rules import (
    TO_SEND,
    Refund,
    RefundState,
    ReturnLine,
    SubmittedRefund,
    SubmittedRefunds,
)
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_WITH_MOVEMENT = sa.select(
    store.refund,
    *(movements.movement.c[name] for name in ("business_date", "reason", "origin_id", "create_time")),
).join(
    movements.movement,
    sa.and_(
        movements.movement.c.enterprise_id == store.refund.c.enterprise_id,
        movements.movement.c.id == store.refund.c.id,
    ),
)


@dataclass(frozen=True)
class RefundView:
    """A refund as it is read."""

    refund: Refund
    reason: str
    business_date: date
    create_time: datetime


@dataclass(frozen=True)
class ReturnView:
    """A return as it is read."""

    movement: Movement
    lines: Sequence[ReturnLine]
    refund: RefundView | None
    create_time: datetime


def get_return(tx: Transaction, ref: AccountRef, return_id: UUID) -> ReturnView:
    """Read a return. Raises NotFound."""
    found = movements.find(tx.connection, ref, return_id)
    if found is None or found.kind is not Source.RETURN:
        text = f"There is no return {return_id} on this account."
        raise NotFound("RETURN_NOT_FOUND", text, metadata={"return_id": str(return_id)})
    origin = movements.movement.c.origin_id
    row = tx.connection.execute(
        _WITH_MOVEMENT.where(
            store.refund.c.enterprise_id == ref.enterprise_id, store.refund.c.account_id == ref.id
        ).where(origin == return_id)
    ).one_or_none()
    create_time = tx.connection.scalar(
        sa.select(movements.movement.c.create_time).where(
            movements.movement.c.enterprise_id == ref.enterprise_id, movements.movement.c.id == return_id
        )
    )
    assert create_time is not None, "the movement was read above"
    lines = store.lines_of(tx.connection, ref.enterprise_id, return_id)
    return ReturnView(found, lines, _view(row) if row is not None else None, create_time)


def get_refund(tx: Transaction, ref: AccountRef, refund_id: UUID) -> RefundView:
    """Read a refund. Raises NotFound."""
    table = store.refund.c
    row = tx.connection.execute(
        _WITH_MOVEMENT.where(
            table.enterprise_id == ref.enterprise_id,
            table.id == refund_id,
            table.account_id == ref.id,
            table.business_unit_id == ref.business_unit_id,
        )
    ).one_or_none()
    if row is None:
        text = f"There is no refund {refund_id} on this account."
        raise NotFound("REFUND_NOT_FOUND", text, metadata={"refund_id": str(refund_id)})
    return _view(row)


def list_refunds(tx: Transaction, scope: InvoiceScope, page: Page) -> tuple[Sequence[RefundView], str]:
    """Read a page of refunds by day and id, and the next page's token."""
    table, day = store.refund.c, movements.movement.c.business_date
    query = _WITH_MOVEMENT.where(table.enterprise_id == scope.enterprise_id)
    if scope.business_unit_id is not None:
        query = query.where(table.business_unit_id == scope.business_unit_id)
    if scope.account_id is not None:
        query = query.where(table.account_id == scope.account_id)
    if page.after:
        last_day, last_id = page.after
        query = query.where(
            sa.tuple_(day, table.id)
            > sa.tuple_(sa.cast(sa.literal(str(last_day)), sa.Date), sa.cast(sa.literal(str(last_id)), table.id.type))
        )
    rows = tx.connection.execute(query.order_by(day, table.id).limit(page.limit)).all()
    found, token = page.cut(rows, lambda row: (row.business_date, row.id))
    return [_view(row) for row in found], token


def to_send(tx: Transaction, refund_id: UUID) -> tuple[RefundState, SubmittedRefund]:
    """Read where a refund is, and what goes to the processor. Raises LookupError for one that isn't there."""
    one = store.find(tx.connection, tx.enterprise_id, refund_id)
    if one is None:
        raise LookupError(f"there is no refund {refund_id}")
    movement = movements.find(tx.connection, one.account, one.id)
    assert movement is not None, "every refund has its movement"
    return one.state, _submitted(one, movement.business_date)


def is_waiting(tx: Transaction, refund_id: UUID) -> bool:
    """Tell whether a refund is in no file yet."""
    one = store.find(tx.connection, tx.enterprise_id, refund_id)
    return one is not None and one.waits_for_company


def to_send_together(tx: Transaction, leader_id: UUID, *, may_be_there: bool) -> SubmittedRefunds | None:
    """Read the refunds that go out under one's key and have no answer yet, in the order they were made."""
    mine = sa.and_(store.refund.c.enterprise_id == tx.enterprise_id, store.refund.c.sent_with == leader_id)
    rows = tx.connection.execute(_WITH_MOVEMENT.where(mine).order_by(store.refund.c.id)).all()
    refunds = [_submitted(store.read(row), row.business_date) for row in rows if RefundState(row.state) in TO_SEND]
    if not refunds:
        return None
    (day,) = (row.business_date for row in rows if row.id == leader_id)
    return SubmittedRefunds(
        tx.enterprise_id, refunds[0].business_unit_id, str(leader_id), day, refunds, may_be_there=may_be_there
    )


def _submitted(one: Refund, day: date) -> SubmittedRefund:
    account = one.account
    about = (str(one.id), one.tender, one.token, one.amount_minor, one.currency, day)
    return SubmittedRefund(account.enterprise_id, account.business_unit_id, *about)


def _view(row: "sa.Row[Any]") -> RefundView:
    return RefundView(store.read(row), row.reason, row.business_date, row.create_time)
