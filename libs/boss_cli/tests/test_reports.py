"""What `boss reports` and `boss deposits` print, and the files they write."""

from pathlib import Path
from typing import Any

import pytest
from boss.billing.v1 import deposit_service_pb2 as deposit_pb
from boss.billing.v1 import deposit_service_pb2_grpc, report_service_pb2_grpc
from boss.billing.v1 import report_service_pb2 as pb
from google.type import date_pb2
from stand_ins import ENTERPRISE, Cli, stand_in

from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto

UNIT = f"enterprises/{ENTERPRISE}/businessUnits/00000000-0000-0000-0000-000000000002"
DAY = date_pb2.Date(year=2026, month=1, day=5)
DAYS = ("--from", "2026-01-01", "--to", "2026-01-31")


def usd(amount_minor: int) -> Any:
    return money_to_proto(Money(amount_minor, "USD"))


def figure(count: int, amount_minor: int) -> pb.ReportFigure:
    return pb.ReportFigure(count=count, amount=usd(amount_minor))


def reports(**answers: Any) -> Any:
    return stand_in(report_service_pb2_grpc, "ReportService", **answers)


def lines(output: str) -> list[list[str]]:
    """Give the words of each line."""
    return [line.split() for line in output.splitlines() if line.strip()]


def test_submitted_shows_units_groups_and_the_grand_total(cli: Cli) -> None:
    def line(level: int, *group: str) -> pb.SubmittedLine:
        kinds = {"new_payments": figure(7, 4573610), "on_account": figure(2, 1027677), "past_due": figure(1, 1128921)}
        total = figure(10, 6730208)
        return pb.SubmittedLine(level=level, group=group, total=total, amount_invoiced=usd(5046850), **kinds)

    report = pb.SubmittedReport(
        lines=[line(1, "Denver"), line(2, "Denver", "Membership")], totals=[line(0)], provisional=True
    )
    cli.add("billing", reports(GetSubmittedReport=lambda _: report))
    result = cli.run("reports", "submitted", *DAYS)
    assert result.exit_code == 0, result.output
    sums = ["10", "45,736.10", "10,276.77", "11,289.21", "67,302.08", "50,468.50"]
    assert ["Denver", *sums] in lines(result.stdout)
    assert "  Membership" in result.stdout
    assert ["Grand", "total", "USD", *sums] in lines(result.stdout)
    assert "Provisional" in result.stdout


def test_results_show_tenders_with_their_decline_percent(cli: Cli) -> None:
    asked = []

    def line(level: int, *group: str) -> pb.ResultsLine:
        return pb.ResultsLine(
            level=level, group=group, submitted=figure(4, 400), approved=figure(3, 300), declined=figure(1, 100),
            declined_percent_by_count="25.0", declined_percent_by_amount="25.0",
        )  # fmt: skip

    def answer(request: Any) -> pb.ResultsReport:
        asked.append(request)
        return pb.ResultsReport(
            lines=[line(1, "Denver")], totals=[line(0)], tender_lines=[line(2, "Denver", "VISA")],
            tender_totals=[line(0, "VISA")],
        )  # fmt: skip

    cli.add("billing", reports(GetResultsReport=answer))
    result = cli.run("reports", "results", *DAYS, "--tender", "VISA")
    assert result.exit_code == 0, result.output
    # Each unit's tenders stand below its name, and all units' at the end.
    below = [words for words in lines(result.stdout.partition("By tender")[2]) if len(words) > 2 or "units" in words]
    assert [words[0] for words in below if words[0] in ("VISA", "All")] == ["VISA", "All", "VISA"]
    assert "25.0" in result.stdout
    assert (list(asked[0].filter.tenders), asked[0].filter.start_date.month) == (["VISA"], 1)


def test_batches_show_original_and_retry_of_all_pages(cli: Cli) -> None:
    def answer(request: Any) -> pb.PaymentBatchesReport:
        number = 2 if request.page_token else 1
        parts = [
            pb.BatchPart(
                label="Original",
                tender="VISA",
                submitted=figure(2, 65250),
                approved=figure(1, 60750),
                not_attempted=figure(1, 4000),
                unanswered=figure(1, 500),
            )
        ]
        batch = pb.ReportedBatch(number=number, bill_date=DAY, submitted=figure(2, 65250), parts=parts)
        total = pb.BatchesTotal(batches=2, submitted=figure(4, 130500), not_final=figure(1, 500))
        return pb.PaymentBatchesReport(
            batches=[batch], totals=[total], next_page_token="" if request.page_token else "more"
        )

    cli.add("billing", reports(GetPaymentBatchesReport=answer))
    result = cli.run("reports", "batches", *DAYS)
    assert result.exit_code == 0, result.output
    assert [words[0] for words in lines(result.stdout) if words[1:2] == ["2026-01-05"]] == ["1", "2"]
    assert ["2", "batches", "4", "1,305.00", "5.00", "USD"] in lines(result.stdout)
    # What was never tried and what has no answer are one column, so that the row adds up.
    assert ["1", "2026-01-05", "Original", "VISA", "2", "652.50", "607.50", "45.00"] in lines(result.stdout)


def test_a_reconciliation_shows_differences_with_what_explains_them(cli: Cli) -> None:
    lacking = pb.BatchTransaction(account_number="M1", label="Retry", amount=usd(4500), response_message="Approved")
    difference = pb.Difference(
        kind=pb.DIFFERENCE_KIND_SHORT, tender="VISA", amount=usd(-4500), text="45.00 USD is short.",
        transactions=[lacking],
    )  # fmt: skip
    batch = pb.ReconciledBatch(
        business_unit=UNIT, number=437951,
        original=pb.BatchPart(submitted=figure(9, 65250), approved=figure(8, 60750), declined=figure(1, 4000),
            unanswered=figure(1, 500)),
        approved=usd(65250), deposited=usd(60750), awaited=usd(0), differences=[difference],
        deposits=[pb.ReconciledDeposit(deposit_date=DAY, tender="VISA", statement="January", gross=usd(60750))],
    )  # fmt: skip
    total = pb.ReconciliationTotal(
        batches=1,
        submitted=usd(65250),
        original_approved=usd(60750),
        original_declined=usd(4000),
        declined=usd(0),
        original_without_result=usd(500),
        differing=usd(-4500),
        deposited=usd(60750),
    )
    report = pb.ReconciliationReport(batches=[batch], totals=[total])
    cli.add("billing", reports(GetReconciliationReport=lambda _: report))
    result = cli.run("reports", "reconciliation", *DAYS)
    assert result.exit_code == 0, result.output
    # What the Original's declined stands in one column, of the batch and of the total.
    rows = [words for words in lines(result.stdout) if "652.50" in words]
    assert [words[words.index("652.50") :][:4] for words in rows] == [["652.50", "607.50", "40.00", "5.00"]] * 2
    for words in ("437951", "January", "VISA 45.00 USD is short.", "M1 Retry 45.00 Approved", "-45.00"):
        assert words in result.stdout


def test_bil_9_a_report_and_its_file_are_grouped_as_asked(cli: Cli, tmp_path: Path) -> None:
    asked: list[Any] = []

    def answer(request: Any) -> pb.SubmittedReport:
        asked.append(list(request.group_by))
        return pb.SubmittedReport()

    def export(request: Any) -> Any:
        asked.append(list(request.group_by))
        return iter([pb.ExportReportResponse(content=b"x")])

    cli.add("billing", reports(GetSubmittedReport=answer, ExportReport=export))
    grouped = ("--group-by", "day", "--group-by", "tender")
    result = cli.run("reports", "submitted", *DAYS, *grouped, "--csv", str(tmp_path / "x.csv"))
    assert result.exit_code == 0, result.output
    assert asked == [[pb.REPORT_GROUPING_DAY, pb.REPORT_GROUPING_TENDER]] * 2
    assert cli.run("reports", "submitted", *DAYS).exit_code == 0
    assert asked[2] == []


def test_bil_9_a_batch_drills_down_to_its_transactions_and_a_missing_message_is_called_an_error(cli: Cli) -> None:
    def answer(request: Any) -> pb.ListBatchTransactionsResponse:
        assert (request.batch_number, request.label, request.tender) == (437951, "Retry", "VISA")
        second = bool(request.page_token)
        one = pb.BatchTransaction(
            label="Retry", tender="VISA", account_number="M2" if second else "M1", invoice_number="I1",
            amount=usd(4500), result=pb.REPORTED_RESULT_DECLINED, response_code="D03", processing_error=second,
            response_message="" if second else "Hold-Pick up card",
        )  # fmt: skip
        return pb.ListBatchTransactionsResponse(transactions=[one], next_page_token="" if second else "more")

    cli.add("billing", reports(ListBatchTransactions=answer))
    result = cli.run("reports", "transactions", "--batch", "437951", "--label", "retry", "--tender", "visa")
    assert result.exit_code == 0, result.output
    row = ["Retry", "VISA", "M1", "I1", "45.00", "USD", "declined", "D03", "Hold-Pick", "up", "card"]
    assert row in lines(result.stdout)
    assert "no message: a processing error" in result.stdout.partition("M2")[2]


def test_a_report_is_written_to_files(cli: Cli, tmp_path: Path) -> None:
    def export(request: Any) -> Any:
        name = pb.FileFormat.Name(request.format)
        return iter([pb.ExportReportResponse(content=name.encode()), pb.ExportReportResponse(content=b" end")])

    service = reports(GetSubmittedReport=lambda _: pb.SubmittedReport(), ExportReport=export)
    csv, xlsx = tmp_path / "report.csv", tmp_path / "report.xlsx"
    files = ("--csv", str(csv), "--xlsx", str(xlsx))
    cli.add("billing", service)
    result = cli.run("reports", "submitted", *DAYS, *files)
    assert result.exit_code == 0, result.output
    assert (csv.read_text(), xlsx.read_text()) == ("FILE_FORMAT_CSV end", "FILE_FORMAT_XLSX end")
    assert "Nothing was billed" in result.stdout
    nowhere = cli.run("reports", "submitted", *DAYS, "--csv", str(tmp_path / "no" / "x.csv"))
    assert (nowhere.exit_code, "can't be written" in nowhere.stderr) == (1, True)


@pytest.mark.parametrize(("already", "words"), [(False, "2 of 2 deposits were taken"), (True, "taken before")])
def test_a_statement_is_imported_once(cli: Cli, tmp_path: Path, already: bool, words: str) -> None:
    file = tmp_path / "jan.csv"
    file.write_text("deposit_id\n")

    def take(request: Any) -> deposit_pb.ImportDepositsResponse:
        assert (request.content, request.file_name, request.source) == (b"deposit_id\n", "jan.csv", "bank")
        assert (request.line_count, request.total) == (2, usd(100))
        statement = deposit_pb.DepositStatement(file_name="jan.csv", lines=2, gross=usd(100), fee=usd(3))
        return deposit_pb.ImportDepositsResponse(statement=statement, new_deposits=2, already_there=already)

    service = stand_in(deposit_service_pb2_grpc, "DepositService", ImportDeposits=take)
    cli.add("billing", service)
    result = cli.run("deposits", "import", str(file), "--source", "bank", "--lines", "2", "--total", "1.00")
    assert result.exit_code == 0, result.output
    assert words in result.stdout


def test_a_refused_statement_says_which_line(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "jan.csv"
    file.write_text("x\n")

    def refuse(_: Any) -> Any:
        raise InvalidArgument("STATEMENT_REFUSED", "Nothing was taken: content[line 3].amount is no amount.")

    service = stand_in(deposit_service_pb2_grpc, "DepositService", ImportDeposits=refuse)
    cli.add("billing", service)
    result = cli.run("deposits", "import", str(file))
    assert (result.exit_code, "line 3" in result.stderr) == (1, True)


def test_deposits_are_listed(cli: Cli) -> None:
    one = deposit_pb.Deposit(
        deposit_date=DAY, batch_number=7, tender="ACH", gross=usd(1234), fee=usd(34), statement="S1"
    )

    def listed(request: Any) -> deposit_pb.ListDepositsResponse:
        assert (request.statement, request.source) == ("S1", "bank")
        return deposit_pb.ListDepositsResponse(deposits=[one])

    cli.add("billing", stand_in(deposit_service_pb2_grpc, "DepositService", ListDeposits=listed))
    result = cli.run("deposits", "list", "--statement", "S1", "--source", "bank")
    assert ["2026-01-05", "7", "ACH", "12.34", "USD", "0.34", "USD", "S1"] in lines(result.stdout)
    words = "12.34 USD, less fees of 0.34 USD, is 12.00 USD in the bank (deposits: 1, batches: 1)."
    assert words in " ".join(result.stdout.split())


def test_bil_9_one_batch_is_asked_for_by_its_number_and_its_file_is_of_the_same(cli: Cli, tmp_path: Path) -> None:
    asked: list[Any] = []

    def answer(request: Any) -> pb.ReconciliationReport:
        asked.append((request.filter.batch_number, request.filter.HasField("start_date"), request.only_differences))
        return pb.ReconciliationReport()

    def export(request: Any) -> Any:
        asked.append((request.filter.batch_number, request.filter.HasField("start_date"), request.only_differences))
        return iter([pb.ExportReportResponse(content=b"x")])

    cli.add("billing", reports(GetReconciliationReport=answer, ExportReport=export))
    result = cli.run(
        "reports", "reconciliation", "--batch", "437951", "--only-differences", "--csv", str(tmp_path / "one.csv")
    )
    assert result.exit_code == 0, result.output
    assert asked == [(437951, False, True)] * 2
    assert result.stdout == (
        "Billing Reconciliation, batch 437951\nThere is no batch 437951 there, and no deposit for one.\n"
    )


@pytest.mark.parametrize("report", ["batches", "reconciliation"])
def test_bil_9_a_report_of_batches_needs_days_or_a_batch(cli: Cli, report: str) -> None:
    result = cli.run("reports", report, "--from", "2026-01-01")
    assert (result.exit_code, result.stderr) == (
        1, "Say which batches: --from DAY and --to DAY, or --batch NUMBER.\n",
    )  # fmt: skip


def test_bil_9_deposits_that_were_cut_say_so_and_what_is_summed(cli: Cli) -> None:
    def listed(request: Any) -> deposit_pb.ListDepositsResponse:
        deposits = [
            deposit_pb.Deposit(deposit_date=DAY, batch_number=number, gross=usd(100), fee=usd(3)) for number in (1, 2)
        ]
        return deposit_pb.ListDepositsResponse(deposits=deposits)

    cli.add("billing", stand_in(deposit_service_pb2_grpc, "DepositService", ListDeposits=listed))
    result = cli.run("deposits", "list", "--from", "2026-01-01", "--batch", "1", "--limit", "1")
    assert result.stdout.splitlines()[0] == "Deposits of batch 1 from 2026-01-01"
    assert "Shown: 1.00 USD, less fees" in result.stdout
    assert "More deposits exist: these are the first 1; --limit shows more." in result.stdout
