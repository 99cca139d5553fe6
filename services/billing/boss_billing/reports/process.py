"""Roll up what has changed, page by page."""

from boss_billing.reports import commands
from boss_kit.context import SYSTEM, Context
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork


class ReportProcesses:
    """What `run` does about reports."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    def roll_up(self, task: Task) -> None:
        """Roll up all there is. Repeatable: the rest of an interrupted one is still marked."""
        more = True
        while more:
            with self._units.begin(Context(actor=SYSTEM, correlation=str(task.id))) as tx:
                more = commands.roll_up(tx) > 0
