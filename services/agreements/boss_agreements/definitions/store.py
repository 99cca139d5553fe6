"""Tables and SQL of definitions and of where they are applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.catalogue.store import Records, Shelf, entry_table
from boss_agreements.definitions.rules import Application, Definition, Part

TABLES = sa.MetaData()

definition = entry_table(
    "definition",
    TABLES,
    sa.Column("agreement_type", sa.Text, nullable=False),
    sa.Column("classification_id", PG_UUID),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("owner_qualifies_as_member", sa.Boolean, nullable=False),
    sa.Column("barcode_required", sa.Boolean, nullable=False),
    sa.Column("online_only", sa.Boolean, nullable=False),
    sa.Column("manual_funding_source_allowed", sa.Boolean, nullable=False),
    sa.Column("qualified_members_only", sa.Boolean, nullable=False),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("agreement_rules_id", PG_UUID),
    sa.Column("prorates_first_days", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("parts", Records(Part), nullable=False),
)

definition_application = sa.Table(
    "definition_application",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("definition_id", PG_UUID, primary_key=True),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("template_id", PG_UUID, nullable=False),
)

DEFINITIONS = Shelf("definition", Definition, definition)
_COLUMNS = tuple(definition_application.columns.keys())


@dataclass(frozen=True)
class Criteria:
    """What definitions are looked for; what is left empty doesn't matter."""

    name: str = ""
    agreement_type: str = ""
    classification_id: UUID | None = None
    bundle_id: UUID | None = None


def meeting(criteria: Criteria) -> Sequence["sa.ColumnElement[bool]"]:
    """Say in SQL what definitions are looked for; a name is any part of one, in any case."""
    table = definition.c
    only: list[sa.ColumnElement[bool]] = []
    if criteria.name:
        only.append(sa.func.lower(table.name).contains(criteria.name.lower(), autoescape=True))
    if criteria.agreement_type:
        only.append(table.agreement_type == criteria.agreement_type)
    if criteria.classification_id is not None:
        only.append(table.classification_id == criteria.classification_id)
    if criteria.bundle_id is not None:
        only.append(sa.cast(table.parts, JSONB).contains([{"bundle_id": str(criteria.bundle_id)}]))
    return only


def apply(connection: sa.Connection, application: Application) -> None:
    """Apply a definition to a unit; one that is applied already gets the new days and template."""
    values = {name: getattr(application, name) for name in _COLUMNS}
    statement = insert(definition_application).values(values)
    kept = {name: statement.excluded[name] for name in ("start_date", "end_date", "template_id")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(definition_application.primary_key), set_=kept)
    )


def find_application(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, definition_id: UUID
) -> Application | None:
    """Read how a definition is applied to a unit."""
    query = _applications(enterprise_id).where(
        definition_application.c.business_unit_id == unit_id, definition_application.c.definition_id == definition_id
    )
    return next(iter(_read(connection, query)), None)


def applications_in(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> Sequence[Application]:
    """Read what is applied to a unit."""
    return _read(connection, _applications(enterprise_id).where(definition_application.c.business_unit_id == unit_id))


def applications_of(connection: sa.Connection, enterprise_id: UUID, definition_id: UUID) -> Sequence[Application]:
    """Read where a definition is applied."""
    query = _applications(enterprise_id).where(definition_application.c.definition_id == definition_id)
    return _read(connection, query.order_by(definition_application.c.business_unit_id))


def _applications(enterprise_id: UUID) -> "sa.Select[Application]":
    return sa.select(definition_application).where(definition_application.c.enterprise_id == enterprise_id)


def _read(connection: sa.Connection, query: "sa.Select[Application]") -> Sequence[Application]:
    return [Application(**row) for row in connection.execute(query).mappings()]
