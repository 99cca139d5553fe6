"""Tables and SQL of templates and of all their versions."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.templates.rules import Template

TABLES = sa.MetaData()
_TEXTS = ("title", "body", "signature_text")

template = entry_table("template", TABLES, *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS))

template_version = sa.Table(
    "template_version",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("template_id", PG_UUID, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
)


class TemplateShelf(Shelf[Template]):
    """Templates, of which every version stays."""

    def add(self, connection: sa.Connection, entry: Template) -> bool:
        """Add a template and its first version."""
        return super().add(connection, entry) and _keep(connection, entry)

    def save(self, connection: sa.Connection, entry: Template) -> bool:
        """Write a template anew and keep its version."""
        return super().save(connection, entry) and _keep(connection, entry)


TEMPLATES = TemplateShelf("template", Template, template)


def find_version(
    connection: sa.Connection, enterprise_id: UUID, template_id: UUID, version: int
) -> tuple[str, str, str] | None:
    """Read title, body and signature text as they were in a version."""
    table = template_version.c
    query = sa.select(table.title, table.body, table.signature_text).where(
        table.enterprise_id == enterprise_id, table.template_id == template_id, table.version == version
    )
    row = connection.execute(query).one_or_none()
    return (row.title, row.body, row.signature_text) if row else None


def _keep(connection: sa.Connection, entry: Template) -> bool:
    values = {"enterprise_id": entry.enterprise_id, "template_id": entry.id, "version": entry.version}
    values |= {name: getattr(entry, name) for name in _TEXTS}
    connection.execute(insert(template_version).values(values))
    return True
