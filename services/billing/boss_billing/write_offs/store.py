"""What a write-off took off invoices, and whether it was taken back."""

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from boss_billing.movements.rules import Movement

_WRITTEN_OFF = sa.text(
    """
    SELECT invoice_id, sum(amount_minor) FROM transfer
    WHERE enterprise_id = :enterprise_id AND reference_id = :id AND credit = 'receivable'
    GROUP BY invoice_id
    ORDER BY min(id)
    """
)

_REVERSAL = sa.text(
    """
    SELECT id FROM movement
    WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND kind = 'write-off reversal'
      AND origin_id = :id
    """
)


def written_off(connection: sa.Connection, one: Movement) -> Mapping[UUID, int]:
    """Read what a write-off took off each invoice, in their order."""
    rows = connection.execute(_WRITTEN_OFF, {"enterprise_id": one.account.enterprise_id, "id": one.id})
    return {row[0]: int(row[1]) for row in rows}


def reversal_of(connection: sa.Connection, one: Movement) -> UUID | None:
    """Read which movement took a write-off back."""
    parameters = {"enterprise_id": one.account.enterprise_id, "account_id": one.account.id, "id": one.id}
    found: UUID | None = connection.scalar(_REVERSAL, parameters)
    return found
