"""A club for tests: ids, events in, events out, notifications at rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from boss.events.arm.v1 import arm_events_pb2 as arm_pb
from boss.events.notifications.v1 import notifications_events_pb2 as pb
from boss.events.v1 import event_pb2
from google.protobuf.message import Message
from google.type import date_pb2

from boss_kit.context import Context
from boss_kit.events.consumer import Consumer
from boss_kit.events.facts import fact_types
from boss_kit.ids import derived_id, partition_of
from boss_kit.tasks import Task
from boss_kit.testing.outbox import written_events
from boss_kit.unit_of_work import UnitOfWork
from boss_notifications.intents.tables import N, notification
from boss_notifications.templates.commands import create_template
from boss_notifications.templates.rules import Draft

TODAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 18, tzinfo=UTC)  # 12:00 in Denver, the day after the clocks went forward.
ZONE = "America/Denver"


@dataclass
class Club:
    """One enterprise, one unit, as many members as asked for."""

    units: UnitOfWork
    consumer: Consumer
    enterprise_id: UUID = field(default_factory=uuid4)

    @property
    def enterprise(self) -> str:
        return f"enterprises/{self.enterprise_id}"

    @property
    def unit_id(self) -> UUID:
        return derived_id(self.enterprise_id, "business-unit", "Denver Club")

    @property
    def unit(self) -> str:
        return f"{self.enterprise}/businessUnits/{self.unit_id}"

    def account_id(self, number: str) -> UUID:
        return derived_id(self.enterprise_id, "account", number)

    def account(self, number: str) -> str:
        return f"{self.unit}/accounts/{self.account_id(number)}"

    def member(self, number: str) -> str:
        return f"{self.unit}/members/{derived_id(self.enterprise_id, 'member', number)}"

    def contact(self, number: str, label: str) -> str:
        member_id = derived_id(self.enterprise_id, "member", number)
        return f"{self.member(number)}/contacts/{derived_id(member_id, 'contact', label)}"

    def context(self, day: date = TODAY) -> Context:
        return Context(enterprise_id=self.enterprise_id, business_date=day, correlation="story")

    def task(self, name: str = "dispatch", day: date = TODAY, task_id: UUID | None = None) -> Task:
        return Task(task_id or uuid4(), self.enterprise_id, name, f"{name}/{day}", {}, day, 1, self.context(day))

    def open_unit(self) -> None:
        fact = agreements_pb.BusinessUnitChanged(
            business_unit=self.unit, display_name="Denver Club", time_zone=ZONE, currency="USD"
        )
        self.feed("agreements", fact, self.unit_id, version=1)

    def add_member(self, number: str, *, version: int = 1, **wishes: Any) -> None:
        fact = agreements_pb.MemberChanged(
            member=self.member(number),
            account=self.account(number),
            external_id=number,
            time_zone=ZONE,
            **wishes,
        )
        self.feed("agreements", fact, derived_id(self.enterprise_id, "member", number), version=version)

    def add_template(self, channel: str = "Email", **values: Any) -> str:
        texts: dict[str, Any] = {"subject": "Hello {{ first_name }}", "body": "{{ first_name }} owes {{ balance }}."}
        if channel == "Phone":
            texts = {"audio": wav()}
        draft = Draft(channel, f"{channel} one", placeholders=("first_name", "balance"), **{**texts, **values})
        with self.units.begin(self.context()) as tx:
            return f"{self.enterprise}/templates/{create_template(tx, draft).id}"

    def request(self, number: str, channel: str, template: str, **values: Any) -> UUID:
        """Let ARM ask for a notification; give the step's id."""
        fact = self.requested(number, channel, template, **values)
        self.feed("arm", fact, self.account_id(number))
        return UUID(fact.step_id)

    def requested(self, number: str, channel: str, template: str, **values: Any) -> arm_pb.NotificationRequested:
        label, value = {"Email": ("email", f"{number.lower()}@example.com"), "Phone": ("cell", "+13035550148")}.get(
            channel, ("address", "")
        )
        send_date = values.pop("send_date", TODAY)
        defaults: dict[str, Any] = {
            "step_id": str(uuid4()),
            "account": self.account(number),
            "member": self.member(number),
            "channel": channel,
            "template": template,
            "contact": self.contact(number, label),
            "contact_value": value,
            "address_lines": ["2581 Park St", "Denver, CO 80202"] if channel == "Letter" else [],
            "placeholders": {"first_name": "Chloé", "balance": "$12.00"},
            "send_date": proto_date(send_date),
            "time_zone": ZONE,
            "recipient_name": "Chloé Khan",
            "sender": arm_pb.Sender(
                display_name="Denver Club",
                from_address="billing@denver.example.com",
                reply_to_address="desk@denver.example.com",
                caller_number="(303) 555-0100",
                return_address_lines=["1200 Larimer St", "Denver, CO 80204"],
            ),
        }
        return arm_pb.NotificationRequested(**{**defaults, **values})

    def withdraw(self, number: str, step_id: UUID) -> None:
        fact = arm_pb.NotificationWithdrawn(
            step_id=str(step_id), account=self.account(number), reason="The balance was paid."
        )
        self.feed("arm", fact, self.account_id(number))

    def feed(self, producer: str, fact: Message, key: UUID, *, version: int = 0, event_id: str = "") -> bytes:
        """Let a real batch with one event come in."""
        event = event_pb2.Event(
            id=event_id or str(uuid4()),
            source=producer,
            type=_TYPES[fact.DESCRIPTOR.full_name],
            enterprise=str(self.enterprise_id),
            business_unit=str(self.unit_id),
            key=str(key),
            version=version,
            correlation="story",
            business_date=proto_date(TODAY),
            data=fact.SerializeToString(),
        )
        batch = event_pb2.EventBatch(producer=producer, partition=partition_of(key), events=[event])
        body = batch.SerializeToString()
        self.consumer.process(body)
        return body

    def notification(self, step_id: UUID, attempt: int = 0) -> "sa.Row[Any]":
        with self.units.engine.connect() as connection:
            return connection.execute(sa.select(notification).where(N.step_id == step_id, N.attempt == attempt)).one()

    def states(self) -> list[str]:
        with self.units.engine.connect() as connection:
            return list(connection.scalars(sa.select(N.state).where(N.enterprise_id == self.enterprise_id)))

    def results(self, step_id: UUID | None = None) -> list[pb.NotificationResult]:
        found = [fact for fact in self.facts() if isinstance(fact, pb.NotificationResult)]
        return [fact for fact in found if step_id is None or fact.step_id == str(step_id)]

    def invalidated(self) -> list[pb.ContactInvalidated]:
        return [fact for fact in self.facts() if isinstance(fact, pb.ContactInvalidated)]

    def events(self) -> Sequence[event_pb2.Event]:
        with self.units.engine.connect() as connection:
            return written_events(connection, self.enterprise_id)

    def facts(self) -> list[Message]:
        return [fact_types()[event.type].message.FromString(event.data) for event in self.events()]


_TYPES = {fact.message.DESCRIPTOR.full_name: name for name, fact in fact_types().items()}


def proto_date(day: date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def wav(seconds: float = 1.0, *, rate: int = 8000) -> bytes:
    """Make a silent recording: RIFF/PCM, mono, 16 bits."""
    sound = b"\0\0" * int(rate * seconds)
    head = (
        b"fmt "
        + (16).to_bytes(4, "little")
        + b"".join(
            value.to_bytes(size, "little")
            for value, size in ((1, 2), (1, 2), (rate, 4), (rate * 2, 4), (2, 2), (16, 2))
        )
    )
    body = b"WAVE" + head + b"data" + len(sound).to_bytes(4, "little") + sound
    return b"RIFF" + len(body).to_bytes(4, "little") + body
