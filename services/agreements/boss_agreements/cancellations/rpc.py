"""CancellationService."""

from datetime import datetime
from uuid import UUID

import grpc
from boss.agreements.v1 import cancellation_service_pb2 as pb
from boss.agreements.v1 import cancellation_service_pb2_grpc as pb_grpc

from boss_agreements.cancellations import commands, convert, effects, queries
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.organization.queries import currencies_of, get_unit
from boss_agreements.organization.rpc import parse_parent
from boss_kit import names
from boss_kit.errors import PermissionDenied
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

ADD_EXCEPTION = "agreements.cancellations.addException"


class CancellationServicer(pb_grpc.CancellationServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_CancellationServiceServicer_to_server(self, server)

    def PreviewCancellation(
        self, request: pb.PreviewCancellationRequest, context: grpc.ServicerContext
    ) -> pb.CancellationPreview:
        """Tell what a request would do."""
        asked = self._asked(request.parent, request.cancellation)
        return self._door.query(request, lambda tx: convert.preview(asked, queries.preview_cancellation(tx, asked)))

    def RequestCancellation(
        self, request: pb.RequestCancellationRequest, context: grpc.ServicerContext
    ) -> pb.Cancellation:
        """Cancel an agreement or items of it."""
        asked = self._asked(request.parent, request.cancellation)
        return self._door.command(request, lambda tx: _written(tx, commands.request_cancellation(tx, asked)))

    def RescindCancellation(
        self, request: pb.RescindCancellationRequest, context: grpc.ServicerContext
    ) -> pb.Cancellation:
        """Take a request back."""
        ids = names.parse(convert.CANCELLATION, request.name)
        return self._door.command(
            request, lambda tx: _written(tx, commands.rescind_cancellation(tx, ids["e"], ids["b"], ids["c"]))
        )

    def FinalizeReturn(self, request: pb.FinalizeReturnRequest, context: grpc.ServicerContext) -> pb.Cancellation:
        """Have the itemized return made."""
        ids = names.parse(convert.CANCELLATION, request.name)
        source = convert.funding_source(request.funding_source, "funding_source")

        def answer(tx: Transaction) -> pb.Cancellation:
            asked = effects.finalize_return(tx, ids["e"], ids["b"], ids["c"], request.destination, source)
            return _written(tx, asked)

        return self._door.command(request, answer)

    def GetCancellation(self, request: pb.GetCancellationRequest, context: grpc.ServicerContext) -> pb.Cancellation:
        """Read a request."""
        ids = names.parse(convert.CANCELLATION, request.name)
        return self._door.query(
            request, lambda tx: _written(tx, queries.get_cancellation(tx, ids["e"], ids["b"], ids["c"]))
        )

    def ListCancellations(
        self, request: pb.ListCancellationsRequest, context: grpc.ServicerContext
    ) -> pb.ListCancellationsResponse:
        """List requests, newest first."""
        enterprise_id, unit_id = parse_parent(request.parent)
        agreement_id = (
            names.parse(convert.AGREEMENT, request.agreement, "agreement")["a"] if request.agreement else None
        )
        filters = ("cancellations", request.parent, request.agreement, *request.statuses)
        page = open_page(request.page_size, request.page_token, filters=filters)
        after = page.key(datetime.fromisoformat, UUID)

        def answer(tx: Transaction) -> pb.ListCancellationsResponse:
            found = queries.list_cancellations(
                tx, enterprise_id, unit_id, agreement_id, request.statuses, after, page.limit
            )
            rows, token = page.cut(found, lambda one: (one.create_time, one.id))
            units = currencies_of(tx, enterprise_id)
            written = [convert.cancellation(one, units[one.business_unit_id]) for one in rows]
            return pb.ListCancellationsResponse(cancellations=written, next_page_token=token)

        return self._door.query(request, answer)

    def _asked(self, parent: str, cancellation: pb.Cancellation) -> queries.RequestCancellation:
        """Read a request; an exception needs its own permission (SPEC AGR-7). Raises PermissionDenied."""
        asked = convert.request(parent, cancellation)
        if asked.exception_reason and not self._door.caller_may(ADD_EXCEPTION):
            raise PermissionDenied(
                "EXCEPTION_NOT_ALLOWED",
                f"exception_reason: an exception needs the permission {ADD_EXCEPTION}; leave it out or ask a manager.",
                metadata={"field": "cancellation.exception_reason", "permission": ADD_EXCEPTION},
            )
        return asked


def _written(tx: Transaction, one: Cancellation) -> pb.Cancellation:
    return convert.cancellation(one, get_unit(tx, one.enterprise_id, one.business_unit_id).currency)
