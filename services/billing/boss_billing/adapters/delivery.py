"""Deliver what the simulator holds through the real callback door, in chunks as a processor would."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from boss_billing.adapters.simulator import Simulator
from boss_billing.callbacks.rules import ResultCallback, UpdateCallback
from boss_billing.payments.rules import Label
from boss_kit.tasks import Task

CHUNK = 1000


class CallbackDoor(Protocol):
    """The gRPC door processors report to."""

    def report_results(self, enterprise_id: UUID, results: Sequence[ResultCallback]) -> None:
        """Report results of attempts."""
        ...

    def report_updates(self, enterprise_id: UUID, updates: Sequence[UpdateCallback]) -> None:
        """Report answers of the card updater."""
        ...


class Delivery:
    """The sandbox's jobs: each delivers all that is outstanding; a chunk whose answer got lost comes again."""

    def __init__(self, simulator: Simulator, door: CallbackDoor) -> None:
        self._simulator = simulator
        self._door = door

    def results(self, task: Task) -> None:
        """Deliver the results of first attempts."""
        self._deliver(task, Label.ORIGINAL)

    def retry_results(self, task: Task) -> None:
        """Deliver the results of retries."""
        self._deliver(task, Label.RETRY)

    def updates(self, task: Task) -> None:
        """Deliver the card updater's answers."""
        while chunk := self._simulator.outstanding_updates(task.enterprise_id, CHUNK):
            self._door.report_updates(task.enterprise_id, chunk)
            self._simulator.delivered_updates(task.enterprise_id, chunk)

    def _deliver(self, task: Task, label: Label) -> None:
        enterprise_id, day = task.enterprise_id, task.business_date
        while chunk := self._simulator.outstanding_results(enterprise_id, label, CHUNK, day):
            self._door.report_results(enterprise_id, chunk)
            self._simulator.delivered_results(enterprise_id, chunk)
