"""Tables and SQL of movements, insert only, and of the limits above which a second person must approve."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.accounts.rules import AccountRef
from boss_billing.ledger.rules import Source
from boss_billing.movements.rules import WHOLE_ENTERPRISE, Movement
from boss_kit.context import Actor

TABLES = sa.MetaData()

movement = sa.Table(
    "movement",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("agreement_id", PG_UUID),
    sa.Column("invoice_id", PG_UUID),
    sa.Column("payment_id", PG_UUID),
    sa.Column("origin_id", PG_UUID),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

approval_limit = sa.Table(
    "approval_limit",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("limit_minor", sa.BigInteger),
)

_LIMIT = sa.text(
    """
    SELECT limit_minor FROM approval_limit
    WHERE enterprise_id = :enterprise_id AND business_unit_id IN (:unit_id, :whole_enterprise)
      AND limit_minor IS NOT NULL
    ORDER BY business_unit_id = :unit_id DESC
    LIMIT 1
    """
)


def add(connection: sa.Connection, one: Movement, actor: Actor, correlation: str, now: datetime) -> None:
    """Add a movement with who entered it and who approved it."""
    connection.execute(
        sa.insert(movement).values(
            enterprise_id=one.account.enterprise_id,
            business_unit_id=one.account.business_unit_id,
            id=one.id,
            account_id=one.account.id,
            kind=one.kind.value,
            amount_minor=one.amount_minor,
            currency=one.currency,
            business_date=one.business_date,
            reason=one.reason,
            agreement_id=one.agreement_id,
            invoice_id=one.invoice_id,
            payment_id=one.payment_id,
            origin_id=one.origin_id,
            entered_by=actor.user,
            approved_by=actor.approver.user if actor.approver is not None else "",
            correlation=correlation,
            create_time=now,
        )
    )


def find(connection: sa.Connection, ref: AccountRef, movement_id: UUID) -> Movement | None:
    """Read a movement of an account."""
    table = movement.c
    query = sa.select(movement).where(
        table.enterprise_id == ref.enterprise_id,
        table.id == movement_id,
        table.account_id == ref.id,
        table.business_unit_id == ref.business_unit_id,
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Movement(
        row.id,
        ref,
        Source(row.kind),
        row.amount_minor,
        row.currency,
        row.business_date,
        row.reason,
        row.agreement_id,
        row.invoice_id,
        row.payment_id,
        row.origin_id,
    )


def limit_of(connection: sa.Connection, ref: AccountRef) -> int | None:
    """Read the limit of an account's unit, else the enterprise's; none where one person is enough."""
    parameters = {
        "enterprise_id": ref.enterprise_id,
        "unit_id": ref.business_unit_id,
        "whole_enterprise": WHOLE_ENTERPRISE,
    }
    limit: int | None = connection.scalar(_LIMIT, parameters)
    return limit


def save_limit(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, limit_minor: int | None) -> None:
    """Write a unit's limit, or the enterprise's."""
    values = {"enterprise_id": enterprise_id, "business_unit_id": unit_id or WHOLE_ENTERPRISE}
    statement = insert(approval_limit).values(**values, limit_minor=limit_minor)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["enterprise_id", "business_unit_id"], set_={"limit_minor": limit_minor}
        )
    )
