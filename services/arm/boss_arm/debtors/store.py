"""Tables and SQL of the copies."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from boss_arm.debtors.rules import Balance, BusinessUnit, Contact, Mark, Member, OpenItem

METADATA = sa.MetaData()

AccountRow = sa.Row[Any]
"""A row of `account`, as the commands of other rooms get it."""

business_unit = sa.Table(
    "business_unit",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
)

member = sa.Table(
    "member",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("last_name", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("do_not_call", sa.Boolean, nullable=False),
    sa.Column("contacts", JSONB, nullable=False),
)

contact_mark = sa.Table(
    "contact_mark",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("member_id", sa.Uuid, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("mark_date", sa.Date, nullable=False),
)

account = sa.Table(
    "account",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("open_items", JSONB, comment="Empty until billing has told a balance."),
    sa.Column("attempt_in_flight", sa.Boolean, nullable=False),
    sa.Column("decline_date", sa.Date, comment="Day of a decline that waits for the balance of its transaction."),
    sa.Column("handed_over_invoices", ARRAY(sa.Text), nullable=False),
    comment="The row that whoever publishes about an account locks first, so that its events keep their order.",
)
A = account.c

_MEMBER = (
    *("enterprise_id", "business_unit_id", "id", "account_id", "external_id", "first_name", "last_name", "time_zone"),
    "do_not_call",
)
_KEEP_MEMBERS = sa.text(
    """
    INSERT INTO member
        (enterprise_id, business_unit_id, id, account_id, external_id, first_name, last_name, time_zone, do_not_call,
            contacts)
    SELECT * FROM ROWS FROM (
        unnest(
            CAST(:enterprise_id AS uuid[]), CAST(:business_unit_id AS uuid[]), CAST(:id AS uuid[]),
            CAST(:account_id AS uuid[]), CAST(:external_id AS text[]), CAST(:first_name AS text[]),
            CAST(:last_name AS text[]), CAST(:time_zone AS text[]), CAST(:do_not_call AS boolean[])
        ),
        jsonb_array_elements(CAST(:contacts AS jsonb))
    )
    ORDER BY 1, 3
    ON CONFLICT (enterprise_id, id) DO UPDATE SET
        business_unit_id = excluded.business_unit_id, account_id = excluded.account_id,
        external_id = excluded.external_id, first_name = excluded.first_name, last_name = excluded.last_name,
        time_zone = excluded.time_zone, do_not_call = excluded.do_not_call, contacts = excluded.contacts
    """
)
_KEEP_BALANCES = sa.text(
    """
    INSERT INTO account
        (enterprise_id, business_unit_id, id, number, attempt_in_flight, open_items, handed_over_invoices)
    SELECT enterprise_id, business_unit_id, id, number, in_flight, open_items, '{}'
    FROM ROWS FROM (
        unnest(
            CAST(:enterprises AS uuid[]), CAST(:units AS uuid[]), CAST(:accounts AS uuid[]), CAST(:numbers AS text[]),
            CAST(:in_flight AS boolean[])
        ),
        jsonb_array_elements(CAST(:items AS jsonb))
    ) AS told (enterprise_id, business_unit_id, id, number, in_flight, open_items)
    ORDER BY id
    ON CONFLICT (enterprise_id, id) DO UPDATE SET
        business_unit_id = excluded.business_unit_id, number = excluded.number, open_items = excluded.open_items,
        attempt_in_flight = excluded.attempt_in_flight
    """
)


def ids(values: Iterable[UUID]) -> "sa.ColumnElement[Any]":
    """Give `ANY(values)`: one parameter, whatever their number, so that the statement stays prepared."""
    return sa.any_(sa.literal(list(values), ARRAY(sa.Uuid)))


def keep_units(connection: sa.Connection, units: Sequence[BusinessUnit]) -> None:
    """Write units as told last."""
    rows = [
        {name: getattr(unit, name) for name in ("enterprise_id", "id", "display_name", "time_zone", "currency")}
        for unit in units
    ]
    connection.execute(_upsert(business_unit, ("enterprise_id", "id")), rows)


def keep_members(connection: sa.Connection, members: Sequence[Member]) -> None:
    """Write members as told last, and drop the marks that agreements has confirmed."""
    values: dict[str, object] = {name: [getattr(one, name) for one in members] for name in _MEMBER}
    values["contacts"] = json.dumps([[_contact_to_json(contact) for contact in one.contacts] for one in members])
    connection.execute(_KEEP_MEMBERS, values)
    confirmed = [contact.name for one in members for contact in one.contacts if contact.invalid]
    if confirmed:
        connection.execute(
            sa.delete(contact_mark).where(contact_mark.c.contact == sa.any_(sa.literal(confirmed, ARRAY(sa.Text))))
        )


def keep_balances(connection: sa.Connection, balances: Sequence[Balance]) -> None:
    """Write balances as told last, in the order of their accounts, which locks their rows."""
    connection.execute(
        _KEEP_BALANCES,
        {
            "enterprises": [one.enterprise_id for one in balances],
            "units": [one.business_unit_id for one in balances],
            "accounts": [one.account_id for one in balances],
            "numbers": [one.number for one in balances],
            "in_flight": [one.attempt_in_flight for one in balances],
            "items": json.dumps([[_item_to_json(item) for item in one.open_items] for one in balances]),
        },
    )


def ensure_accounts(connection: sa.Connection, keys: Iterable[tuple[UUID, UUID, UUID]]) -> None:
    """Make rows for accounts nobody has told a balance of: (enterprise, unit, account)."""
    rows = [
        {
            "enterprise_id": enterprise_id,
            "business_unit_id": unit_id,
            "id": account_id,
            "number": "",
            "attempt_in_flight": False,
            "handed_over_invoices": [],
        }
        for enterprise_id, unit_id, account_id in sorted(keys)
    ]
    connection.execute(insert(account).on_conflict_do_nothing(), rows)


def lock_accounts(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID]
) -> "dict[UUID, sa.Row[Any]]":
    """Lock accounts, in the order of their ids so that nobody waits in a circle, and give them by id."""
    rows = connection.execute(
        sa.select(account)
        .where(A.enterprise_id == enterprise_id, A.id == ids(account_ids))
        .order_by(A.id)
        .with_for_update()
    )
    return {row.id: row for row in rows}


def set_decline_dates(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID], day: date | None
) -> None:
    """Remember, or forget, that declines wait for their balance."""
    connection.execute(
        sa.update(account).where(A.enterprise_id == enterprise_id, A.id == ids(account_ids)).values(decline_date=day)
    )


def waiting_declines(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID]
) -> "dict[UUID, sa.Row[Any]]":
    """Give the accounts whose decline waits for its balance; the caller holds their locks."""
    rows = connection.execute(
        sa.select(account).where(
            A.enterprise_id == enterprise_id, A.id == ids(account_ids), A.decline_date.is_not(None)
        )
    )
    return {row.id: row for row in rows}


def set_handed_over(connection: sa.Connection, enterprise_id: UUID, account_id: UUID, invoices: Sequence[str]) -> None:
    """Remember which invoices are with the agency."""
    connection.execute(
        sa.update(account)
        .where(A.enterprise_id == enterprise_id, A.id == account_id)
        .values(handed_over_invoices=list(invoices))
    )


def find_unit(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> BusinessUnit | None:
    """Give a unit, if it is known."""
    return find_units(connection, enterprise_id, [unit_id]).get(unit_id)


def find_units(connection: sa.Connection, enterprise_id: UUID, unit_ids: Iterable[UUID]) -> dict[UUID, BusinessUnit]:
    """Give units by id."""
    query = sa.select(business_unit).where(business_unit.c.enterprise_id == enterprise_id)
    rows = connection.execute(query.where(business_unit.c.id == ids(unit_ids)))
    return {
        row.id: BusinessUnit(row.enterprise_id, row.id, row.display_name, row.time_zone, row.currency) for row in rows
    }


def find_account(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, account_id: UUID
) -> "sa.Row[Any] | None":
    """Give an account of a unit, if it is known."""
    where = (A.enterprise_id == enterprise_id, A.business_unit_id == unit_id, A.id == account_id)
    return connection.execute(sa.select(account).where(*where)).one_or_none()


def responsible_members(
    connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID]
) -> dict[UUID, Member]:
    """Give the responsible member of each account that has one: of several the first by the club's own number."""
    rows = connection.execute(
        sa.select(member)
        .where(member.c.enterprise_id == enterprise_id, member.c.account_id == ids(account_ids))
        .order_by(member.c.account_id, member.c.external_id)
    )
    found: dict[UUID, Member] = {}
    for row in rows:
        found.setdefault(row.account_id, _member(row))
    return found


def marks_of(
    connection: sa.Connection, enterprise_id: UUID, member_ids: Iterable[UUID]
) -> dict[tuple[UUID, str], Mark]:
    """Give the marks on members' contacts by member and channel."""
    rows = connection.execute(
        sa.select(contact_mark).where(
            contact_mark.c.enterprise_id == enterprise_id, contact_mark.c.member_id == ids(member_ids)
        )
    )
    return {(row.member_id, row.channel): Mark(*row) for row in rows}


def add_marks(connection: sa.Connection, marks: Sequence[Mark]) -> None:
    """Mark contacts; a member's newest mark of a channel stands."""
    if marks:
        rows = [{column.name: getattr(mark, column.name) for column in contact_mark.c} for mark in marks]
        connection.execute(_upsert(contact_mark, ("enterprise_id", "member_id", "channel")), rows)


def read_items(values: Sequence[Sequence[Any]] | None) -> tuple[OpenItem, ...]:
    """Read open items as a row keeps them; none while no balance was told."""
    return tuple(
        OpenItem(invoice, number, date.fromisoformat(due), balance, declined)
        for invoice, number, due, balance, declined in values or ()
    )


def _item_to_json(item: OpenItem) -> list[object]:
    return [item.invoice, item.number, item.due_date.isoformat(), item.balance_minor, item.declined]


def _contact_to_json(contact: Contact) -> list[object]:
    flags = (contact.primary, contact.invalid, contact.arm_purpose)
    return [contact.name, contact.channel, contact.label, contact.value, list(contact.address_lines), *flags]


def _member(row: "sa.Row[Any]") -> Member:
    contacts = tuple(
        Contact(name, channel, label, value, tuple(lines), primary, invalid, arm_purpose)
        for name, channel, label, value, lines, primary, invalid, arm_purpose in row.contacts
    )
    return Member(**row._asdict() | {"contacts": contacts})


def _upsert(table: sa.Table, key: Sequence[str]) -> "sa.sql.dml.Insert":
    statement = insert(table)
    columns = [column.name for column in table.c if column.name not in key]
    return statement.on_conflict_do_update(
        index_elements=key, set_={name: statement.excluded[name] for name in columns}
    )
