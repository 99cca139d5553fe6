"""The files of the four reports (SPEC BIL-9): they say what the reports say, and open well in a spreadsheet."""

import codecs
import csv
import io
import zipfile
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from billing_month import LAST, Month, Paid, those
from boss.billing.v1 import report_service_pb2 as pb
from club import DAY, DENVER, ENTERPRISE_ID, unit_id

from boss_billing.reports.files import csv_file
from boss_billing.reports.sheets import Column, ColumnKind, Rank, Row, Sheet, money
from boss_billing.reports.workbook import HEADER_ROW, xlsx_file

PARENT = f"enterprises/{ENTERPRISE_ID}"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NOTHING = "Nothing was billed in these days."


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
    columns = (
        "Original declined",
        "Original without result",
        "Retry submitted",
        "Retry approved",
        "Expected",
        "Deposited",
        "Awaited",
        "Note",
    )
    told = ["40.00", "5.00", "10.00", "10.00", "70.00", "69.00", "1.00", "provisional"]
    for row in ("business unit", "total"):
        assert last(pb.REPORT_KIND_RECONCILIATION, row, *columns) == told


def csv_cells(*cells: Any) -> list[str]:
    """Write cells as CSV, and read them as a program would."""
    columns = [Column(f"Column {number}", ColumnKind.TEXT) for number, _ in enumerate(cells)]
    written = csv_file(Sheet("any", "Any", ["any"], columns, [Row(Rank.LINE, cells)]))
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


class Page:
    """A page of a workbook, read as a spreadsheet program reads it."""

    def __init__(self, content: bytes, number: int = 1) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as workbook:
            self.sheet = ElementTree.fromstring(workbook.read(f"xl/worksheets/sheet{number}.xml"))
            self._styles = ElementTree.fromstring(workbook.read("xl/styles.xml"))
            self._words = [
                "".join(one.itertext()) for one in ElementTree.fromstring(workbook.read("xl/sharedStrings.xml"))
            ]
            self.names = [
                one.get("name") for one in ElementTree.fromstring(workbook.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
            ]

    def rows(self) -> list[list[str]]:
        return [[self._text(cell) for cell in row] for row in self.sheet.iter(f"{MAIN}row")]

    def header(self) -> list[str]:
        (row,) = (row for row in self.sheet.iter(f"{MAIN}row") if row.get("r") == str(HEADER_ROW + 1))
        return [self._text(cell) for cell in row]

    def column(self, title: str) -> list[tuple[str, str]]:
        """Give text and number format of each cell below a title."""
        place = self.header().index(title)
        below = [row for row in self.sheet.iter(f"{MAIN}row") if int(row.get("r", 0)) > HEADER_ROW + 1]
        cells = [list(row)[place] for row in below]
        return [(self._text(cell), self._format(cell)) for cell in cells]

    def widths(self) -> list[float]:
        return [
            float(one.get("width", 0))
            for one in self.sheet.iter(f"{MAIN}col")
            for _ in range(int(one.get("min", 0)), int(one.get("max", 0)) + 1)
        ]

    def _text(self, cell: ElementTree.Element) -> str:
        value = cell.findtext(f"{MAIN}v", "")
        return self._words[int(value)] if cell.get("t") == "s" else value

    def _format(self, cell: ElementTree.Element) -> str:
        (looks,) = self._styles.iter(f"{MAIN}cellXfs")
        of = list(looks)[int(cell.get("s", 0))].get("numFmtId")
        known = {one.get("numFmtId"): one.get("formatCode") for one in self._styles.iter(f"{MAIN}numFmt")}
        return known.get(of) or {"1": "0", "49": "@"}[of or ""]


def test_bil_9_the_batch_numbers_of_a_workbook_are_names_and_not_amounts(month: Month, reports: Any) -> None:
    month.pay(Paid(65250, batch=437951))
    for report in (pb.REPORT_KIND_BATCHES, pb.REPORT_KIND_RECONCILIATION):
        _, content = export(reports, report, pb.FILE_FORMAT_XLSX)
        *numbers, total = Page(content).column("Batch")
        assert set(numbers) == {("437951", "0")}
        assert total[0] == "1 batch"


@pytest.mark.parametrize(
    ("currency", "text", "form"),
    [
        ("USD", "123.45", "#,##0.00;[Red]-#,##0.00;-"),
        ("JPY", "12345", "#,##0;[Red]-#,##0;-"),
        ("KWD", "12.345", "#,##0.000;[Red]-#,##0.000;-"),
    ],
)
def test_bil_9_amounts_of_a_workbook_have_the_decimals_of_their_currency(currency: str, text: str, form: str) -> None:
    rows = [Row(Rank.LINE, (money(12345, currency), currency)), Row(Rank.TOTAL, (money(0, currency), currency))]
    sheet = Sheet("any", "Any", ["any"], [Column("Amount", ColumnKind.MONEY), Column("Currency")], rows)
    line, total = Page(xlsx_file(sheet)).column("Amount")
    assert (line, total[1]) == ((text, form), form)


def test_bil_9_a_workbook_names_its_days_and_filters(month: Month, reports: Any) -> None:
    month.pay(Paid(1000, lines=[("Rental", "Locker", 1000)], batch=7))
    unit = f"{PARENT}/businessUnits/{unit_id(DENVER)}"
    of_payments = those(business_units=[unit], tenders=["VISA", "MC"], kinds=["New"], item_categories=["Rental"])
    days = f"Bill dates {DAY} to {LAST}"
    told = "Business units: Denver Club; tenders: VISA, MC; kinds: New; item categories: Rental"
    assert of(reports, pb.REPORT_KIND_SUBMITTED, filter=of_payments) == [days, told]
    assert of(reports, pb.REPORT_KIND_RESULTS) == [days, "All business units; all tenders"]
    one = pb.ReportFilter(batch_number=7)
    only = {"filter": one, "only_differences": True}
    assert of(reports, pb.REPORT_KIND_RECONCILIATION, **only) == [
        "Batch 7", "All business units; all tenders; only batches that differ",
    ]  # fmt: skip


def of(reports: Any, report: Any, **changes: Any) -> list[str]:
    """Give the lines that say what a workbook is of."""
    values = {"parent": PARENT, "filter": those(), "report": report, "format": pb.FILE_FORMAT_XLSX} | changes
    content = b"".join(piece.content for piece in reports.ExportReport(pb.ExportReportRequest(**values), timeout=20))
    return [row[0] for row in Page(content).rows()[1:3]]


@pytest.mark.parametrize("report", ALL)
def test_bil_9_an_empty_workbook_says_so_and_an_empty_csv_file_is_its_header(
    month: Month, reports: Any, report: int
) -> None:
    _, content = export(reports, report, pb.FILE_FORMAT_XLSX)
    of_batches = report in (pb.REPORT_KIND_BATCHES, pb.REPORT_KIND_RECONCILIATION)
    assert Page(content).rows()[-1] == ["There is no batch of these." if of_batches else NOTHING]
    _, content = export(reports, report, pb.FILE_FORMAT_CSV)
    assert content.count(b"\r\n") == 1


def test_bil_9_a_workbook_prints_as_wide_as_a_page_with_its_header_on_each(month: Month, reports: Any) -> None:
    month.pay(Paid(1000))
    _, content = export(reports, pb.REPORT_KIND_RECONCILIATION, pb.FILE_FORMAT_XLSX)
    sheet = Page(content).sheet
    (setup,), (fits,) = sheet.iter(f"{MAIN}pageSetup"), sheet.iter(f"{MAIN}pageSetUpPr")
    assert (setup.get("orientation"), setup.get("fitToHeight"), fits.get("fitToPage")) == ("landscape", "0", "1")
    with zipfile.ZipFile(io.BytesIO(content)) as workbook:
        assert f"${HEADER_ROW + 1}:${HEADER_ROW + 1}" in workbook.read("xl/workbook.xml").decode()


def test_bil_9_the_columns_of_a_workbook_are_as_wide_as_what_they_hold(month: Month, reports: Any) -> None:
    item = "A year of swimming in all of our pools for the whole family and two guests of theirs"
    month.pay(Paid(123_456_789_012, lines=[("Membership", item, 123_456_789_012)]))
    _, content = export(reports, pb.REPORT_KIND_SUBMITTED, pb.FILE_FORMAT_XLSX)
    page = Page(content)
    widths = dict(zip(page.header(), page.widths(), strict=True))
    assert widths["New"] >= len("1,234,567,890.12") + 1
    assert len("Membership") < widths["Item category"] < len("Membership") + 5
    assert widths["Item"] < len(item)


def test_bil_9_a_workbook_tells_of_tenders_on_a_page_of_their_own(month: Month, reports: Any) -> None:
    month.pay(Paid(1000), Paid(500, tender="ACH"))
    _, content = export(reports, pb.REPORT_KIND_RESULTS, pb.FILE_FORMAT_XLSX)
    whole, tenders = Page(content), Page(content, 2)
    assert whole.names == ["Post-Billing Results", "By tender"]
    assert [text for text, _ in tenders.column("Tender")] == ["ACH", "VISA", "ACH", "VISA", ""]
    assert [text for text, _ in tenders.column("Submitted")] == ["5.00", "10.00", "5.00", "10.00", "15.00"]
    assert [text for text, _ in whole.column("Item")] == ["", "", "Gold", ""]
    assert "Tender" not in whole.header()
