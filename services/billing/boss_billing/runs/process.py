"""The long part of a bill run: ask agreements remotely, then one command per page (DESIGN 4)."""

from collections.abc import Iterator
from datetime import date
from typing import Protocol
from uuid import UUID

from boss_billing.runs import commands, store
from boss_billing.runs.rules import BillRun, DuePage, Shard, count_shards
from boss_billing.units import store as units
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork


class DueCharges(Protocol):
    """What agreements knows of what is due."""

    def close_bill_date(self, enterprise_id: UUID, business_unit_id: UUID, bill_date: date, run_id: UUID) -> int:
        """Close a day of a unit; give how many agreements have something due."""
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
        """Close the day in every unit below the scope and deal what is due to shards."""
        run = self._run(task)
        with self._units.read(task.context) as tx:
            known = units.units_of(tx.connection, run.enterprise_id)
            has_shards = store.has_shards(tx.connection, run)
        if run.is_planned:
            if not has_shards:
                self.collect(task)
            return
        scope = [run.business_unit_id] if run.business_unit_id else list(known)
        shards: list[Shard] = []
        for unit_id in scope:
            due = self._due_charges.close_bill_date(run.enterprise_id, unit_id, run.bill_date, run.id)
            count = count_shards(due)
            shards += [Shard(unit_id, number, count) for number in range(count)]
        with self._units.begin(task.context) as tx:
            commands.plan_run(tx, run.id, shards)
        if not shards:
            self.collect(task)

    def bill(self, task: Task) -> None:
        """Bill one shard, a transaction per page, from where it stopped before."""
        run = self._run(task)
        shard = Shard(UUID(task.args["unit"]), int(task.args["shard"]), int(task.args["of"]))
        with self._units.read(task.context) as tx:
            page_token, is_done = store.page_token(tx.connection, run, shard)
        if is_done:
            return
        last = False
        for page in self._due_charges.pages(run.enterprise_id, shard, run.bill_date, page_token):
            last = not page.next_page_token
            with self._units.begin(task.context) as tx:
                commands.bill_page(tx, run, shard, page)
        if not last:
            with self._units.begin(task.context) as tx:
                commands.finish_shard(tx, run, shard)

    def collect(self, task: Task) -> None:
        """Make payments for older open invoices, then cut the batches."""
        run = self._run(task)
        more = True
        while more:
            with self._units.begin(task.context) as tx:
                more = commands.collect_page(tx, run)
        with self._units.begin(task.context) as tx:
            commands.cut_batches(tx, run.id)

    def _run(self, task: Task) -> BillRun:
        with self._units.read(task.context) as tx:
            run = store.find_run(tx.connection, task.enterprise_id, UUID(task.args["run"]))
        if run is None:
            raise LookupError(f"there is no bill run {task.args['run']}")
        return run
