"""Shared proto types and our own, both ways."""

from datetime import UTC, date, datetime
from functools import lru_cache
from uuid import UUID, uuid5

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2

from boss_kit.errors import InvalidArgument
from boss_kit.money import EXPONENTS, MINOR_MAX, UNKNOWN, Money, exponent

NANOS = 1_000_000_000


def money_from_proto(message: money_pb2.Money, field: str = "amount") -> Money:
    """Read an amount. Raises InvalidArgument for one that the currency has no coin for."""
    return _money(message.currency_code, message.units, message.nanos, field)


# Most amounts of a page are the same.
@lru_cache(maxsize=4096)
def _money(currency: str, units: int, nanos: int, field: str) -> Money:
    if currency not in EXPONENTS:
        raise InvalidArgument.field(f"{field}.currency_code", f"{currency[:10]!r} {UNKNOWN}")
    if abs(nanos) >= NANOS or units * nanos < 0:
        raise InvalidArgument.field(f"{field}.nanos", "must lie within one unit and have the sign of units.")
    places = exponent(currency)
    step = NANOS // 10**places
    if nanos % step:
        raise InvalidArgument.field(f"{field}.nanos", f"is finer than {currency}'s {places} decimals.")
    minor = units * 10**places + nanos // step
    if abs(minor) > MINOR_MAX:
        raise InvalidArgument.field(f"{field}.units", "is more than BOSS can count.")
    return Money(minor, currency)


def money_to_proto(money: Money) -> money_pb2.Money:
    """Write an amount."""
    scale = 10 ** exponent(money.currency)
    units, minor = divmod(abs(money.amount_minor), scale)
    sign = -1 if money.amount_minor < 0 else 1
    return money_pb2.Money(currency_code=money.currency, units=sign * units, nanos=sign * minor * (NANOS // scale))


def date_from_proto(message: date_pb2.Date, field: str = "date") -> date:
    """Read a full date. Raises InvalidArgument for a partial or impossible one."""
    if not (message.year and message.month and message.day):
        raise InvalidArgument.field(field, "must be a full date: year, month and day.")
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        text = f"{message.year}-{message.month}-{message.day}"
        raise InvalidArgument.field(field, f"{text} is not a day of the calendar.") from None


def optional_date_from_proto(request: Message, field: str) -> date | None:
    """Read a date that may be left out."""
    return date_from_proto(getattr(request, field), field) if request.HasField(field) else None


def date_to_proto(day: date | None) -> date_pb2.Date | None:
    """Write a date; none stays none."""
    return date_pb2.Date(year=day.year, month=day.month, day=day.day) if day is not None else None


def time_from_proto(message: Timestamp, field: str = "time") -> datetime:
    """Read an instant, in UTC. Raises InvalidArgument for one outside the calendar."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.field(field, "must lie between the years 1 and 9999.") from None


def time_to_proto(instant: datetime | None) -> Timestamp | None:
    """Write an instant; none stays none."""
    if instant is None:
        return None
    message = Timestamp()
    message.FromDatetime(instant.astimezone(UTC))
    return message


def request_id_for(parent: UUID | str, step: str) -> str:
    """Make the request id of a call made on behalf of a command: the same command and step make the same one."""
    return str(uuid5(UUID(str(parent)), step))
