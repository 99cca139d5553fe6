"""What a cancellation cancels, bills and gives back (SPEC AGR-7, AGR-8). Pure: every day is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from boss_agreements.agreements.rules import (
    FEE,
    INSTALMENT,
    LIVE,
    ONCE,
    PERPETUAL,
    PRODUCT,
    UNIT,
    AgreementLine,
)
from boss_agreements.due_charges.rules import Charge, advance, next_charge, prorates, tax_on
from boss_agreements.suspensions.rules import Window
from boss_kit.days import ONE_DAY
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money, round_half_up

FUTURE, FINAL_INVOICED, COMPLETE, RESCINDED = "Future", "Final Invoiced", "Complete", "Rescinded"
OPEN_STATUSES = (FUTURE, FINAL_INVOICED)
# What a reason says about refunds: all of it back, nothing back, or what is prorated.
FULL, NONE, PRORATED = "full", "none", "prorated"
# What became of the return: there is none, it waits for a destination, it was asked for, refused, finalized.
NO_RETURN, RETURN_DUE, RETURN_REQUESTED, RETURN_REFUSED, RETURNED = "", "due", "requested", "refused", "finalized"
CREDIT, FUNDING_SOURCE, CASH = "account credit", "funding source", "cash"
DESTINATIONS = (CREDIT, FUNDING_SOURCE, CASH)
FOLLOWED = UUID(int=0)
"""Stands for the reason where there is none to choose: the add-on ended with its primary."""
FOLLOWED_REASON = "Ended with its primary"

NOTICES = {
    "REFUND_OVERRIDE": "The reason refunds in full: the choices of step 1 about refunds don't count.",
    "NO_REFUND": "The reason gives no refund: nothing goes back; the last bill is prorated all the same.",
    "PRORATED_FINAL_BILL": "The prorated amount will be billed on the last billing; "
    "after it the cancellation can't be rescinded.",
    "STAYS_ACTIVE": "Only optional items are cancelled: the agreement stays active.",
    "OBLIGATION_NOT_MET": "The effective date lies before the end of the obligation.",
}


@dataclass(frozen=True)
class Choice:
    """An item chosen in step 1; a quantity of 0 is all of it."""

    line_id: UUID
    quantity: int = 0
    full_refund: bool = False


@dataclass(frozen=True)
class Billed:
    """What was billed for a line: one charge."""

    cycle_no: int
    amount_minor: int
    period_start: date
    period_end: date


@dataclass(frozen=True)
class Units:
    """Units of a line: used ones, and those that are left."""

    used: Decimal = Decimal(0)
    left: Decimal = Decimal(0)


@dataclass(frozen=True)
class CancelledLine:
    """An item of a request, and what goes back for it; `paid_before_minor` was billed before it was split off."""

    line_id: UUID
    item: str
    quantity: int
    full_refund: bool
    split_from_id: UUID | None = None
    paid_before_minor: int = 0
    return_amount_minor: int = 0
    return_tax_minor: int = 0
    return_units: str = ""


@dataclass(frozen=True)
class Return:
    """What goes back for a line; `units` are to three decimals, empty for items that aren't sold by units."""

    amount: Money
    tax: Money
    units: str = ""


@dataclass(frozen=True)
class ReturnLine:
    """An item that comes back."""

    description: str
    amount: Money
    tax: Money
    item_category: str
    item: str


@dataclass(frozen=True)
class ReturnOrder:
    """An itemized return as billing is asked for it; the request id is the same for each repeat."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    agreement_id: UUID | None
    lines: Sequence[ReturnLine]
    destination: str
    funding_source: str
    reason: str
    request_id: UUID
    step: str


def chosen_lines(lines: Sequence[AgreementLine], choices: Sequence[Choice]) -> Sequence[tuple[AgreementLine, Choice]]:
    """Give the lines a request cancels; one of the required bundle selects all of the agreement (SPEC AGR-7).

    Raises InvalidArgument for an item that can't be chosen or a quantity that isn't there.
    """
    running = {line.id: line for line in lines if line.state == LIVE and line.suspension_id is None}
    by_id = {choice.line_id: choice for choice in choices}
    for choice in choices:
        line = running.get(choice.line_id)
        if line is None or line.final_date is not None:
            raise InvalidArgument.field(
                "cancellation.items",
                f"{choice.line_id} is not a running item of this agreement, or is being cancelled already.",
            )
        if not 0 <= choice.quantity <= line.quantity:
            raise InvalidArgument.field(
                "cancellation.items", f"{choice.quantity} of {line.item} can't be cancelled; there are {line.quantity}."
            )
    if not choices or any(running[line_id].is_required for line_id in by_id):
        return [
            (line, replace(by_id.get(line.id, Choice(line.id)), quantity=line.quantity))
            for line in running.values()
            if line.final_date is None
        ]
    return [
        (line, replace(by_id[line.id], quantity=by_id[line.id].quantity or line.quantity))
        for line in running.values()
        if line.id in by_id
    ]


def is_whole(lines: Iterable[AgreementLine], chosen: Sequence[tuple[AgreementLine, Choice]]) -> bool:
    """Tell whether the agreement itself is cancelled: with its required items."""
    required = {line.id for line in lines if line.is_required and line.state == LIVE and line.suspension_id is None}
    return bool(required & {line.id for line, _ in chosen})


def split(line: AgreementLine, quantity: int, new_id: UUID) -> tuple[AgreementLine, AgreementLine]:
    """Take a quantity out of a line: give what stays and what is cancelled; together they cost what it cost."""
    price = line.price.amount_minor
    taken_minor = part(price, quantity, line.quantity)
    units = None if line.units_per_cycle is None else line.units_per_cycle * quantity / line.quantity
    taken = replace(
        line, id=new_id, quantity=quantity, price=Money(taken_minor, line.price.currency), units_per_cycle=units
    )
    rest_units = None if line.units_per_cycle is None or units is None else line.units_per_cycle - units
    rest = Money(price - taken_minor, line.price.currency)
    return replace(line, quantity=line.quantity - quantity, price=rest, units_per_cycle=rest_units), taken


def part(amount_minor: int, quantity: int, of: int) -> int:
    """Give what a quantity has of an amount."""
    return round_half_up(Fraction(amount_minor * quantity, of))


def return_of(
    line: AgreementLine,
    start: date,
    billed: Sequence[Billed],
    paid_before_minor: int,
    units: Units,
    windows: Sequence[Window],
    refunds: str,
    *,
    full: bool,
) -> Return:
    """Give what goes back for a cancelled line on its last paid day (SPEC AGR-8); `billed` are all its charges by then.

    Perpetual time-based items are billed to the last paid day, so nothing of them goes back but with Full Refund: then
    the cycle of that day.
    """
    assert line.final_date is not None, "a cancelled line has a last paid day"
    paid = paid_before_minor + sum(one.amount_minor for one in billed)
    if refunds == NONE:
        return _return(line, Fraction(0))
    if full or refunds == FULL:
        return _return(line, Fraction(_full(line, billed, paid, line.final_date)))
    if line.item_kind in (FEE, PRODUCT):
        return _return(line, Fraction(0))
    if line.basis == UNIT and line.units_per_cycle and line.price.amount_minor:
        unit_price = Fraction(line.price.amount_minor) / Fraction(line.units_per_cycle)
        bought_and_used = Fraction(paid) / unit_price - Fraction(units.used)
        unused = Fraction(units.left) if line.billing == PERPETUAL else max(bought_and_used, Fraction(0))
        given = _return(line, min(unused * unit_price, Fraction(paid)))
        return replace(given, units=f"{float(unused):.3f}")
    if line.billing in (PERPETUAL, ONCE) or line.term_end_date is None:
        return _return(line, Fraction(0))
    term_days = _days(start, line.term_end_date, windows)
    used_days = _days(start, min(line.final_date + ONE_DAY, line.term_end_date), windows)
    used = Fraction(_term_price(line) * used_days, term_days) if term_days else Fraction(0)
    return _return(line, max(Fraction(paid) - used, Fraction(0)))


def charges_to_come(line: AgreementLine, windows: Sequence[Window], effective: date) -> Sequence[Charge]:
    """Give the bills of a cancelled line that are still to come by its last paid day, oldest first."""
    found: list[Charge] = []
    while (charge := next_charge(line, windows)) is not None and charge.due_date <= effective:
        found.append(charge)
        line = advance(line, windows)
    return found


def expected(charges: Iterable[Charge]) -> Sequence[Billed]:
    """Take charges to come for billed, as they will be on the effective date."""
    return [Billed(one.cycle_no, one.amount.amount_minor, one.period_start, one.period_end) for one in charges]


def bills_again(line: AgreementLine, windows: Sequence[Window]) -> bool:
    """Tell whether a cancelled line has a final bill to come."""
    return line.billing == PERPETUAL and next_charge(line, windows) is not None


def notices(
    lines: Sequence[AgreementLine], windows: Sequence[Window], refunds: str, *, whole: bool, obligation_end: date | None
) -> Sequence[str]:
    """Name what the customer has to hear before the request is made; `lines` have their last paid day."""
    found = {FULL: ["REFUND_OVERRIDE"], NONE: ["NO_REFUND"]}.get(refunds, [])
    if any(prorates(line) and bills_again(line, windows) for line in lines):
        found = [*found, "PRORATED_FINAL_BILL"]
    if not whole:
        found = [*found, "STAYS_ACTIVE"]
    effective = max((line.final_date for line in lines if line.final_date), default=None)
    if obligation_end is not None and effective is not None and effective < obligation_end:
        found = [*found, "OBLIGATION_NOT_MET"]
    return found


def check_dates(effective: date, received: date, today: date, *, past_allowed: bool) -> None:
    """Refuse days that can't be (SPEC AGR-7); a request may have been received earlier. Raises FailedPrecondition.

    An effective date in the past is for those whose agreement rules say how far back it may lie.
    """
    if effective < today and not past_allowed:
        raise FailedPrecondition(
            "EFFECTIVE_DATE_IN_THE_PAST",
            f"effective_date: {effective} lies before the business date {today}; cancel today, "
            "or set the received date back.",
            metadata={"field": "cancellation.effective_date", "business_date": str(today)},
        )
    if received > today:
        raise FailedPrecondition(
            "RECEIVED_IN_THE_FUTURE",
            f"received_date: {received} lies after the business date {today}.",
            metadata={"field": "cancellation.received_date", "business_date": str(today)},
        )


def check_source(source: str, account_id: UUID, field: str) -> None:
    """Refuse that money goes to a funding source of somebody else's account. Raises InvalidArgument."""
    if source and f"/accounts/{account_id}/" not in source:
        raise InvalidArgument.field(
            field,
            "belongs to another account than the agreement; money goes back to a source of its own.",
            "OTHER_ACCOUNT",
        )


def check_rescind(status: str, effective: date, today: date) -> None:
    """Refuse to rescind all but a Future request whose day hasn't passed (SPEC AGR-7). Raises FailedPrecondition."""
    if status == FINAL_INVOICED:
        raise FailedPrecondition(
            "FINAL_INVOICED",
            "The final invoice was made, so the cancellation can't be rescinded any more; rewrite the agreement.",
            metadata={"status": status},
        )
    if status != FUTURE or effective < today:
        raise FailedPrecondition(
            "NOT_RESCINDABLE",
            f"Only a Future request can be rescinded; this one is {status}, effective {effective}.",
            metadata={"status": status, "effective_date": str(effective)},
        )


def _full(line: AgreementLine, billed: Sequence[Billed], paid: int, final: date) -> int:
    if line.billing != PERPETUAL:
        return paid
    return sum(one.amount_minor for one in billed if one.period_start <= final <= one.period_end)


def _term_price(line: AgreementLine) -> int:
    """Give what the whole term costs."""
    if line.remaining_cycles is None or line.billing != INSTALMENT:
        return line.price.amount_minor
    return line.price.amount_minor * (line.cycle_no - 1 + line.remaining_cycles)


def _return(line: AgreementLine, exact: Fraction) -> Return:
    amount = Money(round_half_up(exact), line.price.currency)
    return Return(amount, tax_on(amount, line.tax_rate))


def _days(start: date, end: date, windows: Sequence[Window]) -> int:
    """Count the days in [start, end) that aren't suspended: those are neither used nor part of the term."""
    suspended = 0
    for window in windows:
        begins, ends = max(window.start, start), min(window.end or end, end)
        suspended += max((ends - begins).days, 0)
    return max((end - start).days - suspended, 0)
