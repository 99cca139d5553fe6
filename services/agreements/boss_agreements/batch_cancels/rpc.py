"""BatchCancelService."""

import grpc
from boss.agreements.v1 import batch_cancel_service_pb2 as pb
from boss.agreements.v1 import batch_cancel_service_pb2_grpc as pb_grpc

from boss_agreements.batch_cancels import commands, convert, queries
from boss_agreements.batch_cancels.queries import Progress
from boss_agreements.organization.queries import check_currency, get_unit
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class BatchCancelServicer(pb_grpc.BatchCancelServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_BatchCancelServiceServicer_to_server(self, server)

    def CreateBatchCancel(self, request: pb.CreateBatchCancelRequest, context: grpc.ServicerContext) -> pb.BatchCancel:
        """Begin to look for those who owe."""
        asked, currency = convert.create(request.parent, request.batch_cancel)

        def answer(tx: Transaction) -> pb.BatchCancel:
            if currency:
                unit = asked.enterprise_id, asked.business_unit_id
                check_currency(tx, *unit, currency, "batch_cancel.minimum_amount")
            return _written(tx, commands.create_batch(tx, asked))

        return self._door.command(request, answer)

    def GetBatchCancel(self, request: pb.GetBatchCancelRequest, context: grpc.ServicerContext) -> pb.BatchCancel:
        """Read a batch."""
        ids = names.parse(convert.BATCH, request.name)
        return self._door.query(request, lambda tx: _written(tx, queries.get_batch(tx, ids["e"], ids["b"], ids["c"])))

    def ListBatchCancelRows(
        self, request: pb.ListBatchCancelRowsRequest, context: grpc.ServicerContext
    ) -> pb.ListBatchCancelRowsResponse:
        """List the rows of a batch."""
        ids = names.parse(convert.BATCH, request.parent, "parent")
        unit = f"enterprises/{ids['e']}/businessUnits/{ids['b']}"
        page = open_page(request.page_size, request.page_token, filters=("rows", request.parent, request.outcome))
        (after,) = page.key(int) or (0,)

        def answer(tx: Transaction) -> pb.ListBatchCancelRowsResponse:
            found = queries.list_rows(tx, ids["e"], ids["b"], ids["c"], request.outcome, after, page.limit)
            rows, token = page.cut(found, lambda one: (one.number,))
            currency = get_unit(tx, ids["e"], ids["b"]).currency
            return pb.ListBatchCancelRowsResponse(
                rows=[convert.row(one, unit, currency) for one in rows], next_page_token=token
            )

        return self._door.query(request, answer)

    def ConfirmBatchCancel(
        self, request: pb.ConfirmBatchCancelRequest, context: grpc.ServicerContext
    ) -> pb.BatchCancel:
        """Cancel what was looked at."""
        ids = names.parse(convert.BATCH, request.name)

        def answer(tx: Transaction) -> pb.BatchCancel:
            found = commands.confirm_batch(tx, ids["e"], ids["b"], ids["c"], request.expected_rows)
            return _written(tx, found)

        return self._door.command(request, answer)

    def DiscardBatchCancel(
        self, request: pb.DiscardBatchCancelRequest, context: grpc.ServicerContext
    ) -> pb.BatchCancel:
        """Leave everybody alone."""
        ids = names.parse(convert.BATCH, request.name)
        return self._door.command(
            request, lambda tx: _written(tx, commands.discard_batch(tx, ids["e"], ids["b"], ids["c"]))
        )


def _written(tx: Transaction, progress: Progress) -> pb.BatchCancel:
    one = progress.batch
    return convert.batch(progress, get_unit(tx, one.enterprise_id, one.business_unit_id).currency)
