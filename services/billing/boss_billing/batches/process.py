"""Hand batches to the processor and ask for what it didn't say; no transaction is open meanwhile (DESIGN 6)."""

from collections.abc import Sequence
from uuid import UUID

from boss_billing.adapters.port import NoAnswerError, Processor, Repeatability
from boss_billing.batches import commands, store
from boss_billing.batches.commands import Answered
from boss_billing.batches.rules import Batch, BatchState, Submission, SubmittedAttempt
from boss_billing.callbacks import commands as callbacks
from boss_billing.callbacks.rules import ResultCallback
from boss_kit.context import SYSTEM, Context
from boss_kit.errors import Transient
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

ASKED_AT_ONCE = 1000
PAGE = 1000


class BatchProcesses:
    """What `run` does about batches."""

    def __init__(self, units: UnitOfWork, processor: Processor) -> None:
        self._units = units
        self._processor = processor

    def submit(self, task: Task) -> None:
        """Submit batches. Repeatable: one that was on its way before is asked for or repeated with its key."""
        ids = [UUID(one) for one in task.args["batches"].split(",")]
        # Where nothing can be repeated, a batch is on its way no sooner than it really is.
        alone = self._processor.repeatability is Repeatability.NEITHER
        for group in [[one] for one in ids] if alone else [ids]:
            self._submit_together(task, group)

    def _submit_together(self, task: Task, batch_ids: Sequence[UUID]) -> None:
        with self._units.begin(task.context) as tx:
            begun = commands.begin_submission(tx, batch_ids)
            content = store.content(tx.connection, task.enterprise_id, [one.id for one in begun])
        if not begun:
            return
        answers: list[Answered] = []
        results: list[ResultCallback] = []
        for batch in begun:
            held = content.get(batch.id, ())
            payments = [payment for payment, _ in held]
            try:
                results += self._send(batch, [attempt for _, attempt in held])
                answers.append(Answered(batch, payments, is_known=True))
            except NoAnswerError as error:
                results += error.results
                answers.append(Answered(batch, payments, is_known=False))
            except Transient:
                # It didn't come, so it may be sent again, also where nothing is sent twice.
                with self._units.begin(task.context) as tx:
                    commands.put_back(tx, batch)
                raise
        with self._units.begin(task.context) as tx:
            callbacks.keep_results(tx, results)
            commands.note_answers(tx, answers)
        self._apply(task.context, results)

    def ask_processor(self, task: Task) -> None:
        """Ask once more for every batch and every payment the processor said nothing about (SPEC BIL-8)."""
        self._ask_for_results(task)
        if self._processor.repeatability is Repeatability.NEITHER:
            return
        with self._units.read(Context(actor=SYSTEM)) as tx:
            waiting = store.unanswered(tx.connection)
        for enterprise_id, batch_ids in waiting.items():
            with self._units.begin(_context(task, enterprise_id)) as tx:
                commands.ask_again(tx, batch_ids, f"{task.id}-{tx.now:%Y%m%dT%H%M%S}")

    def _ask_for_results(self, task: Task) -> None:
        with self._units.begin(Context(actor=SYSTEM)) as tx:
            overdue = commands.ask_for_overdue(tx, ASKED_AT_ONCE)
        for enterprise_id, attempt_ids in overdue.items():
            results = self._processor.find_results(enterprise_id, attempt_ids)
            with self._units.begin(_context(task, enterprise_id)) as tx:
                callbacks.keep_results(tx, results)
            self._apply(_context(task, enterprise_id), results)

    def _apply(self, context: Context, results: Sequence[ResultCallback]) -> None:
        for start in range(0, len(results), PAGE):
            with self._units.begin(context) as tx:
                callbacks.apply_results(tx, [one.callback_id for one in results[start : start + PAGE]])

    def _send(self, batch: Batch, content: Sequence[SubmittedAttempt]) -> Sequence[ResultCallback]:
        """Hand a batch over, or find out about one that may have been sent. Raises NoAnswerError where nobody knows."""
        if batch.state is not BatchState.CUT:
            if self._processor.repeatability is Repeatability.NEITHER:
                raise NoAnswerError("this processor can't be asked, and nothing is sent to it twice")
            asks = self._processor.repeatability is Repeatability.QUERYABLE
            if asks and self._processor.knows(batch.enterprise_id, str(batch.id)):
                return ()
        return self._processor.submit(
            Submission(batch.enterprise_id, batch.business_unit_id, batch.number, str(batch.id), batch.label, content)
        )


def _context(task: Task, enterprise_id: UUID) -> Context:
    return Context(enterprise_id=enterprise_id, actor=SYSTEM, correlation=str(task.id))
