"""A billing month made of rows: invoices, payments, attempts, batches and deposits, as bill runs would leave them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from boss.billing.v1 import report_service_pb2
from club import DAY, DENVER, ENTERPRISE_ID, Club, unit_id

from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice, Taken
from boss_billing.reports import commands as reports
from boss_kit.ids import derived_id, new_id
from boss_kit.rpc.convert import date_to_proto

LAST = DAY + timedelta(days=30)


def those(first: date = DAY, last: date = LAST, **changes: Any) -> report_service_pb2.ReportFilter:
    return report_service_pb2.ReportFilter(start_date=date_to_proto(first), end_date=date_to_proto(last), **changes)


@dataclass(frozen=True)
class Paid:
    """A payment with its whole story; `retry` is the state of the Retry, where there was one."""

    amount_minor: int
    kind: str = "New"
    tender: str = "VISA"
    state: str = "approved"
    original: str = ""
    retry: str = ""
    message: str = "Approved"
    lines: Sequence[tuple[str, str, int]] = ()
    unit: str = DENVER
    day: date = DAY
    batch: int = 1

    @property
    def original_state(self) -> str:
        return self.original or {"finally_declined": "declined"}.get(self.state, self.state)


@dataclass
class Month:
    """Adds payments and deposits to a club's database."""

    club: Club
    count: int = 0
    batches: dict[tuple[int, str], UUID] = field(default_factory=dict)

    def pay(self, *payments: Paid) -> list[UUID]:
        """Add payments, each with an invoice of its own (made that day for a New one, a month before else)."""
        with self.club.engine.begin() as connection:
            return [self._pay(connection, one) for one in payments]

    def invoice(self, total_minor: int, day: date = DAY, unit: str = DENVER, item: str = "Gold") -> None:
        """Add an invoice nobody paid."""
        with self.club.engine.begin() as connection:
            self._invoice(connection, Paid(total_minor, unit=unit, day=day), [("Membership", item, total_minor)], day)

    def deposit(self, batch: int, tender: str, amount_minor: int, **changes: Any) -> Taken:
        """Take a deposit, two days after the bill date."""
        self.count += 1
        values = {
            "deposit_key": f"d{self.count}", "source": "processor", "statement": "S1", "label": "", "fee_minor": 0,
            "deposit_date": DAY + timedelta(days=2), "currency": "USD",
        } | changes  # fmt: skip
        notice = DepositNotice(batch_number=batch, tender=tender, gross_minor=amount_minor, **values)
        with self.club.units.begin(self.club.context()) as tx:
            return take_deposits(tx, [notice])[0]

    def roll_up(self) -> None:
        """Do what the job does."""
        while True:
            with self.club.units.begin(self.club.context()) as tx:
                if not reports.roll_up(tx):
                    return

    def _pay(self, connection: sa.Connection, one: Paid) -> UUID:
        day = one.day if one.kind == "New" else one.day - timedelta(days=31)
        lines = one.lines or [("Membership", "Gold", one.amount_minor)]
        invoice_id, account_id, number = self._invoice(connection, one, lines, day)
        payment_id = new_id()
        values = {
            "enterprise_id": ENTERPRISE_ID, "unit_id": unit_id(one.unit), "account_id": account_id, "number": number,
            "invoice_id": invoice_id, "payment_id": payment_id, "kind": one.kind, "state": one.state,
            "tender": one.tender, "amount": one.amount_minor, "day": one.day, "message": one.message,
            "is_recovered": one.retry == "approved", "source_id": new_id(),
        }  # fmt: skip
        connection.execute(_PAYMENT, values)
        for label, state in (("Original", one.original_state), ("Retry", one.retry)):
            if state:
                batch_id = self._batch(connection, one, label)
                attempt_id = derived_id(payment_id, label)
                more = {"id": attempt_id, "label": label, "state": state, "batch_id": batch_id}
                connection.execute(_ATTEMPT, {**values, **more, "transaction_id": f"T{self.count}{label[0]}"})
        return payment_id

    def _invoice(
        self, connection: sa.Connection, one: Paid, lines: Sequence[tuple[str, str, int]], day: date
    ) -> tuple[UUID, UUID, str]:
        self.count += 1
        ids = {"enterprise_id": ENTERPRISE_ID, "unit_id": unit_id(one.unit), "account_id": new_id(), "id": new_id()}
        number = f"R{self.count:05}"
        connection.execute(_ACCOUNT, {**ids, "number": number})
        connection.execute(
            _INVOICE, {**ids, "number": f"{number}-1", "day": day, "total": sum(line[2] for line in lines)}
        )
        for place, (category, item, amount) in enumerate(lines, 1):
            connection.execute(_LINE, {**ids, "place": place, "category": category, "item": item, "amount": amount})
        return ids["id"], ids["account_id"], number

    def _batch(self, connection: sa.Connection, one: Paid, label: str) -> UUID:
        key = (one.batch, label)
        if key not in self.batches:
            self.batches[key] = new_id()
            values = {
                "enterprise_id": ENTERPRISE_ID, "unit_id": unit_id(one.unit), "id": self.batches[key],
                "run_id": new_id(), "number": one.batch, "label": label, "day": one.day,
            }  # fmt: skip
            connection.execute(_BATCH, values)
        return self.batches[key]


_ACCOUNT = sa.text(
    """
    INSERT INTO account (enterprise_id, business_unit_id, id, number, currency, create_time)
    VALUES (:enterprise_id, :unit_id, :account_id, :number, 'USD', now())
    """
)
_INVOICE = sa.text(
    """
    INSERT INTO invoice (enterprise_id, business_unit_id, id, account_id, number, kind, description, invoice_date,
                         due_date, currency, total_minor, balance_minor, correlation, create_time)
    VALUES (:enterprise_id, :unit_id, :id, :account_id, :number, 'billed', 'Dues', :day, :day, 'USD', :total, 0, '',
            now())
    """
)
_LINE = sa.text(
    """
    INSERT INTO invoice_line (enterprise_id, business_unit_id, invoice_id, line_no, description, item_category, item,
                              amount_minor, tax_minor)
    VALUES (:enterprise_id, :unit_id, :id, :place, 'Dues', :category, :item, :amount, 0)
    """
)
_PAYMENT = sa.text(
    """
    INSERT INTO payment (enterprise_id, business_unit_id, id, account_id, invoice_id, funding_source_id, kind, state,
                         tender, is_primary, amount_minor, currency, payment_date, response_message, is_recovered,
                         correlation, create_time)
    VALUES (:enterprise_id, :unit_id, :payment_id, :account_id, :invoice_id, :source_id, :kind, :state, :tender, true,
            :amount, 'USD', :day, :message, :is_recovered, '', now())
    """
)
_ATTEMPT = sa.text(
    """
    INSERT INTO attempt (enterprise_id, business_unit_id, id, account_id, invoice_id, payment_id, funding_source_id,
                         batch_id, label, account_number, due_date, invoice_number, description, attempt_no, tender,
                         token, expiry_month, expiry_year, amount_minor, currency, business_date, state, response_code,
                         response_message, transaction_id, result_date, correlation, create_time)
    VALUES (:enterprise_id, :unit_id, :id, :account_id, :invoice_id, :payment_id, :source_id, :batch_id, :label,
            :number, :day, :number || '-1', 'Dues', 1, :tender, 'tok_1', 12, 2030, :amount, 'USD', :day, :state, 'A01',
            CASE WHEN :state IN ('pending', 'unknown', 'created') THEN '' ELSE :message END, :transaction_id, :day, '',
            now())
    """
)
_BATCH = sa.text(
    """
    INSERT INTO batch (enterprise_id, business_unit_id, id, bill_run_id, number, label, part, bill_date, state,
                       create_time)
    VALUES (:enterprise_id, :unit_id, :id, :run_id, :number, :label, 1, :day, 'submitted', now())
    """
)
