"""Amounts, days and schedules as a member reads them. Pure."""

from datetime import date
from decimal import Decimal

from boss_agreements.agreements.schedules import Schedule
from boss_agreements.members.rules import Member
from boss_kit.money import Money, exponent

SYMBOLS = {"USD": "$", "CAD": "$", "AUD": "$", "EUR": "€", "GBP": "£"}
MONTHS_OF_YEAR = 12


def money(amount: Money) -> str:
    """Write an amount as a member reads it: $1,234.50, or with its code where the currency has no sign here."""
    places = exponent(amount.currency)
    figure = f"{Decimal(abs(amount.amount_minor)).scaleb(-places):,.{places}f}"
    sign = "-" if amount.amount_minor < 0 else ""
    symbol = SYMBOLS.get(amount.currency)
    return f"{sign}{symbol}{figure}" if symbol else f"{sign}{figure} {amount.currency}"


def long_date(day: date | None) -> str:
    """Write a day as a letter does; none is empty."""
    return f"{day:%B} {day.day}, {day.year}" if day else ""


def schedule_in_words(schedule: Schedule, start: date) -> str:
    """Say when something bills as a member would: monthly on the 10th, every 2 weeks on Saturday."""
    every = "monthly" if schedule.cycle_months == 1 else schedule.name.replace("_", " ")
    if schedule.cycle_days:
        return f"{every} on {start:%A}s" if schedule.name == "weekly" else f"{every} on {start:%A}"
    if schedule.cycle_months == MONTHS_OF_YEAR:
        return f"every year on {start:%B} {schedule.anchor_day}"
    return f"{every} on the {ordinal(schedule.anchor_day)}"


def ordinal(number: int) -> str:
    """Write 1st, 2nd, 3rd, 4th."""
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def full_name(member: Member) -> str:
    """Name a person."""
    return f"{member.first_name} {member.last_name}".strip()
