"""ItemService."""

import grpc
from boss.agreements.v1 import item_service_pb2 as pb
from boss.agreements.v1 import item_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.items.commands import check_item
from boss_agreements.items.convert import ITEMS, read_item, write_item
from boss_agreements.items.store import ITEMS as SHELF
from boss_kit.rpc.door import Door


class ItemServicer(pb_grpc.ItemServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._items = Counter(door, SHELF, ITEMS, write_item, check_item)

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
