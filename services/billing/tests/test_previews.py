"""What a bill run does is what its preview said, whatever is due and open (SPEC BIL-1)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from boss.billing.v1 import bill_run_service_pb2 as pb
from boss.billing.v1 import bill_run_service_pb2_grpc as pb_grpc
from club import DAY, ENTERPRISE_ID, Club, due
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_money_story import wipe
from till import Till

from boss_billing.funding.changes import AddSource, add_source
from boss_kit.rpc.convert import date_to_proto, money_from_proto

NUMBERS = ("M1", "M2", "M3")
MEMBER = st.fixed_dictionaries(
    {
        "tender": st.sampled_from(("VISA", "ACH")),
        "is_manual": st.booleans(),
        "second_percent": st.sampled_from((0, 0, 40)),
        "past_due_minor": st.sampled_from((0, 2000)),
        "desk_minor": st.sampled_from((0, 1500, 9000)),
        "on_account_minor": st.sampled_from((0, 700)),
        "charges": st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 40)), max_size=3),
    }
)


@given(st.lists(MEMBER, min_size=1, max_size=3))
@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_bil_1_whatever_is_due_and_open_a_run_does_what_its_preview_said(
    club: Club, server: Any, members: Sequence[dict[str, Any]]
) -> None:
    wipe(club)
    club.set_clock(DAY)
    club.script.clear()
    club.due.charges = []
    for number, member in zip(NUMBERS, members, strict=False):
        join(club, number, member)
    invoices = {row.id for row in club.rows("SELECT id FROM invoice")}
    said_invoices, said_payments = preview(server)
    club.bill()
    made = club.rows("SELECT id, account_id, due_date, total_minor FROM invoice")
    assert sorted((str(one[1]), one[2], one[3]) for one in made if one[0] not in invoices) == said_invoices
    paid = club.rows("SELECT account_id, kind, tender, amount_minor FROM payment WHERE kind <> 'Point of Sale'")
    assert sorted((str(one[0]), *one[1:]) for one in paid) == said_payments
    club.assert_books()


def join(club: Club, number: str, member: dict[str, Any]) -> None:
    """Add an account with what it owes, what it paid, and what is due of it."""
    owes = member["past_due_minor"]
    card = {} if member["tender"] == "VISA" else {"exp_month": "", "exp_year": ""}
    opening = {"past_due_balance": f"{owes / 100:.2f}", "oldest_due_date": "2025-11-01"} if owes else {}
    account = club.add_account(number, tender=member["tender"], **card, **opening)
    till = Till(club)
    if member["is_manual"]:
        with club.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE funding_source SET tender = 'Manual' WHERE token = :token"), {"token": f"tok_{number}"}
            )
    if member["second_percent"]:
        second = {"tender": "MC", "token": f"tok_b{number}", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        flags = {"is_primary": False, "is_recurring": True, "is_on_account": False}
        with till.tx() as tx:
            add_source(tx, AddSource(account, {**second, **flags, "responsibility_percent": member["second_percent"]}))
    if member["on_account_minor"]:
        till.invoice(number, member["on_account_minor"])
    if member["desk_minor"]:
        till.pay(number, member["desk_minor"])
    for cycle, (amount, days_ago) in enumerate(member["charges"], 1):
        club.due.charges.append(due(number, DAY - timedelta(days=days_ago), cycle, amount, tax_minor=amount // 12))


def preview(server: Any) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Give the invoices and the payments a run would make, sorted."""
    stub = server.stub(pb_grpc.BillRunServiceStub)
    request = pb.PreviewBillRunRequest(
        parent=f"enterprises/{ENTERPRISE_ID}", bill_date=date_to_proto(DAY), page_size=100
    )
    invoices: list[tuple[Any, ...]] = []
    payments: list[tuple[Any, ...]] = []
    while True:
        page = stub.PreviewBillRun(request, timeout=10)
        for one in page.agreements:
            account = one.account.rpartition("/")[2]
            for invoice in one.invoices:
                if not invoice.invoice:
                    day = invoice.due_date
                    total = money_from_proto(invoice.total).amount_minor
                    invoices.append((account, type(DAY)(day.year, day.month, day.day), total))
                payments += [
                    (account, paid.kind, paid.tender, money_from_proto(paid.amount).amount_minor)
                    for paid in invoice.payments
                ]
        request.page_token = page.next_page_token
        if not request.page_token:
            return sorted(invoices), sorted(payments)
