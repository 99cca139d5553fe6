"""The long part of a bill run: ask agreements remotely, then one command per page (DESIGN 4)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from boss_billing.runs import commands, pages, store
from boss_billing.runs.rules import BillRun, DuePage, RunState, Shard, count_shards, deal, read_shards
from boss_billing.units import store as units
from boss_kit.ids import derived_id
from boss_kit.tasks import Task
from boss_kit.unit_of_work import Transaction, UnitOfWork

UNITS_AT_ONCE = 500


class DueCharges(Protocol):
    """What agreements knows of what is due."""

    def close_bill_dates(
        self, enterprise_id: UUID, unit_ids: Sequence[UUID], bill_date: date, asked_id: UUID
    ) -> Sequence[int]:
        """Close a day of units, once per `asked_id`; give how many agreements have something due in each."""
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
        sizes = [] if run.is_planned else self._sizes(run, list(scope))
        # Where nothing is due, planning and collecting are one short transaction.
        with self._units.begin(task.context) as tx:
            commands.plan_run(tx, run, deal(sizes))
            more = not sizes and self._collect_and_cut(tx, run)
        if more:
            self.collect(task)

    def _sizes(self, run: BillRun, unit_ids: Sequence[UUID]) -> list[tuple[Shard, int]]:
        """Close the run's day in units; give the shards of what is due there, and about how much each has."""
        request_id = derived_id(run.id, "close", str(run.round))
        sizes = []
        for start in range(0, len(unit_ids), UNITS_AT_ONCE):
            some = unit_ids[start : start + UNITS_AT_ONCE]
            closed = self._due_charges.close_bill_dates(run.enterprise_id, some, run.bill_date, request_id)
            for unit_id, due in zip(some, closed, strict=True):
                count = count_shards(due)
                sizes += [(Shard(unit_id, number, count, run.round), due // count) for number in range(count)]
        return sizes

    def bill(self, task: Task) -> None:
        """Bill a task's shards from where they stopped before: a small one's only page along with the others'."""
        shards = _shards(task)
        with self._units.read(task.context) as tx:
            run = commands.require_run(tx, UUID(task.args["run"]))
            places = store.page_tokens(tx.connection, run, shards)
        if run.state is not RunState.BILLING:
            return
        together: list[tuple[Shard, DuePage]] = []
        for shard, page_token in places.items():
            together += self._bill_shard(task, run, shard, page_token)
        if not together:
            return
        with self._units.begin(task.context) as tx:
            more = False
            # What is left of a small run goes along: a lock that meets another's is let go and taken again.
            if pages.bill_pages(tx, run, together) is pages.Outcome.WAS_LAST:
                more = self._collect_and_cut(tx, run)
        if more:
            self.collect(task)

    def _bill_shard(self, task: Task, run: BillRun, shard: Shard, page_token: str) -> list[tuple[Shard, DuePage]]:
        """Bill a shard, a transaction per page; give its page back unbilled where it has one only."""
        first, last = True, False
        for page in self._due_charges.pages(run.enterprise_id, shard, run.bill_date, page_token):
            last = not page.next_page_token
            if first and last:
                return [(shard, page)]
            first = False
            with self._units.begin(task.context) as tx:
                outcome = pages.bill_pages(tx, run, [(shard, page)])
                if outcome is pages.Outcome.WAS_LAST:
                    pages.ask_to_collect(tx, run)
            if outcome is pages.Outcome.CANCELLED:
                return []
        if not last:
            with self._units.begin(task.context) as tx:
                if pages.finish_shard(tx, run, shard) is pages.Outcome.WAS_LAST:
                    pages.ask_to_collect(tx, run)
        return []

    def collect(self, task: Task) -> None:
        """Make payments for older open invoices, a transaction per page, then cut the batches."""
        more = True
        while more:
            with self._units.read(task.context) as tx:
                run = commands.require_run(tx, UUID(task.args["run"]))
                found = pages.to_collect(tx, run)
            more = len(found) == pages.FOUND_AT_ONCE
            for start in range(0, len(found) or 1, pages.COLLECT_PAGE):
                end = start + pages.COLLECT_PAGE
                with self._units.begin(task.context) as tx:
                    if not pages.collect_page(tx, run, found[start:end]):
                        return
                    if not more and end >= len(found):
                        pages.list_held(tx, run)
                        commands.cut_batches(tx, run.id)

    def withdraw(self, task: Task) -> None:
        """Take back what a cancelled run hasn't sent, a transaction per page."""
        more = True
        while more:
            with self._units.begin(task.context) as tx:
                more = pages.withdraw_page(tx, commands.require_run(tx, UUID(task.args["run"])))

    @staticmethod
    def _collect_and_cut(tx: Transaction, run: BillRun) -> bool:
        """Collect a page and cut the batches; where there is more than a page, leave both and say so."""
        found = pages.to_collect(tx, run)
        if len(found) > pages.COLLECT_PAGE:
            return True
        pages.collect_page(tx, run, found)
        pages.list_held(tx, run)
        commands.cut_batches(tx, run.id)
        return False


def _shards(task: Task) -> list[Shard]:
    args = task.args
    round_no = int(args.get("round", 1))
    if "shards" in args:
        return read_shards(args["shards"], round_no)
    # A task of a release before this one is for one shard.
    return [Shard(UUID(args["unit"]), int(args["shard"]), int(args["of"]), round_no)]
