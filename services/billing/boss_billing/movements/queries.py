"""Read movements and approval limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.accounts.store import account
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.movements import store
from boss_billing.movements.rules import WHOLE_ENTERPRISE
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_ACCOUNT = sa.and_(
    account.c.enterprise_id == store.movement.c.enterprise_id, account.c.id == store.movement.c.account_id
)
_SELECT = sa.select(store.movement, account.c.number.label("account_number")).select_from(
    store.movement.join(account, _ACCOUNT)
)


@dataclass(frozen=True)
class EffectiveLimit:
    """A limit as it holds for a scope, and the level it comes from; none where one person is always enough."""

    limit_minor: int | None
    is_units_own: bool


def get_movement(tx: Transaction, ref: AccountRef, movement_id: UUID) -> "sa.Row[Any]":
    """Read a movement. Raises NotFound."""
    table = store.movement.c
    row = tx.connection.execute(
        _SELECT.where(
            table.enterprise_id == ref.enterprise_id,
            table.id == movement_id,
            table.account_id == ref.id,
            table.business_unit_id == ref.business_unit_id,
        )
    ).one_or_none()
    if row is None:
        text = f"There is no movement {movement_id} on this account."
        raise NotFound("MOVEMENT_NOT_FOUND", text, metadata={"movement_id": str(movement_id)})
    return row


def list_movements(tx: Transaction, scope: InvoiceScope, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of movements by day and id, and the next page's token."""
    table = store.movement.c
    query = _SELECT.where(table.enterprise_id == scope.enterprise_id)
    if scope.business_unit_id is not None:
        query = query.where(table.business_unit_id == scope.business_unit_id)
    if scope.account_id is not None:
        query = query.where(table.account_id == scope.account_id)
    if page.after:
        day, last = page.after
        query = query.where(
            sa.tuple_(table.business_date, table.id)
            > sa.tuple_(sa.cast(sa.literal(str(day)), sa.Date), sa.cast(sa.literal(str(last)), table.id.type))
        )
    query = query.order_by(table.business_date, table.id).limit(page.limit)
    return page.cut(tx.connection.execute(query).all(), lambda row: (row.business_date, row.id))


def get_limit(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None) -> EffectiveLimit:
    """Read the limit of a unit or an enterprise, and the level it comes from."""
    table = store.approval_limit.c
    levels = [unit_id, WHOLE_ENTERPRISE] if unit_id is not None else [WHOLE_ENTERPRISE]
    rows = tx.connection.execute(
        sa.select(table.business_unit_id, table.limit_minor).where(
            table.enterprise_id == enterprise_id, table.business_unit_id.in_(levels), table.limit_minor.is_not(None)
        )
    )
    found = {row.business_unit_id: row.limit_minor for row in rows}
    if unit_id in found:
        return EffectiveLimit(found[unit_id], is_units_own=True)
    return EffectiveLimit(found.get(WHOLE_ENTERPRISE), is_units_own=False)
