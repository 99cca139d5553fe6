"""Hand batches to the processor and ask for what it didn't say; no transaction is open meanwhile (DESIGN 6)."""

from collections.abc import Sequence
from uuid import UUID

from boss_billing.adapters.port import NoAnswerError, Processor, Repeatability
from boss_billing.batches import commands, store
from boss_billing.batches.rules import Batch, BatchState, Submission
from boss_billing.callbacks import commands as callbacks
from boss_billing.callbacks.rules import ResultCallback
from boss_kit.context import SYSTEM, Context
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

ASKED_AT_ONCE = 1000


class BatchProcesses:
    """What `run` does about batches."""

    def __init__(self, units: UnitOfWork, processor: Processor) -> None:
        self._units = units
        self._processor = processor

    def submit(self, task: Task) -> None:
        """Submit one batch. Repeatable: a batch that was on its way before is asked for or repeated with its key."""
        with self._units.begin(task.context) as tx:
            batch = commands.begin_submission(tx, UUID(task.args["batch"]))
        if batch.state is BatchState.SUBMITTED:
            return
        was_sent = batch.state in (BatchState.SUBMITTING, BatchState.UNKNOWN)
        try:
            results = self._repair(task, batch) if was_sent else self._hand_over(task, batch)
        except NoAnswerError:
            with self._units.begin(task.context) as tx:
                commands.note_unknown(tx, batch)
            return
        with self._units.begin(task.context) as tx:
            callbacks.keep_results(tx, results)
            commands.note_submitted(tx, batch)
        self._apply(task.context, results)

    def ask_processor(self, task: Task) -> None:
        """Ask once more for every batch and every payment the processor said nothing about (SPEC BIL-8)."""
        self._ask_for_results(task)
        if self._processor.repeatability is Repeatability.NEITHER:
            return
        with self._units.read(Context(actor=SYSTEM)) as tx:
            waiting = store.unanswered(tx.connection)
        for enterprise_id, batch_id in waiting:
            with self._units.begin(_context(task, enterprise_id)) as tx:
                commands.ask_again(tx, enterprise_id, batch_id, f"{task.id}-{tx.now:%Y%m%dT%H%M%S}")

    def _ask_for_results(self, task: Task) -> None:
        with self._units.begin(Context(actor=SYSTEM)) as tx:
            overdue = commands.ask_for_overdue(tx, ASKED_AT_ONCE)
        for enterprise_id, attempt_ids in overdue.items():
            results = self._processor.find_results(enterprise_id, attempt_ids)
            with self._units.begin(_context(task, enterprise_id)) as tx:
                callbacks.keep_results(tx, results)
            self._apply(_context(task, enterprise_id), results)

    def _apply(self, context: Context, results: Sequence[ResultCallback]) -> None:
        if results:
            with self._units.begin(context) as tx:
                callbacks.apply_results(tx, [one.callback_id for one in results])

    def _repair(self, task: Task, batch: Batch) -> Sequence[ResultCallback]:
        """Find out about a batch that may have been sent. Raises NoAnswerError while nobody knows."""
        if self._processor.repeatability is Repeatability.NEITHER:
            raise NoAnswerError("this processor can't be asked, and nothing is sent to it twice")
        asks = self._processor.repeatability is Repeatability.QUERYABLE
        if asks and self._processor.knows(batch.enterprise_id, str(batch.id)):
            return ()
        return self._hand_over(task, batch)

    def _hand_over(self, task: Task, batch: Batch) -> Sequence[ResultCallback]:
        with self._units.read(task.context) as tx:
            content = store.content(tx.connection, batch.enterprise_id, batch.id)
        return self._processor.submit(
            Submission(batch.enterprise_id, batch.business_unit_id, batch.number, str(batch.id), batch.label, content)
        )


def _context(task: Task, enterprise_id: UUID) -> Context:
    return Context(enterprise_id=enterprise_id, actor=SYSTEM, correlation=str(task.id))
