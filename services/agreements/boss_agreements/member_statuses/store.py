"""SQL of what people have signed."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import AGREEMENT_TYPES, EXPIRED
from boss_agreements.agreements.tables import agreement, agreement_line
from boss_agreements.member_statuses.rules import Signed

TABLES = sa.MetaData()

purchase = sa.Table(
    "purchase",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, primary_key=True),
    sa.Column("first_date", sa.Date, nullable=False),
)

_MEMBERSHIP = AGREEMENT_TYPES[0]


def signed_by(
    connection: sa.Connection, enterprise_id: UUID, member_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[Signed]]:
    """Read what members have signed, add-ons on their own names too; what was rewritten counts as its successor.

    Of an imported agreement, which has no definition, the type says whether its owner qualifies.
    """
    line = agreement_line.c
    term_end = (
        sa.select(sa.func.max(line.term_end_date))
        .where(line.enterprise_id == agreement.c.enterprise_id, line.agreement_id == agreement.c.id)
        .scalar_subquery()
    )
    qualifies = sa.and_(
        agreement.c.qualifies_member,
        sa.or_(agreement.c.definition_id.is_not(None), agreement.c.agreement_type == _MEMBERSHIP),
    )
    query = sa.select(
        agreement.c.member_id,
        agreement.c.number,
        agreement.c.display_name,
        agreement.c.status,
        agreement.c.cancel_date,
        qualifies.label("qualifies"),
        term_end.label("term_end"),
    ).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.member_id == sa.any_(sa.cast(list(member_ids), ARRAY(PG_UUID))),
        agreement.c.rewritten_to_id.is_(None),
    )
    found: dict[UUID, list[Signed]] = defaultdict(list)
    for row in connection.execute(query):
        last_day = row.cancel_date
        if row.status == EXPIRED and row.term_end is not None:
            last_day = row.term_end - timedelta(days=1)
        found[row.member_id].append(Signed(row.number, row.display_name, row.status, row.qualifies, last_day))
    return found


def add_purchases(connection: sa.Connection, bought: Sequence[tuple[UUID, UUID, date]]) -> None:
    """Keep which accounts of which enterprises bought something; the first time counts."""
    if bought:
        rows = [{"enterprise_id": one, "account_id": account, "first_date": day} for one, account, day in bought]
        connection.execute(insert(purchase).values(rows).on_conflict_do_nothing())


def buyers(connection: sa.Connection, enterprise_id: UUID, account_ids: Collection[UUID]) -> Mapping[UUID, date]:
    """Read which accounts bought something outside an agreement, and when first."""
    query = sa.select(purchase.c.account_id, purchase.c.first_date).where(
        purchase.c.enterprise_id == enterprise_id,
        purchase.c.account_id == sa.any_(sa.cast(list(account_ids), ARRAY(PG_UUID))),
    )
    return {row.account_id: row.first_date for row in connection.execute(query)}
