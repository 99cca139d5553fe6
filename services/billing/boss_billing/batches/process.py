"""Hand batches to the processor; no transaction is open while it is asked (DESIGN 6)."""

from uuid import UUID

from boss_billing.adapters.port import NoAnswerError, Processor, Repeatability
from boss_billing.batches import commands, store
from boss_billing.batches.rules import Batch, BatchState, Submission
from boss_kit.context import SYSTEM, Context
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork


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
        try:
            was_sent = batch.state in (BatchState.SUBMITTING, BatchState.UNKNOWN)
            known = self._hand_over(task, batch) if not was_sent else self._repair(task, batch)
        except NoAnswerError:
            known = False
        with self._units.begin(task.context) as tx:
            if known:
                commands.note_submitted(tx, batch)
            else:
                commands.note_unknown(tx, batch)

    def ask_processor(self, task: Task) -> None:
        """Ask once more for every batch the processor said nothing about (SPEC BIL-8)."""
        if self._processor.repeatability is Repeatability.NEITHER:
            return
        with self._units.read(Context(actor=SYSTEM)) as tx:
            waiting = store.unanswered(tx.connection)
        for enterprise_id, batch_id in waiting:
            with self._units.begin(Context(enterprise_id=enterprise_id, actor=SYSTEM, correlation=str(task.id))) as tx:
                commands.ask_again(tx, enterprise_id, batch_id, f"{task.id}-{tx.now:%Y%m%dT%H%M%S}")

    def _repair(self, task: Task, batch: Batch) -> bool:
        """Find out about a batch that may have been sent; True when the processor has it now."""
        if self._processor.repeatability is Repeatability.IDEMPOTENT:
            return self._hand_over(task, batch)
        if self._processor.repeatability is Repeatability.NEITHER:
            return False
        return self._processor.knows(batch.enterprise_id, str(batch.id)) or self._hand_over(task, batch)

    def _hand_over(self, task: Task, batch: Batch) -> bool:
        with self._units.read(task.context) as tx:
            content = store.content(tx.connection, batch.enterprise_id, batch.id)
        self._processor.submit(Submission(batch.enterprise_id, str(batch.id), batch.label, content))
        return True
