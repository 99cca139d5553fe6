"""The check of the books finds every movement of money that its document tells otherwise (SPEC BIL-10)."""

import pytest
import sqlalchemy as sa
from club import DAY, Club, ref
from till import Till

from boss_billing.chargebacks.rules import ReturnKind, ReturnNotice
from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice
from boss_billing.invoices.rules import Kind
from boss_billing.refunds.rules import Destination
from boss_kit.money import Money


def live(club: Club) -> None:
    """Move money in every way there is, once."""
    for number in ("M1", "M2", "M3"):
        club.add_account(number)
    till = Till(club)
    payment_id = till.collected()
    till.returned("M1", 700, to=Destination.FUNDING_SOURCE)
    till.answer(club.one("SELECT id FROM refund"), "A01")
    till.returned("M1", 800, to=Destination.FUNDING_SOURCE)
    till.answer(club.one("SELECT id FROM refund WHERE state <> 'approved'"), "E04")
    till.take_back("M1", payment_id, 1500)
    back = ReturnNotice("r2", ReturnKind.REVERSAL, payment_id, ref("M1"), Money(1500, "USD"), "", "", "r1")
    till.notify(back)
    till.take_back("M1", payment_id, 900, kind=ReturnKind.RETURN, key="r3")
    till.invoice("M2", 1000)
    till.pay("M2", 1300)
    till.refund("M2", 300)
    till.invoice("M3", 2000)
    till.credit("M3", 100)
    till.debit("M3", 60)
    till.waive("M3", till.invoice("M3", 500, kind=Kind.FEE).id)
    till.write_on("M3", till.write_off("M3").id)
    number = club.one("SELECT number FROM batch")
    with till.tx() as tx:
        take_deposits(tx, [DepositNotice("d1", "standard", "S1", DAY, number, "", "VISA", 3500, 90, "USD")])


def broken(club: Club, *statements: str) -> list[str]:
    """Give what the check finds once somebody went round the triggers that let nothing be edited."""
    live(club)
    club.assert_books()
    with club.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            assert connection.execute(sa.text(statement)).rowcount > 0
    return list(club.ledger().problems)


KINDS = (
    "refund",
    "return",
    "chargeback",
    "bank return",
    "reversal",
    "credit",
    "debit",
    "waiver",
    "write-off",
    "write-off reversal",
)


@pytest.mark.parametrize("kind", KINDS)
def test_bil_10_the_check_finds_a_movement_whose_transfers_moved_another_amount(club: Club, kind: str) -> None:
    problems = broken(
        club,
        "UPDATE transfer SET amount_minor = amount_minor + 1 "
        f"WHERE reference_id IN (SELECT id FROM movement WHERE kind = '{kind}')",
    )
    assert any(f"({kind}) of" in one for one in problems), problems


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE refund SET amount_minor = amount_minor + 1 WHERE state = 'approved'", "(refund) of 7.00 USD"),
        ("UPDATE refund SET state = 'declined' WHERE amount_minor = 700", "(refund) of 7.00 USD"),
        ("UPDATE refund SET state = 'approved' WHERE amount_minor = 800", "(refund) of 8.00 USD"),
        ("UPDATE return_line SET tax_minor = tax_minor + 1 WHERE amount_minor = 700", "(return) of 7.00 USD"),
        ("UPDATE movement SET amount_minor = 3501 WHERE kind = 'bank return'", "of 35.00 USD: 35.01 USD went back"),
        ("UPDATE movement SET amount_minor = 2401 WHERE kind = 'reversal'", "of 35.00 USD: -0.01 USD went back"),
        ("DELETE FROM payment WHERE kind = 'Point of Sale'", "(point of sale) of 10.00 USD moves real money without"),
        ("UPDATE transfer SET payment_id = NULL WHERE source = 'payment'", "(payment) of 35.00 USD moves real money"),
        ("DELETE FROM movement WHERE kind = 'chargeback'", "(chargeback) of 15.00 USD moves real money without a doc"),
        ("UPDATE transfer SET reference_id = NULL WHERE source = 'refund'", "(refund) of 7.00 USD moves real money"),
        ("UPDATE refund SET destination = 'cash' WHERE state = 'approved'", "The account 'cash' holds"),
        (
            "UPDATE deposit SET gross_minor = gross_minor + 1",
            "Deposits of VISA come to 35.01 USD with fees of 0.90 USD",
        ),
        (
            "UPDATE transfer SET invoice_id = NULL WHERE source = 'point of sale' AND credit = 'receivable'",
            "paid 0.00 USD, yet its balance is 0.00 USD",
        ),
        (
            "UPDATE transfer SET account_id = gen_random_uuid() WHERE source = 'invoice'",
            "Account M2: transfers say it owes -10.00 USD",
        ),
    ],
)
def test_bil_10_the_check_finds_a_document_that_the_books_do_not_know_so(club: Club, statement: str, told: str) -> None:
    problems = broken(club, statement)
    assert any(told in one for one in problems), problems
