"""The table of suspensions; runs ask it what isn't collected on a day."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

TABLES = sa.MetaData()

suspension = sa.Table(
    "suspension",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("agreement_id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("stop_billing", sa.Boolean, nullable=False),
    comment="agreement_id: what is suspended, the account itself where the suspension covers no agreement of it.",
)


def start(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Write suspensions that took effect; one whose end is known already keeps it."""
    connection.execute(insert(suspension).values(list(rows)).on_conflict_do_nothing())


def end(
    connection: sa.Connection, enterprise_id: UUID, suspension_id: UUID, agreement_id: UUID, end_date: date | None
) -> None:
    """Write when a suspension of an agreement ended or will end; none opens it."""
    mine = sa.and_(
        suspension.c.enterprise_id == enterprise_id,
        suspension.c.id == suspension_id,
        suspension.c.agreement_id == agreement_id,
    )
    connection.execute(sa.update(suspension).where(mine).values(end_date=end_date))
