"""A payment processor in the box: its own tables and transactions, as if it were remote."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.adapters.chance import Script, new_token, response_code, update_outcome
from boss_billing.adapters.conduct import WELL_BEHAVED, Behaviour, Conduct
from boss_billing.adapters.port import NoAnswerError, Repeatability
from boss_billing.batches.rules import Submission, SubmittedAttempt
from boss_billing.callbacks.rules import ResultCallback, UpdateCallback
from boss_billing.funding.rules import SubmittedInquiry, UpdateOutcome
from boss_kit.database import copy_rows
from boss_kit.money import Money

TABLES = sa.MetaData()
NEW_EXPIRY_YEARS = 3
SHORT_MINOR = 1
"""By how much a wrong amount is wrong."""

sandbox_attempt = sa.Table(
    "sandbox_attempt",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("attempt_id", PG_UUID, primary_key=True),
    sa.Column("batch_key", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("account_number", sa.Text, nullable=False),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("attempt_no", sa.Integer, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("is_delivered", sa.Boolean, nullable=False),
    sa.Column("behaviour", sa.Text, nullable=False),
    sa.Column("deliveries", sa.Integer, nullable=False),
)

sandbox_lost_batch = sa.Table(
    "sandbox_lost_batch",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("batch_key", sa.Text, primary_key=True),
)

sandbox_inquiry = sa.Table(
    "sandbox_inquiry",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("inquiry_id", PG_UUID, primary_key=True),
    sa.Column("account_number", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("expiry_month", sa.SmallInteger, nullable=False),
    sa.Column("expiry_year", sa.SmallInteger, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("new_token", sa.Text, nullable=False),
    sa.Column("new_last4", sa.Text, nullable=False),
    sa.Column("new_expiry_month", sa.SmallInteger, nullable=False),
    sa.Column("new_expiry_year", sa.SmallInteger, nullable=False),
    sa.Column("is_delivered", sa.Boolean, nullable=False),
)


_ATTEMPT_COLUMNS = [column.name for column in sandbox_attempt.columns]

_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")

_NATURAL_KEY = tuple(
    sandbox_attempt.c[name] for name in ("account_number", "due_date", "description", "attempt_no", "attempt_id")
)


class Simulator:
    """Takes batches and inquiries, decides each at once, and holds the answers until it is told to deliver."""

    repeatability = Repeatability.IDEMPOTENT

    def __init__(
        self,
        engine: sa.Engine,
        seed: str,
        messages: Mapping[str, str],
        script: Script | None = None,
        conduct: Conduct = WELL_BEHAVED,
    ) -> None:
        self._engine = engine
        self._seed = seed
        self._messages = messages
        self._script = {} if script is None else script
        self._conduct = conduct

    def submit(self, submission: Submission) -> Sequence[ResultCallback]:
        """Take a batch; the same attempt again is once."""
        if not submission.attempts:
            return ()
        befalls = self._conduct.of_batch(self._seed, submission.attempts)
        if befalls is Behaviour.LOST and self._loses(submission):
            raise NoAnswerError("the batch was lost on its way")
        rows = [self._attempt_row(submission, one) for one in submission.attempts]
        with self._engine.begin() as connection:
            connection.execute(_ONE_AT_A_TIME, {"key": submission.key})
            is_known = self._has(connection, submission.enterprise_id, submission.key)
            if not is_known:
                copy_rows(connection, sandbox_attempt, _ATTEMPT_COLUMNS, rows)
        if befalls is Behaviour.TIMES_OUT and not is_known:
            raise NoAnswerError("the answer was lost on its way")
        return ()

    def knows(self, enterprise_id: UUID, key: str) -> bool:
        """Tell whether it has a batch."""
        with self._engine.connect() as connection:
            return self._has(connection, enterprise_id, key)

    def find_results(self, enterprise_id: UUID, attempt_ids: Sequence[UUID]) -> Sequence[ResultCallback]:
        """Give the results of those of the attempts it has, delivered or not."""
        table = sandbox_attempt
        mine = (table.c.enterprise_id == enterprise_id, _is_one_of(table.c.attempt_id, attempt_ids))
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(table).where(*mine).order_by(*_NATURAL_KEY))
            return [_result(row) for row in rows]

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Sequence[SubmittedInquiry]) -> None:
        """Take inquiries; the same one again is once."""
        rows = [self._inquiry_row(enterprise_id, business_date, one) for one in inquiries]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(sandbox_inquiry).on_conflict_do_nothing(), rows)

    def outstanding_results(
        self, enterprise_id: UUID, label: str, limit: int, day: date | None = None
    ) -> Sequence[ResultCallback]:
        """Read results to deliver on a day, in the order of natural keys; the reversed ones last, backwards.

        Without a day all that ever come are due.
        """
        table = sandbox_attempt
        comes = table.c.behaviour != Behaviour.NEVER.value
        if day is not None:
            comes &= (table.c.behaviour != Behaviour.LATE.value) | (table.c.business_date < day)
        mine = (table.c.enterprise_id == enterprise_id, table.c.label == label, ~table.c.is_delivered, comes)
        backwards = table.c.behaviour == Behaviour.REVERSED.value
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(table).where(*mine, ~backwards).order_by(*_NATURAL_KEY).limit(limit))
            found = [_result(row) for row in rows]
            if len(found) < limit:
                last = sa.select(table).where(*mine, backwards).order_by(*(key.desc() for key in _NATURAL_KEY))
                found += [_result(row) for row in connection.execute(last.limit(limit - len(found)))]
        return found

    def outstanding_updates(self, enterprise_id: UUID, limit: int) -> Sequence[UpdateCallback]:
        """Read answers of the card updater to deliver, in the order of natural keys."""
        table = sandbox_inquiry
        query = (
            sa.select(
                table.c.inquiry_id,
                table.c.outcome,
                table.c.new_token,
                table.c.new_last4,
                table.c.new_expiry_month,
                table.c.new_expiry_year,
            )
            .where(table.c.enterprise_id == enterprise_id, ~table.c.is_delivered)
            .order_by(table.c.account_number, table.c.business_date, table.c.inquiry_id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [_update(row) for row in connection.execute(query)]

    def delivered_results(self, enterprise_id: UUID, results: Sequence[ResultCallback]) -> None:
        """Note that results were taken; those that come twice stay outstanding after the first time."""
        table, ids = sandbox_attempt, [UUID(one.attempt_id) for one in results]
        mine = (table.c.enterprise_id == enterprise_id, _is_one_of(table.c.attempt_id, ids))
        wanted = sa.case((table.c.behaviour == Behaviour.TWICE.value, 2), else_=1)
        done = {"deliveries": table.c.deliveries + 1, "is_delivered": table.c.deliveries + 1 >= wanted}
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(*mine).values(done))

    def delivered_updates(self, enterprise_id: UUID, updates: Sequence[UpdateCallback]) -> None:
        """Note that answers were taken."""
        table, ids = sandbox_inquiry, [UUID(one.inquiry_id) for one in updates]
        mine = (table.c.enterprise_id == enterprise_id, _is_one_of(table.c.inquiry_id, ids))
        with self._engine.begin() as connection:
            connection.execute(sa.update(table).where(*mine).values(is_delivered=True))

    def _has(self, connection: sa.Connection, enterprise_id: UUID, key: str) -> bool:
        mine = (sandbox_attempt.c.enterprise_id == enterprise_id, sandbox_attempt.c.batch_key == key)
        return bool(connection.scalar(sa.select(sa.exists().where(*mine))))

    def _loses(self, submission: Submission) -> bool:
        """Lose a batch the first time it comes."""
        values = {"enterprise_id": submission.enterprise_id, "batch_key": submission.key}
        statement = insert(sandbox_lost_batch).values(values).on_conflict_do_nothing().returning(sa.literal(True))
        with self._engine.begin() as connection:
            return bool(connection.scalar(statement))

    def _attempt_row(self, submission: Submission, one: SubmittedAttempt) -> tuple[object, ...]:
        code = response_code(self._seed, one, self._script)
        return (
            submission.enterprise_id,
            one.attempt_id,
            submission.key,
            submission.label,
            one.account_number,
            one.due_date,
            one.description,
            one.attempt_no,
            one.business_date,
            one.amount_minor,
            one.currency,
            code,
            self._messages.get(code, ""),
            False,
            self._conduct.of_result(self._seed, one).value,
            0,
        )

    def _inquiry_row(self, enterprise_id: UUID, day: date, inquiry: SubmittedInquiry) -> dict[str, object]:
        outcome = update_outcome(self._seed, inquiry, day)
        cured = outcome in (UpdateOutcome.NEW_NUMBER, UpdateOutcome.NEW_EXPIRY)
        token, last4 = new_token(self._seed, inquiry, day) if outcome is UpdateOutcome.NEW_NUMBER else ("", "")
        return {
            "enterprise_id": enterprise_id,
            "inquiry_id": inquiry.inquiry_id,
            "account_number": inquiry.account_number,
            "token": inquiry.token,
            "expiry_month": inquiry.expiry_month,
            "expiry_year": inquiry.expiry_year,
            "business_date": day,
            "outcome": outcome.value,
            "new_token": token,
            "new_last4": last4,
            "new_expiry_month": inquiry.expiry_month if cured else 0,
            "new_expiry_year": day.year + NEW_EXPIRY_YEARS if cured else 0,
            "is_delivered": False,
        }


def _is_one_of(column: "sa.Column[UUID]", ids: Sequence[UUID]) -> "sa.ColumnElement[bool]":
    return column == sa.any_(sa.cast(list(ids), sa.ARRAY(PG_UUID)))


def _result(row: Any) -> ResultCallback:
    is_wrong = row.behaviour == Behaviour.WRONG_AMOUNT
    amount = Money(row.amount_minor - SHORT_MINOR if is_wrong else row.amount_minor, row.currency)
    text = str(row.attempt_id)
    return ResultCallback(f"sandbox-{text}", text, row.attempt_id.hex, row.code, row.message, amount)


def _update(row: Any) -> UpdateCallback:
    text = str(row.inquiry_id)
    return UpdateCallback(
        f"sandbox-{text}",
        text,
        UpdateOutcome(row.outcome),
        row.new_token,
        row.new_last4,
        row.new_expiry_month,
        row.new_expiry_year,
    )
