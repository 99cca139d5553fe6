"""What a tax is (SPEC AGR-1). Pure."""

from dataclasses import dataclass
from decimal import Decimal

from boss_agreements.catalogue.rules import Entry
from boss_kit.errors import InvalidArgument

PERCENT_MAX = 100
DECIMALS_MAX = 4


@dataclass(frozen=True, kw_only=True)
class TaxRate(Entry):
    """A tax; a unit's own rate of it goes before the enterprise's of the same name."""

    percent: Decimal


def saved_tax(tax: TaxRate) -> TaxRate:
    """Give a tax as it is kept. Raises InvalidArgument."""
    if not 0 <= tax.percent <= PERCENT_MAX:
        raise InvalidArgument.field("tax.percent", "must lie between 0 and 100.")
    return tax


def parse_percent(text: str, field: str) -> Decimal:
    """Read a percent such as `8.25`. Raises InvalidArgument."""
    try:
        percent = Decimal(text)
    except ArithmeticError:
        raise InvalidArgument.field(field, f"{text[:40]!r} is not a number; write it like 8.25.") from None
    if percent.is_finite() and not 0 <= percent <= PERCENT_MAX:
        raise InvalidArgument.field(field, f"{text[:40]} does not lie between 0 and {PERCENT_MAX}.")
    if not percent.is_finite() or percent != round(percent, DECIMALS_MAX):
        raise InvalidArgument.field(field, f"{text[:40]} must be a number with at most {DECIMALS_MAX} decimals.")
    return percent


def percent_text(percent: Decimal) -> str:
    """Write a percent as people do: `8.25`, not `8.2500`."""
    return f"{percent.normalize():f}"
