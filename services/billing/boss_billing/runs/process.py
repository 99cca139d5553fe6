"""The long part of a bill run: ask agreements remotely, then one command per page (DESIGN 4)."""

from collections.abc import Iterator
from datetime import date
from typing import Protocol
from uuid import UUID

from boss_billing.runs import commands, pages, store
from boss_billing.runs.rules import BillRun, DuePage, RunState, Shard, count_shards
from boss_billing.units import store as units
from boss_kit.ids import derived_id
from boss_kit.tasks import Task
from boss_kit.unit_of_work import Transaction, UnitOfWork


class DueCharges(Protocol):
    """What agreements knows of what is due."""

    def close_bill_date(self, enterprise_id: UUID, business_unit_id: UUID, bill_date: date, asked_id: UUID) -> int:
        """Close a day of a unit, once per `asked_id`; give how many agreements have something due."""
        ...

    def pages(self, enterprise_id: UUID, shard: Shard, bill_date: date, page_token: str) -> Iterator[DuePage]:
        """Stream a shard's pages from a token on."""
        ...


class RunProcesses:
    """What `run` does about bill runs."""

    def __init__(self, units_of_work: UnitOfWork, due_charges: DueCharges) -> None:
        self._units = units_of_work
        self._due_charges = due_charges

    def plan(self, task: Task) -> None:
        """Close the day in every unit of the scope and deal what is due to shards."""
        with self._units.read(task.context) as tx:
            run = commands.require_run(tx, UUID(task.args["run"]))
            scope = run.scope.units(units.units_of(tx.connection, run.enterprise_id))
            has_shards = run.is_planned and store.has_shards(tx.connection, run)
        if has_shards or run.state is not RunState.BILLING:
            return
        shards: list[Shard] = []
        for unit_id in () if run.is_planned else scope:
            request_id = derived_id(run.id, "close", str(run.round))
            due = self._due_charges.close_bill_date(run.enterprise_id, unit_id, run.bill_date, request_id)
            count = count_shards(due)
            shards += [Shard(unit_id, number, count, run.round) for number in range(count)]
        # Where nothing is due, planning and collecting are one short transaction.
        with self._units.begin(task.context) as tx:
            commands.plan_run(tx, run, shards)
            more = not shards and self._collect_and_cut(tx, run)
        if more:
            self.collect(task)

    def bill(self, task: Task) -> None:
        """Bill one shard, a transaction per page, from where it stopped before; stop where the run is cancelled."""
        args = task.args
        shard = Shard(UUID(args["unit"]), int(args["shard"]), int(args["of"]), int(args.get("round", 1)))
        with self._units.read(task.context) as tx:
            run = commands.require_run(tx, UUID(args["run"]))
            page_token, is_done = store.page_token(tx.connection, run, shard)
        if is_done or run.state is not RunState.BILLING:
            return
        last = False
        for page in self._due_charges.pages(run.enterprise_id, shard, run.bill_date, page_token):
            last = not page.next_page_token
            with self._units.begin(task.context) as tx:
                if not pages.bill_page(tx, run, shard, page):
                    return
        if not last:
            with self._units.begin(task.context) as tx:
                pages.finish_shard(tx, run, shard)

    def collect(self, task: Task) -> None:
        """Make payments for older open invoices, a transaction per page, then cut the batches."""
        more = True
        while more:
            with self._units.begin(task.context) as tx:
                more = self._collect_and_cut(tx, commands.require_run(tx, UUID(task.args["run"])))

    def withdraw(self, task: Task) -> None:
        """Take back what a cancelled run hasn't sent, a transaction per page."""
        more = True
        while more:
            with self._units.begin(task.context) as tx:
                more = pages.withdraw_page(tx, commands.require_run(tx, UUID(task.args["run"])))

    @staticmethod
    def _collect_and_cut(tx: Transaction, run: BillRun) -> bool:
        more = pages.collect_page(tx, run)
        if not more:
            commands.cut_batches(tx, run.id)
        return more
