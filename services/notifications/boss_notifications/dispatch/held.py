"""What was held goes on when its hold has ended, without waiting for the next day."""

import sqlalchemy as sa

from boss_kit.days import business_date
from boss_kit.unit_of_work import Transaction
from boss_notifications.contact_rules.store import business_unit
from boss_notifications.intents.rules import State
from boss_notifications.intents.tables import N, notification

TASK = "dispatch"
ZONE_DEFAULT = "UTC"


def ask_for_dispatch(tx: Transaction) -> None:
    """Ask for a dispatch for each enterprise that has a hold behind it."""
    unit = business_unit.c
    rows = tx.connection.execute(
        sa.select(N.enterprise_id, sa.func.min(unit.time_zone).label("time_zone"))
        .select_from(
            notification.outerjoin(
                business_unit, sa.and_(unit.enterprise_id == N.enterprise_id, unit.id == N.business_unit_id)
            )
        )
        .where(N.state == State.HELD, N.hold_until <= tx.now)
        .group_by(N.enterprise_id)
        .order_by(N.enterprise_id)
    )
    for row in rows.all():
        day = business_date(tx.now, row.time_zone or ZONE_DEFAULT)
        tx.enqueue(TASK, key=f"held/{tx.now:%Y-%m-%dT%H:%M}", business_date=day, enterprise_id=row.enterprise_id)
