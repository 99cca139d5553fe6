"""Money: an integer number of minor units and an ISO-4217 currency, never a float (SPEC 0)."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from boss_kit.errors import InvalidArgument

EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "BHD": 3, "KWD": 3, "TND": 3}
EXPONENT_DEFAULT = 2


def exponent(currency: str) -> int:
    """Tell how many decimals the currency's major unit has."""
    return EXPONENTS.get(currency, EXPONENT_DEFAULT)


def round_half_up(amount: Fraction | Decimal | int) -> int:
    """Round to the nearest integer, halves away from zero (SPEC 0)."""
    exact = Fraction(amount)
    whole = (abs(exact) * 2 + 1) // 2
    return int(whole) if exact >= 0 else -int(whole)


@dataclass(frozen=True, order=True)
class Money:
    """An amount in minor units of one currency."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same_currency(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __str__(self) -> str:
        places = exponent(self.currency)
        return f"{Decimal(self.amount_minor).scaleb(-places):,.{places}f} {self.currency}"

    def _same_currency(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise InvalidArgument(
                "CURRENCY_MISMATCH",
                f"{other.currency} can't be combined with {self.currency}; an account has one currency.",
                metadata={"expected": self.currency, "found": other.currency},
            )
        return other.amount_minor


def parse_money(text: str, currency: str, field: str = "amount") -> Money:
    """Read a plain decimal such as `35.00`.

    Raises InvalidArgument when the text isn't a number or has more decimals than the currency.
    """
    try:
        amount = Decimal(text)
    except ArithmeticError:
        raise InvalidArgument.field(field, f"{text[:40]!r} is not a number; write it like 35.00.") from None
    scaled = amount.scaleb(exponent(currency)) if amount.is_finite() else None
    if scaled is None or scaled != scaled.to_integral_value():
        raise InvalidArgument.field(
            field, f"{text[:40]} has more than {exponent(currency)} decimals, which {currency} doesn't have."
        )
    return Money(int(scaled), currency)
