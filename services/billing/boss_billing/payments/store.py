"""Tables and SQL of payments and their attempts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.payments.planning import NewAttempt, TriedCard, TriedData
from boss_billing.payments.rules import Payment, State
from boss_kit.database import copy_rows, rows_of

TABLES = sa.MetaData()

payment = sa.Table(
    "payment",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("invoice_id", PG_UUID),
    sa.Column("funding_source_id", PG_UUID),
    sa.Column("bill_run_id", PG_UUID),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tender", sa.Text, nullable=False),
    sa.Column("is_primary", sa.Boolean, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("payment_date", sa.Date, nullable=False),
    sa.Column("final_date", sa.Date),
    sa.Column("response_code", sa.Text, nullable=False),
    sa.Column("response_message", sa.Text, nullable=False),
    sa.Column("is_recovered", sa.Boolean, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("next_attempt_date", sa.Date),
    sa.Column("next_attempt_reason", sa.Text, nullable=False),
)

attempt = sa.Table(
    "attempt",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("invoice_id", PG_UUID, nullable=False),
    sa.Column("payment_id", PG_UUID, nullable=False),
    sa.Column("funding_source_id", PG_UUID, nullable=False),
    sa.Column("bill_run_id", PG_UUID),
    sa.Column("batch_id", PG_UUID),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("account_number", sa.Text, nullable=False),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("invoice_number", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("attempt_no", sa.Integer, nullable=False),
    sa.Column("tender", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("expiry_month", sa.SmallInteger, nullable=False),
    sa.Column("expiry_year", sa.SmallInteger, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("response_code", sa.Text, nullable=False),
    sa.Column("response_message", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("result_date", sa.Date),
    sa.Column("result_time", sa.DateTime(timezone=True)),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

_WITH_RESULT = ("result_date", "result_time", "next_attempt_date", "next_attempt_reason")
_PAYMENT_COLUMNS = [column.name for column in payment.columns if column.name not in _WITH_RESULT]
_ATTEMPT_COLUMNS = [column.name for column in attempt.columns if column.name not in _WITH_RESULT]

_IN_FLIGHT = sa.text(
    """
    SELECT DISTINCT account_id FROM payment
    WHERE enterprise_id = :enterprise_id AND account_id = ANY(:account_ids)
      AND state IN ('created', 'pending', 'unknown', 'declined')
    """
)

# A card is its token, whichever sources have or had it. Each row is found by its key, as most cards have one source;
# were a card's sources asked for as an array, a planner without statistics would read the enterprise's attempts for it.
_TRIED_CARDS = sa.text(
    """
    SELECT card.token, cardinality(holder.ids) > 1, coalesce(tried.days, '{}')
    FROM unnest(CAST(:tokens AS text[])) AS card (token)
    CROSS JOIN LATERAL (
        SELECT array_agg(id) AS ids
        FROM (
            SELECT id FROM funding_source WHERE enterprise_id = :enterprise_id AND token = card.token
            UNION ALL
            SELECT funding_source_id FROM former_token WHERE enterprise_id = :enterprise_id AND token = card.token
        ) AS source
    ) AS holder
    CROSS JOIN LATERAL (
        SELECT array_agg(attempt.business_date) AS days
        FROM unnest(holder.ids) AS source (id)
        CROSS JOIN LATERAL (
            SELECT business_date FROM attempt
            WHERE enterprise_id = :enterprise_id AND funding_source_id = source.id AND business_date > :since
              AND token = card.token AND state <> 'not_attempted'
            OFFSET 0
        ) AS attempt
    ) AS tried
    WHERE cardinality(holder.ids) > 1 OR cardinality(tried.days) >= :least
    """
)

_ONE_BY_ONE = sa.text(
    """
    SELECT pg_advisory_xact_lock(hashtextextended('card/' || :enterprise_id || '/' || token, 0))
    FROM unnest(CAST(:tokens AS text[])) AS card (token)
    """
)

_ATTEMPTS_OF_INVOICES = sa.text(
    """
    SELECT attempt.invoice_id, attempt.token, array_agg(attempt.business_date)
    FROM payment
    JOIN attempt ON attempt.enterprise_id = payment.enterprise_id AND attempt.payment_id = payment.id
    WHERE payment.enterprise_id = :enterprise_id AND payment.account_id = ANY(:account_ids)
      AND payment.invoice_id = ANY(:ids) AND attempt.state <> 'not_attempted'
    GROUP BY attempt.invoice_id, attempt.token
    """
)


_PAID_BY_SOURCES = sa.text(
    """
    SELECT payment.invoice_id, payment.funding_source_id, sum(payment.amount_minor - coalesce(gone.amount, 0))
    FROM payment
    LEFT JOIN LATERAL (
        SELECT sum(CASE WHEN kind = 'reversal' THEN -amount_minor ELSE amount_minor END) AS amount
        FROM chargeback
        WHERE chargeback.enterprise_id = payment.enterprise_id AND chargeback.payment_id = payment.id
    ) AS gone ON true
    WHERE payment.enterprise_id = :enterprise_id AND payment.account_id = ANY(:account_ids)
      AND payment.invoice_id = ANY(:ids) AND payment.state = 'approved' AND payment.funding_source_id IS NOT NULL
    GROUP BY payment.invoice_id, payment.funding_source_id
    """
)

# What was said last of a card at an invoice counts: it may have been tried again after it was renewed.
_GIVEN_UP = sa.text(
    """
    SELECT invoice_id, token, expiry_month, expiry_year
    FROM (
        SELECT DISTINCT ON (attempt.invoice_id, attempt.token)
               attempt.invoice_id, attempt.token, attempt.expiry_month, attempt.expiry_year, payment.state,
               payment.next_attempt_date
        FROM payment
        JOIN attempt ON attempt.enterprise_id = payment.enterprise_id AND attempt.payment_id = payment.id
        WHERE payment.enterprise_id = :enterprise_id AND payment.account_id = ANY(:account_ids)
          AND payment.invoice_id = ANY(:ids) AND attempt.state <> 'not_attempted'
        ORDER BY attempt.invoice_id, attempt.token, attempt.attempt_no DESC
    ) AS last
    WHERE state = 'finally_declined' AND next_attempt_date IS NULL
    """
)

# A batch that a page has planned and nobody has cut is no more than a note.
_UNSENT = """
    enterprise_id = :enterprise_id AND bill_run_id = :run_id AND (
        (batch_id IS NULL AND state = 'created') OR (state = 'pending' AND batch_id IN (
            SELECT id FROM planned_batch WHERE enterprise_id = :enterprise_id AND bill_run_id = :run_id)))
"""

_WITHDRAW_ATTEMPTS = sa.text(
    f"""
    UPDATE attempt SET state = 'not_attempted', response_message = :message, batch_id = NULL
    WHERE {_UNSENT} AND account_id = ANY(:account_ids)
    RETURNING payment_id, invoice_id
    """
)

_WITHDRAW_PAYMENTS = sa.text(
    """
    UPDATE payment SET state = 'not_attempted', response_message = :message, final_date = :day
    WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)
    """
)

_TO_WITHDRAW = sa.text(f"SELECT DISTINCT account_id FROM attempt WHERE {_UNSENT} LIMIT :limit")


def add(
    connection: sa.Connection,
    attempts: Sequence[NewAttempt],
    batch_ids: Sequence[UUID | None],
    correlation: str,
    now: datetime,
) -> None:
    """Add payments of a run, each with its first attempt; those that have their batch already are pending."""
    if not attempts:
        return
    states = [State.CREATED if one is None else State.PENDING for one in batch_ids]
    placed = list(zip(attempts, batch_ids, states, strict=True))
    payments = (_payment_row(one, state, correlation, now) for one, _, state in placed)
    copy_rows(connection, payment, _PAYMENT_COLUMNS, payments)
    made = (_attempt_row(one, batch_id, state, correlation, now) for one, batch_id, state in placed)
    copy_rows(connection, attempt, _ATTEMPT_COLUMNS, made)


def add_attempts(connection: sa.Connection, attempts: Iterable[NewAttempt], correlation: str, now: datetime) -> None:
    """Add attempts at payments that are there."""
    rows = (_attempt_row(one, one.batch_id, State.CREATED, correlation, now) for one in attempts)
    copy_rows(connection, attempt, _ATTEMPT_COLUMNS, rows)


def add_desk_payment(
    connection: sa.Connection,
    of: Payment,
    tender: str,
    day: date,
    correlation: str,
    now: datetime,
    invoice_id: UUID | None = None,
) -> None:
    """Add a payment taken at the point of sale, which is final at once; the invoice is the one it was given for."""
    account: AccountRef = of.account
    connection.execute(
        sa.insert(payment).values(
            enterprise_id=account.enterprise_id,
            business_unit_id=account.business_unit_id,
            id=of.id,
            account_id=account.id,
            invoice_id=invoice_id,
            kind=of.kind,
            state=State.APPROVED,
            tender=tender,
            is_primary=False,
            amount_minor=of.amount_minor,
            currency=of.currency,
            payment_date=day,
            final_date=day,
            response_code="",
            response_message="",
            is_recovered=False,
            correlation=correlation,
            create_time=now,
        )
    )


def accounts_in_flight(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Tell which of the accounts have a payment without a final result."""
    if not account_ids:
        return frozenset()
    parameters = {"enterprise_id": enterprise_id, "account_ids": list(account_ids)}
    return frozenset(connection.scalars(_IN_FLIGHT, parameters))


def tried_cards(
    connection: sa.Connection, enterprise_id: UUID, tokens: Collection[str], since: date, least: int
) -> Mapping[str, TriedCard]:
    """Read the days of attempts after `since`, for cards that had at least so many or that several sources share."""
    if not tokens:
        return {}
    parameters = {"enterprise_id": enterprise_id, "tokens": list(tokens), "since": since, "least": least}
    return {row[0]: TriedCard(row[2], is_shared=row[1]) for row in rows_of(connection, _TRIED_CARDS, parameters)}


def lock_cards(connection: sa.Connection, enterprise_id: UUID, tokens: Collection[str]) -> None:
    """Let nobody else plan attempts at these cards until the transaction ends."""
    rows_of(connection, _ONE_BY_ONE, {"enterprise_id": str(enterprise_id), "tokens": sorted(tokens)})


def attempts_of_invoices(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID], ids: Collection[UUID]
) -> Mapping[tuple[UUID, str], list[date]]:
    """Read the days of all attempts at invoices, by invoice and card or bank account."""
    if not ids:
        return {}
    parameters = {"enterprise_id": enterprise_id, "account_ids": list(account_ids), "ids": list(ids)}
    return {(row[0], row[1]): row[2] for row in rows_of(connection, _ATTEMPTS_OF_INVOICES, parameters)}


def paid_by_sources(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID], ids: Collection[UUID]
) -> Mapping[UUID, Mapping[UUID, int]]:
    """Read what each source has paid of invoices: by invoice, then by source."""
    found: dict[UUID, dict[UUID, int]] = {}
    if ids:
        parameters = {"enterprise_id": enterprise_id, "account_ids": list(account_ids), "ids": list(ids)}
        for row in connection.execute(_PAID_BY_SOURCES, parameters):
            found.setdefault(row[0], {})[row[1]] = int(row[2])
    return found


def given_up(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID], ids: Collection[UUID]
) -> Mapping[UUID, set[TriedData]]:
    """Read by invoice which cards, with which data, were declined there without another attempt being planned."""
    found: dict[UUID, set[TriedData]] = {}
    if ids:
        parameters = {"enterprise_id": enterprise_id, "account_ids": list(account_ids), "ids": list(ids)}
        for row in connection.execute(_GIVEN_UP, parameters):
            found.setdefault(row.invoice_id, set()).add((row.token, row.expiry_month, row.expiry_year))
    return found


def to_withdraw(connection: sa.Connection, enterprise_id: UUID, run_id: UUID, limit: int) -> Sequence[UUID]:
    """Find accounts with a payment of a run that is in no batch yet."""
    parameters = {"enterprise_id": enterprise_id, "run_id": run_id, "limit": limit}
    return connection.scalars(_TO_WITHDRAW, parameters).all()


def withdraw(
    connection: sa.Connection, enterprise_id: UUID, run_id: UUID, account_ids: Collection[UUID], day: date, message: str
) -> Sequence[UUID]:
    """Take back the payments of a run that are in no batch yet; give their invoices. The accounts must be locked."""
    parameters = {"enterprise_id": enterprise_id, "run_id": run_id, "account_ids": list(account_ids)}
    rows = connection.execute(_WITHDRAW_ATTEMPTS, {**parameters, "message": message}).all()
    written = {"enterprise_id": enterprise_id, "ids": [row[0] for row in rows], "day": day, "message": message}
    connection.execute(_WITHDRAW_PAYMENTS, written)
    return [row[1] for row in rows]


def _payment_row(one: NewAttempt, state: State, correlation: str, now: datetime) -> tuple[object, ...]:
    account = one.payment.account
    return (
        account.enterprise_id,
        account.business_unit_id,
        one.payment.id,
        account.id,
        one.invoice.id,
        one.source.id,
        one.bill_run_id,
        one.payment.kind,
        state,
        one.source.tender,
        one.source.is_primary,
        one.payment.amount_minor,
        one.payment.currency,
        one.bill_date,
        None,
        "",
        "",
        False,
        correlation,
        now,
    )


def _attempt_row(
    one: NewAttempt, batch_id: UUID | None, state: State, correlation: str, now: datetime
) -> tuple[object, ...]:
    account, source, invoice = one.payment.account, one.source, one.invoice
    return (
        account.enterprise_id,
        account.business_unit_id,
        one.id,
        account.id,
        one.invoice.id,
        one.payment.id,
        source.id,
        one.bill_run_id,
        batch_id,
        one.label,
        one.account_number,
        invoice.due_date,
        invoice.number,
        invoice.description,
        one.attempt_no,
        source.tender,
        source.token,
        source.expiry_month,
        source.expiry_year,
        one.payment.amount_minor,
        one.payment.currency,
        one.day,
        state,
        "",
        "",
        "",
        correlation,
        now,
    )
