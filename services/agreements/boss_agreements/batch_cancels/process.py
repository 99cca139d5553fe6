"""Ask billing who owes, and cancel page by page; both may be repeated from where they were."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from boss_agreements.batch_cancels import commands, rules, store
from boss_agreements.batch_cancels.queries import get_batch
from boss_agreements.batch_cancels.rules import INCLUDED, OpenInvoice
from boss_agreements.batch_cancels.store import BatchCancel
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

PAGE = 100


class Debtors(Protocol):
    """Who knows what is owed and paid."""

    def open_invoices(self, enterprise_id: UUID, unit_id: UUID) -> Iterable[OpenInvoice]:
        """Give the open invoices of agreements of a unit."""

    def paid_within(
        self, enterprise_id: UUID, unit_id: UUID, account_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, date]:
        """Give the accounts that paid within dates, and when last."""

    def past_due(self, enterprise_id: UUID, unit_id: UUID, account_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Give what is past due right now, by account."""


def collect_process(units: UnitOfWork, debtors: Debtors) -> Callable[[Task], None]:
    """Make the process that finds those who owe."""

    def process(task: Task) -> None:
        batch = _batch(units, task)
        if batch.state != rules.COLLECTING:
            return
        invoices = debtors.open_invoices(batch.enterprise_id, batch.business_unit_id)
        debts = rules.debts(invoices, batch.criteria, batch.business_date)
        accounts = sorted({debt.account_id for debt in debts})
        paid_on: Mapping[UUID, date] = {}
        start, end = batch.criteria.paid_from, batch.criteria.paid_to
        if start is not None and end is not None:
            paid_on = debtors.paid_within(batch.enterprise_id, batch.business_unit_id, accounts, start, end)
        with units.begin(task.context) as tx:
            commands.keep_rows(tx, batch, debts, paid_on)

    return process


def run_process(units: UnitOfWork, debtors: Debtors) -> Callable[[Task], None]:
    """Make the process that cancels the included rows, a page a transaction; a row that has its result is done."""

    def process(task: Task) -> None:
        batch = _batch(units, task)
        while batch.state == rules.RUNNING:
            with units.read(task.context) as tx:
                rows = store.rows_page(tx.connection, batch.enterprise_id, batch.id, INCLUDED, 0, PAGE)
            accounts = sorted({row.account_id for row in rows})
            past_due = debtors.past_due(batch.enterprise_id, batch.business_unit_id, accounts) if accounts else {}
            with units.begin(task.context) as tx:
                commands.cancel_rows(tx, batch, rows, past_due)
                if not rows:
                    commands.finish(tx, batch)
            if not rows:
                return

    return process


def _batch(units: UnitOfWork, task: Task) -> BatchCancel:
    with units.read(task.context) as tx:
        return get_batch(tx, task.enterprise_id, None, UUID(str(task.args["batch_id"]))).batch
