"""Take results that come one by one together, and apply what was kept when its process ended or came too early."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar
from uuid import UUID

from boss_billing.callbacks import commands, refunds, returns, store, updates
from boss_billing.callbacks.keeping import Tally, keep, tally
from boss_billing.callbacks.rules import CallbackKind, ResultCallback
from boss_kit.commit_group import CommitGroup, in_groups
from boss_kit.context import SYSTEM, Context
from boss_kit.tasks import Task
from boss_kit.unit_of_work import Transaction, UnitOfWork

T = TypeVar("T")
R = TypeVar("R")

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


@dataclass(frozen=True)
class _KeptReport:
    """A report that is kept, and which of its results were news."""

    report: Report
    news: Mapping[str, ResultCallback]


class ResultReports:
    """Where results of attempts come in: kept in one transaction, applied in the next (SPEC BIL-8).

    Calls that come at the same time share both.
    """

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units
        self._group = CommitGroup(self._take)

    def take(self, report: Report) -> Tally:
        """Keep and apply a call's results, together with those of calls that come at the same time."""
        if len(report.results) >= ALONE_FROM:
            return self._take([report])[0]
        return self._group.submit(report)

    def _take(self, reports: Sequence[Report]) -> Sequence[Tally]:
        return self._apply(self._keep(reports))

    def _keep(self, reports: Sequence[Report]) -> Sequence[_KeptReport]:
        return _by_caller(reports, lambda one: one.context, self._keep_of_one_caller)

    def _keep_of_one_caller(self, reports: Sequence[Report]) -> Sequence[_KeptReport]:
        rows = [commands.kept_result(one, report.context.correlation) for report in reports for one in report.results]
        with self._units.begin(reports[0].context) as tx:
            # No call is answered before its results are applied, and that commit brings this one to the disk, too.
            store.need_not_wait(tx.connection)
            new = set(keep(tx, CallbackKind.PAYMENT_RESULT, rows))
        kept = []
        for report in reports:
            # What two calls brought is news of the first of them.
            news: dict[str, ResultCallback] = {}
            for one in report.results:
                if one.callback_id in new:
                    news.setdefault(one.callback_id, one)
            new.difference_update(news)
            kept.append(_KeptReport(report, news))
        return kept

    def _apply(self, kept: Sequence[_KeptReport]) -> Sequence[Tally]:
        return _by_caller(kept, lambda one: one.report.context, self._apply_of_one_caller)

    def _apply_of_one_caller(self, kept: Sequence[_KeptReport]) -> Sequence[Tally]:
        news = {callback_id: result for one in kept for callback_id, result in one.news.items()}
        ids = [[result.callback_id for result in one.report.results] for one in kept]
        with self._units.begin(kept[0].report.context) as tx:
            left = dict(commands.settle_results(tx, list(dict.fromkeys(chain.from_iterable(ids))), news))
        # What two calls brought was applied for the first of them.
        return [tally(mine, {one: left.pop(one) for one in dict.fromkeys(mine) if one in left}) for mine in ids]


def _by_caller(
    items: Sequence[T], context: Callable[[T], Context], work: Callable[[Sequence[T]], Sequence[R]]
) -> list[R]:
    """Work on what each caller brought by itself; give the answers in the order of the items."""
    answers: dict[int, R] = {}
    for places in in_groups(items, lambda one: (context(one).enterprise_id, context(one).actor)):
        answers.update(zip(places, work([items[place] for place in places]), strict=True))
    return [answers[place] for place in range(len(items))]


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
