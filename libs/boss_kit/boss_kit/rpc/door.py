"""The door of a service: a call becomes one transaction, and a command repeated has one effect (SPEC ALL-3)."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import psycopg
import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.dialects.postgresql import insert

from boss_kit.context import Context
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.calls import current_call
from boss_kit.schema import request as request_table
from boss_kit.unit_of_work import Transaction, UnitOfWork

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Message)
T = TypeVar("T")
Answers = Callable[[Transaction], R]

NO_ENTERPRISE = UUID(int=0)
"""Stands in the request table for commands that are about no enterprise, such as the clock's."""

ATTEMPTS_MAX = 3
_RACES = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class Door:
    """Opens transactions for calls."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    @property
    def units(self) -> UnitOfWork:
        """Give what opens transactions, for work that several calls share."""
        return self._units

    def query(self, request: Message, answer: Answers[R]) -> R:
        """Answer from one read-only snapshot."""
        with self._units.read(current_call().context) as tx:
            return answer(tx)

    def look(self, read: Callable[[Transaction], T]) -> T:
        """Read what a servicer must know before it asks another service: one short transaction of its own."""
        with self._units.read(current_call().context) as tx:
            return read(tx)

    def command(self, request: Message, answer: Answers[R]) -> R:
        """Run a command and keep its answer in one transaction; a repeat gets the same answer."""
        request_id = _request_id(request)
        context = replace(current_call().context, causation=str(request_id))
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return self._once(context, request_id, request, answer)
            except sa.exc.OperationalError as error:
                # Two commands that locked each other out did nothing yet: the loser simply begins again.
                if not isinstance(error.orig, _RACES) or attempt == ATTEMPTS_MAX:
                    raise
                log.info("a command lost a race and begins again", extra={"attempt": attempt})
        raise AssertionError("the loop above returns or raises")

    def pages(self, request: Message, pages: Callable[[Callable[[Answers[R]], R]], Iterator[R]]) -> Iterator[R]:
        """Stream pages; each `read(fn)` the generator makes is one short transaction."""
        context = current_call().context

        def read(answer: Answers[R]) -> R:
            with self._units.read(context) as tx:
                return answer(tx)

        return pages(read)

    def record(self, answer: Callable[[Transaction], R]) -> R:
        """Write outside the request table: for streams whose records are their own keys."""
        with self._units.begin(current_call().context) as tx:
            return answer(tx)

    def context(self) -> Context:
        """Give the call's context: for what a servicer asks elsewhere before its transaction."""
        return current_call().context

    def approver_may(self, permission: str) -> bool:
        """Tell whether the call carries the approval of somebody who holds the permission."""
        approval = current_call().approval
        return approval is not None and approval.may(permission)

    def caller_may(self, permission: str) -> bool:
        """Tell whether the caller holds a permission beyond the method's own."""
        token = current_call().token
        return token is not None and token.may(permission)

    def _once(self, context: Context, request_id: UUID, request: Message, answer: Answers[R]) -> R:
        method = current_call().method
        key = {"enterprise_id": context.enterprise_id or NO_ENTERPRISE, "method": method.name, "request_id": request_id}
        request_hash = _hash(request)
        with self._units.begin(context) as tx:
            # The unique row makes a repeat wait here until the first one has committed or given up.
            first = tx.connection.scalar(_BEGIN, key | {"request_hash": request_hash})
            if first is None:
                kept = _kept_answer(tx, key, request_hash)
                answered: R = method.response_class.FromString(kept)  # type: ignore[assignment]
                return answered
            response = answer(tx)
            answer_bytes = response.SerializeToString(deterministic=True)
            tx.connection.execute(_ANSWER, _bound(key) | {"response": answer_bytes})
            return response


def _request_id(request: Message) -> UUID:
    text = getattr(request, "request_id", "")
    if not text:
        raise InvalidArgument.field("request_id", "is required: a new UUID for each command, the same for its repeats.")
    try:
        return UUID(text)
    except ValueError:
        raise InvalidArgument.field(
            "request_id", "must be a UUID, such as 0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f."
        ) from None


def _hash(request: Message) -> bytes:
    copy = type(request)()
    copy.CopyFrom(request)
    copy.ClearField("request_id")
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).digest()


def _kept_answer(tx: Transaction, key: dict[str, object], request_hash: bytes) -> bytes:
    row = tx.connection.execute(_KEPT, _bound(key)).one()
    if bytes(row.request_hash) != request_hash:
        raise InvalidArgument.field(
            "request_id", "was used before for another request; make a new one.", reason="REQUEST_ID_REUSED"
        )
    return bytes(row.response)


def _bound(key: dict[str, object]) -> dict[str, object]:
    return {f"the_{column}": value for column, value in key.items()}


# Built once: they run for every command.
_IS_THE_REQUEST = [
    request_table.c[column] == sa.bindparam(f"the_{column}") for column in ("enterprise_id", "method", "request_id")
]
_BEGIN = (
    insert(request_table)
    .values({column: sa.bindparam(column) for column in ("enterprise_id", "method", "request_id", "request_hash")})
    .on_conflict_do_nothing()
    .returning(request_table.c.method)
)
_ANSWER = sa.update(request_table).where(*_IS_THE_REQUEST).values(response=sa.bindparam("response"))
_KEPT = sa.select(request_table.c.request_hash, request_table.c.response).where(*_IS_THE_REQUEST)
