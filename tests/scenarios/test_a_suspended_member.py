"""A member in ARM takes a break: what bills, what is collected, what ARM says, what the desk may let in."""

import datetime
from typing import Any

import pytest
from boss.agreements.v1 import activity_service_pb2 as activities
from boss.agreements.v1 import agreement_service_pb2 as agreements
from boss.agreements.v1 import item_service_pb2 as items
from boss.agreements.v1 import reason_service_pb2 as reasons
from boss.billing.v1 import invoice_service_pb2 as invoices
from google.type import date_pb2, money_pb2

from boss_demo import installation
from boss_demo.chance import request_id
from boss_kit.ids import derived_id
from tests.scenarios.conftest import CLUB, Town

ADA = {"external_id": "S000001", "email": "ada@example.com", "token": "tok_0000000000000001"}
ANSWERS = [(ADA["token"], attempt, "D03") for attempt in range(1, 9)]
UNIT = f"{installation.ENTERPRISE}/businessUnits/{derived_id(installation.ENTERPRISE_ID, 'business-unit', CLUB)}"
BILL_DAY = datetime.date(2026, 1, 5)
START, BACK = datetime.date(2026, 1, 8), datetime.date(2026, 2, 9)
FEE = "Freeze fee"


def day(value: datetime.date) -> date_pb2.Date:
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)


def asked(*parts: object) -> str:
    return request_id("a suspended member", *parts)


@pytest.fixture(scope="module")
def played(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Play six weeks: declined on the 5th, suspended as a member from the 8th, back on the 9th of February."""
    club = town.everything.clients.agreements
    town.take([ADA], tmp_path_factory.mktemp("club"))
    town.play_until(START - datetime.timedelta(days=1))
    fee = club.items.CreateItem(
        items.CreateItemRequest(
            parent=UNIT,
            item=items.Item(
                display_name=FEE, kind="fee", price=money_pb2.Money(currency_code="USD", units=5), category="Fees"
            ),
            request_id=asked("fee"),
        )
    )
    reason = club.reasons.CreateSuspensionReason(
        reasons.CreateSuspensionReasonRequest(
            parent=UNIT,
            suspension_reason=reasons.SuspensionReason(
                display_name="Travel",
                type="Freeze",
                open_ended=True,
                stop_billing=True,
                prevent_activity_use=True,
                recurring_charge_item=fee.name,
            ),
            request_id=asked("reason"),
        )
    )
    suspension = agreements.Suspension(
        applied_to="Member",
        member=member(),
        start_date=day(START),
        end_date=day(BACK),
        suspension_reason=reason.name,
    )
    club.suspensions.CreateSuspension(
        agreements.CreateSuspensionRequest(parent=UNIT, suspension=suspension, request_id=asked("suspension"))
    )
    town.driver.settle()
    town.play_until(START + datetime.timedelta(days=12))
    return town


def member() -> str:
    return f"{UNIT}/members/{derived_id(installation.ENTERPRISE_ID, 'member', ADA['external_id'])}"


def invoices_of(town: Town) -> list[Any]:
    request = invoices.ListInvoicesRequest(parent=town.account("S000001"), page_size=100)
    found = town.everything.clients.billing.invoices.ListInvoices(request).invoices
    return sorted(found, key=lambda one: (one.due_date.month, one.due_date.day))


def check_in(town: Town, *parts: object) -> Any:
    return town.everything.clients.agreements.activities.CheckIn(
        activities.CheckInRequest(member=member(), request_id=asked("check-in", *parts))
    )


def test_sus_9_the_suspension_of_a_member_in_arm_is_logged_as_sys_and_hidden_unless_asked_for(played: Town) -> None:
    account = played.account("S000001")
    text = f"Member suspended (Freeze) from {START} until {BACK}"
    assert [row.type for row in played.history(account, suspensions=True) if row.activity == text] == ["SYS"]
    assert [row for row in played.history(account) if "suspended" in row.activity] == []
    assert played.summary(account).status == "Active"


def test_sus_9_a_suspension_pauses_no_step_of_arm(played: Town) -> None:
    sent = [row for row in played.history(played.account("S000001")) if row.type not in ("SYS", "MTP")]
    assert [row for row in sent if _day(row.activity_date) > START]


def test_sus_5_the_desk_says_that_the_member_is_suspended(played: Town) -> None:
    denied = check_in(played, "inside")
    assert denied.outcome == activities.CheckInDecision.OUTCOME_DENIED
    assert denied.reason == "SUSPENDED"


def test_sus_7_only_the_fees_are_billed_until_the_first_day_back_bills_the_missed_cycle_once(played: Town) -> None:
    played.play_until(BACK)
    found = [(_day(one.due_date), one.total.units) for one in invoices_of(played)]
    # 24 of the 28 days from 2/5 to 3/5 are left on 2/9: 35.00 x 24/28.
    assert found == [(BILL_DAY, 35), (datetime.date(2026, 2, 5), 5), (BACK, 30)]
    played.driver.settle()
    assert check_in(played, "back").outcome == activities.CheckInDecision.OUTCOME_ALLOWED


def _day(message: Any) -> datetime.date:
    return datetime.date(message.year, message.month, message.day)
