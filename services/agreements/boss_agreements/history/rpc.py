"""HistoryService."""

import grpc
from boss.agreements.v1 import history_service_pb2 as pb
from boss.agreements.v1 import history_service_pb2_grpc as pb_grpc

from boss_agreements.history import queries
from boss_agreements.history.store import ChangeRow
from boss_kit import names
from boss_kit.context import Actor
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

AGREEMENT = "enterprises/{e}/businessUnits/{b}/agreements/{a}"


class HistoryServicer(pb_grpc.HistoryServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_HistoryServiceServicer_to_server(self, server)

    def ListChanges(self, request: pb.ListChangesRequest, context: grpc.ServicerContext) -> pb.ListChangesResponse:
        """List an agreement's changes."""
        ids = names.parse(AGREEMENT, request.parent, "parent")
        page = open_page(
            request.page_size, request.page_token, filters=("changes", request.parent, request.change_type)
        )
        (before,) = page.key(int) or (None,)

        def answer(tx: Transaction) -> pb.ListChangesResponse:
            found = queries.list_changes(tx, ids["e"], ids["b"], ids["a"], request.change_type, before, page.limit)
            rows, token = page.cut(found, lambda one: (one.id,))
            return pb.ListChangesResponse(changes=map(_change, rows), next_page_token=token)

        return self._door.query(request, answer)


def _change(row: ChangeRow) -> pb.Change:
    agreement = f"enterprises/{row.enterprise_id}/businessUnits/{row.business_unit_id}/agreements/{row.agreement_id}"
    approver = row.actor.approver
    return pb.Change(
        name=f"{agreement}/changes/{row.id}",
        business_date=date_to_proto(row.business_date),
        change_type=row.type,
        changed_by=_actor(row.actor),
        approved_by=_actor(approver) if approver else None,
        summary=row.summary,
        notable_changes=row.notable,
        create_time=time_to_proto(row.create_time),
    )


def _actor(actor: Actor) -> pb.ChangeActor:
    return pb.ChangeActor(
        user=actor.user, work_role=actor.work_role, location=actor.location, workstation=actor.workstation
    )
