"""Money: an integer number of minor units and an ISO-4217 currency, never a float (SPEC 0)."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from boss_kit.errors import InvalidArgument

# ISO 4217, list one of 2026-01-01 (column "CcyMnrUnts"), without what has no minor unit there, such as gold; BGN was in
# use until 2025, so books may hold it.
_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {currency: places for places, currencies in _BY_EXPONENT.items() for currency in currencies.split()}
UNKNOWN = "isn't an ISO 4217 currency; use a code such as USD."
MINOR_MAX = 2**63 - 1
_PLAIN = re.compile(r"[+-]?(?:[0-9]{1,18}\.?[0-9]{0,18}|\.[0-9]{1,18})")


def exponent(currency: str) -> int:
    """Tell how many decimals the currency's major unit has. Raises InvalidArgument for one there isn't."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        text = f"{currency[:10]!r} {UNKNOWN}"
        raise InvalidArgument("CURRENCY_UNKNOWN", text, metadata={"currency": currency[:10]}) from None


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

    Raises InvalidArgument when the text isn't a plain number, is too large to count, or has more decimals than the
    currency, or there is none such.
    """
    if currency not in EXPONENTS:
        raise InvalidArgument.field(field, f"is in {currency[:10]!r}, which {UNKNOWN}")
    if not _PLAIN.fullmatch(text):
        raise InvalidArgument.field(field, f"{text[:40]!r} is not a number; write it like 35.00.")
    scaled = Fraction(text) * 10 ** exponent(currency)
    if scaled.denominator != 1:
        raise InvalidArgument.field(
            field, f"{text[:40]} has more than {exponent(currency)} decimals, which {currency} doesn't have."
        )
    if abs(scaled) > MINOR_MAX:
        raise InvalidArgument.field(field, f"{text[:40]} is more than BOSS can count.")
    return Money(int(scaled), currency)
