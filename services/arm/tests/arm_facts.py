"""A club as arm knows it: facts of the other services as real batches, the jobs, and what arm says."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import sqlalchemy as sa
from boss.events.agreements.v1 import agreements_events_pb2 as agreements
from boss.events.arm.v1 import arm_events_pb2 as arm
from boss.events.billing.v1 import billing_events_pb2 as billing
from boss.events.notifications.v1 import notifications_events_pb2 as notifications
from boss.events.v1 import event_pb2
from boss.options.v1 import options_pb2
from google.protobuf.message import Message
from google.type import date_pb2

from boss_arm.cycles.process import hand_over
from boss_arm.steps.process import daily_run
from boss_kit import schema
from boss_kit.context import SYSTEM, Context
from boss_kit.events.consumer import Consumer
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto
from boss_kit.tasks import Task
from boss_kit.testing.outbox import written_events
from boss_kit.unit_of_work import UnitOfWork

ENTERPRISE = UUID("11111111-0000-4000-8000-000000000001")
DENVER = UUID("22222222-0000-4000-8000-000000000001")
AUSTIN = UUID("22222222-0000-4000-8000-000000000002")
DAY = date(2026, 3, 10)
MESSAGES = {
    "boss.arm.cycle.v1.opened": arm.CycleOpened,
    "boss.arm.cycle.v1.closed": arm.CycleClosed,
    "boss.arm.notification.v1.requested": arm.NotificationRequested,
    "boss.arm.notification.v1.withdrawn": arm.NotificationWithdrawn,
    "boss.arm.cycle.v1.handed_to_collections": arm.HandedToCollections,
}
RULES = {
    "delivered": (True, True, "Email Successful", False, True, False, "Delivered", "", "Email was delivered"),
    "opened": (True, True, "Email Successful", False, True, False, "Opened", "", "Email was opened by member"),
    "clicked": (True, True, "Email Successful", False, True, False, "Clicked", "", "Member clicked on link in email"),
    "spam": (True, True, "Email Successful", False, True, False, "Spam Report", "", "Member marked email as spam"),
    "bounce": (True, False, "Email Unsuccessful", True, False, False, "Bounce", "", "Email Bounced"),
    "header": (
        *(False, False, "Email Unsuccessful", True, False, False),
        *("Dropped", "Invalid SMTP API header", "Error - Please contact Motionsoft (1001)"),
    ),
    "spam content": (
        *(False, False, "Email Unsuccessful", True, False, True),
        *("Dropped", "Spam Content", "Undeliverable - Spam Content"),
    ),
    "invalid": (
        *(True, True, "Email Unsuccessful", False, True, True),
        *("Dropped", "Invalid", "Undeliverable - Invalid Email Address"),
    ),
    "blank": (
        *(True, True, "Call Unsuccessful", False, True, True),
        *("Blank Number", "Phone number field blank", "No phone number"),
    ),
    "human": (
        *(True, True, "Call Successful", False, True, False),
        *("Human Answer", "Human answer detected", "Call answered by member"),
    ),
    "letter": (True, True, "", False, True, False, "", "", "Letter Sent"),
}


def on(days: int) -> date:
    """Give the day so many days after the club's first."""
    return DAY + timedelta(days=days)


def usd(minor: int) -> Any:
    return money_to_proto(Money(minor, "USD"))


def date_of(day: date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def day_of(message: date_pb2.Date) -> date:
    return date(message.year, message.month, message.day)


def unit_name(unit: UUID = DENVER) -> str:
    return f"enterprises/{ENTERPRISE}/businessUnits/{unit}"


def account_id(number: str) -> UUID:
    return uuid5(ENTERPRISE, f"account/{number}")


def account(number: str, unit: UUID = DENVER) -> str:
    return f"{unit_name(unit)}/accounts/{account_id(number)}"


def contact_name(number: str, label: str, unit: UUID = DENVER) -> str:
    member = uuid5(ENTERPRISE, f"member/{number}")
    return f"{unit_name(unit)}/members/{member}/contacts/{uuid5(member, label)}"


def item(number: str, due: date, minor: int, *, declined: bool = False) -> billing.OpenItem:
    """Make an open invoice, named by its due date."""
    return billing.OpenItem(
        invoice=f"{account(number)}/invoices/{uuid5(account_id(number), due.isoformat())}",
        number=f"I-{due:%m%d}",
        due_date=date_of(due),
        balance=usd(minor),
        total=usd(minor),
        declined=declined,
    )


def contacts(number: str, **changes: dict[str, Any]) -> list[agreements.Contact]:
    """Make a member's three contacts; `changes` override fields by label, None leaves one out."""
    kinds: dict[str, dict[str, Any]] = {
        "email": {"type": agreements.Contact.TYPE_EMAIL, "value": f"{number.lower()}@example.com"},
        "cell": {"type": agreements.Contact.TYPE_PHONE, "value": "+13035550142"},
        "address": {"type": agreements.Contact.TYPE_ADDRESS, "address_lines": ["1 Main St", "Denver, CO 80202"]},
    }
    return [
        agreements.Contact(
            **{"contact": contact_name(number, label), "label": label, "primary": True} | kind | changes.get(label, {})
        )
        for label, kind in kinds.items()
    ]


@dataclass
class Club:
    """Says what the other services would say, runs the jobs, and reads what arm publishes."""

    units: UnitOfWork
    consumer: Consumer
    set_clock: Callable[[date], None]
    day: date = DAY
    versions: Counter[str] = field(default_factory=Counter)

    def go(self, days: int) -> None:
        """Go to the day so many days after the first."""
        self.day = on(days)
        self.set_clock(self.day)

    def unit(self, unit: UUID = DENVER, name: str = "Denver Club") -> None:
        """Agreements announces a business unit."""
        fact = agreements.BusinessUnitChanged(
            business_unit=unit_name(unit), display_name=name, time_zone="America/Denver", currency="USD"
        )
        self.send("agreements", [self.event(fact, unit, fact.business_unit)])

    def member(
        self, number: str, unit: UUID = DENVER, ways: Sequence[agreements.Contact] | None = None, **more: Any
    ) -> None:
        """Agreements tells a member and the ways to reach them."""
        member = uuid5(ENTERPRISE, f"member/{number}")
        name = f"{unit_name(unit)}/members/{member}"
        fields = {
            "first_name": "Ada",
            "last_name": "Example",
            "time_zone": "America/Denver",
            "external_id": number,
        } | more
        fact = agreements.MemberChanged(
            member=name, account=account(number, unit), contacts=contacts(number) if ways is None else ways, **fields
        )
        self.send("agreements", [self.event(fact, member, name)])

    def balance(
        self, number: str, *items: billing.OpenItem, in_flight: bool = False, unit: UUID = DENVER
    ) -> event_pb2.Event:
        """Make billing's word on what an account owes."""
        name = account(number, unit)
        fact = billing.AccountBalanceChanged(
            account=name, number=number, balance=usd(sum(one.balance.units for one in items) * 100)
        )
        fact.open_items.extend(items)
        fact.attempt_in_flight = in_flight
        return self.event(fact, account_id(number), name)

    def decline(self, number: str, minor: int = 3500, unit: UUID = DENVER, **more: Any) -> event_pb2.Event:
        """Make billing's word that a payment was finally declined."""
        fields = {"primary": True, "arm_entry": True, "tender": "VISA", "code": "D03"} | more
        name = account(number, unit)
        payment = f"{name}/payments/{uuid4()}"
        fact = billing.PaymentDeclined(payment=payment, account=name, amount=usd(minor), **fields)
        return self.event(fact, account_id(number), payment)

    def owes(self, number: str, *items: billing.OpenItem, in_flight: bool = False, unit: UUID = DENVER) -> None:
        """Billing tells what an account owes."""
        self.send("billing", [self.balance(number, *items, in_flight=in_flight, unit=unit)])

    def declines(self, number: str, minor: int = 3500, unit: UUID = DENVER, **more: Any) -> None:
        """Billing declines the payment of an invoice that is due today."""
        owed = item(number, self.day, minor, declined=True)
        self.send("billing", [self.decline(number, minor, unit, **more), self.balance(number, owed, unit=unit)])

    def pays(self, number: str) -> None:
        """Billing tells that nothing is owed any more."""
        self.owes(number)

    def result(self, step: str, number: str, rule: str = "", *, attempt: int = 0, outcome: str = "RESPONSE") -> None:
        """Notifications tells what became of a step: a row of the response table by its short name here."""
        channel = self.step(step).channel
        fact = notifications.NotificationResult(
            step_id=step,
            account=account(number),
            channel=channel,
            outcome=getattr(notifications.NotificationResult, f"OUTCOME_{outcome}"),
            result_date=date_of(self.day),
            attempt=attempt,
        )
        if rule:
            include, completed, status, retry, show, mark, response, detail, text = RULES[rule]
            fact.response, fact.response_detail = response, detail
            fact.rule.CopyFrom(
                notifications.ResponseRule(
                    include_in_activity=include,
                    completed=completed,
                    status=status,
                    retry=retry,
                    show_in_ui=show,
                    mark_invalid=mark,
                    description=text,
                )
            )
        self.send("notifications", [self.event(fact, account_id(number), step)])

    def sent(self, step: str, number: str, attempt: int = 0) -> None:
        """Notifications tells that an attempt went out."""
        self.result(step, number, attempt=attempt, outcome="SENT")

    def run(self) -> list[arm.NotificationRequested]:
        """Do the daily run of the club's day; give what it newly asks notifications to send."""
        before = len(self.facts(arm.NotificationRequested))
        daily_run(self.units)(self.task("daily-run"))
        return self.facts(arm.NotificationRequested)[before:]

    def hand_over(self) -> list[arm.HandedToCollections]:
        """Do the hand-over of the club's day; give what goes to collections."""
        before = len(self.facts(arm.HandedToCollections))
        hand_over(self.units)(self.task("hand-over"))
        return self.facts(arm.HandedToCollections)[before:]

    def task(self, name: str) -> Task:
        context = Context(enterprise_id=ENTERPRISE, correlation=f"{name}-{self.day}", business_date=self.day)
        return Task(new_id(), ENTERPRISE, name, str(self.day), {}, self.day, 1, context)

    def event(self, fact: Message, key: UUID, subject: str) -> event_pb2.Event:
        """Put a fact into its envelope, of the club's day."""
        kind = fact.DESCRIPTOR.GetOptions().Extensions[options_pb2.event_type]
        self.versions[subject] += 1
        return event_pb2.Event(
            id=str(uuid4()),
            type=kind,
            subject=subject,
            enterprise=str(ENTERPRISE),
            key=str(key),
            version=self.versions[subject],
            correlation=f"story-{subject[-8:]}",
            actor=SYSTEM.to_json(),
            business_date=date_of(self.day),
            data=fact.SerializeToString(),
        )

    def send(self, producer: str, events: Iterable[event_pb2.Event]) -> None:
        """Let arm consume a batch."""
        batch = event_pb2.EventBatch(producer=producer, partition=0, events=events)
        self.consumer.process(batch.SerializeToString())
        with self.units.engine.connect() as connection:
            parked = connection.execute(sa.select(schema.parked_event.c.type, schema.parked_event.c.error)).all()
        assert parked == [], "arm couldn't process an event"

    def events(self) -> list[event_pb2.Event]:
        """Read everything arm has published, in order."""
        with self.units.engine.connect() as connection:
            return list(written_events(connection))

    def facts(self, kind: type[Message]) -> list[Any]:
        """Read the facts of one kind that arm has published, in order."""
        decoded = ((MESSAGES[event.type], event.data) for event in self.events())
        return [message.FromString(data) for message, data in decoded if message is kind]

    def step(self, step_id: str) -> arm.NotificationRequested:
        """Give the last request of a step."""
        return next(fact for fact in reversed(self.facts(arm.NotificationRequested)) if fact.step_id == step_id)

    def count(self, statement: str) -> int:
        """Count rows."""
        with self.units.engine.connect() as connection:
            return connection.scalar(sa.text(f"SELECT count(*) FROM {statement}")) or 0  # tests only
