"""Billing's part, played by a test: close a day, list what is due, answer it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from agreements_club import ENTERPRISE_ID, Club, day, fact_event, iso
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import due_charge_service_pb2 as pb
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.agreements import store
from boss_agreements.agreements.rules import AgreementLine, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.agreements.store import Agreement
from boss_kit.context import Context
from boss_kit.ids import derived_id
from boss_kit.money import Money


def close(club: Club, text: str) -> int:
    request = pb.CloseBillDateRequest(business_unit=club.unit, bill_date=day(text), request_id=str(uuid4()))
    return int(club.due_charges.CloseBillDate(request).due_agreements)


def pages(club: Club, text: str, **values: Any) -> list[pb.ListDueChargesResponse]:
    return list(
        club.due_charges.ListDueCharges(pb.ListDueChargesRequest(parent=club.unit, bill_date=day(text), **values))
    )


def listed(club: Club, text: str, **values: Any) -> list[Any]:
    return [charge for page in pages(club, text, **values) for charge in page.charges]


def skipped(club: Club, text: str) -> list[tuple[str, str]]:
    return [(one.agreement_number, one.reason) for page in pages(club, text) for one in page.skipped]


def answer(club: Club, text: str, *charges: Any, refused: str = "", **envelope: Any) -> None:
    for charge in charges:
        name = f"{club.unit}/agreements/{charge.agreement_id}"
        fact: Any = billing_events_pb2.ChargeBilled(charge_key=charge.charge_key, agreement=name, invoice="invoice")
        if refused:
            fact = billing_events_pb2.ChargeRefused(charge_key=charge.charge_key, agreement=name, reason=refused)
        club.feed(fact_event("billing", fact, UUID(charge.account_id), text, **envelope))


def bill(club: Club, text: str) -> Sequence[str]:
    """Close, list and answer a day; give the due dates that were billed."""
    close(club, text)
    charges = listed(club, text)
    answer(club, text, *charges)
    return [iso(charge.due_date) for charge in charges]


def agreement(club: Club, external_id: str = "M1") -> Any:
    return club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=club.agreement_name(external_id)))


def item(
    number: int,
    price: int,
    start: str,
    *,
    schedule: str = "monthly_on_1",
    months: int | None = None,
    billing: str = "",
    owner: str = "sold",
    **values: Any,
) -> AgreementLine:
    """Make a line of an agreement to be sold; the first one is its Key Item."""
    begin = date.fromisoformat(start)
    line_id = derived_id(ENTERPRISE_ID, owner, "line", str(number))
    line = open_line(line_id, parse_schedule(schedule, begin), Money(price, "USD"), begin, months, begin, billing)
    usual = {"item": f"Item {number}", "item_category": "Dues", "is_key_item": number == 1}
    return replace(line, **(usual | values))


def sell(
    club: Club,
    *lines: AgreementLine,
    start: str,
    owner: str = "sold",
    member: str = "M1",
    term: str = "perpetual",
    status: str = "Active",
    **values: Any,
) -> str:
    """Put an agreement of an imported member there; give its name."""
    begin = date.fromisoformat(start)
    agreement_id = derived_id(ENTERPRISE_ID, owner)
    unit_id = UUID(club.unit.rpartition("/")[2])
    member_id = UUID(club.member_name(member).rpartition("/")[2])
    made = Agreement(
        agreement_id,
        ENTERPRISE_ID,
        unit_id,
        owner,
        member_id,
        club.account_id(member),
        "Gold",
        "Membership",
        status,
        term,
        begin,
        None,
        1,
        datetime(2026, 1, 1, tzinfo=UTC),
        lines,
        **values,
    )
    with club.units.begin(Context(ENTERPRISE_ID, correlation="sale")) as tx:
        store.add(tx.connection, made)
    return f"{club.unit}/agreements/{agreement_id}"
