"""Bill runs, previews and batches as the API shows them."""

from collections.abc import Sequence
from typing import Any

from boss.billing.v1 import bill_run_service_pb2 as pb
from google.type import money_pb2

from boss_billing.batches.rules import BatchState
from boss_billing.runs.previews import PlannedAgreement, PlannedInvoice
from boss_billing.runs.queries import Progress
from boss_billing.runs.rules import RunState, Scope, ScopeKind
from boss_billing.units.rules import DIVISION_NAME, ENTERPRISE_NAME, UNIT_NAME
from boss_kit import names
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto, time_to_proto

_STATES = {state.value: f"STATE_{state.name}" for state in RunState}


def scope(parent: str, field: str = "parent") -> Scope:
    """Read what a run is for. Raises InvalidArgument."""
    if "/divisions/" in parent:
        ids = names.parse(DIVISION_NAME, parent, field)
        return Scope(ScopeKind.DIVISION, ids["e"], ids["d"])
    if "/businessUnits/" in parent:
        ids = names.parse(UNIT_NAME, parent, field)
        return Scope(ScopeKind.UNIT, ids["e"], ids["b"])
    ids = names.parse(ENTERPRISE_NAME, parent, field)
    return Scope(ScopeKind.ENTERPRISE, ids["e"], ids["e"])


def run(one: Progress) -> pb.BillRun:
    """Show a run and how far it is."""
    return pb.BillRun(
        name=f"enterprises/{one.enterprise_id}/billRuns/{one.id}",
        scope=one.scope.name,
        bill_date=date_to_proto(one.bill_date),
        state=_STATES[one.state],
        invoices=one.invoices,
        amount_invoiced=_only(one.invoiced),
        payments=one.payments,
        amount_submitted=_only(one.submitted),
        skipped=one.skipped,
        shards=one.shards,
        shards_done=one.shards_done,
        batches=one.batches,
        batches_submitted=one.batches_submitted,
        create_time=time_to_proto(one.create_time),
        round=one.round,
        created_by=one.created_by,
        approved_by=one.approved_by,
        invoices_per_second=one.invoices_per_s,
        amounts_invoiced=map(money_to_proto, one.invoiced),
        amounts_submitted=map(money_to_proto, one.submitted),
    )


def skipped(row: Any) -> pb.SkippedCharge:
    """Show what a run skipped."""
    return pb.SkippedCharge(agreement_number=row.agreement_number, reason=row.reason, description=row.description)


def planned(one: PlannedAgreement, unit_name: str) -> pb.PlannedAgreement:
    """Show what a run would do about an agreement."""
    place = one.account.unit_name if one.account else unit_name
    return pb.PlannedAgreement(
        account=one.account.name if one.account else "",
        agreement=f"{place}/agreements/{one.agreement_id}" if one.agreement_id else "",
        agreement_number=one.number,
        invoices=[_planned_invoice(invoice) for invoice in one.invoices],
        skipped=[
            pb.SkippedCharge(agreement_number=one.number, reason=reason, description=description)
            for reason, description in one.skipped
        ],
    )


def batch(row: Any, tenders: Any) -> pb.Batch:
    """Show a batch with its tenders."""
    return pb.Batch(
        name=f"enterprises/{row.enterprise_id}/businessUnits/{row.business_unit_id}/batches/{row.id}",
        number=row.number,
        label=row.label,
        bill_date=date_to_proto(row.bill_date),
        # Until the processor has it, a batch is only cut, whether or not it is on its way.
        state="cut" if row.state == BatchState.SUBMITTING else row.state,
        tenders=[
            pb.TenderTotal(
                tender=one.tender,
                payments=one.payments,
                amount=money_to_proto(Money(int(one.amount_minor), one.currency)),
                approved=one.approved,
                declined=one.declined,
            )
            for one in tenders
        ],
    )


def _only(amounts: Sequence[Money]) -> money_pb2.Money | None:
    """Show a sum in one currency; none of several is the whole."""
    return money_to_proto(amounts[0]) if len(amounts) == 1 else None


def _planned_invoice(one: PlannedInvoice) -> pb.PlannedInvoice:
    invoice = one.invoice
    return pb.PlannedInvoice(
        invoice="" if one.is_new else invoice.name,
        invoice_number="" if one.is_new else invoice.number,
        due_date=date_to_proto(invoice.due_date),
        total=money_to_proto(Money(invoice.total_minor, invoice.currency)),
        balance=money_to_proto(Money(invoice.balance_minor, invoice.currency)),
        descriptions=one.descriptions,
        payments=[
            pb.PlannedPayment(
                kind=attempt.payment.kind,
                funding_source=attempt.source.name,
                tender=attempt.source.tender,
                amount=money_to_proto(Money(attempt.payment.amount_minor, attempt.payment.currency)),
            )
            for attempt in one.payments
        ],
        not_paid=one.not_paid.reason if one.not_paid else "",
        not_paid_description=one.not_paid.description if one.not_paid else "",
    )
