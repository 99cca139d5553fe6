"""Attempts on their way to a result, with the payment each belongs to."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.payments.rules import AttemptResult, Label, OpenAttempt, Payment, PaymentResult, State

_SELECT = """
    SELECT attempt.id, attempt.label, attempt.state, attempt.invoice_id, attempt.funding_source_id, attempt.batch_id,
           attempt.bill_run_id, attempt.tender, attempt.correlation, payment.response_code, payment.response_message,
           payment.is_primary, payment.state AS payment_state, payment.id AS payment_id, payment.business_unit_id,
           payment.account_id, payment.kind, payment.amount_minor, payment.currency
    FROM attempt
    JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
"""

_FIND = sa.text(
    f"{_SELECT} WHERE attempt.enterprise_id = :enterprise_id AND attempt.id = ANY(:ids) ORDER BY attempt.id"
)

_ACCOUNTS = sa.text("SELECT DISTINCT account_id FROM attempt WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)")

_ORIGINALS = sa.text(
    f"""
    {_SELECT}
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.payment_id = ANY(:ids) AND attempt.label = 'Original'
    ORDER BY attempt.id
    """
)

_SAVE_ATTEMPTS = sa.text(
    """
    UPDATE attempt
    SET state = new.state, response_code = new.code, response_message = new.message,
        transaction_id = new.transaction_id, result_date = new.day, result_time = :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:codes AS text[]), CAST(:messages AS text[]),
                CAST(:transaction_ids AS text[]), CAST(:days AS date[]))
        AS new (id, state, code, message, transaction_id, day)
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.id = new.id
    """
)

_SAVE_PAYMENTS = sa.text(
    """
    UPDATE payment
    SET state = new.state, response_code = new.code, response_message = new.message, is_recovered = new.is_recovered,
        final_date = new.final_date, next_attempt_date = new.next_attempt_date, next_attempt_reason = new.reason
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:codes AS text[]), CAST(:messages AS text[]),
                CAST(:recovered AS boolean[]), CAST(:final_dates AS date[]),
                CAST(:next_dates AS date[]), CAST(:reasons AS text[]))
        AS new (id, state, code, message, is_recovered, final_date, next_attempt_date, reason)
    WHERE payment.enterprise_id = :enterprise_id AND payment.id = new.id
    """
)

_SAVE_AMOUNT = sa.text(
    "UPDATE payment SET amount_minor = :amount_minor WHERE enterprise_id = :enterprise_id AND id = :id"
)

_COUNT_RESPONSES = sa.text(
    """
    SELECT count(*) FROM attempt
    WHERE enterprise_id = :enterprise_id AND funding_source_id = :source_id AND response_code = :code
      AND result_date > :since
    """
)


def find(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> dict[UUID, OpenAttempt]:
    """Read attempts by id."""
    return _read(connection, _FIND, enterprise_id, ids)


def accounts_of(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> Sequence[UUID]:
    """Read whose attempts these are."""
    if not ids:
        return ()
    return connection.scalars(_ACCOUNTS, {"enterprise_id": enterprise_id, "ids": list(ids)}).all()


def originals(connection: sa.Connection, enterprise_id: UUID, payment_ids: Collection[UUID]) -> dict[UUID, OpenAttempt]:
    """Read the first attempts of payments."""
    return _read(connection, _ORIGINALS, enterprise_id, payment_ids)


def save_attempts(
    connection: sa.Connection, enterprise_id: UUID, results: Mapping[UUID, AttemptResult], now: datetime
) -> None:
    """Write what attempts came to."""
    if not results:
        return
    values = list(results.values())
    connection.execute(
        _SAVE_ATTEMPTS,
        {
            "enterprise_id": enterprise_id,
            "now": now,
            "ids": list(results),
            "states": [one.state.value for one in values],
            "codes": [one.code for one in values],
            "messages": [one.message for one in values],
            "transaction_ids": [one.transaction_id for one in values],
            "days": [one.day for one in values],
        },
    )


def save_payments(connection: sa.Connection, enterprise_id: UUID, results: Mapping[UUID, PaymentResult]) -> None:
    """Write what payments came to."""
    if not results:
        return
    values = list(results.values())
    connection.execute(
        _SAVE_PAYMENTS,
        {
            "enterprise_id": enterprise_id,
            "ids": list(results),
            "states": [one.state.value for one in values],
            "codes": [one.code for one in values],
            "messages": [one.message for one in values],
            "recovered": [one.is_recovered for one in values],
            "final_dates": [one.final_date for one in values],
            "next_dates": [one.next_attempt_date for one in values],
            "reasons": [one.next_attempt_reason for one in values],
        },
    )


def save_amount(connection: sa.Connection, enterprise_id: UUID, payment: Payment) -> None:
    """Write what a payment really moved, where a person resolved that; its attempt keeps what was asked for."""
    parameters = {"enterprise_id": enterprise_id, "id": payment.id, "amount_minor": payment.amount_minor}
    connection.execute(_SAVE_AMOUNT, parameters)


def count_responses(connection: sa.Connection, enterprise_id: UUID, source_id: UUID, code: str, since: date) -> int:
    """Count how often a source got a response after a day."""
    parameters = {"enterprise_id": enterprise_id, "source_id": source_id, "code": code, "since": since}
    return int(connection.scalar(_COUNT_RESPONSES, parameters) or 0)


def _read(
    connection: sa.Connection, query: sa.TextClause, enterprise_id: UUID, ids: Collection[UUID]
) -> dict[UUID, OpenAttempt]:
    if not ids:
        return {}
    rows = connection.execute(query, {"enterprise_id": enterprise_id, "ids": list(ids)}).all()
    return {row.id: _attempt(enterprise_id, row) for row in rows}


def _attempt(enterprise_id: UUID, row: "sa.Row[Any]") -> OpenAttempt:
    ref = AccountRef(enterprise_id, row.business_unit_id, row.account_id)
    return OpenAttempt(
        row.id,
        Label(row.label),
        State(row.state),
        row.invoice_id,
        row.funding_source_id,
        row.batch_id,
        row.bill_run_id,
        row.tender,
        row.response_code,
        row.response_message,
        row.is_primary,
        State(row.payment_state),
        Payment(row.payment_id, ref, row.kind, row.amount_minor, row.currency),
        row.correlation,
    )
