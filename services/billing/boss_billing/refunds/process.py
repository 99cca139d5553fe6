"""Send refunds to the processor; one without an answer is unknown, and asked again with the same key (SPEC BIL-8)."""

from uuid import UUID

from boss_billing.adapters.port import NoAnswerError
from boss_billing.refunds import commands, queries
from boss_billing.refunds.rules import TO_SEND, RefundProcessor, RefundState
from boss_kit.errors import Transient
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork


class RefundProcesses:
    """What `run` does about refunds."""

    def __init__(self, units: UnitOfWork, processor: RefundProcessor) -> None:
        self._units = units
        self._processor = processor

    def send(self, task: Task) -> None:
        """Send one refund and take the answer, unless it comes by callback.

        Raises Transient to be repeated while nobody knows what became of it, where it may be.
        """
        refund_id = UUID(str(task.args["refund"]))
        with self._units.read(task.context) as tx:
            state, submitted = queries.to_send(tx, refund_id)
        if state not in TO_SEND:
            return
        try:
            answer = self._processor.refund(submitted)
        except NoAnswerError:
            with self._units.begin(task.context) as tx:
                commands.mark(tx, refund_id, RefundState.UNKNOWN)
            if not self._processor.may_repeat:
                return
            text = "The processor didn't answer; the refund is asked for again with the same key."
            raise Transient("REFUND_UNKNOWN", text) from None
        with self._units.begin(task.context) as tx:
            if answer is None:
                commands.mark(tx, refund_id, RefundState.PENDING)
            else:
                commands.take_answer(tx, refund_id, answer)
