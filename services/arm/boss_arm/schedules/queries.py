"""Reading the schedule in force."""

from uuid import UUID

from boss_arm.configuration import queries as configuration
from boss_arm.configuration import store as templates
from boss_arm.configuration.rules import Template
from boss_arm.schedules import store
from boss_arm.schedules.rules import Schedule
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


def current_schedule(tx: Transaction, unit_id: UUID) -> Schedule:
    """Give the schedule in force. Raises NotFound if there is none."""
    configuration.settings(tx, unit_id)
    found = store.current_schedules(tx.connection, tx.enterprise_id, [unit_id])
    if unit_id not in found:
        raise NotFound(
            "SCHEDULE_NOT_FOUND", "This business unit has no notification schedule yet; make one with CreateSchedule."
        )
    return found[unit_id]


def templates_of(tx: Transaction, schedule: Schedule) -> dict[UUID, Template]:
    """Give the templates that a version's lines name."""
    return templates.find_templates(tx.connection, tx.enterprise_id, {line.template_id for line in schedule.lines})
