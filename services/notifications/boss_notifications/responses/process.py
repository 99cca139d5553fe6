"""The sandbox job: providers that report through the real door."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork
from boss_notifications.intents import store as intents_store
from boss_notifications.responses.commands import ProviderResponse
from boss_notifications.responses.sandbox import play
from boss_notifications.responses.store import load_table

REPORT_MAX = 1000
ANSWER_DAYS = timedelta(days=6)
"""How far back an answer that was missed is made up for; what is silent stays silent."""


class Report(Protocol):
    """Reports responses as a provider does."""

    def __call__(self, enterprise_id: UUID, responses: Sequence[ProviderResponse]) -> None:
        """Report at most 1,000."""
        ...


class SandboxResponses:
    """Answers what went out; begun again it says the same."""

    def __init__(self, units: UnitOfWork, report: Report, seed: str) -> None:
        self._units = units
        self._report = report
        self._seed = seed

    def __call__(self, task: Task) -> None:
        """Do one task."""
        day = task.business_date
        assert day is not None, "sandbox-responses has a business date"
        with self._units.read(task.context) as tx:
            intents = intents_store.unanswered(tx.connection, tx.enterprise_id, day - ANSWER_DAYS, day)
            if not intents:
                return
            table = load_table(tx.connection, tx.enterprise_id)
            now = tx.now
        responses = []
        for intent, sent_date in intents:
            number = intent.account_number or str(intent.account_id)
            rule = play(table, self._seed, number, intent.channel, intent.send_date, sent_date, intent.attempt)
            if rule is not None:
                response_id = f"sandbox-{intent.id}"
                responses.append(
                    ProviderResponse(response_id, intent.provider_message_id, rule.response, rule.response_detail, now)
                )
        for start in range(0, len(responses), REPORT_MAX):
            self._report(task.enterprise_id, responses[start : start + REPORT_MAX])
