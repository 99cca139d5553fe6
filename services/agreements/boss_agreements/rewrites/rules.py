"""What a rewrite keeps, moves and adds (SPEC AGR-9). Pure: every day is an argument.

A kept line goes on under a new id exactly where it was: what is billed stays billed, what is due stays due. Days
between what is paid and the first bill of another date are paid by one prorated charge, a line of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from boss_agreements.agreements.rules import (
    ACTIVE,
    EXPIRED,
    FEE,
    LIVE,
    ONCE,
    PAID_AT_ONCE,
    PAID_IN_FULL,
    PERPETUAL,
    AgreementLine,
    is_recurring,
)
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.due_charges.rules import next_charge, pays_days_once, where_it_stands
from boss_agreements.suspensions.rules import Window
from boss_kit.days import ONE_DAY, add_months
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money, round_half_up

REWRITE, RENEWAL = "rewrite", "renewal"
PURPOSES = (REWRITE, RENEWAL)


@dataclass(frozen=True)
class Fixed:
    """What a rewrite can't change; an empty field is left as it is."""

    member_id: UUID | None = None
    group_id: UUID | None = None
    classification: str = ""
    role: str = ""


NOTHING_FIXED = Fixed()


@dataclass(frozen=True)
class InvoicedAgreement:
    """An agreement as billing knows it."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    agreement_id: UUID


def check_rewritable(
    number: str, status: str, today: date, windows: Sequence[Window], *, pending_suspension: bool, renewal: bool
) -> None:
    """Refuse all but an active agreement without a suspension to come (SPEC AGR-9). Raises FailedPrecondition.

    Only a renewal takes one that has expired; its rules say for how long.
    """
    if status != ACTIVE and not (renewal and status == EXPIRED):
        raise FailedPrecondition(
            "NOT_ACTIVE",
            f"Agreement {number} is {status}; only an active one can be rewritten"
            + (": end its suspension first." if status in ("Freeze", "Hold") else "."),
            metadata={"field": "rewrite.agreement", "status": status},
        )
    if pending_suspension or any(window.end is None or window.end > today for window in windows):
        raise FailedPrecondition(
            "SUSPENSION_PENDING",
            f"A suspension of agreement {number} is to come; rescind it first.",
            metadata={"field": "rewrite.agreement"},
        )


def check_fixed(asked: Fixed, kept: Fixed) -> None:
    """Refuse to change owner, group, classification or role (SPEC AGR-9). Raises FailedPrecondition."""
    pairs = {
        "member": (asked.member_id, kept.member_id),
        "group": (asked.group_id, kept.group_id),
        "classification": (asked.classification, kept.classification),
        "role": (asked.role, kept.role),
    }
    for field, (wanted, found) in pairs.items():
        if wanted and wanted != found:
            raise FailedPrecondition(
                "FIXED_BY_REWRITE",
                f"{field}: a rewrite keeps it, {found or 'none'}; sell a new agreement to change it.",
                metadata={"field": f"rewrite.{field}"},
            )


def goes_on(
    line: AgreementLine,
    windows: Sequence[Window],
    schedule: str,
    line_id: UUID,
    bridge_id: UUID,
    answered_through: date | None = None,
) -> Sequence[AgreementLine]:
    """Give a kept line under its new id where it was, and the charge that pays the days to its first bill, if any.

    With a schedule its bill dates are others: the first from its first unpaid day on; no instalment is lost.
    `answered_through` is the last day that its answered charges pay for. Raises InvalidArgument for a cycle of another
    length.
    """
    if pays_days_once(line) and line.remaining_cycles:
        return _rest_of_days(replace(line, id=line_id, final_date=None, state=LIVE), windows)
    after, unpaid = where_it_stands(replace(line, id=line_id, final_date=None, state=LIVE), windows)
    first = first_unpaid_day(line, answered_through)
    unpaid = first if first < line.next_bill_date else unpaid
    if line.billing in PAID_AT_ONCE:
        return [after]
    if schedule:
        after = _rescheduled(after, schedule, unpaid)
    gap = bridge(after, unpaid, bridge_id)
    return [after] if gap is None else [after, gap]


def _rest_of_days(line: AgreementLine, windows: Sequence[Window]) -> Sequence[AgreementLine]:
    """Give the one charge for days that is still to come, with what its suspension left of it."""
    charge = next_charge(line, windows)
    if charge is None:
        return []
    units = line.units_per_cycle if charge.units is None else _rounded(charge.units)
    return [replace(line, next_bill_date=charge.due_date, price=charge.amount, units_per_cycle=units)]


def first_unpaid_day(line: AgreementLine, answered_through: date | None) -> date:
    """Give the first day that no charge of a recurring line has paid for.

    A final bill pays to the last day if it is prorated; one that was made before, and an instalment, pays its cycle.
    """
    if line.final_date is None or line.final_date >= line.next_bill_date or answered_through is None:
        return line.next_bill_date
    return min(answered_through + ONE_DAY, line.next_bill_date)


def _rescheduled(line: AgreementLine, name: str, unpaid: date) -> AgreementLine:
    schedule = parse_schedule(name, unpaid, "rewrite.schedule")
    if (schedule.cycle_months, schedule.cycle_days) != (line.schedule.cycle_months, line.schedule.cycle_days):
        raise InvalidArgument.field(
            "rewrite.schedule",
            f"{name} has another cycle than {line.schedule.name}, which {line.item} is priced for; choose other items.",
        )
    return replace(line, schedule=schedule, next_bill_date=schedule.first_from(unpaid, unpaid))


def bridge(line: AgreementLine, unpaid: date, line_id: UUID) -> AgreementLine | None:
    """Give the one charge that pays the days before the first bill of a perpetual line; none if there are none.

    Fees are never prorated (SPEC AGR-8).
    """
    if line.billing != PERPETUAL or line.item_kind == FEE or unpaid >= line.next_bill_date:
        return None
    previous = line.schedule.after(line.next_bill_date, -1)
    share = Fraction((line.next_bill_date - unpaid).days, (line.next_bill_date - previous).days)
    price = Money(round_half_up(line.price.amount_minor * share), line.price.currency)
    units = None if line.units_per_cycle is None else _rounded(Fraction(line.units_per_cycle) * share)
    return replace(
        line,
        id=line_id,
        billing=ONCE,
        price=price,
        cycle_no=1,
        next_bill_date=unpaid,
        remaining_cycles=1,
        term_end_date=line.next_bill_date,
        is_key_item=False,
        units_per_cycle=units,
        due_date=unpaid,
        start_date=unpaid,
    )


def renewed(line: AgreementLine, months: int, today: date) -> AgreementLine | None:
    """Give a line with its next term, which begins where the one before ends; none for what doesn't go on.

    One whose term is over begins today. What is due of the term before stays due.
    """
    if line.billing == ONCE or (line.state != LIVE and line.term_end_date is None):
        return None
    if line.term_end_date is None:
        return line
    begins = line.term_end_date if line.state == LIVE else max(line.term_end_date, today)
    term_end = add_months(begins, months)
    if line.billing == PAID_IN_FULL:
        if line.remaining_cycles:
            raise FailedPrecondition(
                "CHARGES_DUE", f"{line.item} of the present term isn't billed yet; run the billing first."
            )
        return replace(line, next_bill_date=begins, remaining_cycles=1, term_end_date=term_end, start_date=begins)
    left = line.remaining_cycles or 0
    following = line.schedule.after(line.next_bill_date, left) if left else line.schedule.first_from(begins, begins)
    return replace(
        line,
        next_bill_date=line.next_bill_date if left else following,
        remaining_cycles=left + line.schedule.count_before(following, term_end),
        term_end_date=term_end,
    )


def ended(line: AgreementLine, today: date) -> AgreementLine:
    """Give an old line that bills no more: yesterday, or the day before its next bill, was its last paid day."""
    return replace(line, final_date=min(line.final_date or date.max, today - ONE_DAY, line.next_bill_date - ONE_DAY))


def check_prior_to_first_billing(lines: Iterable[AgreementLine], number: str, *, billed: bool) -> None:
    """Refuse to rewrite a perpetual agreement for such a reason once something was billed or paid (SPEC AGR-9).

    Raises FailedPrecondition.
    """
    perpetual = any(line.billing == PERPETUAL and is_recurring(line) for line in lines)
    if perpetual and billed:
        raise FailedPrecondition(
            "PRIOR_TO_FIRST_BILLING",
            f"Agreement {number} has been invoiced or paid for; this reason is for the time before. Choose another.",
            metadata={"field": "rewrite.reason"},
        )


def check_nothing_overdue(removed: Iterable[AgreementLine], today: date) -> None:
    """Refuse to take out an item that has a charge of a past day to come. Raises FailedPrecondition."""
    for line in removed:
        if line.due_date is not None and line.due_date < today and line.billing not in PAID_AT_ONCE:
            raise FailedPrecondition(
                "CHARGES_DUE",
                f"{line.item} has a charge due {line.due_date} that isn't billed yet; run the billing first.",
                metadata={"due_date": str(line.due_date)},
            )


def _rounded(exact: Fraction) -> Decimal:
    return Decimal(round_half_up(exact * 1000)).scaleb(-3)
