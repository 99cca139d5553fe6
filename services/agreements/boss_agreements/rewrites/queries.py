"""Tell what a rewrite would make of an agreement (SPEC AGR-9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from boss_agreements.agreement_rules.queries import rules_of
from boss_agreements.agreement_rules.rules import check_renewal
from boss_agreements.agreements.queries import get_agreement
from boss_agreements.agreements.rules import (
    ACTIVE,
    ENDED_LINE,
    EXPIRED,
    LIVE,
    LIVE_STATUSES,
    NO_TAX,
    ONCE,
    PAID_AT_ONCE,
    PERPETUAL,
    PRODUCT,
    UNIT,
    AgreementLine,
    check_line,
    only_waits,
    open_line,
    parse_term,
    within_term,
)
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import rules as cancellations
from boss_agreements.cancellations import store as requests
from boss_agreements.cancellations.queries import facts_of
from boss_agreements.cancellations.rules import FUTURE, CancelledLine, Units
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.definitions.queries import offer_for_sale
from boss_agreements.definitions.rules import OPTIONAL, Offer, OfferedItem, OfferedPart, check_chosen
from boss_agreements.due_charges.rules import next_charge
from boss_agreements.locations.queries import check_location
from boss_agreements.locations.rules import Location
from boss_agreements.organization.queries import get_unit
from boss_agreements.reasons.queries import check_offered, get_cancel_reason, offered_cancel_reasons
from boss_agreements.reasons.rules import FOR_REWRITES, CancelReason, check_approval
from boss_agreements.rewrites import rules
from boss_agreements.rewrites.rules import NOTHING_FIXED, RENEWAL, Fixed, InvoicedAgreement
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import Window
from boss_kit.days import ONE_DAY, add_months
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class AddedPart:
    """An item or bundle of the definition that comes in."""

    part_id: UUID
    quantity: int = 1


@dataclass(frozen=True)
class RewriteAgreement:
    """A rewrite as it is asked for, to another location, too; what is empty stays as it is.

    With another definition its parts take the place of all required items: an upgrade. `invoiced` tells what billing
    knows: that there is an invoice of the agreement, of a run or of the point of sale.
    """

    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    reason_id: UUID
    purpose: str = rules.REWRITE
    definition_id: UUID | None = None
    added: tuple[AddedPart, ...] = ()
    removed: tuple[UUID, ...] = ()
    schedule: str = ""
    term: str = ""
    comments: str = ""
    fixed: Fixed = NOTHING_FIXED
    invoiced: bool = False
    location_id: UUID | None = None


@dataclass(frozen=True)
class Rewritten:
    """What a rewrite makes: the new agreement, each kept line as it was and is, and what goes back."""

    before: Agreement
    after: Agreement
    reason: CancelReason
    kept: Sequence[tuple[AgreementLine, AgreementLine]]
    removed: Sequence[AgreementLine]
    returned: Sequence[CancelledLine]
    replaced: Sequence[Cancellation]
    windows: Sequence[Window]
    location: str = ""


def preview_rewrite(tx: Transaction, command: RewriteAgreement) -> Rewritten:
    """Tell what a rewrite would make. Raises what the rewrite would raise."""
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    agreement = get_agreement(tx, command.enterprise_id, command.business_unit_id, command.agreement_id)
    return rewritten(tx, command, agreement, tx.today(unit.time_zone))


def asks_for_invoices_of(tx: Transaction, command: RewriteAgreement) -> Sequence[InvoicedAgreement]:
    """Give the agreements whose invoices decide about a rewrite: none, or the old one and all it was rewritten from.

    Raises NotFound.
    """
    where = command.enterprise_id, command.business_unit_id
    if not get_cancel_reason(tx, *where, command.reason_id).prior_to_first_billing:
        return []
    found = [get_agreement(tx, *where, command.agreement_id)]
    while (before := found[-1].rewritten_from_id) is not None:
        found.append(get_agreement(tx, *where, before))
    return [InvoicedAgreement(*where, one.account_id, one.id) for one in found]


def rewritten(tx: Transaction, command: RewriteAgreement, old: Agreement, today: date) -> Rewritten:
    """Check a rewrite and make the new agreement, not stored yet. Raises InvalidArgument, FailedPrecondition."""
    windows = suspensions.windows_of(tx.connection, old.enterprise_id, [old.id]).get(old.id, ())
    reason = _reason(tx, command, old)
    replaced = _check(tx, command, old, today, windows)
    offer = _offer(tx, command, old, today)
    states = (LIVE, ENDED_LINE) if old.status == EXPIRED else (LIVE,)
    lines = [line for line in old.lines if line.suspension_id is None and line.state in states]
    removed = _removed(command, old, lines)
    months = parse_term(command.term or old.term, "rewrite.term")
    ending = [line.id for line in lines if line.final_date is not None]
    answered = requests.answered_through(tx.connection, old.enterprise_id, ending)
    kept: list[tuple[AgreementLine, AgreementLine]] = []
    made: list[AgreementLine] = []
    for line in lines:
        found = [] if line in removed else _kept(command, line, months, today, windows, answered.get(line.id))
        made += found
        kept += [(line, found[0])] if found else []
    rules.check_nothing_overdue(removed, today)
    made += _added(command, old, removed, offer, months, today, answered)
    made = [_due(line, ()) for line in within_term(made)]
    if not made:
        raise InvalidArgument.field("rewrite.removed", "leaves nothing of the agreement; cancel it instead.")
    after = replace(
        old,
        id=new_id(),
        lines=tuple(made),
        status=ACTIVE,
        term=command.term or old.term,
        primary_agreement_id=_primary_id(tx, old),
        rewritten_from_id=old.id,
        rewritten_to_id=None,
        pending_cancellation=False,
        cancel_date=None,
        obligation_end_date=_obligation_end(command, old, months, today),
        version=1,
        create_time=tx.now,
    )
    location = _location(tx, command)
    if location is not None:
        after = replace(after, location_id=location.id)
    if offer is not None and command.definition_id is not None:
        after = replace(after, definition_id=offer.definition.id, display_name=offer.definition.name)
    returned = _returned(tx, old, removed, reason, windows, today)
    name = location.name if location is not None and location.id != old.location_id else ""
    return Rewritten(old, after, reason, kept, removed, returned, replaced, windows, name)


def _location(tx: Transaction, command: RewriteAgreement) -> Location | None:
    """Read the location the agreement moves to, the text's "Change of Location". Raises InvalidArgument."""
    if command.location_id is None:
        return None
    where = command.enterprise_id, command.business_unit_id
    return check_location(tx, *where, command.location_id, "rewrite.location")


def _reason(tx: Transaction, command: RewriteAgreement, old: Agreement) -> CancelReason:
    seen = command.enterprise_id, command.business_unit_id
    reason = get_cancel_reason(tx, *seen, command.reason_id)
    check_offered(reason, offered_cancel_reasons(tx, *seen, old.definition_id, FOR_REWRITES))
    check_approval(reason, tx.context.actor)
    if reason.prior_to_first_billing:
        ids = [line.id for line in old.lines]
        billed = bool(requests.billed_of(tx.connection, seen[0], ids))
        rules.check_prior_to_first_billing(old.lines, old.number, billed=billed or command.invoiced)
    if reason.keep_same_billing_schedule and command.schedule:
        raise FailedPrecondition(
            "SCHEDULE_KEPT",
            f"schedule: the reason {reason.name!r} keeps the bill dates; leave it empty or choose another reason.",
            metadata={"field": "rewrite.schedule", "reason": reason.name},
        )
    return reason


def _check(
    tx: Transaction, command: RewriteAgreement, old: Agreement, today: date, windows: Sequence[Window]
) -> Sequence[Cancellation]:
    """Refuse what can't be rewritten; give the requests past their final bill, which the rewrite replaces."""
    renewal = command.purpose == RENEWAL
    if command.purpose not in rules.PURPOSES:
        raise InvalidArgument.field("rewrite.purpose", f"{command.purpose[:40]!r} is neither rewrite nor renewal.")
    pending = requests.open_of(tx.connection, old.enterprise_id, [old.id])
    if any(one.status == FUTURE for one in pending):
        raise FailedPrecondition(
            "CANCELLATION_PENDING",
            f"A cancellation of agreement {old.number} is pending; rescind it first.",
            metadata={"field": "rewrite.agreement"},
        )
    over = old.status in LIVE_STATUSES and not renewal and only_waits(today, old.lines)
    status = "over but for its last bills" if over else old.status
    rules.check_rewritable(
        old.number, status, today, windows, pending_suspension=old.pending_suspension, renewal=renewal
    )
    kept = Fixed(old.member_id, old.group_id, old.classification, old.role)
    rules.check_fixed(command.fixed, kept)
    if renewal:
        term_end = old.key_line.term_end_date
        if term_end is None:
            raise FailedPrecondition(
                "NOT_RENEWABLE",
                f"Agreement {old.number} is perpetual: it has no term to renew.",
                metadata={"field": "rewrite.purpose"},
            )
        limits = rules_of(tx, old.enterprise_id, old.business_unit_id, old.definition_id)
        check_renewal(limits, term_end, today)
    # One that took effect and waits for its return has nothing left that a rewrite could replace.
    return [one for one in pending if one.effect_date is None]


def _primary_id(tx: Transaction, old: Agreement) -> UUID | None:
    """Give the primary of an add-on under its present number; one that has expired needs a primary that runs (AGR-6).

    Raises FailedPrecondition.
    """
    found = old.primary_agreement_id
    if found is None:
        return None
    primary = get_agreement(tx, old.enterprise_id, old.business_unit_id, found)
    while (after := primary.rewritten_to_id) is not None:
        primary = get_agreement(tx, old.enterprise_id, old.business_unit_id, after)
    if old.status == EXPIRED and primary.status not in LIVE_STATUSES:
        raise FailedPrecondition(
            "PRIMARY_NOT_LIVE",
            f"The primary agreement {primary.number} is {primary.status}; renew that first.",
            metadata={"field": "rewrite.agreement", "agreement": str(primary.id)},
        )
    return primary.id


def _offer(tx: Transaction, command: RewriteAgreement, old: Agreement, today: date) -> Offer | None:
    """Read what comes in from the catalogue. Raises FailedPrecondition for what isn't sold."""
    definition_id = command.definition_id or old.definition_id
    if command.definition_id is None and not command.added:
        return None
    if definition_id is None:
        raise InvalidArgument.field("rewrite.definition", "is missing: the agreement has none to take items from.")
    offer = offer_for_sale(tx, command.enterprise_id, command.business_unit_id, definition_id, today)
    if command.definition_id is not None:
        check_chosen(offer, {part.part_id: part.quantity for part in command.added})
        rules.check_fixed(Fixed(classification=offer.classification), Fixed(classification=old.classification))
    unknown = {part.part_id for part in command.added} - {part.id for part in offer.parts}
    if unknown:
        raise InvalidArgument.field("rewrite.added", f"{min(unknown)} isn't offered by {offer.definition.name!r}.")
    return offer


def _removed(command: RewriteAgreement, old: Agreement, lines: Sequence[AgreementLine]) -> Sequence[AgreementLine]:
    upgrade = command.definition_id is not None
    unknown = set(command.removed) - {line.id for line in lines}
    if unknown:
        raise InvalidArgument.field("rewrite.removed", f"{min(unknown)} is not a running item of this agreement.")
    if not upgrade and any(line.is_key_item and line.id in command.removed for line in lines):
        raise InvalidArgument.field("rewrite.removed", "holds a Key Item; choose a definition that takes its place.")
    return [line for line in lines if line.id in command.removed or (upgrade and line.is_required)]


def _kept(
    command: RewriteAgreement,
    line: AgreementLine,
    months: int | None,
    today: date,
    windows: Sequence[Window],
    answered: date | None,
) -> Sequence[AgreementLine]:
    """Give a kept line as it goes on, and the charge that pays the days to its first bill; its term may be another."""
    line = replace(line, agreement_end=None)
    if command.purpose == RENEWAL and months is not None:
        renewed = rules.renewed(line, months, today)
        if renewed is None:
            return []
        line = renewed
    return [_due(one, ()) for one in rules.goes_on(line, windows, command.schedule, new_id(), new_id(), answered)]


def _added(
    command: RewriteAgreement,
    old: Agreement,
    removed: Sequence[AgreementLine],
    offer: Offer | None,
    months: int | None,
    today: date,
    answered: Mapping[UUID, date],
) -> Sequence[AgreementLine]:
    """Give the lines that come in; those that replace a perpetual Key Item begin where it was paid to."""
    if offer is None:
        return []
    parts = {part.id: part for part in offer.parts}
    keys = [line for line in removed if line.is_key_item and line.billing == PERPETUAL]
    found: list[AgreementLine] = []
    for asked in command.added:
        part = parts[asked.part_id]
        replaces = bool(keys) and part.required != OPTIONAL and part.billing == PERPETUAL
        begins = rules.first_unpaid_day(keys[0], answered.get(keys[0].id)) if replaces else today
        keeps = keys[0] if replaces and not command.schedule else None
        for sold in part.items:
            found += _opened(command, part, sold, asked.quantity, begins, months, keeps)
    return found


def _opened(
    command: RewriteAgreement,
    part: OfferedPart,
    sold: OfferedItem,
    quantity: int,
    begins: date,
    months: int | None,
    keeps: AgreementLine | None,
) -> Sequence[AgreementLine]:
    item, count = sold.item, sold.quantity * quantity
    billing = ONCE if item.kind == PRODUCT else part.billing
    term = part.term_months or months if billing not in (PERPETUAL, ONCE) else None
    schedule = parse_schedule(command.schedule or sold.schedule, begins, "rewrite.schedule")
    line = open_line(new_id(), schedule, Money(item.price_minor * count, item.currency), begins, term, begins, billing)
    cycle = schedule.cycle_months, schedule.cycle_days
    if keeps is not None and billing == PERPETUAL and cycle == (keeps.schedule.cycle_months, keeps.schedule.cycle_days):
        line = replace(line, schedule=keeps.schedule, next_bill_date=keeps.next_bill_date)
    line = replace(
        line,
        item=item.name,
        item_category=item.category,
        item_id=item.id,
        bundle_id=part.bundle_id,
        bundle=part.name if part.bundle_id else "",
        is_key_item=sold.is_key_item and part.required != OPTIONAL,
        is_required=part.required != OPTIONAL,
        item_kind=item.kind,
        basis=item.basis,
        units_per_cycle=Decimal(item.units * count) if item.basis == UNIT and item.units else None,
        validity_days=item.validity_days,
        quantity=count,
        taxes=sold.taxes,
        tax_rate=sum((tax.percent for tax in sold.taxes), NO_TAX),
        list_price=line.price,
    )
    line = _due(check_line(line, "rewrite.added"), ())
    gap = rules.bridge(line, begins, new_id())
    return [line] if gap is None else [line, gap]


def _returned(
    tx: Transaction,
    old: Agreement,
    removed: Sequence[AgreementLine],
    reason: CancelReason,
    windows: Sequence[Window],
    today: date,
) -> Sequence[CancelledLine]:
    """Compute what goes back for the items that are taken out (SPEC AGR-8)."""
    facts = facts_of(tx, old.enterprise_id, [line.id for line in removed], today)
    refunds = cancellations.NONE if reason.no_refund else cancellations.PRORATED
    found: list[CancelledLine] = []
    for line in removed:
        returned = cancellations.return_of(
            rules.ended(line, today) if line.billing not in PAID_AT_ONCE else _used_to(line, today),
            line.start_date or old.start_date,
            facts.billed.get(line.id, ()),
            -facts.split_off.get(line.id, 0),
            facts.units.get(line.id, Units()),
            windows,
            refunds,
            full=False,
        )
        amount, tax = returned.amount.amount_minor, returned.tax.amount_minor
        found.append(CancelledLine(line.id, line.item, line.quantity, False, None, 0, amount, tax, returned.units))
    return found


def _used_to(line: AgreementLine, today: date) -> AgreementLine:
    return replace(line, final_date=today - ONE_DAY)


def _obligation_end(command: RewriteAgreement, old: Agreement, months: int | None, today: date) -> date | None:
    if command.purpose == RENEWAL and months is not None and old.key_line.term_end_date is not None:
        return add_months(max(old.key_line.term_end_date, today), months) - ONE_DAY
    return old.obligation_end_date


def _due(line: AgreementLine, windows: Sequence[Window]) -> AgreementLine:
    charge = next_charge(line, windows)
    return replace(line, due_date=charge.due_date if charge else None)
