"""Moves money on a club's accounts by the commands of billing, as tests like to say it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from club import DAY, Club, agreement_id, due, ref

from boss_billing.adjustments.commands import CreateCredit, CreateDebit, create_credit, create_debit
from boss_billing.chargebacks.commands import take_returns
from boss_billing.chargebacks.rules import ReturnKind, ReturnNotice, ReturnTaken
from boss_billing.fees.commands import WaiveFee, waive_fee
from boss_billing.funding.rules import source_id
from boss_billing.invoices.commands import CreateInvoice, create_invoice
from boss_billing.invoices.rules import Invoice, Kind, NewLine
from boss_billing.payments.commands import TakePayment, take_payment
from boss_billing.refunds.commands import CreateRefund, CreateReturn, create_refund, create_return, take_answer
from boss_billing.refunds.rules import Destination, RefundAnswer, ReturnLine
from boss_billing.write_offs.commands import CreateWriteOff, ReverseWriteOff, create_write_off, reverse_write_off
from boss_kit.context import SYSTEM
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


class Till:
    """The commands that move money, on the account with a number."""

    def __init__(self, club: Club) -> None:
        self.club = club
        self.actor = SYSTEM

    def tx(self) -> AbstractContextManager[Transaction]:
        return self.club.units.begin(replace(self.club.context(), actor=self.actor))

    def collected(self, number: str = "M1") -> UUID:
        """Bill and collect one due charge; give its payment."""
        self.club.due.charges = [due(number)]
        self.club.play(DAY)
        return UUID(str(self.club.one("SELECT id FROM payment WHERE state = 'approved'")))

    def invoice(
        self,
        number: str,
        amount_minor: int,
        tax_minor: int = 0,
        kind: Kind = Kind.SALE,
        due_date: date | None = None,
    ) -> Invoice:
        line = NewLine("Tour pack", "Retail", "10 tours", amount_minor, tax_minor)
        command = CreateInvoice(ref(number), agreement_id(number), kind, due_date, [line], {"USD"})
        with self.tx() as tx:
            return create_invoice(tx, command)

    def fee(self, number: str, amount_minor: int, tax_minor: int = 0) -> Invoice:
        return self.invoice(number, amount_minor, tax_minor, Kind.FEE)

    def pay(self, number: str, amount_minor: int, invoice_id: UUID | None = None, tender: str = "CASH") -> UUID:
        with self.tx() as tx:
            return take_payment(tx, TakePayment(ref(number), Money(amount_minor, "USD"), tender, invoice_id))

    def credit(self, number: str, amount_minor: int, invoice_id: UUID | None = None) -> Any:
        with self.tx() as tx:
            return create_credit(tx, CreateCredit(ref(number), Money(amount_minor, "USD"), invoice_id, "goodwill"))

    def debit(self, number: str, amount_minor: int) -> Any:
        with self.tx() as tx:
            return create_debit(tx, CreateDebit(ref(number), Money(amount_minor, "USD"), "towels lost"))

    def write_off(self, number: str, *invoice_ids: UUID) -> Any:
        with self.tx() as tx:
            return create_write_off(tx, CreateWriteOff(ref(number), invoice_ids, "moved away"))

    def write_on(self, number: str, movement_id: UUID) -> Any:
        with self.tx() as tx:
            return reverse_write_off(tx, ReverseWriteOff(ref(number), movement_id, "came back"))

    def waive(self, number: str, invoice_id: UUID, amount_minor: int = 0) -> Any:
        amount = Money(amount_minor, "USD") if amount_minor else None
        with self.tx() as tx:
            return waive_fee(tx, WaiveFee(ref(number), invoice_id, amount, "first time"))

    def returned(
        self, number: str, amount_minor: int, tax_minor: int = 0, to: Destination = Destination.ACCOUNT_CREDIT
    ) -> UUID:
        lines = [ReturnLine("Tour pack", "Retail", "10 tours", amount_minor, tax_minor)]
        source = source_id(ref(number).id) if to is Destination.FUNDING_SOURCE else None
        with self.tx() as tx:
            return create_return(
                tx, CreateReturn(ref(number), agreement_id(number), lines, {"USD"}, to, source, "unused")
            )

    def refund(self, number: str, amount_minor: int, to: Destination = Destination.CASH) -> UUID:
        source = source_id(ref(number).id) if to is Destination.FUNDING_SOURCE else None
        with self.tx() as tx:
            return create_refund(tx, CreateRefund(ref(number), Money(amount_minor, "USD"), to, source, "asked for"))

    def answer(self, refund_id: UUID, code: str) -> None:
        with self.tx() as tx:
            take_answer(tx, refund_id, RefundAnswer(code))

    def take_back(
        self,
        number: str,
        payment_id: UUID,
        amount_minor: int,
        kind: ReturnKind = ReturnKind.CHARGEBACK,
        key: str = "r1",
        code: str = "D01",
    ) -> ReturnTaken:
        return self.notify(ReturnNotice(key, kind, payment_id, ref(number), Money(amount_minor, "USD"), code))[0]

    def notify(self, *notices: ReturnNotice) -> Sequence[ReturnTaken]:
        with self.tx() as tx:
            return take_returns(tx, notices)

    # Looking

    def balance(self, invoice_id: UUID) -> int:
        return int(self.club.one("SELECT balance_minor FROM invoice WHERE id = :id", id=invoice_id))

    def owed(self, number: str) -> tuple[int, int]:
        """Give what the account owes, and its credit."""
        row = self.club.one(
            "SELECT coalesce((SELECT sum(balance_minor) FROM invoice WHERE account_id = account.id), 0), credit_minor "
            "FROM account WHERE number = :number",
            number=number,
        )
        return int(row[0]), int(row[1])

    def booked(self, code: str) -> int:
        """Give what an account of the books holds, debit less credit."""
        return int(
            self.club.one(
                "SELECT coalesce(sum(amount_minor) FILTER (WHERE debit = :code), 0) "
                "- coalesce(sum(amount_minor) FILTER (WHERE credit = :code), 0) FROM transfer",
                code=code,
            )
        )
