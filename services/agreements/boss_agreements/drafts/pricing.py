"""What a sale costs, and when it bills (SPEC AGR-4). Pure; charges come from the one place that knows them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice, takewhile
from uuid import UUID

from boss_agreements.agreements.rules import (
    INSTALMENT,
    NO_TAX,
    PAID_AT_ONCE,
    PAID_IN_FULL,
    PERPETUAL,
    TIME,
    UNIT,
    AgreementLine,
    Line,
    check_line,
    is_recurring,
    open_line,
    within_term,
)
from boss_agreements.agreements.schedules import Schedule, parse_schedule
from boss_agreements.definitions.rules import OPTIONAL, Offer
from boss_agreements.drafts.rules import (
    Chosen,
    Content,
    billing_of,
    chosen_items,
    is_perpetual,
    obligation_months,
    schedule_of,
    term_months,
)
from boss_agreements.due_charges.rules import Charge, advance, next_charge, tax_on
from boss_agreements.history.rules import PromotionEffect
from boss_agreements.items.rules import Item
from boss_agreements.promotions.rules import Promotion, promoted_price
from boss_agreements.rewrites.rules import bridge
from boss_kit.days import ONE_DAY, add_months
from boss_kit.ids import derived_id
from boss_kit.money import Money

BILL_DATES_SHOWN = 6


@dataclass(frozen=True)
class QuotedLine:
    """A line as a member reads it: what it costs each time it bills."""

    line: AgreementLine
    tax: Money

    @property
    def total(self) -> Money:
        """What it costs with tax."""
        return self.line.price + self.tax


@dataclass(frozen=True)
class DueAtSale:
    """A charge that is paid when the agreement is finalized."""

    charge: Charge
    line: AgreementLine


@dataclass(frozen=True)
class BillDate:
    """A day to come on which something bills."""

    day: date
    amount: Money
    tax: Money


@dataclass(frozen=True)
class Recurring:
    """What bills cycle after cycle on one schedule."""

    schedule: Schedule
    amount: Money
    tax: Money


@dataclass(frozen=True)
class Quote:
    """A sale in figures."""

    currency: str
    lines: tuple[QuotedLine, ...]
    due: tuple[DueAtSale, ...]
    recurring: tuple[Recurring, ...]
    bill_dates: tuple[BillDate, ...]
    effects: tuple[PromotionEffect, ...]
    obligation_end_date: date | None

    @property
    def due_amount(self) -> Money:
        """What is due at sale, without tax."""
        return Money(sum(one.charge.amount.amount_minor for one in self.due), self.currency)

    @property
    def due_tax(self) -> Money:
        """The tax on what is due at sale."""
        return Money(sum(one.charge.tax.amount_minor for one in self.due), self.currency)

    @property
    def due_total(self) -> Money:
        """What is due at sale."""
        return self.due_amount + self.due_tax


def quote(
    content: Content, offer: Offer, promotions: Sequence[Promotion], currency: str, agreement_id: UUID, today: date
) -> Quote:
    """Price a draft as it would be sold on a day. Raises InvalidArgument for a schedule there isn't."""
    lines = tuple(sold_lines(content, offer, promotions, agreement_id))
    due = tuple(DueAtSale(charge, line) for line in lines for charge in _due_at_sale(line, today))
    return Quote(
        currency,
        tuple(QuotedLine(line, tax_on(line.price, line.tax_rate)) for line in lines),
        due,
        tuple(recurring_amounts(lines, currency)),
        tuple(bill_dates(lines, {one.charge.key for one in due}, currency)),
        tuple(
            PromotionEffect(line.promotion, line.item, line.list_price, line.price)
            for line in lines
            if line.promotion and line.list_price is not None
        ),
        obligation_end(content, offer),
    )


def sold_lines(
    content: Content, offer: Offer, promotions: Sequence[Promotion], agreement_id: UUID
) -> Sequence[AgreementLine]:
    """Copy what is chosen into the agreement: later changes of the catalogue never alter it (SPEC AGR-1)."""
    months, found = term_months(content, offer) or None, list[AgreementLine]()
    for number, chosen in enumerate(chosen_items(content, offer), start=1):
        line = _sold_line(content, chosen, months, promotions, derived_id(agreement_id, "line", str(number)))
        found.append(line)
        if offer.definition.prorates_first_days:
            found += _first_days(line, content.start_date, derived_id(agreement_id, "first days", str(number)))
    return within_term(found)


def obligation_end(content: Content, offer: Offer) -> date | None:
    """Give the last day of the obligation: of the term, or of a perpetual agreement's obligation period."""
    perpetual = is_perpetual(content, offer)
    months = obligation_months(content, offer) if perpetual else term_months(content, offer)
    return add_months(content.start_date, months) - ONE_DAY if months else None


def term_of(content: Content, offer: Offer) -> str:
    """Name the term as agreements do; what is only bought once has no term."""
    months = term_months(content, offer)
    return PERPETUAL if is_perpetual(content, offer) or not months else f"fixed_{months}"


def _sold_line(
    content: Content, chosen: Chosen, term: int | None, promotions: Sequence[Promotion], line_id: UUID
) -> AgreementLine:
    item, billing, start = chosen.offered.item, billing_of(content, chosen), content.start_date
    schedule = parse_schedule(schedule_of(content, chosen), start, "draft.schedule")
    months = term if billing in (INSTALMENT, PAID_IN_FULL) else None
    quantity = chosen.offered.quantity * chosen.line.quantity
    times = quantity * _cycles_paid(schedule, start, months, billing, item)
    price_minor, promotion = _best_price(item, promotions)
    line = open_line(line_id, schedule, Money(price_minor * times, item.currency), start, months, start, billing)
    line = replace(
        line,
        item=item.name,
        item_category=item.category,
        item_id=item.id,
        bundle_id=chosen.part.bundle_id,
        bundle=chosen.part.name if chosen.part.bundle_id else "",
        is_key_item=chosen.is_key_item,
        is_required=chosen.part.required != OPTIONAL,
        item_kind=item.kind,
        basis=item.basis,
        units_per_cycle=Decimal(item.units * quantity) if item.basis == UNIT and item.units else None,
        validity_days=item.validity_days,
        quantity=quantity,
        taxes=chosen.offered.taxes,
        tax_rate=sum((tax.percent for tax in chosen.offered.taxes), NO_TAX),
        list_price=Money(item.price_minor * times, item.currency),
        promotion=promotion,
    )
    return check_line(line, "draft.lines")


def _first_days(line: AgreementLine, start: date, line_id: UUID) -> Iterator[AgreementLine]:
    """Give the one charge that pays the days before a line's first bill date, promoted like the line itself."""
    days = bridge(line, start, line_id)
    if days is not None and line.list_price is not None:
        full = bridge(replace(line, price=line.list_price), start, line_id)
        yield replace(days, list_price=full.price if full else None)


def _cycles_paid(schedule: Schedule, start: date, months: int | None, billing: str, item: Item) -> int:
    """Tell how many cycles' prices a payment in full pays: all of its term; a pack of units is one pack."""
    if billing != PAID_IN_FULL or months is None or item.basis != TIME:
        return 1
    return max(1, schedule.count_before(schedule.first_from(start, start), add_months(start, months)))


def _best_price(item: Item, promotions: Sequence[Promotion]) -> tuple[int, str]:
    """Give the price of one with the promotion that saves most; promotions don't add up on one item."""
    best, name = item.price_minor, ""
    for promotion in promotions:
        price = promoted_price(promotion, item.price_minor)
        if promotion.is_for(item.id) and price < best:
            best, name = price, promotion.name
    return best, name


def _due_at_sale(line: AgreementLine, today: date) -> Iterator[Charge]:
    """Give the charges a sale collects: what is due by its day, and what is paid once, whenever it begins."""
    is_paid_at_once = line.billing in PAID_AT_ONCE
    return takewhile(lambda charge: charge.due_date <= today or is_paid_at_once, _charges(line))


def _charges(line: Line) -> Iterator[Charge]:
    """Give a line's charges one after the other; a perpetual one has no last."""
    while (charge := next_charge(line, ())) is not None:
        yield charge
        line = advance(line, ())


def recurring_amounts(lines: Sequence[AgreementLine], currency: str) -> Sequence[Recurring]:
    """Add up what lines cost each time they bill, by schedule."""
    by_schedule: dict[str, list[AgreementLine]] = {}
    for line in lines:
        if is_recurring(line):
            by_schedule.setdefault(line.schedule.name, []).append(line)
    return [
        Recurring(
            found[0].schedule,
            Money(sum(line.price.amount_minor for line in found), currency),
            Money(sum(tax_on(line.price, line.tax_rate).amount_minor for line in found), currency),
        )
        for found in by_schedule.values()
    ]


def bill_dates(lines: Sequence[AgreementLine], paid: Collection[str], currency: str) -> Iterator[BillDate]:
    """Give the next six days on which lines bill something that isn't paid yet; `paid` are charge keys."""
    by_day: dict[date, list[Charge]] = {}
    for line in lines:
        to_come = (charge for charge in _charges(line) if charge.key not in paid)
        for charge in islice(to_come, BILL_DATES_SHOWN):
            by_day.setdefault(charge.due_date, []).append(charge)
    for day in sorted(by_day)[:BILL_DATES_SHOWN]:
        amount = sum(charge.amount.amount_minor for charge in by_day[day])
        tax = sum(charge.tax.amount_minor for charge in by_day[day])
        yield BillDate(day, Money(amount, currency), Money(tax, currency))
