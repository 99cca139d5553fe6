"""The table of inquiries to the card updater: one per declined payment, or per card and bill day (SPEC BIL-4)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.funding.rules import FundingSource, Inquiry, SubmittedInquiry
from boss_kit.database import copy_rows
from boss_kit.ids import derived_id

TABLES = sa.MetaData()
CREATED = "created"

card_inquiry = sa.Table(
    "card_inquiry",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("payment_id", PG_UUID),
    sa.Column("funding_source_id", PG_UUID, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("sent_date", sa.Date),
    sa.Column("answer_date", sa.Date),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("bill_date", sa.Date),
)

_FIND = sa.text(
    """
    SELECT id, account_id, payment_id, funding_source_id, state FROM card_inquiry
    WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)
    """
)

_TO_SEND = sa.text(
    """
    SELECT inquiry.id, account.number, source.tender, source.token, source.last4, source.expiry_month,
           source.expiry_year, inquiry.bill_date
    FROM card_inquiry AS inquiry
    JOIN account ON account.enterprise_id = inquiry.enterprise_id AND account.id = inquiry.account_id
    JOIN funding_source AS source
        ON source.enterprise_id = inquiry.enterprise_id AND source.id = inquiry.funding_source_id
    WHERE inquiry.enterprise_id = :enterprise_id AND inquiry.state = 'created'
    ORDER BY account.number, inquiry.business_date, inquiry.id
    LIMIT :limit
    """
)

_SENT = sa.text(
    """
    UPDATE card_inquiry SET state = 'sent', sent_date = :day
    WHERE enterprise_id = :enterprise_id AND id = ANY(:ids) AND state = 'created'
    """
)

_ANSWERED = sa.text(
    """
    UPDATE card_inquiry AS inquiry SET state = 'answered', outcome = new.outcome, answer_date = :day
    FROM unnest(CAST(:ids AS uuid[]), CAST(:outcomes AS text[])) AS new (id, outcome)
    WHERE inquiry.enterprise_id = :enterprise_id AND inquiry.id = new.id
    """
)

_UNANSWERED = sa.text(
    """
    SELECT id FROM card_inquiry
    WHERE enterprise_id = :enterprise_id AND state = 'sent' AND sent_date <= :day
    ORDER BY id
    LIMIT :limit
    """
)


def add(connection: sa.Connection, rows: Sequence[tuple[object, ...]], correlation: str, now: datetime) -> None:
    """Add inquiries: (enterprise, unit, id, account, payment, source, business date)."""
    columns = (
        "enterprise_id", "business_unit_id", "id", "account_id", "payment_id", "funding_source_id", "business_date",
        "state", "outcome", "correlation", "create_time",
    )  # fmt: skip
    if rows:
        copy_rows(connection, card_inquiry, columns, ((*row, CREATED, "", correlation, now) for row in rows))


def add_ahead(
    connection: sa.Connection, cards: Sequence[tuple[FundingSource, date]], correlation: str, now: datetime
) -> None:
    """Add inquiries about cards that have something due on a day; one that was made before stays."""
    rows = [
        {
            "enterprise_id": source.account.enterprise_id,
            "business_unit_id": source.account.business_unit_id,
            "id": derived_id(source.id, "ahead", day.isoformat()),
            "account_id": source.account.id,
            "funding_source_id": source.id,
            "state": CREATED,
            "outcome": "",
            "business_date": day,
            "correlation": correlation,
            "create_time": now,
            "bill_date": day,
        }
        for source, day in cards
    ]
    if rows:
        connection.execute(insert(card_inquiry).on_conflict_do_nothing(), rows)


def find(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> Mapping[UUID, Inquiry]:
    """Read inquiries by id."""
    if not ids:
        return {}
    rows = connection.execute(_FIND, {"enterprise_id": enterprise_id, "ids": list(ids)})
    return {row.id: Inquiry(*row) for row in rows}


def to_send(connection: sa.Connection, enterprise_id: UUID, limit: int) -> Sequence[SubmittedInquiry]:
    """Read inquiries that nobody has sent, in the order of account numbers."""
    rows = connection.execute(_TO_SEND, {"enterprise_id": enterprise_id, "limit": limit})
    return [SubmittedInquiry(*row) for row in rows]


def mark_sent(connection: sa.Connection, enterprise_id: UUID, ids: Sequence[UUID], day: date) -> None:
    """Note that inquiries were sent."""
    connection.execute(_SENT, {"enterprise_id": enterprise_id, "ids": list(ids), "day": day})


def mark_answered(connection: sa.Connection, enterprise_id: UUID, outcomes: Mapping[UUID, str], day: date) -> None:
    """Note what the card updater said."""
    parameters = {
        "enterprise_id": enterprise_id,
        "ids": list(outcomes),
        "outcomes": list(outcomes.values()),
        "day": day,
    }
    if outcomes:
        connection.execute(_ANSWERED, parameters)


def unanswered(connection: sa.Connection, enterprise_id: UUID, sent_until: date, limit: int) -> Sequence[UUID]:
    """Read inquiries that were sent long ago."""
    return connection.scalars(_UNANSWERED, {"enterprise_id": enterprise_id, "day": sent_until, "limit": limit}).all()
