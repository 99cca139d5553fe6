"""Making a new version of a schedule."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from boss_arm.configuration import queries as configuration
from boss_arm.configuration import store as templates
from boss_arm.configuration.rules import require_configured, require_templates
from boss_arm.schedules import rules, store
from boss_arm.schedules.rules import Line, Schedule
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Transaction


def create_schedule(tx: Transaction, unit_id: UUID, lines: Sequence[Line]) -> Schedule:
    """Make the next version: the third step (SPEC ARM-2). Open cycles keep the version they began with (SPEC ARM-3)."""
    require_configured(configuration.settings(tx, unit_id))
    require_templates(any_selectable=templates.has_selectable_template(tx.connection, tx.enterprise_id, unit_id))
    known = templates.find_templates(tx.connection, tx.enterprise_id, {line.template_id for line in lines})
    rules.check_lines(lines, known, unit_id)
    version = store.lock_versions(tx.connection, tx.enterprise_id, unit_id) + 1
    schedule_id = derived_id(unit_id, "schedule", str(version))
    named = tuple(replace(line, id=derived_id(schedule_id, "line", str(line.position))) for line in lines)
    made = Schedule(unit_id, schedule_id, version, named, tx.now)
    store.add_schedule(tx.connection, tx.enterprise_id, made)
    return made
