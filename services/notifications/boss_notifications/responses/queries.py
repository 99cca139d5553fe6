"""Reads of what providers reported."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from boss_kit.names import parse
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction
from boss_notifications.responses import store


def list_unmatched(tx: Transaction, parent: str, page: Page) -> "tuple[Sequence[sa.Row[Any]], str]":
    """Give a page of the responses that match no message or no row, oldest first."""
    enterprise_id = parse("enterprises/{e}", parent, "parent")["e"]
    after = None
    if page.after is not None:
        time, response_id = page.after
        after = (datetime.fromisoformat(str(time)), str(response_id))
    rows = store.unmatched_after(tx.connection, enterprise_id, after, page.limit)
    return page.cut(rows, lambda row: (row.create_time, row.response_id))
