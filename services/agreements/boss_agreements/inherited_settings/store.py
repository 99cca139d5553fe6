"""Table and SQL of settings."""

from collections.abc import Collection, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

TABLES = sa.MetaData()

inherited_setting = sa.Table(
    "inherited_setting",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("node_id", PG_UUID, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def values_of(
    connection: sa.Connection, enterprise_id: UUID, node_ids: Collection[UUID]
) -> Mapping[tuple[UUID, str], str]:
    """Read the own values of some levels."""
    table = inherited_setting.c
    query = sa.select(table.node_id, table.key, table.value).where(
        table.enterprise_id == enterprise_id, table.node_id.in_(node_ids)
    )
    return {(row.node_id, row.key): row.value for row in connection.execute(query)}


def put(connection: sa.Connection, enterprise_id: UUID, node_id: UUID, key: str, value: str) -> None:
    """Keep a level's own value."""
    statement = insert(inherited_setting).values(enterprise_id=enterprise_id, node_id=node_id, key=key, value=value)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(inherited_setting.primary_key), set_={"value": statement.excluded.value}
        )
    )


def remove(connection: sa.Connection, enterprise_id: UUID, node_id: UUID, key: str) -> None:
    """Forget a level's own value."""
    table = inherited_setting.c
    connection.execute(
        sa.delete(inherited_setting).where(
            table.enterprise_id == enterprise_id, table.node_id == node_id, table.key == key
        )
    )
