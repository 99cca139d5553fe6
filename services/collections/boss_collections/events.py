"""Facts on the wire: ours on their way out, the others' on their way in."""

from uuid import UUID

from boss.events.agreements.v1 import agreements_events_pb2 as agreements
from boss.events.arm.v1 import arm_events_pb2 as arm
from boss.events.billing.v1 import billing_events_pb2 as billing
from boss.events.collections.v1 import collections_events_pb2 as collections

from boss_collections.debtors.rules import (
    ACCOUNT_NAME,
    INVOICE_NAME,
    UNIT_NAME,
    AccountBalance,
    AccountRef,
    AgreementState,
    ArmEntry,
    BusinessUnit,
    Holder,
    OpenItem,
)
from boss_collections.hand_overs.rules import HandOver
from boss_collections.stages.rules import StageChanged
from boss_kit import names
from boss_kit.events.envelope import OutgoingEvent
from boss_kit.money import Money
from boss_kit.rpc.convert import date_from_proto, money_from_proto

STAGE_CHANGED = "boss.collections.stage.v1.changed"
CYCLE_NAME = ACCOUNT_NAME + "/cycles/{cycle}"


def encode(fact: object) -> OutgoingEvent:
    """Write one of our facts. Raises TypeError for anything else."""
    if isinstance(fact, StageChanged):
        return _stage_changed(fact)
    raise TypeError(f"collections publishes no {type(fact).__name__}")


def _stage_changed(fact: StageChanged) -> OutgoingEvent:
    stage, account = fact.stage, fact.stage.account
    return OutgoingEvent(
        type=STAGE_CHANGED,
        key=account.account_id,
        subject=account.name,
        enterprise_id=account.enterprise_id,
        business_unit_id=account.business_unit_id,
        business_date=fact.business_date,
        version=stage.version,
        data=collections.StageChanged(account=account.name, stage=stage.stage).SerializeToString(),
    )


def business_unit_changed(data: bytes) -> BusinessUnit:
    """Read a business unit."""
    fact = agreements.BusinessUnitChanged.FromString(data)
    ids = names.parse(UNIT_NAME, fact.business_unit, "business_unit")
    return BusinessUnit(ids["enterprise"], ids["unit"], fact.display_name, fact.time_zone)


def member_changed(data: bytes) -> Holder | None:
    """Read who is responsible for an account; None for a member without one."""
    fact = agreements.MemberChanged.FromString(data)
    if not fact.account:
        return None
    return Holder(AccountRef.parse(fact.account), f"{fact.first_name} {fact.last_name}".strip())


def agreement_changed(data: bytes) -> AgreementState:
    """Read an agreement."""
    fact = agreements.AgreementChanged.FromString(data)
    discount = Money(0, fact.price.currency_code)
    if fact.HasField("initial_service_discount"):
        discount = money_from_proto(fact.initial_service_discount, "initial_service_discount")
    return AgreementState(AccountRef.parse(fact.account), _last_id(fact.agreement), fact.status, discount)


def account_balance_changed(data: bytes) -> AccountBalance:
    """Read what an account owes."""
    fact = billing.AccountBalanceChanged.FromString(data)
    items = tuple(map(_open_item, fact.open_items))
    return AccountBalance(AccountRef.parse(fact.account), fact.number, money_from_proto(fact.balance, "balance"), items)


def _open_item(item: billing.OpenItem) -> OpenItem:
    return OpenItem(
        invoice_id=names.parse(INVOICE_NAME, item.invoice, "invoice")["invoice"],
        number=item.number,
        due_date=date_from_proto(item.due_date, "due_date"),
        balance_minor=money_from_proto(item.balance, "balance").amount_minor,
        total_minor=money_from_proto(item.total, "total").amount_minor,
        declined=item.declined,
        agreement=item.agreement,
    )


def cycle_opened(data: bytes) -> ArmEntry:
    """Read an entry into ARM."""
    fact = arm.CycleOpened.FromString(data)
    return ArmEntry(AccountRef.parse(fact.account), _cycle(fact.cycle))


def cycle_closed(data: bytes) -> ArmEntry:
    """Read an exit from ARM."""
    fact = arm.CycleClosed.FromString(data)
    return ArmEntry(AccountRef.parse(fact.account), _cycle(fact.cycle))


def handed_to_collections(data: bytes) -> HandOver:
    """Read what ARM gives up."""
    fact = arm.HandedToCollections.FromString(data)
    balance = money_from_proto(fact.past_due_balance, "past_due_balance")
    return HandOver(AccountRef.parse(fact.account), _cycle(fact.cycle), balance, fact.agency)


def _cycle(name: str) -> UUID:
    return names.parse(CYCLE_NAME, name, "cycle")["cycle"]


def _last_id(name: str) -> UUID:
    return UUID(name.rpartition("/")[2])
