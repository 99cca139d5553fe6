"""The rollups of the reports: exact whatever the job has done so far, because what is marked is computed anew.

Triggers mark each day of a unit and each batch that changes. The job rolls marked ones up and deletes the marks it saw,
in one snapshot; a reader takes the rollup of what isn't marked, and computes the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.reports.live import live_days
from boss_kit.database import allow_memory

TABLES = sa.MetaData()

report_mark = sa.Table(
    "report_mark",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("day", sa.Date),
    sa.Column("batch_id", PG_UUID),
)

report_day = sa.Table(
    "report_day",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("tender", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("is_recovered", sa.Boolean, primary_key=True),
    sa.Column("item_category", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("payments", sa.BigInteger, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
)

report_batch = sa.Table(
    "report_batch",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("batch_id", PG_UUID, primary_key=True),
    sa.Column("bill_date", sa.Date, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("tender", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("payments", sa.BigInteger, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("errors", sa.BigInteger, nullable=False),
    sa.Column("open", sa.BigInteger, nullable=False),
    sa.Column("open_minor", sa.BigInteger, nullable=False),
    sa.Column("first_date", sa.Date, nullable=False),
    sa.Column("last_date", sa.Date, nullable=False),
)

DAY_COLUMNS = ", ".join(column.name for column in report_day.columns)
BATCH_COLUMNS = ", ".join(column.name for column in report_batch.columns)

# A result without a message is a symptom of a processing error (SPEC BIL-9). What was approved is what really moved:
# the payment's amount, should the processor's have been taken for another one (SPEC BIL-8).
LIVE_BATCHES = """
    SELECT attempt.enterprise_id, batch.business_unit_id, batch.id AS batch_id, batch.bill_date, batch.number,
           batch.label, attempt.tender, attempt.state, attempt.currency, count(*) AS payments,
           CAST(sum(
               CASE attempt.state WHEN 'approved' THEN payment.amount_minor ELSE attempt.amount_minor END
           ) AS bigint) AS amount_minor,
           count(*) FILTER (
               WHERE attempt.response_message = '' AND attempt.state IN ('approved', 'declined', 'not_attempted')
           ) AS errors,
           count(*) FILTER (WHERE payment.state IN ('created', 'pending', 'unknown', 'declined')) AS open,
           CAST(coalesce(sum(attempt.amount_minor) FILTER (
               WHERE payment.state IN ('created', 'pending', 'unknown', 'declined')
           ), 0) AS bigint) AS open_minor,
           min(attempt.business_date) AS first_date,
           max(coalesce(attempt.result_date, attempt.business_date)) AS last_date
    FROM attempt
    JOIN batch ON batch.enterprise_id = attempt.enterprise_id AND batch.id = attempt.batch_id
    JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.batch_id = ANY(CAST(:batch_ids AS uuid[]))
    GROUP BY attempt.enterprise_id, batch.business_unit_id, batch.id, batch.bill_date, batch.number, batch.label,
             attempt.tender, attempt.state, attempt.currency
"""

_MARKED_DAYS = sa.text(
    """
    SELECT DISTINCT business_unit_id, day FROM report_mark
    WHERE enterprise_id = :enterprise_id AND day BETWEEN :first AND :last
      AND (CAST(:unit_ids AS uuid[]) = '{}' OR business_unit_id = ANY(CAST(:unit_ids AS uuid[])))
    """
)

# Days that came after the planner's statistics seem empty to it: it would look up line by line what a scan gives, and
# take the payments for the smaller side of every join. So many are joined as the query is written.
_MANY = sa.text(
    """
    WITH few AS (
        SELECT CAST(greatest(10000, reltuples / 20) AS bigint) AS payments
        FROM pg_class WHERE oid = CAST('invoice_line' AS regclass)
    )
    SELECT count(*) >= (SELECT payments FROM few)
    FROM (
        SELECT FROM payment
        WHERE enterprise_id = :enterprise_id AND payment_date = ANY(CAST(:only_days AS date[]))
        LIMIT (SELECT payments FROM few)
    ) AS found
    """
)
_AS_WRITTEN = sa.text("SET LOCAL enable_nestloop = off; SET LOCAL join_collapse_limit = 1")

# What is rolled up has nearly all of them; lines are read for one that isn't there.
_UNKNOWN_CATEGORIES = sa.text(
    """
    SELECT category FROM unnest(CAST(:categories AS text[])) AS asked (category)
    WHERE NOT EXISTS (SELECT FROM report_day WHERE enterprise_id = :enterprise_id AND item_category = category)
      AND NOT EXISTS (SELECT FROM invoice_line WHERE enterprise_id = :enterprise_id AND item_category = category)
    """
)
_CATEGORIES = sa.text("SELECT DISTINCT item_category FROM invoice_line WHERE enterprise_id = :enterprise_id")

_MARKED_BATCHES = sa.text(
    "SELECT DISTINCT batch_id FROM report_mark WHERE enterprise_id = :enterprise_id AND batch_id IS NOT NULL"
)

_OLDEST_MARKS = sa.text(
    "SELECT enterprise_id, id, business_unit_id, day, batch_id FROM report_mark ORDER BY enterprise_id, id LIMIT :limit"
)

_ONE_AT_A_TIME = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('roll up reports', 0))")

_FORGET_DAYS = sa.text(
    """
    DELETE FROM report_day
    USING unnest(CAST(:day_units AS uuid[]), CAST(:days AS date[])) AS wanted (business_unit_id, day)
    WHERE report_day.enterprise_id = :enterprise_id AND report_day.day = wanted.day
      AND report_day.business_unit_id = wanted.business_unit_id
    """
)

_FORGET_BATCHES = sa.text(
    "DELETE FROM report_batch WHERE enterprise_id = :enterprise_id AND batch_id = ANY(CAST(:batch_ids AS uuid[]))"
)

_DAY_KEY = [column.name for column in report_day.primary_key if column.name != "enterprise_id"]
_KEEP_DAYS = sa.text(
    f"""
    INSERT INTO report_day (enterprise_id, {", ".join(_DAY_KEY)}, payments, amount_minor)
    SELECT CAST(:enterprise_id AS uuid), {", ".join(_DAY_KEY)}, sum(payments), sum(amount_minor)
    FROM ({live_days(_DAY_KEY)}) AS live
    GROUP BY {", ".join(_DAY_KEY)}
    """
)
_KEEP_BATCHES = sa.text(f"INSERT INTO report_batch ({BATCH_COLUMNS}) {LIVE_BATCHES}")

_FORGET_MARKS = sa.text(
    "DELETE FROM report_mark WHERE enterprise_id = :enterprise_id AND id = ANY(CAST(:ids AS bigint[]))"
)


@dataclass(frozen=True)
class Marked:
    """What has changed since it was rolled up, of one enterprise."""

    enterprise_id: UUID
    days: Sequence[tuple[UUID, date]] = ()
    batch_ids: Sequence[UUID] = ()

    @property
    def parameters(self) -> dict[str, object]:
        """Give it as the queries take it."""
        return {
            "enterprise_id": self.enterprise_id,
            "day_units": [unit_id for unit_id, _ in self.days],
            "days": [day for _, day in self.days],
            "only_days": sorted({day for _, day in self.days}),
            "batch_ids": list(self.batch_ids),
        }


def marked_days(
    connection: sa.Connection, enterprise_id: UUID, unit_ids: Sequence[UUID], first: date, last: date
) -> Marked:
    """Read which days of which units have changed since they were rolled up; no units are all of them."""
    parameters = {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "first": first, "last": last}
    rows = connection.execute(_MARKED_DAYS, parameters)
    return Marked(enterprise_id, days=[(row.business_unit_id, row.day) for row in rows])


def prepare_for_many(connection: sa.Connection, marked: Marked) -> None:
    """Let this transaction sum marked days in memory, and many payments by scans instead of one by one."""
    allow_memory(connection)
    if connection.scalar(_MANY, marked.parameters):
        connection.execute(_AS_WRITTEN)


def marked_batches(connection: sa.Connection, enterprise_id: UUID) -> Marked:
    """Read which batches have changed since they were rolled up."""
    ids = connection.scalars(_MARKED_BATCHES, {"enterprise_id": enterprise_id}).all()
    return Marked(enterprise_id, batch_ids=ids)


def has_unknown_categories(connection: sa.Connection, enterprise_id: UUID, categories: Sequence[str]) -> bool:
    """Tell whether some of these item categories are on no invoice."""
    parameters = {"enterprise_id": enterprise_id, "categories": list(categories)}
    return bool(categories) and connection.execute(_UNKNOWN_CATEGORIES, parameters).first() is not None


def categories_of(connection: sa.Connection, enterprise_id: UUID) -> Sequence[str]:
    """Read which item categories invoices have."""
    return connection.scalars(_CATEGORIES, {"enterprise_id": enterprise_id}).all()


def begin_roll_up(connection: sa.Connection) -> bool:
    """Tell whether this transaction may roll up: one at a time does."""
    return bool(connection.scalar(_ONE_AT_A_TIME))


def oldest_marks(connection: sa.Connection, limit: int) -> Sequence[tuple[Marked, Sequence[int]]]:
    """Read the oldest marks, by enterprise, with their ids."""
    by_enterprise: dict[UUID, list[sa.Row[tuple[object, ...]]]] = {}
    for row in connection.execute(_OLDEST_MARKS, {"limit": limit}):
        by_enterprise.setdefault(row.enterprise_id, []).append(row)
    return [
        (
            Marked(
                enterprise_id,
                days=sorted({(row.business_unit_id, row.day) for row in rows if row.day is not None}),
                batch_ids=sorted({row.batch_id for row in rows if row.batch_id is not None}),
            ),
            [row.id for row in rows],
        )
        for enterprise_id, rows in by_enterprise.items()
    ]


def roll_up(connection: sa.Connection, marked: Marked, mark_ids: Sequence[int]) -> None:
    """Roll up what is marked, and delete the marks: those that came later aren't in this snapshot, and stay."""
    allow_memory(connection)
    for forget, keep, some in (
        (_FORGET_DAYS, _KEEP_DAYS, marked.days),
        (_FORGET_BATCHES, _KEEP_BATCHES, marked.batch_ids),
    ):
        if some:
            connection.execute(forget, marked.parameters)
            connection.execute(keep, marked.parameters)
    connection.execute(_FORGET_MARKS, {"enterprise_id": marked.enterprise_id, "ids": list(mark_ids)})
