"""From a notification and its template to the message a provider gets."""

from datetime import date, datetime
from uuid import UUID

from boss_notifications.adapters.port import Message, Provider
from boss_notifications.dispatch.rules import PLACEHOLDER_MISSING, TEMPLATE_MISSING, Denial
from boss_notifications.intents.rules import Intent
from boss_notifications.templates.rules import PlaceholderMissing, Template, render

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def compose(
    intent: Intent, templates: dict[UUID, Template], provider: Provider, day: date, now: datetime
) -> Message | Denial:
    """Fill the template in; a denial where template or placeholder is missing."""
    template = templates.get(intent.template_id)
    if template is None or template.channel != intent.channel:
        return Denial(TEMPLATE_MISSING, f"There is no {intent.channel} template {intent.template_id}.")
    try:
        subject, body = render(template.subject, intent.placeholders), render(template.body, intent.placeholders)
    except PlaceholderMissing as missing:
        return Denial(
            PLACEHOLDER_MISSING, f"The template {template.display_name!r} asks for more than was given: {missing}."
        )
    return Message(
        intent=intent,
        message_id=provider.message_id(intent.id),
        subject=" ".join(subject.split()),
        body=body,
        send_date_text=date_in_words(day),
        time=now,
        template_id=template.id,
    )


def date_in_words(day: date) -> str:
    """Write a date as a letter does: November 22, 2026."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"
