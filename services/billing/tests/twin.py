"""An enterprise's twin: another enterprise that has chosen the very same ids, numbers and tokens."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from club import ENTERPRISE_ID, Club

from boss_kit import schema

TWIN_ID = UUID("018f2f6e-0000-7000-8000-0000000007e1")
_OURS_ALONE = {table.name for table in schema.KIT.sorted_tables}
"""Messages, tasks and requests are on their way; a twin's would be delivered and done as its own."""


def tables_of(club: Club) -> dict[str, list[str]]:
    """Give the tables that hold rows of enterprises, with the columns one can write."""
    inspector = sa.inspect(club.engine)
    found: dict[str, list[str]] = {}
    for table in inspector.get_table_names():
        columns = [one["name"] for one in inspector.get_columns(table) if not one.get("identity")]
        if "enterprise_id" in columns and table not in _OURS_ALONE:
            found[table] = columns
    return found


def add_twin(club: Club) -> None:
    """Give the twin all that is ours under the same ids, with other amounts, words and answers."""
    with club.engine.begin() as connection:
        for table, columns in tables_of(club).items():
            others = [one for one in columns if one != "enterprise_id"]
            named, told = (", ".join(some) for some in ((f'"{one}"' for one in others), map(_twisted, others)))
            statement = (
                f"INSERT INTO {table} (enterprise_id, {named}) SELECT :twin, {told} FROM {table} "
                "WHERE enterprise_id = :ours"
            )
            connection.execute(sa.text(statement), {"twin": TWIN_ID, "ours": ENTERPRISE_ID})


def _twisted(column: str) -> str:
    """Say otherwise what a column says, as far as the rest of the row still makes sense."""
    if column.endswith("_minor"):
        return f'"{column}" + 700'
    if column in ("response_message", "reason", "comment", "description", "message", "note"):
        return f"\"{column}\" || ' of theirs'"
    return f'NOT "{column}"' if column in ("card_updater", "is_valid", "alert", "arm_entry") else f'"{column}"'


def rows_of_twin(club: Club) -> dict[str, Any]:
    """Give all that the twin has, as one digest of each table."""
    digest = "SELECT count(*), md5(coalesce(string_agg(one::text, ' ' ORDER BY one::text), '')) FROM {} AS one"
    return {
        table: tuple(club.one(f"{digest.format(table)} WHERE enterprise_id = :twin", twin=TWIN_ID))
        for table in tables_of(club)
    }
