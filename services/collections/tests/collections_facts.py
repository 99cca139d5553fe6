"""Facts of the other services as collections gets them: real batches, fed to the kit's consumer."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4, uuid5

from boss.events.agreements.v1 import agreements_events_pb2 as agreements
from boss.events.arm.v1 import arm_events_pb2 as arm
from boss.events.billing.v1 import billing_events_pb2 as billing
from boss.events.v1 import event_pb2
from boss.options.v1 import options_pb2
from google.protobuf.message import Message
from google.type import date_pb2

from boss_collections.debtors.rules import AccountRef
from boss_kit.context import SYSTEM
from boss_kit.events.consumer import Consumer
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto

ENTERPRISE = UUID("11111111-0000-4000-8000-000000000001")
DENVER = UUID("22222222-0000-4000-8000-000000000001")
AUSTIN = UUID("22222222-0000-4000-8000-000000000002")
DAY = date(2026, 3, 10)


def account(number: int | str, unit: UUID = DENVER) -> AccountRef:
    """Name an account by its number."""
    return AccountRef(ENTERPRISE, unit, uuid5(ENTERPRISE, str(number)))


def unit_name(unit: UUID = DENVER) -> str:
    return f"enterprises/{ENTERPRISE}/businessUnits/{unit}"


def open_item(
    of: AccountRef, due: date, balance_minor: int, *, declined: bool = False, number: str = "", currency: str = "USD"
) -> billing.OpenItem:
    """Make an open invoice; its total is what is owed on it and a dollar more."""
    return billing.OpenItem(
        invoice=f"{of.name}/invoices/{uuid5(of.account_id, f'{due} {number}')}",
        number=number or f"I-{due:%m%d}",
        due_date=date_pb2.Date(year=due.year, month=due.month, day=due.day),
        balance=money_to_proto(Money(balance_minor, currency)),
        total=money_to_proto(Money(balance_minor + 100, currency)),
        declined=declined,
    )


class Feed:
    """Says what the other services would say."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._versions: Counter[str] = Counter()

    def unit(self, unit: UUID = DENVER, time_zone: str = "America/Denver") -> None:
        """Agreements announces a business unit."""
        fact = agreements.BusinessUnitChanged(
            business_unit=unit_name(unit), display_name="Club", time_zone=time_zone, currency="USD"
        )
        self.send("agreements", [self.event(fact, unit, fact.business_unit, DAY)])

    def member(self, of: AccountRef, first_name: str, last_name: str) -> None:
        """Agreements names the one who is responsible for an account."""
        member = uuid5(of.account_id, "member")
        name = f"{unit_name(of.business_unit_id)}/members/{member}"
        fact = agreements.MemberChanged(member=name, account=of.name, first_name=first_name, last_name=last_name)
        self.send("agreements", [self.event(fact, member, name, DAY)])

    def agreement(self, of: AccountRef, status: str) -> None:
        """Agreements tells the state of an account's agreement."""
        name = f"{unit_name(of.business_unit_id)}/agreements/{uuid5(of.account_id, 'agreement')}"
        price = money_to_proto(Money(3500, "USD"))
        fact = agreements.AgreementChanged(agreement=name, account=of.name, status=status, price=price)
        self.send("agreements", [self.event(fact, of.account_id, name, DAY)])

    def owes(
        self, of: AccountRef, day: date, *items: billing.OpenItem, number: str = "", currency: str = "USD"
    ) -> None:
        """Billing tells what an account owes."""
        self.send("billing", [self.balance(of, day, *items, number=number, currency=currency)])

    def balance(
        self,
        of: AccountRef,
        day: date,
        *items: billing.OpenItem,
        number: str = "",
        version: int = 0,
        currency: str = "USD",
    ) -> event_pb2.Event:
        """Make the event of a balance."""
        owed = sum(item.balance.units * 100 + item.balance.nanos // 10_000_000 for item in items)
        fact = billing.AccountBalanceChanged(
            account=of.name, number=number, balance=money_to_proto(Money(owed, currency)), open_items=items
        )
        return self.event(fact, of.account_id, of.name, day, version)

    def enters_arm(self, of: AccountRef, cycle: UUID, day: date = DAY) -> None:
        """ARM opens a cycle."""
        fact = arm.CycleOpened(cycle=f"{of.name}/cycles/{cycle}", account=of.name)
        self.send("arm", [self.event(fact, of.account_id, fact.cycle, day)])

    def leaves_arm(self, of: AccountRef, cycle: UUID, day: date = DAY) -> None:
        """ARM closes a cycle."""
        fact = arm.CycleClosed(cycle=f"{of.name}/cycles/{cycle}", account=of.name, reason="paid")
        self.send("arm", [self.event(fact, of.account_id, fact.cycle, day)])

    def handed_over(self, of: AccountRef, day: date = DAY, balance_minor: int = 5900, agency: str = "Acme") -> None:
        """ARM gives an account up."""
        self.send("arm", [self.hand_over(of, day, balance_minor, agency)])

    def hand_over(
        self, of: AccountRef, day: date = DAY, balance_minor: int = 5900, agency: str = "Acme"
    ) -> event_pb2.Event:
        """Make the event of a hand-over."""
        fact = arm.HandedToCollections(
            cycle=f"{of.name}/cycles/{uuid4()}",
            account=of.name,
            past_due_balance=money_to_proto(Money(balance_minor, "USD")),
            agency=agency,
        )
        return self.event(fact, of.account_id, fact.cycle, day)

    def event(self, fact: Message, key: UUID, subject: str, day: date, version: int = 0) -> event_pb2.Event:
        """Put a fact into its envelope."""
        self._versions[subject] += 1
        return event_pb2.Event(
            id=str(uuid4()),
            type=fact.DESCRIPTOR.GetOptions().Extensions[options_pb2.event_type],
            subject=subject,
            business_date=date_pb2.Date(year=day.year, month=day.month, day=day.day),
            enterprise=str(ENTERPRISE),
            key=str(key),
            version=version or self._versions[subject],
            correlation="story-1",
            actor=SYSTEM.to_json(),
            data=fact.SerializeToString(),
        )

    def send(self, producer: str, events: Sequence[event_pb2.Event]) -> None:
        """Have a batch of events consumed."""
        self._consumer.process(event_pb2.EventBatch(producer=producer, events=events).SerializeToString())
