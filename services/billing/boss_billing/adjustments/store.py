"""What was credited of invoices so far, for the tax that goes back with it."""

from collections.abc import Collection, Mapping
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.adjustments.rules import CreditedInvoice

_CREDITED = sa.text(
    """
    SELECT invoice.id, invoice.total_minor,
           (SELECT sum(tax_minor) FROM invoice_line AS line
            WHERE line.enterprise_id = invoice.enterprise_id AND line.invoice_id = invoice.id),
           coalesce(sum(transfer.amount_minor), 0),
           coalesce(sum(transfer.amount_minor) FILTER (WHERE transfer.debit = 'tax'), 0)
    FROM invoice
    LEFT JOIN transfer ON transfer.enterprise_id = invoice.enterprise_id AND transfer.account_id = :account_id
        AND transfer.invoice_id = invoice.id AND transfer.source IN ('credit', 'waiver')
    WHERE invoice.enterprise_id = :enterprise_id AND invoice.id = ANY(:ids)
    GROUP BY invoice.enterprise_id, invoice.id, invoice.total_minor
    """
)


def credited(connection: sa.Connection, ref: AccountRef, ids: Collection[UUID]) -> Mapping[UUID, CreditedInvoice]:
    """Read what invoices come to, and what was credited of them so far."""
    if not ids:
        return {}
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "ids": list(ids)}
    return {row[0]: CreditedInvoice(*map(int, row[1:])) for row in connection.execute(_CREDITED, parameters)}
