"""Deposits beside batches: what came, what is awaited, every kind of difference and what explains it (SPEC BIL-9)."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from billing_month import Month, Paid
from boss.billing.v1 import deposit_service_pb2 as deposit_pb
from boss.billing.v1 import deposit_service_pb2_grpc as deposit_grpc
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc as ledger_grpc
from boss.billing.v1 import report_service_pb2 as pb
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, request_id, unit_id
from google.type import date_pb2

from boss_billing.deposits.rules import Outcome
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_from_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"
LONG_AFTER = DAY + timedelta(days=60)


@pytest.fixture
def month(club: Club) -> Month:
    club.set_clock(LONG_AFTER)
    return Month(club)


def report(reports: Any, **changes: Any) -> pb.ReconciliationReport:
    days = pb.ReportFilter(start_date=date_to_proto(DAY), end_date=date_to_proto(DAY + timedelta(days=30)))
    values = {"parent": PARENT, "filter": days} | changes
    return reports.GetReconciliationReport(pb.GetReconciliationReportRequest(**values), timeout=10)


def minor(amount: Any) -> int:
    return money_from_proto(amount).amount_minor


def differences(reports: Any) -> list[tuple[int, str, int, list[int]]]:
    """Give kind, tender, amount and the amounts of the explaining transactions of every difference."""
    kinds = pb.DifferenceKind
    return [
        (
            kinds.Name(one.kind).removeprefix("DIFFERENCE_KIND_"),
            one.tender,
            minor(one.amount),
            [minor(each.amount) for each in one.transactions],
        )
        for batch in report(reports).batches
        for one in batch.differences
    ]


def test_bil_9_batch_437951_of_the_text_reconciles_over_two_statements(month: Month, reports: Any) -> None:
    month.pay(
        *[Paid(amount, batch=437951) for amount in (20000, 20000, 10750)],
        Paid(10000, tender="AMEX", batch=437951),
        Paid(4500, batch=437951, original="declined", retry="approved"),
    )
    month.deposit(437951, "VISA", 50750, label="Original", statement="January", deposit_date=DAY + timedelta(days=2))
    month.deposit(437951, "AMEX", 10000, label="Original", statement="February", deposit_date=DAY + timedelta(days=4))
    month.deposit(437951, "VISA", 4500, label="Retry", statement="February", deposit_date=DAY + timedelta(days=4))
    for _ in ("live", "rolled up"):
        found = report(reports)
        (batch,) = found.batches
        original = (batch.original.submitted, batch.original.approved, batch.original.declined)
        assert [minor(figure.amount) for figure in original] == [65250, 60750, 4500]
        assert [minor(figure.amount) for figure in (batch.retry.submitted, batch.retry.approved)] == [4500, 4500]
        assert (minor(batch.approved), minor(batch.deposited), minor(batch.awaited)) == (65250, 65250, 0)
        assert [(one.statement, minor(one.gross)) for one in batch.deposits] == [
            ("January", 50750), ("February", 10000), ("February", 4500),
        ]  # fmt: skip
        assert not batch.differences
        (total,) = found.totals
        assert (minor(total.submitted), minor(total.deposited), total.differences) == (65250, 65250, 0)
        month.roll_up()


def test_bil_9_missing_what_was_approved_and_never_came(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(700, tender="ACH"), Paid(300, tender="ACH"))
    month.pay(Paid(5, tender="ACH", state="finally_declined"))
    month.deposit(1, "VISA", 1000)
    assert differences(reports) == [("MISSING", "ACH", -1000, [700, 300])]
    (batch,) = report(reports).batches
    assert "nothing deposited by 2026-01-13" in batch.differences[0].text


def test_bil_9_what_may_still_come_is_awaited_and_provisional(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(700, tender="ACH"))
    month.deposit(1, "VISA", 1000)
    month.club.set_clock(DAY + timedelta(days=8))
    found = report(reports)
    assert (minor(found.batches[0].awaited), found.provisional, len(found.batches[0].differences)) == (700, True, 0)
    month.club.set_clock(DAY + timedelta(days=9))
    assert differences(reports) == [("MISSING", "ACH", -700, [700])]


def test_bil_9_short_names_the_transaction_that_lacks(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(450), Paid(2000))
    month.deposit(1, "VISA", 3000)
    assert differences(reports) == [("SHORT", "VISA", -450, [450])]


def test_bil_9_short_by_the_whole_retry_names_the_retries(month: Month, reports: Any) -> None:
    month.pay(Paid(9000), *[Paid(amount, original="declined", retry="approved") for amount in (1700, 2800)])
    month.deposit(1, "VISA", 9000)
    assert differences(reports) == [("SHORT", "VISA", -4500, [1700, 2800])]


def test_bil_9_short_by_two_names_both_and_else_all_it_may_be(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(450), Paid(2000), Paid(130, batch=2), Paid(150, batch=2))
    month.deposit(1, "VISA", 2000)
    month.deposit(2, "VISA", 279)
    assert differences(reports) == [("SHORT", "VISA", -1450, [1000, 450]), ("SHORT", "VISA", -1, [130, 150])]


def test_bil_9_over_names_the_declined_payment_that_was_paid_out(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(450, state="finally_declined"), Paid(450))
    month.deposit(1, "VISA", 1900)
    assert differences(reports) == [("OVER", "VISA", 450, [450])]
    (batch,) = report(reports).batches
    assert batch.differences[0].transactions[0].result == pb.REPORTED_RESULT_DECLINED


def test_bil_9_duplicate_names_the_deposit_that_came_again(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(1000, batch=2, tender="MC"), Paid(1000, batch=2, original="declined", retry="approved"))
    month.deposit(1, "VISA", 1000, statement="January")
    month.deposit(1, "VISA", 1000, statement="February", deposit_date=DAY + timedelta(days=3))
    # The same amount twice is no duplicate where both are due.
    month.deposit(2, "VISA", 500)
    month.deposit(2, "VISA", 500)
    month.deposit(2, "MC", 1000)
    assert differences(reports) == [("DUPLICATE", "VISA", 1000, [1000])]
    (one,) = report(reports).batches[0].differences
    assert [deposit.statement for deposit in one.deposits] == ["February"]


def test_bil_9_a_duplicate_may_hide_what_is_short(month: Month, reports: Any) -> None:
    month.pay(Paid(123456), Paid(45000), Paid(50, batch=2), Paid(50, batch=2))
    month.deposit(1, "VISA", 123456)
    month.deposit(1, "VISA", 123456, statement="S2")
    # Two equal deposits that are both due, and a little too much: no duplicate.
    month.deposit(2, "VISA", 50)
    month.deposit(2, "VISA", 50)
    month.deposit(2, "VISA", 3)
    assert differences(reports) == [
        ("DUPLICATE", "VISA", 123456, [123456, 45000]),
        ("SHORT", "VISA", -45000, [45000]),
        ("OVER", "VISA", 3, [50, 50]),
    ]


def test_bil_9_wrong_day_names_deposits_outside_their_tenders_days(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(700, tender="ACH"), Paid(800, tender="AMEX"))
    month.deposit(1, "VISA", 1000, deposit_date=DAY + timedelta(days=5))
    month.deposit(1, "ACH", 700, deposit_date=DAY)
    month.deposit(1, "AMEX", 800, deposit_date=DAY + timedelta(days=6))
    assert differences(reports) == [("WRONG_DAY", "VISA", 0, [1000]), ("WRONG_DAY", "ACH", 0, [700])]


def test_bil_9_the_days_of_a_tender_are_data(month: Month, reports: Any, server: Any) -> None:
    month.pay(Paid(700, tender="ACH"))
    month.deposit(1, "ACH", 700, deposit_date=DAY)
    assert [one[0] for one in differences(reports)] == ["WRONG_DAY"]
    deposits = server.stub(deposit_grpc.DepositServiceStub)

    def ask(days_min: int, days_max: int) -> None:
        window = deposit_pb.SettlementWindow(tender="ACH", days_min=days_min, days_max=days_max)
        request = deposit_pb.UpdateSettlementWindowRequest(
            parent=PARENT, settlement_window=window, request_id=request_id()
        )
        deposits.UpdateSettlementWindow(request, timeout=5)

    ask(0, 3)
    assert differences(reports) == []
    listed = deposits.ListSettlementWindows(deposit_pb.ListSettlementWindowsRequest(parent=PARENT), timeout=5)
    days = {one.tender: (one.days_min, one.days_max) for one in listed.settlement_windows}
    assert (days["ACH"], days["AMEX"]) == ((0, 3), (0, 6))
    with pytest.raises(InvalidArgument, match="below days_min"):
        ask(4, 3)


def test_bil_9_a_deposit_for_a_batch_nobody_knows_is_listed(month: Month, reports: Any) -> None:
    month.pay(Paid(1000))
    month.deposit(1, "VISA", 1000)
    month.deposit(99, "VISA", 777)
    assert differences(reports) == [("UNKNOWN_BATCH", "", 777, [])]
    last = report(reports).batches[-1]
    assert (last.number, last.business_unit, minor(last.deposited)) == (99, "", 777)


def test_bil_9_a_statement_by_payment_is_matched_payment_by_payment(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(450), Paid(450), Paid(300), Paid(200))
    names = {row.transaction_id: row.amount_minor for row in month.club.rows("SELECT * FROM attempt")}
    one, two, three, four, five = sorted(names)
    month.deposit(1, "VISA", 1000, transaction_id=one)
    month.deposit(1, "VISA", 450, transaction_id=two)
    month.deposit(1, "VISA", 450, transaction_id=two)
    month.deposit(1, "VISA", 290, transaction_id=four)
    month.deposit(1, "VISA", 210, transaction_id=five)
    month.deposit(1, "VISA", 60, transaction_id="nobody's")
    assert sorted(differences(reports)) == [
        ("DUPLICATE", "VISA", 450, [450]),
        ("MISSING", "VISA", -450, [450]),
        ("OVER", "VISA", 10, [200]),
        ("OVER", "VISA", 60, []),
        ("SHORT", "VISA", -10, [300]),
    ]
    assert three in {each.transaction_id for each in _explaining(reports, pb.DIFFERENCE_KIND_MISSING)}


def _explaining(reports: Any, kind: int) -> list[Any]:
    batches = report(reports).batches
    return [each for one in batches for two in one.differences if two.kind == kind for each in two.transactions]


def test_bil_8_what_really_moved_is_what_the_reports_and_the_bank_agree_about(month: Month, reports: Any) -> None:
    month.pay(Paid(1000, state="pending"))
    month.roll_up()
    # An exception resolved as reported: the attempt keeps what was submitted, the payment has what moved.
    with month.club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE payment SET state = 'approved', amount_minor = 900"))
        connection.execute(sa.text("UPDATE attempt SET state = 'approved'"))
    month.deposit(1, "", 900)
    month.roll_up()
    (batch,) = report(reports).batches
    assert [minor(one) for one in (batch.approved, batch.deposited)] == [900, 900]
    assert differences(reports) == []


def test_bil_9_only_what_differs_can_be_asked_for_and_totals_are_of_all_pages(month: Month, reports: Any) -> None:
    month.pay(*[Paid(1000, batch=number) for number in range(1, 5)], Paid(50, unit=AUSTIN, batch=9))
    month.deposit(1, "VISA", 1000, fee_minor=30)
    month.deposit(2, "VISA", 900)
    month.deposit(99, "VISA", 5)
    found = report(reports, only_differences=True)
    assert [batch.number for batch in found.batches] == [9, 2, 3, 4, 99]
    first = report(reports, only_differences=True, page_size=3)
    second = report(reports, only_differences=True, page_size=3, page_token=first.next_page_token)
    assert [batch.number for batch in (*first.batches, *second.batches)] == [9, 2, 3, 4, 99]
    (total,) = first.totals
    assert first.totals == second.totals
    figures = (total.submitted, total.deposited, total.fee, total.differing)
    # What is in order isn't listed, nor in the sums.
    assert [minor(figure) for figure in figures] == [3050, 905, 0, -2145]
    (total,) = report(reports).totals
    figures = (total.submitted, total.deposited, total.fee, total.differing)
    assert [minor(figure) for figure in figures] == [4050, 1905, 30, -2145]
    denver = report(reports, parent=f"{PARENT}/businessUnits/{unit_id(DENVER)}")
    assert [batch.number for batch in denver.batches] == [1, 2, 3, 4]


def test_bil_9_the_days_of_a_retry_count_from_the_retry(month: Month, reports: Any) -> None:
    month.pay(Paid(1000, original="declined", retry="approved"))
    with month.club.engine.begin() as connection:
        later: date = DAY + timedelta(days=3)
        connection.execute(sa.text("UPDATE attempt SET result_date = :day WHERE label = 'Retry'"), {"day": later})
    month.deposit(1, "VISA", 1000, deposit_date=DAY + timedelta(days=7))
    assert differences(reports) == []
    assert date_from_proto(report(reports).batches[0].deposits[0].deposit_date) == DAY + timedelta(days=7)


def test_bil_8_a_deposit_that_comes_before_the_result_is_over_until_the_result_is_there(
    month: Month, reports: Any
) -> None:
    month.pay(Paid(1000, state="pending"))
    assert month.deposit(1, "VISA", 1000).outcome is Outcome.NEW
    assert differences(reports)[0][:3] == ("OVER", "VISA", 1000)
    assert report(reports).provisional
    with month.club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE attempt SET state = 'approved'"))
        connection.execute(sa.text("UPDATE payment SET state = 'approved'"))
    assert (differences(reports), report(reports).provisional) == ([], False)


def test_bil_8_a_deposit_of_a_whole_batch_that_comes_before_its_results_pays_what_they_say_is_due(
    month: Month, reports: Any
) -> None:
    month.pay(Paid(1000, state="pending"), Paid(700, tender="AMEX", state="pending"))
    month.deposit(1, "", 1500, fee_minor=30)
    assert differences(reports) == [("OVER", "", 1500, [])]
    with month.club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE attempt SET state = 'approved'"))
        connection.execute(sa.text("UPDATE payment SET state = 'approved'"))
    # Cards settle first: what is short is AMEX, which no other deposit has brought.
    assert differences(reports) == [("SHORT", "AMEX", -200, [700])]
    month.deposit(1, "AMEX", 200)
    found = report(reports)
    assert (differences(reports), found.provisional) == ([], False)
    assert [(one.tender, minor(one.gross)) for one in found.batches[0].deposits] == [("", 1500), ("AMEX", 200)]
    assert minor(found.batches[0].fee) == 30


def test_bil_9_each_row_of_the_reconciliation_adds_up_and_the_total_is_the_sum_of_the_rows(
    month: Month, reports: Any
) -> None:
    month.pay(
        Paid(6000),
        Paid(1000, original="declined", retry="approved"),
        Paid(3000, state="finally_declined"),
        Paid(500, state="pending"),
        Paid(250, state="not_attempted", batch=2),
        Paid(125, state="unknown", batch=2),
        Paid(75, original="declined", retry="pending", state="declined", batch=2),
    )
    month.deposit(1, "VISA", 6900, fee_minor=100)
    month.deposit(99, "VISA", 777)
    for _ in ("live", "rolled up"):
        found = report(reports)
        (total,) = found.totals
        rows = [_columns(batch) for batch in found.batches if batch.business_unit]
        assert rows == [(10500, 6000, 4000, 500, 1000), (450, 0, 75, 375, 0)]
        whole = (
            total.submitted, total.original_approved, total.original_declined, total.original_without_result,
            total.retry_approved,
        )  # fmt: skip
        assert tuple(map(minor, whole)) == tuple(map(sum, zip(*rows, strict=True)))
        for submitted, *parts, _ in rows:
            assert submitted == sum(parts)
        for batch in found.batches:
            differing = sum(minor(one.amount) for one in batch.differences)
            assert minor(batch.deposited) + minor(batch.awaited) - minor(batch.approved) == differing
        for field in ("deposited", "fee", "awaited"):
            assert minor(getattr(total, field)) == sum(minor(getattr(batch, field)) for batch in found.batches)
        month.roll_up()


def _columns(batch: Any) -> tuple[int, ...]:
    original = batch.original
    without_result = minor(original.not_attempted.amount) + minor(original.unanswered.amount)
    figures = (original.submitted, original.approved, original.declined)
    retry = minor(batch.retry.approved.amount) if batch.HasField("retry") else 0
    return (*(minor(figure.amount) for figure in figures), without_result, retry)


@pytest.mark.parametrize("rolled_up", [False, True])
def test_bil_9_one_batch_is_asked_for_by_its_number_whatever_its_day(
    month: Month, reports: Any, rolled_up: bool
) -> None:
    month.pay(Paid(1000, batch=7), Paid(500, batch=8), Paid(200, batch=9, day=DAY + timedelta(days=400)))
    month.deposit(7, "VISA", 1000)
    month.deposit(99, "VISA", 777)
    month.deposit(98, "VISA", 1)
    if rolled_up:
        month.roll_up()

    def one(number: int, **changes: Any) -> list[tuple[int, int]]:
        found = report(reports, filter=pb.ReportFilter(batch_number=number, **changes)).batches
        return [(batch.number, minor(batch.deposited)) for batch in found]

    assert one(7) == [(7, 1000)]
    assert one(9) == [(9, 0)]
    assert one(99) == [(99, 777)]
    with pytest.raises(NotFound, match="There is no batch 6 in this enterprise, and no deposit for one; ask for its"):
        one(6)
    assert one(9, end_date=date_to_proto(DAY)) == []
    request = pb.GetPaymentBatchesReportRequest(parent=PARENT, filter=pb.ReportFilter(batch_number=8))
    (batch,) = reports.GetPaymentBatchesReport(request, timeout=10).batches
    assert (batch.number, minor(batch.submitted.amount)) == (8, 500)


def test_bil_9_money_for_an_unknown_batch_is_narrowed_by_tender_as_all_else(month: Month, reports: Any) -> None:
    month.deposit(98, "VISA", 1)
    month.deposit(99, "MC", 2)
    days = {"start_date": date_to_proto(DAY), "end_date": date_to_proto(DAY + timedelta(days=30))}
    found = report(reports, filter=pb.ReportFilter(**days, tenders=["MC"])).batches
    assert [batch.number for batch in found] == [99]


DAYS = {"start_date": date_to_proto(DAY), "end_date": date_to_proto(DAY)}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({**DAYS, "tenders": ["VISA", "Visa"]}, "filter.tenders: 'Visa' is no tender; there are VISA, MC, DISC, "),
        ({**DAYS, "kinds": ["New"]}, "filter.kinds: narrows only Post-Billing Submitted and Results; leave it out"),
        ({**DAYS, "item_categories": ["x"]}, "filter.item_categories: narrows only Post-Billing Submitted and Res"),
        ({}, "filter.start_date: is missing: give the first and the last bill date, or the batch_number of one"),
        ({"start_date": date_to_proto(DAY)}, "filter.end_date: is missing"),
        ({"start_date": date_pb2.Date(year=2026, month=2, day=30)}, "filter.start_date: 2026-2-30 is not a day of"),
        (
            {"start_date": date_to_proto(DAY), "end_date": date_to_proto(DAY - timedelta(days=1))},
            "filter.end_date: 2026-01-04 lies before the start date, 2026-01-05; swap them",
        ),
    ],
)
def test_bil_9_a_filter_that_cannot_be_is_refused_by_name_with_the_way_out(
    month: Month, reports: Any, asked: Any, told: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        report(reports, filter=pb.ReportFilter(**asked))
    assert told in refused.value.message


def test_bil_9_a_report_of_payments_is_not_narrowed_to_a_batch(month: Month, reports: Any) -> None:
    which = pb.ReportFilter(**DAYS, batch_number=1)
    with pytest.raises(InvalidArgument, match=r"filter\.batch_number: narrows only Billing Payment Batches"):
        reports.GetSubmittedReport(pb.GetSubmittedReportRequest(parent=PARENT, filter=which), timeout=10)
    with pytest.raises(InvalidArgument, match=r"filter\.batch_number"):
        reports.ListReportedPayments(pb.ListReportedPaymentsRequest(parent=PARENT, filter=which), timeout=10)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"report": pb.REPORT_KIND_BATCHES, "only_differences": True}, "only_differences"),
        ({"report": pb.REPORT_KIND_SUBMITTED, "only_differences": True}, "only_differences"),
        ({"report": pb.REPORT_KIND_RECONCILIATION, "group_by": [pb.REPORT_GROUPING_DAY]}, "group_by"),
    ],
)
def test_bil_9_a_file_is_not_narrowed_by_what_its_report_has_not(
    month: Month, reports: Any, changes: Any, field: str
) -> None:
    which = pb.ReportFilter(**DAYS)
    request = pb.ExportReportRequest(parent=PARENT, filter=which, format=pb.FILE_FORMAT_CSV, **changes)
    with pytest.raises(InvalidArgument, match=field):
        list(reports.ExportReport(request, timeout=10))


def test_bil_9_a_unit_there_is_not_is_refused_by_every_report_and_list_of_a_controller(
    month: Month, reports: Any, server: Any
) -> None:
    nowhere = f"{PARENT}/businessUnits/{unit_id('Nowhere')}"
    days, deposits = pb.ReportFilter(**DAYS), server.stub(deposit_grpc.DepositServiceStub)
    ledger = server.stub(ledger_grpc.LedgerServiceStub)
    of_filter = pb.ReportFilter(**DAYS, business_units=[nowhere])
    asked = [
        (reports.GetSubmittedReport, pb.GetSubmittedReportRequest(parent=nowhere, filter=days)),
        (reports.GetSubmittedReport, pb.GetSubmittedReportRequest(parent=PARENT, filter=of_filter)),
        (reports.GetResultsReport, pb.GetResultsReportRequest(parent=nowhere, filter=days)),
        (reports.GetPaymentBatchesReport, pb.GetPaymentBatchesReportRequest(parent=nowhere, filter=days)),
        (reports.GetReconciliationReport, pb.GetReconciliationReportRequest(parent=nowhere, filter=days)),
        (reports.ListBatchTransactions, pb.ListBatchTransactionsRequest(parent=nowhere, batch_number=1)),
        (deposits.ListDeposits, deposit_pb.ListDepositsRequest(parent=nowhere)),
        (ledger.GetAging, ledger_pb.GetAgingRequest(parent=nowhere)),
        (ledger.ListAgedAccounts, ledger_pb.ListAgedAccountsRequest(parent=nowhere)),
    ]
    for method, request in asked:
        with pytest.raises(NotFound, match=str(unit_id("Nowhere"))) as refused:
            method(request, timeout=10)
        assert refused.value.reason == "BUSINESS_UNIT_NOT_FOUND"


def test_bil_9_a_batch_a_division_or_an_enterprise_there_is_not_is_refused_by_name(month: Month, reports: Any) -> None:
    month.pay(Paid(1000))
    of_batch, days = pb.ReportFilter(batch_number=404), pb.ReportFilter(**DAYS)
    west, elsewhere = unit_id("West"), unit_id("Elsewhere")
    division, enterprise = f"{PARENT}/divisions/{west}", f"enterprises/{elsewhere}"
    csv = {"report": pb.REPORT_KIND_BATCHES, "format": pb.FILE_FORMAT_CSV}
    asked = [
        (reports.GetPaymentBatchesReport, pb.GetPaymentBatchesReportRequest(parent=PARENT, filter=of_batch), "404"),
        (reports.GetReconciliationReport, pb.GetReconciliationReportRequest(parent=PARENT, filter=of_batch), "404"),
        (reports.ListBatchTransactions, pb.ListBatchTransactionsRequest(parent=PARENT, batch_number=404), "404"),
        (reports.GetSubmittedReport, pb.GetSubmittedReportRequest(parent=division, filter=days), str(west)),
        (reports.GetResultsReport, pb.GetResultsReportRequest(parent=division, filter=days), str(west)),
        (reports.GetPaymentBatchesReport, pb.GetPaymentBatchesReportRequest(parent=division, filter=days), str(west)),
        (reports.GetReconciliationReport, pb.GetReconciliationReportRequest(parent=division, filter=days), str(west)),
        (reports.ListReportedPayments, pb.ListReportedPaymentsRequest(parent=division, filter=days), str(west)),
        (reports.ExportReport, pb.ExportReportRequest(parent=division, filter=days, **csv), str(west)),
        (reports.GetSubmittedReport, pb.GetSubmittedReportRequest(parent=enterprise, filter=days), str(elsewhere)),
    ]
    for method, request, name in asked:
        with pytest.raises(NotFound, match=name):
            answer = method(request, timeout=10)
            list(answer) if method == reports.ExportReport else answer


def test_bil_9_the_drill_down_refuses_a_label_or_tender_there_is_not(month: Month, reports: Any) -> None:
    for changes, told in (
        ({"label": "Third"}, "label: 'Third' is no label; there are Original, Retry."),
        ({"tender": "GOLD"}, "tender: 'GOLD' is no tender; there are VISA"),
    ):
        request = pb.ListBatchTransactionsRequest(parent=PARENT, batch_number=1, **changes)
        with pytest.raises(InvalidArgument) as refused:
            reports.ListBatchTransactions(request, timeout=10)
        assert told in refused.value.message
