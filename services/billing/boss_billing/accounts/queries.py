"""Read accounts and what they owe."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts import store
from boss_billing.accounts.rules import AccountRef, AccountView, Balance, past_due_minor
from boss_billing.funding import store as funding
from boss_billing.funding.rules import FundingSource
from boss_billing.invoices import store as invoices
from boss_billing.payments import store as payments
from boss_billing.units import store as units
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

AccountWithSources = tuple[AccountView, Sequence[FundingSource]]


def get_account(tx: Transaction, ref: AccountRef) -> AccountWithSources:
    """Read an account with its sources. Raises NotFound."""
    table = store.account
    query = sa.select(table).where(
        table.c.enterprise_id == ref.enterprise_id,
        table.c.business_unit_id == ref.business_unit_id,
        table.c.id == ref.id,
    )
    found = _views(tx, ref.enterprise_id, tx.connection.execute(query).all())
    if not found:
        raise NotFound("ACCOUNT_NOT_FOUND", f"There is no account {ref.name}.", metadata={"account": ref.name})
    return found[0]


def list_accounts(
    tx: Transaction, enterprise_id: UUID, business_unit_id: UUID | None, number: str, page: Page
) -> tuple[Sequence[AccountWithSources], str]:
    """Read a page of accounts by number, and the next page's token."""
    table = store.account
    query = sa.select(table).where(table.c.enterprise_id == enterprise_id)
    if business_unit_id is not None:
        query = query.where(table.c.business_unit_id == business_unit_id)
    if number:
        query = query.where(table.c.number == number)
    if page.after:
        query = query.where(table.c.number > page.after[0])
    rows, token = page.cut(
        tx.connection.execute(query.order_by(table.c.number).limit(page.limit)).all(), lambda row: (row.number,)
    )
    return _views(tx, enterprise_id, rows), token


def balances(tx: Transaction, enterprise_id: UUID, refs: Sequence[AccountRef]) -> Sequence[Balance]:
    """Read what accounts owe, set by set, in the order asked for; unknown ones are left out."""
    ids = [ref.id for ref in refs]
    if not ids:
        return []
    table = store.account
    query = sa.select(table).where(table.c.enterprise_id == enterprise_id, table.c.id.in_(ids))
    rows = {row.id: row for row in tx.connection.execute(query)}
    zones = {unit.id: unit.time_zone for unit in units.units_of(tx.connection, enterprise_id).values()}
    open_items = invoices.open_items(tx.connection, enterprise_id, ids)
    in_flight = payments.accounts_in_flight(tx.connection, enterprise_id, ids)
    found = []
    for ref in refs:
        row = rows.get(ref.id)
        if row is None or row.business_unit_id != ref.business_unit_id:
            continue
        items = open_items.get(ref.id, [])
        owed = sum(item.balance_minor for item in items) - row.credit_minor
        past_due = past_due_minor(items, tx.today(zones[row.business_unit_id]))
        found.append(Balance(ref, row.currency, owed, past_due, ref.id in in_flight))
    return found


def _views(tx: Transaction, enterprise_id: UUID, rows: Sequence["sa.Row[Any]"]) -> list[AccountWithSources]:
    refs = [AccountRef(enterprise_id, row.business_unit_id, row.id) for row in rows]
    sources = funding.sources_of(tx.connection, enterprise_id, [ref.id for ref in refs])
    owed = {balance.ref.id: balance for balance in balances(tx, enterprise_id, refs)}
    found: list[AccountWithSources] = []
    for row, ref in zip(rows, refs, strict=True):
        balance = owed[ref.id]
        view = AccountView(
            ref,
            row.number,
            row.currency,
            row.version,
            balance.balance_minor,
            balance.past_due_minor,
            row.create_time,
            row.credit_minor,
        )
        found.append((view, sources.get(ref.id, [])))
    return found
