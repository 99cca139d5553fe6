"""Read the statement of an account from its transfers."""

from datetime import date, timedelta

import sqlalchemy as sa

from boss_billing.accounts.queries import get_account
from boss_billing.accounts.rules import AccountRef
from boss_billing.ledger.as_of import balance_as_of
from boss_billing.ledger.rules import Source
from boss_billing.statements.rules import Entry, Statement, check_span, lines
from boss_kit.unit_of_work import Transaction

# A document's transfers of a day are one line; an invoice is one even where its lines were booked one by one, and what
# is owed anew of spent credit is part of the chargeback or return that took it.
_ENTRIES = sa.text(
    """
    SELECT transfer.business_date,
           CASE transfer.source WHEN 'returned payment' THEN movement.kind ELSE transfer.source END AS source,
           sum(CASE WHEN debit IN ('receivable', 'account_credit') THEN transfer.amount_minor ELSE 0 END)
               - sum(CASE WHEN credit IN ('receivable', 'account_credit') THEN transfer.amount_minor ELSE 0 END)
               AS amount,
           CASE WHEN count(DISTINCT invoice.number) = 1 THEN min(invoice.number) ELSE '' END AS invoice_number,
           coalesce(min(invoice.description), '') AS invoice_text,
           coalesce(min(payment.tender), min(refund.tender), '') AS tender,
           coalesce(min(movement.reason), '') AS reason, coalesce(min(origin.kind), '') AS origin
    FROM transfer
    LEFT JOIN invoice ON invoice.enterprise_id = transfer.enterprise_id AND invoice.id = transfer.invoice_id
    LEFT JOIN payment ON payment.enterprise_id = transfer.enterprise_id AND payment.id = transfer.payment_id
    LEFT JOIN movement ON movement.enterprise_id = transfer.enterprise_id AND movement.id = transfer.reference_id
    LEFT JOIN movement AS origin ON origin.enterprise_id = movement.enterprise_id AND origin.id = movement.origin_id
    LEFT JOIN refund ON refund.enterprise_id = transfer.enterprise_id AND refund.id = transfer.reference_id
    WHERE transfer.enterprise_id = :enterprise_id AND transfer.account_id = :account_id
      AND transfer.business_date BETWEEN :first AND :last AND transfer.source <> 'credit applied'
      AND (debit IN ('receivable', 'account_credit') OR credit IN ('receivable', 'account_credit'))
    GROUP BY transfer.business_date, 2,
             coalesce(transfer.reference_id, transfer.payment_id, transfer.invoice_id)
    ORDER BY transfer.business_date, min(transfer.id)
    """
)


def get_statement(tx: Transaction, ref: AccountRef, first: date, last: date) -> Statement:
    """Read a statement. Raises NotFound without the account, InvalidArgument for a span that can't be."""
    check_span(first, last)
    account, _ = get_account(tx, ref)
    opening = balance_as_of(tx, ref, first - timedelta(days=1))
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "first": first, "last": last}
    entries = [
        Entry(
            row.business_date,
            Source(row.source),
            int(row.amount),
            row.invoice_number,
            row.invoice_text,
            row.tender,
            row.reason,
            row.origin,
        )
        for row in tx.connection.execute(_ENTRIES, parameters)
    ]
    return Statement(account.number, account.currency, first, last, opening, lines(opening, entries))
