"""Tables and SQL of the history."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_arm.debtors.store import ids
from boss_arm.history.rules import NO_RESPONSE, Activity, ActivityResult, Delivery, NewActivity

METADATA = sa.MetaData()

activity = sa.Table(
    "activity",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("enterprise_id", sa.Uuid, nullable=False),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("account_id", sa.Uuid, nullable=False),
    sa.Column("cycle_id", sa.Uuid, nullable=False),
    sa.Column("cycle_number", sa.Integer, nullable=False),
    sa.Column("step_id", sa.Uuid),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("activity_date", sa.Date, nullable=False),
    sa.Column("activity", sa.Text, nullable=False),
    sa.Column("result_date", sa.Date),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("days_in_arm", sa.Integer, nullable=False),
    sa.Column("past_due_minor", sa.BigInteger, nullable=False),
    sa.Column("settled", sa.Boolean, nullable=False, comment="Days and balance no longer follow the cycle."),
    sa.Column("contact_info", sa.Text, nullable=False),
    sa.Column("suspension", sa.Boolean, nullable=False),
    sa.Column("visible", sa.Boolean, nullable=False, comment="False: delivery log only (SPEC ARM-9)."),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)
A = activity.c

delivery_log = sa.Table(
    "delivery_log",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("enterprise_id", sa.Uuid, nullable=False),
    sa.Column("business_unit_id", sa.Uuid),
    sa.Column("account_id", sa.Uuid, nullable=False),
    sa.Column("step_id", sa.Uuid, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("result_date", sa.Date, nullable=False),
    sa.Column("response", sa.Text, nullable=False),
    sa.Column("response_detail", sa.Text, nullable=False),
    sa.Column("matched", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

_RESULTS = sa.text(
    """
    UPDATE activity SET
        result_date = told.result_date, result = told.result, visible = told.visible, settled = told.settled,
        days_in_arm = CASE WHEN told.settled THEN told.days_in_arm ELSE activity.days_in_arm END,
        past_due_minor = CASE WHEN told.settled THEN told.past_due_minor ELSE activity.past_due_minor END
    FROM unnest(
        CAST(:step_ids AS uuid[]), CAST(:result_dates AS date[]), CAST(:results AS text[]),
        CAST(:visibles AS boolean[]), CAST(:settleds AS boolean[]), CAST(:days AS integer[]),
        CAST(:balances AS bigint[])
    ) AS told (step_id, result_date, result, visible, settled, days_in_arm, past_due_minor)
    WHERE activity.enterprise_id = :enterprise_id AND activity.step_id = told.step_id
    """
)

_SILENT = sa.text(
    """
    UPDATE activity SET
        result_date = :day, result = :result, settled = true,
        days_in_arm = least(:day, coalesce(cycle.close_date, :day)) - cycle.sent_date,
        past_due_minor = cycle.run_past_due_minor
    FROM cycle
    WHERE activity.enterprise_id = :enterprise_id AND activity.step_id = ANY (CAST(:step_ids AS uuid[]))
        AND cycle.enterprise_id = activity.enterprise_id AND cycle.id = activity.cycle_id
    """
).bindparams(sa.bindparam("day", type_=sa.Date))

_CYCLE = sa.table("cycle", *map(sa.column, ("enterprise_id", "id", "sent_date", "run_date", "run_past_due_minor")))
_LINES = sa.select(
    A.id,
    A.cycle_id,
    A.cycle_number,
    A.type,
    A.activity_date,
    A.activity,
    A.result_date,
    A.result,
    # Until a result settles a line, it shows the cycle's figures as of the last daily run (SPEC ARM-7).
    sa.case(
        (A.settled, A.days_in_arm), else_=sa.func.coalesce(_CYCLE.c.run_date - _CYCLE.c.sent_date, A.days_in_arm)
    ).label("days_in_arm"),
    sa.case((A.settled, A.past_due_minor), else_=_CYCLE.c.run_past_due_minor).label("past_due_minor"),
    A.contact_info,
    A.suspension,
    A.correlation,
    A.create_time,
).select_from(activity.join(_CYCLE, sa.and_(_CYCLE.c.enterprise_id == A.enterprise_id, _CYCLE.c.id == A.cycle_id)))


def add_activities(connection: sa.Connection, rows: Sequence[NewActivity], now: datetime) -> None:
    """Write lines, in their order."""
    if rows:
        names = NewActivity.__slots__
        values = [
            {name: getattr(row, name) for name in names} | {"result": "", "visible": True, "create_time": now}
            for row in rows
        ]
        connection.execute(sa.insert(activity), values)


def write_results(connection: sa.Connection, enterprise_id: UUID, results: Sequence[ActivityResult]) -> None:
    """Write what results made of the lines of their steps."""
    if results:
        values = {
            "enterprise_id": enterprise_id,
            "step_ids": [one.step_id for one in results],
            "result_dates": [one.result_date for one in results],
            "results": [one.result for one in results],
            "visibles": [one.visible for one in results],
            "settleds": [one.settled for one in results],
            "days": [one.days_in_arm for one in results],
            "balances": [one.past_due_minor for one in results],
        }
        connection.execute(_RESULTS, values)


def write_silence(connection: sa.Connection, enterprise_id: UUID, step_ids: Sequence[UUID], day: date) -> None:
    """Give the lines of steps that nobody answered their result (SPEC ARM-9)."""
    values = {"enterprise_id": enterprise_id, "step_ids": list(step_ids), "day": day, "result": NO_RESPONSE}
    connection.execute(_SILENT, values)


def show(connection: sa.Connection, enterprise_id: UUID, step_ids: Sequence[UUID], *, visible: bool) -> None:
    """Show or hide the lines of steps."""
    if step_ids:
        connection.execute(
            sa.update(activity)
            .where(A.enterprise_id == enterprise_id, A.step_id == ids(step_ids))
            .values(visible=visible)
        )


def add_deliveries(connection: sa.Connection, rows: Sequence[Delivery], now: datetime) -> None:
    """Write the delivery log."""
    names = Delivery.__slots__
    values = [{name: getattr(row, name) for name in names} | {"create_time": now} for row in rows]
    connection.execute(sa.insert(delivery_log), values)


def list_newest_first(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    account_id: UUID,
    *,
    suspension: bool,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[Activity]:
    """List an account's visible lines, newest cycle and line first; without `suspension` those are left out."""
    query = _LINES.where(*_of(enterprise_id, unit_id, account_id), A.visible)
    if not suspension:
        query = query.where(sa.not_(A.suspension))
    if after is not None:
        query = query.where(sa.tuple_(A.cycle_number, A.id) < sa.tuple_(*map(sa.literal, after)))
    rows = connection.execute(query.order_by(A.cycle_number.desc(), A.id.desc()).limit(limit))
    return [Activity(**row._asdict()) for row in rows]


def list_story(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    account_id: UUID,
    *,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[Activity]:
    """List an account's visible lines, oldest first."""
    query = _LINES.where(*_of(enterprise_id, unit_id, account_id), A.visible)
    if after is not None:
        key = sa.tuple_(
            sa.cast(after[0], sa.Date), sa.cast(after[1], sa.DateTime(timezone=True)), sa.cast(after[2], sa.BigInteger)
        )
        query = query.where(sa.tuple_(A.activity_date, A.create_time, A.id) > key)
    rows = connection.execute(query.order_by(A.activity_date, A.create_time, A.id).limit(limit))
    return [Activity(**row._asdict()) for row in rows]


def _of(enterprise_id: UUID, unit_id: UUID, account_id: UUID) -> "tuple[sa.ColumnElement[bool], ...]":
    return A.enterprise_id == enterprise_id, A.business_unit_id == unit_id, A.account_id == account_id
