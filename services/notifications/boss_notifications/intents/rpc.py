"""The notifications' door."""

from typing import Any

import grpc
from boss.notifications.v1 import notification_service_pb2 as pb
from boss.notifications.v1 import notification_service_pb2_grpc

from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction
from boss_notifications.intents import queries
from boss_notifications.intents.rules import ACCOUNT_NAME, NOTIFICATION_NAME, State

_STATES = {
    State.REQUESTED: pb.Notification.STATE_REQUESTED,
    State.HELD: pb.Notification.STATE_HELD,
    State.SENDING: pb.Notification.STATE_SENDING,
    State.SENT: pb.Notification.STATE_SENT,
    State.ANSWERED: pb.Notification.STATE_ANSWERED,
    State.NOT_SENT: pb.Notification.STATE_NOT_SENT,
    State.UNKNOWN: pb.Notification.STATE_UNKNOWN,
}


class NotificationServicer(notification_service_pb2_grpc.NotificationServiceServicer):
    """Shows notifications."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetNotification(self, request: pb.GetNotificationRequest, context: grpc.ServicerContext) -> pb.Notification:
        """Read one."""
        return self._door.query(request, lambda tx: _notification(queries.get_notification(tx, request.name)))

    def ListNotifications(
        self, request: pb.ListNotificationsRequest, context: grpc.ServicerContext
    ) -> pb.ListNotificationsResponse:
        """List them by send date."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent, request.account))

        def answer(tx: Transaction) -> pb.ListNotificationsResponse:
            rows, token = queries.list_notifications(tx, request.parent, request.account, page)
            return pb.ListNotificationsResponse(notifications=map(_notification, rows), next_page_token=token)

        return self._door.query(request, answer)

    def GetNotificationStatistics(
        self, request: pb.GetNotificationStatisticsRequest, context: grpc.ServicerContext
    ) -> pb.NotificationStatistics:
        """Count them by channel."""
        return self._door.query(
            request,
            lambda tx: _statistics(queries.count(tx, request.parent), queries.count_invalidated(tx, request.parent)),
        )


def _notification(row: Any) -> pb.Notification:
    unit = {"e": row.enterprise_id, "b": row.business_unit_id}
    return pb.Notification(
        name=NOTIFICATION_NAME.format(**unit, n=row.id),
        step_id=str(row.step_id),
        account=ACCOUNT_NAME.format(**unit, a=row.account_id),
        channel=row.channel,
        state=_STATES[State(row.state)],
        send_date=date_to_proto(row.send_date),
        sent_time=time_to_proto(row.sent_time),
        provider=row.provider,
        provider_message_id=row.provider_message_id,
        response=row.response,
        response_detail=row.response_detail,
        description=row.description,
        rule=row.rule,
    )


def _statistics(rows: Any, invalidated: dict[str, int]) -> pb.NotificationStatistics:
    channels = [
        pb.ChannelStatistics(
            channel=row.channel,
            sent=row.sent,
            not_sent=row.not_sent,
            waiting=row.waiting,
            unknown=row.unknown,
            invalidated_contacts=invalidated.get(row.channel, 0),
        )
        for row in rows
    ]
    return pb.NotificationStatistics(channels=channels, sent_twice=sum(row.sent_twice for row in rows))
