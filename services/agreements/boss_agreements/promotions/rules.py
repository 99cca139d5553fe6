"""What a promotion is and what it does to a price (SPEC AGR-1, AGR-4). Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from boss_agreements.agreements.rules import check_price
from boss_agreements.catalogue.rules import Entry, check_choice, check_order
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import round_half_up

PERCENT_OFF, AMOUNT_OFF, PRICE_INSTEAD = "percent", "amount", "price"
KINDS = (PERCENT_OFF, AMOUNT_OFF, PRICE_INSTEAD)


@dataclass(frozen=True, kw_only=True)
class Promotion(Entry):
    """A better price for a time; without items or definitions it is for all of them."""

    start_date: date
    end_date: date | None = None
    kind: str
    percent: Decimal = Decimal(0)
    amount_minor: int = 0
    item_ids: tuple[UUID, ...] = ()
    definition_ids: tuple[UUID, ...] = ()
    code: str = ""

    def is_for(self, item_id: UUID) -> bool:
        """Tell whether an item gets the better price."""
        return not self.item_ids or item_id in self.item_ids


def saved_promotion(promotion: Promotion) -> Promotion:
    """Give a promotion as it is kept. Raises InvalidArgument."""
    check_choice(promotion.kind, KINDS, "promotion.kind")
    check_order(promotion.start_date, promotion.end_date, "promotion.end_date")
    if promotion.kind == PERCENT_OFF:
        _check_percent(promotion)
    else:
        _check_amount(promotion)
    return promotion


def _check_percent(promotion: Promotion) -> None:
    if not 0 < promotion.percent <= 100:
        raise InvalidArgument.field("promotion.percent", "must lie above 0 and not above 100.")
    if promotion.amount_minor:
        raise InvalidArgument.field("promotion.amount_minor", f"is not for the kind {PERCENT_OFF}; leave it out.")


def _check_amount(promotion: Promotion) -> None:
    check_price(promotion.amount_minor, "promotion.amount_minor")
    if promotion.percent:
        raise InvalidArgument.field("promotion.percent", f"is for the kind {PERCENT_OFF}; leave it out.")
    if promotion.kind == AMOUNT_OFF and promotion.amount_minor < 1:
        raise InvalidArgument.field("promotion.amount_minor", "must be above 0.")


def promoted_price(promotion: Promotion, price_minor: int) -> int:
    """Give the price of one with the promotion: never below 0, never above the list price."""
    if promotion.kind == PERCENT_OFF:
        return round_half_up(price_minor * (1 - Fraction(promotion.percent) / 100))
    if promotion.kind == AMOUNT_OFF:
        return max(0, price_minor - promotion.amount_minor)
    return min(price_minor, promotion.amount_minor)


def check_usable(promotion: Promotion, definition_id: UUID, code: str, today: date) -> None:
    """Refuse a promotion that can't be used for a definition today. Raises FailedPrecondition."""
    if not promotion.active or today < promotion.start_date or (promotion.end_date and today > promotion.end_date):
        end = f"to {promotion.end_date}" if promotion.end_date else "on"
        raise _refused(promotion, "PROMOTION_NOT_RUNNING", f"runs from {promotion.start_date} {end} and must be active")
    if promotion.definition_ids and definition_id not in promotion.definition_ids:
        raise _refused(promotion, "PROMOTION_FOR_OTHERS", "is for other agreements")
    if promotion.code and promotion.code.casefold() != code.strip().casefold():
        raise _refused(promotion, "PROMOTION_CODE", "needs its code")


def _refused(promotion: Promotion, code: str, words: str) -> FailedPrecondition:
    return FailedPrecondition(
        code,
        f"promotion: {promotion.name!r} {words}; leave it out or choose another.",
        metadata={"field": "promotion", "promotion": promotion.name},
    )
