"""Tables and SQL of returns' lines and refunds, and what may still go back."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.refunds.rules import Destination, Refund, RefundState, ReturnLine

TABLES = sa.MetaData()

return_line = sa.Table(
    "return_line",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("return_id", PG_UUID, primary_key=True),
    sa.Column("line_no", sa.SmallInteger, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("item_category", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("tax_minor", sa.BigInteger, nullable=False),
)

refund = sa.Table(
    "refund",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("funding_source_id", PG_UUID),
    sa.Column("tender", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("response_code", sa.Text, nullable=False),
    sa.Column("response_message", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("final_date", sa.Date),
    sa.Column("sent_with", PG_UUID),
)

# What was invoiced for an agreement, or for all of an account, less what came back already.
_RETURNABLE = sa.text(
    """
    SELECT coalesce((
        SELECT sum(total_minor) FROM invoice
        WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND kind IN ('billed', 'sale', 'fee')
          AND (CAST(:agreement_id AS uuid) IS NULL OR agreement_id = :agreement_id)
    ), 0) - coalesce((
        SELECT sum(amount_minor) FROM movement
        WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND kind = 'return'
          AND (CAST(:agreement_id AS uuid) IS NULL OR agreement_id = :agreement_id)
    ), 0)
    """
)

# What was paid on an agreement's invoices in money or credit, less what was paid back for it.
_PAID_FOR_AGREEMENT = sa.text(
    """
    SELECT coalesce((
        SELECT sum(CASE WHEN credit = 'receivable' THEN transfer.amount_minor ELSE -transfer.amount_minor END)
        FROM transfer
        JOIN invoice ON invoice.enterprise_id = transfer.enterprise_id AND invoice.id = transfer.invoice_id
        WHERE transfer.enterprise_id = :enterprise_id AND transfer.account_id = :account_id
          AND invoice.agreement_id = :agreement_id
          AND (credit = 'receivable' AND debit IN ('cash', 'clearing', 'account_credit')
               OR debit = 'receivable' AND credit IN ('cash', 'clearing'))
    ), 0) - coalesce((
        SELECT sum(movement.amount_minor) FROM movement
        JOIN refund ON refund.enterprise_id = movement.enterprise_id AND refund.id = movement.id
        WHERE movement.enterprise_id = :enterprise_id AND movement.account_id = :account_id
          AND movement.agreement_id = :agreement_id AND refund.state <> 'declined'
    ), 0)
    """
)

# What came from one source, or over the desk, less what went back there by refund, chargeback or return of the bank.
_PAID_FROM = sa.text(
    """
    SELECT coalesce((
        SELECT sum(amount_minor) FROM payment
        WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND state = 'approved'
          AND funding_source_id IS NOT DISTINCT FROM :source_id
    ), 0) - coalesce((
        SELECT sum(amount_minor) FROM refund
        WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND state <> 'declined'
          AND funding_source_id IS NOT DISTINCT FROM :source_id
    ), 0) - coalesce((
        SELECT sum(CASE WHEN movement.kind = 'reversal' THEN -movement.amount_minor ELSE movement.amount_minor END)
        FROM movement
        JOIN payment ON payment.enterprise_id = movement.enterprise_id AND payment.id = movement.payment_id
        WHERE movement.enterprise_id = :enterprise_id AND movement.account_id = :account_id
          AND movement.kind IN ('chargeback', 'bank return', 'reversal')
          AND payment.funding_source_id IS NOT DISTINCT FROM :source_id
    ), 0)
    """
)


_GATHER = sa.text(
    """
    WITH waiting AS MATERIALIZED (
        SELECT id FROM refund
        WHERE enterprise_id = :enterprise_id AND business_unit_id = :unit_id
          AND state = 'created' AND sent_with IS NULL
        ORDER BY id <> :leader_id, id
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE refund SET sent_with = :leader_id FROM waiting
    WHERE refund.enterprise_id = :enterprise_id AND refund.id = waiting.id
    """
)


def returnable_minor(connection: sa.Connection, ref: AccountRef, agreement_id: UUID | None) -> int:
    """Read how much may still come back."""
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "agreement_id": agreement_id}
    return int(connection.scalar(_RETURNABLE, parameters) or 0)


def paid_for_agreement_minor(connection: sa.Connection, ref: AccountRef, agreement_id: UUID) -> int:
    """Read how much was paid for an agreement and not paid back."""
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "agreement_id": agreement_id}
    return int(connection.scalar(_PAID_FOR_AGREEMENT, parameters) or 0)


def paid_from_minor(connection: sa.Connection, ref: AccountRef, source_id: UUID | None) -> int:
    """Read how much came from a source, or over the desk, and didn't go back there."""
    query = _PAID_FROM.bindparams(sa.bindparam("source_id", type_=PG_UUID))
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "source_id": source_id}
    return int(connection.scalar(query, parameters) or 0)


def add_lines(connection: sa.Connection, ref: AccountRef, return_id: UUID, lines: Sequence[ReturnLine]) -> None:
    """Add the lines of a return."""
    rows = [
        {
            "enterprise_id": ref.enterprise_id,
            "business_unit_id": ref.business_unit_id,
            "return_id": return_id,
            "line_no": line_no,
            "description": line.description,
            "item_category": line.item_category,
            "item": line.item,
            "amount_minor": line.amount_minor,
            "tax_minor": line.tax_minor,
        }
        for line_no, line in enumerate(lines, 1)
    ]
    connection.execute(sa.insert(return_line), rows)


def lines_of(connection: sa.Connection, enterprise_id: UUID, return_id: UUID) -> list[ReturnLine]:
    """Read the lines of a return."""
    table = return_line.c
    query = sa.select(table.description, table.item_category, table.item, table.amount_minor, table.tax_minor).where(
        table.enterprise_id == enterprise_id, table.return_id == return_id
    )
    return [ReturnLine(*row) for row in connection.execute(query.order_by(table.line_no))]


def add(connection: sa.Connection, one: Refund) -> None:
    """Add a refund."""
    connection.execute(
        sa.insert(refund).values(
            enterprise_id=one.account.enterprise_id,
            business_unit_id=one.account.business_unit_id,
            id=one.id,
            account_id=one.account.id,
            destination=one.destination.value,
            funding_source_id=one.funding_source_id,
            tender=one.tender,
            token=one.token,
            amount_minor=one.amount_minor,
            currency=one.currency,
            state=one.state.value,
            response_code=one.response_code,
            response_message=one.response_message,
            transaction_id=one.transaction_id,
            final_date=one.final_date,
        )
    )


def find(connection: sa.Connection, enterprise_id: UUID, refund_id: UUID) -> Refund | None:
    """Read a refund."""
    query = sa.select(refund).where(refund.c.enterprise_id == enterprise_id, refund.c.id == refund_id)
    row = connection.execute(query).one_or_none()
    return read(row) if row is not None else None


def lock(connection: sa.Connection, enterprise_id: UUID, refund_id: UUID) -> Refund | None:
    """Read a refund and lock it until the transaction ends."""
    query = sa.select(refund).where(refund.c.enterprise_id == enterprise_id, refund.c.id == refund_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    return read(row) if row is not None else None


def gather(connection: sa.Connection, leader: Refund, limit: int) -> None:
    """Let the refunds of a unit that wait go out with one of them; what somebody else gathers is left to them."""
    account = leader.account
    parameters = {"enterprise_id": account.enterprise_id, "unit_id": account.business_unit_id, "leader_id": leader.id}
    connection.execute(_GATHER, {**parameters, "limit": limit})


def scatter(connection: sa.Connection, enterprise_id: UUID, leader_id: UUID) -> None:
    """Let the refunds of a file that never left wait again."""
    mine = sa.and_(refund.c.enterprise_id == enterprise_id, refund.c.sent_with == leader_id)
    connection.execute(
        sa.update(refund).where(mine, refund.c.state == RefundState.CREATED.value).values(sent_with=None)
    )


def set_state(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID], state: RefundState) -> None:
    """Write that the processor has refunds, or that nobody knows."""
    mine = sa.and_(refund.c.enterprise_id == enterprise_id, refund.c.id.in_(ids))
    connection.execute(sa.update(refund).where(mine).values(state=state.value))


def find_all(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> Mapping[UUID, Refund]:
    """Read refunds by id."""
    if not ids:
        return {}
    query = sa.select(refund).where(refund.c.enterprise_id == enterprise_id, refund.c.id.in_(ids))
    return {row.id: read(row) for row in connection.execute(query)}


def save(connection: sa.Connection, one: Refund) -> None:
    """Write what became of a refund."""
    mine = sa.and_(refund.c.enterprise_id == one.account.enterprise_id, refund.c.id == one.id)
    connection.execute(
        sa.update(refund)
        .where(mine)
        .values(
            state=one.state.value,
            response_code=one.response_code,
            response_message=one.response_message,
            transaction_id=one.transaction_id,
            final_date=one.final_date,
        )
    )


def read(row: "sa.Row[Any]") -> Refund:
    """Make a refund of a row of its table."""
    return Refund(
        row.id,
        AccountRef(row.enterprise_id, row.business_unit_id, row.account_id),
        Destination(row.destination),
        row.funding_source_id,
        row.tender,
        row.token,
        row.amount_minor,
        row.currency,
        RefundState(row.state),
        row.response_code,
        row.response_message,
        row.transaction_id,
        row.final_date,
        row.sent_with,
    )
