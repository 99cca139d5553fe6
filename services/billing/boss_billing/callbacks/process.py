"""Take results that come one by one together, and apply what was kept when its process ended or came too early."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.callbacks import commands, refunds, returns, store, updates
from boss_billing.callbacks.keeping import Tally, keep, tally
from boss_billing.callbacks.rules import CallbackKind, ResultCallback
from boss_kit.commit_group import CommitGroup, in_groups
from boss_kit.context import SYSTEM, Context
from boss_kit.tasks import Task
from boss_kit.unit_of_work import Transaction, UnitOfWork

PAGE = 1000
ALONE_FROM = 100
"""A call with so many results is worth a commit of its own."""

_APPLY = {
    CallbackKind.PAYMENT_RESULT: commands.apply_results,
    CallbackKind.ACCOUNT_UPDATE: updates.apply_updates,
    CallbackKind.PAYMENT_RETURN: returns.apply_returns,
    CallbackKind.REFUND_RESULT: refunds.apply_refund_results,
    CallbackKind.DEPOSIT: commands.apply_deposits,
}


@dataclass(frozen=True)
class Report:
    """One call's results, and who calls."""

    context: Context
    results: Sequence[ResultCallback]


class ResultReports:
    """Where results of attempts come in: kept in one transaction, applied in the next (SPEC BIL-8)."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units
        self._group = CommitGroup(self._take)

    def take(self, report: Report) -> Tally:
        """Keep and apply a call's results, together with those of calls that come at the same time."""
        if len(report.results) >= ALONE_FROM:
            return self._take([report])[0]
        return self._group.submit(report)

    def _take(self, reports: Sequence[Report]) -> Sequence[Tally]:
        tallies: dict[int, Tally] = {}
        for places in in_groups(reports, lambda one: (one.context.enterprise_id, one.context.actor)):
            mine = [reports[place] for place in places]
            tallies.update(zip(places, self._take_of_one_caller(mine), strict=True))
        return [tallies[place] for place in range(len(reports))]

    def _take_of_one_caller(self, reports: Sequence[Report]) -> Sequence[Tally]:
        context = reports[0].context
        rows = [commands.kept_result(one, report.context.correlation) for report in reports for one in report.results]
        with self._units.begin(context) as tx:
            new = keep(tx, CallbackKind.PAYMENT_RESULT, rows)
        told = {one.callback_id: one for report in reversed(reports) for one in reversed(report.results)}
        fresh = {callback_id: one for callback_id, one in told.items() if callback_id in new}
        with self._units.begin(context) as tx:
            left = dict(commands.settle_results(tx, list(told), fresh))
        tallies = []
        for report in reports:
            # What two calls brought was applied for the first of them.
            ids = [one.callback_id for one in report.results]
            tallies.append(tally(ids, {one: left.pop(one) for one in dict.fromkeys(ids) if one in left}))
        return tallies


class CallbackProcesses:
    """What `run` does about callbacks."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    def apply_left_over(self, task: Task) -> None:
        """Apply what was kept and not applied, and what fits by now."""
        with self._units.begin(Context(actor=SYSTEM)) as tx:
            store.match_again(tx.connection, PAGE)
            left = store.left_over(tx.connection, PAGE)
        pages: dict[tuple[UUID, str], list[str]] = {}
        for enterprise_id, kind, callback_id in left:
            pages.setdefault((enterprise_id, kind), []).append(callback_id)
        for (enterprise_id, kind), ids in pages.items():
            context = Context(enterprise_id=enterprise_id, actor=SYSTEM, correlation=str(task.id))
            with self._units.begin(context) as tx:
                apply(tx, CallbackKind(kind), ids)


def apply(tx: Transaction, kind: CallbackKind, callback_ids: Sequence[str]) -> Tally:
    """Apply those of the callbacks of a kind that nobody has applied yet."""
    return _APPLY[kind](tx, callback_ids)
