"""Movements, to protos."""

from typing import Any

from boss.billing.v1 import movement_service_pb2 as pb

from boss_billing.accounts.rules import AccountRef
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto, time_to_proto


def movement(row: Any) -> pb.Movement:
    """Write a movement."""
    account = AccountRef(row.enterprise_id, row.business_unit_id, row.account_id)
    agreement = f"{account.unit_name}/agreements/{row.agreement_id}" if row.agreement_id else ""
    return pb.Movement(
        name=f"{account.name}/movements/{row.id}",
        kind=row.kind,
        amount=money_to_proto(Money(row.amount_minor, row.currency)),
        reason=row.reason,
        invoice=f"{account.name}/invoices/{row.invoice_id}" if row.invoice_id else "",
        payment=f"{account.name}/payments/{row.payment_id}" if row.payment_id else "",
        agreement=agreement,
        origin=f"{account.name}/movements/{row.origin_id}" if row.origin_id else "",
        movement_date=date_to_proto(row.business_date),
        entered_by=row.entered_by,
        approved_by=row.approved_by,
        create_time=time_to_proto(row.create_time),
        account_number=row.account_number,
    )
