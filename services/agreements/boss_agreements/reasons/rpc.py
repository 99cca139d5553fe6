"""ReasonService."""

import grpc
from boss.agreements.v1 import reason_service_pb2 as pb
from boss.agreements.v1 import reason_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.convert import entry_of, id_of
from boss_agreements.catalogue.rpc import Counter
from boss_agreements.catalogue.rules import EntryName, check_choice
from boss_agreements.organization.rpc import UNIT
from boss_agreements.reasons import commands, convert, queries, store
from boss_agreements.reasons.rules import CANCEL, FOR_AGREEMENTS, SUSPENSION, USES
from boss_kit import names
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class ReasonServicer(pb_grpc.ReasonServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._cancel = Counter(
            door,
            store.CANCEL_REASONS,
            convert.COLLECTIONS[CANCEL],
            convert.write_cancel_reason,
            commands.check_cancel_reason,
        )
        self._suspension = Counter(
            door,
            store.SUSPENSION_REASONS,
            convert.COLLECTIONS[SUSPENSION],
            convert.write_suspension_reason,
            commands.check_suspension_reason,
        )

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_ReasonServiceServicer_to_server(self, server)

    def CreateCancelReason(
        self, request: pb.CreateCancelReasonRequest, context: grpc.ServicerContext
    ) -> pb.CancelReason:
        """Make a cancel reason."""
        return self._cancel.create(request, lambda head: convert.read_cancel_reason(request.cancel_reason, head))

    def GetCancelReason(self, request: pb.GetCancelReasonRequest, context: grpc.ServicerContext) -> pb.CancelReason:
        """Read a cancel reason."""
        return self._cancel.get(request)

    def ListCancelReasons(
        self, request: pb.ListCancelReasonsRequest, context: grpc.ServicerContext
    ) -> pb.ListCancelReasonsResponse:
        """List cancel reasons by display name."""
        return self._cancel.list(
            request, lambda rows, token: pb.ListCancelReasonsResponse(cancel_reasons=rows, next_page_token=token)
        )

    def UpdateCancelReason(
        self, request: pb.UpdateCancelReasonRequest, context: grpc.ServicerContext
    ) -> pb.CancelReason:
        """Replace a cancel reason."""
        asked = request.cancel_reason
        return self._cancel.update(
            request, asked, "cancel_reason", lambda head: convert.read_cancel_reason(asked, head)
        )

    def CreateSuspensionReason(
        self, request: pb.CreateSuspensionReasonRequest, context: grpc.ServicerContext
    ) -> pb.SuspensionReason:
        """Make a suspension reason."""
        asked = request.suspension_reason
        return self._suspension.create(request, lambda head: convert.read_suspension_reason(asked, head))

    def GetSuspensionReason(
        self, request: pb.GetSuspensionReasonRequest, context: grpc.ServicerContext
    ) -> pb.SuspensionReason:
        """Read a suspension reason."""
        return self._suspension.get(request)

    def ListSuspensionReasons(
        self, request: pb.ListSuspensionReasonsRequest, context: grpc.ServicerContext
    ) -> pb.ListSuspensionReasonsResponse:
        """List suspension reasons by display name."""
        return self._suspension.list(
            request,
            lambda rows, token: pb.ListSuspensionReasonsResponse(suspension_reasons=rows, next_page_token=token),
        )

    def UpdateSuspensionReason(
        self, request: pb.UpdateSuspensionReasonRequest, context: grpc.ServicerContext
    ) -> pb.SuspensionReason:
        """Replace a suspension reason."""
        asked = request.suspension_reason
        return self._suspension.update(
            request, asked, "suspension_reason", lambda head: convert.read_suspension_reason(asked, head)
        )

    def SetDefinitionReasons(
        self, request: pb.SetDefinitionReasonsRequest, context: grpc.ServicerContext
    ) -> pb.ListDefinitionReasonsResponse:
        """Link a definition with reasons."""
        name = entry_of(request.definition, convert.DEFINITIONS, "definition")
        cancel = convert.read_choice(request.cancel_reasons, convert.COLLECTIONS[CANCEL], "cancel_reasons.names")
        suspension = convert.read_choice(
            request.suspension_reasons, convert.COLLECTIONS[SUSPENSION], "suspension_reasons.names"
        )

        def answer(tx: Transaction) -> pb.ListDefinitionReasonsResponse:
            commands.set_reasons(tx, name, cancel, suspension)
            return _reasons_of(tx, name, show_inactive=True)

        return self._door.command(request, answer)

    def ListDefinitionReasons(
        self, request: pb.ListDefinitionReasonsRequest, context: grpc.ServicerContext
    ) -> pb.ListDefinitionReasonsResponse:
        """List a definition's reasons."""
        name = entry_of(request.definition, convert.DEFINITIONS, "definition")
        return self._door.query(request, lambda tx: _reasons_of(tx, name, show_inactive=request.show_inactive))

    def SetReasonDefinitions(
        self, request: pb.SetReasonDefinitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListReasonDefinitionsResponse:
        """Link a reason with definitions."""
        kind, name = convert.reason_of(request.reason)
        choice = convert.read_choice(request.definitions, convert.DEFINITIONS, "definitions.names")

        def answer(tx: Transaction) -> pb.ListReasonDefinitionsResponse:
            commands.set_definitions(tx, kind, name, choice)
            return _definitions_of(tx, kind, name, show_inactive=True)

        return self._door.command(request, answer)

    def ListReasonDefinitions(
        self, request: pb.ListReasonDefinitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListReasonDefinitionsResponse:
        """List a reason's definitions."""
        kind, name = convert.reason_of(request.reason)
        return self._door.query(
            request, lambda tx: _definitions_of(tx, kind, name, show_inactive=request.show_inactive)
        )

    def ListOfferedReasons(
        self, request: pb.ListOfferedReasonsRequest, context: grpc.ServicerContext
    ) -> pb.ListOfferedReasonsResponse:
        """List what a wizard offers."""
        unit = names.parse(UNIT, request.parent, "parent")
        definition_id = id_of(request.definition, convert.DEFINITIONS, "definition")
        use = request.use or FOR_AGREEMENTS
        check_choice(use, USES, "use")

        def answer(tx: Transaction) -> pb.ListOfferedReasonsResponse:
            cancel = queries.offered_cancel_reasons(tx, unit["e"], unit["b"], definition_id, use)
            suspension = queries.offered_suspension_reasons(tx, unit["e"], unit["b"], definition_id)
            return pb.ListOfferedReasonsResponse(
                cancel_reasons=map(convert.write_cancel_reason, cancel),
                suspension_reasons=map(convert.write_suspension_reason, suspension),
            )

        return self._door.query(request, answer)


def _reasons_of(tx: Transaction, name: EntryName, *, show_inactive: bool) -> pb.ListDefinitionReasonsResponse:
    return convert.reason_links(
        queries.reasons_of_definition(
            tx, name.enterprise_id, name.business_unit_id, name.id, show_inactive=show_inactive
        )
    )


def _definitions_of(
    tx: Transaction, kind: str, name: EntryName, *, show_inactive: bool
) -> pb.ListReasonDefinitionsResponse:
    return convert.definition_links(
        queries.definitions_of_reason(
            tx, name.enterprise_id, name.business_unit_id, kind, name.id, show_inactive=show_inactive
        )
    )
