"""SQL of the agreements that suspensions cover."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.tables import agreement
from boss_agreements.suspensions.rules import PENDING, Window
from boss_agreements.suspensions.tables import suspended_agreement


@dataclass(frozen=True)
class SuspendedAgreement:
    """An agreement that a suspension covers; its status goes its own way where the agreement is over first."""

    enterprise_id: UUID
    suspension_id: UUID
    agreement_id: UUID
    business_unit_id: UUID
    account_id: UUID
    type: str
    status: str
    start_date: date
    end_date: date | None
    stop_billing: bool
    prevent_activity_use: bool
    extend_availability: bool
    extend_obligation: bool
    obligation_days: int = 0

    @property
    def window(self) -> Window:
        """Its suspended days."""
        return Window(self.start_date, self.end_date)


_COLUMNS = [column.name for column in suspended_agreement.columns]
_CHANGING = ("status", "start_date", "end_date", "obligation_days")


def add_parts(connection: sa.Connection, parts: Sequence[SuspendedAgreement]) -> None:
    """Add the agreements that a suspension covers."""
    if parts:
        connection.execute(
            sa.insert(suspended_agreement), [{name: getattr(one, name) for name in _COLUMNS} for one in parts]
        )


def parts_of(
    connection: sa.Connection, enterprise_id: UUID, suspension_ids: Iterable[UUID]
) -> Sequence[SuspendedAgreement]:
    """Read the agreements that suspensions cover."""
    return _parts(connection, enterprise_id, _is_any(suspended_agreement.c.suspension_id, suspension_ids))


def of_agreements(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]
) -> Mapping[UUID, Sequence[SuspendedAgreement]]:
    """Read what suspends agreements, by agreement, oldest first."""
    found: dict[UUID, list[SuspendedAgreement]] = defaultdict(list)
    for one in _parts(connection, enterprise_id, _is_any(suspended_agreement.c.agreement_id, agreement_ids)):
        found[one.agreement_id].append(one)
    return found


def save_parts(connection: sa.Connection, changed: Sequence[SuspendedAgreement]) -> None:
    """Write what of a covered agreement may change."""
    if changed:
        part = suspended_agreement.c
        connection.execute(
            sa.update(suspended_agreement)
            .where(
                part.enterprise_id == sa.bindparam("e"),
                part.suspension_id == sa.bindparam("s"),
                part.agreement_id == sa.bindparam("a"),
            )
            .values({name: sa.bindparam(f"new_{name}") for name in _CHANGING}),
            [
                {
                    "e": one.enterprise_id,
                    "s": one.suspension_id,
                    "a": one.agreement_id,
                    **{f"new_{name}": getattr(one, name) for name in _CHANGING},
                }
                for one in changed
            ],
        )


def covered_ids(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    member_id: UUID | None,
    account_id: UUID | None,
    statuses: Sequence[str],
) -> Sequence[UUID]:
    """Find the agreements of a unit that a member owns, or that are billed to an account, in some statuses."""
    owner = agreement.c.account_id == account_id if member_id is None else agreement.c.member_id == member_id
    query = sa.select(agreement.c.id).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.business_unit_id == unit_id,
        owner,
        agreement.c.status.in_(statuses),
    )
    return connection.scalars(query.order_by(agreement.c.id)).all()


def mark_pending(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]) -> None:
    """Write which agreements have a suspension to come (SPEC AGR-4)."""
    part = suspended_agreement.c
    pending = sa.exists().where(
        part.enterprise_id == agreement.c.enterprise_id, part.agreement_id == agreement.c.id, part.status == PENDING
    )
    connection.execute(
        sa.update(agreement)
        .where(
            agreement.c.enterprise_id == enterprise_id,
            _is_any(agreement.c.id, agreement_ids),
            agreement.c.pending_suspension != pending,
        )
        .values(pending_suspension=pending)
    )


def _parts(
    connection: sa.Connection, enterprise_id: UUID, which: "sa.ColumnElement[bool]"
) -> Sequence[SuspendedAgreement]:
    query = sa.select(suspended_agreement).where(suspended_agreement.c.enterprise_id == enterprise_id, which)
    part = suspended_agreement.c
    rows = connection.execute(query.order_by(part.start_date, part.suspension_id, part.agreement_id))
    return [SuspendedAgreement(**{name: getattr(row, name) for name in _COLUMNS}) for row in rows]


def _is_any(column: "sa.ColumnElement[Any]", ids: Iterable[UUID]) -> "sa.ColumnElement[bool]":
    return column == sa.any_(sa.cast(list(ids), ARRAY(PG_UUID)))
