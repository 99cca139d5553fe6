"""Attempts on their way to a result, with the payment each belongs to."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import Account, AccountRef
from boss_billing.invoices.rules import Invoice, Kind
from boss_billing.payments.rules import AttemptResult, Label, OpenAttempt, Payment, PaymentResult, State
from boss_kit.database import rows_of

_COLUMNS = """
    attempt.id, attempt.label, attempt.state, attempt.invoice_id, attempt.funding_source_id, attempt.batch_id,
    attempt.bill_run_id, attempt.tender, payment.response_code, payment.response_message, payment.is_primary,
    payment.state AS payment_state, payment.id AS payment_id, payment.business_unit_id, payment.account_id,
    payment.kind, payment.amount_minor, payment.currency, attempt.correlation
"""

# Each row is found by its key, also in tables whose statistics aren't there yet.
_WANTED = """
    FROM unnest(CAST(:ids AS uuid[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT * FROM attempt WHERE enterprise_id = :enterprise_id AND id = wanted.id OFFSET 0
    ) AS attempt
    CROSS JOIN LATERAL (
        SELECT * FROM payment WHERE enterprise_id = :enterprise_id AND id = attempt.payment_id OFFSET 0
    ) AS payment
"""

_FIND = sa.text(f"SELECT {_COLUMNS} {_WANTED}")

_FIND_WITH_INVOICES = sa.text(
    f"""
    SELECT {_COLUMNS}, invoice.agreement_id, invoice.number, invoice.kind, invoice.description, invoice.invoice_date,
           invoice.due_date, invoice.currency, invoice.total_minor, invoice.balance_minor, invoice.is_declined,
           invoice.attempts, invoice.failed_attempts, invoice.declines, invoice.next_attempt_date, invoice.bill_run_id
    {_WANTED}
    CROSS JOIN LATERAL (
        SELECT * FROM invoice WHERE enterprise_id = :enterprise_id AND id = attempt.invoice_id OFFSET 0
    ) AS invoice
    """
)

_ORIGINALS = sa.text(
    f"""
    SELECT {_COLUMNS} FROM attempt
    JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.payment_id = ANY(:ids) AND attempt.label = 'Original'
    ORDER BY attempt.id
    """
)

_SET_ATTEMPTS = """
    UPDATE attempt
    SET state = new.state, response_code = new.code, response_message = new.message,
        transaction_id = new.transaction_id, result_date = new.day, result_time = :now
    FROM unnest(CAST(:attempt_ids AS uuid[]), CAST(:attempt_states AS text[]), CAST(:attempt_codes AS text[]),
                CAST(:attempt_messages AS text[]), CAST(:transaction_ids AS text[]), CAST(:days AS date[]))
        AS new (id, state, code, message, transaction_id, day)
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.id = new.id
"""

_SET_PAYMENTS = """
    UPDATE payment
    SET state = new.state, response_code = new.code, response_message = new.message, is_recovered = new.is_recovered,
        final_date = new.final_date, next_attempt_date = new.next_attempt_date, next_attempt_reason = new.reason
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:codes AS text[]), CAST(:messages AS text[]),
                CAST(:recovered AS boolean[]), CAST(:final_dates AS date[]),
                CAST(:next_dates AS date[]), CAST(:reasons AS text[]))
        AS new (id, state, code, message, is_recovered, final_date, next_attempt_date, reason)
    WHERE payment.enterprise_id = :enterprise_id AND payment.id = new.id
"""

_SAVE_ATTEMPTS = sa.text(_SET_ATTEMPTS)
_SAVE_PAYMENTS = sa.text(_SET_PAYMENTS)
_SAVE_BOTH = sa.text(f"WITH attempts AS ({_SET_ATTEMPTS}) {_SET_PAYMENTS}")

_SAVE_AMOUNT = sa.text(
    "UPDATE payment SET amount_minor = :amount_minor WHERE enterprise_id = :enterprise_id AND id = :id"
)

_SAVE_PLAN = sa.text(
    """
    UPDATE payment SET next_attempt_date = :day, next_attempt_reason = :reason
    WHERE enterprise_id = :enterprise_id AND id = :id
    """
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


def find_with_invoices(
    connection: sa.Connection, accounts: Mapping[UUID, Account], enterprise_id: UUID, ids: Collection[UUID]
) -> tuple[dict[UUID, OpenAttempt], dict[UUID, Invoice]]:
    """Read attempts of accounts, which are locked, and the invoices they are for."""
    attempts: dict[UUID, OpenAttempt] = {}
    found: dict[UUID, Invoice] = {}
    if not ids:
        return attempts, found
    rows = rows_of(connection, _FIND_WITH_INVOICES, {"enterprise_id": enterprise_id, "ids": list(ids)})
    for row in rows:
        ref = accounts[row[_ACCOUNT_ID]].ref
        attempt = attempts[row[0]] = _attempt(ref, row)
        if attempt.invoice_id not in found:
            agreement_id, number, kind, *rest = row[_INVOICE:]
            found[attempt.invoice_id] = Invoice(attempt.invoice_id, ref, agreement_id, number, _KINDS[kind], *rest)
    return attempts, found


def originals(connection: sa.Connection, enterprise_id: UUID, payment_ids: Collection[UUID]) -> dict[UUID, OpenAttempt]:
    """Read the first attempts of payments."""
    return _read(connection, _ORIGINALS, enterprise_id, payment_ids)


def save(
    connection: sa.Connection,
    enterprise_id: UUID,
    attempts: Mapping[UUID, AttemptResult],
    payments: Mapping[UUID, PaymentResult],
    now: datetime,
) -> None:
    """Write what attempts and payments came to."""
    if not attempts and not payments:
        return
    statement = _SAVE_BOTH if attempts and payments else _SAVE_ATTEMPTS if attempts else _SAVE_PAYMENTS
    parameters = {"enterprise_id": enterprise_id}
    if attempts:
        parameters |= _of_attempts(attempts, now)
    if payments:
        parameters |= _of_payments(payments)
    rows_of(connection, statement, parameters)


def save_amount(connection: sa.Connection, enterprise_id: UUID, payment: Payment) -> None:
    """Write what a payment really moved, where a person resolved that; its attempt keeps what was asked for."""
    parameters = {"enterprise_id": enterprise_id, "id": payment.id, "amount_minor": payment.amount_minor}
    connection.execute(_SAVE_AMOUNT, parameters)


def save_plan(connection: sa.Connection, enterprise_id: UUID, payment_id: UUID, day: date | None, reason: str) -> None:
    """Write when what a payment was for is tried again, and why then; its result stays as it is."""
    parameters = {"enterprise_id": enterprise_id, "id": payment_id, "day": day, "reason": reason}
    connection.execute(_SAVE_PLAN, parameters)


def count_responses(connection: sa.Connection, enterprise_id: UUID, source_id: UUID, code: str, since: date) -> int:
    """Count how often a source got a response after a day."""
    parameters = {"enterprise_id": enterprise_id, "source_id": source_id, "code": code, "since": since}
    return int(connection.scalar(_COUNT_RESPONSES, parameters) or 0)


def _of_attempts(results: Mapping[UUID, AttemptResult], now: datetime) -> dict[str, Any]:
    values = results.values()
    return {
        "now": now,
        "attempt_ids": list(results),
        "attempt_states": [one.state.value for one in values],
        "attempt_codes": [one.code for one in values],
        "attempt_messages": [one.message for one in values],
        "transaction_ids": [one.transaction_id for one in values],
        "days": [one.day for one in values],
    }


def _of_payments(results: Mapping[UUID, PaymentResult]) -> dict[str, Any]:
    values = results.values()
    return {
        "ids": list(results),
        "states": [one.state.value for one in values],
        "codes": [one.code for one in values],
        "messages": [one.message for one in values],
        "recovered": [one.is_recovered for one in values],
        "final_dates": [one.final_date for one in values],
        "next_dates": [one.next_attempt_date for one in values],
        "reasons": [one.next_attempt_reason for one in values],
    }


def _read(
    connection: sa.Connection, query: sa.TextClause, enterprise_id: UUID, ids: Collection[UUID]
) -> dict[UUID, OpenAttempt]:
    if not ids:
        return {}
    rows = rows_of(connection, query, {"enterprise_id": enterprise_id, "ids": list(ids)})
    return {row[0]: _attempt(AccountRef(enterprise_id, row[_UNIT_ID], row[_ACCOUNT_ID]), row) for row in rows}


def _attempt(ref: AccountRef, row: Any) -> OpenAttempt:
    (
        attempt_id, label, state, invoice_id, source_id, batch_id, run_id, tender, code, message, is_primary,
        payment_state, payment_id, _, _, kind, amount_minor, currency, correlation,
    ) = row[:_INVOICE]  # fmt: skip
    return OpenAttempt(
        attempt_id,
        _LABELS[label],
        _STATES[state],
        invoice_id,
        source_id,
        batch_id,
        run_id,
        tender,
        code,
        message,
        is_primary,
        _STATES[payment_state],
        Payment(payment_id, ref, kind, amount_minor, currency),
        correlation,
    )


_KINDS = {one.value: one for one in Kind}
_LABELS = {one.value: one for one in Label}
_STATES = {one.value: one for one in State}
# Where these stand in a row of the columns above, and how many there are.
_UNIT_ID, _ACCOUNT_ID, _INVOICE = 13, 14, 19
