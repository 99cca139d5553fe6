"""DueChargeService."""

from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

import grpc
from boss.agreements.v1 import due_charge_service_pb2 as pb
from boss.agreements.v1 import due_charge_service_pb2_grpc as pb_grpc

from boss_agreements.due_charges import commands, convert, queries
from boss_agreements.due_charges.queries import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Shard
from boss_kit import names
from boss_kit.paging import Page, open_page
from boss_kit.rpc.convert import date_from_proto
from boss_kit.rpc.door import Answers, Door
from boss_kit.unit_of_work import Transaction

ENTERPRISE = "enterprises/{e}"
UNIT = "enterprises/{e}/businessUnits/{b}"
Read = Callable[[Answers[pb.ListDueChargesResponse]], pb.ListDueChargesResponse]


class DueChargeServicer(pb_grpc.DueChargeServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_DueChargeServiceServicer_to_server(self, server)

    def CloseBillDate(
        self, request: pb.CloseBillDateRequest, context: grpc.ServicerContext
    ) -> pb.CloseBillDateResponse:
        """Close a bill date."""
        ids = names.parse(UNIT, request.business_unit, "business_unit")
        day = date_from_proto(request.bill_date, "bill_date")

        def answer(tx: Transaction) -> pb.CloseBillDateResponse:
            (due,) = commands.close_bill_dates(tx, ids["e"], [ids["b"]], day)
            return pb.CloseBillDateResponse(due_agreements=due)

        return self._door.command(request, answer)

    def BatchCloseBillDates(
        self, request: pb.BatchCloseBillDatesRequest, context: grpc.ServicerContext
    ) -> pb.BatchCloseBillDatesResponse:
        """Close a bill date of several units."""
        enterprise_id = names.parse(ENTERPRISE, request.parent, "parent")["e"]
        unit_ids = [
            names.parse(UNIT, unit, f"business_units[{number}]")["b"]
            for number, unit in enumerate(request.business_units)
        ]
        day = date_from_proto(request.bill_date, "bill_date")

        def answer(tx: Transaction) -> pb.BatchCloseBillDatesResponse:
            closed = commands.close_bill_dates(tx, enterprise_id, unit_ids, day)
            return pb.BatchCloseBillDatesResponse(
                closed=[pb.CloseBillDateResponse(due_agreements=due) for due in closed]
            )

        return self._door.command(request, answer)

    def ListDueCharges(
        self, request: pb.ListDueChargesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ListDueChargesResponse]:
        """Stream what is due, page by page, each in a short transaction of its own."""
        ids = names.parse(UNIT, request.parent, "parent")
        day = date_from_proto(request.bill_date, "bill_date")
        of = request.shard_count or 1
        open_it = partial(
            open_page,
            request.page_size,
            filters=("due-charges", request.parent, day, request.shard, of),
            size_default=PAGE_SIZE_DEFAULT,
            size_max=PAGE_SIZE_MAX,
        )
        page = open_it(request.page_token)
        shard = Shard(ids["e"], ids["b"], day, request.shard, of, page.size, preview=request.preview)
        queries.check_shard(shard)
        return self._door.pages(request, lambda read: _pages(read, shard, page, open_it))


def _pages(read: Read, shard: Shard, page: Page, open_it: Callable[[str], Page]) -> Iterator[pb.ListDueChargesResponse]:
    while True:
        response = read(partial(_answer, shard=shard, page=page))
        yield response
        if shard.preview or not response.next_page_token:
            return
        page = open_it(response.next_page_token)


def _answer(tx: Transaction, shard: Shard, page: Page) -> pb.ListDueChargesResponse:
    (after,) = page.key(UUID) or (None,)
    found = queries.due_page(tx, shard, after)
    return convert.page(found, page.token((found.next_after,)) if found.next_after else "")
