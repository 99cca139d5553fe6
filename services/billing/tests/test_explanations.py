"""Why an invoice is tried when it is, or isn't: one sentence for each case (SPEC BIL-5, BIL-6)."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import invoice_service_pb2_grpc as invoice_grpc
from boss.billing.v1 import rebill_service_pb2 as pb
from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from club import DAY, ENTERPRISE_ID, Club, agreement_id, due, ref, unit_id
from till import Till

from boss_billing import events
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.declines import store as declines
from boss_billing.declines.rules import AttemptLimit, Per
from boss_billing.funding.changes import ChangeSource, change_source
from boss_billing.funding.rules import source_id
from boss_kit.rpc.convert import date_to_proto


def explain(club: Club, rebills: Any) -> str:
    said: str = rebills.ExplainNextAttempt(pb.ExplainNextAttemptRequest(invoice=name(club)), timeout=5).explanation
    return said


def name(club: Club) -> str:
    return f"{ref('M1').name}/invoices/{club.one('SELECT id FROM invoice')}"


def declined(club: Club, code: str) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = code
    club.play(DAY)
    club.due.charges = []


def renew(club: Club, **card: Any) -> None:
    with club.units.begin(club.context()) as tx:
        change_source(tx, ChangeSource(ref("M1"), source_id(ref("M1").id), card))


def suspend(club: Club, start: date, end: date | None) -> None:
    account = ref("M1")
    agreement = f"{account.unit_name}/agreements/{agreement_id('M1')}"
    started = agreements_pb.SuspensionStarted(
        suspension=f"{agreement}/suspensions/{unit_id()}",
        agreement=agreement,
        account=account.name,
        start_date=date_to_proto(start),
        end_date=date_to_proto(end) if end else None,
        stop_billing=True,
    )
    club.feed((events.SUSPENSION_STARTED, account.id, started))


def test_bil_5_an_attempt_that_a_suspension_holds_back_is_explained_with_its_end(club: Club, rebills: Any) -> None:
    declined(club, "D03")
    suspend(club, DAY + timedelta(days=3), DAY + timedelta(days=20))
    assert "7 days after the decline. Suspended until 2026-01-25; what is open is collected afterwards." in explain(
        club, rebills
    )


def test_bil_5_a_suspension_that_begins_after_the_planned_day_is_explained_while_it_lasts(
    club: Club, rebills: Any
) -> None:
    declined(club, "D03")
    suspend(club, DAY + timedelta(days=8), None)
    assert "Suspended" not in explain(club, rebills)
    club.set_clock(DAY + timedelta(days=9))
    assert explain(club, rebills).endswith("Suspended with no end yet; what is open is collected afterwards.")


def test_bil_5_an_attempt_that_a_network_allows_no_earlier_is_explained_with_the_limit(
    club: Club, rebills: Any
) -> None:
    with club.units.begin(club.context()) as tx:
        declines.save_limit(tx.connection, ENTERPRISE_ID, AttemptLimit("VISA", Per.SOURCE, 1, 30))
    declined(club, "D05")
    renew(club, expiry_year=2033)
    club.play(DAY + timedelta(days=1))
    day = DAY + timedelta(days=30)
    said = f"The card network allows no further attempt before {day}. The run of {day} tries it."
    assert explain(club, rebills) == said


def test_bil_5_an_attempt_with_a_renewed_source_is_explained_with_it_also_on_the_invoice(
    club: Club, rebills: Any, server: Any
) -> None:
    declined(club, "D05")
    assert "isn't tried again" in explain(club, rebills)
    renew(club, expiry_year=2033)
    said = "The run of 2026-01-06 tries it: what it is paid from was added or renewed."
    assert explain(club, rebills) == said
    invoices = server.stub(invoice_grpc.InvoiceServiceStub)
    assert invoices.GetInvoice(invoice_pb.GetInvoiceRequest(name=name(club)), timeout=5).next_attempt_reason == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("tender = 'Manual'", "the account pays by statement."),
        ("is_valid = false", "the source may not be charged any more; renew it."),
        ("is_recurring = false", "the account has no source that is used for recurring payments."),
    ],
)
def test_bil_5_why_nobody_is_asked_for_an_invoice_is_explained(
    club: Club, rebills: Any, change: str, said: str
) -> None:
    club.add_account("M1")
    with club.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE funding_source SET {change}"))
    club.due.charges = [due("M1")]
    club.bill()
    assert explain(club, rebills) == f"Nothing is collected automatically: {said}"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ReturnKind.RETURN, "The schedule of the default says 7 days after the decline."),
        (
            ReturnKind.CHARGEBACK,
            "It was paid and taken back; what a cardholder disputes isn't collected automatically.",
        ),
    ],
)
def test_bil_5_why_what_was_taken_back_is_tried_again_or_not_is_explained(
    club: Club, rebills: Any, kind: ReturnKind, said: str
) -> None:
    club.add_account("M1", tender="ACH", exp_month="", exp_year="")
    till = Till(club)
    till.take_back("M1", till.collected(), 3500, kind, code="D03")
    assert explain(club, rebills).endswith(said)
