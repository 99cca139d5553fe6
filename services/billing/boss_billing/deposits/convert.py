"""Deposits from and to protos."""

from typing import Any

from boss.billing.v1 import deposit_service_pb2 as pb

from boss_billing.deposits.commands import Imported
from boss_billing.deposits.rules import NO_UNIT
from boss_billing.deposits.source import DepositSource
from boss_billing.reconciliation.matching import Window
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto, time_to_proto


def imported(one: Imported) -> pb.ImportDepositsResponse:
    """Write what became of a file."""
    kept = one.statement
    return pb.ImportDepositsResponse(
        statement=pb.DepositStatement(
            name=f"enterprises/{kept.enterprise_id}/depositStatements/{kept.id}",
            source=kept.source,
            file_name=kept.file_name,
            lines=kept.lines,
            gross=money_to_proto(Money(kept.gross_minor, kept.currency)),
            fee=money_to_proto(Money(kept.fee_minor, kept.currency)),
        ),
        new_deposits=one.new_deposits,
        already_there=one.already_there,
    )


def statement(row: Any) -> pb.DepositStatement:
    """Write a statement."""
    return pb.DepositStatement(
        name=f"enterprises/{row.enterprise_id}/depositStatements/{row.id}",
        source=row.source,
        file_name=row.file_name,
        lines=row.lines,
        gross=money_to_proto(Money(row.gross_minor, row.currency)),
        fee=money_to_proto(Money(row.fee_minor, row.currency)),
        create_time=time_to_proto(row.create_time),
    )


def deposit(row: Any) -> pb.Deposit:
    """Write a deposit."""
    known = row.business_unit_id != NO_UNIT
    return pb.Deposit(
        source=row.source,
        deposit_key=row.deposit_key,
        statement=row.statement,
        deposit_date=date_to_proto(row.deposit_date),
        batch_number=row.batch_number,
        label=row.label,
        tender=row.tender,
        gross=money_to_proto(Money(row.gross_minor, row.currency)),
        fee=money_to_proto(Money(row.fee_minor, row.currency)),
        transaction_id=row.transaction_id,
        business_unit=f"enterprises/{row.enterprise_id}/businessUnits/{row.business_unit_id}" if known else "",
    )


def source(one: DepositSource) -> pb.DepositSource:
    """Write how a source writes its statements."""
    return pb.DepositSource(
        source=one.name, delimiter=one.delimiter, date_format=one.date_format, columns=dict(one.columns)
    )


def read_source(message: pb.DepositSource) -> DepositSource:
    """Read how a source writes its statements."""
    columns = {name: column for name, column in message.columns.items() if column}
    return DepositSource(message.source, message.delimiter or ",", message.date_format or "YYYY-MM-DD", columns)


def window(tender: str, one: Window) -> pb.SettlementWindow:
    """Write the days of a tender."""
    return pb.SettlementWindow(tender=tender, days_min=one.days_min, days_max=one.days_max)
