"""From due to sent: decide, ask ARM, hand over, write down; and after a crash, end the doubt (SPEC NOT-5)."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol, TypeVar
from uuid import UUID

from boss_kit.errors import Transient
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork
from boss_notifications.adapters.port import Certainty, Delivery, Fate, Message, Provider, Session
from boss_notifications.dispatch import commands, held
from boss_notifications.dispatch.rules import PAGE, SEND_WINDOW_S, SETTLE_AFTER_S
from boss_notifications.intents import store as intents_store
from boss_notifications.intents.rules import Intent

log = logging.getLogger(__name__)

T = TypeVar("T")


class Release(Protocol):
    """Asks ARM whether steps may go out now; gives the refused ones with their reason."""

    def __call__(self, enterprise_id: UUID, step_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Ask for at most 1,000 steps."""
        ...


class Dispatch:
    """Sends what is due for an enterprise on a business date; begun again after a crash it sends nothing twice."""

    def __init__(
        self,
        units: UnitOfWork,
        providers: Sequence[Provider],
        release: Release,
        *,
        settle_after_s: float = SETTLE_AFTER_S,
    ) -> None:
        self._units = units
        self._providers = {provider.channel: provider for provider in providers}
        self._release = release
        self._settle_after_s = settle_after_s

    def __call__(self, task: Task) -> None:
        """Do one task. Raises Transient while a provider or ARM is away; what could be done is done then."""
        assert task.business_date is not None, "dispatch has a business date"
        with self._units.read(task.context) as tx:
            work = intents_store.open_work(tx.connection, tx.enterprise_id, task.id, task.business_date, tx.now)
        failures = []
        for channel in sorted({channel for channel, _ in work}):
            provider = self._providers.get(channel)
            if provider is None:
                log.warning("notifications wait: their channel has no provider", extra={"channel": channel})
                continue
            try:
                _Channel(self._units, provider, self._release, task, self._settle_after_s).run(
                    left=(channel, True) in work, due=(channel, False) in work
                )
            except Transient as error:
                failures.append(error)
        if failures:
            raise failures[0]


class HeldAgain:
    """Asks for dispatch when a hold has ended; with a test clock the next day's dispatch does."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    def __call__(self, task: Task) -> None:
        """Do one task."""
        if not self._units.test_clock:
            with self._units.begin(task.context) as tx:
                held.ask_for_dispatch(tx)


class _Channel:
    """One channel of one task."""

    def __init__(
        self, units: UnitOfWork, provider: Provider, release: Release, task: Task, settle_after_s: float
    ) -> None:
        assert task.business_date is not None, "dispatch has a business date"
        self._units, self._provider, self._release, self._task = units, provider, release, task
        self._day: date = task.business_date
        self._settle_after_s = settle_after_s

    def run(self, *, left: bool, due: bool) -> None:
        """First end the doubt about what a lost sender left, then send what is due."""
        doubt = self._settle() if left else None
        if due or left:
            self._send_due()
        if doubt is not None:
            raise doubt

    def _send_due(self) -> None:
        while True:
            with self._units.begin(self._task.context) as tx:
                page = commands.decide_page(tx, self._provider, self._day, PAGE)
            if not page.seen:
                return
            if not page.candidates:
                continue
            with self._provider.open() as session:
                for chunk in _chunks(page.candidates, self._provider.batch_size):
                    self._send_chunk(session, chunk)

    def _send_chunk(self, session: Session, chunk: Sequence[tuple[UUID, UUID]]) -> None:
        refused = self._ask_release([step_id for _, step_id in chunk])
        ids = [intent_id for intent_id, _ in chunk]
        with self._units.begin(self._task.context) as tx:
            messages = commands.claim(tx, self._provider, self._day, self._task.id, ids, refused)
        if messages:
            self._hand_over(session, messages)

    def _hand_over(self, session: Session, messages: Sequence[Message]) -> None:
        """Send and write down. Raises Transient when the provider takes no more, or can't say what it took."""
        ends = time.monotonic() + SEND_WINDOW_S
        deliveries = list(session.send(_until(messages, lambda: time.monotonic() > ends)))
        tried = {delivery.intent_id for delivery in deliveries}
        late = [Delivery(one.intent.id, Fate.NOT_TAKEN) for one in messages if one.intent.id not in tried]
        known = [delivery for delivery in deliveries if delivery.fate is not Fate.IN_DOUBT]
        with self._units.begin(self._task.context) as tx:
            commands.record(tx, self._day, [*known, *late])
        for delivery in deliveries:
            if delivery.fate in (Fate.NOT_TAKEN, Fate.IN_DOUBT):
                raise Transient("PROVIDER_UNAVAILABLE", f"{self._provider.name}: {delivery.reason}")

    def _settle(self) -> Transient | None:
        """End the doubt page by page; give what has to wait, if something has."""
        waits: Transient | None = None
        with self._units.read(self._task.context) as tx:
            left = intents_store.left_in_sending(tx.connection, tx.enterprise_id, self._task.id, self._provider.channel)
        ready = [intent for intent, age_s in left if not self._may_be_at_work(age_s)]
        if len(ready) < len(left):
            waits = Transient(
                "SENDER_MAY_BE_AT_WORK", f"{len(left) - len(ready)} notifications wait for their lost sender."
            )
        for chunk in _chunks(ready, PAGE):
            self._settle_chunk(chunk)
        return waits

    def _may_be_at_work(self, age_s: float) -> bool:
        """A repeat with the key does no harm; elsewhere a sender cut off from the database may still be sending."""
        return self._provider.certainty is not Certainty.IDEMPOTENT and age_s < self._settle_after_s

    def _settle_chunk(self, intents: Sequence[Intent]) -> None:
        ids = [intent.id for intent in intents]
        if self._provider.certainty is Certainty.NEITHER:
            self._write_settled(ids, lambda intent: Fate.IN_DOUBT)
            return
        with self._provider.open() as session:
            taken = {intent.id: session.was_taken(intent.provider_message_id) for intent in intents}
            fates = {True: Fate.TAKEN, False: Fate.NOT_TAKEN, None: Fate.IN_DOUBT}
            unasked = [intent for intent in intents if taken[intent.id] is None]
            repeated = self._repeat(session, unasked) if self._provider.certainty is Certainty.IDEMPOTENT else set()
        settled = [intent_id for intent_id in ids if intent_id not in repeated]
        self._write_settled(settled, lambda intent: fates[taken[intent.id]])

    def _repeat(self, session: Session, intents: Sequence[Intent]) -> set[UUID]:
        """Hand messages over again under their keys, if ARM still lets them out; give those it was done for."""
        if not intents:
            return set()
        refused = self._ask_release([intent.step_id for intent in intents])
        again = [intent for intent in intents if intent.step_id not in refused]
        with self._units.read(self._task.context) as tx:
            messages = commands.compose_again(tx, self._provider, self._day, again)
        if messages:
            self._hand_over(session, messages)
        return {message.intent.id for message in messages}

    def _write_settled(self, ids: Sequence[UUID], fate: Callable[[Intent], Fate]) -> None:
        if ids:
            with self._units.begin(self._task.context) as tx:
                commands.settle(tx, self._day, ids, fate)

    def _ask_release(self, step_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        return self._release(self._task.enterprise_id, list(dict.fromkeys(step_ids)))


def _until(messages: Sequence[Message], is_over: Callable[[], bool]) -> Iterator[Message]:
    for message in messages:
        if is_over():
            return
        yield message


def _chunks(rows: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
