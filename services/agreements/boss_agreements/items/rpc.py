"""ItemService."""

from collections.abc import Sequence
from uuid import UUID

import grpc
from boss.agreements.v1 import item_service_pb2 as pb
from boss.agreements.v1 import item_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.catalogue.rules import EntryName
from boss_agreements.items import commands, convert, queries
from boss_agreements.items.commands import check_item
from boss_agreements.items.convert import ITEMS, UNIT_ITEM, read_item, write_item
from boss_agreements.items.rules import Item
from boss_agreements.items.store import ITEMS as SHELF
from boss_agreements.organization.rpc import UNIT
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.convert import money_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class ItemServicer(pb_grpc.ItemServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._items = Counter(door, SHELF, ITEMS, write_item, check_item, _add_unit_prices)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_ItemServiceServicer_to_server(self, server)

    def CreateItem(self, request: pb.CreateItemRequest, context: grpc.ServicerContext) -> pb.Item:
        """Make an item."""
        return self._items.create(request, lambda head: read_item(request.item, head))

    def GetItem(self, request: pb.GetItemRequest, context: grpc.ServicerContext) -> pb.Item:
        """Read an item."""
        return self._items.get(request)

    def ListItems(self, request: pb.ListItemsRequest, context: grpc.ServicerContext) -> pb.ListItemsResponse:
        """List items by display name."""
        return self._items.list(request, lambda rows, token: pb.ListItemsResponse(items=rows, next_page_token=token))

    def UpdateItem(self, request: pb.UpdateItemRequest, context: grpc.ServicerContext) -> pb.Item:
        """Replace an item."""
        return self._items.update(request, request.item, "item", lambda head: read_item(request.item, head))

    def SetUnitPrice(self, request: pb.SetUnitPriceRequest, context: grpc.ServicerContext) -> pb.UnitPrice:
        """Set what a unit charges for an item of the enterprise."""
        ids = names.parse(UNIT_ITEM, request.unit_price.item, "unit_price.item")
        price = convert.read_price(request.unit_price)
        return self._door.command(
            request,
            lambda tx: convert.write_unit_price(commands.set_unit_price(tx, ids["e"], ids["b"], ids["i"], price)),
        )

    def ListUnitPrices(
        self, request: pb.ListUnitPricesRequest, context: grpc.ServicerContext
    ) -> pb.ListUnitPricesResponse:
        """List what a unit charges for items of the enterprise, by display name."""
        ids = names.parse(UNIT, request.parent, "parent")
        page = open_page(request.page_size, request.page_token, filters=("unit-prices", request.parent))
        after = page.key(str, UUID)

        def answer(tx: Transaction) -> pb.ListUnitPricesResponse:
            found = queries.unit_prices(tx, ids["e"], ids["b"], after, page.limit)
            rows, token = page.cut(found, lambda one: (one.item.name, one.item.id))
            return pb.ListUnitPricesResponse(unit_prices=map(convert.write_unit_price, rows), next_page_token=token)

        return self._door.query(request, answer)


def _add_unit_prices(tx: Transaction, reader: EntryName, items: Sequence[Item], written: Sequence[pb.Item]) -> None:
    """Say what the unit that reads items charges for them."""
    prices = queries.prices_of(tx, reader.enterprise_id, reader.business_unit_id, [one.id for one in items])
    for item, message in zip(items, written, strict=True):
        if item.id in prices:
            message.unit_price.CopyFrom(money_to_proto(prices[item.id]))
