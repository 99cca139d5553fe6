"""Reads of templates."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from boss_kit.errors import NotFound
from boss_kit.names import parse
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction
from boss_notifications.templates import store
from boss_notifications.templates.rules import ENTERPRISE_NAME, TEMPLATE_NAME, Recording, Template


def get_template(tx: Transaction, name: str) -> Template:
    """Read a template. Raises NotFound."""
    ids = parse(TEMPLATE_NAME, name)
    found = store.find(tx.connection, ids["e"], [ids["t"]])
    if not found:
        raise NotFound("TEMPLATE_NOT_FOUND", f"There is no template {name}.", metadata={"name": name})
    return found[ids["t"]]


def get_recording(tx: Transaction, name: str) -> Recording:
    """Read a template's recording, to play it back (SPEC NOT-6). Raises NotFound."""
    ids = parse(TEMPLATE_NAME, name)
    found = store.find_recording(tx.connection, ids["e"], ids["t"])
    if found is None:
        raise NotFound("RECORDING_NOT_FOUND", f"The template {name} has no recording.", metadata={"name": name})
    return found


def list_templates(tx: Transaction, parent: str, page: Page) -> tuple[Sequence[Template], str]:
    """Give a page of an enterprise's templates by time, and the next page's token."""
    table = store.template
    columns = [column for column in table.c if column.name != "audio"]
    query = sa.select(*columns).where(table.c.enterprise_id == parse(ENTERPRISE_NAME, parent, "parent")["e"])
    if page.after is not None:
        time, last = page.after
        after = sa.tuple_(sa.literal(datetime.fromisoformat(str(time))), sa.literal(UUID(str(last))))
        query = query.where(sa.tuple_(table.c.create_time, table.c.id) > after)
    rows = tx.connection.execute(query.order_by(table.c.create_time, table.c.id).limit(page.limit)).all()
    kept, token = page.cut(rows, lambda row: (row.create_time, row.id))
    return [store.template_of(row) for row in kept], token
