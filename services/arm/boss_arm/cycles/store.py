"""Tables and SQL of cycles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_arm.cycles.rules import Cycle, Status
from boss_arm.debtors.store import account, ids

METADATA = sa.MetaData()
PAGE_SIZE = 1000

cycle = sa.Table(
    "cycle",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("schedule_id", sa.Uuid),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("manual", sa.Boolean, nullable=False),
    sa.Column("sent_date", sa.Date, nullable=False),
    sa.Column("sent_balance_minor", sa.BigInteger, nullable=False),
    sa.Column("close_date", sa.Date),
    sa.Column("close_reason", sa.Text, nullable=False),
    sa.Column("letters_sent", sa.Integer, nullable=False),
    sa.Column("phone_calls_made", sa.Integer, nullable=False),
    sa.Column("emails_sent", sa.Integer, nullable=False),
    sa.Column("run_date", sa.Date, comment="Day of the last daily run."),
    sa.Column("run_past_due_minor", sa.BigInteger, nullable=False, comment="Past due as of the last daily run."),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)
C = cycle.c
_OPEN = C.status != Status.CLOSED

_COUNT = sa.text(
    """
    UPDATE cycle SET
        letters_sent = letters_sent + told.letters, phone_calls_made = phone_calls_made + told.calls,
        emails_sent = emails_sent + told.emails
    FROM unnest(
        CAST(:cycle_ids AS uuid[]), CAST(:letters AS integer[]), CAST(:calls AS integer[]), CAST(:emails AS integer[])
    ) AS told (cycle_id, letters, calls, emails)
    WHERE cycle.enterprise_id = :enterprise_id AND cycle.id = told.cycle_id
    """
)

_RUN = sa.text(
    """
    UPDATE cycle SET run_date = :day, run_past_due_minor = told.balance, schedule_id = told.schedule_id
    FROM unnest(CAST(:cycle_ids AS uuid[]), CAST(:balances AS bigint[]), CAST(:schedule_ids AS uuid[]))
        AS told (cycle_id, balance, schedule_id)
    WHERE cycle.enterprise_id = :enterprise_id AND cycle.id = told.cycle_id
    """
)


def add_cycles(connection: sa.Connection, cycles: Sequence[Cycle]) -> None:
    """Write new cycles. The index `cycle_one_open` refuses a second open one of an account (SPEC ARM-4)."""
    names = [column.name for column in C]
    connection.execute(sa.insert(cycle), [dict(zip(names, astuple(one), strict=True)) for one in cycles])


def open_cycles(connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, Cycle]:
    """Give the open cycle of each account that has one; the caller holds the accounts' locks where it will write."""
    rows = connection.execute(
        sa.select(cycle).where(C.enterprise_id == enterprise_id, C.account_id == ids(account_ids), _OPEN)
    )
    return {row.account_id: Cycle(*row) for row in rows}


def last_numbers(connection: sa.Connection, enterprise_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Give the number of each account's last cycle, of those that had one."""
    query = (
        sa.select(C.account_id, sa.func.max(C.number).label("number"))
        .where(C.enterprise_id == enterprise_id, C.account_id == ids(account_ids))
        .group_by(C.account_id)
    )
    return {row.account_id: row.number for row in connection.execute(query)}


def last_cycle(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, account_id: UUID) -> Cycle | None:
    """Give an account's last cycle, if it had one."""
    where = (C.enterprise_id == enterprise_id, C.business_unit_id == unit_id, C.account_id == account_id)
    row = connection.execute(sa.select(cycle).where(*where).order_by(C.number.desc()).limit(1)).one_or_none()
    return Cycle(*row) if row else None


def find_cycles(connection: sa.Connection, enterprise_id: UUID, cycle_ids: Iterable[UUID]) -> dict[UUID, Cycle]:
    """Give cycles by id."""
    rows = connection.execute(sa.select(cycle).where(C.enterprise_id == enterprise_id, C.id == ids(cycle_ids)))
    return {row.id: Cycle(*row) for row in rows}


def set_status(connection: sa.Connection, enterprise_id: UUID, cycle_ids: Sequence[UUID], status: Status) -> None:
    """Write the status of open cycles."""
    if cycle_ids:
        connection.execute(
            sa.update(cycle).where(C.enterprise_id == enterprise_id, C.id == ids(cycle_ids)).values(status=status)
        )


def close(connection: sa.Connection, enterprise_id: UUID, cycle_ids: Sequence[UUID], day: date, reason: str) -> None:
    """Write the end of cycles."""
    values = {"status": Status.CLOSED, "close_date": day, "close_reason": reason}
    connection.execute(
        sa.update(cycle).where(C.enterprise_id == enterprise_id, C.id == ids(cycle_ids)).values(**values)
    )


def count_sent(connection: sa.Connection, enterprise_id: UUID, sent: Mapping[UUID, Mapping[str, int]]) -> None:
    """Add to the letters, calls and emails of cycles, by channel."""
    if sent:
        values = {"enterprise_id": enterprise_id, "cycle_ids": list(sent)}
        for name, channel in (("letters", "Letter"), ("calls", "Phone"), ("emails", "Email")):
            values[name] = [counts.get(channel, 0) for counts in sent.values()]
        connection.execute(_COUNT, values)


def write_run(
    connection: sa.Connection, enterprise_id: UUID, day: date, figures: Sequence[tuple[UUID, int, UUID | None]]
) -> None:
    """Write what a daily run read: cycle, past due, pinned schedule."""
    cycle_ids, balances, schedule_ids = map(list, zip(*figures, strict=True))
    values = {"enterprise_id": enterprise_id, "day": day, "cycle_ids": cycle_ids, "balances": balances}
    connection.execute(_RUN, values | {"schedule_ids": schedule_ids})


def lock_page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_ids: Iterable[UUID],
    after: UUID | None,
    *,
    sent_by: date,
    run_before: date | None = None,
) -> "dict[UUID, sa.Row[Any]]":
    """Lock the accounts of a page of open cycles of units, in their order; give them by id.

    Only cycles sent by a day, and with `run_before` those no daily run has seen on that day or later. Read the cycles
    after the lock: what was committed while this waited shows only then.
    """
    joined = account.join(cycle, sa.and_(C.enterprise_id == account.c.enterprise_id, C.account_id == account.c.id))
    query = (
        sa.select(account)
        .select_from(joined)
        .where(C.enterprise_id == enterprise_id, _OPEN, C.business_unit_id == ids(unit_ids), C.sent_date <= sent_by)
        .order_by(account.c.id)
        .limit(PAGE_SIZE)
        .with_for_update(of=account)
    )
    if run_before is not None:
        query = query.where(sa.or_(C.run_date.is_(None), C.run_date < run_before))
    if after is not None:
        query = query.where(account.c.id > after)
    return {row.id: row for row in connection.execute(query)}


def next_page(page: "Mapping[UUID, sa.Row[Any]]") -> UUID | None:
    """Give the account after which the next page begins, none after a page that isn't full."""
    return list(page)[-1] if len(page) == PAGE_SIZE else None


def statistics(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None) -> tuple[int, int, int, int]:
    """Count cycles opened, closed and open, and accounts with more than one open cycle."""
    where = [C.enterprise_id == enterprise_id] + ([C.business_unit_id == unit_id] if unit_id else [])
    counts = sa.select(sa.func.count(), sa.func.count().filter(sa.not_(_OPEN)), sa.func.count().filter(_OPEN)).where(
        *where
    )
    opened, closed, active = connection.execute(counts).one()
    doubles = sa.select(C.account_id).where(*where, _OPEN).group_by(C.account_id).having(sa.func.count() > 1).subquery()
    return opened, closed, active, connection.scalar(sa.select(sa.func.count()).select_from(doubles)) or 0
