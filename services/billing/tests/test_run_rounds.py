"""What a run asks of agreements, whom it lets wait, and in which order it hands over (SPEC BIL-1, BIL-2, BIL-3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, ENTERPRISE_ID, Club, Due, due, ref
from till import Till

from boss_billing import events
from boss_billing.batches import rules
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.changes import AddSource, ChangeSource, add_source, change_source
from boss_billing.funding.rules import source_id
from boss_billing.invoices.commands import CreateInvoice, create_invoice
from boss_billing.invoices.rules import Kind, NewLine
from boss_billing.payments.rules import Label
from boss_billing.runs import commands
from boss_billing.runs.process import RunProcesses
from boss_kit.errors import Transient


@dataclass
class Closings(Due):
    """Agreements that remember every question to close days, and may die over one."""

    questions: list[UUID] = field(default_factory=list)
    dies: int = 0

    def close_bill_dates(
        self, enterprise_id: UUID, unit_ids: Sequence[UUID], bill_date: date, asked_id: UUID
    ) -> Sequence[int]:
        self.questions.append(asked_id)
        if len(self.questions) == self.dies:
            raise Transient("AGREEMENTS_AWAY", "The line went dead.")
        return super().close_bill_dates(enterprise_id, unit_ids, bill_date, asked_id)


def test_bil_1_days_are_closed_once_per_round_and_anew_in_the_next(club: Club) -> None:
    club.add_account("M1")
    club.due = asked = Closings(charges=[due("M1")], dies=1)
    run = club.start_run()
    task: Any = type("Task", (), {"args": {"run": str(run.id)}, "context": club.context(DAY)})
    with pytest.raises(Transient):
        RunProcesses(club.units, asked).plan(task)
    club.do_tasks()
    with club.units.begin(club.context()) as tx:
        commands.resume_run(tx, run.id)
    club.do_tasks()
    first, repeated, of_next_round = asked.questions
    assert first == repeated
    assert of_next_round != first


def share(club: Club, percent: int = 40) -> None:
    """Let a second card pay a part of M1's invoices."""
    with club.units.begin(club.context()) as tx:
        card = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": percent}
        add_source(tx, AddSource(ref("M1"), {**card, **flags}))


def results(club: Club) -> dict[str, Any]:
    """Give the outstanding results by the card's token."""
    tokens = {str(row.id): row.token for row in club.rows("SELECT id, token FROM attempt")}
    found = club.wire.inner.outstanding_results(ENTERPRISE_ID, Label.ORIGINAL, 10, club.day)
    return {tokens[one.attempt_id]: one for one in found}


def test_bil_1_an_invoice_is_not_attempted_again_while_nobody_knows_of_one_of_its_payments(club: Club) -> None:
    club.add_account("M1")
    share(club)
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.script["tok_M1", 1] = "D03"
    club.wire.lose_answers = 1
    club.bill()
    club.due.charges = []
    told = results(club)
    club.report(told["tok_M1"])
    assert club.rows("SELECT token, payment.state FROM payment JOIN attempt ON payment_id = payment.id ORDER BY 1") == [
        ("tok_M1", "finally_declined"),
        ("tok_b", "unknown"),
    ]
    club.set_clock(DAY + timedelta(days=7))
    club.bill()
    assert club.one("SELECT count(*) FROM attempt") == 2
    club.report(told["tok_b"])
    club.set_clock(DAY + timedelta(days=8))
    club.bill()
    assert club.rows("SELECT token, amount_minor FROM attempt WHERE business_date > :day", day=DAY) == [
        ("tok_M1", 6000)
    ]


def test_bil_1_an_invoice_is_not_attempted_again_while_the_updater_may_cure_one_of_its_payments(club: Club) -> None:
    club.settings(card_updater=True)
    club.add_account("M1")
    share(club)
    club.due.charges = [due("M1", amount_minor=10_000)]
    club.script |= {("tok_M1", 1): "D03", ("tok_b", 2): "D16"}
    club.bill()
    club.deliver()
    club.due.charges = []
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=7)
    club.set_clock(DAY + timedelta(days=7))
    club.bill()
    assert club.one("SELECT count(*) FROM attempt") == 2


def renewed_meanwhile(club: Club) -> date | None:
    """Let staff renew a card while a payment has no final result; give when its invoice is tried again."""
    with club.units.begin(club.context()) as tx:
        change_source(tx, ChangeSource(ref("M1"), source_id(ref("M1").id), {"expiry_year": 2033}))
    planned: date | None = club.one("SELECT next_attempt_date FROM invoice")
    return planned


def test_bil_1_a_card_that_is_renewed_while_a_payment_is_unknown_plans_no_other(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.wire.lose_answers = 1
    club.bill()
    assert renewed_meanwhile(club) is None


def test_bil_1_a_card_that_is_renewed_while_the_updater_is_asked_plans_no_other_payment(club: Club) -> None:
    club.settings(card_updater=True)
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D16"
    club.bill()
    club.deliver()
    assert renewed_meanwhile(club) is None


def in_flight(club: Club) -> bool:
    return events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data).attempt_in_flight


@pytest.mark.parametrize("waits_for", ["an answer", "the updater"])
def test_bil_1_an_account_is_told_to_be_in_flight_until_its_payment_has_a_final_result(
    club: Club, waits_for: str
) -> None:
    club.settings(card_updater=True)
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D16"
    club.wire.lose_answers = int(waits_for == "an answer")
    club.bill()
    if waits_for == "the updater":
        club.deliver()
    Till(club).invoice("M1", 1000)
    assert in_flight(club)
    # A run that makes no payment of its own for the account says so, too.
    with club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE funding_source SET is_valid = false")
    club.set_clock(DAY + timedelta(days=1))
    club.due.charges = [due("M1", club.day, cycle=2)]
    club.bill()
    assert in_flight(club)
    assert club.one("SELECT count(*) FROM attempt") == 1


def test_spec_0_the_cent_a_split_leaves_is_asked_of_the_primary_source_also_where_it_came_later(club: Club) -> None:
    account = club.add_account("M1")
    share(club, percent=33)
    added = club.one("SELECT id FROM funding_source WHERE token = 'tok_b'")
    with club.units.begin(club.context()) as tx:
        change_source(tx, ChangeSource(account, added, {"is_primary": True}))
    club.due.charges = [due("M1", amount_minor=1001)]
    club.bill()
    assert dict(club.rows("SELECT token, amount_minor FROM attempt")) == {"tok_M1": 670, "tok_b": 331}


# The kinds of payments


def kinds(club: Club) -> list[tuple[date, str]]:
    return [tuple(row) for row in club.rows("SELECT payment_date, kind FROM payment ORDER BY payment_date")]


def test_bil_2_a_decline_that_the_updater_cured_is_no_reason_to_call_a_payment_past_due(club: Club) -> None:
    club.settings(card_updater=True)
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script |= {("tok_M1", 1): "D16", ("tok_M1", 2): "D14"}
    club.bill()
    club.deliver()
    club.ask("card-updater")
    assert club.one("SELECT failed_attempts, declines FROM invoice") == (1, 0)


def test_bil_2_each_final_decline_of_a_payment_counts_for_its_invoice(club: Club) -> None:
    club.add_account("M1", tender="ACH", exp_month="", exp_year="")
    till = Till(club)
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D03"
    club.play(DAY)
    club.due.charges = []
    assert club.one("SELECT declines FROM invoice") == 1
    club.play(DAY + timedelta(days=7))
    paid = club.one("SELECT id FROM payment WHERE state = 'approved'")
    till.take_back("M1", paid, 3500, ReturnKind.RETURN, code="D03")
    assert club.one("SELECT declines FROM invoice") == 2
    club.play(DAY + timedelta(days=14))
    assert [kind for _, kind in kinds(club)] == ["New", "Past Due", "Past Due"]


# The order of a batch


def on_account(club: Club, number: str, day: date) -> None:
    """Sell something today that is to be paid on a later day."""
    line = NewLine("Tour pack", "Retail", "10 tours", 1000)
    with club.units.begin(club.context()) as tx:
        create_invoice(tx, CreateInvoice(ref(number), None, Kind.SALE, day, [line], {"USD"}))


ACCOUNTS = ("M1", "M2", "M20", "M3")
BILLED = [[f"{account}-{count}" for count in range(2, 12)] for account in ACCOUNTS]
SOLD = [f"{account}-1" for account in ACCOUNTS]


def sold_and_billed(club: Club) -> list[str]:
    """Let accounts owe ten invoices of a day and one sold before, which is due later; give them as they went out."""
    day = DAY + timedelta(days=3)
    club.due.page_size = 100
    for number in sorted(ACCOUNTS, reverse=True):
        club.add_account(number)
        on_account(club, number, day)
        for place in range(10):
            values = {"agreement_id": UUID(int=place), "agreement_number": f"A-{place}"}
            key = f"{number}-{place}/1/recurring"
            club.due.charges.append(due(number, DAY + timedelta(days=1), charge_key=key, **values))
    club.set_clock(day)
    club.bill()
    numbers = {str(row.id): row.invoice_number for row in club.rows("SELECT id, invoice_number FROM attempt")}
    return [numbers[str(one.attempt_id)] for batch in club.wire.submissions for one in batch.attempts]


def test_bil_3_a_batch_goes_out_by_account_due_date_and_number_whoever_wrote_it_first(club: Club) -> None:
    # What is due first goes first, so that M1-1, which was sold to be paid today, comes after M1-11.
    expected = [[*billed, sold] for billed, sold in zip(BILLED, SOLD, strict=True)]
    assert sold_and_billed(club) == [one for of_account in expected for one in of_account]


def test_bil_3_batches_that_pages_filled_have_the_same_order(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PAYMENTS_AT_ONCE", 3)
    monkeypatch.setattr(rules, "PAYMENTS_PER_BATCH", 7)
    went_out = sold_and_billed(club)
    assert [one for one in went_out if one not in SOLD] == [one for billed in BILLED for one in billed]
    assert [one for one in went_out if one in SOLD] == SOLD
    sizes = club.rows("SELECT count(*) FROM attempt JOIN batch ON batch.id = batch_id GROUP BY number ORDER BY number")
    assert max(row[0] for row in sizes) <= 7
