"""SQL of suspensions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import compress
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.suspensions.rules import (
    MEMBER,
    PENDING,
    RESCINDED,
    RUNNING,
    STOP_BILLING,
    Effects,
    SuspensionFee,
    Window,
    union,
)
from boss_agreements.suspensions.tables import suspended_agreement, suspension
from boss_kit.context import Actor
from boss_kit.money import Money


@dataclass(frozen=True)
class Suspension:
    """A suspension as it was asked for; `agreement_id` or `member_id` say of what, else it is of the account."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    applied_to: str
    agreement_id: UUID | None
    member_id: UUID | None
    account_id: UUID
    type: str
    reason_id: UUID | None
    reason: str
    effects: Effects
    comments: str
    status: str
    start_date: date
    end_date: date | None
    received_date: date
    entered_by: str
    actor: str
    create_time: datetime
    exception_reason: str = ""
    exception_value: str = ""
    exception_comments: str = ""
    adjustment_reason: str = ""
    adjustment_credit_date: date | None = None

    @property
    def window(self) -> Window:
        """Its suspended days."""
        return Window(self.start_date, self.end_date)

    @property
    def approved_by(self) -> str:
        """Who approved it, where somebody did."""
        approver = Actor.from_json(self.actor).approver
        return approver.user if approver else ""


# Active ones first (SPEC SUS-3), then those to come, then the past.
_RANK = sa.case({RUNNING: 0, PENDING: 1}, value=suspension.c.status, else_=2)
_PLAIN = (
    *("id", "enterprise_id", "business_unit_id", "applied_to", "agreement_id", "member_id", "account_id", "type"),
    *("reason_id", "reason", "comments", "status", "start_date", "end_date", "entered_by", "actor", "create_time"),
    *("exception_reason", "exception_value", "exception_comments", "adjustment_reason", "adjustment_credit_date"),
)
_EFFECTS = ("stop_billing", "prevent_activity_use", "extend_availability", "extend_obligation")


def add(connection: sa.Connection, new: Suspension) -> None:
    """Add a suspension."""
    values = {name: getattr(new, name) for name in _PLAIN}
    values |= {name: getattr(new.effects, name) for name in _EFFECTS}
    values |= {
        "received_date": new.received_date,
        "freeze_charge": _write_fee(new.effects.freeze_charge),
        "recurring_charge": _write_fee(new.effects.recurring_charge),
    }
    connection.execute(sa.insert(suspension).values(values))


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, suspension_id: UUID) -> Suspension | None:
    """Read a suspension of a unit."""
    query = _suspensions(enterprise_id).where(
        suspension.c.business_unit_id == unit_id, suspension.c.id == suspension_id
    )
    row = connection.execute(query).one_or_none()
    return _read(row) if row else None


def lock(connection: sa.Connection, enterprise_id: UUID, suspension_ids: Iterable[UUID]) -> Sequence[Suspension]:
    """Read suspensions, oldest first, and keep others from changing them; lock their agreements before."""
    query = _suspensions(enterprise_id).where(_is_any(suspension.c.id, suspension_ids))
    rows = connection.execute(query.order_by(suspension.c.start_date, suspension.c.id).with_for_update())
    return [_read(row) for row in rows]


def same_target(connection: sa.Connection, new: Suspension) -> Sequence[Suspension]:
    """Read the other suspensions that were asked for the same agreement, member or account."""
    query = _suspensions(new.enterprise_id).where(
        suspension.c.applied_to == new.applied_to, suspension.c.id != new.id, suspension.c.status != RESCINDED
    )
    if new.agreement_id is not None:
        query = query.where(suspension.c.agreement_id == new.agreement_id)
    elif new.member_id is not None:
        query = query.where(suspension.c.member_id == new.member_id)
    else:
        query = query.where(suspension.c.account_id == new.account_id)
    return [_read(row) for row in connection.execute(query.order_by(suspension.c.start_date, suspension.c.id))]


def due_on(connection: sa.Connection, enterprise_id: UUID, day: date, limit: int) -> Sequence[Suspension]:
    """Find suspensions that begin or end by a day and haven't yet, oldest first."""
    begins = sa.and_(suspension.c.status == PENDING, suspension.c.start_date <= day)
    ends = sa.and_(suspension.c.status == RUNNING, suspension.c.end_date <= day)
    query = _suspensions(enterprise_id).where(sa.text("status IN ('pending', 'active')"), sa.or_(begins, ends))
    return [
        _read(row) for row in connection.execute(query.order_by(suspension.c.start_date, suspension.c.id).limit(limit))
    ]


def save(connection: sa.Connection, changed: Sequence[Suspension]) -> None:
    """Write what of a suspension may change: status, days and comments."""
    if changed:
        connection.execute(
            sa.update(suspension)
            .where(suspension.c.enterprise_id == sa.bindparam("e"), suspension.c.id == sa.bindparam("s"))
            .values({name: sa.bindparam(f"new_{name}") for name in _CHANGING}),
            [
                {"e": one.enterprise_id, "s": one.id, **{f"new_{name}": getattr(one, name) for name in _CHANGING}}
                for one in changed
            ],
        )


def windows_of(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID], effect: str = STOP_BILLING
) -> Mapping[UUID, Sequence[Window]]:
    """Read the joined windows that have an effect, by agreement; those rescinded count for nothing."""
    part = suspended_agreement.c
    query = sa.select(part.agreement_id.label("owner_id"), part.start_date, part.end_date).where(
        part.enterprise_id == enterprise_id,
        _is_any(part.agreement_id, agreement_ids),
        part.status != RESCINDED,
        part[effect],
    )
    return _joined(connection.execute(query))


def windows_by_effect(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[str], effects: Sequence[str]
) -> Mapping[str, Mapping[str, Sequence[Window]]]:
    """Read the joined windows that have one of some effects, by the effect and the text of the agreement's id."""
    part = suspended_agreement.c
    query = sa.select(part.agreement_id, part.start_date, part.end_date, *(part[effect] for effect in effects)).where(
        part.enterprise_id == enterprise_id, _is_any(part.agreement_id, agreement_ids), part.status != RESCINDED
    )
    found: dict[str, dict[str, list[Window]]] = {effect: defaultdict(list) for effect in effects}
    for agreement_id, start, end, *has in connection.execute(query):
        for effect in compress(effects, has):
            found[effect][str(agreement_id)].append(Window(start, end))
    return {effect: {one: union(windows) for one, windows in of.items()} for effect, of in found.items()}


def windows_of_members(
    connection: sa.Connection, enterprise_id: UUID, member_ids: Iterable[UUID], effect: str
) -> Mapping[UUID, Sequence[Window]]:
    """Read the joined windows of suspensions of whole members that have an effect, by member."""
    query = sa.select(suspension.c.member_id.label("owner_id"), suspension.c.start_date, suspension.c.end_date).where(
        suspension.c.enterprise_id == enterprise_id,
        suspension.c.applied_to == MEMBER,
        _is_any(suspension.c.member_id, member_ids),
        suspension.c.status != RESCINDED,
        suspension.c[effect],
    )
    return _joined(connection.execute(query))


def active_types(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]
) -> Mapping[UUID, frozenset[str]]:
    """Read which types of suspension run now, by agreement."""
    part = suspended_agreement.c
    query = sa.select(part.agreement_id, part.type).where(
        part.enterprise_id == enterprise_id, _is_any(part.agreement_id, agreement_ids), part.status == RUNNING
    )
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in connection.execute(query):
        found[row.agreement_id].add(row.type)
    return {agreement_id: frozenset(types) for agreement_id, types in found.items()}


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID | None,
    agreement_id: UUID | None,
    member_id: UUID | None,
    after: tuple[int, date, UUID] | None,
    limit: int,
) -> Sequence[Suspension]:
    """Read suspensions, active ones first: all that cover an agreement, or a member and the member's agreements."""
    query = _suspensions(enterprise_id)
    if unit_id is not None:
        query = query.where(suspension.c.business_unit_id == unit_id)
    if agreement_id is not None:
        part = suspended_agreement.c
        covering = sa.select(part.suspension_id).where(
            part.enterprise_id == enterprise_id, part.agreement_id == agreement_id
        )
        query = query.where(suspension.c.id.in_(covering))
    if member_id is not None:
        query = query.where(suspension.c.member_id == member_id)
    if after is not None:
        query = query.where(sa.tuple_(_RANK, suspension.c.start_date, suspension.c.id) > sa.tuple_(*after))
    return [
        _read(row)
        for row in connection.execute(query.order_by(_RANK, suspension.c.start_date, suspension.c.id).limit(limit))
    ]


def rank(status: str) -> int:
    """Tell where a status stands in the lists."""
    return {RUNNING: 0, PENDING: 1}.get(status, 2)


_CHANGING = ("status", "start_date", "end_date", "comments")


def _joined(rows: "Iterable[sa.Row[Any]]") -> Mapping[UUID, Sequence[Window]]:
    found: dict[UUID, list[Window]] = defaultdict(list)
    for row in rows:
        found[row.owner_id].append(Window(row.start_date, row.end_date))
    return {owner_id: union(windows) for owner_id, windows in found.items()}


def _suspensions(enterprise_id: UUID) -> "sa.Select[Any]":
    return sa.select(suspension).where(suspension.c.enterprise_id == enterprise_id)


def _read(row: "sa.Row[Any]") -> Suspension:
    effects = Effects(
        **{name: getattr(row, name) for name in _EFFECTS},
        freeze_charge=_read_fee(row.freeze_charge),
        recurring_charge=_read_fee(row.recurring_charge),
    )
    plain = {name: getattr(row, name) for name in _PLAIN}
    # An imported one was received when it was entered.
    return Suspension(**plain, effects=effects, received_date=row.received_date or row.create_time.date())


def _write_fee(fee: SuspensionFee | None) -> dict[str, object] | None:
    if fee is None:
        return None
    return {
        "item_id": str(fee.item_id) if fee.item_id else None,
        "item": fee.item,
        "item_category": fee.item_category,
        "price_minor": fee.price.amount_minor,
        "currency": fee.price.currency,
        "taxes": [{"name": name, "percent": str(percent)} for name, percent in fee.taxes],
    }


def _read_fee(values: Mapping[str, Any] | None) -> SuspensionFee | None:
    if values is None:
        return None
    return SuspensionFee(
        UUID(values["item_id"]) if values["item_id"] else None,
        values["item"],
        values["item_category"],
        Money(values["price_minor"], values["currency"]),
        tuple((one["name"], Decimal(one["percent"])) for one in values["taxes"]),
    )


def _is_any(column: "sa.ColumnElement[Any]", ids: Iterable[UUID] | Iterable[str]) -> "sa.ColumnElement[bool]":
    return column == sa.any_(sa.cast(list(ids), ARRAY(PG_UUID)))
