"""Read cancellations, and tell what a request would do (SPEC AGR-6, AGR-7, AGR-8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from boss_agreements.activities.queries import units_left
from boss_agreements.agreement_rules.queries import rules_of
from boss_agreements.agreement_rules.rules import check_cancellation
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.queries import get_agreement
from boss_agreements.agreements.rules import LIVE_STATUSES, AgreementLine, only_waits
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import rules, store
from boss_agreements.cancellations.rules import Billed, CancelledLine, Choice, Return, Units
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.organization.queries import get_unit
from boss_agreements.reasons.queries import check_offered, get_cancel_reason, offered_cancel_reasons
from boss_agreements.reasons.rules import FOR_AGREEMENTS, CancelReason, check_approval, check_cancel_date
from boss_agreements.request_reasons.queries import check_reasons
from boss_agreements.request_reasons.rules import EXCEPTION
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import Window
from boss_kit.days import check_year
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

TEXT_LENGTH_MAX = 5000


@dataclass(frozen=True)
class RequestCancellation:
    """A cancellation as the wizard asks for it; without choices all of the agreement, without a received date today.

    With `nothing_back` no money goes back, whatever the reason says: what is owed stays owed (SPEC AGR-12).
    """

    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    effective_date: date
    received_date: date | None
    choices: tuple[Choice, ...]
    reason_id: UUID
    comments: str = ""
    exception_reason: str = ""
    exception_value: str = ""
    exception_comments: str = ""
    funding_source: str = ""
    nothing_back: bool = False


@dataclass(frozen=True)
class PlannedLine:
    """A line with its last paid day; what stays if only a part of it is cancelled, and what goes back."""

    before: AgreementLine
    rest: AgreementLine | None
    after: AgreementLine
    item: CancelledLine
    returned: Return


@dataclass(frozen=True)
class Plan:
    """What a request would do."""

    agreement: Agreement
    reason: CancelReason
    refunds: str
    whole: bool
    effective_date: date
    received_date: date
    lines: Sequence[PlannedLine]
    windows: Sequence[Window]
    notices: Sequence[str]

    @property
    def amount_due(self) -> Money:
        """The Amount Due to Customer, with tax."""
        currency = self.agreement.lines[0].price.currency
        total = sum(one.returned.amount.amount_minor + one.returned.tax.amount_minor for one in self.lines)
        return Money(total, currency)


def preview_cancellation(tx: Transaction, command: RequestCancellation) -> Plan:
    """Tell what a request would cancel, bill and give back. Raises what the request would raise."""
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    agreement = get_agreement(tx, command.enterprise_id, command.business_unit_id, command.agreement_id)
    return plan(tx, command, agreement, tx.today(unit.time_zone))


def get_cancellation(tx: Transaction, enterprise_id: UUID, unit_id: UUID, cancellation_id: UUID) -> Cancellation:
    """Read a request. Raises NotFound."""
    found = store.find(tx.connection, enterprise_id, unit_id, cancellation_id)
    if found is None:
        raise not_found(cancellation_id)
    return found


def get_cancellation_of(tx: Transaction, enterprise_id: UUID, cancellation_id: UUID) -> Cancellation:
    """Read a request of any unit. Raises NotFound."""
    found = store.find(tx.connection, enterprise_id, None, cancellation_id)
    if found is None:
        raise not_found(cancellation_id)
    return found


def list_cancellations(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID | None,
    agreement_id: UUID | None,
    statuses: Sequence[str],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Cancellation]:
    """Read a page of requests, newest first."""
    return store.page(tx.connection, enterprise_id, unit_id, agreement_id, statuses, after, limit)


def not_found(cancellation_id: UUID) -> NotFound:
    """Make the error for a missing request."""
    return NotFound(
        "CANCELLATION_NOT_FOUND",
        f"There is no cancellation {cancellation_id} in this business unit.",
        metadata={"cancellation_id": str(cancellation_id)},
    )


def plan(tx: Transaction, command: RequestCancellation, agreement: Agreement, today: date) -> Plan:
    """Check a request and tell what it does (SPEC AGR-7). Raises InvalidArgument, FailedPrecondition."""
    reason = _reason(tx, command, agreement)
    received = command.received_date or today
    _check(command)
    rules.check_source(command.funding_source, agreement.account_id, "cancellation.funding_source")
    excepted = {EXCEPTION: (command.exception_reason, "cancellation.exception_reason")}
    check_reasons(tx, command.enterprise_id, command.business_unit_id, excepted)
    limits = rules_of(tx, command.enterprise_id, command.business_unit_id, agreement.definition_id)
    past_allowed = limits is not None and limits.cancellation_past_days is not None
    rules.check_dates(command.effective_date, received, today, past_allowed=past_allowed)
    check_cancellation(limits, command.effective_date, today)
    check_cancel_date(reason, command.effective_date, today)
    chosen = rules.chosen_lines(agreement.lines, command.choices)
    whole = rules.is_whole(agreement.lines, chosen)
    _check_agreement(tx, agreement, command.effective_date, today, whole=whole)
    refunds = rules.FULL if reason.refund else rules.PRORATED
    if reason.no_refund or command.nothing_back:
        refunds = rules.NONE
    windows = suspensions.windows_of(tx.connection, agreement.enterprise_id, [agreement.id]).get(agreement.id, ())
    facts = facts_of(tx, agreement.enterprise_id, [line.id for line, _ in chosen], command.effective_date)
    lines = [
        _planned(agreement, line, choice, command.effective_date, windows, facts, refunds) for line, choice in chosen
    ]
    notices = rules.notices(
        [one.after for one in lines], windows, refunds, whole=whole, obligation_end=agreement.obligation_end_date
    )
    return Plan(agreement, reason, refunds, whole, command.effective_date, received, lines, windows, notices)


@dataclass(frozen=True)
class Facts:
    """What was billed for lines and how much of it left with a part of them; what is used and left of their units."""

    billed: Mapping[UUID, Sequence[Billed]]
    split_off: Mapping[UUID, int]
    units: Mapping[UUID, Units]


def facts_of(tx: Transaction, enterprise_id: UUID, line_ids: Sequence[UUID], day: date) -> Facts:
    """Read what returns are made of on a day."""
    units = units_left(tx, enterprise_id, line_ids, day)
    return Facts(
        store.billed_of(tx.connection, enterprise_id, line_ids),
        store.split_off(tx.connection, enterprise_id, line_ids),
        {line_id: Units(one.used, one.left) for line_id, one in units.items()},
    )


def _planned(
    agreement: Agreement,
    line: AgreementLine,
    choice: Choice,
    effective: date,
    windows: Sequence[Window],
    facts: Facts,
    refunds: str,
) -> PlannedLine:
    billed = facts.billed.get(line.id, ())
    paid_before = -facts.split_off.get(line.id, 0)
    rest, ends, split_from = None, replace(line, final_date=effective), None
    units = facts.units.get(line.id, Units())
    if choice.quantity < line.quantity:
        rest, taken = rules.split(line, choice.quantity, new_id())
        ends, split_from = replace(taken, final_date=effective), line.id
        paid = paid_before + sum(one.amount_minor for one in billed)
        paid_before, billed, units = rules.part(paid, choice.quantity, line.quantity), (), Units()
    to_come = rules.expected(rules.charges_to_come(ends, windows, effective))
    returned = rules.return_of(
        ends,
        line.start_date or agreement.start_date,
        [*billed, *to_come],
        paid_before,
        units,
        windows,
        refunds,
        full=choice.full_refund,
    )
    item = CancelledLine(
        ends.id,
        line.item,
        choice.quantity,
        choice.full_refund,
        split_from,
        paid_before if split_from else 0,
        returned.amount.amount_minor,
        returned.tax.amount_minor,
        returned.units,
    )
    return PlannedLine(line, rest, ends, item, returned)


def _reason(tx: Transaction, command: RequestCancellation, agreement: Agreement) -> CancelReason:
    """Read the reason, which has to be one the wizard offers; some need an approver. Raises FailedPrecondition."""
    enterprise_id, unit_id = command.enterprise_id, command.business_unit_id
    reason = get_cancel_reason(tx, enterprise_id, unit_id, command.reason_id)
    check_offered(reason, offered_cancel_reasons(tx, enterprise_id, unit_id, agreement.definition_id, FOR_AGREEMENTS))
    check_approval(reason, tx.context.actor)
    return reason


def _check_agreement(tx: Transaction, agreement: Agreement, effective: date, today: date, *, whole: bool) -> None:
    runs = agreement.status in LIVE_STATUSES
    if not runs or only_waits(today, agreement.lines):
        status = "over but for its last bills" if runs else agreement.status
        raise FailedPrecondition(
            "AGREEMENT_OVER",
            f"Agreement {agreement.number} is {status}; only one that runs can be cancelled.",
            metadata={"agreement": str(agreement.id), "status": agreement.status},
        )
    pending = store.open_of(tx.connection, agreement.enterprise_id, [agreement.id])
    in_the_way = [one for one in pending if one.whole or (whole and one.effective_date > effective)]
    if in_the_way:
        raise FailedPrecondition(
            "CANCELLATION_PENDING",
            f"Agreement {agreement.number} has a cancellation effective {in_the_way[0].effective_date} already; "
            "rescind that one first.",
            metadata={"cancellation": str(in_the_way[0].id)},
        )
    if not whole:
        return
    for add_on in agreements.live_add_ons(tx.connection, agreement.enterprise_id, agreement.id):
        if not add_on.pending_cancellation or add_on.cancel_date is None or add_on.cancel_date > effective:
            raise FailedPrecondition(
                "ADD_ON_NOT_CANCELLED",
                f"The add-on agreement {add_on.number} ({add_on.display_name}) has to be cancelled first.",
                metadata={"agreement": str(add_on.id), "number": add_on.number},
            )


def _check(command: RequestCancellation) -> None:
    check_year(command.effective_date, "cancellation.effective_date")
    if command.received_date is not None:
        check_year(command.received_date, "cancellation.received_date")
    for field, text in (("comments", command.comments), ("exception_comments", command.exception_comments)):
        if len(text) > TEXT_LENGTH_MAX:
            raise InvalidArgument.field(
                f"cancellation.{field}", f"has {len(text):,} characters; at most {TEXT_LENGTH_MAX:,} are kept."
            )
