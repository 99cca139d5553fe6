"""Read the decline table, the attempt limits and the alerts of an enterprise."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.declines import store
from boss_billing.declines.rules import AttemptLimit, Code
from boss_billing.units import store as units
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


def list_codes(tx: Transaction, enterprise_id: UUID) -> tuple[Sequence[Code], str]:
    """Read the whole table by code, and the currency of its fees."""
    return list(store.codes(tx.connection, enterprise_id).values()), currency_of(tx, enterprise_id)


def list_limits(tx: Transaction, enterprise_id: UUID) -> Sequence[AttemptLimit]:
    """Read all attempt limits."""
    return store.attempt_limits(tx.connection, enterprise_id)


def list_alerts(
    tx: Transaction, enterprise_id: UUID, page: Page, *, open_only: bool
) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of alerts, oldest first."""
    table = store.decline_alert
    key = (table.c.business_date, table.c.payment_id)
    query = sa.select(table).where(table.c.enterprise_id == enterprise_id)
    if open_only:
        query = query.where(table.c.resolved_by == "")
    if page.after:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, page.after)))
    rows = tx.connection.execute(query.order_by(*key).limit(page.limit)).all()
    return page.cut(rows, lambda row: (row.business_date, row.payment_id))


def currency_of(tx: Transaction, enterprise_id: UUID) -> str:
    """Give the currency an enterprise's decline fees are in. Raises NotFound without a unit."""
    unit = next(iter(units.units_of(tx.connection, enterprise_id).values()), None)
    if unit is None:
        raise NotFound("BUSINESS_UNIT_NOT_FOUND", "Billing knows no business unit of this enterprise.")
    return unit.currency
