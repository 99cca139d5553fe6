"""The document of an agreement: what it says, that it is made after the sale, kept, and never overwritten (AGR-4)."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from agreements_club import Club, day, usd
from agreements_desk import PRESS, Writer
from boss.agreements.v1 import agreement_writer_service_pb2 as writer_pb
from boss.agreements.v1 import document_service_pb2 as pb
from boss.agreements.v1.document_service_pb2_grpc import DocumentServiceStub

from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.documents import wording
from boss_agreements.documents.process import document_process
from boss_agreements.documents.rules import lay_out
from boss_agreements.documents.sample import sample
from boss_agreements.drafts.commands import DOCUMENT_TASK
from boss_agreements.rewrites.rules import bridge
from boss_agreements.templates.rules import Template
from boss_kit import schema
from boss_kit.context import Context
from boss_kit.errors import NotFound
from boss_kit.money import Money
from boss_kit.tasks import Task

NOW = datetime(2026, 1, 10, tzinfo=UTC)
BODY = """# 1. Your membership
{{ member_name }} joins {{ business_unit }} from {{ start_date }} on.

You may
- suspend it
- cancel it

- one
- two

{{ first_amount }} at the signing, then {{ recurring_amount }}."""


def template(body: str = BODY) -> Template:
    return Template(
        uuid4(), uuid4(), None, 3, NOW, name="Standard", title="Agreement {{ agreement_number }}", body=body
    )


def make_documents(club: Club) -> int:
    """Do the document tasks that wait, as `run` does; give how many."""
    with club.units.engine.begin() as connection:
        waiting = connection.execute(
            sa.select(schema.task).where(schema.task.c.name == DOCUMENT_TASK, schema.task.c.state == "pending")
        ).all()
        connection.execute(sa.update(schema.task).values(state="done"))
    for row in waiting:
        context = Context(row.enterprise_id, business_date=row.business_date, correlation="task")
        task = Task(row.id, row.enterprise_id, row.name, row.key, row.args, row.business_date, 1, context)
        document_process(club.units, PRESS)(task)
        document_process(club.units, PRESS)(task)
    return len(waiting)


def document(club: Club, agreement: str, version: int = 0) -> Any:
    request = pb.GetAgreementDocumentRequest(name=agreement, version=version)
    return club.server.stub(DocumentServiceStub).GetAgreementDocument(request)


def words(pdf: bytes, folder: Path) -> str:
    """Read a PDF's text with poppler, where it is installed."""
    path = folder / "agreement.pdf"
    path.write_bytes(pdf)
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True).stdout


def test_agr_4_a_document_names_parties_lines_taxes_schedule_and_terms() -> None:
    made = lay_out(sample("Peak Denver", "USD", date(2026, 1, 10)), template())
    assert (made.title, made.date) == ("Agreement 10482", "January 10, 2026")
    assert [(one.role, one.name) for one in made.people] == [("Member", "Jordan Sample"), ("Club", "Peak Denver")]
    assert [(row.label, *row.cells) for row in made.lines] == [
        ("Club access", "$39.00", "$3.22", "$42.22"),
        ("Locker", "$12.00", "$0.00", "$12.00"),
        ("Enrolment fee", "$59.00", "$0.00", "$59.00"),
    ]
    assert "New Year: $39.00 instead of $49.00" in made.lines[0].note
    assert (made.due_total, made.due_note) == ("$113.22", "Paid by card on January 10, 2026.")
    assert [row.label for row in made.bill_dates][:2] == ["February 10, 2026", "March 10, 2026"]
    assert len(made.bill_dates) == 6
    assert [(row.label, row.cells[2]) for row in made.recurring] == [("Monthly on the 10th", "$54.22")]
    assert made.footer.endswith("Standard, version 3")


def test_agr_4_a_document_says_which_first_days_are_paid() -> None:
    subject = sample("Peak Denver", "USD", date(2026, 1, 10))
    line = replace(subject.lines[0], schedule=parse_schedule("monthly_on_15", date(2026, 1, 10)))
    days = bridge(replace(line, next_bill_date=date(2026, 1, 15)), date(2026, 1, 10), uuid4())
    assert days is not None
    made = lay_out(replace(subject, lines=(line, days)), template())
    assert "once, for January 10, 2026 to January 14, 2026" in made.lines[1].note
    assert made.lines[1].cells[0] == "$6.29", "5 of 31 days"


def test_agr_4_the_terms_come_from_the_template_with_its_values() -> None:
    made = lay_out(sample("Peak Denver", "USD", date(2026, 1, 10)), template())
    assert [(one.kind, *one.lines) for one in made.terms] == [
        ("heading", "1. Your membership"),
        ("paragraph", "Jordan Sample joins Peak Denver from January 10, 2026 on."),
        ("paragraph", "You may"),
        ("list", "suspend it", "cancel it"),
        ("list", "one", "two"),
        ("paragraph", "$113.22 at the signing, then $54.22 monthly on the 10th."),
    ]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("monthly_anniversary", "monthly on the 10th"),
        ("monthly_on_1", "monthly on the 1st"),
        ("weekly", "weekly on Saturdays"),
        ("every_2_weeks", "every 2 weeks on Saturday"),
        ("every_3_months", "every 3 months on the 10th"),
        ("yearly", "every year on January 10"),
    ],
)
def test_agr_4_a_schedule_is_said_as_a_member_would(schedule: str, expected: str) -> None:
    start = date(2026, 1, 10)
    assert wording.schedule_in_words(parse_schedule(schedule, start), start) == expected


def test_all_6_money_has_its_sign_and_its_decimals() -> None:
    assert [wording.money(Money(amount, code)) for amount, code in ((123450, "USD"), (-5, "EUR"), (1200, "JPY"))] == [
        "$1,234.50",
        "-€0.05",
        "1,200 JPY",
    ]


@pytest.mark.parametrize(("number", "expected"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")])
def test_days_are_numbered_in_english(number: int, expected: str) -> None:
    assert wording.ordinal(number) == expected


def test_agr_4_the_same_document_is_the_same_pdf_and_prints_on_letter_pages() -> None:
    made = lay_out(sample("Peak Denver", "USD", date(2026, 1, 10)), template())
    pdf = PRESS.pdf(made, NOW)
    assert pdf.startswith(b"%PDF")
    assert pdf == PRESS.pdf(made, NOW)
    assert PRESS.pdf(made, datetime(2026, 1, 11, tzinfo=UTC)) != pdf
    assert all(page.startswith(b"\x89PNG") for page in PRESS.png(made, NOW, ppi=30))


def test_agr_4_many_lines_and_long_terms_flow_over_pages_and_signatures_stay_together() -> None:
    subject = sample("Peak Denver", "USD", date(2026, 1, 10))
    long = lay_out(subject, template("\n\n".join(["A long sentence that says nothing new. " * 12] * 40)))
    assert len(PRESS.png(long, NOW, ppi=20)) > 4


def test_agr_4_the_document_is_made_after_the_sale_and_kept_with_its_template_version(writer: Writer) -> None:
    writer.offer()
    club = writer.club
    sold = writer.finalize(writer.draft())
    with pytest.raises(NotFound, match="soon after the sale"):
        document(club, sold.agreement)
    assert make_documents(club) == 1
    found = document(club, sold.agreement)
    assert (found.version, found.template_version, found.content_type) == (1, 1, "application/pdf")
    assert bytes(found.content).startswith(b"%PDF")


def test_agr_1_a_later_template_price_or_signature_never_alters_the_document_of_the_sale(
    writer: Writer, tmp_path: Path
) -> None:
    writer.offer()
    club = writer.club
    sold = writer.finalize(writer.draft())
    make_documents(club)
    before = bytes(document(club, sold.agreement).content)
    writer.catalogue.update(writer.parts["access"], price=usd(9900))
    writer.catalogue.update(writer.catalogue.get("Template", _template_of(writer)), body="Other terms.")
    request = writer_pb.SignAgreementRequest(name=sold.agreement, signature="manual", request_id=str(uuid4()))
    writer.stub.SignAgreement(request)
    assert make_documents(club) == 1
    assert bytes(document(club, sold.agreement, 1).content) == before
    signed = document(club, sold.agreement)
    assert (signed.version, signed.template_version) == (2, 1)
    if shutil.which("pdftotext"):
        text = words(bytes(signed.content), tmp_path)
        assert "Chloé Khan agrees." in text
        assert "$35.00" in text
        assert "$99.00" not in text


def _template_of(writer: Writer) -> str:
    with writer.club.units.engine.connect() as connection:
        found: UUID = connection.scalar(sa.text("SELECT template_id FROM definition_application"))
    return f"{writer.club.unit}/templates/{found}"


def test_agr_1_a_template_is_previewed_with_a_made_up_agreement_or_with_one_there_is(writer: Writer) -> None:
    writer.offer()
    club = writer.club
    sold = writer.finalize(writer.draft(start_date=day("2026-01-03")))
    stub = club.server.stub(DocumentServiceStub)
    for agreement in ("", sold.agreement):
        request = pb.PreviewTemplateRequest(parent=club.unit, template=_template_of(writer), agreement=agreement)
        assert bytes(stub.PreviewTemplate(request).content).startswith(b"%PDF")
    with pytest.raises(NotFound):
        document(club, sold.agreement)
