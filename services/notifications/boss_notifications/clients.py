"""What notifications asks of others: ARM for releases, its own callback door for the sandbox."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import grpc
from boss.arm.v1 import cycle_service_pb2 as arm_pb
from boss.arm.v1 import cycle_service_pb2_grpc as arm_grpc
from boss.notifications.v1 import provider_callback_service_pb2 as callback_pb
from boss.notifications.v1 import provider_callback_service_pb2_grpc as callback_grpc

from boss_kit.ids import new_id
from boss_kit.rpc.convert import time_to_proto
from boss_notifications.responses.commands import ProviderResponse

UNKNOWN_STEP = "UNKNOWN_STEP"


class ArmClient:
    """ARM, who decides whether a step may go out."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._cycles = arm_grpc.CycleServiceStub(channel)

    def release(self, enterprise_id: UUID, step_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Ask for the release of at most 1,000 steps; give the refused ones with the reason.

        Each question is new: an answer of some time ago says nothing about now (SPEC ARM-5).
        """
        request = arm_pb.ReleaseStepsRequest(
            parent=f"enterprises/{enterprise_id}", step_ids=map(str, step_ids), request_id=str(new_id())
        )
        answers = {UUID(one.step_id): one for one in self._cycles.ReleaseSteps(request).releases}
        refused = {}
        for step_id in step_ids:
            answer = answers.get(step_id)
            if answer is None or not answer.released:
                refused[step_id] = (answer.reason if answer else "") or UNKNOWN_STEP
        return refused


class CallbackClient:
    """The door that providers report through."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._callbacks = callback_grpc.ProviderCallbackServiceStub(channel)

    def report(self, enterprise_id: UUID, responses: Sequence[ProviderResponse]) -> None:
        """Report at most 1,000 responses."""
        self._callbacks.ReportResponses(
            callback_pb.ReportResponsesRequest(
                parent=f"enterprises/{enterprise_id}", responses=[_response(one) for one in responses]
            )
        )


def _response(one: ProviderResponse) -> callback_pb.ProviderResponse:
    return callback_pb.ProviderResponse(
        response_id=one.response_id,
        provider_message_id=one.provider_message_id,
        response=one.response,
        response_detail=one.response_detail,
        response_time=time_to_proto(one.response_time),
    )
