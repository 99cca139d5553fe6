"""Apply callbacks that were kept when their process ended."""

from uuid import UUID

from boss_billing.callbacks import commands, store
from boss_billing.callbacks.rules import CallbackKind
from boss_kit.context import SYSTEM, Context
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

PAGE = 1000


class CallbackProcesses:
    """What `run` does about callbacks."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    def apply_left_over(self, task: Task) -> None:
        """Apply what was kept and not applied."""
        with self._units.read(Context(actor=SYSTEM)) as tx:
            left = store.left_over(tx.connection, PAGE)
        pages: dict[tuple[UUID, str], list[str]] = {}
        for enterprise_id, kind, callback_id in left:
            pages.setdefault((enterprise_id, kind), []).append(callback_id)
        for (enterprise_id, kind), ids in pages.items():
            context = Context(enterprise_id=enterprise_id, actor=SYSTEM, correlation=str(task.id))
            with self._units.begin(context) as tx:
                if kind == CallbackKind.PAYMENT_RESULT:
                    commands.apply_results(tx, ids)
                else:
                    commands.apply_updates(tx, ids)
