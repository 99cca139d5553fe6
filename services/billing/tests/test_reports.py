"""The four reports of SPEC BIL-9, read through the API: the text's figures, the groups, and what isn't final."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from billing_month import Month, Paid, those
from boss.billing.v1 import report_service_pb2 as pb
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, due, ref, unit_id

from boss_billing.callbacks.rules import ResultCallback
from boss_billing.payments.commands import TakePayment, take_payment
from boss_billing.payments.rules import Label
from boss_billing.reports.sheets import money
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"


def submitted(reports: Any, **changes: Any) -> pb.SubmittedReport:
    values = {"parent": PARENT, "filter": those()} | changes
    return reports.GetSubmittedReport(pb.GetSubmittedReportRequest(**values), timeout=10)


def results(reports: Any, **changes: Any) -> pb.ResultsReport:
    values = {"parent": PARENT, "filter": those()} | changes
    return reports.GetResultsReport(pb.GetResultsReportRequest(**values), timeout=10)


def batches(reports: Any, **changes: Any) -> pb.PaymentBatchesReport:
    values = {"parent": PARENT, "filter": those(), "detail": True} | changes
    return reports.GetPaymentBatchesReport(pb.GetPaymentBatchesReportRequest(**values), timeout=10)


def minor(amount: Any) -> int:
    return money_from_proto(amount).amount_minor


def amount(figure: Any) -> str:
    return str(money_from_proto(figure.amount)).removesuffix(" USD")


def spread_evenly(total_minor: int, count: int) -> list[int]:
    return [total_minor // count + (1 if number < total_minor % count else 0) for number in range(count)]


def the_month_of_the_text(month: Month) -> None:
    """Build 1,027 payments in 28 batches that come to the text's figures, and what was invoiced besides."""
    kinds = [("New", 4_573_610, 700), ("On Account", 1_027_677, 160), ("Past Due", 1_128_921 - 153_605, 143)]
    payments = [
        {"amount_minor": part, "kind": kind, "tender": ("VISA", "MC", "DISC", "AMEX", "ACH")[number % 5]}
        for kind, total, count in kinds
        for number, part in enumerate(spread_evenly(total, count))
    ]
    payments += [
        {"amount_minor": part, "kind": "Past Due", "state": "finally_declined", "message": "Insufficient funds"}
        for part in spread_evenly(153_605, 24)
    ]
    days = [number % 28 for number in range(len(payments))]
    month.pay(
        *[
            Paid(**one, day=DAY + timedelta(days=day), batch=437924 + day)
            for one, day in zip(payments, days, strict=True)
        ]
    )
    month.invoice(5_046_850 - 4_573_610, day=DAY + timedelta(days=3))


def test_bil_9_the_texts_figures_of_submitted_results_and_batches(month: Month, reports: Any) -> None:
    the_month_of_the_text(month)
    for _ in ("live", "rolled up"):
        (total,) = submitted(reports).totals
        kinds = [amount(figure) for figure in (total.new_payments, total.on_account, total.past_due, total.total)]
        assert kinds == ["45,736.10", "10,276.77", "11,289.21", "67,302.08"]
        assert str(money_from_proto(total.amount_invoiced)) == "50,468.50 USD"
        (total,) = results(reports).totals
        assert [amount(figure) for figure in (total.approved, total.declined, total.submitted)] == [
            "65,766.03", "1,536.05", "67,302.08",
        ]  # fmt: skip
        assert (total.declined_percent_by_amount, total.declined_percent_by_count) == ("2.3", "2.3")
        (total,) = batches(reports).totals
        assert (total.batches, total.submitted.count, amount(total.submitted)) == (28, 1027, "67,302.08")
        month.roll_up()
        assert month.club.one("SELECT count(*) FROM report_mark") == 0


def test_bil_9_lines_group_by_unit_then_category_and_item_and_add_up(month: Month, reports: Any) -> None:
    month.pay(
        Paid(10000, lines=[("Membership", "Gold", 3333), ("Rental", "Locker", 3333), ("Rental", "Towel", 3335)]),
        Paid(5000, kind="Past Due", tender="MC", unit=AUSTIN, batch=2),
        Paid(2000, kind="On Account", state="pending"),
    )
    report = submitted(reports)
    lines = [(line.level, list(line.group), minor(line.total.amount), line.total.count) for line in report.lines]
    assert lines == [
        (1, [AUSTIN], 5000, 1),
        (2, [AUSTIN, "Membership"], 5000, 1),
        (3, [AUSTIN, "Membership", "Gold"], 5000, 1),
        (1, [DENVER], 12000, 2),
        (2, [DENVER, "Membership"], 3332 + 2000, 2),
        (3, [DENVER, "Membership", "Gold"], 3332 + 2000, 2),
        (2, [DENVER, "Rental"], 3332 + 3336, 0),
        (3, [DENVER, "Rental", "Locker"], 3332, 0),
        (3, [DENVER, "Rental", "Towel"], 3336, 0),
    ]
    assert [line.provisional for line in report.lines if line.level == 1] == [False, True]
    assert report.provisional


def test_bil_9_a_payment_is_spread_by_what_its_lines_come_to_with_their_tax(club: Club, reports: Any) -> None:
    club.add_account("M1")
    club.due.page_size = 10
    locker = due("M1", charge_key="locker/1/recurring", amount_minor=1000, item_category="Rental", item="Locker")
    club.due.charges = [due("M1", amount_minor=1000, tax_minor=500), locker]
    club.play(DAY)
    lines = submitted(reports).lines
    told = {line.group[-1]: (amount(line.total), minor(line.amount_invoiced)) for line in lines if line.level == 3}
    assert told == {"Gold": ("15.00", 1500), "Locker": ("10.00", 1000)}


@pytest.mark.parametrize("state", ["created", "pending", "unknown", "declined"])
def test_bil_9_what_has_no_final_result_is_provisional_and_neither_approved_nor_declined(
    month: Month, reports: Any, state: str
) -> None:
    month.pay(Paid(1000, state=state, tender="MC"), Paid(500))
    (total,) = results(reports).totals
    assert [amount(one) for one in (total.approved, total.declined, total.not_final)] == ["5.00", "0.00", "10.00"]
    (batch,) = batches(reports).batches
    assert [amount(one) for one in (batch.approved, batch.declined, batch.not_final)] == ["5.00", "0.00", "10.00"]
    assert (total.provisional, submitted(reports).provisional, batch.provisional) == (True, True, True)


def test_bil_9_the_grouping_can_be_changed(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(2000, tender="MC", day=DAY + timedelta(days=1), batch=2))
    report = results(reports, group_by=[pb.REPORT_GROUPING_DAY, pb.REPORT_GROUPING_TENDER])
    assert [list(line.group)[1:] for line in report.lines if line.level == 3] == [
        [str(DAY), "VISA"], [str(DAY + timedelta(days=1)), "MC"],
    ]  # fmt: skip
    assert [line.level for line in results(reports, units_only=True).lines] == [1]
    with pytest.raises(InvalidArgument, match="twice"):
        results(reports, group_by=[pb.REPORT_GROUPING_DAY, pb.REPORT_GROUPING_DAY])


@pytest.mark.parametrize("rolled_up", [False, True])
def test_bil_9_filters_narrow_days_units_tenders_kinds_and_categories(
    month: Month, reports: Any, rolled_up: bool
) -> None:
    month.pay(
        Paid(1, day=DAY - timedelta(days=1)),
        Paid(10, batch=2),
        Paid(100, tender="ACH", batch=2),
        Paid(1000, kind="Past Due", batch=2),
        Paid(10000, unit=AUSTIN, batch=3),
        Paid(100000, lines=[("Rental", "Locker", 50000), ("Membership", "Gold", 50000)], batch=2),
    )

    if rolled_up:
        month.roll_up()

    def total(**changes: Any) -> int:
        parent = changes.pop("parent", PARENT)
        (line,) = submitted(reports, parent=parent, filter=those(**changes)).totals
        return minor(line.total.amount)

    assert total() == 111110
    assert total(first=DAY - timedelta(days=1)) == 111111
    assert total(tenders=["ACH"]) == 100
    assert total(kinds=["Past Due"]) == 1000
    assert total(item_categories=["Rental"]) == 50000
    assert total(business_units=[f"{PARENT}/businessUnits/{unit_id(AUSTIN)}"]) == 10000
    assert total(parent=f"{PARENT}/businessUnits/{unit_id(DENVER)}") == 101110
    assert [batch.number for batch in batches(reports).batches] == [3, 2]
    assert [batch.number for batch in batches(reports, filter=those(first=DAY - timedelta(days=1))).batches] == [
        3,
        1,
        2,
    ]
    (of_ach,) = batches(reports, filter=those(tenders=["ACH"])).batches
    assert (of_ach.number, amount(of_ach.submitted), {part.tender for part in of_ach.parts}) == (2, "1.00", {"ACH", ""})
    for wrong in (those(kinds=["Late"]), those(last=DAY - timedelta(days=1)), those(last=date(2199, 1, 1))):
        with pytest.raises(InvalidArgument):
            submitted(reports, filter=wrong)
    elsewhere = those(business_units=[f"{PARENT}/businessUnits/{unit_id(AUSTIN)}"])
    with pytest.raises(InvalidArgument, match="below the parent"):
        submitted(reports, parent=f"{PARENT}/businessUnits/{unit_id(DENVER)}", filter=elsewhere)


def test_bil_9_a_division_is_all_of_its_units(month: Month, reports: Any) -> None:
    month.pay(Paid(10), Paid(10000, unit=AUSTIN, batch=3))
    division = unit_id("Texas")
    with month.club.engine.begin() as connection:
        of_austin = {"division": division, "unit": unit_id(AUSTIN)}
        connection.execute(sa.text("UPDATE business_unit SET division_id = :division WHERE id = :unit"), of_austin)
    (total,) = submitted(reports, parent=f"{PARENT}/divisions/{division}").totals
    assert minor(total.total.amount) == 10000
    (batch,) = batches(reports, parent=f"{PARENT}/divisions/{division}").batches
    assert batch.number == 3
    of_denver = those(business_units=[f"{PARENT}/businessUnits/{unit_id(DENVER)}"])
    with pytest.raises(InvalidArgument, match=rf"business_units\[0\]: {unit_id(DENVER)} doesn't lie below the parent"):
        submitted(reports, parent=f"{PARENT}/divisions/{division}", filter=of_denver)


@pytest.mark.parametrize("rolled_up", [False, True])
def test_bil_9_an_item_category_nothing_was_invoiced_of_is_refused_by_name(
    month: Month, reports: Any, rolled_up: bool
) -> None:
    def ask(*categories: str) -> None:
        submitted(reports, filter=those(item_categories=categories))

    with pytest.raises(InvalidArgument, match="'Rental' is no item category of an invoice; there are none yet"):
        ask("Rental")
    month.pay(Paid(1000, lines=[("Rental", "Locker", 600), ("Membership", "Gold", 400)]))
    if rolled_up:
        month.roll_up()
    ask("Rental", "Membership")
    told = r"filter.item_categories\[1\]: 'rental' is no item category of an invoice; there are Membership, Rental\."
    with pytest.raises(InvalidArgument, match=told):
        ask("Rental", "rental")
    request = pb.ListReportedPaymentsRequest(parent=PARENT, filter=those(item_categories=["Pool"]))
    with pytest.raises(InvalidArgument, match="'Pool' is no item category"):
        reports.ListReportedPayments(request, timeout=5)


def test_bil_9_results_are_the_originals_and_the_retrys_with_decline_percent_by_tender(
    month: Month, reports: Any
) -> None:
    month.pay(
        Paid(6000),
        Paid(1000, original="declined", retry="approved"),
        Paid(3000, state="finally_declined"),
        Paid(500, tender="ACH", state="finally_declined"),
        Paid(250, tender="ACH", state="not_attempted"),
        Paid(125, tender="MC", state="declined"),
    )
    report = results(reports)
    (total,) = report.totals
    figures = (
        total.submitted, total.approved, total.original_approved, total.retry_approved, total.declined,
        total.not_attempted, total.not_final,
    )  # fmt: skip
    assert [minor(figure.amount) for figure in figures] == [10875, 7000, 6000, 1000, 3500, 250, 125]
    tenders = {line.group[1]: line for line in report.tender_lines}
    assert (tenders["VISA"].declined_percent_by_count, tenders["VISA"].declined_percent_by_amount) == ("33.3", "30.0")
    assert (tenders["ACH"].declined_percent_by_count, tenders["MC"].declined_percent_by_count) == ("100.0", "0.0")
    assert [line.group[0] for line in report.tender_totals] == ["ACH", "MC", "VISA"]
    assert (total.provisional, tenders["VISA"].provisional, tenders["MC"].provisional) == (True, False, True)


def test_bil_9_a_desk_payment_is_in_no_report(club: Club, month: Month, reports: Any) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.play(DAY)
    with club.units.begin(club.context()) as tx:
        take_payment(tx, TakePayment(ref("M1"), Money(900, "USD"), "CASH"))
    (total,) = submitted(reports).totals
    assert (total.total.count, minor(total.total.amount)) == (1, 3500)


def test_bil_9_the_payments_behind_a_report_are_listed_in_pages(month: Month, reports: Any) -> None:
    month.pay(*[Paid(100 + number, state="finally_declined") for number in range(3)], Paid(9))

    def page(token: str = "") -> Any:
        request = pb.ListReportedPaymentsRequest(
            parent=PARENT, filter=those(), result=pb.REPORTED_RESULT_DECLINED, page_size=2, page_token=token
        )
        return reports.ListReportedPayments(request, timeout=5)

    first = page()
    second = page(first.next_page_token)
    found = [*first.payments, *second.payments]
    assert (sorted(minor(one.amount) for one in found), second.next_page_token) == ([100, 101, 102], "")
    assert {one.result for one in found} == {pb.REPORTED_RESULT_DECLINED}


def test_bil_3_batches_are_listed_by_number_original_then_retry_by_tender(month: Month, reports: Any) -> None:
    month.pay(
        Paid(100, batch=8),
        Paid(200, tender="ACH", batch=7),
        Paid(300, batch=7, original="declined", retry="approved"),
        Paid(400, batch=7, state="finally_declined", message=""),
    )
    report = batches(reports)
    assert [batch.number for batch in report.batches] == [7, 8]
    parts = [(part.label, part.tender, minor(part.submitted.amount)) for part in report.batches[0].parts]
    assert parts == [
        ("Original", "VISA", 700), ("Original", "ACH", 200), ("Original", "", 900),
        ("Retry", "VISA", 300), ("Retry", "", 300),
    ]  # fmt: skip
    batch = report.batches[0]
    assert [minor(one.amount) for one in (batch.submitted, batch.approved, batch.declined)] == [900, 500, 400]
    assert (batch.processing_errors, batch.parts[0].processing_errors) == (1, 1)
    assert not batches(reports, detail=False).batches[0].parts
    first = batches(reports, page_size=1)
    second = batches(reports, page_size=1, page_token=first.next_page_token)
    assert [first.batches[0].number, second.batches[0].number, second.next_page_token] == [7, 8, ""]
    assert first.totals == second.totals == report.totals


def test_bil_9_a_batch_drills_down_to_transactions_and_flags_blank_messages(month: Month, reports: Any) -> None:
    month.pay(
        Paid(300, original="declined", retry="approved"),
        Paid(400, state="finally_declined", message=""),
        Paid(1, state="pending"),
        Paid(5, tender="ACH"),
    )

    def drill(**changes: Any) -> Any:
        request = pb.ListBatchTransactionsRequest(parent=PARENT, batch_number=1, **changes)
        return reports.ListBatchTransactions(request, timeout=5)

    found = drill(tender="VISA").transactions
    assert [(one.label, minor(one.amount), one.result, one.processing_error) for one in found] == [
        ("Original", 300, pb.REPORTED_RESULT_DECLINED, False),
        ("Original", 400, pb.REPORTED_RESULT_DECLINED, True),
        ("Original", 1, pb.REPORTED_RESULT_NOT_FINAL, False),
        ("Retry", 300, pb.REPORTED_RESULT_APPROVED, False),
    ]
    assert found[0].payment == found[3].payment
    assert [one.label for one in drill(label="Retry").transactions] == ["Retry"]
    assert [minor(one.amount) for one in drill(result=pb.REPORTED_RESULT_NOT_FINAL).transactions] == [1]
    first = drill(page_size=3)
    assert len(first.transactions) + len(drill(page_size=3, page_token=first.next_page_token).transactions) == 5


def test_bil_9_a_real_run_with_a_retry_reads_the_same_from_every_report(club: Club, reports: Any) -> None:
    club.settings(card_updater=True)
    for number in range(1, 4):
        club.add_account(f"M{number}")
    club.add_account("M4", tender="ACH", exp_month="", exp_year="")
    club.script |= {("tok_M1", 1): "D16", ("tok_M2", 1): "D03"}
    club.due.charges = [due(f"M{number}") for number in range(1, 5)]
    club.set_clock(DAY)
    club.bill(DAY)
    assert submitted(reports).provisional
    club.deliver()
    assert results(reports).totals[0].not_final.count == batches(reports).totals[0].not_final.count == 1
    club.ask("card-updater")
    club.deliver_updates()
    club.do_tasks()
    club.deliver(Label.RETRY)
    (one,), (two,), (three,) = submitted(reports).totals, results(reports).totals, batches(reports).totals
    assert minor(one.total.amount) == minor(two.submitted.amount) == minor(three.submitted.amount) == 14000
    assert minor(two.approved.amount) == minor(three.approved.amount)
    assert minor(two.declined.amount) == minor(three.declined.amount) >= 3500
    assert not submitted(reports).provisional


def test_bil_9_a_result_without_a_message_is_a_processing_error(club: Club, reports: Any) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.bill(DAY)
    attempt_id = club.one("SELECT id FROM attempt")
    club.report(ResultCallback("r1", str(attempt_id), "T1", "D03", "", None))
    (batch,) = batches(reports).batches
    assert (batch.processing_errors, batch.parts[0].processing_errors) == (1, 1)
    request = pb.ListBatchTransactionsRequest(parent=PARENT, batch_number=batch.number)
    (transaction,) = reports.ListBatchTransactions(request, timeout=5).transactions
    assert (transaction.response_message, transaction.processing_error) == ("", True)
    assert club.one("SELECT response_message FROM payment") == "Insufficient funds"


def test_bil_9_an_opening_balance_was_not_invoiced(club: Club, reports: Any) -> None:
    club.add_account("OLD", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.play(DAY)
    (total,) = submitted(reports).totals
    assert minor(total.amount_invoiced) == 3500


def test_bil_9_money_is_written_in_its_own_currency(month: Month) -> None:
    assert [str(money(12345, code)) for code in ("USD", "JPY", "KWD")] == ["123.45", "12345", "12.345"]
    assert str(Money(12345, "USD")) == "123.45 USD"
