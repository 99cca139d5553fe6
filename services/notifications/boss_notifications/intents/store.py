"""SQL of notifications."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from boss_kit.schema import task
from boss_notifications.contact_rules.store import member
from boss_notifications.intents.rules import WAITING, Intent, State
from boss_notifications.intents.tables import N, account, intent_of, notification
from boss_notifications.templates.store import template

# The member's own number orders a page the same way everywhere; UUIDs only break ties.
_NATURAL_ORDER = (N.send_date, sa.func.coalesce(member.c.external_id, ""), N.attempt, N.account_id, N.step_id)
_WITH_MEMBER = notification.outerjoin(
    member, sa.and_(member.c.enterprise_id == N.enterprise_id, member.c.id == N.member_id)
).outerjoin(template, sa.and_(template.c.enterprise_id == N.enterprise_id, template.c.id == N.template_id))
_INTENTS = sa.select(
    notification,
    sa.func.coalesce(member.c.external_id, "").label("account_number"),
    sa.func.coalesce(template.c.display_name, "").label("template_display_name"),
    sa.func.coalesce(member.c.do_not_call, False).label("member_do_not_call"),
    sa.func.coalesce(member.c.email_opt_out, False).label("member_email_opt_out"),
).select_from(_WITH_MEMBER)


def ids(values: Sequence[UUID]) -> "sa.ColumnElement[Any]":
    """Give `ANY(values)`: one parameter, whatever their number, so that the statement stays prepared."""
    return sa.any_(sa.literal(list(values), ARRAY(PgUuid)))


def add_requests(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert notifications and their accounts; what is there already stays as it is."""
    accounts = {(row["enterprise_id"], row["business_unit_id"], row["account_id"]) for row in rows}
    values = [{"enterprise_id": e, "business_unit_id": b, "id": a} for e, b, a in sorted(accounts)]
    connection.execute(insert(account).on_conflict_do_nothing(), values)
    connection.execute(insert(notification).on_conflict_do_nothing(), list(rows))


def withdraw(connection: sa.Connection, enterprise_id: UUID, step_id: UUID, reason: str, now: datetime) -> None:
    """Take back every attempt of a step that nobody outside has heard of."""
    values = {"state": State.NOT_SENT, "rule": "WITHDRAWN", "reason": reason, "description": reason}
    connection.execute(
        sa.update(notification)
        .where(N.enterprise_id == enterprise_id, N.step_id == step_id, N.state.in_(WAITING))
        .values(**values, hold_until=None, update_time=now)
    )


def open_work(
    connection: sa.Connection, enterprise_id: UUID, task_id: UUID, day: date, now: datetime
) -> set[tuple[str, bool]]:
    """Tell which channels have due notifications, and which have some left in sending: (channel, left in sending)."""
    due = sa.select(N.channel, sa.false()).where(*_due(enterprise_id, day, now))
    left = sa.select(N.channel, sa.true()).where(*_left(enterprise_id, task_id))
    return {(row[0], row[1]) for row in connection.execute(sa.union(due, left))}


def lock_due(
    connection: sa.Connection, enterprise_id: UUID, channel: str, day: date, now: datetime, limit: int
) -> list[Intent]:
    """Lock the next page of due notifications of a channel, in the natural order."""
    statement = (
        _INTENTS.where(*_due(enterprise_id, day, now), N.channel == channel)
        .order_by(*_NATURAL_ORDER)
        .limit(limit)
        .with_for_update(of=notification, skip_locked=True)
    )
    return [intent_of(row) for row in connection.execute(statement)]


def lock_waiting(connection: sa.Connection, enterprise_id: UUID, intent_ids: Sequence[UUID]) -> list[Intent]:
    """Lock those of the notifications that are still waiting, in the natural order."""
    return _lock(connection, enterprise_id, intent_ids, N.state.in_(WAITING))


def lock_in_states(
    connection: sa.Connection, enterprise_id: UUID, intent_ids: Sequence[UUID], states: Sequence[State]
) -> list[Intent]:
    """Lock those of the notifications that are in one of the states."""
    return _lock(connection, enterprise_id, intent_ids, N.state.in_(states))


def left_in_sending(
    connection: sa.Connection, enterprise_id: UUID, task_id: UUID, channel: str
) -> list[tuple[Intent, float]]:
    """List what a lost sender left, with its age in s: the task's own, or that of a task which is over."""
    age_s = sa.extract("epoch", sa.func.clock_timestamp() - N.claim_time).label("age_s")
    statement = (
        _INTENTS.add_columns(age_s)
        .where(*_left(enterprise_id, task_id), N.channel == channel)
        .order_by(*_NATURAL_ORDER)
    )
    return [(intent_of(row), float(row.age_s)) for row in connection.execute(statement)]


def lock_accounts(connection: sa.Connection, enterprise_id: UUID, account_ids: Sequence[UUID]) -> None:
    """Lock accounts in one order, so that two commits about one of them can't be published reversed (DESIGN 3)."""
    connection.execute(
        sa.select(account.c.id)
        .where(account.c.enterprise_id == enterprise_id, account.c.id == ids(sorted(set(account_ids))))
        .order_by(account.c.id)
        .with_for_update()
    )


def change(connection: sa.Connection, enterprise_id: UUID, intent_ids: Sequence[UUID], **values: Any) -> None:
    """Set the same values on several notifications."""
    if intent_ids:
        connection.execute(
            sa.update(notification).where(N.enterprise_id == enterprise_id, N.id == ids(intent_ids)).values(**values)
        )


def put_into_sending(
    connection: sa.Connection,
    enterprise_id: UUID,
    provider: str,
    task_id: UUID,
    named: Mapping[UUID, str],
    now: datetime,
) -> None:
    """Write down, before anything leaves, who is about to hand what over under which name."""
    if not named:
        return
    names = (
        sa.func.unnest(sa.literal(list(named), ARRAY(PgUuid)), sa.literal(list(named.values()), ARRAY(sa.Text)))
        .table_valued(sa.column("id", PgUuid), sa.column("message_id", sa.Text), name="named")
        .render_derived()
    )
    connection.execute(
        sa.update(notification)
        .where(N.enterprise_id == enterprise_id, N.id == names.c.id)
        .values(
            state=State.SENDING,
            provider=provider,
            provider_message_id=names.c.message_id,
            task_id=task_id,
            # A lease goes by the wall clock, whatever the test clock says (DESIGN 5).
            claim_time=sa.func.clock_timestamp(),
            hold_until=None,
            rule="",
            reason="",
            update_time=now,
        )
    )


def mark_sent(
    connection: sa.Connection, enterprise_id: UUID, intent_ids: Sequence[UUID], day: date, now: datetime
) -> None:
    """Write down that a provider took them; `times_sent` would tell a second time."""
    connection.execute(
        sa.update(notification)
        .where(N.enterprise_id == enterprise_id, N.id == ids(intent_ids))
        .values(
            state=State.SENT,
            times_sent=N.times_sent + 1,
            sent_time=now,
            sent_date=day,
            rule="",
            reason="",
            description="",
            update_time=now,
        )
    )


def answer(
    connection: sa.Connection,
    enterprise_id: UUID,
    intent_id: UUID,
    at: datetime,
    now: datetime,
    values: Mapping[str, Any],
) -> None:
    """Keep the newest response: one that happened before the kept one changes nothing here."""
    newest = sa.or_(N.response_time.is_(None), N.response_time <= at)
    connection.execute(
        sa.update(notification)
        .where(N.enterprise_id == enterprise_id, N.id == intent_id, newest)
        .values(**values, state=State.ANSWERED, response_time=at, update_time=now)
    )


def by_message(connection: sa.Connection, enterprise_id: UUID, message_ids: Sequence[str]) -> dict[str, Intent]:
    """Find notifications by the provider's id of them."""
    known = sa.any_(sa.literal(list(message_ids), ARRAY(sa.Text)))
    statement = _INTENTS.where(
        N.enterprise_id == enterprise_id, N.provider_message_id != "", N.provider_message_id == known
    )
    return {row.provider_message_id: intent_of(row) for row in connection.execute(statement)}


def unanswered(
    connection: sa.Connection, enterprise_id: UUID, first_day: date, last_day: date
) -> list[tuple[Intent, date]]:
    """List what was sent in these days and has no response yet, in the natural order, with the day it went out."""
    statement = _INTENTS.where(
        N.enterprise_id == enterprise_id, N.state == State.SENT, N.sent_date >= first_day, N.sent_date <= last_day
    ).order_by(*_NATURAL_ORDER)
    return [(intent_of(row), row.sent_date) for row in connection.execute(statement)]


def _lock(
    connection: sa.Connection, enterprise_id: UUID, intent_ids: Sequence[UUID], condition: "sa.ColumnElement[bool]"
) -> list[Intent]:
    statement = (
        _INTENTS.where(N.enterprise_id == enterprise_id, N.id == ids(intent_ids), condition)
        .order_by(*_NATURAL_ORDER)
        .with_for_update(of=notification)
    )
    return [intent_of(row) for row in connection.execute(statement)]


def _due(enterprise_id: UUID, day: date, now: datetime) -> "tuple[sa.ColumnElement[bool], ...]":
    free = sa.or_(N.hold_until.is_(None), N.hold_until <= now)
    return (N.enterprise_id == enterprise_id, N.state.in_(WAITING), N.send_date <= day, free)


def _left(enterprise_id: UUID, task_id: UUID) -> "tuple[sa.ColumnElement[bool], ...]":
    """A task that is still pending settles its own; the task that asks is the only one that runs it."""
    pending = sa.exists().where(task.c.id == N.task_id, task.c.state == "pending")
    return (
        N.enterprise_id == enterprise_id,
        N.state == State.SENDING,
        sa.or_(N.task_id == task_id, sa.not_(pending)),
    )
