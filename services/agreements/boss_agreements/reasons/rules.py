"""What cancel and suspension reasons allow and cause (SPEC AGR-2, AGR-3). Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.catalogue.rules import Entry, check_choice
from boss_kit.context import Actor
from boss_kit.errors import FailedPrecondition, InvalidArgument

HOLD, FREEZE = "Hold", "Freeze"
SUSPENSION_TYPES = (HOLD, FREEZE)
CANCEL, SUSPENSION = "cancel", "suspension"
"""The two kinds of reasons, as links name them."""
FOR_AGREEMENTS, FOR_INVOICES, FOR_REWRITES = "agreements", "invoices", "rewrites"
USES = (FOR_AGREEMENTS, FOR_INVOICES, FOR_REWRITES)
"""The three places a cancel reason may be offered in: the wizard, the return of an invoice, the rewrite."""
DAYS_MIN_DEFAULT, DAYS_MAX_DEFAULT = 1, 30


@dataclass(frozen=True, kw_only=True)
class CancelReason(Entry):
    """Why an agreement is cancelled or rewritten, or an invoice returned.

    `refund` gives everything back, whatever step 1 of the wizard says; `no_refund` gives nothing back; neither gives
    back what is prorated. `approver_roles` are the work roles that may approve it; without any nobody has to.
    """

    agreements: bool = True
    invoices: bool = True
    rewrite: bool = False
    admin_adjustment: bool = False
    refund: bool = False
    no_refund: bool = False
    immediate_allowed: bool = True
    future_allowed: bool = True
    prior_to_first_billing: bool = False
    keep_same_billing_schedule: bool = False
    approver_roles: tuple[str, ...] = ()

    def serves(self, use: str) -> bool:
        """Tell whether the reason is offered in a place."""
        return {FOR_AGREEMENTS: self.agreements, FOR_INVOICES: self.invoices, FOR_REWRITES: self.rewrite}[use]


@dataclass(frozen=True, kw_only=True)
class SuspensionReason(Entry):
    """Why an agreement, a member or an account is suspended, and with what effects.

    The two charges are items of kind fee: one-off at the start, and again on each bill date of the Key Item.
    `approver_roles` are the work roles that may approve it; without any nobody has to.
    """

    type: str = HOLD
    must_start_on_key_item_bill_date: bool = False
    days_min: int = DAYS_MIN_DEFAULT
    days_max: int = DAYS_MAX_DEFAULT
    open_ended: bool = False
    approver_roles: tuple[str, ...] = ()
    stop_billing: bool = False
    freeze_charge_item_id: UUID | None = None
    recurring_charge_item_id: UUID | None = None
    prevent_activity_use: bool = False
    extend_availability: bool = False
    extend_obligation_date: bool = False

    @property
    def fee_item_ids(self) -> tuple[UUID, ...]:
        """Give the items it charges."""
        return tuple(one for one in (self.freeze_charge_item_id, self.recurring_charge_item_id) if one is not None)


def saved_cancel_reason(reason: CancelReason) -> CancelReason:
    """Give a cancel reason as it is kept: one for rewrites serves nothing else and refunds nothing (SPEC AGR-2).

    Raises InvalidArgument for a reason that could never be used, or that both refunds and doesn't.
    """
    if reason.rewrite:
        reason = replace(reason, agreements=False, invoices=False, refund=False)
    if reason.refund and reason.no_refund:
        raise InvalidArgument.field(
            "cancel_reason.no_refund", "contradicts refund; a reason gives everything back, nothing, or neither."
        )
    if not (reason.immediate_allowed or reason.future_allowed):
        raise InvalidArgument.field(
            "cancel_reason.future_allowed", "and immediate_allowed are both off; allow at least one of them."
        )
    if reason.prior_to_first_billing and not reason.rewrite:
        raise InvalidArgument.field("cancel_reason.prior_to_first_billing", "is for rewrites; choose rewrite, too.")
    if reason.keep_same_billing_schedule and not reason.rewrite:
        raise InvalidArgument.field("cancel_reason.keep_same_billing_schedule", "is for rewrites; choose rewrite, too.")
    return reason


def saved_suspension_reason(reason: SuspensionReason) -> SuspensionReason:
    """Give a suspension reason as it is kept (SPEC AGR-3). Raises InvalidArgument."""
    check_choice(reason.type, SUSPENSION_TYPES, "suspension_reason.type")
    if reason.days_min < 1:
        raise InvalidArgument.field("suspension_reason.days_min", "must be at least 1.")
    if reason.days_max < reason.days_min:
        raise InvalidArgument.field(
            "suspension_reason.days_max", f"is {reason.days_max}, fewer than days_min, {reason.days_min}."
        )
    return reason


def check_cancel_date(reason: CancelReason, effective: date, today: date) -> None:
    """Refuse an effective date the reason doesn't allow (SPEC AGR-2). Raises FailedPrecondition.

    Immediate is an effective date that isn't after the business date.
    """
    if effective > today and not reason.future_allowed:
        raise _refused("FUTURE_NOT_ALLOWED", f"can't cancel on a later day, {effective}; cancel today", reason.name)
    if effective <= today and not reason.immediate_allowed:
        raise _refused(
            "IMMEDIATE_NOT_ALLOWED", f"can't cancel at once, on {effective}; choose a later day", reason.name
        )


def check_suspension_dates(
    reason: SuspensionReason, start: date, end: date | None, *, starts_on_key_item_bill_date: bool
) -> None:
    """Refuse days the reason doesn't allow (SPEC AGR-3). Raises FailedPrecondition.

    The shortest and the longest suspension matter only where it must start on a bill date; "open ended" lifts both.
    The end is the first day back.
    """
    if not reason.must_start_on_key_item_bill_date:
        return
    if not starts_on_key_item_bill_date:
        raise _refused(
            "START_NOT_ON_BILL_DATE", f"must start on a bill date of the Key Item, which {start} isn't", reason.name
        )
    if reason.open_ended:
        return
    if end is None:
        raise _refused("OPEN_END_NOT_ALLOWED", "needs an end date: it isn't open ended", reason.name)
    days = (end - start).days
    if not reason.days_min <= days <= reason.days_max:
        raise _refused(
            "SUSPENSION_LENGTH",
            f"lasts {reason.days_min} to {reason.days_max} days; {start} to {end} are {days}",
            reason.name,
        )


def check_approvers(roles: Iterable[str], known: Collection[str], field: str) -> None:
    """Refuse roles that nobody can have. Raises InvalidArgument."""
    unknown = sorted(set(roles) - set(known))
    if unknown:
        there = f"there are {', '.join(sorted(known))}" if known else "there is none yet"
        raise InvalidArgument.field(field, f"{unknown[0][:40]!r} is not a work role here; {there}. Make it first.")


def check_approval(reason: CancelReason | SuspensionReason, actor: Actor) -> None:
    """Refuse a reason that neither the actor's nor an approver's work role may approve. Raises FailedPrecondition."""
    roles = {actor.work_role, actor.approver.work_role if actor.approver else ""}
    if reason.approver_roles and not roles & set(reason.approver_roles):
        raise _refused(
            "APPROVAL_REQUIRED", f"needs the approval of a {' or '.join(reason.approver_roles)}", reason.name
        )


def _refused(code: str, words: str, name: str) -> FailedPrecondition:
    return FailedPrecondition(code, f"reason: {name!r} {words}.", metadata={"field": "reason", "reason": name})
