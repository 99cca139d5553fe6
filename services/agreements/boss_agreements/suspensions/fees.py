"""The fees of a suspension as lines of their own, which no suspension stops (SPEC SUS-7). Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from boss_agreements.agreements.rules import (
    CANCELLED_LINE,
    FEE,
    FREEZE_FEE,
    LIVE,
    RECURRING_FREEZE_FEE,
    AgreementLine,
    Line,
    Tax,
    is_recurring,
)
from boss_agreements.agreements.schedules import Schedule
from boss_agreements.due_charges.rules import advance, next_charge
from boss_agreements.suspensions.rules import Effects, SuspensionFee, Window
from boss_kit.days import ONE_DAY
from boss_kit.ids import derived_id


def fee_lines(
    suspension_id: UUID,
    agreement_id: UUID,
    effects: Effects,
    key: AgreementLine,
    window: Window,
    stops: Sequence[Window],
) -> tuple[AgreementLine, ...]:
    """Open the fee lines of a suspension of an agreement: the freeze charge, and one on each Key Item bill date.

    `stops` are the agreement's joined windows without billing, this one's included.
    """
    found = []
    for kind, fee in ((FREEZE_FEE, effects.freeze_charge), (RECURRING_FREEZE_FEE, effects.recurring_charge)):
        if fee is not None:
            line_id = derived_id(suspension_id, "fee", str(agreement_id), kind)
            found.append(planned(_open(line_id, suspension_id, kind, fee, key, window), key, window, stops))
    return tuple(found)


def planned(line: AgreementLine, key: AgreementLine, window: Window, stops: Sequence[Window]) -> AgreementLine:
    """Give a fee line as the days of its suspension have it now; what was billed of it stays billed."""
    if line.billing == FREEZE_FEE:
        if line.remaining_cycles == 0:
            return line
        return replace(line, next_bill_date=window.start, due_date=window.start)
    if line.cycle_no == 1:
        first = first_bill_date(key, stops, window.start)
        if first is None:
            return replace(line, remaining_cycles=0, due_date=None)
        line = replace(line, schedule=first[0], next_bill_date=first[1])
    left = None if window.end is None else line.schedule.count_before(line.next_bill_date, window.end)
    final_date = None if window.end is None else window.end - ONE_DAY
    return replace(
        line, remaining_cycles=left, final_date=final_date, due_date=line.next_bill_date if left != 0 else None
    )


def cancelled(line: AgreementLine) -> AgreementLine:
    """Give a fee line of a suspension that was rescinded: nothing of it is due."""
    return replace(line, state=CANCELLED_LINE, remaining_cycles=0, due_date=None)


def first_bill_date(key: Line, stops: Sequence[Window], start: date) -> tuple[Schedule, date] | None:
    """Find the Key Item's first own bill date from a day on, and its schedule then; none where nothing is left to bill.

    A Key Item that is paid in full has the bill dates its schedule would have had.
    """
    if is_recurring(key):
        while (charge := next_charge(key, stops)) is not None and charge.due_date < start:
            key = advance(key, stops)
        if key.remaining_cycles == 0:
            return None
    own = key.next_bill_date
    return key.schedule, own if own >= start else key.schedule.next_on_or_after(own, start)


def is_bill_date(key: Line, stops: Sequence[Window], day: date) -> bool:
    """Tell whether a day is a bill date of the Key Item: one to come, or the one just billed."""
    if key.schedule.after(day) == key.next_bill_date:
        return True
    while (charge := next_charge(key, stops)) is not None and charge.due_date < day:
        key = advance(key, stops)
    return charge is not None and charge.due_date == day


def _open(
    line_id: UUID, suspension_id: UUID, kind: str, fee: SuspensionFee, key: AgreementLine, window: Window
) -> AgreementLine:
    return AgreementLine(
        line_id,
        key.schedule,
        fee.price,
        1,
        window.start,
        1 if kind == FREEZE_FEE else None,
        None,
        kind,
        FEE,
        tax_rate=sum((percent for _, percent in fee.taxes), Decimal(0)),
        item=fee.item,
        item_category=fee.item_category,
        item_id=fee.item_id,
        is_key_item=False,
        is_required=False,
        taxes=tuple(Tax(name, percent) for name, percent in fee.taxes),
        list_price=fee.price,
        state=LIVE,
        due_date=window.start,
        suspension_id=suspension_id,
    )
