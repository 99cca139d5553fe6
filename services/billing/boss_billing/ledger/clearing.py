"""Prove that every document is in the books, and that every movement of real money has a document (SPEC BIL-10)."""

from collections.abc import Iterator, Mapping
from uuid import UUID

import sqlalchemy as sa

from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

_MOVEMENTS = sa.text(
    """
    WITH moved AS (
        SELECT reference_id, sum(amount_minor) AS amount,
               sum(amount_minor) FILTER (WHERE debit = 'account_credit') AS from_credit,
               sum(amount_minor) FILTER (WHERE credit IN ('cash', 'clearing')) AS gone,
               sum(amount_minor) FILTER (WHERE debit = 'refunds_in_transit' AND credit = 'account_credit') AS back,
               sum(amount_minor) FILTER (
                   WHERE debit IN ('cash', 'clearing') OR credit IN ('cash', 'clearing')) AS real
        FROM transfer WHERE enterprise_id = :enterprise_id AND reference_id IS NOT NULL GROUP BY reference_id
    ), lines AS (
        SELECT return_id, sum(amount_minor + tax_minor) AS total FROM return_line
        WHERE enterprise_id = :enterprise_id GROUP BY return_id
    )
    SELECT movement.id, movement.kind, movement.currency, movement.amount_minor, coalesce(moved.amount, 0) AS moved
    FROM movement
    LEFT JOIN moved ON moved.reference_id = movement.id
    LEFT JOIN lines ON lines.return_id = movement.id
    LEFT JOIN refund ON refund.enterprise_id = movement.enterprise_id AND refund.id = movement.id
    WHERE movement.enterprise_id = :enterprise_id AND NOT CASE movement.kind
        WHEN 'refund' THEN coalesce(moved.from_credit, 0) = movement.amount_minor
            AND refund.amount_minor = movement.amount_minor
            AND coalesce(moved.gone, 0) = CASE WHEN refund.state = 'approved' THEN movement.amount_minor ELSE 0 END
            AND coalesce(moved.back, 0) = CASE WHEN refund.state = 'declined' THEN movement.amount_minor ELSE 0 END
        WHEN 'return' THEN coalesce(moved.amount, 0) = movement.amount_minor AND lines.total = movement.amount_minor
        WHEN 'chargeback' THEN coalesce(moved.real, 0) = movement.amount_minor
        WHEN 'bank return' THEN coalesce(moved.real, 0) = movement.amount_minor
        WHEN 'reversal' THEN coalesce(moved.real, 0) = movement.amount_minor
        ELSE coalesce(moved.amount, 0) = movement.amount_minor
    END
    ORDER BY movement.id
    LIMIT :limit
    """
)

_OVER_RETURNED = sa.text(
    """
    SELECT payment.id, payment.currency, payment.amount_minor, gone.amount
    FROM (
        SELECT payment_id, sum(CASE WHEN kind = 'reversal' THEN -amount_minor ELSE amount_minor END) AS amount
        FROM movement
        WHERE enterprise_id = :enterprise_id AND kind IN ('chargeback', 'bank return', 'reversal')
        GROUP BY payment_id
    ) AS gone
    JOIN payment ON payment.enterprise_id = :enterprise_id AND payment.id = gone.payment_id
    WHERE gone.amount NOT BETWEEN 0 AND payment.amount_minor
    ORDER BY payment.id
    LIMIT :limit
    """
)

_WITHOUT_DOCUMENT = sa.text(
    """
    WITH moved AS NOT MATERIALIZED (
        SELECT id, source, currency, amount_minor, payment_id, reference_id
        FROM transfer
        WHERE enterprise_id = :enterprise_id AND (debit IN ('cash', 'clearing', 'refunds_in_transit')
                                                  OR credit IN ('cash', 'clearing', 'refunds_in_transit'))
    )
    SELECT id, source, currency, amount_minor FROM moved
    WHERE source IN ('payment', 'point of sale')
      AND NOT EXISTS (SELECT FROM payment WHERE enterprise_id = :enterprise_id AND payment.id = moved.payment_id)
    UNION ALL
    SELECT id, source, currency, amount_minor FROM moved
    WHERE source NOT IN ('payment', 'point of sale', 'deposit')
      AND NOT EXISTS (SELECT FROM movement WHERE enterprise_id = :enterprise_id AND movement.id = moved.reference_id)
    ORDER BY id
    LIMIT :limit
    """
)

# What the accounts that real money passes through hold, and what documents say they should.
_CLEARING = sa.text(
    """
    WITH booked AS (
        SELECT code, currency, sum(amount) AS amount
        FROM (
            SELECT debit AS code, currency, amount_minor AS amount FROM transfer
            WHERE enterprise_id = :enterprise_id AND source <> 'deposit'
            UNION ALL
            SELECT credit, currency, -amount_minor FROM transfer
            WHERE enterprise_id = :enterprise_id AND source <> 'deposit'
        ) AS sides
        WHERE code IN ('cash', 'clearing', 'refunds_in_transit')
        GROUP BY code, currency
    ), told AS (
        SELECT code, currency, sum(amount) AS amount
        FROM (
            SELECT CASE WHEN kind = 'Point of Sale' THEN 'cash' ELSE 'clearing' END AS code, currency,
                   amount_minor AS amount
            FROM payment WHERE enterprise_id = :enterprise_id AND state = 'approved'
            UNION ALL
            SELECT CASE WHEN state <> 'approved' THEN 'refunds_in_transit'
                        WHEN destination = 'cash' THEN 'cash' ELSE 'clearing' END, currency, -amount_minor
            FROM refund WHERE enterprise_id = :enterprise_id AND state <> 'declined'
            UNION ALL
            SELECT CASE WHEN payment.kind = 'Point of Sale' THEN 'cash' ELSE 'clearing' END, movement.currency,
                   CASE WHEN movement.kind = 'reversal' THEN movement.amount_minor ELSE -movement.amount_minor END
            FROM movement
            JOIN payment ON payment.enterprise_id = movement.enterprise_id AND payment.id = movement.payment_id
            WHERE movement.enterprise_id = :enterprise_id AND movement.kind IN ('chargeback', 'bank return', 'reversal')
        ) AS documents
        GROUP BY code, currency
    )
    SELECT coalesce(booked.code, told.code) AS code, coalesce(booked.currency, told.currency) AS currency,
           coalesce(booked.amount, 0) AS booked, coalesce(told.amount, 0) AS told
    FROM booked FULL JOIN told ON told.code = booked.code AND told.currency = booked.currency
    WHERE coalesce(booked.amount, 0) <> coalesce(told.amount, 0)
    ORDER BY 1, 2
    """
)


def document_problems(tx: Transaction, enterprise_id: UUID, limit: int) -> Iterator[str]:
    """Say what documents and books don't agree about, a sentence each."""
    parameters: Mapping[str, object] = {"enterprise_id": enterprise_id, "limit": limit}
    for row in tx.connection.execute(_MOVEMENTS, parameters):
        asked = Money(row.amount_minor, row.currency)
        yield f"Movement {row.id} ({row.kind}) of {asked}: transfers moved {Money(int(row.moved), row.currency)}."
    for row in tx.connection.execute(_OVER_RETURNED, parameters):
        paid, gone = Money(row.amount_minor, row.currency), Money(int(row.amount), row.currency)
        yield f"Payment {row.id} of {paid}: {gone} went back of it."
    for row in tx.connection.execute(_WITHOUT_DOCUMENT, parameters):
        amount = Money(row.amount_minor, row.currency)
        yield f"Transfer {row.id} ({row.source}) of {amount} moves real money without a document."
    for row in tx.connection.execute(_CLEARING, {"enterprise_id": enterprise_id}):
        booked, told = Money(int(row.booked), row.currency), Money(int(row.told), row.currency)
        yield f"The account {row.code!r} holds {booked}, documents explain {told}."
