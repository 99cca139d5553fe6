"""Batch cancels, to and from protos."""

from uuid import UUID

from boss.agreements.v1 import batch_cancel_service_pb2 as pb

from boss_agreements.batch_cancels import rules
from boss_agreements.batch_cancels.commands import CreateBatchCancel
from boss_agreements.batch_cancels.queries import Progress
from boss_agreements.batch_cancels.rules import Criteria
from boss_agreements.batch_cancels.store import Row
from boss_kit import names
from boss_kit.money import Money
from boss_kit.rpc.convert import (
    date_to_proto,
    money_from_proto,
    money_to_proto,
    optional_date_from_proto,
    time_to_proto,
)

UNIT = "enterprises/{e}/businessUnits/{b}"
BATCH = UNIT + "/batchCancels/{c}"


def create(parent: str, asked: pb.BatchCancel) -> tuple[CreateBatchCancel, str]:
    """Read what to look for, and the currency of the minimum; empty without one."""
    unit = names.parse(UNIT, parent, "parent")
    minimum = (
        money_from_proto(asked.minimum_amount, "batch_cancel.minimum_amount")
        if asked.HasField("minimum_amount")
        else Money(0, "")
    )
    criteria = Criteria(
        asked.days_past_due,
        minimum.amount_minor,
        optional_date_from_proto(asked, "paid_from_date"),
        optional_date_from_proto(asked, "paid_to_date"),
        asked.exclude_corporate_add_ons,
        asked.exclude_suspended,
    )
    return CreateBatchCancel(unit["e"], unit["b"], UUID(asked.reason_id), criteria), minimum.currency


def batch(progress: Progress, currency: str) -> pb.BatchCancel:
    """Write a batch with its counts."""
    one, criteria = progress.batch, progress.batch.criteria

    def count(outcome: str) -> int:
        return progress.counts.get(outcome, (0, 0))[0]

    return pb.BatchCancel(
        name=f"enterprises/{one.enterprise_id}/businessUnits/{one.business_unit_id}/batchCancels/{one.id}",
        state=one.state,
        reason_id=str(one.reason_id),
        reason=one.reason,
        days_past_due=criteria.days_past_due,
        minimum_amount=money_to_proto(Money(criteria.minimum_minor, currency)),
        paid_from_date=date_to_proto(criteria.paid_from),
        paid_to_date=date_to_proto(criteria.paid_to),
        exclude_corporate_add_ons=criteria.exclude_corporate_add_ons,
        exclude_suspended=criteria.exclude_suspended,
        business_date=date_to_proto(one.business_date),
        included_rows=count(rules.INCLUDED),
        excluded_rows=count(rules.EXCLUDED),
        cancelled_rows=count(rules.CANCELLED),
        refused_rows=count(rules.REFUSED),
        skipped_rows=count(rules.SKIPPED),
        included_amount=money_to_proto(Money(progress.counts.get(rules.INCLUDED, (0, 0))[1], currency)),
        create_time=time_to_proto(one.create_time),
    )


def row(one: Row, unit: str, currency: str) -> pb.BatchCancelRow:
    """Write a row."""
    return pb.BatchCancelRow(
        row=one.number,
        agreement=f"{unit}/agreements/{one.agreement_id}",
        agreement_number=one.agreement_number,
        display_name=one.display_name,
        account=f"{unit}/accounts/{one.account_id}",
        past_due_amount=money_to_proto(Money(one.past_due_minor, currency)),
        oldest_due_date=date_to_proto(one.oldest_due_date),
        outcome=one.outcome,
        detail=one.detail,
    )
