"""Notification schedules (SPEC ARM-3); pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from boss_arm.configuration.rules import Template
from boss_kit.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Line:
    """A step that every cycle of the version takes: what goes out, when, and from which past-due balance to which."""

    id: UUID
    position: int
    channel: str
    template_id: UUID
    description: str
    day_offset: int
    past_due_min_minor: int | None
    past_due_max_minor: int | None
    active: bool
    notification_template: str = ""


@dataclass(frozen=True)
class Schedule:
    """One version of a unit's schedule; it never changes."""

    business_unit_id: UUID
    id: UUID
    version: int
    lines: tuple[Line, ...]
    create_time: datetime

    @property
    def active_lines(self) -> tuple[Line, ...]:
        """Give the lines that are used."""
        return tuple(line for line in self.lines if line.active)


def check_lines(lines: Sequence[Line], templates: Mapping[UUID, Template], unit_id: UUID) -> None:
    """Refuse lines whose template can't be chosen here, without a description, and thresholds no balance can meet.

    Raises InvalidArgument that names the line.
    """
    for line in lines:
        field = f"schedule.lines[{line.position}]"
        template = templates.get(line.template_id)
        if template is None or template.business_unit_id not in (None, unit_id):
            raise InvalidArgument.field(
                f"{field}.template",
                "isn't a template to choose at this business unit; ListTemplates with selectable shows them.",
            )
        if not line.description.strip() or not line.description.isprintable():
            raise InvalidArgument.field(
                f"{field}.description", "must be a line of text: it is the activity in the history."
            )
        if template.channel != line.channel:
            raise InvalidArgument.field(
                f"{field}.channel", f"is {line.channel}, but the template is for {template.channel}."
            )
        if None not in (line.past_due_min_minor, line.past_due_max_minor) and (
            (line.past_due_max_minor or 0) < (line.past_due_min_minor or 0)
        ):
            raise InvalidArgument.field(f"{field}.past_due_max", "must not be less than past_due_min.")
