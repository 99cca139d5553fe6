"""Debtors on the wire, both ways."""

from uuid import UUID

from boss.collections.v1 import collections_service_pb2 as pb

from boss_collections.debtors.queries import DebtorQuery
from boss_collections.debtors.rules import (
    AGREEMENT_STATUSES,
    INVOICE_NAME,
    UNIT_NAME,
    AccountRef,
    OpenItem,
    item_days_past_due,
)
from boss_collections.debtors.search import Debtor, Filters
from boss_collections.stages.rules import STAGES
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_from_proto, money_to_proto, optional_date_from_proto

ENTERPRISE_NAME = "enterprises/{enterprise}"


def parent(name: str) -> tuple[UUID, UUID | None]:
    """Read an enterprise or a business unit. Raises InvalidArgument for anything else."""
    if "/businessUnits/" in name:
        ids = names.parse(UNIT_NAME, name, "parent")
        return ids["enterprise"], ids["unit"]
    return names.parse(ENTERPRISE_NAME, name, "parent")["enterprise"], None


def stage_filter(stage: str) -> str:
    """Read a stage to look for. Raises InvalidArgument for one there isn't."""
    if stage and stage not in STAGES:
        raise InvalidArgument.field("stage", f"{stage[:60]!r} is no stage; there are: {', '.join(STAGES)}.")
    return stage


def status_filter(status: str) -> str:
    """Read an agreement's status to look for. Raises InvalidArgument for one there isn't."""
    if status and status not in AGREEMENT_STATUSES:
        known = ", ".join(AGREEMENT_STATUSES)
        raise InvalidArgument.field("agreement_status", f"{status[:60]!r} is no status; there are: {known}.")
    return status


def debtor_query(request: pb.ListDebtorsRequest) -> DebtorQuery:
    """Read whom a request asks for."""
    enterprise_id, unit_id = parent(request.parent)
    days_max = request.days_past_due_max if request.HasField("days_past_due_max") else None
    lowest, highest = _amount(request, "balance_min"), _amount(request, "balance_max")
    if lowest and highest and lowest.currency != highest.currency:
        raise InvalidArgument.field(
            "balance_max", f"must be in {lowest.currency}, like balance_min.", "CURRENCY_MISMATCH"
        )
    filters = Filters(
        days_past_due_min=request.days_past_due_min,
        days_past_due_max=days_max,
        balance_min=lowest,
        balance_max=highest,
        stage=stage_filter(request.stage),
        in_arm=request.in_arm if request.HasField("in_arm") else None,
        agreement_status=status_filter(request.agreement_status),
    )
    return DebtorQuery(enterprise_id, unit_id, optional_date_from_proto(request, "as_of_date"), filters)


def debtor(found: Debtor) -> pb.Debtor:
    """Write somebody who owes."""
    return pb.Debtor(
        account=found.account.name,
        number=found.number,
        display_name=found.display_name,
        balance=money_to_proto(found.balance),
        days_past_due=found.days_past_due,
        stage=found.stage,
        in_arm=found.in_arm,
        open_invoices=[_open_invoice(found, item) for item in found.open_items],
    )


def _open_invoice(found: Debtor, item: OpenItem) -> pb.OpenInvoice:
    currency = found.balance.currency
    return pb.OpenInvoice(
        invoice=_invoice_name(found.account, item.invoice_id),
        number=item.number,
        due_date=date_to_proto(item.due_date),
        balance=money_to_proto(Money(item.balance_minor, currency)),
        total=money_to_proto(Money(item.total_minor, currency)),
        days_past_due=item_days_past_due(item, found.as_of_date),
    )


def _invoice_name(account: AccountRef, invoice_id: UUID) -> str:
    return names.format_name(
        INVOICE_NAME,
        enterprise=account.enterprise_id,
        unit=account.business_unit_id,
        account=account.account_id,
        invoice=invoice_id,
    )


def _amount(request: pb.ListDebtorsRequest, field: str) -> Money | None:
    return money_from_proto(getattr(request, field), field) if request.HasField(field) else None
