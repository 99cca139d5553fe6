"""Who rewrites and renews agreements in tests."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from agreements_billing import answer, close, listed
from agreements_catalogue import CANCEL_REASON, Catalogue
from agreements_club import Club, cents, day, iso, record
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import cancellation_service_pb2 as cancellations_pb
from boss.agreements.v1 import cancellation_service_pb2_grpc as cancellations_grpc
from boss.agreements.v1 import reason_service_pb2
from boss.agreements.v1 import rewrite_service_pb2 as pb
from boss.agreements.v1 import rewrite_service_pb2_grpc as pb_grpc

from boss_kit.errors import BossError


@dataclass
class Desk:
    """Who rewrites agreements, with a usual reason."""

    club: Club
    catalogue: Catalogue
    service: Any
    reason: Any

    def asked(self, agreement: str, **values: Any) -> pb.Rewrite:
        reason = values.pop("reason", self.reason)
        return pb.Rewrite(agreement=agreement, reason_id=reason.name.rpartition("/")[2], **values)

    def rewrite(self, agreement: str, **values: Any) -> Any:
        request = pb.RewriteAgreementRequest(
            parent=self.club.unit, rewrite=self.asked(agreement, **values), request_id=str(uuid4())
        )
        return self.service.RewriteAgreement(request)

    def preview(self, agreement: str, **values: Any) -> Any:
        return self.service.PreviewRewrite(
            pb.PreviewRewriteRequest(parent=self.club.unit, rewrite=self.asked(agreement, **values))
        )

    def get(self, name: str) -> Any:
        return self.club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=name))

    def refused(self, agreement: str, **values: Any) -> BossError:
        with pytest.raises(BossError) as error:
            self.rewrite(agreement, **values)
        with pytest.raises(BossError):
            self.preview(agreement, **values)
        return error.value

    def cancel(self, agreement: str, effective: str, **values: Any) -> Any:
        reason = self.catalogue.create(CANCEL_REASON(display_name=f"Moving {uuid4()}"))
        asked = cancellations_pb.Cancellation(
            agreement=agreement, effective_date=day(effective), reason_id=reason.name.rpartition("/")[2], **values
        )
        request = cancellations_pb.RequestCancellationRequest(
            parent=self.club.unit, cancellation=asked, request_id=str(uuid4())
        )
        return self.cancellations.RequestCancellation(request)

    @property
    def cancellations(self) -> Any:
        return self.club.server.stub(cancellations_grpc.CancellationServiceStub)


def open_desk(club: Club) -> Desk:
    """Give a desk of a club with a member, on 10 June."""
    club.set_clock("2026-06-10")
    club.import_records(record(1, start_date="2027-05-31"))
    catalogue = Catalogue(club)
    reason = catalogue.create(CANCEL_REASON(display_name="Changes", rewrite=True))
    return Desk(club, catalogue, club.server.stub(pb_grpc.RewriteServiceStub), reason)


def amounts(club: Club, text: str) -> list[tuple[str, int]]:
    """Bill a day; give the due dates and amounts."""
    club.set_clock(text)
    close(club, text)
    charges = listed(club, text)
    answer(club, text, *charges)
    return [(iso(charge.due_date), cents(charge.amount)) for charge in charges]


def link(desk: Desk, definition: Any, reason: Any) -> None:
    request = reason_service_pb2.SetDefinitionReasonsRequest(
        definition=definition.name,
        cancel_reasons=reason_service_pb2.LinkChoice(names=[reason.name]),
        request_id=str(uuid4()),
    )
    desk.catalogue.stub("CancelReason").SetDefinitionReasons(request)
