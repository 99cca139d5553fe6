"""Tables and SQL of agreements and their lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import AgreementChanged, Line, stored_schedule
from boss_kit.money import Money

TABLES = sa.MetaData()

agreement = sa.Table(
    "agreement",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("member_id", PG_UUID, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("agreement_type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("term", sa.Text, nullable=False),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("obligation_end_date", sa.Date),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("enterprise_id", "number"),
    sa.Index("agreement_member", "enterprise_id", "member_id"),
    sa.Index("agreement_to_start", "enterprise_id", "start_date", postgresql_where=sa.text("status = 'Pending Start'")),
)

agreement_line = sa.Table(
    "agreement_line",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("agreement_id", PG_UUID, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("item_category", sa.Text, nullable=False),
    sa.Column("price_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("anchor_day", sa.SmallInteger, nullable=False),
    sa.Column("cycle_no", sa.Integer, nullable=False),
    sa.Column("next_bill_date", sa.Date),
    sa.Column("due_date", sa.Date),
    sa.Column("remaining_cycles", sa.Integer),
    sa.Column("term_end_date", sa.Date),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Index("agreement_line_agreement", "enterprise_id", "agreement_id"),
    # What a run reads, page by page, in the order of its pages.
    sa.Index(
        "agreement_line_to_list",
        "enterprise_id",
        "business_unit_id",
        "account_id",
        "agreement_id",
        "id",
        postgresql_include=["next_bill_date"],
        postgresql_where=sa.text("next_bill_date IS NOT NULL"),
    ),
    # What a run counts when it closes the day.
    sa.Index(
        "agreement_line_due",
        "enterprise_id",
        "business_unit_id",
        "due_date",
        postgresql_where=sa.text("due_date IS NOT NULL"),
    ),
    sa.Index(
        "agreement_line_to_end",
        "enterprise_id",
        "term_end_date",
        postgresql_where=sa.text("live AND remaining_cycles = 0"),
    ),
    # Ended lines whose end the next run has yet to report.
    sa.Index(
        "agreement_line_ended",
        "enterprise_id",
        "business_unit_id",
        "next_bill_date",
        postgresql_where=sa.text("remaining_cycles = 0 AND next_bill_date IS NOT NULL"),
    ),
    comment="next_bill_date: the schedule's own. due_date: with all suspensions, empty while nobody knows.",
)


@dataclass(frozen=True)
class Agreement:
    """An agreement with its line, as it is stored; `due_date` counts the suspensions."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    number: str
    member_id: UUID
    account_id: UUID
    display_name: str
    agreement_type: str
    status: str
    term: str
    start_date: date
    obligation_end_date: date | None
    version: int
    create_time: datetime
    line: Line
    due_date: date | None

    def changed(self, day: date) -> AgreementChanged:
        """Make the fact that tells its state."""
        return AgreementChanged(
            self.id,
            self.enterprise_id,
            self.business_unit_id,
            self.account_id,
            self.member_id,
            self.number,
            self.display_name,
            self.status,
            self.line.price,
            self.version,
            day,
        )


_AGREEMENT_COLUMNS = [column.name for column in agreement.columns]
_LINE = agreement_line.alias("line")
_LINE_COLUMNS = (
    _LINE.c.id.label("line_id"),
    _LINE.c.price_minor,
    _LINE.c.currency,
    _LINE.c.schedule,
    _LINE.c.anchor_day,
    _LINE.c.cycle_no,
    _LINE.c.next_bill_date,
    _LINE.c.due_date,
    _LINE.c.remaining_cycles,
    _LINE.c.term_end_date,
)
_JOINED = agreement.join(
    _LINE, sa.and_(_LINE.c.enterprise_id == agreement.c.enterprise_id, _LINE.c.agreement_id == agreement.c.id)
)


def add(connection: sa.Connection, new: Agreement) -> None:
    """Add an agreement with its line."""
    connection.execute(sa.insert(agreement).values({name: getattr(new, name) for name in _AGREEMENT_COLUMNS}))
    connection.execute(
        sa.insert(agreement_line).values(
            enterprise_id=new.enterprise_id,
            id=new.line.id,
            business_unit_id=new.business_unit_id,
            agreement_id=new.id,
            account_id=new.account_id,
            item=new.display_name,
            item_category=new.agreement_type,
            live=True,
            **line_values(new.line),
            due_date=new.due_date,
        )
    )


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID) -> Agreement | None:
    """Read an agreement of a unit."""
    query = _agreements(enterprise_id).where(agreement.c.business_unit_id == unit_id, agreement.c.id == agreement_id)
    row = connection.execute(query).one_or_none()
    return read(row) if row else None


def lock(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]) -> Sequence[Agreement]:
    """Read agreements and keep others from changing them; in the order of their ids, so that nobody waits in a ring."""
    query = _agreements(enterprise_id).where(agreement.c.id == sa.any_(sa.cast(list(agreement_ids), ARRAY(PG_UUID))))
    rows = connection.execute(query.order_by(agreement.c.id).with_for_update(of=[agreement, _LINE]))
    return [read(row) for row in rows]


def lock_after(connection: sa.Connection, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[Agreement]:
    """Read the agreements after an id, in the order of ids, and keep others from changing them."""
    query = _agreements(enterprise_id)
    if after is not None:
        query = query.where(agreement.c.id > after)
    rows = connection.execute(query.order_by(agreement.c.id).limit(limit).with_for_update(of=[agreement, _LINE]))
    return [read(row) for row in rows]


def page(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, member_id: UUID | None, after: str, limit: int
) -> Sequence[Agreement]:
    """Read the agreements after a number, by number."""
    query = _agreements(enterprise_id).where(agreement.c.number > after)
    if unit_id is not None:
        query = query.where(agreement.c.business_unit_id == unit_id)
    if member_id is not None:
        query = query.where(agreement.c.member_id == member_id)
    return [read(row) for row in connection.execute(query.order_by(agreement.c.number).limit(limit))]


def numbers_like(connection: sa.Connection, enterprise_id: UUID, stem: str) -> frozenset[str]:
    """Read the numbers that are a stem or begin with it and a dash."""
    query = sa.select(agreement.c.number).where(
        agreement.c.enterprise_id == enterprise_id,
        sa.or_(agreement.c.number == stem, agreement.c.number.startswith(f"{stem}-", autoescape=True)),
    )
    return frozenset(connection.scalars(query))


def to_change(connection: sa.Connection, enterprise_id: UUID, day: date, limit: int) -> Sequence[UUID]:
    """Find agreements whose term is over or whose start has come."""
    ended = sa.select(agreement_line.c.agreement_id).where(
        agreement_line.c.enterprise_id == enterprise_id,
        agreement_line.c.live,
        sa.text("remaining_cycles = 0"),
        agreement_line.c.term_end_date <= day,
    )
    begun = sa.select(agreement.c.id).where(
        agreement.c.enterprise_id == enterprise_id, sa.text("status = 'Pending Start'"), agreement.c.start_date <= day
    )
    return connection.scalars(sa.union_all(ended.limit(limit), begun.limit(limit)).limit(limit)).all()


def save_statuses(connection: sa.Connection, changed: Sequence[Agreement], expired: Sequence[UUID]) -> None:
    """Write statuses and versions; the lines of expired agreements live no more."""
    if changed:
        connection.execute(
            sa.update(agreement)
            .where(agreement.c.enterprise_id == sa.bindparam("e"), agreement.c.id == sa.bindparam("a"))
            .values(status=sa.bindparam("s"), version=sa.bindparam("v")),
            [{"e": one.enterprise_id, "a": one.id, "s": one.status, "v": one.version} for one in changed],
        )
    if expired:
        connection.execute(
            sa.update(agreement_line)
            .where(
                agreement_line.c.enterprise_id == changed[0].enterprise_id,
                agreement_line.c.agreement_id == sa.any_(sa.cast(list(expired), ARRAY(PG_UUID))),
            )
            .values(live=False)
        )


def save_due_date(connection: sa.Connection, enterprise_id: UUID, line_id: UUID, due_date: date | None) -> None:
    """Write when a line is due."""
    connection.execute(
        sa.update(agreement_line)
        .where(agreement_line.c.enterprise_id == enterprise_id, agreement_line.c.id == line_id)
        .values(due_date=due_date)
    )


def line_values(line: Line) -> dict[str, object]:
    """Give a line's columns."""
    return {
        "price_minor": line.price.amount_minor,
        "currency": line.price.currency,
        "schedule": line.schedule.name,
        "anchor_day": line.schedule.anchor_day,
        "cycle_no": line.cycle_no,
        "next_bill_date": line.next_bill_date,
        "remaining_cycles": line.remaining_cycles,
        "term_end_date": line.term_end_date,
    }


def read_line(row: "sa.Row[Any]") -> Line:
    """Read a line's columns; a line that no run lists any more has the end of its term for its next date."""
    return Line(
        row.line_id,
        stored_schedule(row.schedule, row.anchor_day),
        Money(row.price_minor, row.currency),
        row.cycle_no,
        row.next_bill_date or row.term_end_date,
        row.remaining_cycles,
        row.term_end_date,
    )


def read(row: "sa.Row[Any]") -> Agreement:
    """Read an agreement with its line."""
    values = {name: getattr(row, name) for name in _AGREEMENT_COLUMNS}
    return Agreement(**values, line=read_line(row), due_date=row.due_date)


def _agreements(enterprise_id: UUID) -> "sa.Select[Any]":
    return (
        sa.select(*agreement.columns, *_LINE_COLUMNS)
        .select_from(_JOINED)
        .where(agreement.c.enterprise_id == enterprise_id)
    )
