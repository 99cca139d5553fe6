"""The calls about who owes."""

import grpc
from boss.collections.v1 import collections_service_pb2 as pb
from boss.collections.v1 import collections_service_pb2_grpc

from boss_collections.debtors import convert, queries
from boss_collections.stages.rpc import StageMethods
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class CollectionsServicer(StageMethods, collections_service_pb2_grpc.CollectionsServiceServicer):
    """Answers for debtors, and through the other room for stages."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ListDebtors(self, request: pb.ListDebtorsRequest, context: grpc.ServicerContext) -> pb.ListDebtorsResponse:
        """List everyone who owes, as of a day."""
        query = convert.debtor_query(request)
        page = open_page(request.page_size, request.page_token, filters=(query,))

        def answer(tx: Transaction) -> pb.ListDebtorsResponse:
            debtors, token = queries.list_debtors(tx, query, page)
            return pb.ListDebtorsResponse(debtors=map(convert.debtor, debtors), next_page_token=token)

        return self._door.query(request, answer)
