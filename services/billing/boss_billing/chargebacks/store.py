"""The table of chargebacks and bank returns, and what payments paid."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.chargebacks.rules import Chargeback, PaidPayment, ReturnKind

TABLES = sa.MetaData()

chargeback = sa.Table(
    "chargeback",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("return_key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("payment_id", PG_UUID, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
)

_PAYMENTS = sa.text(
    """
    SELECT id, account_id, kind, tender, amount_minor, currency, state = 'approved', is_primary, funding_source_id,
           invoice_id
    FROM payment WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)
    """
)

# What is left of a payment, by what it paid; an invoice that stands for returned credit belongs to the credit.
_PARTS = sa.text(
    """
    SELECT CASE WHEN source = 'returned payment' THEN NULL ELSE invoice_id END AS paid,
           sum(CASE WHEN source IN ('payment', 'point of sale', 'reversal') THEN amount_minor ELSE -amount_minor END)
    FROM transfer
    WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND payment_id = :payment_id
    GROUP BY 1
    """
)

_REOPENED = sa.text(
    """
    SELECT invoice_id, sum(amount_minor) FROM transfer
    WHERE enterprise_id = :enterprise_id AND reference_id = :id AND debit = 'receivable'
    GROUP BY invoice_id
    ORDER BY min(id)
    """
)

_REVERSED = sa.text(
    """
    SELECT coalesce(sum(amount_minor), 0) FROM movement
    WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND kind = 'reversal' AND origin_id = :id
    """
)


def add(connection: sa.Connection, one: Chargeback) -> None:
    """Add a notice that was taken."""
    connection.execute(
        sa.insert(chargeback).values(
            enterprise_id=one.account.enterprise_id,
            business_unit_id=one.account.business_unit_id,
            id=one.id,
            account_id=one.account.id,
            return_key=one.return_key,
            kind=one.kind.value,
            payment_id=one.payment_id,
            amount_minor=one.amount_minor,
            currency=one.currency,
            code=one.code,
            message=one.message,
        )
    )


def find_key(connection: sa.Connection, enterprise_id: UUID, return_key: str) -> Chargeback | None:
    """Read what was taken under a key."""
    mine = (chargeback.c.enterprise_id == enterprise_id, chargeback.c.return_key == return_key)
    row = connection.execute(sa.select(chargeback).where(*mine)).one_or_none()
    return _read(row) if row is not None else None


def find(connection: sa.Connection, enterprise_id: UUID, chargeback_id: UUID) -> Chargeback | None:
    """Read one by id."""
    mine = (chargeback.c.enterprise_id == enterprise_id, chargeback.c.id == chargeback_id)
    row = connection.execute(sa.select(chargeback).where(*mine)).one_or_none()
    return _read(row) if row is not None else None


def of_payment(connection: sa.Connection, enterprise_id: UUID, payment_id: UUID) -> list[Chargeback]:
    """Read all that were taken of a payment, the newest first."""
    mine = (chargeback.c.enterprise_id == enterprise_id, chargeback.c.payment_id == payment_id)
    rows = connection.execute(sa.select(chargeback).where(*mine).order_by(chargeback.c.id.desc()))
    return [_read(row) for row in rows]


def payments(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> Mapping[UUID, PaidPayment]:
    """Read payments by id."""
    rows = connection.execute(_PAYMENTS, {"enterprise_id": enterprise_id, "ids": list(ids)})
    return {row.id: PaidPayment(*row) for row in rows}


def parts_left(connection: sa.Connection, ref: AccountRef, payment_id: UUID) -> Mapping[UUID | None, int]:
    """Read what is left of a payment, by the invoice it paid; none is what became credit."""
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "payment_id": payment_id}
    return {row[0]: int(row[1]) for row in connection.execute(_PARTS, parameters) if row[1] > 0}


def reopened(connection: sa.Connection, one: Chargeback) -> Mapping[UUID, int]:
    """Read which invoices a chargeback let be owed again, in their order."""
    rows = connection.execute(_REOPENED, {"enterprise_id": one.account.enterprise_id, "id": one.id})
    return {row[0]: int(row[1]) for row in rows}


def reversed_minor(connection: sa.Connection, one: Chargeback) -> int:
    """Read how much of a chargeback came again."""
    parameters = {"enterprise_id": one.account.enterprise_id, "account_id": one.account.id, "id": one.id}
    return int(connection.scalar(_REVERSED, parameters) or 0)


def _read(row: "sa.Row[Any]") -> Chargeback:
    return Chargeback(
        row.id,
        AccountRef(row.enterprise_id, row.business_unit_id, row.account_id),
        row.return_key,
        ReturnKind(row.kind),
        row.payment_id,
        row.amount_minor,
        row.currency,
        row.code,
        row.message,
    )
