"""What staff see: notifications, pages, the account's story."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.notifications.v1 import notification_service_pb2 as pb
from boss.notifications.v1 import provider_callback_service_pb2 as callback_pb
from boss.platform.v1 import timeline_service_pb2 as timeline_pb
from notification_facts import NOON, TODAY, Club
from notification_providers import Arm, Provider

from boss_kit import schema
from boss_kit.context import Context
from boss_kit.errors import NotFound, PermissionDenied
from boss_kit.rpc.convert import time_to_proto
from boss_kit.unit_of_work import UnitOfWork
from boss_notifications.adapters.port import Certainty
from boss_notifications.dispatch.process import Dispatch, HeldAgain
from boss_notifications.intents.rules import NOTIFICATION_NAME


def send_all(club: Club) -> None:
    providers = [Provider(channel, Certainty.QUERYABLE) for channel in ("Email", "Phone", "Letter")]
    Dispatch(club.units, providers, Arm().release)(club.task())


def test_a_notification_is_found_by_its_name_only_in_its_unit(club: Club, notifications: Any) -> None:
    step_id = club.request("M1", "Email", club.add_template("Email"))
    send_all(club)
    row = club.notification(step_id)
    name = NOTIFICATION_NAME.format(e=club.enterprise_id, b=club.unit_id, n=row.id)
    found = notifications.GetNotification(pb.GetNotificationRequest(name=name))
    assert (found.step_id, found.state, found.account) == (str(step_id), pb.Notification.STATE_SENT, club.account("M1"))
    assert found.provider_message_id == row.provider_message_id
    elsewhere = NOTIFICATION_NAME.format(e=club.enterprise_id, b=uuid4(), n=row.id)
    with pytest.raises(NotFound):
        notifications.GetNotification(pb.GetNotificationRequest(name=elsewhere))


def test_all_3_notifications_are_paged_by_send_date_and_filtered_by_account(club: Club, notifications: Any) -> None:
    template = club.add_template("Email")
    for days in (2, 0, 1):
        for number in ("M1", "M2"):
            club.request(number, "Email", template, send_date=TODAY + timedelta(days=days))
    seen, token = [], ""
    while True:
        page = notifications.ListNotifications(
            pb.ListNotificationsRequest(parent=club.unit, account=club.account("M1"), page_size=2, page_token=token)
        )
        seen += [one.send_date.day for one in page.notifications]
        token = page.next_page_token
        if not token:
            break
    assert seen == [10, 11, 12]
    every = notifications.ListNotifications(pb.ListNotificationsRequest(parent=club.enterprise))
    assert len(every.notifications) == 6
    other = notifications.ListNotifications(
        pb.ListNotificationsRequest(parent=f"{club.enterprise}/businessUnits/{uuid4()}")
    )
    assert not other.notifications


def test_a_token_sees_only_its_nodes(club: Club, server: Any, tokens: Any) -> None:
    from boss.notifications.v1 import notification_service_pb2_grpc as grpc_pb

    stub = server.stub(grpc_pb.NotificationServiceStub, token=tokens.token("anna", ["club_manager"], [club.unit]))
    assert not stub.ListNotifications(pb.ListNotificationsRequest(parent=club.unit)).notifications
    with pytest.raises(PermissionDenied):
        stub.ListNotifications(pb.ListNotificationsRequest(parent=club.enterprise))


def test_all_2_the_story_tells_what_went_out_and_what_came_back(club: Club, callbacks: Any, timeline: Any) -> None:
    email = club.request("M1", "Email", club.add_template("Email"))
    club.request("M1", "Phone", club.add_template("Phone"), contact_value="12")
    club.request("M2", "Letter", club.add_template("Letter"))
    send_all(club)
    message_id = club.notification(email).provider_message_id
    answer = callback_pb.ProviderResponse(
        response_id="r1", provider_message_id=message_id, response="Delivered", response_time=time_to_proto(NOON)
    )
    callbacks.ReportResponses(callback_pb.ReportResponsesRequest(parent=club.enterprise, responses=[answer]))
    told = timeline.ListTimelineEntries(timeline_pb.ListTimelineEntriesRequest(parent=club.account("M1")))
    assert [(one.kind, one.text) for one in told.timeline_entries] == [
        ("email", "Email “Email one” was sent to Chloé Khan."),
        ("phone", "Call “Phone one” did not go out: Phone number contains incorrect number of digits."),
        ("email", "Email “Email one”: Email was delivered."),
    ]
    assert {one.correlation for one in told.timeline_entries} == {"story"}
    assert {event.correlation for event in club.events()} == {"story"}
    assert {event.key for event in club.events()} == {str(club.account_id("M1")), str(club.account_id("M2"))}


def test_a_hold_that_ended_asks_for_dispatch_by_itself(club: Club, clock: Callable[[datetime], None]) -> None:
    club.request("M1", "Email", club.add_template("Email"))
    clock(datetime(2026, 3, 10, 5, tzinfo=UTC))
    send_all(club)
    assert club.states() == ["held"]

    def asked(units: UnitOfWork) -> list[str]:
        HeldAgain(units)(club.task("dispatch-held"))
        with units.read(Context(enterprise_id=club.enterprise_id)) as tx:
            found = sa.select(schema.task.c.name).where(schema.task.c.enterprise_id == club.enterprise_id)
            return list(tx.connection.scalars(found))

    assert asked(club.units) == [], "with a test clock the driver asks"
    # By the wall clock the hold is long over.
    assert asked(UnitOfWork(club.units.engine, "notifications", club.units._encode)) == ["dispatch"]
