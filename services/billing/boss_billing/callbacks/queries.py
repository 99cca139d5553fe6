"""Read callbacks that fit nothing we know."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.callbacks.rules import CallbackState
from boss_billing.callbacks.store import callback
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


def list_unmatched(tx: Transaction, enterprise_id: UUID, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of unmatched callbacks and exceptions, oldest first."""
    key = (callback.c.create_time, callback.c.kind, callback.c.callback_id)
    query = sa.select(callback).where(
        callback.c.enterprise_id == enterprise_id,
        callback.c.state.in_([CallbackState.UNMATCHED.value, CallbackState.EXCEPTION.value]),
    )
    if page.after:
        time, kind, callback_id = page.after
        after = sa.tuple_(
            sa.cast(sa.literal(str(time)), sa.DateTime(timezone=True)), sa.literal(kind), sa.literal(callback_id)
        )
        query = query.where(sa.tuple_(*key) > after)
    rows = tx.connection.execute(query.order_by(*key).limit(page.limit)).all()
    return page.cut(rows, lambda row: (row.create_time, row.kind, row.callback_id))
