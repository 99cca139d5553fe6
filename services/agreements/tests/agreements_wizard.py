"""The cancellation wizard, for tests."""

from datetime import date
from typing import Any
from uuid import uuid4

from agreements_catalogue import CANCEL_REASON, Catalogue
from agreements_club import ENTERPRISE_ID, Club, day
from boss.agreements.v1 import cancellation_service_pb2 as pb
from boss.agreements.v1 import cancellation_service_pb2_grpc as pb_grpc

from boss_agreements.cancellations.process import day_process
from boss_kit.context import Context
from boss_kit.ids import new_id
from boss_kit.tasks import Task


class Wizard:
    """The cancellation wizard with a usual reason, for one caller."""

    def __init__(self, club: Club, token: str | None = None) -> None:
        self.club = club
        self.catalogue = Catalogue(club)
        self.service = club.server.stub(pb_grpc.CancellationServiceStub, token)
        self.usual: Any = None

    def reason(self, **values: Any) -> Any:
        usual = {"display_name": f"Moving {uuid4()}"}
        return self.catalogue.create(CANCEL_REASON(**(usual | values)))

    def asked(self, agreement: str, effective: str, **values: Any) -> pb.Cancellation:
        if "reason" not in values:
            self.usual = self.usual or self.reason(display_name="Moving")
        reason = values.pop("reason", self.usual)
        return pb.Cancellation(
            agreement=agreement, effective_date=day(effective), reason_id=reason.name.rpartition("/")[2], **values
        )

    def preview(self, agreement: str, effective: str, **values: Any) -> pb.CancellationPreview:
        asked = self.asked(agreement, effective, **values)
        return self.service.PreviewCancellation(  # type: ignore[no-any-return]
            pb.PreviewCancellationRequest(parent=self.club.unit, cancellation=asked)
        )

    def request(self, agreement: str, effective: str, **values: Any) -> pb.Cancellation:
        asked = self.asked(agreement, effective, **values)
        return self.service.RequestCancellation(  # type: ignore[no-any-return]
            pb.RequestCancellationRequest(parent=self.club.unit, cancellation=asked, request_id=str(uuid4()))
        )

    def rescind(self, one: pb.Cancellation) -> pb.Cancellation:
        return self.service.RescindCancellation(  # type: ignore[no-any-return]
            pb.RescindCancellationRequest(name=one.name, request_id=str(uuid4()))
        )

    def finalize(self, one: pb.Cancellation, destination: str) -> pb.Cancellation:
        request = pb.FinalizeReturnRequest(name=one.name, destination=destination, request_id=str(uuid4()))
        return self.service.FinalizeReturn(request)  # type: ignore[no-any-return]

    def get(self, one: pb.Cancellation) -> pb.Cancellation:
        return self.service.GetCancellation(pb.GetCancellationRequest(name=one.name))  # type: ignore[no-any-return]

    def run_day(self, text: str) -> None:
        self.club.set_clock(text)
        today = date.fromisoformat(text)
        context = Context(ENTERPRISE_ID, business_date=today, correlation=f"day-{text}")
        day_process(self.club.units)(Task(new_id(), ENTERPRISE_ID, "cancellations", text, {}, today, 1, context))
