"""A club to test with: records, calls, events, days."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from boss.agreements.v1 import member_service_pb2 as members_pb
from boss.agreements.v1 import organization_service_pb2 as organization_pb
from boss.events.v1 import event_pb2
from google.protobuf.message import Message
from google.type import date_pb2, money_pb2

import boss_agreements.app
from boss_agreements.imports.rules import FIELDS
from boss_agreements.organization.rules import business_unit_id
from boss_agreements.subscriptions import SUBSCRIPTIONS
from boss_agreements.suspensions.process import day_process
from boss_kit import schema
from boss_kit.context import Context
from boss_kit.events.consumer import Consumer
from boss_kit.events.facts import fact_types
from boss_kit.ids import derived_id, new_id, partition_of
from boss_kit.tasks import Task
from boss_kit.testing.outbox import written_events
from boss_kit.unit_of_work import UnitOfWork

ENTERPRISE_ID = UUID("0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f")
ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
CLUB = "Denver Club"
FIRST_DAY = date(2026, 1, 1)
MIGRATIONS = Path(boss_agreements.app.__file__).parent / "migrations"
USUAL = dict.fromkeys(FIELDS, "") | {
    "external_id": "M1",
    "business_unit": CLUB,
    "first_name": "Chloé",
    "last_name": "Khan",
    "email": "chloe@example.com",
    "cell_phone": "(658) 510-2323",
    "home_phone": "(810) 605-7421",
    "address_1": "2581 Park St",
    "city": "Denver",
    "state": "CO",
    "postal_code": "80202",
    "time_zone": "America/Denver",
    "agreement": "Gold Monthly",
    "agreement_type": "Membership",
    "price": "35.00",
    "schedule": "monthly_anniversary",
    "term": "perpetual",
    "start_date": "2025-03-10",
}


def day(text: str) -> date_pb2.Date:
    """Write `2026-01-10` as a proto date."""
    found = date.fromisoformat(text)
    return date_pb2.Date(year=found.year, month=found.month, day=found.day)


def iso(message: date_pb2.Date) -> str:
    """Read a proto date as text."""
    return f"{message.year:04}-{message.month:02}-{message.day:02}"


def usd(cents: int) -> money_pb2.Money:
    """Write cents."""
    return money_pb2.Money(currency_code="USD", units=cents // 100, nanos=cents % 100 * 10_000_000)


def cents(money: money_pb2.Money) -> int:
    """Read cents."""
    return money.units * 100 + money.nanos // 10_000_000


def record(number: int, **values: str) -> members_pb.MemberRecord:
    """Make a record: a usual one with some values changed."""
    return members_pb.MemberRecord(record=number, **(USUAL | values))


@dataclass
class Club:
    """A served, consuming, running service with one enterprise and its clubs."""

    units: UnitOfWork
    organizations: Any
    members: Any
    agreements: Any
    due_charges: Any
    timeline: Any
    tokens: Any
    server: Any
    billing: Any
    sales: Any
    seen_events: int = 0
    _answered: set[str] = field(default_factory=set)

    @property
    def unit(self) -> str:
        """The club's name."""
        return f"{ENTERPRISE}/businessUnits/{business_unit_id(ENTERPRISE_ID, CLUB)}"

    def set_clock(self, text: str) -> None:
        """Make it 18:00 UTC of a day."""
        now = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC).replace(hour=18)
        with self.units.engine.begin() as connection:
            connection.execute(sa.delete(schema.test_clock))
            connection.execute(sa.insert(schema.test_clock).values(id=1, now=now))

    def import_records(
        self, *records: members_pb.MemberRecord, validate_only: bool = False, size: int = 500
    ) -> list[Any]:
        """Import records and give their results."""
        messages = [
            members_pb.ImportMembersRequest(
                parent=ENTERPRISE, validate_only=validate_only, records=records[start : start + size]
            )
            for start in range(0, len(records), size)
        ]
        return [one for answer in self.members.ImportMembers(iter(messages), timeout=60) for one in answer.results]

    def member_name(self, external_id: str = "M1") -> str:
        """Name a member."""
        return f"{self.unit}/members/{derived_id(ENTERPRISE_ID, 'member', external_id)}"

    def agreement_name(self, external_id: str = "M1") -> str:
        """Name an imported agreement."""
        return f"{self.unit}/agreements/{derived_id(ENTERPRISE_ID, 'agreement', external_id)}"

    def account_id(self, external_id: str = "M1") -> UUID:
        """Give an account's id."""
        return derived_id(ENTERPRISE_ID, "account", external_id)

    def run_day(self, text: str) -> None:
        """Set the clock and run the daily job."""
        self.set_clock(text)
        today = date.fromisoformat(text)
        context = Context(enterprise_id=ENTERPRISE_ID, business_date=today, correlation=f"day-{text}")
        day_process(self.units)(Task(new_id(), ENTERPRISE_ID, "suspensions", text, {}, today, 1, context))

    def feed(self, *events: event_pb2.Event) -> None:
        """Consume events as one batch from their producer."""
        batch = event_pb2.EventBatch(
            events=events, producer=events[0].source, partition=partition_of(UUID(events[0].key))
        )
        Consumer(self.units, SUBSCRIPTIONS).process(batch.SerializeToString())

    def facts(self) -> list[tuple[event_pb2.Event, Any]]:
        """Give the facts published since the last time, in order, with their envelopes."""
        with self.units.engine.connect() as connection:
            written = written_events(connection)
        events, self.seen_events = written[self.seen_events :], len(written)
        return [(event, fact_types()[event.type].message.FromString(event.data)) for event in events]

    def parked(self) -> Sequence[str]:
        """Give the errors of parked events."""
        with self.units.engine.connect() as connection:
            return connection.scalars(sa.select(schema.parked_event.c.error)).all()


def fact_event(source: str, fact: Message, key: UUID, text: str, **envelope: Any) -> event_pb2.Event:
    """Put a fact of another service into its envelope."""
    kind = next(
        kind for kind, known in fact_types().items() if known.message.DESCRIPTOR.full_name == fact.DESCRIPTOR.full_name
    )
    values = {"id": str(uuid4()), "correlation": "story", "key": str(key)} | envelope
    return event_pb2.Event(
        source=source,
        type=kind,
        enterprise=str(ENTERPRISE_ID),
        business_date=day(text),
        data=fact.SerializeToString(),
        **values,
    )


def add_unit(club: Club, external_id: str, time_zone: str) -> organization_pb.BusinessUnit:
    """Add another club."""
    unit = organization_pb.BusinessUnit(
        external_id=external_id, display_name=external_id, time_zone=time_zone, currency="USD"
    )
    request = organization_pb.CreateBusinessUnitRequest(parent=ENTERPRISE, business_unit=unit, request_id=str(uuid4()))
    made: organization_pb.BusinessUnit = club.organizations.CreateBusinessUnit(request)
    return made
