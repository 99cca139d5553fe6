"""Tables and SQL of funding sources, their changes and the card updater's inquiries."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.funding.rules import FundingSource, FundingSourceChanged
from boss_kit.database import copy_rows, rows_of
from boss_kit.ids import new_id

TABLES = sa.MetaData()

funding_source = sa.Table(
    "funding_source",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("tender", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("last4", sa.Text, nullable=False),
    sa.Column("expiry_month", sa.SmallInteger, nullable=False),
    sa.Column("expiry_year", sa.SmallInteger, nullable=False),
    sa.Column("is_primary", sa.Boolean, nullable=False),
    sa.Column("is_recurring", sa.Boolean, nullable=False),
    sa.Column("is_valid", sa.Boolean, nullable=False),
    sa.Column("responsibility_percent", sa.SmallInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("is_on_account", sa.Boolean, nullable=False),
)

funding_source_change = sa.Table(
    "funding_source_change",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("funding_source_id", PG_UUID, nullable=False),
    sa.Column("tender", sa.Text, nullable=False),
    sa.Column("previous_last4", sa.Text, nullable=False),
    sa.Column("last4", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

former_token = sa.Table(
    "former_token",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("funding_source_id", PG_UUID, primary_key=True),
)

_COLUMNS = (
    "source.business_unit_id, source.account_id, source.id, source.tender, source.token, source.last4, "
    "source.expiry_month, source.expiry_year, source.is_primary, source.is_recurring, source.is_valid, "
    "source.responsibility_percent, source.version, source.is_active, source.is_on_account"
)

_RECURRING = sa.text(
    f"""
    SELECT {_COLUMNS} FROM funding_source AS source
    WHERE source.enterprise_id = :enterprise_id AND source.account_id = ANY(:account_ids) AND source.is_recurring
      AND source.is_active
    ORDER BY source.account_id, source.is_primary DESC, source.id
    """
)

_OF_ACCOUNTS = sa.text(
    f"""
    SELECT {_COLUMNS} FROM funding_source AS source
    WHERE source.enterprise_id = :enterprise_id AND source.account_id = ANY(:account_ids)
    ORDER BY source.account_id, source.is_primary DESC, source.id
    """
)

_FIND = sa.text(
    f"""
    SELECT {_COLUMNS} FROM funding_source AS source
    WHERE source.enterprise_id = :enterprise_id AND source.id = ANY(:ids)
    """
)

# All parts of a statement see what was before it.
_SAVE = sa.text(
    """
    WITH new AS (
        SELECT *
        FROM unnest(CAST(:ids AS uuid[]), CAST(:tenders AS text[]), CAST(:tokens AS text[]), CAST(:last4s AS text[]),
                    CAST(:months AS int[]), CAST(:years AS int[]), CAST(:primary AS boolean[]),
                    CAST(:recurring AS boolean[]), CAST(:valid AS boolean[]), CAST(:active AS boolean[]),
                    CAST(:on_account AS boolean[]), CAST(:percents AS int[]), CAST(:versions AS bigint[]))
            AS new (id, tender, token, last4, expiry_month, expiry_year, is_primary, is_recurring, is_valid, is_active,
                    is_on_account, percent, version)
    ), former AS (
        INSERT INTO former_token (enterprise_id, token, funding_source_id)
        SELECT source.enterprise_id, source.token, source.id
        FROM funding_source AS source JOIN new ON new.id = source.id
        WHERE source.enterprise_id = :enterprise_id AND source.token NOT IN (new.token, '')
        ON CONFLICT DO NOTHING
    )
    UPDATE funding_source AS source
    SET tender = new.tender, token = new.token, last4 = new.last4, expiry_month = new.expiry_month,
        expiry_year = new.expiry_year, is_primary = new.is_primary, is_recurring = new.is_recurring,
        is_valid = new.is_valid, is_active = new.is_active, is_on_account = new.is_on_account,
        responsibility_percent = new.percent, version = new.version
    FROM new
    WHERE source.enterprise_id = :enterprise_id AND source.id = new.id
    """
)


_OF_TOKENS = sa.text(
    """
    SELECT token, id FROM funding_source
    WHERE enterprise_id = :enterprise_id AND token = ANY(:tokens)
    ORDER BY token, id
    """
)


_UNITS_OF_TOKENS = sa.text(
    """
    SELECT token, array_agg(DISTINCT business_unit_id) FROM funding_source
    WHERE enterprise_id = :enterprise_id AND token = ANY(:tokens)
    GROUP BY token
    """
)


def add(connection: sa.Connection, sources: Iterable[FundingSource], now: datetime) -> None:
    """Add sources."""
    columns = [column.name for column in funding_source.columns]
    copy_rows(
        connection,
        funding_source,
        columns,
        (
            (
                one.account.enterprise_id,
                one.account.business_unit_id,
                one.id,
                one.account.id,
                one.tender,
                one.token,
                one.last4,
                one.expiry_month,
                one.expiry_year,
                one.is_primary,
                one.is_recurring,
                one.is_valid,
                one.responsibility_percent,
                one.version,
                now,
                one.is_active,
                one.is_on_account,
            )
            for one in sources
        ),
    )


def recurring_sources(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID]
) -> Mapping[UUID, list[FundingSource]]:
    """Read the sources that pay for invoices, by account, the primary first."""
    return _by_account(connection, _RECURRING, enterprise_id, account_ids)


def sources_of(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID]
) -> Mapping[UUID, list[FundingSource]]:
    """Read all sources, by account, the primary first."""
    return _by_account(connection, _OF_ACCOUNTS, enterprise_id, account_ids)


def of_tokens(connection: sa.Connection, enterprise_id: UUID, tokens: Collection[str]) -> Mapping[str, list[UUID]]:
    """Read which sources have a token: one card may pay for several accounts."""
    found: dict[str, list[UUID]] = {}
    if tokens:
        for row in connection.execute(_OF_TOKENS, {"enterprise_id": enterprise_id, "tokens": list(tokens)}):
            found.setdefault(row.token, []).append(row.id)
    return found


def units_of_tokens(
    connection: sa.Connection, enterprise_id: UUID, tokens: Collection[str]
) -> Mapping[str, Sequence[UUID]]:
    """Read which units have accounts with a source of a token."""
    parameters = {"enterprise_id": enterprise_id, "tokens": list(tokens)}
    return {row[0]: row[1] for row in connection.execute(_UNITS_OF_TOKENS, parameters)} if tokens else {}


def find(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> dict[UUID, FundingSource]:
    """Read sources by id."""
    if not ids:
        return {}
    rows = connection.execute(_FIND, {"enterprise_id": enterprise_id, "ids": list(ids)})
    return {row.id: _source(enterprise_id, row) for row in rows}


def save(connection: sa.Connection, enterprise_id: UUID, sources: Sequence[FundingSource]) -> None:
    """Write what changed of sources."""
    if not sources:
        return
    connection.execute(
        _SAVE,
        {
            "enterprise_id": enterprise_id,
            "ids": [one.id for one in sources],
            "tenders": [one.tender for one in sources],
            "tokens": [one.token for one in sources],
            "last4s": [one.last4 for one in sources],
            "months": [one.expiry_month for one in sources],
            "years": [one.expiry_year for one in sources],
            "primary": [one.is_primary for one in sources],
            "recurring": [one.is_recurring for one in sources],
            "valid": [one.is_valid for one in sources],
            "active": [one.is_active for one in sources],
            "on_account": [one.is_on_account for one in sources],
            "percents": [one.responsibility_percent for one in sources],
            "versions": [one.version for one in sources],
        },
    )


def add_changes(
    connection: sa.Connection, changes: Iterable[FundingSourceChanged], correlation: str, now: datetime
) -> None:
    """Keep the history of changes."""
    columns = [column.name for column in funding_source_change.columns]
    copy_rows(connection, funding_source_change, columns, (_change_row(one, correlation, now) for one in changes))


def _change_row(change: FundingSourceChanged, correlation: str, now: datetime) -> tuple[object, ...]:
    source, account = change.source, change.source.account
    day: date = change.business_date
    return (
        account.enterprise_id,
        account.business_unit_id,
        new_id(),
        account.id,
        source.id,
        source.tender,
        change.previous_last4,
        source.last4,
        change.reason,
        day,
        correlation,
        now,
    )


def _by_account(
    connection: sa.Connection, query: sa.TextClause, enterprise_id: UUID, account_ids: Collection[UUID]
) -> Mapping[UUID, list[FundingSource]]:
    found: dict[UUID, list[FundingSource]] = {}
    if account_ids:
        parameters = {"enterprise_id": enterprise_id, "account_ids": list(account_ids)}
        for row in rows_of(connection, query, parameters):
            found.setdefault(row[1], []).append(_source(enterprise_id, row))
    return found


def _source(enterprise_id: UUID, row: Sequence[Any]) -> FundingSource:
    # By place: naming each of them takes as long as all the rest, and a run reads one for every member.
    return FundingSource(row[2], AccountRef(enterprise_id, row[0], row[1]), *row[3:])
