"""The files of the four reports (SPEC BIL-9): they say what the reports say, and open well in a spreadsheet."""

import codecs
import csv
import io
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from billing_month import Month, Paid
from boss.billing.v1 import report_service_pb2 as pb
from boss.billing.v1 import report_service_pb2_grpc as report_grpc
from club import DAY, ENTERPRISE_ID, Club

from boss_billing.reports.files import csv_file
from boss_billing.reports.sheets import Column, ColumnKind, Rank, Row, Sheet
from boss_kit.rpc.convert import date_to_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"
LAST = DAY + timedelta(days=30)


@pytest.fixture
def month(club: Club) -> Month:
    return Month(club)


@pytest.fixture
def reports(server: Any) -> Any:
    return server.stub(report_grpc.ReportServiceStub)


def those(first: date = DAY, last: date = LAST, **changes: Any) -> pb.ReportFilter:
    return pb.ReportFilter(start_date=date_to_proto(first), end_date=date_to_proto(last), **changes)


def export(reports: Any, report: Any, form: Any) -> tuple[str, bytes]:
    request = pb.ExportReportRequest(parent=PARENT, filter=those(), report=report, format=form)
    pieces = list(reports.ExportReport(request, timeout=20))
    return pieces[0].file_name, b"".join(piece.content for piece in pieces)


ALL = (
    pb.REPORT_KIND_SUBMITTED, pb.REPORT_KIND_RESULTS, pb.REPORT_KIND_BATCHES, pb.REPORT_KIND_RECONCILIATION,
)  # fmt: skip


@pytest.mark.parametrize("report", ALL)
def test_bil_9_every_report_comes_as_csv_and_as_a_workbook(month: Month, reports: Any, report: int) -> None:
    month.pay(Paid(123456, lines=[("Membership", "=cmd()", 123456)]), Paid(2500, tender="ACH", state="pending"))
    month.deposit(1, "VISA", 120000)
    name, content = export(reports, report, pb.FILE_FORMAT_CSV)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert name.endswith(".csv")
    assert [row["Row"] for row in rows][-1] == "total"
    assert "1234.56" in content.decode("utf-8-sig")
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    name, content = export(reports, report, pb.FILE_FORMAT_XLSX)
    assert name.endswith(".xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as workbook:
        page = workbook.read("xl/worksheets/sheet1.xml").decode()
        assert "<v>1234.56</v>" in page
        assert 'state="frozen"' in page
        assert "<f>" not in page


def test_bil_9_the_files_say_what_the_reports_say(month: Month, reports: Any) -> None:
    month.pay(
        Paid(6000),
        Paid(1000, original="declined", retry="approved"),
        Paid(3000, state="finally_declined", message=""),
        Paid(500, tender="ACH", state="pending"),
    )
    month.invoice(700)
    month.deposit(1, "VISA", 6900, fee_minor=100)

    def last(report: int, row: str, *columns: str) -> list[str]:
        _, content = export(reports, report, pb.FILE_FORMAT_CSV)
        found = [one for one in csv.DictReader(io.StringIO(content.decode("utf-8-sig"))) if one["Row"] == row]
        return [found[-1][column] for column in columns]

    columns = ("Total submitted #", "Total submitted", "Amount invoiced", "Note")
    assert last(pb.REPORT_KIND_SUBMITTED, "total", *columns) == ["4", "105.00", "112.00", "provisional"]
    columns = ("Tender", "Approved", "by Retry", "Declined", "Declined % by count", "Declined % by amount")
    assert last(pb.REPORT_KIND_RESULTS, "tender total", *columns) == ["VISA", "70.00", "10.00", "30.00", "33.3", "30.0"]
    columns = ("Submitted", "Approved", "Declined", "Not final", "Processing errors", "Note")
    assert last(pb.REPORT_KIND_BATCHES, "total", *columns) == [
        "105.00",
        "70.00",
        "30.00",
        "5.00",
        "1",
        "provisional",
    ]
    columns = ("Original declined", "Retry submitted", "Retry approved", "Expected", "Deposited", "Awaited", "Note")
    told = ["40.00", "10.00", "10.00", "70.00", "69.00", "1.00", "provisional"]
    for row in ("business unit", "total"):
        assert last(pb.REPORT_KIND_RECONCILIATION, row, *columns) == told


def csv_cells(*cells: Any) -> list[str]:
    """Write cells as CSV, and read them as a program would."""
    columns = [Column(f"Column {number}", ColumnKind.TEXT) for number, _ in enumerate(cells)]
    written = csv_file(Sheet("any", "Any", "any", columns, [Row(Rank.LINE, cells)]))
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))[1][1:]


def test_bil_9_a_csv_file_begins_with_a_byte_order_mark_and_ends_its_lines_as_the_format_says(
    month: Month, reports: Any
) -> None:
    month.pay(Paid(100, lines=[("Café", "Kurs für Anfänger", 100)]))
    _, content = export(reports, pb.REPORT_KIND_SUBMITTED, pb.FILE_FORMAT_CSV)
    assert content.startswith(codecs.BOM_UTF8)
    assert "Café" in content.decode("utf-8-sig")
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") == 1 + 4


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1-2", "-1+2", "@sum(1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "-cmd|' /C calc'!A0", "-", "-1e5x"],
)
def test_bil_9_no_text_of_a_csv_file_is_a_formula(text: str) -> None:
    assert csv_cells(text) == [f"'{text}"]


@pytest.mark.parametrize("text", ["-45.00", "-1,234.50", "+7", "12.5", "M-1", "a=b", "", "Café", "O'Neill"])
def test_bil_9_a_csv_file_leaves_numbers_and_other_texts_as_they_are(text: str) -> None:
    assert csv_cells(text) == [text]


def test_bil_9_amounts_below_zero_are_numbers_in_a_csv_file(month: Month, reports: Any) -> None:
    assert csv_cells(Decimal("-45.00"), -3, None) == ["-45.00", "-3", ""]
    month.club.set_clock(LAST)
    month.pay(Paid(65250))
    month.deposit(1, "VISA", 60750)
    _, content = export(reports, pb.REPORT_KIND_RECONCILIATION, pb.FILE_FORMAT_CSV)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row["Difference"] for row in rows if row["Difference"]] == ["-45.00", "-45.00", "-45.00"]
