"""Reads of an account's story."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from boss_kit.names import parse
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction
from boss_notifications.intents.rules import ACCOUNT_NAME
from boss_notifications.timeline import store


def list_entries(tx: Transaction, parent: str, page: Page) -> "tuple[Sequence[sa.Row[Any]], str]":
    """Give a page of an account's lines, oldest first, and the next page's token."""
    ids = parse(ACCOUNT_NAME, parent, "parent")
    after = None
    if page.after is not None:
        day, time, number = page.after
        after = (date.fromisoformat(str(day)), datetime.fromisoformat(str(time)), int(str(number)))
    rows = store.page(tx.connection, ids["e"], ids["b"], ids["a"], after, page.limit)
    return page.cut(rows, lambda row: (row.business_date, row.create_time, row.id))
