"""Send refunds to the processor; one without an answer is unknown, and asked again with the same key (SPEC BIL-8).

A processor that takes files gets all refunds of a unit that wait in one, under the key of whose task came first.
"""

from uuid import UUID

from boss_billing.adapters.port import NoAnswerError
from boss_billing.refunds import commands, queries
from boss_billing.refunds.rules import TO_SEND, RefundFiler, RefundProcessor, RefundState
from boss_kit.errors import Transient
from boss_kit.tasks import Task, TooEarlyError
from boss_kit.unit_of_work import UnitOfWork

GATHER_S = 10.0
"""How long a refund waits for others to share its file."""


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
                commands.mark(tx, [refund_id], RefundState.UNKNOWN)
            if not self._processor.may_repeat:
                return
            raise _unknown() from None
        with self._units.begin(task.context) as tx:
            if answer is None:
                commands.mark(tx, [refund_id], RefundState.PENDING)
            else:
                commands.take_answer(tx, refund_id, answer)


class RefundFileProcesses:
    """What `run` does about refunds where the processor takes files."""

    def __init__(self, units: UnitOfWork, processor: RefundFiler) -> None:
        self._units = units
        self._processor = processor

    def send(self, task: Task) -> None:
        """Send a refund in one file with all of its unit that wait by now; one that another's file holds is left to it.

        Raises TooEarlyError for a new one, Transient to be repeated while nobody knows what became of it.
        """
        refund_id = UUID(str(task.args["refund"]))
        with self._units.read(task.context) as tx:
            if task.attempts == 1 and queries.is_waiting(tx, refund_id):
                raise TooEarlyError(GATHER_S)
        with self._units.begin(task.context) as tx:
            is_new = commands.gather(tx, refund_id)
            submission = queries.to_send_together(tx, refund_id, may_be_there=not is_new)
        if submission is None:
            return
        sent = [UUID(one.key) for one in submission.refunds]
        try:
            self._processor.refund_together(submission)
        except NoAnswerError:
            with self._units.begin(task.context) as tx:
                commands.mark(tx, sent, RefundState.UNKNOWN)
            if not self._processor.may_repeat:
                return
            raise _unknown() from None
        except Transient:
            # The file didn't come. Whether an earlier one of its name did, nobody knows.
            if is_new:
                with self._units.begin(task.context) as tx:
                    commands.scatter(tx, refund_id)
            raise
        with self._units.begin(task.context) as tx:
            commands.mark(tx, sent, RefundState.PENDING)


def _unknown() -> Transient:
    return Transient("REFUND_UNKNOWN", "The processor didn't answer; the refund is asked for again with the same key.")
