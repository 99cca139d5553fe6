"""The table of accounts; locks come first in every command about them, in the order of their ids."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.accounts.rules import Account, AccountRef, OpenItem
from boss_kit.database import copy_rows, rows_of

TABLES = sa.MetaData()

account = sa.Table(
    "account",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("credit_minor", sa.BigInteger, nullable=False),
    sa.Column("invoice_count", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("record_hash", sa.LargeBinary),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

_SELECT = """
    SELECT account.business_unit_id, account.id, account.number, account.currency, unit.time_zone,
           account.credit_minor, account.invoice_count
    FROM account
    JOIN business_unit AS unit ON unit.enterprise_id = account.enterprise_id AND unit.id = account.business_unit_id
    WHERE account.enterprise_id = :enterprise_id
"""

_READ = sa.text(f"{_SELECT} AND account.id = ANY(:ids) ORDER BY account.id")
_LOCK = sa.text(f"{_SELECT} AND account.id = ANY(:ids) ORDER BY account.id FOR UPDATE OF account")

# Each attempt is found by its key, also in a table whose statistics aren't there yet.
_LOCK_OWNERS = sa.text(
    f"""
    {_SELECT} AND account.id = ANY(ARRAY(
        SELECT DISTINCT attempt.account_id
        FROM unnest(CAST(:attempt_ids AS uuid[])) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT account_id FROM attempt WHERE enterprise_id = :enterprise_id AND id = wanted.id OFFSET 0
        ) AS attempt
    ))
    ORDER BY account.id
    FOR UPDATE OF account
    """
)

_STANDING = sa.text(
    """
    SELECT account_id, id, number, due_date, balance_minor, total_minor, is_declined, agreement_id FROM invoice
    WHERE enterprise_id = :enterprise_id AND account_id = ANY(:ids) AND balance_minor > 0
    UNION ALL
    SELECT DISTINCT account_id, NULL::uuid, '', NULL::date, 0, 0, false, NULL::uuid FROM payment
    WHERE enterprise_id = :enterprise_id AND account_id = ANY(:ids)
      AND state IN ('created', 'pending', 'unknown', 'declined')
    """
)

_HOLD = sa.text(
    """
    SELECT count(*) FROM (
        SELECT FROM account WHERE enterprise_id = :enterprise_id AND id = ANY(:ids) ORDER BY id FOR UPDATE
    ) AS held
    """
)

_NEXT_VERSION = sa.text(
    """
    UPDATE account SET version = version + 1, credit_minor = new.credit_minor, invoice_count = new.invoice_count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:credits AS bigint[]), CAST(:counts AS int[]))
        AS new (id, credit_minor, invoice_count)
    WHERE account.enterprise_id = :enterprise_id AND account.id = new.id
    RETURNING account.id, account.version
    """
)

_HASHES = sa.text("SELECT id, record_hash FROM account WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)")


def lock(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> dict[UUID, Account]:
    """Lock accounts until the transaction ends; unknown ones are left out."""
    return _read(connection, _LOCK, enterprise_id, ids)


def lock_owners(connection: sa.Connection, enterprise_id: UUID, attempt_ids: Collection[UUID]) -> dict[UUID, Account]:
    """Lock the accounts of attempts until the transaction ends."""
    if not attempt_ids:
        return {}
    parameters = {"enterprise_id": enterprise_id, "attempt_ids": list(attempt_ids)}
    return _accounts(enterprise_id, rows_of(connection, _LOCK_OWNERS, parameters))


def hold(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> None:
    """Lock accounts until the transaction ends, without reading them: what it tells of them keeps its order."""
    if ids:
        connection.execute(_HOLD, {"enterprise_id": enterprise_id, "ids": list(ids)})


def read(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> dict[UUID, Account]:
    """Read accounts as they are, for what is only looked at; unknown ones are left out."""
    return _read(connection, _READ, enterprise_id, ids)


def standing(
    connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]
) -> tuple[Mapping[UUID, list[OpenItem]], Collection[UUID]]:
    """Read what accounts owe, oldest first, and which of them have a payment without a final result, in one go."""
    items: dict[UUID, list[OpenItem]] = {}
    in_flight: set[UUID] = set()
    for row in rows_of(connection, _STANDING, {"enterprise_id": enterprise_id, "ids": list(ids)}):
        if row[1] is None:
            in_flight.add(row[0])
        else:
            items.setdefault(row[0], []).append(OpenItem(*row[1:]))
    for of_one in items.values():
        if len(of_one) > 1:
            of_one.sort(key=lambda item: (item.due_date, len(item.number), item.number))
    return items, in_flight


def next_versions(connection: sa.Connection, enterprise_id: UUID, accounts: Sequence[Account]) -> Mapping[UUID, int]:
    """Write credit and invoice count, and give each account's next version."""
    rows = rows_of(
        connection,
        _NEXT_VERSION,
        {
            "enterprise_id": enterprise_id,
            "ids": [one.ref.id for one in accounts],
            "credits": [one.credit_minor for one in accounts],
            "counts": [one.invoice_count for one in accounts],
        },
    )
    return {row[0]: row[1] for row in rows}


def add(connection: sa.Connection, accounts: Iterable[tuple[Account, bytes]], now: datetime) -> None:
    """Add imported accounts with the hash of their record."""
    columns = [column.name for column in account.columns]
    copy_rows(
        connection,
        account,
        columns,
        (
            (
                one.ref.enterprise_id,
                one.ref.business_unit_id,
                one.ref.id,
                one.number,
                one.currency,
                one.credit_minor,
                one.invoice_count,
                0,
                record_hash,
                now,
            )
            for one, record_hash in accounts
        ),
    )


def add_one(connection: sa.Connection, one: Account, now: datetime) -> bool:
    """Add an account; tell whether its id and its number were free."""
    values = {
        "enterprise_id": one.ref.enterprise_id,
        "business_unit_id": one.ref.business_unit_id,
        "id": one.ref.id,
        "number": one.number,
        "currency": one.currency,
        "credit_minor": 0,
        "invoice_count": 0,
        "version": 0,
        "create_time": now,
    }
    statement = insert(account).values(values).on_conflict_do_nothing().returning(account.c.id)
    return connection.scalar(statement) is not None


def record_hashes(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> Mapping[UUID, bytes]:
    """Read the hashes of those accounts that are there."""
    rows = connection.execute(_HASHES, {"enterprise_id": enterprise_id, "ids": list(ids)})
    return {row.id: bytes(row.record_hash or b"") for row in rows}


def page_of_all(connection: sa.Connection, after: tuple[UUID, UUID], limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Read accounts of all enterprises after one: (enterprise, account)."""
    key = sa.tuple_(account.c.enterprise_id, account.c.id)
    query = sa.select(account.c.enterprise_id, account.c.id).where(key > after)
    rows = connection.execute(query.order_by(account.c.enterprise_id, account.c.id).limit(limit))
    return [(row.enterprise_id, row.id) for row in rows]


def _read(
    connection: sa.Connection, query: sa.TextClause, enterprise_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Account]:
    if not ids:
        return {}
    return _accounts(enterprise_id, rows_of(connection, query, {"enterprise_id": enterprise_id, "ids": list(ids)}))


def _accounts(enterprise_id: UUID, rows: Sequence[Any]) -> dict[UUID, Account]:
    # One object for all of a unit: what a page writes of it is written once.
    units = {row[0]: row[0] for row in rows}
    return {row[1]: Account(AccountRef(enterprise_id, units[row[0]], row[1]), *row[2:]) for row in rows}
