"""The day's freezes, holds and ends of terms."""

from collections.abc import Callable

from boss_agreements.suspensions import effects
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

PAGE = 1000


def day_process(units: UnitOfWork) -> Callable[[Task], None]:
    """Make the process of a business date: page by page, each a transaction that takes its rows off the list."""

    def process(task: Task) -> None:
        assert task.business_date is not None, "the job's task has a business date"
        found = PAGE
        while found:
            with units.begin(task.context) as tx:
                found = effects.run_day(tx, task.enterprise_id, task.business_date, PAGE)

    return process
