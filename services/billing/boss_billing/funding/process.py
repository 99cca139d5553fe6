"""Ask the card updater about declined cards and those due soon, and give up on answers that never come (SPEC BIL-4)."""

from datetime import date, timedelta
from typing import Protocol
from uuid import UUID

from boss_billing.adapters.port import Processor
from boss_billing.funding import commands, inquiries
from boss_billing.funding.rules import UpdateOutcome
from boss_billing.invoices import store as invoices
from boss_billing.runs.rules import DuePage
from boss_billing.units import store as units
from boss_billing.units.rules import Unit
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

PAGE = 1000
ANSWER_DAYS_MAX = 10


class Looks(Protocol):
    """What agreements says of a day that isn't closed."""

    def look(
        self, enterprise_id: UUID, business_unit_id: UUID, bill_date: date, page_size: int, page_token: str
    ) -> DuePage:
        """Look at one page of what is due."""
        ...


class CardUpdaterProcesses:
    """What `run` does about the card updater."""

    def __init__(self, units_of_work: UnitOfWork, processor: Processor, due_charges: Looks) -> None:
        self._units = units_of_work
        self._processor = processor
        self._due_charges = due_charges

    def ask(self, task: Task) -> None:
        """Send the inquiries nobody has sent, and decline for good what waited too long for an answer."""
        day = task.business_date
        assert day is not None, "the job runs for a business date"
        self._ask_ahead(task, day)
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

    def _ask_ahead(self, task: Task, day: date) -> None:
        """Make inquiries about the cards of what is due in so many days, in the units that want it."""
        with self._units.read(task.context) as tx:
            known = units.units_of(tx.connection, task.enterprise_id)
        for unit in known.values():
            if unit.settings.asks_ahead:
                self._ask_ahead_of_unit(task, unit, day)

    def _ask_ahead_of_unit(self, task: Task, unit: Unit, day: date) -> None:
        first, last = day + timedelta(days=1), day + timedelta(days=unit.settings.updater_days_before)
        with self._units.begin(task.context) as tx:
            commands.ask_ahead(tx, invoices.planned_attempts(tx.connection, unit.enterprise_id, unit.id, first, last))
        token, more = "", True
        while more:
            page = self._due_charges.look(unit.enterprise_id, unit.id, last, PAGE, token)
            due = [(one.account_id, one.due_date) for one in page.charges if one.due_date >= first]
            with self._units.begin(task.context) as tx:
                commands.ask_ahead(tx, due)
            token, more = page.next_page_token, page.next_page_token != ""
