"""Decline table, attempt limits and rebill schedules as data; why the next attempt is when it is (BIL-5, BIL-6)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from boss.billing.v1 import decline_service_pb2 as decline_pb
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import invoice_service_pb2_grpc as invoice_grpc
from boss.billing.v1 import rebill_service_pb2 as rebill_pb
from club import DAY, DENVER, Club, due, ref, request_id, unit_id
from decline_calls import PARENT, change, set_limit, set_schedule
from hypothesis import given
from hypothesis import strategies as st

from boss_billing.declines.rules import AttemptLimit, Class, Code, Per, Timing
from boss_billing.funding.rules import FundingSource, split
from boss_billing.rebills.rules import (
    DEFAULT,
    Declined,
    Effective,
    Level,
    RebillSchedule,
    check_schedule,
    effective,
    plan_attempt,
)
from boss_billing.units.rules import BillingSettings, Unit
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto

UNIT = f"{PARENT}/businessUnits/{unit_id(DENVER)}"
SOFT = Code("D03", Class.SOFT, "Insufficient funds", True, False, True, 0, 0, True, timing=Timing.LIKELY_FUNDS)
FRIDAYS = [date(2025, 12, 5) + timedelta(days=7 * number) for number in range(4)]


def decline(club: Club, code: str = "D03", number: str = "M1", **record: str) -> None:
    club.add_account(number, **record)
    club.due.charges = [due(number)]
    club.script[f"tok_{number}", 1] = code
    club.bill()
    club.deliver()
    club.due.charges = []


def get_schedule(rebills: Any, parent: str, tender: str = "") -> tuple[list[int], Any]:
    found = rebills.GetRebillSchedule(rebill_pb.GetRebillScheduleRequest(parent=parent, tender=tender), timeout=5)
    return list(found.after_days), found.level


def test_bil_5_an_enterprise_changes_its_own_decline_table_and_no_other(club: Club, declines: Any) -> None:
    assert change(declines, "D01", rebill=False).rebill is False
    decline(club, "D01")
    assert club.one("SELECT next_attempt_date FROM invoice") is None
    assert club.one("SELECT rebill FROM decline_code WHERE code = 'D01' AND enterprise_id = :nil", nil=UUID(int=0))


def test_bil_5_a_codes_arm_entry_is_what_the_table_says(club: Club, declines: Any) -> None:
    from boss.events.billing.v1 import billing_events_pb2 as events_pb

    change(declines, "D03", arm_entry=False)
    decline(club)
    (fact,) = club.facts("boss.billing.payment.v1.declined")
    assert events_pb.PaymentDeclined.FromString(fact.data).arm_entry is False


def test_bil_5_stop_recurring_can_not_be_made_to_try_again(declines: Any, club: Club) -> None:
    with pytest.raises(InvalidArgument, match="stop recurring"):
        change(declines, "D13", rebill=True)
    with pytest.raises(InvalidArgument, match="response_class"):
        change(declines, "D03", response_class="good")


def test_bil_5_a_decline_fee_is_a_line_of_a_new_invoice_for_the_declined_one(club: Club, declines: Any) -> None:
    change(declines, "D03", decline_fee=money_to_proto(Money(1000, "USD")))
    decline(club)
    fee = club.one(
        "SELECT invoice.kind, total_minor, description, principal_invoice_id FROM invoice_line JOIN invoice "
        "ON invoice.id = invoice_id WHERE invoice.kind = 'fee'".replace("description", "invoice.description")
    )
    principal = club.one("SELECT id FROM invoice WHERE kind = 'billed'")
    assert tuple(fee) == ("fee", 1000, "Decline fee: Insufficient funds on M1-1", principal)
    assert club.one("SELECT balance_minor FROM invoice WHERE kind = 'billed'") == 3500
    club.assert_books()


def test_bil_5_a_declined_fee_has_no_fee_of_its_own(club: Club, declines: Any) -> None:
    change(declines, "D03", decline_fee=money_to_proto(Money(1000, "USD")))
    for number in range(1, 9):
        club.script["tok_M1", number] = "D03"
    decline(club)
    club.play(DAY + timedelta(days=7))
    assert club.one("SELECT count(*) FROM attempt") == 3
    assert club.one("SELECT count(*) FROM invoice WHERE kind = 'fee'") == 2
    club.assert_books()


def test_bil_5_a_source_is_charged_no_more_after_n_declines_in_m_months(club: Club, declines: Any) -> None:
    change(declines, "D03", invalidate_after=2, invalidate_months=2)
    club.script["tok_M1", 2] = "D03"
    decline(club)
    assert club.one("SELECT is_valid FROM funding_source")
    club.play(DAY + timedelta(days=7))
    assert not club.one("SELECT is_valid FROM funding_source")


def test_bil_5_an_alert_is_listed_until_somebody_deals_with_it(club: Club, declines: Any) -> None:
    change(declines, "D03", alert=True)
    decline(club)
    request = decline_pb.ListDeclineAlertsRequest(parent=PARENT, open_only=True)
    (alert,) = declines.ListDeclineAlerts(request, timeout=5).decline_alerts
    assert (alert.code, alert.account) == ("D03", ref("M1").name)
    resolved = decline_pb.ResolveDeclineAlertRequest(payment=alert.payment, comment="called", request_id=request_id())
    declines.ResolveDeclineAlert(resolved, timeout=5)
    assert list(declines.ListDeclineAlerts(request, timeout=5).decline_alerts) == []
    gone = decline_pb.ResolveDeclineAlertRequest(
        payment=f"{ref('M1').name}/payments/{uuid4()}", request_id=request_id()
    )
    with pytest.raises(NotFound):
        declines.ResolveDeclineAlert(gone, timeout=5)


def test_bil_5_an_enterprise_that_changed_nothing_has_the_decline_table_and_the_limits_of_the_rule(club: Club) -> None:
    codes = {row.code: row for row in club.rows("SELECT * FROM decline_code")}
    assert (len(codes), sum(row.fee_minor for row in codes.values())) == (27, 0)

    def those(column: str, value: object = True) -> set[str]:
        return {code for code, row in codes.items() if getattr(row, column) == value}

    declines = {f"D{number:02}" for number in range(1, 20)}
    soft = {row.code for row in codes.values() if row[2] == "soft"}
    assert those("is_tried", False) == {"D14", "E02", "E03", "E04"}
    assert those("arm_entry") == declines - {"D09", "D14"}
    assert those("rebill") == soft | {"D14"}
    assert not those("rebill") & {"D04", "D10", "D11", "D13"}
    assert those("is_updatable") == {"D02", "D05", "D06", "D16"}
    assert (those("invalidate_after", 1), those("invalidate_after", 0)) == ({"D13"}, set(codes) - {"D13"})
    limits = club.rows("SELECT tender, per, attempts_max, window_days FROM attempt_limit ORDER BY 1, 3")
    assert limits == [
        ("ACH", "invoice", 3, 180), ("MC", "source", 10, 1), ("MC", "source", 35, 30), ("VISA", "source", 20, 30),
    ]  # fmt: skip


def test_bil_5_an_attempt_limit_is_data_and_holds_at_once(club: Club, declines: Any) -> None:
    set_limit(declines, "VISA", 1, 30)
    listed = declines.ListAttemptLimits(decline_pb.ListAttemptLimitsRequest(parent=PARENT), timeout=5).attempt_limits
    assert [one.attempts_max for one in listed if (one.tender, one.window_days) == ("VISA", 30)] == [1]
    decline(club)
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=30)
    assert "card network" in club.one("SELECT next_attempt_reason FROM payment")


def test_bil_6_the_lowest_level_that_has_a_schedule_decides_and_is_named(club: Club, rebills: Any) -> None:
    level = rebill_pb.RebillSchedule
    assert get_schedule(rebills, UNIT) == ([7, 7, 7], level.LEVEL_DEFAULT)
    set_schedule(rebills, PARENT, 5, 10)
    assert get_schedule(rebills, UNIT) == ([5, 10], level.LEVEL_ENTERPRISE)
    set_schedule(rebills, PARENT, 3, tender="ACH")
    assert get_schedule(rebills, UNIT, "ACH") == ([3], level.LEVEL_ENTERPRISE)
    set_schedule(rebills, UNIT, 4)
    assert get_schedule(rebills, UNIT, "ACH") == ([4], level.LEVEL_BUSINESS_UNIT)
    assert get_schedule(rebills, PARENT, "ACH") == ([3], level.LEVEL_ENTERPRISE)
    rebills.DeleteRebillSchedule(rebill_pb.DeleteRebillScheduleRequest(parent=UNIT, request_id=request_id()), timeout=5)
    assert get_schedule(rebills, UNIT) == ([5, 10], level.LEVEL_ENTERPRISE)
    decline(club)
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=5)


def test_bil_6_a_division_stands_between_unit_and_enterprise() -> None:
    unit = Unit(uuid4(), uuid4(), "Denver", "America/Denver", "USD", division_id=uuid4())
    kept = {(unit.enterprise_id, ""): RebillSchedule((5,)), (unit.division_id, ""): RebillSchedule((6,))}
    assert effective(unit, kept, "VISA").level is Level.DIVISION
    assert effective(replace(unit, has_settings=True), kept, "VISA").level is Level.UNIT
    assert effective(replace(unit, division_id=None), kept, "VISA").level is Level.ENTERPRISE
    left_open = replace(unit, has_settings=True, settings=BillingSettings(card_updater=True, rebill_after_days=0))
    assert effective(left_open, kept, "VISA").level is Level.DIVISION
    assert effective(unit, {}, "VISA") == DEFAULT


@pytest.mark.parametrize("days", [(1,), (0, 7), (7, 1), (61,), (7,) * 13])
def test_bil_6_a_schedule_is_never_daily_and_never_endless(days: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgument, match="after_days"):
        check_schedule(RebillSchedule(days))


def declined(code: Code = SOFT, declines: int = 1, day: date = DAY) -> Declined:
    return Declined(uuid4(), uuid4(), uuid4(), uuid4(), uuid4(), "VISA", code, declines, day)


def smart(*after_days: int) -> Effective:
    return Effective(RebillSchedule(after_days or (7, 7, 7), is_smart=True), Level.UNIT, "")


def test_bil_6_insufficient_funds_wait_for_the_weekday_on_which_the_source_paid_before() -> None:
    plan = plan_attempt(declined(), smart(), FRIDAYS, ())
    assert plan.day == date(2026, 1, 9)
    assert "4 of the last 4 payments of this source went through on a Friday" in plan.reason


def test_bil_6_insufficient_funds_of_an_unknown_source_wait_for_the_next_payday() -> None:
    plan = plan_attempt(declined(day=date(2026, 1, 20)), smart(), FRIDAYS[:1], ())
    assert plan.day == date(2026, 2, 1)
    assert "payday" in plan.reason


def test_bil_6_a_limit_of_the_day_begins_anew_but_never_the_next_day() -> None:
    code = replace(SOFT, code="D15", timing=Timing.LIMIT_RESET)
    assert plan_attempt(declined(code), smart(), (), ()).day == DAY + timedelta(days=2)


def test_bil_6_without_smart_timing_the_schedule_decides_and_says_so() -> None:
    plan = plan_attempt(declined(), DEFAULT, FRIDAYS, ())
    assert plan.day == DAY + timedelta(days=7)
    assert "7 days after the decline" in plan.reason
    assert plan_attempt(declined(declines=4), DEFAULT, (), ()).day is None
    assert plan_attempt(declined(replace(SOFT, rebill=False)), DEFAULT, (), ()).day is None


def test_bil_6_each_decline_waits_for_the_days_its_place_in_the_schedule_says_until_they_are_over() -> None:
    of = Effective(RebillSchedule((3, 7, 30)), Level.UNIT, "")
    days = [plan_attempt(declined(declines=number), of, (), ()).day for number in (1, 2, 3, 4)]
    assert days == [DAY + timedelta(days=3), DAY + timedelta(days=7), DAY + timedelta(days=30), None]


def test_bil_6_a_weekday_on_which_half_of_the_payments_went_through_is_no_habit() -> None:
    half = [*FRIDAYS[:2], date(2025, 12, 15), date(2025, 12, 17)]
    plan = plan_attempt(declined(), smart(), half, ())
    assert plan.day == date(2026, 1, 15)
    assert "payday" in plan.reason


def test_bil_6_a_payday_that_a_short_month_does_not_have_is_its_last_day() -> None:
    of = Effective(RebillSchedule((7, 7), is_smart=True, paydays=(31,)), Level.UNIT, "")
    assert plan_attempt(declined(day=date(2026, 2, 20)), of, (), ()).day == date(2026, 2, 28)


offsets = st.lists(st.integers(-300, 0).map(lambda offset: DAY + timedelta(days=offset)), max_size=30)


@given(st.sampled_from(list(Timing)), st.booleans(), offsets, offsets, st.integers(1, 5), st.integers(1, 60))
def test_bil_6_no_plan_is_daily_or_beyond_a_networks_limit(
    timing: Timing, is_smart: bool, paid: list[date], tried: list[date], attempts_max: int, window: int
) -> None:
    limit = AttemptLimit("VISA", Per.SOURCE, attempts_max, window)
    of = Effective(RebillSchedule((2, 7, 30), is_smart=is_smart), Level.UNIT, "")
    plan = plan_attempt(declined(replace(SOFT, timing=timing)), of, paid, [([limit], tried)])
    assert plan.day is not None
    assert plan.day >= DAY + timedelta(days=2)
    assert sum(plan.day - timedelta(days=window) < one for one in tried) < attempts_max
    assert str(plan.day) in plan.reason


def test_bil_5_every_failed_attempt_and_the_next_planned_one_show_on_the_invoice_with_the_reason(
    club: Club, server: Any, rebills: Any
) -> None:
    club.script["tok_M1", 2] = "D01"
    decline(club)
    club.play(DAY + timedelta(days=7))
    invoices = server.stub(invoice_grpc.InvoiceServiceStub)
    name = f"{ref('M1').name}/invoices/{club.one('SELECT id FROM invoice')}"
    found = invoices.GetInvoice(invoice_pb.GetInvoiceRequest(name=name), timeout=5)
    assert [(one.attempt_date.day, one.response_code, one.state) for one in found.attempts] == [
        (DAY.day, "D03", "declined"),
        (DAY.day + 7, "D01", "declined"),
    ]
    planned = DAY + timedelta(days=14)
    assert found.next_attempt_date == date_to_proto(planned)
    assert "7 days after the decline" in found.next_attempt_reason
    said = rebills.ExplainNextAttempt(rebill_pb.ExplainNextAttemptRequest(invoice=name), timeout=5)
    assert (date_from_proto(said.next_attempt_date, "day"), said.explanation) == (planned, found.next_attempt_reason)


def test_bil_5_what_is_paid_in_flight_or_by_statement_is_explained_too(club: Club, rebills: Any) -> None:
    def explain() -> str:
        name = f"{ref('M1').name}/invoices/{club.one('SELECT id FROM invoice')}"
        return rebills.ExplainNextAttempt(rebill_pb.ExplainNextAttemptRequest(invoice=name), timeout=5).explanation

    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.bill()
    assert "no final result" in explain()
    club.deliver()
    assert explain() == "It is paid."


def source(percent: int, *, primary: bool = False) -> FundingSource:
    return FundingSource(uuid4(), ref("M1"), "VISA", "tok_1", "4242", 12, 2030, primary, True, True, percent, 1)


@given(st.integers(2, 10**8), st.integers(1, 99))
def test_spec_0_a_source_that_paid_its_share_is_not_asked_for_anothers(total: int, percent: int) -> None:
    sources = [source(percent), source(100 - percent, primary=True)]
    first = {one.id: share for one, share in split(total, sources)}
    paid = {sources[0].id: first.get(sources[0].id, 0)}
    rest = total - paid[sources[0].id]
    assert [(one.id, share) for one, share in split(rest, sources, total, paid)] == [(sources[1].id, rest)]


def test_bil_2_a_declined_share_is_collected_from_its_own_source_whatever_order_results_come_in(club: Club) -> None:
    for number, reverse in (("M1", False), ("M2", True)):
        club.add_account(number)
        with club.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO funding_source SELECT enterprise_id, business_unit_id, gen_random_uuid(), account_id, "
                    "tender, token || '-b', last4, expiry_month, expiry_year, false, is_recurring, is_valid, 40, "
                    "version, create_time FROM funding_source WHERE token = :token"
                ),
                {"token": f"tok_{number}"},
            )
            update = sa.text("UPDATE funding_source SET responsibility_percent = 60 WHERE token = :token")
            connection.execute(update, {"token": f"tok_{number}"})
        club.script[f"tok_{number}{'-b' if reverse else ''}", 1 + reverse] = "D03"
    club.due.charges = [due("M1", amount_minor=1001), due("M2", amount_minor=1001)]
    club.bill()
    club.deliver()
    club.due.charges = []
    club.play(DAY + timedelta(days=7))
    again = club.rows(
        "SELECT account_number, token, amount_minor FROM attempt WHERE business_date > :day ORDER BY 1", day=DAY
    )
    assert again == [("M1", "tok_M1", 601), ("M2", "tok_M2-b", 400)]
    assert club.one("SELECT count(*) FROM invoice WHERE balance_minor > 0") == 0
    club.assert_books()
