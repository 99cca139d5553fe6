"""PromotionService."""

import grpc
from boss.agreements.v1 import promotion_service_pb2 as pb
from boss.agreements.v1 import promotion_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.promotions.commands import check_promotion
from boss_agreements.promotions.convert import PROMOTIONS, read_promotion, write_promotion
from boss_agreements.promotions.store import PROMOTIONS as SHELF
from boss_kit.rpc.door import Door


class PromotionServicer(pb_grpc.PromotionServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, PROMOTIONS, write_promotion, check_promotion)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_PromotionServiceServicer_to_server(self, server)

    def CreatePromotion(self, request: pb.CreatePromotionRequest, context: grpc.ServicerContext) -> pb.Promotion:
        """Make a promotion."""
        return self._entries.create(request, lambda head: read_promotion(request.promotion, head))

    def GetPromotion(self, request: pb.GetPromotionRequest, context: grpc.ServicerContext) -> pb.Promotion:
        """Read a promotion."""
        return self._entries.get(request)

    def ListPromotions(
        self, request: pb.ListPromotionsRequest, context: grpc.ServicerContext
    ) -> pb.ListPromotionsResponse:
        """List promotions by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListPromotionsResponse(promotions=rows, next_page_token=token)
        )

    def UpdatePromotion(self, request: pb.UpdatePromotionRequest, context: grpc.ServicerContext) -> pb.Promotion:
        """Replace a promotion."""
        return self._entries.update(
            request, request.promotion, "promotion", lambda head: read_promotion(request.promotion, head)
        )
