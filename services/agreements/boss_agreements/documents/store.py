"""Table and SQL of documents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

TABLES = sa.MetaData()

agreement_document = sa.Table(
    "agreement_document",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("agreement_id", PG_UUID, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("template_id", PG_UUID, nullable=False),
    sa.Column("template_version", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    comment="A document per version of its agreement that was handed out; none is ever overwritten.",
)


@dataclass(frozen=True)
class StoredDocument:
    """A document as it was made."""

    enterprise_id: UUID
    agreement_id: UUID
    version: int
    business_unit_id: UUID
    template_id: UUID
    template_version: int
    content: bytes
    create_time: datetime


def add(connection: sa.Connection, made: StoredDocument) -> None:
    """Keep a document; one that is there already stays."""
    values = {column.name: getattr(made, column.name) for column in agreement_document.columns}
    connection.execute(insert(agreement_document).values(values).on_conflict_do_nothing())


def find(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID, version: int | None
) -> StoredDocument | None:
    """Read an agreement's newest document, or the one of a version."""
    columns = agreement_document.c
    query = sa.select(agreement_document).where(
        columns.enterprise_id == enterprise_id,
        columns.agreement_id == agreement_id,
        columns.business_unit_id == unit_id,
    )
    if version is not None:
        query = query.where(columns.version == version)
    row = connection.execute(query.order_by(columns.version.desc()).limit(1)).one_or_none()
    return _read(row) if row else None


def _read(row: "sa.Row[Any]") -> StoredDocument:
    values = {column.name: getattr(row, column.name) for column in agreement_document.columns}
    return StoredDocument(**values | {"content": bytes(row.content)})
