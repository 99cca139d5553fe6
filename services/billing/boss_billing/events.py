"""Facts and their protos, both ways."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache, singledispatch
from uuid import UUID

from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from boss.events.billing.v1 import billing_events_pb2 as pb
from google.protobuf.message import Message
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money as ProtoMoney

from boss_billing.accounts.rules import AccountBalanceChanged, AccountRef, unit_name
from boss_billing.funding.rules import FundingSource, FundingSourceChanged
from boss_billing.invoices.rules import ChargeBilled, ChargeRefused, InvoiceCreated
from boss_billing.payments.rules import PaymentApproved, PaymentDeclined, PaymentSubmitted
from boss_billing.suspensions.rules import SuspensionEnded, SuspensionStarted
from boss_billing.units.rules import BusinessUnitChanged
from boss_kit.events.envelope import OutgoingEvent, SimilarEvent
from boss_kit.ids import text_of
from boss_kit.money import Money
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto

INVOICE_CREATED = "boss.billing.invoice.v1.created"
CHARGE_BILLED = "boss.billing.charge.v1.billed"
CHARGE_REFUSED = "boss.billing.charge.v1.refused"
PAYMENT_SUBMITTED = "boss.billing.payment.v1.submitted"
PAYMENT_APPROVED = "boss.billing.payment.v1.approved"
PAYMENT_DECLINED = "boss.billing.payment.v1.declined"
BALANCE_CHANGED = "boss.billing.account.v1.balance_changed"
SOURCE_CHANGED = "boss.billing.funding_source.v1.changed"
UNIT_CHANGED = "boss.agreements.business_unit.v1.changed"
SUSPENSION_STARTED = "boss.agreements.suspension.v1.started"
SUSPENSION_END_CHANGED = "boss.agreements.suspension.v1.end_changed"
SUSPENSION_ENDED = "boss.agreements.suspension.v1.ended"
Place = tuple[UUID, UUID]
"""An enterprise and one of its business units."""


@singledispatch
def encode(fact: object) -> OutgoingEvent | SimilarEvent:
    """Write a fact as an event; its key is the account's id."""
    raise TypeError(f"billing has no event for {type(fact).__name__}")


@encode.register
def _(fact: InvoiceCreated) -> SimilarEvent:
    invoice = fact.invoice
    same = (invoice.due_date, invoice.total_minor, invoice.currency)
    texts = (text_of(invoice.id), invoice.number, _text_of(invoice.agreement_id))
    return _similar(INVOICE_CREATED, invoice.account, fact.business_date, _write_invoice_created, same, texts)


def _write_invoice_created(
    place: Place, same: tuple[date, int, str], account_id: str, invoice_id: str, number: str, agreement_id: str
) -> tuple[str, bytes]:
    unit = unit_name(*place)
    due_date, total_minor, currency = same
    account = f"{unit}/accounts/{account_id}"
    message = pb.InvoiceCreated(
        invoice=f"{account}/invoices/{invoice_id}",
        number=number,
        account=account,
        agreement=_agreement_of(unit, agreement_id),
        due_date=_day(due_date),
        total=_money(total_minor, currency),
    )
    return message.invoice, message.SerializeToString()


@encode.register
def _(fact: ChargeBilled) -> SimilarEvent:
    same = (fact.amount_minor, fact.currency)
    texts = (fact.charge_key, text_of(fact.agreement_id), text_of(fact.invoice_id))
    return _similar(CHARGE_BILLED, fact.account, fact.business_date, _write_charge_billed, same, texts)


def _write_charge_billed(
    place: Place, same: tuple[int, str], account_id: str, charge_key: str, agreement_id: str, invoice_id: str
) -> tuple[str, bytes]:
    unit = unit_name(*place)
    amount_minor, currency = same
    message = pb.ChargeBilled(
        charge_key=charge_key,
        agreement=_agreement_of(unit, agreement_id),
        invoice=f"{unit}/accounts/{account_id}/invoices/{invoice_id}",
        amount=_money(amount_minor, currency),
    )
    return message.agreement, message.SerializeToString()


@encode.register
def _(fact: ChargeRefused) -> OutgoingEvent:
    message = pb.ChargeRefused(
        charge_key=fact.charge_key, agreement=_agreement(fact.account, fact.agreement_id), reason=fact.reason
    )
    return _event(CHARGE_REFUSED, fact.account, message.agreement, fact.business_date, message)


@encode.register
def _(fact: PaymentSubmitted) -> SimilarEvent:
    payment = fact.payment
    same = (payment.amount_minor, payment.currency, payment.kind)
    texts = (text_of(payment.id),)
    return _similar(PAYMENT_SUBMITTED, payment.account, fact.business_date, _write_payment_submitted, same, texts)


def _write_payment_submitted(
    place: Place, same: tuple[int, str, str], account_id: str, payment_id: str
) -> tuple[str, bytes]:
    amount_minor, currency, kind = same
    account = f"{unit_name(*place)}/accounts/{account_id}"
    message = pb.PaymentSubmitted(
        payment=f"{account}/payments/{payment_id}", account=account, amount=_money(amount_minor, currency), kind=kind
    )
    return message.payment, message.SerializeToString()


@encode.register
def _(fact: PaymentApproved) -> OutgoingEvent:
    payment = fact.payment
    name = payment.name
    message = pb.PaymentApproved(
        payment=name,
        account=payment.account.name,
        amount=_money(payment.amount_minor, payment.currency),
        recovered_by_card_updater=fact.recovered_by_card_updater,
    )
    return _event(PAYMENT_APPROVED, payment.account, name, fact.business_date, message)


@encode.register
def _(fact: PaymentDeclined) -> OutgoingEvent:
    payment = fact.payment
    name = payment.name
    message = pb.PaymentDeclined(
        payment=name,
        account=payment.account.name,
        amount=_money(payment.amount_minor, payment.currency),
        primary=fact.primary,
        code=fact.code,
        message=fact.message,
        arm_entry=fact.arm_entry,
        tender=fact.tender,
    )
    return _event(PAYMENT_DECLINED, payment.account, name, fact.business_date, message)


@encode.register
def _(fact: AccountBalanceChanged) -> SimilarEvent:
    items = tuple([(one.due_date, one.balance_minor, one.total_minor, one.is_declined) for one in fact.open_items])
    same = (fact.balance_minor, fact.currency, fact.attempt_in_flight, items)
    texts = [fact.number]
    for one in fact.open_items:
        texts += (text_of(one.invoice_id), one.number, _text_of(one.agreement_id))
    return _similar(
        BALANCE_CHANGED, fact.ref, fact.business_date, _write_balance_changed, same, tuple(texts), fact.version
    )


_Item = tuple[date, int, int, bool]


def _write_balance_changed(
    place: Place, same: tuple[int, str, bool, Sequence[_Item]], account_id: str, number: str, *of_items: str
) -> tuple[str, bytes]:
    unit = unit_name(*place)
    balance_minor, currency, in_flight, items = same
    account = f"{unit}/accounts/{account_id}"
    message = pb.AccountBalanceChanged(
        account=account, number=number, balance=_money(balance_minor, currency), attempt_in_flight=in_flight
    )
    texts = iter(of_items)
    for (due_date, item_minor, total_minor, is_declined), invoice_id, item_number, agreement_id in zip(
        items, texts, texts, texts, strict=True
    ):
        message.open_items.add(
            invoice=f"{account}/invoices/{invoice_id}",
            number=item_number,
            due_date=_day(due_date),
            balance=_money(item_minor, currency),
            total=_money(total_minor, currency),
            declined=is_declined,
            agreement=_agreement_of(unit, agreement_id),
        )
    return account, message.SerializeToString()


@encode.register
def _(fact: FundingSourceChanged) -> OutgoingEvent:
    source = fact.source
    message = pb.FundingSourceChanged(
        funding_source=source.name,
        account=source.account.name,
        tender=source.tender,
        previous_last4=fact.previous_last4,
        last4=source.last4,
        primary=source.is_primary,
        reason=fact.reason,
        previous=_source_state(fact.previous) if fact.previous is not None else None,
        current=_source_state(source),
        card_updater_outcome=fact.outcome,
    )
    return _event(SOURCE_CHANGED, source.account, source.name, fact.business_date, message, source.version)


def _source_state(source: FundingSource) -> pb.FundingSourceState:
    return pb.FundingSourceState(
        tender=source.tender,
        last4=source.last4,
        expiry_month=source.expiry_month,
        expiry_year=source.expiry_year,
        valid=source.is_valid,
        active=source.is_active,
        on_account=source.is_on_account,
        recurring=source.is_recurring,
        responsibility_percent=source.responsibility_percent,
        primary=source.is_primary,
    )


def business_unit_changed(data: bytes) -> BusinessUnitChanged:
    """Read agreements' fact about a unit."""
    message = agreements_pb.BusinessUnitChanged.FromString(data)
    return BusinessUnitChanged(
        message.business_unit, message.display_name, message.time_zone, message.currency, message.division
    )


def suspension_started(data: bytes) -> SuspensionStarted:
    """Read agreements' fact about a suspension that took effect."""
    message = agreements_pb.SuspensionStarted.FromString(data)
    return SuspensionStarted(
        message.suspension,
        message.agreement,
        message.account,
        date_from_proto(message.start_date, "start_date"),
        date_from_proto(message.end_date, "end_date") if message.HasField("end_date") else None,
        message.stop_billing,
    )


def suspension_ended(data: bytes) -> SuspensionEnded:
    """Read agreements' fact about a suspension that ended."""
    message = agreements_pb.SuspensionEnded.FromString(data)
    end_date = date_from_proto(message.end_date, "end_date")
    return SuspensionEnded(message.suspension, message.agreement, message.account, end_date)


def suspension_end_changed(data: bytes) -> SuspensionEnded:
    """Read agreements' fact about another first day back."""
    message = agreements_pb.SuspensionEndChanged.FromString(data)
    end_date = date_from_proto(message.end_date, "end_date") if message.HasField("end_date") else None
    return SuspensionEnded(message.suspension, message.agreement, message.account, end_date)


def _event(
    kind: str, account: AccountRef, subject: str, day: date, message: Message, version: int = 0
) -> OutgoingEvent:
    return OutgoingEvent(
        kind,
        account.id,
        subject,
        account.enterprise_id,
        day,
        message.SerializeToString(),
        account.business_unit_id,
        version,
    )


def _similar(
    kind: str,
    account: AccountRef,
    day: date,
    write: Callable[..., tuple[str, bytes]],
    same: tuple[object, ...],
    texts: tuple[str, ...],
    version: int = 0,
) -> SimilarEvent:
    enterprise_id, business_unit_id, account_id = account
    return SimilarEvent(kind, account_id, enterprise_id, day, write, same, texts, business_unit_id, version)


# Thousands of events of a run say the same days and amounts; a message that is passed on is copied, never changed.
@lru_cache(maxsize=4096)
def _day(day: date) -> Date:
    return date_to_proto(day)


@lru_cache(maxsize=4096)
def _money(amount_minor: int, currency: str) -> ProtoMoney:
    return money_to_proto(Money(amount_minor, currency))


def _agreement(account: AccountRef, agreement_id: UUID | None) -> str:
    return _agreement_of(account.unit_name, _text_of(agreement_id))


def _agreement_of(unit: str, agreement_id: str) -> str:
    return f"{unit}/agreements/{agreement_id}" if agreement_id else ""


def _text_of(agreement_id: UUID | None) -> str:
    return text_of(agreement_id) if agreement_id is not None else ""
