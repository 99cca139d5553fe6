"""Tables and SQL of steps."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from boss_arm.debtors.store import ids
from boss_arm.steps.rules import PENDING, State, Step

METADATA = sa.MetaData()

step = sa.Table(
    "step",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, nullable=False),
    sa.Column("cycle_id", sa.Uuid, nullable=False),
    sa.Column("line_id", sa.Uuid, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("member_id", sa.Uuid),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("contact_value", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("request_date", sa.Date, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, comment="Requests so far, from 0."),
    sa.Column("retries", sa.Integer, nullable=False, comment="Requests that a result asked for (SPEC ARM-9)."),
    sa.Column("released_attempt", sa.Integer, nullable=False),
    sa.Column("sent_attempt", sa.Integer, nullable=False),
    sa.Column("sent_date", sa.Date),
    sa.Column("result_attempt", sa.Integer),
    sa.Column("result_rank", sa.Integer),
    sa.Column("result_failed", sa.Boolean, nullable=False),
)
S = step.c
_NAMES = [column.name for column in S]
_KEY = ("enterprise_id", "id")

_SILENT = sa.text(
    """
    UPDATE step SET state = 'completed', result_attempt = attempt, result_rank = 0
    FROM arm_settings
    WHERE step.enterprise_id = :enterprise_id AND step.state = 'sent' AND step.result_rank IS NULL
        AND step.channel <> 'Letter'
        AND arm_settings.enterprise_id = step.enterprise_id AND arm_settings.business_unit_id = step.business_unit_id
        AND arm_settings.enabled AND step.sent_date <= :day - arm_settings.no_response_days
    RETURNING step.id
    """
).bindparams(sa.bindparam("day", type_=sa.Date))


def find_steps(connection: sa.Connection, enterprise_id: UUID, step_ids: Iterable[UUID]) -> dict[UUID, Step]:
    """Give steps by id."""
    rows = connection.execute(sa.select(step).where(S.enterprise_id == enterprise_id, S.id == ids(step_ids)))
    return {row.id: Step(*row) for row in rows}


def steps_of_cycles(
    connection: sa.Connection, enterprise_id: UUID, cycle_ids: Iterable[UUID]
) -> dict[UUID, list[Step]]:
    """Give the steps of cycles, by cycle."""
    found: dict[UUID, list[Step]] = {}
    rows = connection.execute(
        sa.select(step).where(S.enterprise_id == enterprise_id, S.cycle_id == ids(cycle_ids)).order_by(S.cycle_id, S.id)
    )
    for row in rows:
        found.setdefault(row.cycle_id, []).append(Step(*row))
    return found


def keep_steps(connection: sa.Connection, steps: Sequence[Step]) -> None:
    """Write steps as they are now, new ones and known ones."""
    if steps:
        statement = insert(step)
        changed = {name: statement.excluded[name] for name in _NAMES if name not in _KEY}
        rows = [dict(zip(_NAMES, astuple(one), strict=True)) for one in steps]
        connection.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=changed), rows)


def withdraw_pending(connection: sa.Connection, enterprise_id: UUID, cycle_ids: Iterable[UUID]) -> Sequence[Step]:
    """Withdraw what cycles still wanted to send; give the steps as they were before."""
    pending = sa.any_(sa.literal(list(PENDING), ARRAY(sa.Text)))
    query = sa.select(step).where(S.enterprise_id == enterprise_id, S.cycle_id == ids(cycle_ids), S.state == pending)
    before = [Step(*row) for row in connection.execute(query.order_by(S.account_id, S.id))]
    if before:
        withdrawn = sa.update(step).where(S.enterprise_id == enterprise_id, S.id == ids(one.id for one in before))
        connection.execute(withdrawn.values(state=State.WITHDRAWN))
    return before


def complete_silent(connection: sa.Connection, enterprise_id: UUID, day: date) -> Sequence[UUID]:
    """Complete the emails and calls that nobody answered within their unit's days; give their ids (SPEC ARM-9)."""
    return connection.scalars(_SILENT, {"enterprise_id": enterprise_id, "day": day}).all()
