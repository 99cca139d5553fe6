"""Table and SQL of the change history; the database refuses to change or delete what is in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.tables import agreement
from boss_kit.context import Actor

TABLES = sa.MetaData()

agreement_change = sa.Table(
    "agreement_change",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("agreement_id", PG_UUID, primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("notable", ARRAY(sa.Text), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    # What an event caused is recorded once, although its state may be told again.
    sa.Index(
        "agreement_change_cause",
        "enterprise_id",
        "agreement_id",
        "cause",
        unique=True,
        postgresql_where=sa.text("cause IS NOT NULL"),
    ),
    comment="Append-only: a trigger refuses every change.",
)


@dataclass(frozen=True)
class ChangeRow:
    """A record of the history as it is stored."""

    enterprise_id: UUID
    agreement_id: UUID
    business_unit_id: UUID
    business_date: date
    type: str
    summary: str
    notable: tuple[str, ...]
    actor: Actor
    cause: str | None
    correlation: str
    create_time: datetime
    id: int = 0


@dataclass(frozen=True)
class Billed:
    """An agreement that an account pays for, as far as the history names it."""

    id: UUID
    business_unit_id: UUID
    number: str
    name: str


def add(connection: sa.Connection, rows: Sequence[ChangeRow]) -> None:
    """Append records."""
    if rows:
        connection.execute(insert(agreement_change).on_conflict_do_nothing(), [_values(row) for row in rows])


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    agreement_id: UUID,
    change_type: str,
    before: int | None,
    limit: int,
) -> Sequence[ChangeRow]:
    """Read an agreement's records, newest first."""
    columns = agreement_change.c
    query = sa.select(agreement_change).where(
        columns.enterprise_id == enterprise_id,
        columns.agreement_id == agreement_id,
        columns.business_unit_id == unit_id,
    )
    if change_type:
        query = query.where(columns.type == change_type)
    if before is not None:
        query = query.where(columns.id < before)
    return [_read(row) for row in connection.execute(query.order_by(columns.id.desc()).limit(limit))]


def billed_to(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID], statuses: Sequence[str]
) -> Mapping[UUID, Sequence[Billed]]:
    """Read the agreements that accounts pay for, in some statuses, by account."""
    query = (
        sa.select(
            agreement.c.account_id,
            agreement.c.id,
            agreement.c.business_unit_id,
            agreement.c.number,
            agreement.c.display_name,
        )
        .where(
            agreement.c.enterprise_id == enterprise_id,
            agreement.c.account_id == sa.any_(sa.cast(list(account_ids), ARRAY(PG_UUID))),
            agreement.c.status.in_(statuses),
        )
        .order_by(agreement.c.id)
    )
    found: dict[UUID, list[Billed]] = {}
    for row in connection.execute(query):
        one = Billed(row.id, row.business_unit_id, row.number, row.display_name)
        found.setdefault(row.account_id, []).append(one)
    return found


def _values(row: ChangeRow) -> dict[str, object]:
    names = [column.name for column in agreement_change.columns if column.name not in ("id", "actor", "notable")]
    return {name: getattr(row, name) for name in names} | {
        "actor": row.actor.to_json(),
        "notable": list(row.notable),
    }


def _read(row: "sa.Row[Any]") -> ChangeRow:
    values = {column.name: getattr(row, column.name) for column in agreement_change.columns}
    return ChangeRow(**values | {"actor": Actor.from_json(row.actor), "notable": tuple(row.notable)})
