"""Configuration and its protos, both ways."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from boss.arm.v1 import configuration_service_pb2 as pb

from boss_arm.configuration.rules import ArmSettings, Template
from boss_arm.schedules.rules import Line, Schedule
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.names import parse
from boss_kit.rpc.convert import money_from_proto, money_to_proto, time_to_proto

ENTERPRISE = "enterprises/{e}"
UNIT = ENTERPRISE + "/businessUnits/{b}"
TEMPLATE = "/templates/{t}"
SCHEDULE = UNIT + "/schedules/{s}"

SETTINGS_FIELDS = (
    "from_address",
    "reply_to_address",
    "caller_number",
    "send_from_hour",
    "send_until_hour",
    "no_response_days",
    "retry_limit",
    "hand_over_agency",
    "hand_over_after_days",
    "cards_only",
)


def unit_id(name: str, field: str) -> UUID:
    """Read a business unit's name."""
    return parse(UNIT, name, field)["b"]


def level_id(name: str, field: str = "parent") -> UUID | None:
    """Read a level's name: a unit's id, or none for the enterprise."""
    if "/" in name.removeprefix("enterprises/"):
        return unit_id(name, field)
    parse(ENTERPRISE, name, field)
    return None


def settings(message: pb.ArmSettings) -> ArmSettings:
    """Read settings."""
    ids = parse(UNIT, message.business_unit, "settings.business_unit")
    values = {name: getattr(message, name) for name in SETTINGS_FIELDS}
    return ArmSettings(ids["e"], ids["b"], return_address_lines=tuple(message.return_address_lines), **values)


def settings_to_proto(one: ArmSettings) -> pb.ArmSettings:
    """Write settings."""
    return pb.ArmSettings(
        business_unit=UNIT.format(e=one.enterprise_id, b=one.business_unit_id),
        enabled=one.enabled,
        return_address_lines=one.return_address_lines,
        **{name: getattr(one, name) for name in SETTINGS_FIELDS},
    )


def template_to_proto(one: Template) -> pb.Template:
    """Write a template, without audio."""
    level = UNIT if one.business_unit_id is not None else ENTERPRISE
    return pb.Template(
        name=(level + TEMPLATE).format(e=one.enterprise_id, b=one.business_unit_id, t=one.id),
        channel=one.channel,
        display_name=one.display_name,
        subject=one.subject,
        body=one.body,
        notification_template=one.notification_template,
        create_time=time_to_proto(one.create_time),
    )


def lines(messages: Sequence[pb.ScheduleLine], currency: str) -> list[Line]:
    """Read the lines of a schedule whose unit has that currency."""
    return [_line(position, message, currency) for position, message in enumerate(messages)]


def schedule_to_proto(
    enterprise_id: UUID, one: Schedule, templates: Mapping[UUID, Template], currency: str
) -> pb.Schedule:
    """Write a version."""
    return pb.Schedule(
        name=SCHEDULE.format(e=enterprise_id, b=one.business_unit_id, s=one.id),
        version=one.version,
        lines=[
            pb.ScheduleLine(
                channel=line.channel,
                template=template_to_proto(templates[line.template_id]).name,
                description=line.description,
                day_offset=line.day_offset,
                past_due_min=_money(line.past_due_min_minor, currency),
                past_due_max=_money(line.past_due_max_minor, currency),
                active=line.active,
            )
            for line in one.lines
        ],
        create_time=time_to_proto(one.create_time),
    )


def _line(position: int, message: pb.ScheduleLine, currency: str) -> Line:
    field = f"schedule.lines[{position}]"
    pattern = UNIT + TEMPLATE if "/businessUnits/" in message.template else ENTERPRISE + TEMPLATE
    template_id = parse(pattern, message.template, f"{field}.template")["t"]
    return Line(
        id=template_id,
        position=position,
        channel=message.channel,
        template_id=template_id,
        description=message.description,
        day_offset=message.day_offset,
        past_due_min_minor=_threshold(message, "past_due_min", field, currency),
        past_due_max_minor=_threshold(message, "past_due_max", field, currency),
        active=message.active,
    )


def _threshold(message: pb.ScheduleLine, name: str, field: str, currency: str) -> int | None:
    if not message.HasField(name):
        return None
    amount = money_from_proto(getattr(message, name), f"{field}.{name}")
    if amount.currency != currency:
        raise InvalidArgument.field(
            f"{field}.{name}.currency_code", f"must be {currency}, the business unit's currency."
        )
    if amount.amount_minor < 0:
        raise InvalidArgument.field(f"{field}.{name}", "must not be negative.")
    return amount.amount_minor


def _money(amount_minor: int | None, currency: str) -> "object":
    return money_to_proto(Money(amount_minor, currency)) if amount_minor is not None else None
