"""From a stranger at the desk to a member whose membership bills by itself, through agreements and billing."""

import datetime
from typing import Any

import pytest
from boss.agreements.v1 import agreement_service_pb2 as agreements
from boss.agreements.v1 import agreement_writer_service_pb2 as writing
from boss.agreements.v1 import bundle_service_pb2 as bundles
from boss.agreements.v1 import definition_service_pb2 as definitions
from boss.agreements.v1 import item_service_pb2 as items
from boss.agreements.v1 import member_service_pb2 as members
from boss.agreements.v1 import template_service_pb2 as templates
from boss.billing.v1 import account_service_pb2 as accounts
from boss.billing.v1 import invoice_service_pb2 as invoices
from google.type import date_pb2, money_pb2

from boss_demo import installation
from boss_demo.chance import request_id
from boss_demo.installation import FIRST_DAY
from boss_kit.ids import derived_id
from tests.scenarios.conftest import CLUB, Town

TOKEN = "tok_0000000000000009"
ANSWERS = [(TOKEN, attempt, "A01") for attempt in range(1, 6)]
UNIT = f"{installation.ENTERPRISE}/businessUnits/{derived_id(installation.ENTERPRISE_ID, 'business-unit', CLUB)}"
PRICE = money_pb2.Money(currency_code="USD", units=35)
SECOND_BILL_DAY = datetime.date(2026, 2, 1)


def asked(*parts: object) -> str:
    return request_id("a new member", *parts)


def day(value: datetime.date) -> date_pb2.Date:
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)


def offer(club: Any) -> tuple[Any, Any]:
    """Make and apply a Membership at $35 a month; give its bundle and the definition."""
    access = club.items.CreateItem(
        items.CreateItemRequest(
            parent=UNIT,
            item=items.Item(display_name="Gym access", kind="access", price=PRICE, category="Dues"),
            request_id=asked("item"),
        )
    )
    line = bundles.BundleLine(item=access.name, is_key_item=True)
    gold = club.bundles.CreateBundle(
        bundles.CreateBundleRequest(
            parent=UNIT, bundle=bundles.Bundle(display_name="Gold", lines=[line]), request_id=asked("bundle")
        )
    )
    text = templates.Template(display_name="Usual", title="Agreement", body="{{ member_name }} agrees.")
    template = club.templates.CreateTemplate(
        templates.CreateTemplateRequest(parent=UNIT, template=text, request_id=asked("template"))
    )
    part = definitions.DefinitionPart(bundle=gold.name, required="Select One")
    definition = club.definitions.CreateDefinition(
        definitions.CreateDefinitionRequest(
            parent=UNIT,
            definition=definitions.Definition(
                display_name="Gold Monthly",
                agreement_type="Membership",
                start_date=day(FIRST_DAY),
                owner_qualifies_as_member=True,
                parts=[part],
            ),
            request_id=asked("definition"),
        )
    )
    applied = definitions.Application(definition=definition.name, business_unit=UNIT, template=template.name)
    club.definitions.ApplyDefinition(
        definitions.ApplyDefinitionRequest(application=applied, request_id=asked("application"))
    )
    return gold, definition


@pytest.fixture(scope="module")
def joined(town: Town) -> dict[str, Any]:
    """Make a member and sell a Membership that bills on the 1st, paid in cash at the desk and by card from then on."""
    club, billing = town.everything.clients.agreements, town.everything.clients.billing
    town.driver.set_clock(FIRST_DAY)
    gold, definition = offer(club)
    ana = members.Member(
        first_name="Ana", last_name="Silva", contacts=[members.Contact(label="email", value="ana@example.com")]
    )
    made = club.members.CreateMember(members.CreateMemberRequest(parent=UNIT, member=ana, request_id=asked("member")))
    town.driver.settle()
    card = accounts.FundingSource(
        tender="VISA", token=TOKEN, last4="1111", expiry_month=12, expiry_year=2029, recurring=True
    )
    source = billing.accounts.CreateFundingSource(
        accounts.CreateFundingSourceRequest(parent=made.account, funding_source=card, request_id=asked("card"))
    )
    draft = club.writer.CreateDraft(
        writing.CreateDraftRequest(
            parent=UNIT,
            draft=writing.Draft(
                definition=definition.name,
                owner=made.name,
                account=made.account,
                lines=[writing.DraftLine(bundle=gold.name)],
                start_date=day(FIRST_DAY),
                funding_source=source.name,
                tender="CASH",
            ),
            request_id=asked("draft"),
        )
    )
    sold = club.writer.FinalizeDraft(writing.FinalizeDraftRequest(name=draft.name, request_id=asked("sale")))
    town.driver.settle()
    town.play_until(SECOND_BILL_DAY)
    return {"member": made, "sold": sold}


def test_agr_5_billing_has_the_account_of_a_member_made_at_the_desk(town: Town, joined: dict[str, Any]) -> None:
    found = town.everything.clients.billing.accounts.GetAccount(
        accounts.GetAccountRequest(name=joined["member"].account)
    )
    assert (found.number, len(found.funding_sources)) == (joined["member"].external_id, 1)


def test_agr_5_who_bought_a_membership_is_a_member(town: Town, joined: dict[str, Any]) -> None:
    assert joined["member"].status == "Prospect"
    request = members.GetMemberRequest(name=joined["member"].name)
    found = town.everything.clients.agreements.members.GetMember(request)
    assert (found.status, "Gold Monthly" in found.status_reason) == ("Member", True)


def test_agr_1_what_was_sold_from_the_catalogue_bills_by_itself_once_a_cycle(
    town: Town, joined: dict[str, Any]
) -> None:
    request = invoices.ListInvoicesRequest(parent=joined["member"].account)
    found = town.everything.clients.billing.invoices.ListInvoices(request).invoices
    assert sorted((one.due_date.month, one.due_date.day, one.total.units) for one in found) == [
        (1, 1, 35),
        (2, 1, 35),
    ]
    assert {one.balance.units for one in found} == {0}
    sold = agreements.GetAgreementRequest(name=joined["sold"].agreement)
    assert town.everything.clients.agreements.agreements.GetAgreement(sold).status == "Active"
