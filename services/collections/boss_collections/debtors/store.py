"""Tables and SQL of what the other services said about accounts, and of who owes.

The writers take pages: one statement for each, arrays in, rows in key order, so that two writers never wait for each
other crosswise.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_collections.debtors.rules import (
    AccountRef,
    AgreementState,
    ArmEntry,
    BusinessUnit,
    DatedBalance,
    Holder,
    OpenItem,
    oldest_due_date,
)

_ADD_UNITS = sa.text(
    """
    INSERT INTO business_unit (enterprise_id, id)
    SELECT * FROM unnest(CAST(:enterprises AS uuid[]), CAST(:units AS uuid[]))
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    """
)
_SAVE_UNITS = sa.text(
    """
    INSERT INTO business_unit (enterprise_id, id, display_name, time_zone)
    SELECT * FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:units AS uuid[]), CAST(:names AS text[]), CAST(:zones AS text[])
    )
    ORDER BY 1, 2
    ON CONFLICT (enterprise_id, id) DO UPDATE SET display_name = excluded.display_name, time_zone = excluded.time_zone
    """
)
_ADD_ACCOUNTS = sa.text(
    """
    INSERT INTO account (enterprise_id, id, business_unit_id)
    SELECT * FROM unnest(CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]), CAST(:units AS uuid[]))
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    """
)
_NAME_ACCOUNTS = sa.text(
    """
    INSERT INTO account (enterprise_id, id, business_unit_id, display_name)
    SELECT * FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]), CAST(:units AS uuid[]), CAST(:names AS text[])
    )
    ORDER BY 1, 2
    ON CONFLICT (enterprise_id, id) DO UPDATE SET display_name = excluded.display_name
    """
)
# An account whose number is known is left alone: even an update that changes nothing would lock and write its row.
# It is the first one from its id on, in the order of the primary key: only that index gives it. A join would read all
# accounts for every page while PostgreSQL hasn't yet seen how many there are.
_NUMBER_ACCOUNTS = sa.text(
    """
    INSERT INTO account (enterprise_id, id, business_unit_id, number)
    SELECT incoming.* FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]), CAST(:units AS uuid[]), CAST(:numbers AS text[])
    ) AS incoming (enterprise_id, id, business_unit_id, number)
    LEFT JOIN LATERAL (
        SELECT enterprise_id, id, number FROM account
        WHERE (enterprise_id, id) >= (incoming.enterprise_id, incoming.id)
        ORDER BY enterprise_id, id
        LIMIT 1
    ) AS known ON true
    WHERE (known.enterprise_id, known.id, known.number)
        IS DISTINCT FROM (incoming.enterprise_id, incoming.id, incoming.number)
    ORDER BY 1, 2
    ON CONFLICT (enterprise_id, id) DO UPDATE SET number = excluded.number
    """
)
_SAVE_BALANCES = sa.text(
    """
    INSERT INTO balance AS known
        (enterprise_id, account_id, business_date, version, currency, balance_minor, oldest_due_date, open_items)
    SELECT enterprise_id, account_id, business_date, version, currency, balance_minor, oldest_due_date, open_items
    FROM ROWS FROM (
        unnest(
            CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]), CAST(:days AS date[]), CAST(:versions AS bigint[]),
            CAST(:currencies AS text[]), CAST(:balances AS bigint[]), CAST(:oldest AS date[])
        ),
        jsonb_array_elements(CAST(:items AS jsonb))
    ) AS incoming
        (enterprise_id, account_id, business_date, version, currency, balance_minor, oldest_due_date, open_items)
    ORDER BY 1, 2
    ON CONFLICT (enterprise_id, account_id, business_date) DO UPDATE SET
        version = excluded.version, currency = excluded.currency, balance_minor = excluded.balance_minor,
        oldest_due_date = excluded.oldest_due_date, open_items = excluded.open_items
    WHERE known.version <= excluded.version
    """
)
_SAVE_AGREEMENTS = sa.text(
    """
    INSERT INTO agreement
        (enterprise_id, id, business_unit_id, account_id, status, initial_service_discount_minor, currency)
    SELECT * FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:agreements AS uuid[]), CAST(:units AS uuid[]), CAST(:accounts AS uuid[]),
        CAST(:statuses AS text[]), CAST(:discounts AS bigint[]), CAST(:currencies AS text[])
    )
    ORDER BY 1, 2
    ON CONFLICT (enterprise_id, id) DO UPDATE SET
        account_id = excluded.account_id, status = excluded.status,
        initial_service_discount_minor = excluded.initial_service_discount_minor, currency = excluded.currency
    """
)
_OPEN_CYCLES = sa.text(
    """
    INSERT INTO account (enterprise_id, id, business_unit_id, arm_cycle_id)
    SELECT * FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]), CAST(:units AS uuid[]), CAST(:cycles AS uuid[])
    )
    ORDER BY 1, 2
    ON CONFLICT (enterprise_id, id) DO UPDATE SET arm_cycle_id = excluded.arm_cycle_id
    """
)
_CLOSE_CYCLES = sa.text(
    """
    UPDATE account SET arm_cycle_id = NULL
    FROM unnest(CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]), CAST(:cycles AS uuid[]))
        AS incoming (enterprise_id, account_id, cycle_id)
    WHERE account.enterprise_id = incoming.enterprise_id AND account.id = incoming.account_id
        AND account.arm_cycle_id = incoming.cycle_id
    """
)
_ZONES = sa.text(
    """
    SELECT id, time_zone FROM business_unit
    WHERE enterprise_id = :enterprise AND (CAST(:unit AS uuid) IS NULL OR id = CAST(:unit AS uuid)) ORDER BY id
    """
)
_LOCK = sa.text("SELECT business_unit_id FROM account WHERE enterprise_id = :enterprise AND id = :account FOR UPDATE")
_FIND = sa.text("SELECT business_unit_id FROM account WHERE enterprise_id = :enterprise AND id = :account")


def add_accounts(connection: sa.Connection, accounts: Sequence[AccountRef]) -> None:
    """Note accounts, and their units, that we hear of for the first time."""
    _add_units(connection, accounts)
    connection.execute(_ADD_ACCOUNTS, _refs(accounts))


def save_units(connection: sa.Connection, units: Sequence[BusinessUnit]) -> None:
    """Write what agreements said of units."""
    connection.execute(
        _SAVE_UNITS,
        {
            "enterprises": [unit.enterprise_id for unit in units],
            "units": [unit.id for unit in units],
            "names": [unit.display_name for unit in units],
            "zones": [unit.time_zone for unit in units],
        },
    )


def save_holders(connection: sa.Connection, holders: Sequence[Holder]) -> None:
    """Write the names of those responsible; of two for one account the last stays."""
    last = list({holder.account: holder for holder in holders}.values())
    accounts = [holder.account for holder in last]
    _add_units(connection, accounts)
    connection.execute(_NAME_ACCOUNTS, {**_refs(accounts), "names": [holder.display_name for holder in last]})


def save_agreements(connection: sa.Connection, agreements: Sequence[AgreementState]) -> None:
    """Write the states of agreements."""
    connection.execute(
        _SAVE_AGREEMENTS,
        {
            **_refs([agreement.account for agreement in agreements]),
            "agreements": [agreement.agreement_id for agreement in agreements],
            "statuses": [agreement.status for agreement in agreements],
            "discounts": [agreement.initial_service_discount.amount_minor for agreement in agreements],
            "currencies": [agreement.initial_service_discount.currency for agreement in agreements],
        },
    )


def save_balances(connection: sa.Connection, balances: Sequence[DatedBalance]) -> None:
    """Write what accounts owe from a business date on; of one day the newest version stays."""
    facts = [dated.fact for dated in balances]
    accounts = [fact.account for fact in facts]
    refs = _refs(accounts)
    _add_units(connection, accounts)
    connection.execute(_NUMBER_ACCOUNTS, {**refs, "numbers": [fact.number for fact in facts]})
    connection.execute(
        _SAVE_BALANCES,
        {
            **refs,
            "days": [dated.business_date for dated in balances],
            "versions": [dated.version for dated in balances],
            "currencies": [fact.balance.currency for fact in facts],
            "balances": [fact.balance.amount_minor for fact in facts],
            "oldest": [oldest_due_date(fact.open_items) for fact in facts],
            "items": json.dumps([_items_to_json(fact.open_items) for fact in facts]),
        },
    )


def open_cycles(connection: sa.Connection, entries: Sequence[ArmEntry]) -> None:
    """Note that accounts are in ARM."""
    accounts = [entry.account for entry in entries]
    _add_units(connection, accounts)
    connection.execute(_OPEN_CYCLES, {**_refs(accounts), "cycles": [entry.cycle_id for entry in entries]})


def close_cycles(connection: sa.Connection, entries: Sequence[ArmEntry]) -> None:
    """Note that accounts left ARM, unless another cycle has begun meanwhile."""
    refs = _refs([entry.account for entry in entries])
    connection.execute(_CLOSE_CYCLES, {**refs, "cycles": [entry.cycle_id for entry in entries]})


def zones(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None = None) -> dict[UUID, str]:
    """Give the time zone of a unit, or of each unit of an enterprise."""
    rows = connection.execute(_ZONES, {"enterprise": enterprise_id, "unit": unit_id})
    return {row.id: row.time_zone for row in rows}


def lock_account(connection: sa.Connection, account: AccountRef) -> bool:
    """Keep other commands on an account waiting; tell whether there is one of that name."""
    found = connection.scalar(_LOCK, {"enterprise": account.enterprise_id, "account": account.account_id})
    return bool(found == account.business_unit_id)


def has_account(connection: sa.Connection, account: AccountRef) -> bool:
    """Tell whether there is an account of that name."""
    found = connection.scalar(_FIND, {"enterprise": account.enterprise_id, "account": account.account_id})
    return bool(found == account.business_unit_id)


def items_from_json(rows: Sequence[dict[str, Any]]) -> tuple[OpenItem, ...]:
    """Read open items, oldest first."""
    items = [
        OpenItem(
            UUID(row["invoice"]),
            row["number"],
            date.fromisoformat(row["due"]),
            row["balance"],
            row["total"],
            row["declined"],
            row["agreement"],
        )
        for row in rows
    ]
    return tuple(sorted(items, key=lambda item: (item.due_date, item.number)))


def _items_to_json(items: Sequence[OpenItem]) -> list[dict[str, Any]]:
    return [
        {
            "invoice": str(item.invoice_id),
            "number": item.number,
            "due": item.due_date.isoformat(),
            "balance": item.balance_minor,
            "total": item.total_minor,
            "declined": item.declined,
            "agreement": item.agreement,
        }
        for item in items
    ]


def _add_units(connection: sa.Connection, accounts: Sequence[AccountRef]) -> None:
    found = {(account.enterprise_id, account.business_unit_id) for account in accounts}
    enterprises, units = zip(*found, strict=True)
    connection.execute(_ADD_UNITS, {"enterprises": list(enterprises), "units": list(units)})


def _refs(accounts: Sequence[AccountRef]) -> dict[str, Sequence[object]]:
    return {
        "enterprises": [account.enterprise_id for account in accounts],
        "units": [account.business_unit_id for account in accounts],
        "accounts": [account.account_id for account in accounts],
    }
