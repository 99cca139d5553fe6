"""Batches and their deposits to protos."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from boss.billing.v1 import report_service_pb2 as pb

from boss_billing.accounts.rules import AccountRef
from boss_billing.payments.rules import Label, State
from boss_billing.reconciliation.matching import DepositLine, Difference, Reconciled, Transaction, add_up
from boss_billing.reconciliation.rules import Attempts, Batch, total
from boss_billing.reports.convert import figure, unit_name
from boss_billing.units.rules import UNIT_NAME
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto

TRANSACTIONS_SHOWN = 50
UnitNames = Callable[[UUID], str]
_RESULTS = {
    State.APPROVED: pb.REPORTED_RESULT_APPROVED,
    State.DECLINED: pb.REPORTED_RESULT_DECLINED,
    State.NOT_ATTEMPTED: pb.REPORTED_RESULT_NOT_ATTEMPTED,
}
ATTEMPT_STATES = {
    pb.REPORTED_RESULT_APPROVED: (State.APPROVED,),
    pb.REPORTED_RESULT_DECLINED: (State.DECLINED,),
    pb.REPORTED_RESULT_NOT_ATTEMPTED: (State.NOT_ATTEMPTED,),
    pb.REPORTED_RESULT_NOT_FINAL: (State.CREATED, State.PENDING, State.UNKNOWN),
}


def batches_report(
    enterprise_id: UUID, found: Sequence[Batch], page: Sequence[Batch], unit_names: UnitNames, *, detail: bool
) -> pb.PaymentBatchesReport:
    """Write a page of Billing Payment Batches, with the totals of all pages."""
    return pb.PaymentBatchesReport(
        batches=[_batch(enterprise_id, one, unit_names, detail=detail) for one in page],
        totals=[
            pb.BatchesTotal(
                batches=one.batches,
                submitted=figure(one.submitted, one.currency),
                approved=figure(one.approved, one.currency),
                declined=figure(one.declined, one.currency),
                not_attempted=figure(one.not_attempted, one.currency),
                not_final=figure(one.not_final, one.currency),
                processing_errors=one.errors,
            )
            for one in total(found)
        ],
        provisional=any(one.is_provisional for one in found),
    )


def reconciliation_report(
    enterprise_id: UUID, found: Sequence[Reconciled], page: Sequence[Reconciled], unit_names: UnitNames
) -> pb.ReconciliationReport:
    """Write a page of Billing Reconciliation, with the totals of all pages."""
    totals = []
    for one in add_up(found):

        def amount(amount_minor: int, currency: str = one.currency) -> Any:
            return money_to_proto(Money(amount_minor, currency))

        totals.append(
            pb.ReconciliationTotal(
                submitted=amount(one.submitted_minor),
                original_approved=amount(one.original_approved_minor),
                retry_approved=amount(one.retry_approved_minor),
                declined=amount(one.declined_minor),
                deposited=amount(one.deposited_minor),
                fee=amount(one.fee_minor),
                awaited=amount(one.awaited_minor),
                differing=amount(one.differing_minor),
                differences=one.differences,
                batches=one.batches,
                original_declined=amount(one.original_declined_minor),
                retry_submitted=amount(one.retry_submitted_minor),
                provisional=one.is_provisional,
                original_without_result=amount(one.original_without_result_minor),
            )
        )
    return pb.ReconciliationReport(
        batches=[_reconciled(enterprise_id, one, unit_names) for one in page],
        totals=totals,
        provisional=any(one.is_provisional for one in found),
    )


def transaction(row: Any) -> pb.BatchTransaction:
    """Write a transaction of a batch."""
    account = AccountRef(row.enterprise_id, row.business_unit_id, row.account_id).name
    result = _RESULTS.get(row.state, pb.REPORTED_RESULT_NOT_FINAL)
    return pb.BatchTransaction(
        payment=f"{account}/payments/{row.payment_id}",
        account_number=row.account_number,
        invoice_number=row.invoice_number,
        label=row.label,
        tender=row.tender,
        amount=money_to_proto(Money(row.amount_minor, row.currency)),
        result=result,
        response_code=row.response_code,
        response_message=row.response_message,
        processing_error=row.state in _RESULTS and not row.response_message,
        transaction_id=row.transaction_id,
    )


def check_label(label: str) -> None:
    """Refuse a label there isn't. Raises InvalidArgument."""
    if label and label not in list(Label):
        raise InvalidArgument.field("label", f"{label!r} is no label; there are {', '.join(Label)}.")


def part(label: str, tender: str, attempts: Attempts, currency: str) -> pb.BatchPart:
    """Write what became of attempts."""
    return pb.BatchPart(
        label=label,
        tender=tender,
        submitted=figure(attempts.submitted, currency),
        approved=figure(attempts.approved, currency),
        declined=figure(attempts.declined, currency),
        not_attempted=figure(attempts.not_attempted, currency),
        unanswered=figure(attempts.unanswered, currency),
        processing_errors=attempts.errors,
    )


def _batch(enterprise_id: UUID, one: Batch, unit_names: UnitNames, *, detail: bool) -> pb.ReportedBatch:
    return pb.ReportedBatch(
        business_unit=unit_name(enterprise_id, one.business_unit_id),
        business_unit_display_name=unit_names(one.business_unit_id),
        number=one.number,
        bill_date=date_to_proto(one.bill_date),
        submitted=figure(one.submitted, one.currency),
        approved=figure(one.approved, one.currency),
        declined=figure(one.declined, one.currency),
        not_attempted=figure(one.not_attempted, one.currency),
        not_final=figure(one.not_final, one.currency),
        processing_errors=one.attempts().errors,
        parts=_parts(one) if detail else [],
        provisional=one.is_provisional,
    )


def _parts(one: Batch) -> list[pb.BatchPart]:
    found = []
    for label in Label:
        mine = [of for of in one.parts if of.label is label]
        found += [part(label, of.tender, of.attempts, one.currency) for of in mine]
        if mine:
            found.append(part(label, "", one.attempts(label), one.currency))
    return found


def _reconciled(enterprise_id: UUID, one: Reconciled, unit_names: UnitNames) -> pb.ReconciledBatch:
    batch, currency = one.batch, one.currency
    message = pb.ReconciledBatch(
        business_unit=unit_name(enterprise_id, one.business_unit_id),
        business_unit_display_name=unit_names(one.business_unit_id) if one.business_unit_id is not None else "",
        number=one.number,
        approved=money_to_proto(Money(one.approved_minor, currency)),
        deposited=money_to_proto(Money(one.deposited_minor, currency)),
        fee=money_to_proto(Money(one.fee_minor, currency)),
        awaited=money_to_proto(Money(one.awaited_minor, currency)),
        deposits=[_deposit(deposit) for deposit in one.deposits],
        differences=[_difference(enterprise_id, one, difference) for difference in one.differences],
        provisional=one.is_provisional,
    )
    if batch is not None:
        message.bill_date.CopyFrom(date_to_proto(batch.bill_date))
        message.original.CopyFrom(part(Label.ORIGINAL, "", batch.attempts(Label.ORIGINAL), currency))
        if any(of.label is Label.RETRY for of in batch.parts):
            message.retry.CopyFrom(part(Label.RETRY, "", batch.attempts(Label.RETRY), currency))
    return message


def _deposit(one: DepositLine) -> pb.ReconciledDeposit:
    return pb.ReconciledDeposit(
        deposit_date=date_to_proto(one.deposit_date),
        source=one.source,
        statement=one.statement,
        label=one.label,
        tender=one.tender,
        gross=money_to_proto(Money(one.gross_minor, one.currency)),
        fee=money_to_proto(Money(one.fee_minor, one.currency)),
        lines=one.payments,
    )


def _difference(enterprise_id: UUID, of: Reconciled, one: Difference) -> pb.Difference:
    unit = names.format_name(UNIT_NAME, e=enterprise_id, b=of.business_unit_id or UUID(int=0))
    return pb.Difference(
        kind=f"DIFFERENCE_KIND_{one.kind.name}",
        tender=one.tender,
        amount=money_to_proto(Money(one.amount_minor, one.currency)),
        text=one.text,
        deposits=[_deposit(deposit) for deposit in one.deposits],
        transactions=[_explaining(unit, each, one.currency) for each in one.transactions[:TRANSACTIONS_SHOWN]],
        transaction_count=len(one.transactions),
    )


def _explaining(unit: str, one: Transaction, currency: str) -> pb.BatchTransaction:
    return pb.BatchTransaction(
        payment=f"{unit}/accounts/{one.account_id}/payments/{one.payment_id}",
        account_number=one.account_number,
        label=one.label,
        tender=one.tender,
        amount=money_to_proto(Money(one.amount_minor, currency)),
        result=_RESULTS.get(State(one.state), pb.REPORTED_RESULT_NOT_FINAL),
        response_message=one.response_message,
        processing_error=State(one.state) in _RESULTS and not one.response_message,
        transaction_id=one.transaction_id,
    )
