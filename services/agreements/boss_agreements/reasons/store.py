"""Tables and SQL of reasons and of their links to definitions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_agreements.catalogue.store import Shelf, entry_table, texts
from boss_agreements.reasons.rules import CANCEL, SUSPENSION, CancelReason, SuspensionReason

TABLES = sa.MetaData()

cancel_reason = entry_table(
    "cancel_reason",
    TABLES,
    sa.Column("agreements", sa.Boolean, nullable=False),
    sa.Column("invoices", sa.Boolean, nullable=False),
    sa.Column("rewrite", sa.Boolean, nullable=False),
    sa.Column("admin_adjustment", sa.Boolean, nullable=False),
    sa.Column("refund", sa.Boolean, nullable=False),
    sa.Column("no_refund", sa.Boolean, nullable=False),
    sa.Column("immediate_allowed", sa.Boolean, nullable=False),
    sa.Column("future_allowed", sa.Boolean, nullable=False),
    sa.Column("prior_to_first_billing", sa.Boolean, nullable=False),
    sa.Column("keep_same_billing_schedule", sa.Boolean, nullable=False),
    sa.Column("approver_roles", texts(), nullable=False),
)

suspension_reason = entry_table(
    "suspension_reason",
    TABLES,
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("must_start_on_key_item_bill_date", sa.Boolean, nullable=False),
    sa.Column("days_min", sa.Integer, nullable=False),
    sa.Column("days_max", sa.Integer, nullable=False),
    sa.Column("open_ended", sa.Boolean, nullable=False),
    sa.Column("approver_roles", texts(), nullable=False),
    sa.Column("stop_billing", sa.Boolean, nullable=False),
    sa.Column("freeze_charge_item_id", PG_UUID),
    sa.Column("recurring_charge_item_id", PG_UUID),
    sa.Column("prevent_activity_use", sa.Boolean, nullable=False),
    sa.Column("extend_availability", sa.Boolean, nullable=False),
    sa.Column("extend_obligation_date", sa.Boolean, nullable=False),
)

reason_link = sa.Table(
    "reason_link",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("definition_id", PG_UUID, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("reason_id", PG_UUID, primary_key=True),
    sa.Index("reason_link_reason", "enterprise_id", "kind", "reason_id"),
)

CANCEL_REASONS = Shelf("cancel reason", CancelReason, cancel_reason)
SUSPENSION_REASONS = Shelf("suspension reason", SuspensionReason, suspension_reason)
SHELVES: Mapping[str, Shelf[Any]] = {CANCEL: CANCEL_REASONS, SUSPENSION: SUSPENSION_REASONS}


def reasons_of(connection: sa.Connection, enterprise_id: UUID, definition_id: UUID, kind: str) -> frozenset[UUID]:
    """Read which reasons a definition is linked with."""
    table = reason_link.c
    query = sa.select(table.reason_id).where(
        table.enterprise_id == enterprise_id, table.definition_id == definition_id, table.kind == kind
    )
    return frozenset(connection.scalars(query))


def definitions_of(connection: sa.Connection, enterprise_id: UUID, reason_id: UUID, kind: str) -> frozenset[UUID]:
    """Read which definitions a reason is linked with."""
    table = reason_link.c
    query = sa.select(table.definition_id).where(
        table.enterprise_id == enterprise_id, table.reason_id == reason_id, table.kind == kind
    )
    return frozenset(connection.scalars(query))


def link(connection: sa.Connection, enterprise_id: UUID, kind: str, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Link definitions with reasons; what is linked stays so."""
    if pairs:
        rows = [
            {"enterprise_id": enterprise_id, "kind": kind, "definition_id": definition, "reason_id": reason}
            for definition, reason in pairs
        ]
        connection.execute(insert(reason_link).values(rows).on_conflict_do_nothing())


def unlink(
    connection: sa.Connection,
    enterprise_id: UUID,
    kind: str,
    *,
    definition_ids: Collection[UUID],
    reason_ids: Collection[UUID],
) -> None:
    """Remove the links between these definitions and these reasons."""
    table = reason_link.c
    connection.execute(
        sa.delete(reason_link).where(
            table.enterprise_id == enterprise_id,
            table.kind == kind,
            table.definition_id.in_(definition_ids),
            table.reason_id.in_(reason_ids),
        )
    )
