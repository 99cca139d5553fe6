"""One transaction per command: state, outbox and tasks commit together or not at all (DESIGN 3)."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import groupby
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from boss_kit import schema
from boss_kit.context import Context
from boss_kit.days import business_date
from boss_kit.events import outbox
from boss_kit.events.envelope import OutgoingEvent, Sealer, SimilarEvent
from boss_kit.ids import new_id, partition_of

TASK_CHANNEL = "boss_task"

JsonScalar = str | int | bool | None
Encoder = Callable[[object], OutgoingEvent | SimilarEvent]

UNCAUSED = Context()
"""The context of a page of events, which belongs to nobody: each fact it leads to must name its cause."""


class Cause(Protocol):
    """What a fact can follow from: a received event, or anything else that has a context."""

    @property
    def context(self) -> Context:
        """Give the context that goes on."""
        ...


class Transaction:
    """What a command works with."""

    def __init__(
        self, connection: sa.Connection, context: Context, service: str, encode: Encoder, *, test_clock: bool
    ) -> None:
        self.connection = connection
        self.context = context
        self._service = service
        self._encode = encode
        self._facts: list[tuple[tuple[object, ...], Context]] = []
        self._clock = _Clock(connection, test_clock=test_clock)

    @property
    def now(self) -> datetime:
        """Tell the time: the test clock's where there is one (DESIGN 5), else the wall clock's, in UTC."""
        return self._clock.now

    def today(self, zone: str) -> date:
        """Tell the business date: the event's or job's own, else the present one in the zone."""
        return self.context.business_date or self._clock.today(zone)

    @property
    def enterprise_id(self) -> UUID:
        """Tell the enterprise this transaction works for."""
        if self.context.enterprise_id is None:
            raise LookupError("this transaction has no enterprise: the door must set it from the token, event or task")
        return self.context.enterprise_id

    def for_context(self, context: Context) -> "Transaction":
        """Give the same transaction another caller's context: a page of events has one each."""
        other = copy(self)
        other.context = context
        return other

    def publish(self, *facts: object, cause: Cause | None = None) -> None:
        """Add facts, which reach the outbox in this transaction and the broker after it.

        A page of events has many stories: there `cause` names the event a fact follows from, whose actor and
        correlation it carries on. Raises LookupError when the story is nobody's.
        """
        context = cause.context if cause is not None else self.context
        if context is UNCAUSED:
            raise LookupError("name the event this fact follows from: tx.publish(fact, cause=received)")
        self._facts.append((facts, context))

    def enqueue(
        self,
        task: str,
        *,
        key: str,
        args: Mapping[str, JsonScalar] | None = None,
        business_date: date | None = None,
        enterprise_id: UUID | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Add work for a `run` process; the same task and key twice is once."""
        context = cause.context if cause is not None else self.context
        values = {
            "id": new_id(),
            "enterprise_id": enterprise_id or self.for_context(context).enterprise_id,
            "name": task,
            "key": key,
            "args": dict(args or {}),
            "business_date": business_date or context.business_date,
            "actor": context.actor.to_json(),
            "correlation": context.correlation,
            "traceparent": context.traceparent,
        }
        self.connection.execute(_ENQUEUE, values)

    def flush(self) -> None:
        """Write the published facts to the outbox, in order."""
        if not self._facts:
            return
        sealers: dict[int, Sealer] = {}
        sealed = []
        for facts, context in self._facts:
            sealer = sealers.get(id(context))
            if sealer is None:
                sealer = sealers[id(context)] = Sealer(self._service, context, self.now)
            for kind, alike in groupby(facts, type):
                events = map(encoder_of(self._encode, kind), alike)
                sealed += [(event.enterprise_id, partition_of(event.key), sealer.seal(event)) for event in events]
        self._facts.clear()
        outbox.write(self.connection, sealed)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Do a part that may fail by itself: its rows and its facts stay together, or go together."""
        self.flush()
        try:
            with self.connection.begin_nested():
                yield
                self.flush()
        except BaseException:
            self._facts.clear()
            raise


class UnitOfWork:
    """Opens transactions on one service's database."""

    def __init__(self, engine: sa.Engine, service: str, encode: Encoder, *, test_clock: bool = False) -> None:
        self.engine = engine
        self.service = service
        self.test_clock = test_clock
        self._encode = encode

    @contextmanager
    def begin(self, context: Context) -> Iterator[Transaction]:
        """Open a transaction that commits on a clean exit and rolls back otherwise."""
        with self.engine.begin() as connection:
            tx = self.join(connection, context)
            yield tx
            tx.flush()

    @contextmanager
    def read(self, context: Context) -> Iterator[Transaction]:
        """Open a read-only transaction with one snapshot for all its statements."""
        with (
            self.engine.connect().execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ) as connection,
            connection.begin(),
        ):
            yield self.join(connection, context)

    def join(self, connection: sa.Connection, context: Context) -> Transaction:
        """Make a transaction of a connection somebody else commits; they call `flush` before."""
        return Transaction(connection, context, self.service, self._encode, test_clock=self.test_clock)


class _Clock:
    """A transaction's time: the same all through it, and read only if somebody asks."""

    def __init__(self, connection: sa.Connection, *, test_clock: bool) -> None:
        self._connection = connection
        self._test_clock = test_clock
        self._days: dict[str, date] = {}

    def today(self, zone: str) -> date:
        # A page asks for each of its accounts, and they are in few zones.
        if zone not in self._days:
            self._days[zone] = business_date(self.now, zone)
        return self._days[zone]

    @cached_property
    def now(self) -> datetime:
        if self._test_clock:
            now: datetime | None = self._connection.scalar(_TEST_CLOCK)
            if now is not None:
                return now.astimezone(UTC)
        return datetime.now(UTC)


_TASK_COLUMNS = (
    "id", "enterprise_id", "name", "key", "args", "business_date", "actor", "correlation", "traceparent",
)  # fmt: skip
_ADDED = (
    insert(schema.task)
    .values({column: sa.bindparam(column) for column in _TASK_COLUMNS})
    .on_conflict_do_nothing()
    .returning(schema.task.c.id)
    .cte("added")
)
_ENQUEUE = sa.select(sa.func.pg_notify(TASK_CHANNEL, "")).select_from(_ADDED)
_TEST_CLOCK = sa.select(schema.test_clock.c.now)


def encoder_of(encode: Encoder, kind: type) -> Encoder:
    """Give what encodes one type of facts, so that a `singledispatch` isn't asked for each of thousands."""
    dispatch: Callable[[type], Encoder] | None = getattr(encode, "dispatch", None)
    return dispatch(kind) if dispatch else encode


def no_facts(fact: object) -> OutgoingEvent:
    """Stand in for an encoder where a transaction publishes nothing."""
    raise TypeError(f"this process publishes no facts, yet got {json.dumps(type(fact).__name__)}")
