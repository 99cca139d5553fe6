"""DepositService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import deposit_service_pb2 as pb
from boss.billing.v1 import deposit_service_pb2_grpc

from boss_billing.accounts.rpc import scope
from boss_billing.deposits import commands, convert, queries, statement_file
from boss_billing.deposits.commands import ImportStatement
from boss_billing.deposits.queries import DepositFilter
from boss_billing.reconciliation import queries as reconciliation
from boss_billing.reconciliation.commands import update_window
from boss_billing.reconciliation.matching import Window
from boss_billing.units import queries as units
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.convert import money_from_proto, optional_date_from_proto
from boss_kit.rpc.door import Door


class DepositServicer(deposit_service_pb2_grpc.DepositServiceServicer):
    """What reached the bank."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ImportDeposits(
        self, request: pb.ImportDepositsRequest, context: grpc.ServicerContext
    ) -> pb.ImportDepositsResponse:
        """Take a statement file."""
        enterprise_id, unit_id = scope(request.parent)
        lines = request.line_count if request.HasField("line_count") else None
        total = money_from_proto(request.total, "total") if request.HasField("total") else None

        ends = request.content.endswith((b"\n", b"\r"))

        def answer(tx: Any) -> pb.ImportDepositsResponse:
            source = queries.get_source(tx, enterprise_id, request.source)
            currency = units.currency_of(tx, enterprise_id, unit_id)
            notices = statement_file.read_statement(request.content, source, currency)
            statement_file.check_counts(notices, lines, total, ends=ends)
            command = ImportStatement(
                enterprise_id,
                unit_id,
                source.name,
                request.file_name,
                statement_file.content_hash(request.content),
                currency,
                notices,
                request.validate_only,
            )
            return convert.imported(commands.import_statement(tx, command))

        return self._door.command(request, answer)

    def ListDeposits(self, request: pb.ListDepositsRequest, context: grpc.ServicerContext) -> pb.ListDepositsResponse:
        """List deposits by day."""
        first, last = optional_date_from_proto(request, "start_date"), optional_date_from_proto(request, "end_date")
        enterprise_id, unit_id = scope(request.parent)
        of = (request.batch_number, request.statement, request.source)
        wanted = DepositFilter(enterprise_id, unit_id, first, last, *of)
        page = open_page(request.page_size, request.page_token, filters=(request.parent, first, last, *of))

        def answer(tx: Any) -> pb.ListDepositsResponse:
            rows, token = queries.list_deposits(tx, wanted, page)
            return pb.ListDepositsResponse(deposits=[convert.deposit(row) for row in rows], next_page_token=token)

        return self._door.query(request, answer)

    def ListDepositStatements(
        self, request: pb.ListDepositStatementsRequest, context: grpc.ServicerContext
    ) -> pb.ListDepositStatementsResponse:
        """List statement files."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListDepositStatementsResponse:
            rows, token = queries.list_statements(tx, enterprise_id, page)
            return pb.ListDepositStatementsResponse(
                deposit_statements=[convert.statement(row) for row in rows], next_page_token=token
            )

        return self._door.query(request, answer)

    def ListDepositSources(
        self, request: pb.ListDepositSourcesRequest, context: grpc.ServicerContext
    ) -> pb.ListDepositSourcesResponse:
        """List how sources write their statements."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]

        def answer(tx: Any) -> pb.ListDepositSourcesResponse:
            found = queries.list_sources(tx, enterprise_id)
            return pb.ListDepositSourcesResponse(deposit_sources=[convert.source(one) for one in found])

        return self._door.query(request, answer)

    def ListSettlementWindows(
        self, request: pb.ListSettlementWindowsRequest, context: grpc.ServicerContext
    ) -> pb.ListSettlementWindowsResponse:
        """List in which days money is awaited."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]

        def answer(tx: Any) -> pb.ListSettlementWindowsResponse:
            found = reconciliation.list_windows(tx, enterprise_id)
            windows = [convert.window(tender, found[tender]) for tender in sorted(found)]
            return pb.ListSettlementWindowsResponse(settlement_windows=windows)

        return self._door.query(request, answer)

    def UpdateSettlementWindow(
        self, request: pb.UpdateSettlementWindowRequest, context: grpc.ServicerContext
    ) -> pb.SettlementWindow:
        """Set in which days money is awaited."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        asked = request.settlement_window
        window = Window(asked.days_min, asked.days_max)

        def answer(tx: Any) -> pb.SettlementWindow:
            return convert.window(asked.tender, update_window(tx, enterprise_id, asked.tender, window))

        return self._door.command(request, answer)

    def UpdateDepositSource(
        self, request: pb.UpdateDepositSourceRequest, context: grpc.ServicerContext
    ) -> pb.DepositSource:
        """Set how a source writes its statements."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        source = convert.read_source(request.deposit_source)
        return self._door.command(request, lambda tx: convert.source(commands.update_source(tx, enterprise_id, source)))
