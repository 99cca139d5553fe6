"""Tables and SQL of members and contacts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.members.rules import LABELS, Contact, Member

TABLES = sa.MetaData()

member = sa.Table(
    "member",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("last_name", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Date),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("do_not_call", sa.Boolean, nullable=False),
    sa.Column("sms_opt_out", sa.Boolean, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("import_hash", sa.LargeBinary),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("email_opt_out", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("preferred_channel", sa.Text, nullable=False, server_default=""),
    sa.Column("organization", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.UniqueConstraint("enterprise_id", "external_id"),
    sa.Index("member_birth", "enterprise_id", "birth_date"),
    sa.Index("member_account", "enterprise_id", "account_id"),
)

contact = sa.Table(
    "contact",
    TABLES,
    # A contact's name carries its member, so this one index finds it, too.
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("member_id", PG_UUID, primary_key=True),
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("id", PG_UUID, nullable=False),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("address_lines", ARRAY(sa.Text), nullable=False),
    sa.Column("primary", sa.Boolean, nullable=False),
    sa.Column("invalid", sa.Boolean, nullable=False),
    sa.Column("arm_purpose", sa.Boolean, nullable=False),
    sa.Column("arm_purpose_by_hand", sa.Boolean, nullable=False),
    sa.Column("purposes", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Index("contact_value", "enterprise_id", "value"),
)
_NUMBER = sa.Sequence("member_number")

_FIXED = ("enterprise_id", "id", "business_unit_id", "external_id", "account_id", "create_time")
_PROFILE = (
    *("first_name", "last_name", "birth_date", "time_zone", "do_not_call", "sms_opt_out", "notes", "version"),
    *("email_opt_out", "preferred_channel", "organization"),
)
_WAY = (
    *("id", "label", "value", "address_lines", "primary", "invalid", "arm_purpose", "arm_purpose_by_hand", "purposes"),
)
_MARKS = ("invalid", "arm_purpose", "arm_purpose_by_hand")


def find_member(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, member_id: UUID) -> Member | None:
    """Read a member of a unit."""
    query = _members(enterprise_id).where(member.c.business_unit_id == unit_id, member.c.id == member_id)
    return next(iter(load_members(connection, enterprise_id, query)), None)


def find_members(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, member_ids: Iterable[UUID]
) -> Sequence[Member]:
    """Read some members of a unit."""
    chosen = member.c.id == sa.any_(sa.cast(list(member_ids), ARRAY(PG_UUID)))
    return load_members(
        connection, enterprise_id, _members(enterprise_id).where(member.c.business_unit_id == unit_id, chosen)
    )


def lock_members(connection: sa.Connection, enterprise_id: UUID, member_ids: Iterable[UUID]) -> Sequence[Member]:
    """Read members and keep others from changing them; in the order of their ids, so that nobody waits in a ring."""
    query = _members(enterprise_id).where(member.c.id == sa.any_(sa.cast(list(member_ids), ARRAY(PG_UUID))))
    return load_members(connection, enterprise_id, query.order_by(member.c.id).with_for_update())


def members_page(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, external_id: str, after: str, limit: int
) -> Sequence[Member]:
    """Read the members after an external id, by external id."""
    query = _members(enterprise_id).where(member.c.external_id > after)
    if unit_id is not None:
        query = query.where(member.c.business_unit_id == unit_id)
    if external_id:
        query = query.where(member.c.external_id == external_id)
    return load_members(connection, enterprise_id, query.order_by(member.c.external_id).limit(limit))


def members_after(connection: sa.Connection, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[Member]:
    """Read the members after an id, in the order of ids, and keep others from changing them."""
    query = _members(enterprise_id)
    if after is not None:
        query = query.where(member.c.id > after)
    return load_members(connection, enterprise_id, query.order_by(member.c.id).limit(limit).with_for_update())


def add_member(connection: sa.Connection, made: Member) -> bool:
    """Add a member with contacts; tell whether the external id was free."""
    values = {name: getattr(made, name) for name in _PROFILE + _FIXED}
    statement = insert(member).values(values).on_conflict_do_nothing().returning(member.c.id)
    if connection.scalar(statement) is None:
        return False
    _add_contacts(connection, made)
    return True


def save_member(connection: sa.Connection, made: Member) -> None:
    """Write a member's profile and contacts anew."""
    mine = sa.and_(member.c.enterprise_id == made.enterprise_id, member.c.id == made.id)
    connection.execute(sa.update(member).where(mine).values({name: getattr(made, name) for name in _PROFILE}))
    connection.execute(
        sa.delete(contact).where(contact.c.enterprise_id == made.enterprise_id, contact.c.member_id == made.id)
    )
    _add_contacts(connection, made)


def next_number(connection: sa.Connection, enterprise_id: UUID) -> str:
    """Draw the next number for a new member, past those that the club's own file has used."""
    while True:
        number = str(connection.scalar(_NUMBER.next_value()))
        taken = sa.select(sa.literal(1)).where(member.c.enterprise_id == enterprise_id, member.c.external_id == number)
        if connection.scalar(taken) is None:
            return number


def has_account(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, account_id: UUID) -> bool:
    """Tell whether an account is one of a unit's members."""
    query = sa.select(sa.literal(1)).where(
        member.c.enterprise_id == enterprise_id,
        member.c.business_unit_id == unit_id,
        member.c.account_id == account_id,
    )
    return connection.scalar(query.limit(1)) is not None


def save_marks(connection: sa.Connection, before: Sequence[Member], after: Sequence[Member]) -> None:
    """Write the versions and the contacts' marks that differ."""
    connection.execute(
        sa.update(member)
        .where(member.c.enterprise_id == sa.bindparam("e"), member.c.id == sa.bindparam("m"))
        .values(version=sa.bindparam("v")),
        [{"e": one.enterprise_id, "m": one.id, "v": one.version} for one in after],
    )
    known = {one.id: one for old in before for one in old.contacts}
    changed = [(new, one) for new in after for one in new.contacts if known[one.id] != one]
    if changed:
        connection.execute(
            sa.update(contact)
            .where(
                contact.c.enterprise_id == sa.bindparam("e"),
                contact.c.member_id == sa.bindparam("m"),
                contact.c.label == sa.bindparam("l"),
            )
            .values({mark: sa.bindparam(f"new_{mark}") for mark in _MARKS}),
            [
                {"e": new.enterprise_id, "m": new.id, "l": one.label}
                | {f"new_{mark}": getattr(one, mark) for mark in _MARKS}
                for new, one in changed
            ],
        )


def _add_contacts(connection: sa.Connection, made: Member) -> None:
    owner = {"enterprise_id": made.enterprise_id, "business_unit_id": made.business_unit_id, "member_id": made.id}
    rows = [owner | {name: getattr(one, name) for name in _WAY} for one in made.contacts]
    if rows:
        connection.execute(insert(contact).values(rows))


def _members(enterprise_id: UUID) -> "sa.Select[Any]":
    return sa.select(member).where(member.c.enterprise_id == enterprise_id)


def load_members(connection: sa.Connection, enterprise_id: UUID, query: "sa.Select[Any]") -> Sequence[Member]:
    """Read the members that a query of their table finds, with their contacts."""
    rows = connection.execute(query).all()
    if not rows:
        return []
    contacts = _contacts(connection, enterprise_id, [row.id for row in rows])
    return [_member(row, contacts[row.id]) for row in rows]


def _contacts(connection: sa.Connection, enterprise_id: UUID, member_ids: list[UUID]) -> dict[UUID, list[Contact]]:
    query = sa.select(contact).where(
        contact.c.enterprise_id == enterprise_id, contact.c.member_id == sa.any_(sa.cast(member_ids, ARRAY(PG_UUID)))
    )
    found: dict[UUID, list[Contact]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.member_id].append(
            Contact(
                row.id,
                row.label,
                row.value,
                tuple(row.address_lines),
                row.primary,
                row.invalid,
                row.arm_purpose,
                row.arm_purpose_by_hand,
                tuple(row.purposes),
            )
        )
    return found


def _member(row: "sa.Row[Any]", contacts: list[Contact]) -> Member:
    return Member(
        row.id,
        row.enterprise_id,
        row.business_unit_id,
        row.external_id,
        row.account_id,
        row.first_name,
        row.last_name,
        row.birth_date,
        row.time_zone,
        row.do_not_call,
        row.sms_opt_out,
        row.notes,
        row.version,
        row.create_time,
        tuple(sorted(contacts, key=lambda one: LABELS.index(one.label))),
        row.email_opt_out,
        row.preferred_channel,
        row.organization,
    )
