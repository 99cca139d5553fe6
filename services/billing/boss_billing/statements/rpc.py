"""StatementService: convert, call, convert."""

import grpc
from boss.billing.v1 import statement_service_pb2 as pb
from boss.billing.v1 import statement_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rules import AccountRef
from boss_billing.statements import queries
from boss_billing.statements.rules import Statement
from boss_kit.money import Money
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto
from boss_kit.rpc.door import Door


class StatementServicer(statement_service_pb2_grpc.StatementServiceServicer):
    """Statements of accounts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetStatement(self, request: pb.GetStatementRequest, context: grpc.ServicerContext) -> pb.Statement:
        """Read a statement."""
        ref = account_ref(request.account, "account")
        first = date_from_proto(request.start_date, "start_date")
        last = date_from_proto(request.end_date, "end_date")
        return self._door.query(request, lambda tx: _statement(ref, queries.get_statement(tx, ref, first, last)))


def _statement(ref: AccountRef, one: Statement) -> pb.Statement:
    return pb.Statement(
        account=ref.name,
        account_number=one.number,
        start_date=date_to_proto(one.first),
        end_date=date_to_proto(one.last),
        opening_balance=money_to_proto(Money(one.opening_minor, one.currency)),
        lines=[
            pb.StatementLine(
                line_date=date_to_proto(line.day),
                description=line.text,
                amount=money_to_proto(Money(line.amount_minor, one.currency)),
                balance=money_to_proto(Money(line.balance_minor, one.currency)),
                invoice_number=line.invoice_number,
            )
            for line in one.lines
        ],
        closing_balance=money_to_proto(Money(one.closing_minor, one.currency)),
    )
