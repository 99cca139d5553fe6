"""Setting up: the switch, the settings, the templates."""

from dataclasses import dataclass, replace
from uuid import UUID

from boss_arm.configuration import queries, rules, store
from boss_arm.configuration.rules import ArmSettings, Template
from boss_arm.debtors import queries as debtors
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class NewTemplate:
    """A template to make at a level; `notification_template` is what notifications made of it."""

    request_id: UUID
    business_unit_id: UUID | None
    channel: str
    display_name: str
    subject: str
    body: str
    notification_template: str


def enable(tx: Transaction, unit_id: UUID, *, enabled: bool) -> ArmSettings:
    """Switch accounts receivable management on or off (SPEC ARM-1). Raises NotFound without the unit."""
    debtors.unit(tx, unit_id)
    present = store.find_settings(tx.connection, tx.enterprise_id, unit_id) or ArmSettings(tx.enterprise_id, unit_id)
    changed = replace(present, enabled=enabled)
    store.keep_settings(tx.connection, changed)
    return changed


def update_settings(tx: Transaction, settings: ArmSettings) -> ArmSettings:
    """Set a unit's settings: the first step (SPEC ARM-2)."""
    present = queries.settings(tx, settings.business_unit_id)
    changed = rules.accept(settings, present)
    store.keep_settings(tx.connection, changed)
    return changed


def create_template(tx: Transaction, command: NewTemplate) -> Template:
    """Keep a template that notifications has made: the second step (SPEC ARM-2)."""
    queries.require_template_order(tx, command.business_unit_id)
    made = Template(
        enterprise_id=tx.enterprise_id,
        business_unit_id=command.business_unit_id,
        id=derived_id(command.request_id, "template"),
        channel=command.channel,
        display_name=command.display_name,
        subject=command.subject,
        body=command.body,
        notification_template=command.notification_template,
        create_time=tx.now,
    )
    store.add_template(tx.connection, made)
    return made
