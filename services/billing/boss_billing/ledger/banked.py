"""Prove that every deposit is in the books as it was told: gross out of clearing, net to the bank, the rest a fee."""

from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa

from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

_DIFFERING = sa.text(
    """
    WITH told AS (
        SELECT business_unit_id, tender, currency, sum(gross_minor) AS gross, sum(fee_minor) AS fee
        FROM deposit WHERE enterprise_id = :enterprise_id GROUP BY business_unit_id, tender, currency
    ), sides AS (
        SELECT business_unit_id, credit AS code, credit_detail AS tender, debit AS other, currency, amount_minor
        FROM transfer WHERE enterprise_id = :enterprise_id AND source = 'deposit' AND credit = 'clearing'
        UNION ALL
        SELECT business_unit_id, debit, debit_detail, credit, currency, -amount_minor
        FROM transfer WHERE enterprise_id = :enterprise_id AND source = 'deposit' AND debit = 'clearing'
    ), booked AS (
        SELECT business_unit_id, tender, currency, sum(amount_minor) AS gross,
               coalesce(sum(amount_minor) FILTER (WHERE other = 'processor_fees'), 0) AS fee
        FROM sides GROUP BY business_unit_id, tender, currency
    )
    SELECT tender, currency, coalesce(told.gross, 0) AS told_gross, coalesce(booked.gross, 0) AS booked_gross,
           coalesce(told.fee, 0) AS told_fee, coalesce(booked.fee, 0) AS booked_fee
    FROM told FULL JOIN booked USING (business_unit_id, tender, currency)
    WHERE (coalesce(told.gross, 0), coalesce(told.fee, 0)) <> (coalesce(booked.gross, 0), coalesce(booked.fee, 0))
    ORDER BY tender, currency
    LIMIT :limit
    """
)


def deposit_problems(tx: Transaction, enterprise_id: UUID, limit: int) -> Iterator[str]:
    """Say where the books tell otherwise of the bank than deposits do, a sentence each."""
    for row in tx.connection.execute(_DIFFERING, {"enterprise_id": enterprise_id, "limit": limit}):
        told, booked = Money(int(row.told_gross), row.currency), Money(int(row.booked_gross), row.currency)
        fee, booked_fee = Money(int(row.told_fee), row.currency), Money(int(row.booked_fee), row.currency)
        yield (
            f"Deposits of {row.tender or 'no tender'} come to {told} with fees of {fee}, "
            f"booked are {booked} with {booked_fee}."
        )
