"""Read bill runs, what they skipped, and batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.batches.store import batch
from boss_billing.runs.rules import Scope, ScopeKind
from boss_billing.runs.store import skipped_charge
from boss_kit.errors import NotFound
from boss_kit.money import Money
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_PROGRESS = """
    SELECT run.id, run.enterprise_id, run.scope_id, run.bill_date, run.state, run.currency, run.create_time,
           run.scope_kind, run.round, run.created_by, run.approved_by,
           coalesce(shards.round_invoices, 0) AS round_invoices,
           coalesce(extract(epoch FROM shards.page_time - run.start_time), 0) AS round_s,
           run.collected_payments + coalesce(shards.payments, 0) AS payments, coalesce(shards.invoices, 0) AS invoices,
           coalesce(shards.shards, 0) AS shards, coalesce(shards.done, 0) AS shards_done,
           batches.batches, batches.submitted, skips.skipped
    FROM bill_run AS run
    LEFT JOIN LATERAL (
        SELECT sum(invoices) AS invoices, sum(payments) AS payments,
               count(*) FILTER (WHERE shard.round = run.round) AS shards,
               count(*) FILTER (WHERE is_done AND shard.round = run.round) AS done,
               sum(invoices) FILTER (WHERE shard.round = run.round) AS round_invoices,
               max(page_time) FILTER (WHERE shard.round = run.round) AS page_time
        FROM bill_run_shard AS shard WHERE shard.enterprise_id = run.enterprise_id AND shard.bill_run_id = run.id
    ) AS shards ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS batches, count(*) FILTER (WHERE state = 'submitted') AS submitted
        FROM batch
        WHERE batch.enterprise_id = run.enterprise_id AND batch.bill_run_id = run.id AND batch.label = 'Original'
    ) AS batches ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS skipped
        FROM skipped_charge AS skip WHERE skip.enterprise_id = run.enterprise_id AND skip.bill_run_id = run.id
    ) AS skips ON true
    WHERE run.enterprise_id = :enterprise_id
"""

_ONE = sa.text(f"{_PROGRESS} AND run.id = :run_id")

_PAGE = sa.text(
    f"""
    {_PROGRESS}
      AND (CAST(:bill_date AS date) IS NULL
           OR (run.bill_date, run.id) < (CAST(:bill_date AS date), CAST(:last AS uuid)))
    ORDER BY run.bill_date DESC, run.id DESC
    LIMIT :limit
    """
)

# A unit has one currency. What was collected before it was counted by currency is in the run's own.
_SUMS = sa.text(
    """
    SELECT run_id, currency, CAST(sum(invoiced_minor) AS bigint) AS invoiced_minor,
           CAST(sum(payments_minor) AS bigint) AS payments_minor
    FROM (
        SELECT shard.bill_run_id AS run_id, unit.currency, shard.invoiced_minor, shard.payments_minor
        FROM bill_run_shard AS shard
        JOIN business_unit AS unit
            ON unit.enterprise_id = shard.enterprise_id AND unit.id = shard.business_unit_id
        WHERE shard.enterprise_id = :enterprise_id AND shard.bill_run_id = ANY(:run_ids)
        UNION ALL
        SELECT bill_run_id, currency, 0, amount_minor
        FROM bill_run_collected
        WHERE enterprise_id = :enterprise_id AND bill_run_id = ANY(:run_ids)
        UNION ALL
        SELECT id, currency, 0, collected_minor
        FROM bill_run
        WHERE enterprise_id = :enterprise_id AND id = ANY(:run_ids)
    ) AS summed
    GROUP BY run_id, currency
    HAVING sum(invoiced_minor) <> 0 OR sum(payments_minor) <> 0
    ORDER BY run_id, currency
    """
)

_TENDERS = sa.text(
    """
    SELECT batch_id, tender, count(*) AS payments, sum(amount_minor) AS amount_minor, min(currency) AS currency,
           count(*) FILTER (WHERE state = 'approved') AS approved,
           count(*) FILTER (WHERE state = 'declined') AS declined
    FROM attempt
    WHERE enterprise_id = :enterprise_id AND batch_id = ANY(:ids)
    GROUP BY batch_id, tender
    ORDER BY batch_id, tender
    """
)


@dataclass(frozen=True)
class Progress:
    """How far a run is; what it invoiced and submitted by currency, in its own while that is nothing."""

    enterprise_id: UUID
    id: UUID
    scope: Scope
    bill_date: date
    state: str
    invoices: int
    invoiced: Sequence[Money]
    payments: int
    submitted: Sequence[Money]
    skipped: int
    shards: int
    shards_done: int
    batches: int
    batches_submitted: int
    create_time: datetime
    round: int
    created_by: str
    approved_by: str
    invoices_per_s: float


def get_run(tx: Transaction, enterprise_id: UUID, run_id: UUID) -> Progress:
    """Read how far a run is. Raises NotFound."""
    row = tx.connection.execute(_ONE, {"enterprise_id": enterprise_id, "run_id": run_id}).one_or_none()
    if row is None:
        raise NotFound("BILL_RUN_NOT_FOUND", f"There is no bill run {run_id}.", metadata={"bill_run_id": str(run_id)})
    return _progress(row, _sums(tx, enterprise_id, [run_id]).get(run_id, ()))


def list_runs(tx: Transaction, enterprise_id: UUID, page: Page) -> tuple[Sequence[Progress], str]:
    """Read a page of runs, newest bill date first."""
    day, last = page.after or (None, None)
    parameters = {"enterprise_id": enterprise_id, "bill_date": day, "last": last, "limit": page.limit}
    rows, token = page.cut(tx.connection.execute(_PAGE, parameters).all(), lambda row: (row.bill_date, row.id))
    sums = _sums(tx, enterprise_id, [row.id for row in rows])
    return [_progress(row, sums.get(row.id, ())) for row in rows], token


def list_skipped(tx: Transaction, enterprise_id: UUID, run_id: UUID, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of what a run skipped."""
    table = skipped_charge
    key = (table.c.agreement_number, table.c.reason, table.c.subject)
    query = sa.select(table).where(table.c.enterprise_id == enterprise_id, table.c.bill_run_id == run_id)
    if page.after:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, page.after)))
    rows = tx.connection.execute(query.order_by(*key).limit(page.limit)).all()
    return page.cut(rows, lambda row: (row.agreement_number, row.reason, row.subject))


def list_batches(
    tx: Transaction, enterprise_id: UUID, business_unit_id: UUID | None, page: Page
) -> tuple[Sequence[tuple["sa.Row[Any]", Sequence["sa.Row[Any]"]]], str]:
    """Read a page of batches by number, Original then Retry, each with its tenders."""
    key = (batch.c.number, batch.c.label, batch.c.part)
    query = sa.select(batch).where(batch.c.enterprise_id == enterprise_id)
    if business_unit_id is not None:
        query = query.where(batch.c.business_unit_id == business_unit_id)
    if page.after:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, page.after)))
    rows, token = page.cut(
        tx.connection.execute(query.order_by(*key).limit(page.limit)).all(),
        lambda row: (row.number, row.label, row.part),
    )
    tenders = _tenders(tx, enterprise_id, [row.id for row in rows])
    return [(row, tenders.get(row.id, [])) for row in rows], token


def _sums(tx: Transaction, enterprise_id: UUID, run_ids: Sequence[UUID]) -> Mapping[UUID, list["sa.Row[Any]"]]:
    found: dict[UUID, list[Any]] = {}
    for row in tx.connection.execute(_SUMS, {"enterprise_id": enterprise_id, "run_ids": list(run_ids)}):
        found.setdefault(row.run_id, []).append(row)
    return found


def _tenders(tx: Transaction, enterprise_id: UUID, ids: Sequence[UUID]) -> Mapping[UUID, list["sa.Row[Any]"]]:
    found: dict[UUID, list[Any]] = {}
    for row in tx.connection.execute(_TENDERS, {"enterprise_id": enterprise_id, "ids": list(ids)}):
        found.setdefault(row.batch_id, []).append(row)
    return found


def _progress(row: "sa.Row[Any]", sums: Sequence["sa.Row[Any]"]) -> Progress:
    nothing = [Money(0, row.currency)]
    return Progress(
        row.enterprise_id,
        row.id,
        Scope(ScopeKind(row.scope_kind), row.enterprise_id, row.scope_id),
        row.bill_date,
        row.state,
        int(row.invoices),
        [Money(one.invoiced_minor, one.currency) for one in sums] or nothing,
        int(row.payments),
        [Money(one.payments_minor, one.currency) for one in sums] or nothing,
        row.skipped,
        row.shards,
        row.shards_done,
        row.batches,
        row.submitted,
        row.create_time,
        row.round,
        row.created_by,
        row.approved_by,
        float(row.round_invoices) / float(row.round_s) if row.round_s > 0 else 0.0,
    )
