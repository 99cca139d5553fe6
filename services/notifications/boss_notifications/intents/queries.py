"""Reads of notifications."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_kit.errors import NotFound
from boss_kit.names import parse
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction
from boss_notifications.intents.rules import ACCOUNT_NAME, NOTIFICATION_NAME, WAITING, State
from boss_notifications.intents.tables import N, notification
from boss_notifications.responses.store import invalidated_contact

ENTERPRISE = "enterprises/{e}"
UNIT = "enterprises/{e}/businessUnits/{b}"


def get_notification(tx: Transaction, name: str) -> "sa.Row[Any]":
    """Read one. Raises NotFound."""
    ids = parse(NOTIFICATION_NAME, name)
    row = tx.connection.execute(
        sa.select(notification).where(N.enterprise_id == ids["e"], N.business_unit_id == ids["b"], N.id == ids["n"])
    ).one_or_none()
    if row is None:
        raise NotFound("NOTIFICATION_NOT_FOUND", f"There is no notification {name}.", metadata={"name": name})
    return row


def list_notifications(tx: Transaction, parent: str, account: str, page: Page) -> "tuple[Sequence[sa.Row[Any]], str]":
    """Give a page by send date, of one account if asked, and the next page's token."""
    query = sa.select(notification).where(*_below(notification, parent))
    if account:
        ids = parse(ACCOUNT_NAME, account, "account")
        query = query.where(N.enterprise_id == ids["e"], N.business_unit_id == ids["b"], N.account_id == ids["a"])
    if page.after is not None:
        day, last = page.after
        after = sa.tuple_(sa.literal(date.fromisoformat(str(day))), sa.literal(UUID(str(last))))
        query = query.where(sa.tuple_(N.send_date, N.id) > after)
    rows = tx.connection.execute(query.order_by(N.send_date, N.id).limit(page.limit)).all()
    return page.cut(rows, lambda row: (row.send_date, row.id))


def count(tx: Transaction, parent: str) -> "Sequence[sa.Row[Any]]":
    """Count by channel: channel, sent, not_sent, waiting, unknown, sent_twice."""

    def how_many(condition: "sa.ColumnElement[bool]") -> "sa.ColumnElement[int]":
        return sa.func.count().filter(condition)

    return tx.connection.execute(
        sa.select(
            N.channel,
            how_many(N.times_sent > 0).label("sent"),
            how_many(N.state == State.NOT_SENT).label("not_sent"),
            how_many(N.state.in_([*WAITING, State.SENDING])).label("waiting"),
            how_many(N.state == State.UNKNOWN).label("unknown"),
            how_many(N.times_sent > 1).label("sent_twice"),
        )
        .where(*_below(notification, parent))
        .group_by(N.channel)
        .order_by(N.channel)
    ).all()


def count_invalidated(tx: Transaction, parent: str) -> dict[str, int]:
    """Count the contacts that results invalidated, each once, by channel."""
    contact = invalidated_contact.c
    rows = tx.connection.execute(
        sa.select(contact.channel, sa.func.count().label("contacts"))
        .where(*_below(invalidated_contact, parent))
        .group_by(contact.channel)
    )
    return {row.channel: row.contacts for row in rows}


def _below(table: sa.Table, parent: str) -> "list[sa.ColumnElement[bool]]":
    if "/businessUnits/" in parent:
        ids = parse(UNIT, parent, "parent")
        return [table.c.enterprise_id == ids["e"], table.c.business_unit_id == ids["b"]]
    return [table.c.enterprise_id == parse(ENTERPRISE, parent, "parent")["e"]]
