"""What a request for a suspension asks for, and whether it may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreement_rules.queries import rules_of
from boss_agreements.agreement_rules.rules import check_suspension
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.queries import not_found as agreement_not_found
from boss_agreements.agreements.rules import LIVE_STATUSES, Tax, only_waits
from boss_agreements.agreements.store import Agreement
from boss_agreements.groups.queries import followed
from boss_agreements.items.queries import get_items
from boss_agreements.items.rules import Item
from boss_agreements.members.queries import get_member
from boss_agreements.organization.queries import get_unit
from boss_agreements.reasons.queries import check_offered, get_suspension_reason, offered_suspension_reasons
from boss_agreements.reasons.rules import SuspensionReason, check_approval, check_suspension_dates
from boss_agreements.request_reasons.queries import check_reasons
from boss_agreements.request_reasons.rules import ADJUSTMENT, EXCEPTION
from boss_agreements.suspensions import coverage, fees, planning, rules, store
from boss_agreements.suspensions.rules import Effects, SuspensionFee
from boss_agreements.suspensions.store import Suspension
from boss_agreements.taxes.queries import rates_in
from boss_kit.days import check_year
from boss_kit.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

TEXT_LENGTH_MAX = 200
COMMENTS_LENGTH_MAX = 5000
ON_SUSPENSION = "on_suspension"


@dataclass(frozen=True)
class CreateSuspension:
    """A suspension as it is asked for; `target_id` is the agreement, member or account.

    `may_except` tells whether the caller may add an exception, which the reason's limits then don't bind.
    """

    enterprise_id: UUID
    business_unit_id: UUID
    target_id: UUID
    type: str
    start_date: date
    end_date: date | None
    reason: str
    comments: str
    applied_to: str = rules.AGREEMENT
    reason_id: UUID | None = None
    received_date: date | None = None
    exception_reason: str = ""
    exception_value: str = ""
    exception_comments: str = ""
    adjustment_reason: str = ""
    adjustment_credit_date: date | None = None
    may_except: bool = False


def check_form(command: CreateSuspension) -> None:
    """Refuse what no suspension can be, whatever it is of. Raises InvalidArgument, PermissionDenied."""
    rules.check_applied_to(command.applied_to)
    if command.type or command.reason_id is None:
        rules.check_type(command.type)
    check_year(command.start_date, "suspension.start_date")
    for field in ("end_date", "received_date", "adjustment_credit_date"):
        day = getattr(command, field)
        if day is not None:
            check_year(day, f"suspension.{field}")
    for field in ("reason", "exception_reason", "exception_value", "adjustment_reason"):
        _check_length(f"suspension.{field}", getattr(command, field), TEXT_LENGTH_MAX)
    check_comments(command.comments)
    _check_length("suspension.exception_comments", command.exception_comments, COMMENTS_LENGTH_MAX)
    excepted = command.exception_reason or command.exception_value or command.exception_comments
    if excepted and not command.may_except:
        raise PermissionDenied(
            "EXCEPTION_NOT_ALLOWED",
            "suspension.exception_reason: an exception needs the permission agreements.suspensions.except; "
            "leave it out, or let somebody enter it who holds that.",
            metadata={"field": "suspension.exception_reason", "permission": "agreements.suspensions.except"},
        )
    if command.adjustment_credit_date is not None and not command.adjustment_reason:
        raise InvalidArgument.field(
            "suspension.adjustment_reason", "is required where a credit date is given: say what is adjusted."
        )


def check_comments(comments: str) -> None:
    """Refuse comments that are too long. Raises InvalidArgument."""
    _check_length("suspension.comments", comments, COMMENTS_LENGTH_MAX)


def covered_ids(tx: Transaction, command: CreateSuspension, today: date) -> Sequence[UUID]:
    """Find the agreements a request covers, and the add-ons that follow them where their group says so (SPEC AGR-6)."""
    ids = _asked_ids(tx, command)
    add_ons = agreements.add_on_ids(tx.connection, command.enterprise_id, ids)
    found = agreements.find_all(tx.connection, command.enterprise_id, {*ids, *add_ons})
    follow = followed(tx, [one for one in found if one.id in ids and one.status in LIVE_STATUSES], ON_SUSPENSION)
    return [
        one.id
        for one in found
        if one.id == command.target_id
        or (not only_waits(today, one.lines) and (one.id in ids or one.primary_agreement_id in follow))
    ]


def _asked_ids(tx: Transaction, command: CreateSuspension) -> Sequence[UUID]:
    """Find the agreements a request is of (SPEC SUS-1): of a member not those of others on a shared account."""
    if command.applied_to == rules.AGREEMENT:
        return [command.target_id]
    member_id = command.target_id if command.applied_to == rules.MEMBER else None
    return coverage.covered_ids(
        tx.connection,
        command.enterprise_id,
        command.business_unit_id,
        member_id,
        None if member_id else command.target_id,
        LIVE_STATUSES,
    )


def requested(tx: Transaction, command: CreateSuspension, covered: Sequence[Agreement], today: date) -> Suspension:
    """Make the suspension that is asked for. Raises NotFound, FailedPrecondition."""
    _check_listed(tx, command)
    agreement, member_id, account_id = _target(tx, command, covered, today)
    asked = [one for one in covered if _is_asked(one, command.applied_to, command.target_id)]
    reason = _reason(tx, command, asked)
    made = Suspension(
        new_id(),
        command.enterprise_id,
        command.business_unit_id,
        command.applied_to,
        agreement,
        member_id,
        account_id,
        command.type or (reason.type if reason else ""),
        command.reason_id,
        reason.name if reason else command.reason or command.type,
        _effects(tx, command, reason) if reason else rules.WITHOUT_REASON,
        command.comments,
        rules.PENDING,
        command.start_date,
        command.end_date,
        _received(command, today),
        tx.context.actor.user,
        tx.context.actor.to_json(),
        tx.now,
        command.exception_reason,
        command.exception_value,
        command.exception_comments,
        command.adjustment_reason,
        command.adjustment_credit_date,
    )
    rules.check_new(made.window, [one.window for one in store.same_target(tx.connection, made)], today)
    check_reason_days(tx, made, covered, today)
    return made


def check_reason_days(tx: Transaction, made: Suspension, covered: Sequence[Agreement], today: date) -> None:
    """Refuse days that the reason or the agreement rules don't allow (SPEC AGR-1, AGR-3), unless an exception was made.

    A request without a reason of the catalogue is bound by neither; add-ons that follow bind nobody.
    Raises FailedPrecondition.
    """
    if made.reason_id is None or made.exception_reason:
        return
    target_id = made.agreement_id or (made.member_id if made.applied_to == rules.MEMBER else made.account_id)
    running = [one for one in covered if one.status in LIVE_STATUSES]
    asked = [one for one in running if _is_asked(one, made.applied_to, target_id)]
    for definition_id in {one.definition_id for one in asked}:
        limits = rules_of(tx, made.enterprise_id, made.business_unit_id, definition_id)
        check_suspension(limits, made.start_date, made.end_date, today)
    reason = get_suspension_reason(tx, made.enterprise_id, made.business_unit_id, made.reason_id)
    others = coverage.of_agreements(tx.connection, made.enterprise_id, [one.id for one in asked])
    on_bill_date = all(
        fees.is_bill_date(
            one.key_line,
            planning.stops_of(part for part in others.get(one.id, ()) if part.suspension_id != made.id),
            made.start_date,
        )
        for one in asked
    )
    check_suspension_dates(reason, made.start_date, made.end_date, starts_on_key_item_bill_date=on_bill_date)


def _is_asked(one: Agreement, applied_to: str, target_id: UUID | None) -> bool:
    """Tell an agreement that a request is of from an add-on that follows."""
    owner = {rules.AGREEMENT: one.id, rules.MEMBER: one.member_id, rules.ACCOUNT: one.account_id}
    return owner[applied_to] == target_id


def _check_listed(tx: Transaction, command: CreateSuspension) -> None:
    """Refuse an exception or adjustment for a reason that isn't offered (SPEC SUS-3). Raises InvalidArgument."""
    given = {
        EXCEPTION: (command.exception_reason, "suspension.exception_reason"),
        ADJUSTMENT: (command.adjustment_reason, "suspension.adjustment_reason"),
    }
    check_reasons(tx, command.enterprise_id, command.business_unit_id, given)


def _target(
    tx: Transaction, command: CreateSuspension, covered: Sequence[Agreement], today: date
) -> tuple[UUID | None, UUID | None, UUID]:
    """Give the agreement, the member and the account a request is of. Raises NotFound, FailedPrecondition."""
    if command.applied_to == rules.MEMBER:
        member = get_member(tx, command.enterprise_id, command.business_unit_id, command.target_id)
        return None, member.id, member.account_id
    if command.applied_to == rules.ACCOUNT:
        if not covered:
            raise FailedPrecondition(
                "NOTHING_TO_SUSPEND",
                "No agreement that runs is billed to this account; suspend the member instead.",
                metadata={"account": str(command.target_id)},
            )
        return None, None, command.target_id
    found = next((one for one in covered if one.id == command.target_id), None)
    if found is None or found.business_unit_id != command.business_unit_id:
        raise agreement_not_found(command.target_id)
    status = found.status if found.status not in LIVE_STATUSES else "over but for its last bills"
    if found.status not in LIVE_STATUSES or only_waits(today, found.lines):
        raise FailedPrecondition(
            "AGREEMENT_OVER",
            f"Agreement {found.number} is {status}; only one that runs can be suspended.",
            metadata={"agreement": str(found.id), "status": found.status},
        )
    return found.id, found.member_id, found.account_id


def _reason(tx: Transaction, command: CreateSuspension, covered: Sequence[Agreement]) -> SuspensionReason | None:
    """Find the reason in the catalogue, which must be offered for every agreement and approved. Raises NotFound."""
    if command.reason_id is None:
        return None
    reason = get_suspension_reason(tx, command.enterprise_id, command.business_unit_id, command.reason_id)
    if command.type not in ("", reason.type):
        raise FailedPrecondition(
            "REASON_OF_OTHER_TYPE",
            f"suspension.type: the reason {reason.name!r} is for a {reason.type}, not for a {command.type}.",
            metadata={"field": "suspension.type", "reason": reason.name},
        )
    for definition_id in {one.definition_id for one in covered} or {None}:
        check_offered(
            reason, offered_suspension_reasons(tx, command.enterprise_id, command.business_unit_id, definition_id)
        )
    check_approval(reason, tx.context.actor)
    return reason


def _effects(tx: Transaction, command: CreateSuspension, reason: SuspensionReason) -> Effects:
    """Take over what the reason does and costs now: a change of the catalogue never alters a suspension."""
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    items = get_items(tx, command.enterprise_id, unit.id, reason.fee_item_ids)
    names = {name for item in items.values() for name in item.taxes}
    rates = rates_in(tx, command.enterprise_id, unit.id, names)

    def fee(item_id: UUID | None) -> SuspensionFee | None:
        if item_id is None:
            return None
        item = items[item_id]
        _check_fee(item, unit.currency, rates)
        taxes = tuple((name, rates[name].percent) for name in item.taxes)
        return SuspensionFee(item.id, item.name, item.category, item.price, taxes)

    return Effects(
        reason.stop_billing,
        reason.prevent_activity_use,
        reason.extend_availability,
        reason.extend_obligation_date,
        fee(reason.freeze_charge_item_id),
        fee(reason.recurring_charge_item_id),
    )


def _check_fee(item: Item, currency: str, rates: Mapping[str, Tax]) -> None:
    """Refuse a fee that the unit can't bill, as a sale of it would be. Raises FailedPrecondition."""
    metadata = {"field": "suspension.suspension_reason", "item": item.name}
    if item.currency != currency:
        raise FailedPrecondition(
            "ITEM_CURRENCY",
            f"suspension.suspension_reason: its fee {item.name!r} costs {item.currency}, but the business unit bills "
            f"in {currency}; set what the unit charges for it.",
            metadata=metadata,
        )
    missing = [name for name in item.taxes if name not in rates]
    if missing:
        raise FailedPrecondition(
            "TAX_MISSING",
            f"suspension.suspension_reason: its fee {item.name!r} has the tax {missing[0]!r}, for which the business "
            "unit has no rate; add one, even 0.",
            metadata=metadata,
        )


def _received(command: CreateSuspension, today: date) -> date:
    received = command.received_date or today
    if received > today:
        raise FailedPrecondition(
            "RECEIVED_IN_THE_FUTURE",
            f"suspension.received_date: {received} is after the business date {today}; a request has been received.",
            metadata={"field": "suspension.received_date", "business_date": str(today)},
        )
    return received


def _check_length(field: str, text: str, length_max: int) -> None:
    if len(text) > length_max:
        raise InvalidArgument.field(field, f"has {len(text):,} characters; at most {length_max:,} are kept.")
