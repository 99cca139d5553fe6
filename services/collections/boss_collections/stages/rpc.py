"""The calls about stages."""

import grpc
from boss.collections.v1 import collections_service_pb2 as pb

from boss_collections.debtors.convert import parent, stage_filter
from boss_collections.debtors.rules import AccountRef
from boss_collections.stages import commands, queries
from boss_collections.stages.rules import Stage
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class StageMethods:
    """Answers for stages; part of the service's one servicer."""

    _door: Door

    def GetStage(self, request: pb.GetStageRequest, context: grpc.ServicerContext) -> pb.Stage:
        """Read an account's stage."""
        account = AccountRef.parse(request.account)
        return self._door.query(request, lambda tx: _stage(queries.get_stage(tx, account)))

    def SetStage(self, request: pb.SetStageRequest, context: grpc.ServicerContext) -> pb.Stage:
        """Set an account's stage."""
        command = commands.SetStage(AccountRef.parse(request.account), request.stage)
        return self._door.command(request, lambda tx: _stage(commands.set_stage(tx, command)))

    def ListStages(self, request: pb.ListStagesRequest, context: grpc.ServicerContext) -> pb.ListStagesResponse:
        """List accounts in a stage."""
        enterprise_id, unit_id = parent(request.parent)
        wanted = stage_filter(request.stage)
        page = open_page(request.page_size, request.page_token, filters=(enterprise_id, unit_id, wanted))

        def answer(tx: Transaction) -> pb.ListStagesResponse:
            stages, token = queries.list_stages(tx, enterprise_id, unit_id, wanted, page)
            return pb.ListStagesResponse(stages=map(_stage, stages), next_page_token=token)

        return self._door.query(request, answer)


def _stage(found: Stage) -> pb.Stage:
    return pb.Stage(
        account=found.account.name, stage=found.stage, set_date=date_to_proto(found.set_date), set_by=found.set_by
    )
