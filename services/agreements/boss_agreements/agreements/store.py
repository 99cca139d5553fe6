"""Tables and SQL of agreements and their lines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import (
    ENDED_LINE,
    LIVE,
    LIVE_STATUSES,
    PRIMARY,
    AgreementChanged,
    AgreementLine,
    Tax,
    key_lines,
    recurring_price,
    within_term,
)
from boss_agreements.agreements.schedules import stored_schedule
from boss_agreements.agreements.tables import agreement, agreement_line
from boss_kit.money import Money


@dataclass(frozen=True)
class Agreement:
    """An agreement with its lines, as it is stored."""

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
    lines: tuple[AgreementLine, ...]
    definition_id: UUID | None = None
    group_id: UUID | None = None
    group_type: str = "Individual"
    classification: str = ""
    role: str = PRIMARY
    primary_agreement_id: UUID | None = None
    rewritten_from_id: UUID | None = None
    rewritten_to_id: UUID | None = None
    pending_cancellation: bool = False
    pending_suspension: bool = False
    cancel_date: date | None = None
    qualifies_member: bool = True
    signature: str = ""
    barcode: str = ""
    location_id: UUID | None = None

    @property
    def key_line(self) -> AgreementLine:
        """Its first Key Item."""
        return key_lines(self.lines)[0]

    @property
    def due_date(self) -> date | None:
        """When its first charge is due, with all suspensions."""
        return min((line.due_date for line in self.lines if line.due_date), default=None)

    @property
    def term_end_date(self) -> date | None:
        """The first day after the term of its Key Items."""
        return max((line.term_end_date for line in key_lines(self.lines) if line.term_end_date), default=None)

    def is_cancelled_before(self, day: date) -> bool:
        """Tell whether its own cancellation is effective already and only waits for its last bill."""
        return self.pending_cancellation and self.cancel_date is not None and self.cancel_date < day

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
            recurring_price(self.lines),
            self.version,
            day,
        )


_AGREEMENT_COLUMNS = [column.name for column in agreement.columns]
# What AgreementLine calls by the name of its column.
_LINE_COLUMNS = (
    *("id", "item", "item_category", "cycle_no", "next_bill_date", "due_date", "remaining_cycles", "term_end_date"),
    *("item_id", "bundle_id", "bundle", "is_key_item", "is_required", "item_kind", "basis", "billing", "quantity"),
    *("units_per_cycle", "validity_days", "tax_rate", "promotion", "final_date", "state"),
    *("suspension_id", "start_date"),
)
# What commands change of an agreement, and of its lines beside their prices.
_CHANGING = (
    *("status", "version", "pending_cancellation", "pending_suspension", "cancel_date", "obligation_end_date"),
    *("rewritten_to_id", "primary_agreement_id", "role"),
)
_CHANGING_OF_LINES = (
    *("quantity", "units_per_cycle", "final_date", "due_date", "state"),
    *("remaining_cycles", "term_end_date"),
)


def add(connection: sa.Connection, new: Agreement) -> None:
    """Add an agreement with its lines."""
    connection.execute(sa.insert(agreement).values({name: getattr(new, name) for name in _AGREEMENT_COLUMNS}))
    add_lines(connection, new, new.lines)


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID) -> Agreement | None:
    """Read an agreement of a unit."""
    query = _agreements(enterprise_id).where(agreement.c.business_unit_id == unit_id, agreement.c.id == agreement_id)
    return next(iter(_with_lines(connection, enterprise_id, connection.execute(query).all())), None)


def find_all(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]) -> Sequence[Agreement]:
    """Read agreements, by number."""
    query = _agreements(enterprise_id).where(_is_any(agreement.c.id, agreement_ids)).order_by(agreement.c.number)
    return _with_lines(connection, enterprise_id, connection.execute(query).all())


def lock(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]) -> Sequence[Agreement]:
    """Read agreements and keep others from changing them; in the order of their ids, so that nobody waits in a ring."""
    return _lock(connection, enterprise_id, _agreements(enterprise_id).where(_is_any(agreement.c.id, agreement_ids)))


def lock_after(connection: sa.Connection, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[Agreement]:
    """Read the agreements after an id, in the order of ids, and keep others from changing them."""
    query = _agreements(enterprise_id)
    if after is not None:
        query = query.where(agreement.c.id > after)
    return _lock(connection, enterprise_id, query.limit(limit))


def page(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, member_id: UUID | None, after: str, limit: int
) -> Sequence[Agreement]:
    """Read the agreements after a number, by number."""
    query = _agreements(enterprise_id).where(agreement.c.number > after)
    if unit_id is not None:
        query = query.where(agreement.c.business_unit_id == unit_id)
    if member_id is not None:
        query = query.where(agreement.c.member_id == member_id)
    rows = connection.execute(query.order_by(agreement.c.number).limit(limit)).all()
    return _with_lines(connection, enterprise_id, rows)


def statuses_of(connection: sa.Connection, enterprise_id: UUID, member_id: UUID) -> Sequence[str]:
    """Read the statuses of a member's agreements."""
    query = sa.select(agreement.c.status).where(
        agreement.c.enterprise_id == enterprise_id, agreement.c.member_id == member_id
    )
    return connection.scalars(query).all()


def taken_numbers(connection: sa.Connection, enterprise_id: UUID, numbers: Sequence[str]) -> frozenset[str]:
    """Give those of some numbers that agreements have."""
    query = sa.select(agreement.c.number).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.number == sa.any_(sa.cast(list(numbers), ARRAY(sa.Text))),
    )
    return frozenset(connection.scalars(query))


def to_change(connection: sa.Connection, enterprise_id: UUID, day: date, limit: int) -> Sequence[UUID]:
    """Find agreements of which a line's term is over or whose start has come."""
    ended = sa.select(agreement_line.c.agreement_id).where(
        agreement_line.c.enterprise_id == enterprise_id,
        sa.text("state = 'live' AND remaining_cycles = 0"),
        agreement_line.c.term_end_date <= day,
    )
    begun = sa.select(agreement.c.id).where(
        agreement.c.enterprise_id == enterprise_id, sa.text("status = 'Pending Start'"), agreement.c.start_date <= day
    )
    return connection.scalars(sa.union_all(ended.limit(limit), begun.limit(limit)).limit(limit)).all()


def save(connection: sa.Connection, changed: Sequence[Agreement]) -> None:
    """Write what changes in an agreement's life: its status, what is pending, its links and version."""
    if changed:
        connection.execute(
            sa.update(agreement)
            .where(agreement.c.enterprise_id == sa.bindparam("e"), agreement.c.id == sa.bindparam("a"))
            .values({name: sa.bindparam(f"new_{name}") for name in _CHANGING}),
            [
                {"e": one.enterprise_id, "a": one.id, **{f"new_{name}": getattr(one, name) for name in _CHANGING}}
                for one in changed
            ],
        )


def save_lines(connection: sa.Connection, enterprise_id: UUID, lines: Sequence[AgreementLine]) -> None:
    """Write what a cancellation or the end of an agreement changes of lines."""
    if lines:
        connection.execute(
            sa.update(agreement_line)
            .where(agreement_line.c.enterprise_id == sa.bindparam("e"), agreement_line.c.id == sa.bindparam("l"))
            .values({name: sa.bindparam(f"new_{name}") for name in (*_CHANGING_OF_LINES, "price_minor")}),
            [
                {
                    "e": enterprise_id,
                    "l": line.id,
                    "new_price_minor": line.price.amount_minor,
                    **{f"new_{name}": getattr(line, name) for name in _CHANGING_OF_LINES},
                }
                for line in lines
            ],
        )


def add_lines(connection: sa.Connection, owner: Agreement, lines: Sequence[AgreementLine]) -> None:
    """Add lines to an agreement."""
    if lines:
        keys = {
            "enterprise_id": owner.enterprise_id,
            "business_unit_id": owner.business_unit_id,
            "agreement_id": owner.id,
            "account_id": owner.account_id,
        }
        connection.execute(sa.insert(agreement_line), [{**keys, **_line_values(line)} for line in lines])


def live_add_ons(connection: sa.Connection, enterprise_id: UUID, primary_id: UUID) -> Sequence[Agreement]:
    """Read the add-ons of an agreement that run or will run."""
    query = _agreements(enterprise_id).where(
        agreement.c.primary_agreement_id == primary_id, agreement.c.status.in_(LIVE_STATUSES)
    )
    return _with_lines(connection, enterprise_id, connection.execute(query.order_by(agreement.c.number)).all())


def add_on_ids(connection: sa.Connection, enterprise_id: UUID, primary_ids: Iterable[UUID]) -> Sequence[UUID]:
    """Find the add-ons of agreements that run or will run."""
    query = sa.select(agreement.c.id).where(
        agreement.c.enterprise_id == enterprise_id,
        _is_any(agreement.c.primary_agreement_id, primary_ids),
        agreement.c.status.in_(LIVE_STATUSES),
    )
    return connection.scalars(query.order_by(agreement.c.id)).all()


def end_lines(connection: sa.Connection, enterprise_id: UUID, expired: Iterable[UUID]) -> None:
    """End the lines of expired agreements; nothing of them is due any more, only their end is still to be reported."""
    connection.execute(
        sa.update(agreement_line)
        .where(
            agreement_line.c.enterprise_id == enterprise_id,
            _is_any(agreement_line.c.agreement_id, expired),
            agreement_line.c.state == LIVE,
        )
        .values(
            state=ENDED_LINE,
            due_date=None,
            next_bill_date=sa.case((sa.text("remaining_cycles = 0"), agreement_line.c.next_bill_date)),
        )
    )


def end_terms(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID], day: date) -> None:
    """End the lines of agreements whose own term is over."""
    connection.execute(
        sa.update(agreement_line)
        .where(
            agreement_line.c.enterprise_id == enterprise_id,
            _is_any(agreement_line.c.agreement_id, agreement_ids),
            sa.text("state = 'live' AND remaining_cycles = 0"),
            agreement_line.c.term_end_date <= day,
        )
        .values(state=ENDED_LINE)
    )


def save_plans(connection: sa.Connection, enterprise_id: UUID, lines: Sequence[AgreementLine]) -> None:
    """Write when lines are due, and of the fees of suspensions all that says when they bill."""
    fees = [line for line in lines if line.suspension_id is not None]
    due_dates = {line.id: line.due_date for line in lines if line.suspension_id is None}
    if due_dates:
        save_due_dates(connection, enterprise_id, due_dates)
    if fees:
        names = ("schedule", "anchor_day", "next_bill_date", "due_date", "remaining_cycles", "final_date", "state")
        connection.execute(
            sa.update(agreement_line)
            .where(agreement_line.c.enterprise_id == sa.bindparam("e"), agreement_line.c.id == sa.bindparam("l"))
            .values({name: sa.bindparam(f"new_{name}") for name in names}),
            [
                {"e": enterprise_id, "l": line.id, **{f"new_{name}": _line_values(line)[name] for name in names}}
                for line in fees
            ],
        )


def save_obligations(connection: sa.Connection, enterprise_id: UUID, ends: Mapping[UUID, date]) -> None:
    """Write the last days of obligations."""
    if ends:
        connection.execute(
            sa.update(agreement)
            .where(agreement.c.enterprise_id == sa.bindparam("e"), agreement.c.id == sa.bindparam("a"))
            .values(obligation_end_date=sa.bindparam("day")),
            [{"e": enterprise_id, "a": agreement_id, "day": day} for agreement_id, day in ends.items()],
        )


def save_due_dates(connection: sa.Connection, enterprise_id: UUID, due_dates: Mapping[UUID, date | None]) -> None:
    """Write when lines are due."""
    connection.execute(
        sa.update(agreement_line)
        .where(agreement_line.c.enterprise_id == sa.bindparam("e"), agreement_line.c.id == sa.bindparam("l"))
        .values(due_date=sa.bindparam("d")),
        [{"e": enterprise_id, "l": line_id, "d": due_date} for line_id, due_date in due_dates.items()],
    )


def read_line(row: "sa.Row[Any]") -> AgreementLine:
    """Read a line; one that no run lists any more has the end of its term for its next date."""
    values = {name: getattr(row, name) for name in _LINE_COLUMNS}
    values["next_bill_date"] = row.next_bill_date or row.term_end_date or date.max
    list_price = None if row.list_price_minor is None else Money(row.list_price_minor, row.currency)
    return AgreementLine(
        schedule=stored_schedule(row.schedule, row.anchor_day),
        price=Money(row.price_minor, row.currency),
        list_price=list_price,
        taxes=tuple(Tax(one["name"], Decimal(one["percent"])) for one in row.taxes),
        **values,
    )


def _line_values(line: AgreementLine) -> dict[str, object]:
    return {
        **{name: getattr(line, name) for name in _LINE_COLUMNS},
        "price_minor": line.price.amount_minor,
        "currency": line.price.currency,
        "list_price_minor": line.list_price.amount_minor if line.list_price else None,
        "schedule": line.schedule.name,
        "anchor_day": line.schedule.anchor_day,
        "taxes": [{"name": one.name, "percent": str(one.percent)} for one in line.taxes],
    }


def _agreements(enterprise_id: UUID) -> "sa.Select[Any]":
    return sa.select(agreement).where(agreement.c.enterprise_id == enterprise_id)


def _lock(connection: sa.Connection, enterprise_id: UUID, query: "sa.Select[Any]") -> Sequence[Agreement]:
    rows = connection.execute(query.order_by(agreement.c.id).with_for_update()).all()
    return _with_lines(connection, enterprise_id, rows, for_update=True)


def _with_lines(
    connection: sa.Connection, enterprise_id: UUID, rows: "Sequence[sa.Row[Any]]", *, for_update: bool = False
) -> Sequence[Agreement]:
    """Read the lines of agreements, in the order they were sold in: the required bundle first."""
    query = sa.select(agreement_line).where(
        agreement_line.c.enterprise_id == enterprise_id,
        _is_any(agreement_line.c.agreement_id, [row.id for row in rows]),
    )
    query = query.order_by(
        agreement_line.c.is_required.desc(), agreement_line.c.is_key_item.desc(), agreement_line.c.id
    )
    if for_update:
        query = query.with_for_update()
    lines: dict[UUID, list[AgreementLine]] = defaultdict(list)
    for row in connection.execute(query) if rows else ():
        lines[row.agreement_id].append(read_line(row))
    return [
        Agreement(**{name: getattr(row, name) for name in _AGREEMENT_COLUMNS}, lines=tuple(within_term(lines[row.id])))
        for row in rows
    ]


def _is_any(column: "sa.ColumnElement[Any]", ids: Iterable[UUID]) -> "sa.ColumnElement[bool]":
    return column == sa.any_(sa.cast(list(ids), ARRAY(PG_UUID)))
