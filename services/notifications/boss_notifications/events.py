"""Facts and their protos, both ways."""

from datetime import date
from uuid import UUID

from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from boss.events.arm.v1 import arm_events_pb2 as arm_pb
from boss.events.notifications.v1 import notifications_events_pb2 as pb
from google.type import date_pb2

from boss_kit.events.envelope import OutgoingEvent
from boss_kit.names import parse
from boss_notifications.contact_rules.commands import BusinessUnitChanged, MemberChanged
from boss_notifications.intents.rules import (
    ACCOUNT_NAME,
    MEMBER_NAME,
    ContactInvalidated,
    Intent,
    NotificationRequested,
    NotificationResult,
    NotificationWithdrawn,
    Outcome,
    Sender,
)
from boss_notifications.responses.rules import ResponseRule

RESULT = "boss.notifications.notification.v1.result"
INVALIDATED = "boss.notifications.contact.v1.invalidated"
UNIT_NAME = "enterprises/{e}/businessUnits/{b}"
_OUTCOMES = {
    Outcome.SENT: pb.NotificationResult.OUTCOME_SENT,
    Outcome.RESPONSE: pb.NotificationResult.OUTCOME_RESPONSE,
    Outcome.NOT_RELEASED: pb.NotificationResult.OUTCOME_NOT_RELEASED,
    Outcome.UNKNOWN: pb.NotificationResult.OUTCOME_UNKNOWN,
}


def encode(fact: object) -> OutgoingEvent:
    """Write a fact; its events keep the account's order."""
    if isinstance(fact, NotificationResult):
        return _outgoing(RESULT, fact.intent, fact.intent.name, fact.result_date, _result(fact))
    if isinstance(fact, ContactInvalidated):
        return _outgoing(INVALIDATED, fact.intent, fact.intent.contact, fact.result_date, _invalidated(fact))
    raise TypeError(f"notifications publishes no {type(fact).__name__}")


def business_unit_changed(data: bytes) -> BusinessUnitChanged:
    """Read agreements' fact."""
    message = agreements_pb.BusinessUnitChanged.FromString(data)
    unit_id = parse(UNIT_NAME, message.business_unit, "business_unit")["b"]
    return BusinessUnitChanged(unit_id, message.display_name, message.time_zone)


def member_changed(data: bytes) -> MemberChanged:
    """Read agreements' fact, as far as contact depends on it."""
    message = agreements_pb.MemberChanged.FromString(data)
    ids = parse(MEMBER_NAME, message.member, "member")
    account_id = parse(ACCOUNT_NAME, message.account, "account")["a"] if message.account else None
    return MemberChanged(
        business_unit_id=ids["b"],
        member_id=ids["m"],
        account_id=account_id,
        external_id=message.external_id,
        time_zone=message.time_zone,
        do_not_call=message.do_not_call,
        email_opt_out=message.email_opt_out,
    )


def notification_requested(data: bytes) -> NotificationRequested:
    """Read ARM's fact."""
    message = arm_pb.NotificationRequested.FromString(data)
    return NotificationRequested(
        step_id=UUID(message.step_id),
        attempt=message.attempt,
        account=message.account,
        member=message.member,
        channel=message.channel,
        template=message.template,
        contact=message.contact,
        contact_value=message.contact_value,
        address_lines=tuple(message.address_lines),
        placeholders=dict(message.placeholders),
        send_date=_date(message.send_date),
        time_zone=message.time_zone,
        do_not_call=message.do_not_call,
        sender=_sender(message.sender),
        recipient_name=message.recipient_name,
    )


def notification_withdrawn(data: bytes) -> NotificationWithdrawn:
    """Read ARM's fact."""
    message = arm_pb.NotificationWithdrawn.FromString(data)
    return NotificationWithdrawn(UUID(message.step_id), message.reason)


def _outgoing(kind: str, intent: Intent, subject: str, day: date, data: bytes) -> OutgoingEvent:
    return OutgoingEvent(
        type=kind,
        key=intent.account_id,
        subject=subject,
        enterprise_id=intent.enterprise_id,
        business_unit_id=intent.business_unit_id,
        business_date=day,
        data=data,
    )


def _result(fact: NotificationResult) -> bytes:
    message = pb.NotificationResult(
        step_id=str(fact.intent.step_id),
        account=fact.intent.account,
        channel=fact.intent.channel,
        outcome=_OUTCOMES[fact.outcome],
        result_date=date_pb2.Date(year=fact.result_date.year, month=fact.result_date.month, day=fact.result_date.day),
        response=fact.response,
        response_detail=fact.response_detail,
        rule=_rule(fact.rule),
        attempt=fact.intent.attempt,
    )
    return message.SerializeToString()


def _rule(rule: ResponseRule | None) -> pb.ResponseRule | None:
    if rule is None:
        return None
    return pb.ResponseRule(
        include_in_activity=rule.include_in_activity,
        completed=rule.completed,
        status=rule.status,
        retry=rule.retry,
        show_in_ui=rule.show_in_ui,
        mark_invalid=rule.mark_invalid,
        description=rule.description,
    )


def _invalidated(fact: ContactInvalidated) -> bytes:
    intent = fact.intent
    member = MEMBER_NAME.format(e=intent.enterprise_id, b=intent.business_unit_id, m=intent.member_id)
    message = pb.ContactInvalidated(
        contact=intent.contact,
        member=member if intent.member_id else "",
        channel=intent.channel,
        reason=fact.reason,
    )
    return message.SerializeToString()


def _sender(message: arm_pb.Sender) -> Sender:
    return Sender(
        display_name=message.display_name,
        from_address=message.from_address,
        reply_to_address=message.reply_to_address,
        caller_number=message.caller_number,
        return_address_lines=tuple(message.return_address_lines),
    )


def _date(message: date_pb2.Date) -> date:
    return date(message.year, message.month, message.day)
