"""Table and SQL of activities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.activities.rules import CYCLE, Activity, Grant
from boss_agreements.due_charges.store import DueLine
from boss_kit.database import copy_rows

TABLES = sa.MetaData()
UNITS = sa.Numeric(14, 3)
# Nobody has more to use at a time; what expired long ago decides nothing.
NEWEST = 1000

activity = sa.Table(
    "activity",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("member_id", PG_UUID, nullable=False),
    sa.Column("agreement_id", PG_UUID),
    sa.Column("line_id", PG_UUID),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("granted", UNITS),
    sa.Column("remaining", UNITS),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("paid_expiry_date", sa.Date, nullable=False),
    sa.Column("expiry_date", sa.Date, nullable=False),
    sa.Column("revoked_date", sa.Date),
    sa.Column("revoke_reason", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("remaining >= 0 AND remaining <= granted"),
    sa.Index("activity_of_member", "enterprise_id", "member_id", "expiry_date"),
    sa.Index("activity_of_agreement", "enterprise_id", "agreement_id", "expiry_date"),
    sa.Index("activity_of_line", "enterprise_id", "line_id"),
    comment="granted and remaining are empty for unlimited use; paid_expiry_date is the expiry without suspensions.",
)


class Granted(NamedTuple):
    """What a cycle of a line granted, and through when it is good."""

    id: UUID
    line: DueLine
    grant: Grant
    expiry_date: date


@dataclass(frozen=True, slots=True)
class LineUnits:
    """What a line's cycles granted: units, those used, and those left, locked or not."""

    granted: Decimal
    used: Decimal
    left: Decimal


_COLUMNS = [column.name for column in activity.columns]
_values = attrgetter(*_COLUMNS)


def add(connection: sa.Connection, new: Sequence[Activity]) -> None:
    """Add activities."""
    if new:
        copy_rows(connection, activity, _COLUMNS, [_values(one) for one in new])


def add_granted(connection: sa.Connection, enterprise_id: UUID, new: Sequence[Granted], now: datetime) -> None:
    """Add what cycles granted, all in one statement."""
    if new:
        values: dict[str, Sequence[object]] = {
            "ids": [one.id for one in new],
            "units": [one.line.business_unit_id for one in new],
            "members": [one.line.member_id for one in new],
            "agreements": [one.line.agreement_id for one in new],
            "lines": [one.line.id for one in new],
            "items": [one.line.terms.item for one in new],
            "kinds": [one.line.terms.line.item_kind for one in new],
            "granted": [one.grant.units for one in new],
            "starts": [one.grant.valid_from for one in new],
            "paid": [one.grant.expiry_date for one in new],
            "expiries": [one.expiry_date for one in new],
        }
        connection.execute(_ADD_GRANTED, {"enterprise_id": enterprise_id, "source": CYCLE, "now": now, **values})


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, activity_id: UUID) -> Activity | None:
    """Read an activity of a unit."""
    query = _activities(enterprise_id).where(activity.c.business_unit_id == unit_id, activity.c.id == activity_id)
    row = connection.execute(query).one_or_none()
    return _read(row) if row else None


def lock_of_member(connection: sa.Connection, enterprise_id: UUID, member_id: UUID) -> Sequence[Activity]:
    """Read a member's newest activities, which decide a check-in, and keep others from using them."""
    newest = (
        sa.select(activity.c.id)
        .where(activity.c.enterprise_id == enterprise_id, activity.c.member_id == member_id)
        .order_by(activity.c.expiry_date.desc())
        .limit(NEWEST)
    )
    query = _activities(enterprise_id).where(activity.c.id.in_(newest))
    return [_read(row) for row in connection.execute(query.order_by(activity.c.id).with_for_update())]


def lock_to_extend(
    connection: sa.Connection,
    enterprise_id: UUID,
    agreement_ids: Iterable[UUID],
    member_ids: Iterable[UUID],
    since: date,
) -> Sequence[Activity]:
    """Read what agreements granted and members bought outside one, unless it expired before a day, and lock it."""
    query = _owned(enterprise_id, agreement_ids, member_ids, since)
    return [_read(row) for row in connection.execute(query.order_by(activity.c.id).with_for_update())]


def usable(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID], member_ids: Iterable[UUID], day: date
) -> Sequence[Activity]:
    """Read what agreements granted and members bought outside one, of which something is left on a day, by expiry."""
    query = _owned(enterprise_id, agreement_ids, member_ids, day).where(
        sa.or_(activity.c.remaining.is_(None), activity.c.remaining > 0)
    )
    return [_read(row) for row in connection.execute(query.order_by(activity.c.expiry_date, activity.c.id))]


def save_expiries(connection: sa.Connection, enterprise_id: UUID, expiries: Mapping[UUID, date]) -> None:
    """Write until when activities are good, all in one statement."""
    if expiries:
        values = {"enterprise_id": enterprise_id, "ids": list(expiries), "dates": list(expiries.values())}
        connection.execute(_SAVE_EXPIRIES, values)


def save_remaining(connection: sa.Connection, changed: Sequence[Activity]) -> None:
    """Write how many units are left."""
    if changed:
        connection.execute(
            sa.update(activity)
            .where(activity.c.enterprise_id == sa.bindparam("e"), activity.c.id == sa.bindparam("a"))
            .values(remaining=sa.bindparam("left")),
            [{"e": one.enterprise_id, "a": one.id, "left": one.remaining} for one in changed],
        )


def take_back(connection: sa.Connection, enterprise_id: UUID, line_ids: Iterable[UUID], day: date, reason: str) -> int:
    """End what lines have granted on a day; tell how many activities that was."""
    query = (
        sa.update(activity)
        .where(
            activity.c.enterprise_id == enterprise_id,
            _is_any(activity.c.line_id, line_ids),
            activity.c.revoked_date.is_(None),
            activity.c.expiry_date >= day,
        )
        .values(revoked_date=day, revoke_reason=reason)
    )
    return int(connection.execute(query).rowcount)


def units_of_lines(
    connection: sa.Connection, enterprise_id: UUID, line_ids: Iterable[UUID], day: date | None = None
) -> Mapping[UUID, LineUnits]:
    """Sum the units that lines have granted and that are used and left, on a day only what hasn't expired by then.

    Lines without units are left out.
    """
    granted, remaining = sa.func.sum(activity.c.granted), sa.func.sum(activity.c.remaining)
    live = sa.true() if day is None else sa.and_(activity.c.expiry_date >= day, activity.c.revoked_date.is_(None))
    left = sa.func.coalesce(remaining.filter(live), 0)
    query = (
        sa.select(
            activity.c.line_id, granted.label("granted"), (granted - remaining).label("used"), left.label("left_over")
        )
        .where(
            activity.c.enterprise_id == enterprise_id,
            _is_any(activity.c.line_id, line_ids),
            activity.c.granted.is_not(None),
        )
        .group_by(activity.c.line_id)
    )
    return {row.line_id: LineUnits(row.granted, row.used, row.left_over) for row in connection.execute(query)}


def move_lines(connection: sa.Connection, enterprise_id: UUID, agreement_id: UUID, lines: Mapping[UUID, UUID]) -> None:
    """Hand what lines have granted over to the lines of another agreement that go on for them."""
    if lines:
        connection.execute(
            sa.update(activity)
            .where(activity.c.enterprise_id == enterprise_id, activity.c.line_id == sa.bindparam("old"))
            .values(line_id=sa.bindparam("new"), agreement_id=agreement_id),
            [{"old": old, "new": new} for old, new in lines.items()],
        )


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    member_id: UUID,
    since: date | None,
    after: tuple[date, UUID] | None,
    limit: int,
) -> Sequence[Activity]:
    """Read a member's activities by expiry, those that expired before a day left out."""
    query = _activities(enterprise_id).where(activity.c.business_unit_id == unit_id, activity.c.member_id == member_id)
    if since is not None:
        query = query.where(activity.c.expiry_date >= since)
    if after is not None:
        query = query.where(sa.tuple_(activity.c.expiry_date, activity.c.id) > sa.tuple_(*after))
    rows = connection.execute(query.order_by(activity.c.expiry_date, activity.c.id).limit(limit))
    return [_read(row) for row in rows]


_ADD_GRANTED = sa.text(
    """
    INSERT INTO activity (
        enterprise_id, source, create_time, revoke_reason, id, business_unit_id, member_id, agreement_id, line_id, item,
        kind, granted, remaining, valid_from, paid_expiry_date, expiry_date)
    SELECT CAST(:enterprise_id AS uuid), :source, CAST(:now AS timestamptz), '', id, unit_id, member_id, agreement_id,
        line_id, item, kind, units, units, valid_from, paid_expiry_date, expiry_date
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:units AS uuid[]), CAST(:members AS uuid[]), CAST(:agreements AS uuid[]),
        CAST(:lines AS uuid[]), CAST(:items AS text[]), CAST(:kinds AS text[]), CAST(:granted AS numeric[]),
        CAST(:starts AS date[]), CAST(:paid AS date[]), CAST(:expiries AS date[])
    ) AS new (
        id, unit_id, member_id, agreement_id, line_id, item, kind, units, valid_from, paid_expiry_date, expiry_date)
    """
)
_SAVE_EXPIRIES = sa.text(
    """
    UPDATE activity SET expiry_date = new.expiry_date
    FROM unnest(CAST(:ids AS uuid[]), CAST(:dates AS date[])) AS new (id, expiry_date)
    WHERE activity.enterprise_id = :enterprise_id AND activity.id = new.id
    """
)


def _activities(enterprise_id: UUID) -> "sa.Select[Any]":
    return sa.select(activity).where(activity.c.enterprise_id == enterprise_id)


def _owned(
    enterprise_id: UUID, agreement_ids: Iterable[UUID], member_ids: Iterable[UUID], since: date
) -> "sa.Select[Any]":
    of_members = sa.and_(activity.c.agreement_id.is_(None), _is_any(activity.c.member_id, member_ids))
    return _activities(enterprise_id).where(
        sa.or_(_is_any(activity.c.agreement_id, agreement_ids), of_members),
        activity.c.expiry_date >= since,
        activity.c.revoked_date.is_(None),
    )


def _read(row: "sa.Row[Any]") -> Activity:
    return Activity(**{name: getattr(row, name) for name in _COLUMNS})


def _is_any(column: "sa.ColumnElement[Any]", ids: Iterable[UUID]) -> "sa.ColumnElement[bool]":
    return column == sa.any_(sa.cast(list(ids), ARRAY(PG_UUID)))
