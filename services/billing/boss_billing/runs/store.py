"""Tables and SQL of bill runs, their shards and what they skipped."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.invoices import store as invoices
from boss_billing.invoices.rules import Invoice
from boss_billing.runs.rules import SUSPENDED, BillRun, RunState, Scope, ScopeKind, Shard, Skip, Tally

TABLES = sa.MetaData()

bill_run = sa.Table(
    "bill_run",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("scope_id", PG_UUID, nullable=False),
    sa.Column("bill_date", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("is_planned", sa.Boolean, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("collected_payments", sa.BigInteger, nullable=False),
    sa.Column("collected_minor", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("scope_kind", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text, nullable=False),
    sa.Column("start_time", sa.DateTime(timezone=True)),
)

bill_run_collected = sa.Table(
    "bill_run_collected",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("bill_run_id", PG_UUID, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
)

bill_run_shard = sa.Table(
    "bill_run_shard",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("bill_run_id", PG_UUID, primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True),
    sa.Column("shard_count", sa.Integer, nullable=False),
    sa.Column("is_done", sa.Boolean, nullable=False),
    sa.Column("page_token", sa.Text, nullable=False),
    sa.Column("invoices", sa.BigInteger, nullable=False),
    sa.Column("invoiced_minor", sa.BigInteger, nullable=False),
    sa.Column("payments", sa.BigInteger, nullable=False),
    sa.Column("payments_minor", sa.BigInteger, nullable=False),
    sa.Column("round", sa.Integer, primary_key=True),
    sa.Column("page_time", sa.DateTime(timezone=True)),
)

skipped_charge = sa.Table(
    "skipped_charge",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("bill_run_id", PG_UUID, primary_key=True),
    sa.Column("agreement_number", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
)

_PAGES_DONE = sa.text(
    """
    UPDATE bill_run_shard AS shard
    SET page_token = new.page_token, is_done = new.page_token = '', invoices = shard.invoices + new.invoices,
        invoiced_minor = shard.invoiced_minor + new.invoiced_minor, payments = shard.payments + new.payments,
        payments_minor = shard.payments_minor + new.payments_minor, page_time = clock_timestamp()
    FROM unnest(CAST(:unit_ids AS uuid[]), CAST(:shards AS int[]), CAST(:page_tokens AS text[]),
                CAST(:invoices AS bigint[]), CAST(:invoiced_minor AS bigint[]), CAST(:payments AS bigint[]),
                CAST(:payments_minor AS bigint[]))
        AS new (business_unit_id, shard, page_token, invoices, invoiced_minor, payments, payments_minor)
    WHERE shard.enterprise_id = :enterprise_id AND shard.bill_run_id = :run_id AND shard.round = :round
      AND shard.business_unit_id = new.business_unit_id AND shard.shard = new.shard
    """
)

_FINISH_ONE_BY_ONE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")

_OPEN = """
    FROM invoice
    JOIN account ON account.enterprise_id = invoice.enterprise_id AND account.id = invoice.account_id
    WHERE invoice.enterprise_id = :enterprise_id AND invoice.balance_minor > 0
      AND invoice.next_attempt_date <= :bill_date
      AND invoice.business_unit_id = ANY(:unit_ids)
      AND NOT EXISTS (
          SELECT FROM payment
          WHERE payment.enterprise_id = invoice.enterprise_id AND payment.account_id = invoice.account_id
            AND payment.invoice_id = invoice.id AND payment.state IN ('created', 'pending', 'unknown', 'declined')
          -- Asked for each invoice by its key, also while the statistics of payments are an empty table's.
          OFFSET 0
      )
"""

_SUSPENSIONS = """
    FROM suspension
    WHERE suspension.enterprise_id = invoice.enterprise_id AND suspension.account_id = invoice.account_id
      AND (invoice.agreement_id IS NULL OR suspension.agreement_id = invoice.agreement_id)
      AND suspension.stop_billing AND suspension.start_date <= :bill_date
      AND (suspension.end_date IS NULL OR :bill_date < suspension.end_date)
"""

# The fees of a suspension are collected while it stops everything else (SPEC SUS-7).
_HAS_SUSPENSION_FEE = """
    EXISTS (
        SELECT FROM invoice_line AS fee
        WHERE fee.enterprise_id = invoice.enterprise_id AND fee.invoice_id = invoice.id
          AND split_part(fee.charge_key, '/', 3) IN ('freeze', 'freeze_recurring')
    )
"""

_COLLECTABLE = f"{_OPEN} AND (NOT EXISTS (SELECT {_SUSPENSIONS}) OR {_HAS_SUSPENSION_FEE})"

_WHY_HELD = f"""
    (SELECT 'Suspended ' || CASE WHEN bool_or(end_date IS NULL) THEN 'with no end yet'
                                 ELSE 'until ' || max(end_date) END || '; what is open is collected afterwards.'
     {_SUSPENSIONS} HAVING count(*) > 0)
"""

_WHY_HELD_ONE = sa.text(
    f"""
    SELECT {_WHY_HELD} FROM invoice
    WHERE invoice.enterprise_id = :enterprise_id AND invoice.id = :invoice_id AND NOT {_HAS_SUSPENSION_FEE}
    """
)

_LIST_HELD = sa.text(
    f"""
    INSERT INTO skipped_charge (
        enterprise_id, business_unit_id, bill_run_id, agreement_number, reason, subject, description)
    SELECT invoice.enterprise_id, invoice.business_unit_id, :run_id, invoice.number, :reason, invoice.id::text,
           {_WHY_HELD}
    {_OPEN} AND EXISTS (SELECT {_SUSPENSIONS}) AND NOT {_HAS_SUSPENSION_FEE}
    ON CONFLICT DO NOTHING
    """
)

_TO_COLLECT = sa.text(
    f"""
    SELECT invoice.id, invoice.account_id {_COLLECTABLE}
    ORDER BY account.number, invoice.due_date, length(invoice.number), invoice.number
    LIMIT :limit
    """
)

_STILL_TO_COLLECT = sa.text(f"SELECT invoice.id {_COLLECTABLE} AND invoice.id = ANY(:ids)")

_LOOK_AT_OPEN = sa.text(
    f"""
    SELECT account.number, invoice.id, invoice.account_id,
           CASE WHEN {_HAS_SUSPENSION_FEE} THEN '' ELSE coalesce({_WHY_HELD}, '') END
    {_OPEN}
      AND (account.number, invoice.id) > (:number, CAST(:invoice_id AS uuid))
    ORDER BY account.number, invoice.id
    LIMIT :limit
    """
)


def to_collect(
    connection: sa.Connection, enterprise_id: UUID, unit_ids: Collection[UUID], bill_date: date, limit: int
) -> Sequence[tuple[UUID, UUID]]:
    """Find invoices to attempt on a day: (invoice, account) in the order of account numbers (SPEC BIL-2, SUS-4)."""
    parameters = {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "bill_date": bill_date}
    return [(row[0], row[1]) for row in connection.execute(_TO_COLLECT, {**parameters, "limit": limit})]


def still_to_collect(
    connection: sa.Connection, enterprise_id: UUID, unit_ids: Collection[UUID], bill_date: date, ids: Sequence[UUID]
) -> dict[UUID, Invoice]:
    """Read those of the invoices that are still to attempt, now that their accounts are locked."""
    parameters = {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "bill_date": bill_date, "ids": list(ids)}
    return invoices.find(connection, enterprise_id, connection.scalars(_STILL_TO_COLLECT, parameters).all())


def list_held(connection: sa.Connection, run: BillRun, unit_ids: Collection[UUID]) -> None:
    """List the invoices that a run would attempt if no suspension held them back (SPEC SUS-4)."""
    parameters = {"enterprise_id": run.enterprise_id, "unit_ids": list(unit_ids), "bill_date": run.bill_date}
    connection.execute(_LIST_HELD, {**parameters, "run_id": run.id, "reason": SUSPENDED})


def why_held(connection: sa.Connection, enterprise_id: UUID, invoice_id: UUID, bill_date: date) -> str:
    """Say which suspension keeps an invoice from being attempted on a day; nothing where none does."""
    parameters = {"enterprise_id": enterprise_id, "invoice_id": invoice_id, "bill_date": bill_date}
    return connection.scalar(_WHY_HELD_ONE, parameters) or ""


def look_at_open(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_ids: Collection[UUID],
    bill_date: date,
    after: tuple[str, UUID],
    limit: int,
) -> Sequence[tuple[str, UUID, UUID, str]]:
    """Read what is planned for a day, after a place in the list: account number, invoice, account, why it is held."""
    parameters = {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "bill_date": bill_date, "limit": limit}
    place = {"number": after[0], "invoice_id": after[1]}
    return [tuple(row) for row in connection.execute(_LOOK_AT_OPEN, {**parameters, **place})]


def add_run(connection: sa.Connection, run: BillRun, created_by: str, now: datetime) -> bool:
    """Add a run; tell whether there was none for its scope and day."""
    values = {
        "enterprise_id": run.enterprise_id,
        "id": run.id,
        "scope_id": run.scope.id,
        "bill_date": run.bill_date,
        "state": run.state,
        "is_planned": run.is_planned,
        "currency": run.currency,
        "create_time": now,
        "scope_kind": run.scope.kind,
        "created_by": created_by,
    }
    statement = insert(bill_run).values(values).on_conflict_do_nothing().returning(bill_run.c.id)
    return connection.scalar(statement) is not None


def find_run(connection: sa.Connection, enterprise_id: UUID, run_id: UUID) -> BillRun | None:
    """Read a run."""
    query = sa.select(bill_run).where(bill_run.c.enterprise_id == enterprise_id, bill_run.c.id == run_id)
    row = connection.execute(query).one_or_none()
    return _run(row) if row else None


def lock_run_of_day(connection: sa.Connection, scope: Scope, bill_date: date) -> BillRun:
    """Lock the run of a scope and day."""
    mine = (
        bill_run.c.enterprise_id == scope.enterprise_id,
        bill_run.c.scope_id == scope.id,
        bill_run.c.bill_date == bill_date,
    )
    return _run(connection.execute(sa.select(bill_run).where(*mine).with_for_update()).one())


def lock_run(connection: sa.Connection, enterprise_id: UUID, run_id: UUID) -> BillRun:
    """Lock a run until the transaction ends."""
    mine = (bill_run.c.enterprise_id == enterprise_id, bill_run.c.id == run_id)
    return _run(connection.execute(sa.select(bill_run).where(*mine).with_for_update()).one())


def share_run(connection: sa.Connection, enterprise_id: UUID, run_id: UUID) -> BillRun:
    """Keep a run from being cancelled until the transaction ends; other pages may do so too."""
    mine = (bill_run.c.enterprise_id == enterprise_id, bill_run.c.id == run_id)
    return _run(connection.execute(sa.select(bill_run).where(*mine).with_for_update(read=True)).one())


def plan(connection: sa.Connection, run: BillRun, shards: Sequence[Shard]) -> None:
    """Write a run's shards; from then on it is planned."""
    rows = [
        {
            "enterprise_id": run.enterprise_id,
            "business_unit_id": shard.business_unit_id,
            "bill_run_id": run.id,
            "shard": shard.number,
            "shard_count": shard.count,
            "round": shard.round,
        }
        for shard in shards
    ]
    if rows:
        connection.execute(insert(bill_run_shard).values(rows).on_conflict_do_nothing())
    connection.execute(sa.update(bill_run).where(*_mine(run)).values(is_planned=True))


def set_state(connection: sa.Connection, run: BillRun, state: RunState) -> None:
    """Write where a run is in its life."""
    connection.execute(sa.update(bill_run).where(*_mine(run)).values(state=state))


def approve(connection: sa.Connection, run: BillRun, approved_by: str) -> None:
    """Write who let a run go."""
    values = {"state": RunState.APPROVED, "approved_by": approved_by}
    connection.execute(sa.update(bill_run).where(*_mine(run)).values(values))


def begin_round(connection: sa.Connection, run: BillRun) -> None:
    """Write that a run goes a round; its time is the wall's, for the rate."""
    values = {
        "state": RunState.BILLING,
        "is_planned": False,
        "round": run.round,
        "start_time": sa.func.clock_timestamp(),
    }
    connection.execute(sa.update(bill_run).where(*_mine(run)).values(values))


def has_shards(connection: sa.Connection, run: BillRun) -> bool:
    """Tell whether a run's round has anything due."""
    return bool(connection.scalar(sa.select(sa.exists().where(*_round(run)))))


def page_tokens(connection: sa.Connection, run: BillRun, shards: Sequence[Shard]) -> Mapping[Shard, str]:
    """Read where those of the shards go on that aren't done."""
    table = bill_run_shard
    query = sa.select(table.c.business_unit_id, table.c.shard, table.c.round, table.c.page_token).where(
        table.c.enterprise_id == run.enterprise_id,
        table.c.bill_run_id == run.id,
        table.c.business_unit_id.in_({one.business_unit_id for one in shards}),
        ~table.c.is_done,
    )
    tokens = {tuple(row[:3]): row[3] for row in connection.execute(query)}
    places = {one: (one.business_unit_id, one.number, one.round) for one in shards}
    return {one: tokens[place] for one, place in places.items() if place in tokens}


def save_pages(connection: sa.Connection, run: BillRun, made: Sequence[tuple[Shard, Tally, str]]) -> None:
    """Count what a page of each shard became, and where the next one begins; a shard without a next one is done."""
    tallies = [one for _, one, _ in made]
    connection.execute(
        _PAGES_DONE,
        {
            "enterprise_id": run.enterprise_id,
            "run_id": run.id,
            "round": made[0][0].round,
            "unit_ids": [shard.business_unit_id for shard, _, _ in made],
            "shards": [shard.number for shard, _, _ in made],
            "page_tokens": [page_token for _, _, page_token in made],
            "invoices": [one.invoices for one in tallies],
            "invoiced_minor": [one.invoiced_minor for one in tallies],
            "payments": [one.payments for one in tallies],
            "payments_minor": [one.payments_minor for one in tallies],
        },
    )


def was_last(connection: sa.Connection, run: BillRun) -> bool:
    """Tell whether the shards that this transaction has done were the last of the round.

    Who asks at the same time waits for us to commit, and then sees what we did: so exactly one is the last.
    """
    connection.execute(_FINISH_ONE_BY_ONE, {"key": f"finish/{run.id}"})
    return not connection.scalar(sa.select(sa.exists().where(*_round(run), ~bill_run_shard.c.is_done)))


def add_skips(connection: sa.Connection, run: BillRun, skips: Sequence[Skip]) -> None:
    """List what wasn't billed or collected; the same line again is one."""
    rows = [
        {
            "enterprise_id": run.enterprise_id,
            "business_unit_id": skip.business_unit_id,
            "bill_run_id": run.id,
            "agreement_number": skip.agreement_number,
            "reason": skip.reason,
            "subject": skip.subject,
            "description": skip.description,
        }
        for skip in skips
    ]
    if rows:
        connection.execute(insert(skipped_charge).on_conflict_do_nothing(), rows)


def count_collected(connection: sa.Connection, run: BillRun, payments: int, sums: Mapping[str, int]) -> None:
    """Count the payments a run made for older invoices, and what they come to by currency."""
    if not payments:
        return
    counted = {"collected_payments": bill_run.c.collected_payments + payments}
    connection.execute(sa.update(bill_run).where(*_mine(run)).values(counted))
    mine = {"enterprise_id": run.enterprise_id, "bill_run_id": run.id}
    statement = insert(bill_run_collected)
    more = {"amount_minor": bill_run_collected.c.amount_minor + statement.excluded.amount_minor}
    connection.execute(
        statement.on_conflict_do_update(index_elements=[*mine, "currency"], set_=more),
        [{**mine, "currency": currency, "amount_minor": amount} for currency, amount in sums.items()],
    )


def _mine(run: BillRun) -> tuple[sa.ColumnElement[bool], ...]:
    return (bill_run.c.enterprise_id == run.enterprise_id, bill_run.c.id == run.id)


def _round(run: BillRun) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        bill_run_shard.c.enterprise_id == run.enterprise_id,
        bill_run_shard.c.bill_run_id == run.id,
        bill_run_shard.c.round == run.round,
    )


def _run(row: "sa.Row[Any]") -> BillRun:
    return BillRun(
        row.enterprise_id,
        row.id,
        Scope(ScopeKind(row.scope_kind), row.enterprise_id, row.scope_id),
        row.bill_date,
        RunState(row.state),
        row.is_planned,
        row.currency,
        row.round,
        row.approved_by,
    )
