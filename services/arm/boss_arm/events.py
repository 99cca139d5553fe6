"""Facts and their protos, both ways."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from uuid import UUID

from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from boss.events.arm.v1 import arm_events_pb2 as pb
from boss.events.billing.v1 import billing_events_pb2 as billing_pb
from boss.events.notifications.v1 import notifications_events_pb2 as notifications_pb
from google.type import date_pb2

from boss_arm.cycles.rules import Cycle, CycleClosed, CycleOpened, Declined, HandedToCollections, SuspensionTold
from boss_arm.debtors.rules import EMAIL, LETTER, PHONE, Balance, BusinessUnit, Contact, Member, OpenItem
from boss_arm.steps.rules import NotificationRequested, NotificationWithdrawn, Outcome, Result, Rule, Sender, Step
from boss_kit.events.envelope import OutgoingEvent
from boss_kit.money import Money
from boss_kit.names import parse
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_from_proto, money_to_proto

OPENED = "boss.arm.cycle.v1.opened"
CLOSED = "boss.arm.cycle.v1.closed"
REQUESTED = "boss.arm.notification.v1.requested"
WITHDRAWN = "boss.arm.notification.v1.withdrawn"
HANDED_OVER = "boss.arm.cycle.v1.handed_to_collections"

UNIT = "enterprises/{e}/businessUnits/{b}"
ACCOUNT = UNIT + "/accounts/{a}"
CYCLE = ACCOUNT + "/cycles/{c}"
MEMBER = UNIT + "/members/{m}"

_CHANNELS = {
    agreements_pb.Contact.TYPE_EMAIL: EMAIL,
    agreements_pb.Contact.TYPE_PHONE: PHONE,
    agreements_pb.Contact.TYPE_ADDRESS: LETTER,
}
_OUTCOMES = {
    notifications_pb.NotificationResult.OUTCOME_SENT: Outcome.SENT,
    notifications_pb.NotificationResult.OUTCOME_RESPONSE: Outcome.RESPONSE,
    notifications_pb.NotificationResult.OUTCOME_NOT_RELEASED: Outcome.NOT_RELEASED,
    notifications_pb.NotificationResult.OUTCOME_UNKNOWN: Outcome.UNKNOWN,
}


def encode(fact: object) -> OutgoingEvent:
    """Write a fact; all events of an account keep their order."""
    match fact:
        case CycleOpened():
            return _of_cycle(OPENED, fact.cycle, fact.cycle.sent_date, _opened(fact))
        case CycleClosed():
            message = pb.CycleClosed(cycle=cycle_name(fact.cycle), account=_account(fact.cycle), reason=fact.reason)
            return _of_cycle(CLOSED, fact.cycle, fact.business_date, message.SerializeToString())
        case NotificationRequested():
            return _of_step(REQUESTED, fact.step, fact.send_date, _requested(fact))
        case NotificationWithdrawn():
            told = pb.NotificationWithdrawn(step_id=str(fact.step.id), account=_account(fact.step), reason=fact.reason)
            return _of_step(WITHDRAWN, fact.step, fact.business_date, told.SerializeToString())
        case HandedToCollections():
            return _of_cycle(HANDED_OVER, fact.cycle, fact.business_date, _handed_over(fact))
    raise TypeError(f"arm publishes no {type(fact).__name__}")


def cycle_name(cycle: Cycle) -> str:
    """Give a cycle's resource name."""
    return CYCLE.format(e=cycle.enterprise_id, b=cycle.business_unit_id, a=cycle.account_id, c=cycle.id)


def business_unit_changed(data: bytes) -> BusinessUnit:
    """Read agreements' fact."""
    message = agreements_pb.BusinessUnitChanged.FromString(data)
    ids = parse(UNIT, message.business_unit, "business_unit")
    return BusinessUnit(ids["e"], ids["b"], message.display_name, message.time_zone, message.currency)


def member_changed(data: bytes) -> Member:
    """Read agreements' fact."""
    message = agreements_pb.MemberChanged.FromString(data)
    ids = parse(MEMBER, message.member, "member")
    return Member(
        enterprise_id=ids["e"],
        business_unit_id=ids["b"],
        id=ids["m"],
        account_id=parse(ACCOUNT, message.account, "account")["a"] if message.account else None,
        external_id=message.external_id,
        first_name=message.first_name,
        last_name=message.last_name,
        time_zone=message.time_zone,
        do_not_call=message.do_not_call,
        contacts=tuple(_contacts(message.contacts)),
    )


def suspension_started(data: bytes) -> SuspensionTold:
    """Read agreements' fact."""
    message = agreements_pb.SuspensionStarted.FromString(data)
    until = f" until {_iso(message.end_date)}" if message.HasField("end_date") else ""
    what = message.applied_to or "Agreement"
    text = f"{what} suspended ({message.type}) from {_iso(message.start_date)}{until}"
    return _suspension(message.account, text, repeated=message.repeated)


def suspension_end_changed(data: bytes) -> SuspensionTold:
    """Read agreements' fact."""
    message = agreements_pb.SuspensionEndChanged.FromString(data)
    day = f"is {_iso(message.end_date)}" if message.HasField("end_date") else "is open"
    text = f"{message.applied_to or 'Agreement'} suspension changed, first day back {day}"
    return _suspension(message.account, text, repeated=message.repeated)


def suspension_ended(data: bytes) -> SuspensionTold:
    """Read agreements' fact."""
    message = agreements_pb.SuspensionEnded.FromString(data)
    text = f"{message.applied_to or 'Agreement'} suspension ended, first day back {_iso(message.end_date)}"
    return _suspension(message.account, text, repeated=message.repeated)


def payment_declined(data: bytes) -> Declined:
    """Read billing's fact."""
    message = billing_pb.PaymentDeclined.FromString(data)
    ids = parse(ACCOUNT, message.account, "account")
    amount = money_from_proto(message.amount)
    return Declined(
        ids["e"], ids["b"], ids["a"], amount.amount_minor, message.primary, message.arm_entry, message.tender
    )


def account_balance_changed(data: bytes) -> Balance:
    """Read billing's fact."""
    message = billing_pb.AccountBalanceChanged.FromString(data)
    ids = parse(ACCOUNT, message.account, "account")
    items = tuple(
        OpenItem(
            item.invoice,
            item.number,
            date_from_proto(item.due_date, "due_date"),
            money_from_proto(item.balance, "balance").amount_minor,
            item.declined,
        )
        for item in message.open_items
    )
    return Balance(ids["e"], ids["b"], ids["a"], message.number, items, message.attempt_in_flight)


def notification_result(data: bytes) -> Result:
    """Read notifications' fact."""
    message = notifications_pb.NotificationResult.FromString(data)
    ids = parse(ACCOUNT, message.account, "account")
    return Result(
        enterprise_id=ids["e"],
        business_unit_id=ids["b"],
        account_id=ids["a"],
        step_id=UUID(message.step_id),
        outcome=_OUTCOMES.get(message.outcome, Outcome.NOT_RELEASED),
        attempt=message.attempt,
        result_date=date_from_proto(message.result_date, "result_date"),
        response=message.response,
        response_detail=message.response_detail,
        rule=_rule(message.rule) if message.HasField("rule") else None,
    )


def _rule(message: notifications_pb.ResponseRule) -> Rule:
    return Rule(
        include=message.include_in_activity,
        completed=message.completed,
        status=message.status,
        retry=message.retry,
        show=message.show_in_ui,
        mark_invalid=message.mark_invalid,
        description=message.description,
    )


def _contacts(messages: Iterable[agreements_pb.Contact]) -> Iterable[Contact]:
    for message in messages:
        # A type that this version doesn't know reaches nobody.
        if message.type in _CHANNELS:
            yield Contact(
                name=message.contact,
                channel=_CHANNELS[message.type],
                label=message.label,
                value=message.value,
                address_lines=tuple(message.address_lines),
                primary=message.primary,
                invalid=message.invalid,
                arm_purpose=message.arm_purpose,
            )


def _suspension(account: str, text: str, *, repeated: bool) -> SuspensionTold:
    ids = parse(ACCOUNT, account, "account")
    return SuspensionTold(ids["e"], ids["a"], text, repeated)


def _opened(fact: CycleOpened) -> bytes:
    message = pb.CycleOpened(
        cycle=cycle_name(fact.cycle),
        account=_account(fact.cycle),
        member=_member(fact.cycle, fact.member),
        sent_date=date_to_proto(fact.cycle.sent_date),
        sent_balance=money_to_proto(Money(fact.cycle.sent_balance_minor, fact.currency)),
        manual=fact.cycle.manual,
        contacts=fact.contacts,
    )
    return message.SerializeToString()


def _handed_over(fact: HandedToCollections) -> bytes:
    message = pb.HandedToCollections(
        cycle=cycle_name(fact.cycle),
        account=_account(fact.cycle),
        member=_member(fact.cycle, fact.member),
        past_due_balance=money_to_proto(Money(fact.past_due_minor, fact.currency)),
        agency=fact.agency,
    )
    return message.SerializeToString()


def _requested(fact: NotificationRequested) -> bytes:
    step = fact.step
    member = (fact.member_business_unit_id, step.member_id) if step.member_id is not None else None
    message = pb.NotificationRequested(
        step_id=str(step.id),
        cycle=CYCLE.format(e=step.enterprise_id, b=step.business_unit_id, a=step.account_id, c=step.cycle_id),
        account=_account(step),
        member=_member(step, member),
        channel=step.channel,
        template=fact.notification_template,
        contact=step.contact,
        contact_value=step.contact_value,
        address_lines=fact.address_lines,
        placeholders=dict(fact.placeholders),
        send_date=date_to_proto(fact.send_date),
        attempt=step.attempt,
        time_zone=fact.time_zone,
        do_not_call=fact.do_not_call,
        sender=_sender(fact.sender),
        recipient_name=fact.recipient_name,
    )
    return message.SerializeToString()


@lru_cache(maxsize=64)
def _sender(sender: Sender) -> pb.Sender:
    return pb.Sender(
        display_name=sender.display_name,
        from_address=sender.from_address,
        reply_to_address=sender.reply_to_address,
        caller_number=sender.caller_number,
        return_address_lines=sender.return_address_lines,
    )


def _of_cycle(kind: str, cycle: Cycle, day: date, data: bytes) -> OutgoingEvent:
    return _outgoing(kind, cycle_name(cycle), cycle, day, data)


def _of_step(kind: str, step: Step, day: date, data: bytes) -> OutgoingEvent:
    return _outgoing(kind, f"{_account(step)}/cycles/{step.cycle_id}/steps/{step.id}", step, day, data)


def _outgoing(kind: str, subject: str, owner: Cycle | Step, day: date, data: bytes) -> OutgoingEvent:
    return OutgoingEvent(
        type=kind,
        key=owner.account_id,
        subject=subject,
        enterprise_id=owner.enterprise_id,
        business_date=day,
        data=data,
        business_unit_id=owner.business_unit_id,
    )


def _account(owner: Cycle | Step) -> str:
    return ACCOUNT.format(e=owner.enterprise_id, b=owner.business_unit_id, a=owner.account_id)


def _member(owner: Cycle | Step, member: tuple[UUID, UUID] | None) -> str:
    return MEMBER.format(e=owner.enterprise_id, b=member[0], m=member[1]) if member is not None else ""


def _iso(message: date_pb2.Date) -> str:
    return date_from_proto(message).isoformat()
