"""Ask the card updater about declined cards, and give up on answers that never come (SPEC BIL-4)."""

from datetime import timedelta

from boss_billing.adapters.port import Processor
from boss_billing.funding import commands, inquiries
from boss_billing.funding.rules import UpdateOutcome
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

PAGE = 1000
ANSWER_DAYS_MAX = 10


class CardUpdaterProcesses:
    """What `run` does about the card updater."""

    def __init__(self, units: UnitOfWork, processor: Processor) -> None:
        self._units = units
        self._processor = processor

    def ask(self, task: Task) -> None:
        """Send the inquiries nobody has sent, and decline for good what waited too long for an answer."""
        day = task.business_date
        assert day is not None, "the job runs for a business date"
        until = day - timedelta(days=ANSWER_DAYS_MAX)
        more = True
        while more:
            with self._units.begin(task.context) as tx:
                late = inquiries.unanswered(tx.connection, task.enterprise_id, until, PAGE)
                if late:
                    commands.take_answers(tx, [commands.Answer(one, UpdateOutcome.NO_ANSWER) for one in late])
                page = inquiries.to_send(tx.connection, task.enterprise_id, PAGE)
            if page:
                self._processor.inquire(task.enterprise_id, day, page)
                with self._units.begin(task.context) as tx:
                    inquiries.mark_sent(tx.connection, task.enterprise_id, [one.inquiry_id for one in page], day)
            more = len(page) == PAGE or len(late) == PAGE
