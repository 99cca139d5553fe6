"""SQL that finds members by what people know of them."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from boss_agreements.members.profiles import Candidate
from boss_agreements.members.rules import Member
from boss_agreements.members.store import contact, load_members, member
from boss_kit.ids import derived_id

CANDIDATES_MAX = 10
_LOCK_CLASS = 0x6D656D62  # "memb": keeps locks on people apart from other advisory locks of the database.


def hold_person(connection: sa.Connection, made: Member, reachable_at: Sequence[str]) -> None:
    """Let whoever makes the same person meanwhile wait for the commit, so that one finds the other (SPEC AGR-5)."""
    person = repr((made.first_name.lower(), made.last_name.lower(), made.organization, made.birth_date))
    known_by = (person, *reachable_at)
    # In one order for all, so that nobody waits for somebody who waits for them.
    keys = sorted({derived_id(made.enterprise_id, "person", text).int >> 97 for text in known_by})
    locked = sa.func.unnest(sa.cast(keys, ARRAY(sa.Integer))).column_valued("key")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_CLASS, locked))).all()


def candidates(connection: sa.Connection, made: Member, reachable_at: Sequence[str]) -> Sequence[Candidate]:
    """Read who might be the same person: same name and birth date, or same email or phone (SPEC AGR-5).

    An organization has no birth date: its name alone tells.
    """
    same_name = sa.and_(
        sa.func.lower(member.c.first_name) == made.first_name.lower(),
        sa.func.lower(member.c.last_name) == made.last_name.lower(),
    )
    same_person = sa.and_(
        member.c.organization if made.organization else member.c.birth_date == made.birth_date, same_name
    )
    same_contact = (
        sa.select(contact.c.member_id)
        .where(
            contact.c.enterprise_id == made.enterprise_id,
            contact.c.value == sa.any_(sa.cast(list(reachable_at), ARRAY(sa.Text))),
        )
        .scalar_subquery()
    )
    query = (
        sa.select(
            member.c.business_unit_id,
            member.c.id,
            member.c.external_id,
            member.c.organization,
            sa.func.coalesce(same_person, sa.false()).label("same_person"),
            member.c.id.in_(same_contact).label("same_contact"),
        )
        .where(
            member.c.enterprise_id == made.enterprise_id,
            member.c.id != made.id,
            sa.or_(same_person, member.c.id.in_(same_contact)),
        )
        .order_by(member.c.external_id)
        .limit(CANDIDATES_MAX)
    )
    return [
        Candidate(row.business_unit_id, row.id, row.external_id, row.organization, row.same_person, row.same_contact)
        for row in connection.execute(query)
    ]


def search(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID | None,
    wanted: tuple[str, str, str],
    after: str,
    limit: int,
) -> Sequence[Member]:
    """Read the members of a name, an email and a phone, those that are given, after an external id."""
    name, email, phone = wanted
    query = sa.select(member).where(member.c.enterprise_id == enterprise_id, member.c.external_id > after)
    if unit_id is not None:
        query = query.where(member.c.business_unit_id == unit_id)
    if name:
        query = query.where(_has_name(name))
    for value in filter(None, (email, phone)):
        has = sa.select(contact.c.member_id).where(
            contact.c.enterprise_id == enterprise_id, sa.func.lower(contact.c.value) == value.lower()
        )
        query = query.where(member.c.id.in_(has))
    return load_members(connection, enterprise_id, query.order_by(member.c.external_id).limit(limit))


def _has_name(name: str) -> "sa.ColumnElement[bool]":
    """Match the beginning of the given name, the family name, or both."""
    first, last = sa.func.lower(member.c.first_name), sa.func.lower(member.c.last_name)
    text = name.lower()
    both = first + " " + last
    return sa.or_(*(column.startswith(text, autoescape=True) for column in (first, last, both)))
